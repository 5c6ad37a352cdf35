#include "app/completeness.h"

#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "kpid/base/memory.h"

enum { COLUMN_SOURCE_NO = 2, COLUMN_UNTIL = 3, COLUMN_HEARD = 4 };

void completeness_release(struct completeness *completeness)
{
	free(completeness->items);
	*completeness = (struct completeness){NULL, 0, 0};
}

void completeness_update(struct completeness *completeness, const PGresult *result)
{
	completeness->n = 0;
	for (int row = 0; row < PQntuples(result); row++) {
		if (PQgetisnull(result, row, COLUMN_SOURCE_NO))
			continue;
		completeness->items = mem_grow(completeness->items, &completeness->capacity, completeness->n + 1,
		                               sizeof(*completeness->items));
		completeness->items[completeness->n++] = (struct completeness_item){
		        .source_no = pg_get_int4(result, row, COLUMN_SOURCE_NO),
		        .until_us = pg_get_time(result, row, COLUMN_UNTIL),
		        .heard = pg_get_bool(result, row, COLUMN_HEARD),
		};
	}
}

int64_t completeness_least(const struct completeness *completeness, bool of_heard_only)
{
	int64_t least_us = TIME_FOR_EVER;
	for (size_t i = 0; i < completeness->n; i++)
		if ((completeness->items[i].heard || !of_heard_only) && completeness->items[i].until_us < least_us)
			least_us = completeness->items[i].until_us;
	return least_us;
}
