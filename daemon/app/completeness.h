/* The event-time watermark of each source, as stored in the database: every event of the source that happened before
 * it has been read and committed (rules W). */
#ifndef KPID_APP_COMPLETENESS_H
#define KPID_APP_COMPLETENESS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct completeness_item {
	int32_t source_no;
	int64_t until_us;   /* TIME_NONE: not known yet */
	bool recently_seen; /* within sla.max_silence */
};

struct completeness {
	struct completeness_item *items; /* all sources that are not finished */
	size_t n, capacity;
};

void completeness_release(struct completeness *completeness);
/* Reads a result of queries/tick.sql. */
void completeness_update(struct completeness *completeness, const PGresult *result);
/* The minimum over all sources, or over the recently seen ones; TIME_FOR_EVER if there are none. */
int64_t completeness_least(const struct completeness *completeness, bool recently_seen_only);

#endif
