/* Writes messages to one topic and reports the outcome of each on the event loop. */
#ifndef KPID_ADAPTERS_KAFKA_PRODUCER_H
#define KPID_ADAPTERS_KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/config.h"

struct event_base;
struct kafka_producer;

enum producer_report {
	PRODUCER_DELIVERED, /* the brokers have acknowledged it */
	PRODUCER_FAILED,    /* not acknowledged in time: the brokers may have it */
	PRODUCER_PURGED     /* removed by kafka_producer_purge() before it was sent */
};

struct kafka_producer_events {
	/* number: as passed to kafka_producer_send(). why: the reason of PRODUCER_FAILED. */
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
/* Removes messages that were not sent yet. Each is reported. producer may be NULL. */
void kafka_producer_purge(struct kafka_producer *producer);

#endif
