/* librdkafka's configuration from the [kafka] section. */
#ifndef KPID_ADAPTERS_KAFKA_CONF_H
#define KPID_ADAPTERS_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>

#include "kpid/config.h"

/* What librdkafka says goes to the log. NULL after logging what is wrong with a property. */
rd_kafka_conf_t *kafka_conf_consumer(const struct kpid_config *config);
/* For a consumer without a group's membership that reads little. */
rd_kafka_conf_t *kafka_conf_reader(const struct kpid_config *config);
/* Properties of consumers are left out. */
rd_kafka_conf_t *kafka_conf_producer(const struct config_pairs *pairs);
/* As a producer's, for asking where partitions end: at the high watermark, open transactions or not. */
rd_kafka_conf_t *kafka_conf_probe(const struct config_pairs *pairs);
/* The same, for asking up to where the consumer may read: to the first open transaction, unless it reads uncommitted.
 */
rd_kafka_conf_t *kafka_conf_stable(const struct config_pairs *pairs);
/* A client of a configuration, which it takes; NULL after logging why, or where that is NULL, as it was said then. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* Why a login may be refused though its password is right, and what helps; NULL: nothing of that kind is known. */
const char *kafka_conf_login_remedy(const struct config_pairs *pairs);

#endif
