/* A client that writes messages to one topic and says of each what became of it, on the event loop. */
#ifndef KPID_ADAPTERS_KAFKA_PRODUCER_H
#define KPID_ADAPTERS_KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/config.h"

struct event_base;
struct kafka_producer;

enum producer_report {
	PRODUCER_DELIVERED, /* the brokers have it */
	PRODUCER_FAILED,    /* they did not say so in time: they may have it */
	PRODUCER_PURGED     /* it was taken back before it was sent */
};

struct kafka_producer_events {
	/* number: as given to kafka_producer_send(); why: of PRODUCER_FAILED. */
	void (*reported)(void *context, int64_t number, enum producer_report report, const char *why);
	void (*idle)(void *context); /* all reports that there were have been given */
	void *context;
};

/* NULL after logging why: a property in [kafka] is wrong. */
struct kafka_producer *kafka_producer_new(struct event_base *base, const struct config_pairs *kafka, const char *topic,
                                          const struct kafka_producer_events *events);
/* What is under way is dropped without a report. */
void kafka_producer_free(struct kafka_producer *producer); /* NULL is fine */
/* Messages of one key arrive in the order in which they are sent. False: the queue is full. What the brokers have not
 * taken within 10 s (message.timeout.ms) is given up: shorter than a lease, so that a process which was frozen for
 * longer does not send it when it wakes up. */
bool kafka_producer_send(struct kafka_producer *producer, struct text key, struct text payload, int64_t number);
/* Takes back what has not been sent yet. Each of these is reported. */
void kafka_producer_purge(struct kafka_producer *producer);

#endif
