#include "adapters/pg/offsets.h"

#include "adapters/pg/rows.h"

void pg_offsets_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context)
{
	struct pg_array keys[3] = {0};
	struct pg_param params[3];
	if (batch->n_sources == 0)
		return;
	pg_array_start(&keys[0], PG_OID_INT4);
	pg_array_start(&keys[1], PG_OID_INT8);
	pg_array_start(&keys[2], PG_OID_INT8);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *source = &batch->sources[i];
		pg_array_int4(&keys[0], source->source_no);
		pg_array_int8(&keys[1], source->epoch, false);
		pg_array_int8(&keys[2], source->begin_offset, source->begin_offset == OFFSET_NONE);
	}
	for (int i = 0; i < 3; i++)
		params[i] = pg_array_param(&keys[i]);
	pg_session_query(session, "queries/offset_lock.sql", params, 3, fn, context);
	for (int i = 0; i < 3; i++)
		pg_array_release(&keys[i]);
}

void pg_offsets_move(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context)
{
	enum { N_PARAMS = 16 };
	const struct batch *batch = order->batch;
	struct pg_array arrays[N_PARAMS] = {0};
	struct pg_param params[N_PARAMS];
	if (batch->n_sources == 0)
		return;
	for (int i = 0; i < N_PARAMS; i++)
		pg_array_start(&arrays[i], i == 0             ? PG_OID_INT4
		                           : i == 6 || i == 7 ? PG_OID_TIMESTAMPTZ
		                           : i == 15          ? PG_OID_TEXT
		                                              : PG_OID_INT8);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *source = &batch->sources[i];
		pg_array_int4(&arrays[0], source->source_no);
		pg_array_int8(&arrays[1], source->epoch, false);
		pg_array_int8(&arrays[2], source->begin_offset, source->begin_offset == OFFSET_NONE);
		pg_array_int8(&arrays[3], source->next_offset, source->next_offset == OFFSET_NONE);
		pg_array_int8(&arrays[4], source->fingerprint, false);
		pg_array_int8(&arrays[5], source->high_offset, source->high_offset < 0);
		pg_array_time(&arrays[6], batch_source_complete_until(source, order->now_us));
		pg_array_time(&arrays[7], source->last_event_us);
		pg_array_int8(&arrays[8], source->n_messages, false);
		pg_array_int8(&arrays[9], source->n_duplicates, false);
		pg_array_int8(&arrays[10], source->n_tombstones, false);
		pg_array_int8(&arrays[11], source->n_unknown_type, false);
		pg_array_int8(&arrays[12], source->n_dead_letters + source->n_too_many, false);
		pg_array_int8(&arrays[13], source->checked.offset, source->checked.offset == OFFSET_NONE);
		pg_array_int8(&arrays[14], source->checked.fingerprint, source->checked.offset == OFFSET_NONE);
		pg_array_text(&arrays[15], source->unknown_type);
	}
	for (int i = 0; i < N_PARAMS; i++)
		params[i] = pg_array_param(&arrays[i]);
	pg_session_query(session, "queries/offset_move.sql", params, N_PARAMS, fn, context);
	for (int i = 0; i < N_PARAMS; i++)
		pg_array_release(&arrays[i]);
}
