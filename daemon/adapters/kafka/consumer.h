/* The consumer group on the event loop. Each lane has a queue of its own, to which the partitions of that lane
 * are forwarded: a lane that does not read is back-pressure enough, librdkafka stops fetching for it when its
 * queue is full. The group's own events come on the consumer's queue, which is always served. */
#ifndef KPID_ADAPTERS_KAFKA_CONSUMER_H
#define KPID_ADAPTERS_KAFKA_CONSUMER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/config.h"

struct event_base;
struct kafka_consumer;

struct kafka_consumer_events {
	/* These partitions are to be ours: answer with kafka_consumer_assign(), now or later. */
	void (*assigned)(void *context, const rd_kafka_topic_partition_list_t *partitions);
	/* These are to be given up: answer with kafka_consumer_unassign(). lost: somebody else has them already. */
	void (*revoked)(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost);
	/* A lane's queue has something, and nothing more will be said until it was read empty. */
	void (*readable)(void *context, int lane);
	/* librdkafka cannot go on. */
	void (*fatal)(void *context, const char *reason);
	void *context;
};

/* NULL after logging why. */
struct kafka_consumer *kafka_consumer_new(struct event_base *base, const struct kpid_config *config, int n_lanes,
                                          const struct kafka_consumer_events *events);
/* At the end of the process: the client itself is left as it is if it is not closed. */
void kafka_consumer_free(struct kafka_consumer *consumer);
/* Begins to leave the group; revoked() is called if something is assigned. */
void kafka_consumer_close(struct kafka_consumer *consumer);
bool kafka_consumer_is_closed(const struct kafka_consumer *consumer);
/* To be called regularly: proves to the group that this member is alive. */
void kafka_consumer_poll(struct kafka_consumer *consumer);
rd_kafka_t *kafka_consumer_handle(const struct kafka_consumer *consumer);

/* Leads the messages of a partition to a lane, with what has already come. */
void kafka_consumer_lead(struct kafka_consumer *consumer, const char *topic, int32_t partition, int lane);
/* Takes the partitions, each from its offset, to the lane given by lane_of. */
void kafka_consumer_assign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions,
                           int (*lane_of)(void *context, const char *topic, int32_t partition), void *context);
void kafka_consumer_unassign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions);
/* Takes one of its partitions anew. A mere seek would not do: librdkafka has stopped a partition whose offset was
 * out of range. all: everything that is assigned, each with the offset at which it goes on. */
void kafka_consumer_begin_anew(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *all,
                               const char *topic, int32_t partition,
                               int (*lane_of)(void *context, const char *topic, int32_t partition), void *context);
void kafka_consumer_pause(struct kafka_consumer *consumer, const char *topic, int32_t partition, bool pause);
/* Up to n messages of a lane's queue, without waiting; each to be destroyed. Some are errors or ends. */
size_t kafka_consumer_read(struct kafka_consumer *consumer, int lane, rd_kafka_message_t **messages_out, size_t n);
/* Tells the group how far we are, for tools that show lag; never read back. */
void kafka_consumer_commit(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *offsets);
/* A sign of life from a broker: says once that it is back. */
void kafka_consumer_heard(struct kafka_consumer *consumer);

#endif
