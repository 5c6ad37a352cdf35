#include "adapters/kafka/consumer.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/kafka/conf.h"
#include "adapters/kafka/destroy.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* How long leaving the group may take before the client is closed all the same; the rest of the group then waits for
 * the session to time out. An answer to a request to join comes when the other members have seen it: within two
 * heartbeats. */
enum { LEAVE_MOST_US = 2500000 };

/* A step is taken when the one before it has come to its end. */
enum leave_state { LEAVE_NOT_BEGUN, LEAVE_JOINING, LEAVE_UNSUBSCRIBED, LEAVE_CLOSING };

/* A librdkafka queue that wakes the loop. */
struct waking_queue {
	struct kafka_consumer *consumer;
	rd_kafka_queue_t *queue;
	int fd, lane;
	struct event *event;
};

struct kafka_consumer {
	struct kafka_consumer_events events;
	rd_kafka_t *rk;
	struct waking_queue group;
	struct waking_queue *lanes;
	int n_lanes;
	const char *login_remedy; /* NULL */
	int64_t cut_off_since_us; /* monotonic: an outage that was logged; 0: none */
	enum leave_state leave_state;
	int64_t leave_until_us; /* monotonic */
	bool was_assigned;      /* ever */
	/* Paused by kafka_consumer_pause(). librdkafka keeps a pause while the partition is not assigned. */
	rd_kafka_topic_partition_list_t *paused;
};

/* A client that is left to the end of the process. The pointer keeps leak checkers quiet. */
static rd_kafka_t *volatile left_behind;

static void clear_wake(int fd)
{
	uint64_t count;
	if (read(fd, &count, sizeof(count)) < 0)
		return; /* already cleared */
}

static void on_group_event(evutil_socket_t fd, short what, void *context)
{
	struct waking_queue *queue = context;
	(void)what;
	clear_wake(fd);
	kafka_consumer_poll(queue->consumer);
}

static void on_lane_event(evutil_socket_t fd, short what, void *context)
{
	struct waking_queue *queue = context;
	(void)what;
	clear_wake(fd);
	queue->consumer->events.readable(queue->consumer->events.context, queue->lane);
}

static void queue_open(struct waking_queue *queue, struct kafka_consumer *consumer, struct event_base *base,
                       rd_kafka_queue_t *rkqu, int lane)
{
	static const uint64_t one = 1;
	*queue = (struct waking_queue){consumer, rkqu, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), lane, NULL};
	queue->event =
	        event_new(base, queue->fd, EV_READ | EV_PERSIST, lane < 0 ? on_group_event : on_lane_event, queue);
	event_add(queue->event, NULL);
	rd_kafka_queue_io_event_enable(rkqu, queue->fd, &one, sizeof(one));
}

static void queue_close(struct waking_queue *queue)
{
	if (queue->queue == NULL)
		return;
	rd_kafka_queue_io_event_enable(queue->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(queue->queue);
	event_free(queue->event);
	close(queue->fd);
	queue->queue = NULL;
}

static bool subscribe(struct kafka_consumer *consumer, const struct kpid_config *config)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new((int)config->topics.n);
	for (size_t i = 0; i < config->topics.n; i++)
		rd_kafka_topic_partition_list_add(topics, config->topics.items[i].name, RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t error = rd_kafka_subscribe(consumer->rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		log_error("cannot subscribe to the topics: %s", rd_kafka_err2str(error));
	return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

struct kafka_consumer *kafka_consumer_new(struct event_base *base, const struct kpid_config *config, int n_lanes,
                                          const struct kafka_consumer_events *events)
{
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_CONSUMER, kafka_conf_consumer(config));
	if (rk == NULL)
		return NULL;
	struct kafka_consumer *consumer = mem_zalloc(sizeof(*consumer));
	consumer->events = *events;
	consumer->rk = rk;
	consumer->login_remedy = kafka_conf_login_remedy(&config->kafka);
	consumer->n_lanes = n_lanes;
	consumer->paused = rd_kafka_topic_partition_list_new(16);
	consumer->lanes = mem_zalloc((size_t)n_lanes * sizeof(*consumer->lanes));
	rd_kafka_poll_set_consumer(rk);
	queue_open(&consumer->group, consumer, base, rd_kafka_queue_get_consumer(rk), -1);
	for (int i = 0; i < n_lanes; i++)
		queue_open(&consumer->lanes[i], consumer, base, rd_kafka_queue_new(rk), i);
	if (subscribe(consumer, config))
		return consumer;
	kafka_consumer_free(consumer);
	return NULL;
}

static bool is_replaced(const struct kafka_consumer *consumer)
{
	char words[8];
	return rd_kafka_fatal_error(consumer->rk, words, sizeof(words)) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

void kafka_consumer_free(struct kafka_consumer *consumer)
{
	if (consumer == NULL)
		return;
	for (int i = 0; i < consumer->n_lanes; i++)
		queue_close(&consumer->lanes[i]);
	queue_close(&consumer->group);
	/* A client that is not closed would wait here for brokers that do not answer, and the process is ending anyway.
	 * One that another member has replaced is of no more use, and the process goes on. Also, librdkafka before 2.3
	 * (its issue 4312) aborts if the member was never assigned anything. */
	if ((kafka_consumer_is_closed(consumer) || is_replaced(consumer)) && consumer->was_assigned)
		kafka_destroy_consumer(consumer->rk);
	else
		left_behind = consumer->rk;
	rd_kafka_topic_partition_list_destroy(consumer->paused);
	free(consumer->lanes);
	free(consumer);
}

rd_kafka_t *kafka_consumer_handle(const struct kafka_consumer *consumer)
{
	return consumer->rk;
}

/* Empty until the coordinator has answered the request to join, and again once the request to leave is on its way. */
static bool is_member(const struct kafka_consumer *consumer)
{
	char *id = rd_kafka_memberid(consumer->rk);
	bool member = id != NULL && id[0] != '\0';
	if (id != NULL)
		rd_kafka_mem_free(consumer->rk, id);
	return member;
}

static void close_client(struct kafka_consumer *consumer)
{
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->rk, consumer->group.queue);
	if (error == NULL)
		return;
	log_warning("cannot leave the consumer group: %s", rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
}

/* A member with a lasting name leaves the group when it unsubscribes, not when it is closed. While it joins, the
 * coordinator knows it and it does not know its own id yet: a request to leave has to wait for the answer. */
void kafka_consumer_close(struct kafka_consumer *consumer)
{
	int64_t now_us = monotonic_clock_us();
	if (consumer->leave_state == LEAVE_NOT_BEGUN) {
		consumer->leave_state = LEAVE_JOINING;
		consumer->leave_until_us = now_us + LEAVE_MOST_US;
	}
	bool is_late = kafka_consumer_is_cut_off(consumer) || now_us >= consumer->leave_until_us;
	if (consumer->leave_state == LEAVE_JOINING && (is_late || is_member(consumer))) {
		rd_kafka_unsubscribe(consumer->rk);
		consumer->leave_state = LEAVE_UNSUBSCRIBED;
	}
	if (consumer->leave_state == LEAVE_UNSUBSCRIBED && (is_late || !is_member(consumer))) {
		close_client(consumer);
		consumer->leave_state = LEAVE_CLOSING;
	}
}

bool kafka_consumer_is_closed(const struct kafka_consumer *consumer)
{
	return rd_kafka_consumer_closed(consumer->rk) != 0;
}

/* ---- events of the group ---- */

static void on_rebalance(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
	rd_kafka_topic_partition_list_t *partitions = rd_kafka_event_topic_partition_list(event);
	switch (rd_kafka_event_error(event)) {
	case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
		consumer->was_assigned = true;
		consumer->events.assigned(consumer->events.context, partitions);
		break;
	case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
		consumer->events.revoked(consumer->events.context, partitions,
		                         rd_kafka_assignment_lost(consumer->rk) != 0);
		break;
	default:
		log_error("rebalancing failed: %s", rd_kafka_event_error_string(event));
		rd_kafka_assign(consumer->rk, NULL);
		break;
	}
}

static void on_error(struct kafka_consumer *consumer, rd_kafka_event_t *event)
{
	rd_kafka_resp_err_t error = rd_kafka_event_error(event);
	const char *words = rd_kafka_event_error_string(event);
	if (rd_kafka_event_error_is_fatal(event) && is_replaced(consumer)) {
		consumer->events.replaced(consumer->events.context);
	} else if (rd_kafka_event_error_is_fatal(event)) {
		consumer->events.fatal(consumer->events.context, words);
	} else if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		if (!kafka_consumer_is_cut_off(consumer))
			log_error("Kafka is away: %s; trying again until it is back", words);
		consumer->cut_off_since_us = monotonic_clock_us();
	} else if (error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__RESOLVE ||
	           error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED ||
	           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) { /* the feed names missing topics */
		log_debug("Kafka: %s", words);
	} else if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION && consumer->login_remedy != NULL) {
		log_warning("Kafka: %s; %s", words, consumer->login_remedy);
	} else {
		log_warning("Kafka: %s", words);
	}
}

bool kafka_consumer_is_cut_off(const struct kafka_consumer *consumer)
{
	return consumer->cut_off_since_us != 0;
}

void kafka_consumer_note_contact(struct kafka_consumer *consumer, int64_t asked_us)
{
	if (!kafka_consumer_is_cut_off(consumer) || asked_us < consumer->cut_off_since_us)
		return;
	log_info("Kafka is back");
	consumer->cut_off_since_us = 0;
}

void kafka_consumer_poll(struct kafka_consumer *consumer)
{
	rd_kafka_event_t *event;
	while ((event = rd_kafka_queue_poll(consumer->group.queue, 0)) != NULL) {
		switch (rd_kafka_event_type(event)) {
		case RD_KAFKA_EVENT_REBALANCE:
			on_rebalance(consumer, event);
			break;
		case RD_KAFKA_EVENT_ERROR:
			on_error(consumer, event);
			break;
		default: /* results of commits to the group, which are not needed */
			break;
		}
		rd_kafka_event_destroy(event);
	}
}

/* ---- assignment ---- */

static bool is_cooperative(const struct kafka_consumer *consumer)
{
	const char *protocol = rd_kafka_rebalance_protocol(consumer->rk);
	return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

/* Ends the process. Otherwise the group would assign us partitions that nobody reads, or we would read those of others.
 */
static void fail(struct kafka_consumer *consumer, const char *what, const char *why)
{
	char reason[256];
	snprintf(reason, sizeof(reason), "%s: %s", what, why);
	consumer->events.fatal(consumer->events.context, reason);
}

static void fail_on(struct kafka_consumer *consumer, const char *what, rd_kafka_error_t *error)
{
	if (error == NULL)
		return;
	fail(consumer, what, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
}

void kafka_consumer_forward(struct kafka_consumer *consumer, const char *topic, int32_t partition, int lane)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(consumer->rk, topic, partition);
	if (queue == NULL) {
		fail(consumer, "forwarding a partition to its lane", "it has no queue");
		return;
	}
	rd_kafka_queue_forward(queue, consumer->lanes[lane].queue);
	rd_kafka_queue_destroy(queue);
}

void kafka_consumer_assign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions,
                           int (*lane_of)(void *context, const char *topic, int32_t partition), void *context)
{
	for (int i = 0; i < partitions->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &partitions->elems[i];
		/* Before the first fetch. The assignment does not undo the forwarding. */
		kafka_consumer_forward(consumer, p->topic, p->partition, lane_of(context, p->topic, p->partition));
	}
	if (is_cooperative(consumer)) {
		fail_on(consumer, "taking partitions", rd_kafka_incremental_assign(consumer->rk, partitions));
		return;
	}
	rd_kafka_resp_err_t error = rd_kafka_assign(consumer->rk, partitions);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		fail(consumer, "taking partitions", rd_kafka_err2str(error));
}

void kafka_consumer_unassign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions)
{
	if (is_cooperative(consumer)) {
		fail_on(consumer, "giving up partitions", rd_kafka_incremental_unassign(consumer->rk, partitions));
		return;
	}
	rd_kafka_resp_err_t error = rd_kafka_assign(consumer->rk, NULL);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		fail(consumer, "giving up partitions", rd_kafka_err2str(error));
}

static rd_kafka_topic_partition_list_t *list_of_one(const char *topic, int32_t partition, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
	return list;
}

void kafka_consumer_pause(struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
	rd_kafka_topic_partition_list_t *one = list_of_one(topic, partition, RD_KAFKA_OFFSET_INVALID);
	rd_kafka_pause_partitions(consumer->rk, one);
	rd_kafka_topic_partition_list_destroy(one);
	if (rd_kafka_topic_partition_list_find(consumer->paused, topic, partition) == NULL)
		rd_kafka_topic_partition_list_add(consumer->paused, topic, partition);
}

static void resume(struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
	rd_kafka_topic_partition_list_t *one = list_of_one(topic, partition, RD_KAFKA_OFFSET_INVALID);
	rd_kafka_resume_partitions(consumer->rk, one);
	rd_kafka_topic_partition_list_destroy(one);
	rd_kafka_topic_partition_list_del(consumer->paused, topic, partition);
}

void kafka_consumer_resume(struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
	if (rd_kafka_topic_partition_list_find(consumer->paused, topic, partition) != NULL)
		resume(consumer, topic, partition);
}

void kafka_consumer_reassign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *all,
                             const char *topic, int32_t partition,
                             int (*lane_of)(void *context, const char *topic, int32_t partition), void *context)
{
	const rd_kafka_topic_partition_t *p =
	        rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)(uintptr_t)all, topic, partition);
	if (p == NULL)
		return;
	resume(consumer, topic, partition);
	if (!is_cooperative(consumer)) {
		kafka_consumer_assign(consumer, all, lane_of, context);
		return;
	}
	rd_kafka_topic_partition_list_t *one = list_of_one(topic, partition, p->offset);
	fail_on(consumer, "reassigning a partition", rd_kafka_incremental_unassign(consumer->rk, one));
	kafka_consumer_assign(consumer, one, lane_of, context);
	rd_kafka_topic_partition_list_destroy(one);
}

/* One message per call: when librdkafka before 2.1 (its pull request 4208) pauses a partition, it loses what a call for
 * several messages has gathered so far. Each rebalance pauses the partitions that this member keeps, too. */
size_t kafka_consumer_read(struct kafka_consumer *consumer, int lane, rd_kafka_message_t **messages_out, size_t n)
{
	size_t n_read = 0;
	while (n_read < n) {
		ssize_t got = rd_kafka_consume_batch_queue(consumer->lanes[lane].queue, 0, &messages_out[n_read], 1);
		if (got == 0)
			break;
		if (got < 0) {
			/* The queue is not empty, so librdkafka would never signal it again. */
			fail(consumer, "reading", rd_kafka_err2str(rd_kafka_last_error()));
			break;
		}
		n_read++;
	}
	return n_read;
}

void kafka_consumer_commit(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *offsets)
{
	if (offsets->cnt > 0)
		rd_kafka_commit(consumer->rk, offsets, 1);
}
