#include "app/seen.h"

#include "kpid/core/batch.h"
#include "kpid/core/timestamp.h"

void seen_start(struct seen *seen)
{
	static const unsigned types[SEEN_PARAMS] = {PG_OID_INT4, PG_OID_INT8, PG_OID_INT8, PG_OID_TIMESTAMPTZ,
	                                            PG_OID_INT8, PG_OID_INT8, PG_OID_BOOL, PG_OID_BOOL};
	*seen = (struct seen){{{.n = 0}}};
	for (int i = 0; i < SEEN_PARAMS; i++)
		pg_array_start(&seen->arrays[i], types[i]);
}

void seen_add(struct seen *seen, const struct seen_source *source)
{
	pg_array_int4(&seen->arrays[0], source->source_no);
	pg_array_int8(&seen->arrays[1], source->epoch, false);
	pg_array_int8(&seen->arrays[2], source->next_offset, source->next_offset == OFFSET_NONE);
	pg_array_time(&seen->arrays[3], source->at_end_us);
	pg_array_int8(&seen->arrays[4], source->high_offset, false);
	pg_array_int8(&seen->arrays[5], source->read_to, source->read_to == OFFSET_NONE);
	pg_array_bool(&seen->arrays[6], source->heard);
	pg_array_bool(&seen->arrays[7], source->held);
}

size_t seen_count(const struct seen *seen)
{
	return seen->arrays[0].n;
}

void seen_send(struct seen *seen, struct pg_session *session, pg_result_fn written, pg_result_fn end, void *context)
{
	struct pg_param params[SEEN_PARAMS];
	for (int i = 0; i < SEEN_PARAMS; i++)
		params[i] = pg_array_param(&seen->arrays[i]);
	pg_session_query(session, "queries/source_seen.sql", params, SEEN_PARAMS, written, context);
	pg_session_sync(session, end, context);
	for (int i = 0; i < SEEN_PARAMS; i++)
		pg_array_release(&seen->arrays[i]);
}
