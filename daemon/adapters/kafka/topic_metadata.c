#include "adapters/kafka/topic_metadata.h"

rd_kafka_resp_err_t kafka_topic_metadata(rd_kafka_t *rk, const char *topic, int timeout_ms,
                                         const struct rd_kafka_metadata **metadata_out)
{
	rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
	if (handle == NULL)
		return rd_kafka_last_error();
	rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, handle, metadata_out, timeout_ms);
	rd_kafka_topic_destroy(handle);
	return error;
}
