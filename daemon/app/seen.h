/* What is seen of partitions without reading them, as queries/source_seen.sql writes it down: by their owners, and for
 * those whose owner has died. */
#ifndef KPID_APP_SEEN_H
#define KPID_APP_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"

enum { SEEN_PARAMS = 6 };

struct seen {
	struct pg_array arrays[SEEN_PARAMS];
};

void seen_start(struct seen *seen);
/* As the partition was read: epoch, next_offset (or OFFSET_NONE). at_end_us: when it was seen at its end, or TIME_NONE.
 * heard: at its end, or waiting its turn behind others. */
void seen_add(struct seen *seen, int32_t source_no, int64_t epoch, int64_t next_offset, int64_t at_end_us,
              int64_t high_offset, bool heard);
size_t seen_count(const struct seen *seen);
/* Sends it, and releases it. The session is ready. */
void seen_send(struct seen *seen, struct pg_session *session, pg_result_fn written, pg_result_fn end, void *context);

#endif
