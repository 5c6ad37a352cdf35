/* What is seen of partitions without reading them, as queries/source_seen.sql writes it down: by their owners, and for
 * those whose owner has died. */
#ifndef KPID_APP_SEEN_H
#define KPID_APP_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"

enum { SEEN_PARAMS = 8 };

/* Of one partition. */
struct seen_source {
	int32_t source_no;
	int64_t epoch, next_offset; /* as the database has them: if it has not, nothing is written; OFFSET_NONE */
	int64_t at_end_us;          /* when it was seen at its end; TIME_NONE: it was not */
	int64_t high_offset;        /* where it ends */
	int64_t read_to;            /* see source_read_to() */
	bool heard;                 /* at its end, or waiting its turn behind others */
	bool held;                  /* an open transaction keeps the rest from being read */
};

struct seen {
	struct pg_array arrays[SEEN_PARAMS];
};

void seen_start(struct seen *seen);
void seen_add(struct seen *seen, const struct seen_source *source);
size_t seen_count(const struct seen *seen);
/* Sends it, and releases it. The session is ready. */
void seen_send(struct seen *seen, struct pg_session *session, pg_result_fn written, pg_result_fn end, void *context);

#endif
