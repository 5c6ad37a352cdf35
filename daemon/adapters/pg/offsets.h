/* The offsets of a batch: the fence at the begin of its transaction, and the move at its end. */
#ifndef KPID_ADAPTERS_PG_OFFSETS_H
#define KPID_ADAPTERS_PG_OFFSETS_H

#include "adapters/pg/session.h"
#include "adapters/pg/writer.h"

/* Both send nothing for a batch without sources. If fn gets fewer rows, or fewer affected rows, than the batch has
 * sources, another instance owns one of them. */
void pg_offsets_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context);
void pg_offsets_move(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context);

#endif
