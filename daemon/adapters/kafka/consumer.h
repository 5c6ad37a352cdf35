/* The member of the consumer group, on the event loop. Each lane has a queue, to which the partitions of that lane are
 * forwarded. Back-pressure needs nothing else: when a lane does not read, its queue fills and librdkafka stops
 * fetching. Events of the group arrive on the consumer's own queue, which is always served. */
#ifndef KPID_ADAPTERS_KAFKA_CONSUMER_H
#define KPID_ADAPTERS_KAFKA_CONSUMER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/config.h"

struct event_base;
struct kafka_consumer;

struct kafka_consumer_events {
	/* The group assigns these partitions: answer with kafka_consumer_assign(), now or later. */
	void (*assigned)(void *context, const rd_kafka_topic_partition_list_t *partitions);
	/* The group revokes these partitions: answer with kafka_consumer_unassign(), now or later. lost: another member
	 * may have them already. */
	void (*revoked)(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost);
	/* A lane's queue has messages. Called again only after the queue was read until it was empty. */
	void (*readable)(void *context, int lane);
	/* librdkafka cannot continue; the process must end. */
	void (*fatal)(void *context, const char *reason);
	/* Another process has joined the group under the same name, which ends this member. */
	void (*replaced)(void *context);
	void *context;
};

/* Returns NULL on error; the error is already logged. */
struct kafka_consumer *kafka_consumer_new(struct event_base *base, const struct kpid_config *config, int n_lanes,
                                          const struct kafka_consumer_events *events);
/* At the end of the process. A client that is not closed yet is leaked. consumer may be NULL. */
void kafka_consumer_free(struct kafka_consumer *consumer);
/* Takes the next step out of the group: leaves it, so that the other members need not wait for the session to time out,
 * then closes the client. Call it until kafka_consumer_is_closed(). revoked() is called if something is assigned. */
void kafka_consumer_close(struct kafka_consumer *consumer);
bool kafka_consumer_is_closed(const struct kafka_consumer *consumer);
/* Serves events of the group. Call it regularly: the group removes a member that does not poll. */
void kafka_consumer_poll(struct kafka_consumer *consumer);
rd_kafka_t *kafka_consumer_handle(const struct kafka_consumer *consumer);

/* Forwards the messages of a partition to a lane, including those that already arrived. */
void kafka_consumer_forward(struct kafka_consumer *consumer, const char *topic, int32_t partition, int lane);
/* Reads the partitions, each from its offset, into the lane that lane_of returns. */
void kafka_consumer_assign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions,
                           int (*lane_of)(void *context, const char *topic, int32_t partition), void *context);
void kafka_consumer_unassign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions);
void kafka_consumer_pause(struct kafka_consumer *consumer, const char *topic, int32_t partition);
/* Does nothing unless it is paused. Call it before assigning the partition: a later resume discards what was fetched.
 */
void kafka_consumer_resume(struct kafka_consumer *consumer, const char *topic, int32_t partition);
/* Resumes an assigned partition and assigns it again. A seek would not suffice: librdkafka stops a partition whose
 * offset was out of range. all: everything that is assigned, each with the offset where reading continues. */
void kafka_consumer_reassign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *all,
                             const char *topic, int32_t partition,
                             int (*lane_of)(void *context, const char *topic, int32_t partition), void *context);
/* Returns up to n messages of a lane's queue without waiting. The caller destroys each. Some are errors or ends. */
size_t kafka_consumer_read(struct kafka_consumer *consumer, int lane, rd_kafka_message_t **messages_out, size_t n);
/* Commits offsets to the group, for tools that show lag. They are never read back. */
void kafka_consumer_commit(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *offsets);
/* Whether all brokers are down, by the consumer's own connections. */
bool kafka_consumer_is_cut_off(const struct kafka_consumer *consumer);
/* A broker has answered a question that was sent then (monotonic). Logs the end of an outage that began before, once.
 */
void kafka_consumer_note_contact(struct kafka_consumer *consumer, int64_t asked_us);

#endif
