/* Asks the brokers for the partitions of one topic and their leaders. */
#ifndef KPID_ADAPTERS_KAFKA_TOPIC_METADATA_H
#define KPID_ADAPTERS_KAFKA_TOPIC_METADATA_H

#include <librdkafka/rdkafka.h>

/* Blocks for up to timeout_ms. On success the caller frees *metadata_out with rd_kafka_metadata_destroy(). */
rd_kafka_resp_err_t kafka_topic_metadata(rd_kafka_t *rk, const char *topic, int timeout_ms,
                                         const struct rd_kafka_metadata **metadata_out);

#endif
