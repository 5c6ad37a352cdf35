/* How far each source is complete, as the database has it: every event of the source that happened before that
 * instant has been read and committed (DESIGN, Event time decides). */
#ifndef KPID_APP_COMPLETENESS_H
#define KPID_APP_COMPLETENESS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct completeness_item {
	int32_t source_no;
	int64_t until_us; /* TIME_NONE: nothing is known of it yet */
	bool heard;       /* not silent for too long */
};

struct completeness {
	struct completeness_item *items; /* sources that are not finished */
	size_t n, capacity;
};

void completeness_release(struct completeness *completeness);
/* From a result of queries/tick.sql. */
void completeness_update(struct completeness *completeness, const PGresult *result);
/* The least of all, or of those that were heard of; TIME_FOR_EVER where there are none. */
int64_t completeness_least(const struct completeness *completeness, bool of_heard_only);

#endif
