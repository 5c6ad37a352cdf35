/* By what a message is known again. */
#ifndef KPID_ADAPTERS_KAFKA_FINGERPRINT_H
#define KPID_ADAPTERS_KAFKA_FINGERPRINT_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

/* Of what a message is: FNV-1a over its time, its length and its first 64 bytes. The same for the same message, whoever
 * reads it. */
int64_t kafka_fingerprint(const rd_kafka_message_t *message);

#endif
