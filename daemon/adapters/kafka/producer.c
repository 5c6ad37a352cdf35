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
	rd_kafka_topic_t **known; /* keep the metadata of topics, so that the first message does not wait for it */
	size_t n_known;
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
	else if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		report = PRODUCER_REFUSED;
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

static struct kafka_producer *make(struct event_base *base, rd_kafka_conf_t *conf, const char *const *topics,
                                   size_t n_topics, const struct kafka_producer_events *events)
{
	static const uint64_t one = 1;
	if (conf != NULL)
		rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_PRODUCER, conf);
	if (rk == NULL)
		return NULL;
	struct kafka_producer *producer = mem_zalloc(sizeof(*producer));
	producer->events = *events;
	producer->rk = rk;
	producer->known = mem_zalloc(n_topics * sizeof(*producer->known) + 1);
	for (size_t i = 0; i < n_topics; i++)
		producer->known[producer->n_known++] = rd_kafka_topic_new(rk, topics[i], NULL);
	producer->queue = rd_kafka_queue_get_main(rk);
	producer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	producer->wake = event_new(base, producer->wake_fd, EV_READ | EV_PERSIST, on_wake, producer);
	event_add(producer->wake, NULL);
	rd_kafka_queue_io_event_enable(producer->queue, producer->wake_fd, &one, sizeof(one));
	return producer;
}

struct kafka_producer *kafka_producer_new(struct event_base *base, const struct config_pairs *kafka, const char *topic,
                                          const struct kafka_producer_events *events)
{
	struct kafka_producer *producer = make(base, kafka_conf_producer(kafka), &topic, 1, events);
	if (producer != NULL)
		producer->topic = mem_strdup(topic);
	return producer;
}

struct kafka_producer *kafka_record_producer_new(struct event_base *base, const struct config_pairs *kafka,
                                                 int64_t queue_bytes, int ack_ms, const char *const *topics,
                                                 size_t n_topics, const struct kafka_producer_events *events)
{
	return make(base, kafka_conf_record_producer(kafka, queue_bytes, ack_ms), topics, n_topics, events);
}

void kafka_producer_free(struct kafka_producer *producer)
{
	if (producer == NULL)
		return;
	rd_kafka_queue_io_event_enable(producer->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(producer->queue);
	for (size_t i = 0; i < producer->n_known; i++)
		if (producer->known[i] != NULL)
			rd_kafka_topic_destroy(producer->known[i]);
	free(producer->known);
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

static rd_kafka_headers_t *headers_of(const struct kafka_record *record)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(record->n_headers);
	for (size_t i = 0; i < record->n_headers; i++) {
		const struct wire_header *header = &record->headers[i];
		(void)rd_kafka_header_add(headers, header->name.ptr, header->name.len, header->value.ptr,
		                          header->value.len);
	}
	return headers;
}

enum producer_verdict kafka_producer_send_record(struct kafka_producer *producer, const struct kafka_record *record,
                                                 int64_t number)
{
	rd_kafka_headers_t *headers = headers_of(record);
	rd_kafka_resp_err_t error = rd_kafka_producev(
	        producer->rk, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_KEY(record->key.ptr, record->key.len),
	        RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.ptr, record->value.len), RD_KAFKA_V_HEADERS(headers),
	        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)number), RD_KAFKA_V_END);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return PRODUCER_TAKEN; /* the headers are the message's now */
	rd_kafka_headers_destroy(headers);
	switch (error) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		return PRODUCER_TOO_LARGE;
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		return PRODUCER_FULL;
	case RD_KAFKA_RESP_ERR__FATAL:
		return PRODUCER_BROKEN;
	default:
		return PRODUCER_NO_TOPIC;
	}
}

bool kafka_producer_is_broken(struct kafka_producer *producer, struct buf *why_out)
{
	char why[256];
	if (rd_kafka_fatal_error(producer->rk, why, sizeof(why)) == RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	buf_add_str(why_out, why);
	return true;
}

void kafka_producer_purge(struct kafka_producer *producer)
{
	if (producer != NULL)
		rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE);
}
