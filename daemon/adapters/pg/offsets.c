#include "adapters/pg/offsets.h"

#include "adapters/pg/rows.h"

void pg_offsets_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context)
{
	static const unsigned types[OFFSET_LOCK_N_PARAMS] = {[OFFSET_LOCK_PARAM_SOURCE_NOS] = PG_OID_INT4,
	                                                     [OFFSET_LOCK_PARAM_EPOCHS] = PG_OID_INT8,
	                                                     [OFFSET_LOCK_PARAM_BEGIN_OFFSETS] = PG_OID_INT8};
	struct pg_array arrays[OFFSET_LOCK_N_PARAMS] = {0};
	if (batch->n_sources == 0)
		return;
	pg_arrays_start(arrays, types, OFFSET_LOCK_N_PARAMS);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *source = &batch->sources[i];
		pg_array_int4(&arrays[OFFSET_LOCK_PARAM_SOURCE_NOS], source->source_no);
		pg_array_int8(&arrays[OFFSET_LOCK_PARAM_EPOCHS], source->epoch, false);
		pg_array_int8(&arrays[OFFSET_LOCK_PARAM_BEGIN_OFFSETS], source->begin_offset,
		              source->begin_offset == OFFSET_NONE);
	}
	pg_arrays_query(session, "queries/offset_lock.sql", arrays, OFFSET_LOCK_N_PARAMS, fn, context);
	pg_arrays_release(arrays, OFFSET_LOCK_N_PARAMS);
}

static void put_count(struct pg_array *arrays, enum offset_move_param param, int64_t n)
{
	pg_array_int8(&arrays[param], n, false);
}

static void put_offset(struct pg_array *arrays, enum offset_move_param param, int64_t offset)
{
	pg_array_int8(&arrays[param], offset, offset == OFFSET_NONE);
}

static void put_source(struct pg_array *arrays, const struct batch_source *source, int64_t now_us)
{
	bool has_checked = source->checked.offset != OFFSET_NONE;
	pg_array_int4(&arrays[OFFSET_MOVE_PARAM_SOURCE_NOS], source->source_no);
	pg_array_int8(&arrays[OFFSET_MOVE_PARAM_EPOCHS], source->epoch, false);
	put_offset(arrays, OFFSET_MOVE_PARAM_BEGIN_OFFSETS, source->begin_offset);
	put_offset(arrays, OFFSET_MOVE_PARAM_NEXT_OFFSETS, source->next_offset);
	pg_array_int8(&arrays[OFFSET_MOVE_PARAM_FINGERPRINTS], source->fingerprint, false);
	pg_array_int8(&arrays[OFFSET_MOVE_PARAM_HIGH_OFFSETS], source->high_offset, source->high_offset < 0);
	pg_array_time(&arrays[OFFSET_MOVE_PARAM_COMPLETE_UNTIL], batch_source_event_time_watermark(source, now_us));
	pg_array_time(&arrays[OFFSET_MOVE_PARAM_LAST_EVENT_AT], source->last_event_us);
	put_count(arrays, OFFSET_MOVE_PARAM_N_MESSAGES, source->n_messages);
	put_count(arrays, OFFSET_MOVE_PARAM_N_DUPLICATES, source->n_duplicates);
	put_count(arrays, OFFSET_MOVE_PARAM_N_TOMBSTONES, source->n_tombstones);
	put_count(arrays, OFFSET_MOVE_PARAM_N_UNKNOWN_TYPE, source->n_unknown_type);
	put_count(arrays, OFFSET_MOVE_PARAM_N_DEAD_LETTERS, source->n_dead_letters + source->n_too_many);
	put_count(arrays, OFFSET_MOVE_PARAM_N_PASSED_OVER, source->n_passed_over);
	put_offset(arrays, OFFSET_MOVE_PARAM_CHECKED_OFFSETS, source->checked.offset);
	pg_array_int8(&arrays[OFFSET_MOVE_PARAM_CHECKED_FINGERPRINTS], source->checked.fingerprint, !has_checked);
	pg_array_text(&arrays[OFFSET_MOVE_PARAM_UNKNOWN_TYPES], source->unknown_type);
	pg_array_time(&arrays[OFFSET_MOVE_PARAM_VOUCHED_UNTIL], source->vouched_until_us);
	pg_array_time(&arrays[OFFSET_MOVE_PARAM_ENDS_SEEN_AT], source->end_seen_us);
}

void pg_offsets_move(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context)
{
	static const unsigned types[OFFSET_MOVE_N_PARAMS] = {
	        [OFFSET_MOVE_PARAM_SOURCE_NOS] = PG_OID_INT4,
	        [OFFSET_MOVE_PARAM_EPOCHS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_BEGIN_OFFSETS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_NEXT_OFFSETS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_FINGERPRINTS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_HIGH_OFFSETS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_COMPLETE_UNTIL] = PG_OID_TIMESTAMPTZ,
	        [OFFSET_MOVE_PARAM_LAST_EVENT_AT] = PG_OID_TIMESTAMPTZ,
	        [OFFSET_MOVE_PARAM_N_MESSAGES] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_N_DUPLICATES] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_N_TOMBSTONES] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_N_UNKNOWN_TYPE] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_N_DEAD_LETTERS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_CHECKED_OFFSETS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_CHECKED_FINGERPRINTS] = PG_OID_INT8,
	        [OFFSET_MOVE_PARAM_UNKNOWN_TYPES] = PG_OID_TEXT,
	        [OFFSET_MOVE_PARAM_VOUCHED_UNTIL] = PG_OID_TIMESTAMPTZ,
	        [OFFSET_MOVE_PARAM_ENDS_SEEN_AT] = PG_OID_TIMESTAMPTZ,
	        [OFFSET_MOVE_PARAM_N_PASSED_OVER] = PG_OID_INT8,
	};
	struct pg_array arrays[OFFSET_MOVE_N_PARAMS] = {0};
	if (order->batch->n_sources == 0)
		return;
	pg_arrays_start(arrays, types, OFFSET_MOVE_N_PARAMS);
	for (size_t i = 0; i < order->batch->n_sources; i++)
		put_source(arrays, &order->batch->sources[i], order->now_us);
	pg_arrays_query(session, "queries/offset_move.sql", arrays, OFFSET_MOVE_N_PARAMS, fn, context);
	pg_arrays_release(arrays, OFFSET_MOVE_N_PARAMS);
}
