/* Recognizes a message that was read before. */
#ifndef KPID_ADAPTERS_KAFKA_FINGERPRINT_H
#define KPID_ADAPTERS_KAFKA_FINGERPRINT_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

/* FNV-1a over the message's timestamp, length and first 64 bytes. Every reader of a message computes the same value. */
int64_t kafka_fingerprint(const rd_kafka_message_t *message);

#endif
