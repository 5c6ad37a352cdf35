/* librdkafka's configuration from the [kafka] section. */
#ifndef KPID_ADAPTERS_KAFKA_CONF_H
#define KPID_ADAPTERS_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>

#include "kpid/config.h"

/* Configurations of clients. librdkafka's messages go to the log. Each returns NULL if a property is wrong; the error
 * is already logged. The caller owns the result. */

/* For the member of the consumer group. */
rd_kafka_conf_t *kafka_conf_consumer(const struct kpid_config *config);
/* For a consumer outside the group that reads single messages. */
rd_kafka_conf_t *kafka_conf_reader(const struct kpid_config *config);
/* For a producer. Properties of consumers are left out. */
rd_kafka_conf_t *kafka_conf_producer(const struct config_pairs *pairs);
/* For a producer of records whose senders wait: see kafka_record_producer_new(). */
rd_kafka_conf_t *kafka_conf_record_producer(const struct config_pairs *pairs, int64_t queue_bytes, int ack_ms);
/* For a consumer that only asks where partitions end: at the high watermark, which includes open transactions. */
rd_kafka_conf_t *kafka_conf_probe(const struct config_pairs *pairs);
/* For asking up to where the consumer may read: to the first open transaction, unless isolation.level is
 * read_uncommitted. */
rd_kafka_conf_t *kafka_conf_stable(const struct config_pairs *pairs);
/* Creates a client and takes ownership of conf. Returns NULL on error, or if conf is NULL; the error is already logged.
 */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* A known reason why a login with the right password is refused, and the remedy; NULL if there is none. Static text. */
const char *kafka_conf_login_remedy(const struct config_pairs *pairs);

#endif
