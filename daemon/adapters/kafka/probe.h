/* Asks brokers how many partitions topics have, and where partitions begin and end. These calls of librdkafka 2.0
 * block, so a thread makes them and returns the answers to the event loop. The probe has a client of its own: on the
 * consumer's connection an answer would wait behind the long poll for messages. */
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
	bool high_only;                  /* do not ask for low_offset, which stays 0: half of the cost */
	int64_t low_offset, high_offset; /* set unless there is an error; high_offset: the high watermark */
	bool ask_stable;                 /* ask for stable_offset too */
	int64_t stable_offset;           /* of the first open transaction, up to where consumers read; -1: unknown */
	int32_t n_partitions;            /* for KAFKA_PROBE_TOPIC: 0 on an error, as for a topic that does not exist */
	int64_t asked_us;                /* monotonic time before the request was sent */
	rd_kafka_resp_err_t error;
};

struct kafka_probe_list {
	struct kafka_probe_item *items;
	size_t n, capacity;
	int tag; /* tag and rebalance_generation are the caller's and are returned with the answers */
	uint64_t rebalance_generation;
};

/* Instead of a partition: asks how many partitions the topic has. */
#define KAFKA_PROBE_TOPIC (-1)

typedef void (*kafka_probe_fn)(void *context, const struct kafka_probe_list *answers);

/* Returns the new item, which is valid until the next call. */
struct kafka_probe_item *kafka_probe_add(struct kafka_probe_list *list, const char *topic, int32_t partition);

/* consumer: for kafka_probe_wake(); must outlive the probe. Returns NULL on error; the error is already logged. */
struct kafka_probe *kafka_probe_new(struct event_base *base, const struct config_pairs *pairs, rd_kafka_t *consumer,
                                    kafka_probe_fn fn, void *context);
/* Waits up to two seconds for a request that is under way: a broker is asked for both ends. probe may be NULL. */
void kafka_probe_free(struct kafka_probe *probe);
/* Takes ownership of the items; the list is empty afterwards. Each call gets one callback, in the order of the calls.
 */
void kafka_probe_ask(struct kafka_probe *probe, struct kafka_probe_list *list);
/* Wakes the consumer's fetcher of these partitions. librdkafka 2.0 stops fetching when its queue is full and then
 * sleeps for up to a second even if the queue is emptied earlier; any request to the partition's broker wakes it. Takes
 * ownership of the items; there is no callback. */
void kafka_probe_wake(struct kafka_probe *probe, struct kafka_probe_list *list);

#endif
