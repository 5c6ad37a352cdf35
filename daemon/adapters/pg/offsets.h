/* The offsets of a batch: the fence at the beginning of its transaction, and how they move at its end. */
#ifndef KPID_ADAPTERS_PG_OFFSETS_H
#define KPID_ADAPTERS_PG_OFFSETS_H

#include "adapters/pg/session.h"
#include "adapters/pg/writer.h"

/* Both send nothing for a batch without sources. fn: fewer rows, found or touched, than the batch has sources mean that
 * somebody else owns one. */
void pg_offsets_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context);
void pg_offsets_move(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context);

#endif
