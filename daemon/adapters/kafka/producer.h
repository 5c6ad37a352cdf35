/* Writes messages to topics and reports the outcome of each on the event loop. */
#ifndef KPID_ADAPTERS_KAFKA_PRODUCER_H
#define KPID_ADAPTERS_KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/config.h"
#include "kpid/core/wire.h"

struct event_base;
struct kafka_producer;

enum producer_report {
	PRODUCER_DELIVERED, /* the brokers have acknowledged it */
	PRODUCER_FAILED,    /* not acknowledged in time: the brokers may have it */
	PRODUCER_REFUSED,   /* too large for the topic */
	PRODUCER_PURGED     /* removed by kafka_producer_purge() before it was sent */
};

struct kafka_producer_events {
	/* number: as passed when it was sent. why: the reason of PRODUCER_FAILED. */
	void (*reported)(void *context, int64_t number, enum producer_report report, const char *why);
	void (*idle)(void *context); /* all available reports were delivered */
	void *context;
};

/* Whether the properties in [kafka] are right; an error is already logged. */
bool kafka_producer_can_be_made(const struct config_pairs *kafka);
/* Returns NULL if a property in [kafka] is wrong; the error is already logged. */
struct kafka_producer *kafka_producer_new(struct event_base *base, const struct config_pairs *kafka, const char *topic,
                                          const struct kafka_producer_events *events);
/* Drops messages that are under way without a report. producer may be NULL. */
void kafka_producer_free(struct kafka_producer *producer);
/* Messages with the same key arrive in order. Returns false if the queue is full. A message that is not acknowledged
 * within 10 s (message.timeout.ms) fails. That is shorter than a lease, so a process that was frozen for longer does
 * not send it when it wakes up. */
bool kafka_producer_send(struct kafka_producer *producer, struct text key, struct text payload, int64_t number);
/* ---- records from outside, whose senders wait ---- */

struct kafka_record {
	const char *topic;
	struct text key; /* absent: none */
	struct text value;
	const struct wire_header *headers;
	size_t n_headers;
};

enum producer_verdict {
	PRODUCER_TAKEN,
	PRODUCER_FULL,      /* of records, or of bytes */
	PRODUCER_TOO_LARGE, /* for any topic */
	PRODUCER_NO_TOPIC,
	PRODUCER_BROKEN /* see kafka_producer_is_broken() */
};

/* An idempotent producer, which waits for all replicas in sync. A record that is not acknowledged within ack_ms fails.
 * The topics are those that records will name. Returns NULL as above. */
struct kafka_producer *kafka_record_producer_new(struct event_base *base, const struct config_pairs *kafka,
                                                 int64_t queue_bytes, int ack_ms, const char *const *topics,
                                                 size_t n_topics, const struct kafka_producer_events *events);
/* Copies the record. Its outcome is reported only with PRODUCER_TAKEN. */
enum producer_verdict kafka_producer_send_record(struct kafka_producer *producer, const struct kafka_record *record,
                                                 int64_t number);
/* True after an error that ends an idempotent producer, such as a topic that was created again: it must be replaced.
 * Appends the reason. */
bool kafka_producer_is_broken(struct kafka_producer *producer, struct buf *why_out);

/* Removes messages that were not sent yet. Each is reported. producer may be NULL. */
void kafka_producer_purge(struct kafka_producer *producer);

#endif
