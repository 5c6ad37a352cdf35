#include "app/completeness.h"

#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "kpid/base/memory.h"

void completeness_release(struct completeness *completeness)
{
	free(completeness->items);
	*completeness = (struct completeness){NULL, 0, 0};
}

void completeness_update(struct completeness *completeness, const PGresult *result)
{
	completeness->n = 0;
	for (int row = 0; row < PQntuples(result); row++) {
		if (PQgetisnull(result, row, TICK_SOURCE_NO))
			continue;
		completeness->items = mem_grow(completeness->items, &completeness->capacity, completeness->n + 1,
		                               sizeof(*completeness->items));
		completeness->items[completeness->n++] = (struct completeness_item){
		        .source_no = pg_get_int4(result, row, TICK_SOURCE_NO),
		        .until_us = pg_get_time(result, row, TICK_COMPLETE_UNTIL),
		        .recently_seen = pg_get_bool(result, row, TICK_RECENTLY_SEEN),
		};
	}
}

int64_t completeness_least(const struct completeness *completeness, bool recently_seen_only)
{
	int64_t least_us = TIME_FOR_EVER;
	for (size_t i = 0; i < completeness->n; i++)
		if ((completeness->items[i].recently_seen || !recently_seen_only) &&
		    completeness->items[i].until_us < least_us)
			least_us = completeness->items[i].until_us;
	return least_us;
}
