#include "app/observations.h"

#include "kpid/core/batch.h"
#include "kpid/core/timestamp.h"

void observations_start(struct observations *observations)
{
	static const unsigned types[SOURCE_OBSERVED_N_PARAMS] = {[SOURCE_OBSERVED_PARAM_SOURCE_NOS] = PG_OID_INT4,
	                                                         [SOURCE_OBSERVED_PARAM_EPOCHS] = PG_OID_INT8,
	                                                         [SOURCE_OBSERVED_PARAM_NEXT_OFFSETS] = PG_OID_INT8,
	                                                         [SOURCE_OBSERVED_PARAM_AT_END] = PG_OID_TIMESTAMPTZ,
	                                                         [SOURCE_OBSERVED_PARAM_HIGH_OFFSETS] = PG_OID_INT8,
	                                                         [SOURCE_OBSERVED_PARAM_READ_TO] = PG_OID_INT8,
	                                                         [SOURCE_OBSERVED_PARAM_RECENTLY_SEEN] = PG_OID_BOOL,
	                                                         [SOURCE_OBSERVED_PARAM_HELD] = PG_OID_BOOL,
	                                                         [SOURCE_OBSERVED_PARAM_ASKED_AT] = PG_OID_TIMESTAMPTZ,
	                                                         [SOURCE_OBSERVED_PARAM_HEARTBEAT_NOS] = PG_OID_INT8};
	*observations = (struct observations){{{.n = 0}}};
	pg_arrays_start(observations->arrays, types, SOURCE_OBSERVED_N_PARAMS);
}

void observations_add(struct observations *observations, const struct observation *observation)
{
	pg_array_int4(&observations->arrays[SOURCE_OBSERVED_PARAM_SOURCE_NOS], observation->source_no);
	pg_array_int8(&observations->arrays[SOURCE_OBSERVED_PARAM_EPOCHS], observation->epoch, false);
	pg_array_int8(&observations->arrays[SOURCE_OBSERVED_PARAM_NEXT_OFFSETS], observation->next_offset,
	              observation->next_offset == OFFSET_NONE);
	pg_array_time(&observations->arrays[SOURCE_OBSERVED_PARAM_AT_END], observation->at_end_us);
	pg_array_int8(&observations->arrays[SOURCE_OBSERVED_PARAM_HIGH_OFFSETS], observation->high_offset, false);
	pg_array_int8(&observations->arrays[SOURCE_OBSERVED_PARAM_READ_TO], observation->read_to,
	              observation->read_to == OFFSET_NONE);
	pg_array_bool(&observations->arrays[SOURCE_OBSERVED_PARAM_RECENTLY_SEEN], observation->recently_seen);
	pg_array_bool(&observations->arrays[SOURCE_OBSERVED_PARAM_HELD], observation->held);
	pg_array_time(&observations->arrays[SOURCE_OBSERVED_PARAM_ASKED_AT], observation->asked_us);
	pg_array_int8(&observations->arrays[SOURCE_OBSERVED_PARAM_HEARTBEAT_NOS], observation->heartbeat_no,
	              observation->heartbeat_no == 0);
}

size_t observations_count(const struct observations *observations)
{
	return observations->arrays[SOURCE_OBSERVED_PARAM_SOURCE_NOS].n;
}

void observations_send(struct observations *observations, struct pg_session *session, pg_result_fn written,
                       void *context)
{
	if (observations_count(observations) > 0)
		pg_arrays_query(session, "queries/source_observed.sql", observations->arrays, SOURCE_OBSERVED_N_PARAMS,
		                written, context);
	pg_arrays_release(observations->arrays, SOURCE_OBSERVED_N_PARAMS);
}
