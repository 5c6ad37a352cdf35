#include "adapters/kafka/producer.h"

#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/kafka/conf.h"
#include "kpid/base/memory.h"

struct kafka_producer {
	char *topic;
	struct kafka_producer_events events;
	rd_kafka_t *rk;
	rd_kafka_topic_t *known; /* keeps the topic's metadata, so that the first message does not wait for it */
	rd_kafka_queue_t *queue; /* delivery reports */
	int wake_fd;
	struct event *wake;
};

static void report(struct kafka_producer *producer, const rd_kafka_message_t *message)
{
	enum producer_report report = PRODUCER_FAILED;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		report = PRODUCER_DELIVERED;
	else if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE)
		report = PRODUCER_PURGED;
	producer->events.reported(producer->events.context, (int64_t)(uintptr_t)message->_private, report,
	                          rd_kafka_err2str(message->err));
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct kafka_producer *producer = context;
	uint64_t count;
	rd_kafka_event_t *event;
	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	while ((event = rd_kafka_queue_poll(producer->queue, 0)) != NULL) {
		const rd_kafka_message_t *message;
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
			while ((message = rd_kafka_event_message_next(event)) != NULL)
				report(producer, message);
		rd_kafka_event_destroy(event);
	}
	producer->events.idle(producer->events.context);
}

bool kafka_producer_can_be_made(const struct config_pairs *kafka)
{
	rd_kafka_conf_t *conf = kafka_conf_producer(kafka);
	if (conf != NULL)
		rd_kafka_conf_destroy(conf);
	return conf != NULL;
}

struct kafka_producer *kafka_producer_new(struct event_base *base, const struct config_pairs *kafka, const char *topic,
                                          const struct kafka_producer_events *events)
{
	static const uint64_t one = 1;
	rd_kafka_conf_t *conf = kafka_conf_producer(kafka);
	if (conf != NULL)
		rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_PRODUCER, conf);
	if (rk == NULL)
		return NULL;
	struct kafka_producer *producer = mem_zalloc(sizeof(*producer));
	producer->topic = mem_strdup(topic);
	producer->events = *events;
	producer->rk = rk;
	producer->known = rd_kafka_topic_new(rk, topic, NULL);
	producer->queue = rd_kafka_queue_get_main(rk);
	producer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	producer->wake = event_new(base, producer->wake_fd, EV_READ | EV_PERSIST, on_wake, producer);
	event_add(producer->wake, NULL);
	rd_kafka_queue_io_event_enable(producer->queue, producer->wake_fd, &one, sizeof(one));
	return producer;
}

void kafka_producer_free(struct kafka_producer *producer)
{
	if (producer == NULL)
		return;
	rd_kafka_queue_io_event_enable(producer->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(producer->queue);
	if (producer->known != NULL)
		rd_kafka_topic_destroy(producer->known);
	rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_destroy(producer->rk);
	event_free(producer->wake);
	close(producer->wake_fd);
	free(producer->topic);
	free(producer);
}

bool kafka_producer_send(struct kafka_producer *producer, struct text key, struct text payload, int64_t number)
{
	/* The delivery report returns number as its opaque. */
	return rd_kafka_producev(producer->rk, RD_KAFKA_V_TOPIC(producer->topic), RD_KAFKA_V_KEY(key.ptr, key.len),
	                         RD_KAFKA_V_VALUE((void *)(uintptr_t)payload.ptr, payload.len),
	                         RD_KAFKA_V_HEADER("content-type", "application/cloudevents+json; charset=UTF-8", -1),
	                         RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)number),
	                         RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_producer_purge(struct kafka_producer *producer)
{
	if (producer != NULL)
		rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE);
}
