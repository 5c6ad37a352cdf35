#include "adapters/outbox/outbox.h"

#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/kafka/conf.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { LOOK_MS = 100, LOCK_MS = 1000 };

struct outbox {
	const char *topic;
	struct pg_session *session;
	rd_kafka_t *rk;
	rd_kafka_topic_t *known; /* keeps the topic's brokers known, so that the first alert does not wait for that */
	rd_kafka_queue_t *queue; /* delivery reports */
	int wake_fd;
	struct event *wake, *timer;
	bool locked;               /* this instance sends */
	bool asking;               /* a query is under way */
	size_t n_sent;             /* given to librdkafka and not yet reported on */
	struct pg_array delivered; /* numbers of rows that may be deleted */
	bool said_failing;
};

static void on_locked(void *context, PGresult *result)
{
	struct outbox *outbox = context;
	outbox->locked = pg_result_ok(result) && pg_get_bool(result, 0, 0);
}

static void on_sync(void *context, PGresult *result)
{
	struct outbox *outbox = context;
	(void)result;
	outbox->asking = false;
}

static void on_deleted(void *context, PGresult *result)
{
	(void)context;
	if (!pg_result_ok(result))
		log_warning("after sending alerts: %s; they will be sent again", PQresultErrorMessage(result));
}

static void delete_delivered(struct outbox *outbox)
{
	struct pg_param param = pg_array_param(&outbox->delivered);
	outbox->asking = true;
	pg_session_query(outbox->session, "queries/outbox_delete.sql", &param, 1, on_deleted, outbox);
	pg_session_sync(outbox->session, on_sync, outbox);
	pg_array_start(&outbox->delivered, PG_OID_INT8);
}

/* seq travels with the message, as the opaque of its delivery report. */
static rd_kafka_resp_err_t produce(struct outbox *outbox, const PGresult *result, int row)
{
	struct text key = pg_get_text(result, row, 1), payload = pg_get_text(result, row, 2);
	int64_t seq = pg_get_int8(result, row, 0);
	return rd_kafka_producev(outbox->rk, RD_KAFKA_V_TOPIC(outbox->topic), RD_KAFKA_V_KEY(key.ptr, key.len),
	                         RD_KAFKA_V_VALUE((void *)(uintptr_t)payload.ptr, payload.len),
	                         RD_KAFKA_V_HEADER("content-type", "application/cloudevents+json; charset=UTF-8", -1),
	                         RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)seq),
	                         RD_KAFKA_V_END);
}

static void on_read(void *context, PGresult *result)
{
	struct outbox *outbox = context;
	if (!pg_result_ok(result)) {
		log_warning("reading alerts to send: %s", PQresultErrorMessage(result));
		return;
	}
	for (int row = 0; row < PQntuples(result); row++) {
		if (produce(outbox, result, row) != RD_KAFKA_RESP_ERR_NO_ERROR)
			return; /* the queue is full: the rest is read again */
		outbox->n_sent++;
	}
}

/* One thing at a time: first delete what is delivered, then wait for what is sent, then read more. */
static void look(struct outbox *outbox)
{
	if (!pg_session_is_ready(outbox->session) || outbox->asking)
		return;
	if (!outbox->locked) {
		outbox->asking = true;
		pg_session_query(outbox->session, "queries/outbox_lock.sql", NULL, 0, on_locked, outbox);
		pg_session_sync(outbox->session, on_sync, outbox);
	} else if (outbox->delivered.n > 0 && outbox->n_sent == 0) {
		delete_delivered(outbox);
	} else if (outbox->n_sent == 0) {
		outbox->asking = true;
		pg_session_query(outbox->session, "queries/outbox_read.sql", NULL, 0, on_read, outbox);
		pg_session_sync(outbox->session, on_sync, outbox);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct outbox *outbox = context;
	int pause_ms = outbox->locked ? LOOK_MS : LOCK_MS;
	struct timeval pause = {pause_ms / 1000, (pause_ms % 1000) * 1000};
	(void)fd, (void)what;
	evtimer_add(outbox->timer, &pause);
	look(outbox);
}

static void on_report(struct outbox *outbox, const rd_kafka_message_t *message)
{
	outbox->n_sent--;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		outbox->said_failing = false;
		pg_array_int8(&outbox->delivered, (int64_t)(uintptr_t)message->_private, false);
		return;
	}
	if (!outbox->said_failing)
		log_error("alerts cannot be sent to topic %s: %s; trying again until they can", outbox->topic,
		          rd_kafka_err2str(message->err));
	outbox->said_failing = true;
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct outbox *outbox = context;
	uint64_t count;
	rd_kafka_event_t *event;
	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	while ((event = rd_kafka_queue_poll(outbox->queue, 0)) != NULL) {
		const rd_kafka_message_t *message;
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
			while ((message = rd_kafka_event_message_next(event)) != NULL)
				on_report(outbox, message);
		rd_kafka_event_destroy(event);
	}
	if (outbox->n_sent == 0)
		look(outbox);
}

static void on_ready(void *context)
{
	look(context);
}

static void on_lost(void *context, const char *reason)
{
	struct outbox *outbox = context;
	(void)reason;
	outbox->asking = outbox->locked = false;
}

struct outbox *outbox_new(struct event_base *base, const struct kpid_config *config)
{
	static const uint64_t one = 1;
	rd_kafka_conf_t *conf = kafka_conf_producer(&config->kafka);
	if (conf != NULL)
		rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_PRODUCER, conf);
	if (rk == NULL)
		return NULL;
	struct outbox *outbox = mem_zalloc(sizeof(*outbox));
	outbox->topic = config->alert.topic;
	outbox->rk = rk;
	outbox->known = rd_kafka_topic_new(rk, outbox->topic, NULL);
	outbox->queue = rd_kafka_queue_get_main(rk);
	outbox->session = pg_session_new(base, &config->postgres, "outbox",
	                                 &(struct pg_session_events){on_ready, on_lost, outbox});
	outbox->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	outbox->wake = event_new(base, outbox->wake_fd, EV_READ | EV_PERSIST, on_wake, outbox);
	outbox->timer = evtimer_new(base, on_timer, outbox);
	event_add(outbox->wake, NULL);
	rd_kafka_queue_io_event_enable(outbox->queue, outbox->wake_fd, &one, sizeof(one));
	pg_array_start(&outbox->delivered, PG_OID_INT8);
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	if (outbox == NULL)
		return;
	pg_session_free(outbox->session);
	rd_kafka_queue_io_event_enable(outbox->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(outbox->queue);
	if (outbox->known != NULL)
		rd_kafka_topic_destroy(outbox->known);
	rd_kafka_purge(outbox->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_destroy(outbox->rk);
	event_free(outbox->wake);
	event_free(outbox->timer);
	close(outbox->wake_fd);
	pg_array_release(&outbox->delivered);
	free(outbox);
}

void outbox_start(struct outbox *outbox)
{
	pg_session_start(outbox->session);
	on_timer(-1, 0, outbox);
}
