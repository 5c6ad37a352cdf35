/* Asks brokers how many partitions topics have and how long they are. librdkafka 2.0 has no such calls that do
 * not block, so a thread of its own makes them and hands the answers back to the event loop. It has a client of
 * its own too: on the consumer's connection an answer would wait behind the long poll for messages. */
#ifndef KPID_ADAPTERS_KAFKA_PROBE_H
#define KPID_ADAPTERS_KAFKA_PROBE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/config.h"

struct event_base;
struct kafka_probe;

struct kafka_probe_item {
	char *topic; /* owned by the list */
	int32_t partition;
	int64_t low_offset, high_offset; /* of an answer without error; high: the high watermark */
	bool ask_stable;                 /* asks for stable_offset too */
	int64_t stable_offset; /* up to where the consumer may read: to the first open transaction; -1: not known */
	int32_t n_partitions;  /* likewise, when asked with KAFKA_PROBE_TOPIC */
	int64_t asked_us;      /* monotonic time before the question was sent */
	rd_kafka_resp_err_t error;
};

struct kafka_probe_list {
	struct kafka_probe_item *items;
	size_t n, capacity;
	int tag; /* this and the turn are the asker's own, and come back with the answers */
	uint64_t turn;
};

/* In the place of a partition: asks how many the topic has. */
#define KAFKA_PROBE_TOPIC (-1)

typedef void (*kafka_probe_fn)(void *context, const struct kafka_probe_list *answers);

/* Returns what was added; valid until the next is. */
struct kafka_probe_item *kafka_probe_add(struct kafka_probe_list *list, const char *topic, int32_t partition);

/* consumer: for kafka_probe_wake(); must outlive the probe. NULL after logging why. */
struct kafka_probe *kafka_probe_new(struct event_base *base, const struct config_pairs *pairs, rd_kafka_t *consumer,
                                    kafka_probe_fn fn, void *context);
/* Waits for a question under way: up to a second. */
void kafka_probe_free(struct kafka_probe *probe);
/* Takes the items of the list, which is empty afterwards. Answers come in the order of asking, a list each. */
void kafka_probe_ask(struct kafka_probe *probe, struct kafka_probe_list *list);
/* Makes the consumer look again whether it should fetch these partitions. librdkafka 2.0 stops fetching for a
 * full queue and then sleeps up to a second, however soon the queue is empty; any request to the partition's
 * broker wakes it. Takes the items of the list; there is no answer. */
void kafka_probe_wake(struct kafka_probe *probe, struct kafka_probe_list *list);

#endif
