#include "adapters/outbox/outbox.h"

#include <event2/event.h>
#include <stdlib.h>

#include "adapters/kafka/producer.h"
#include "adapters/pg/lease.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { LOOK_MS = 100 };

struct outbox {
	char *topic;
	struct pg_session *session;
	struct lease lease; /* who holds it sends */
	struct kafka_producer *producer;
	struct event *timer;
	bool asking;               /* a query is under way */
	size_t n_sent;             /* given to the producer and not yet reported on */
	struct pg_array delivered; /* numbers of rows that may be deleted */
	bool said_failing;
};

static void on_sync(void *context, PGresult *result)
{
	struct outbox *outbox = context;
	(void)result;
	outbox->asking = false;
}

static void delete_delivered(struct outbox *outbox)
{
	struct pg_param param = pg_array_param(&outbox->delivered);
	outbox->asking = true;
	lease_fence(&outbox->lease);
	pg_session_query(outbox->session, "queries/outbox_delete.sql", &param, 1, NULL, NULL);
	pg_session_sync(outbox->session, on_sync, outbox);
	pg_array_start(&outbox->delivered, PG_OID_INT8);
}

/* By the time the rows are here the lease may have ended: who was frozen meanwhile sends none of them. */
static void on_read(void *context, PGresult *result)
{
	struct outbox *outbox = context;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result) && lease_is_held(&outbox->lease); row++) {
		if (!kafka_producer_send(outbox->producer, pg_get_text(result, row, 1), pg_get_text(result, row, 2),
		                         pg_get_int8(result, row, 0)))
			return; /* the queue is full: the rest is read again */
		outbox->n_sent++;
	}
}

/* One thing at a time: first delete what is delivered, then wait for what is sent, then read more. */
static void look(struct outbox *outbox)
{
	if (!pg_session_is_ready(outbox->session) || outbox->asking)
		return;
	lease_look(&outbox->lease);
	if (!lease_is_held(&outbox->lease)) {
		if (outbox->n_sent > 0)
			kafka_producer_purge(outbox->producer);
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
	static const struct timeval pause = {LOOK_MS / 1000, (LOOK_MS % 1000) * 1000};
	struct outbox *outbox = context;
	(void)fd, (void)what;
	evtimer_add(outbox->timer, &pause);
	look(outbox);
}

/* ---- what became of a message ---- */

static void on_reported(void *context, int64_t seq, enum producer_report report, const char *why)
{
	struct outbox *outbox = context;
	outbox->n_sent--;
	switch (report) {
	case PRODUCER_DELIVERED:
		if (outbox->said_failing)
			log_info("alerts are sent to topic %s again", outbox->topic);
		outbox->said_failing = false;
		pg_array_int8(&outbox->delivered, seq, false);
		break;
	case PRODUCER_FAILED:
		if (!outbox->said_failing)
			log_error("alerts cannot be sent to topic %s: %s; trying again until they can", outbox->topic,
			          why);
		outbox->said_failing = true;
		break;
	case PRODUCER_PURGED:
		break;
	}
}

static void on_idle(void *context)
{
	struct outbox *outbox = context;
	if (outbox->n_sent == 0)
		look(outbox);
}

/* ---- life ---- */

static void on_lease_lost(void *context)
{
	struct outbox *outbox = context;
	kafka_producer_purge(outbox->producer);
	pg_array_start(&outbox->delivered, PG_OID_INT8); /* they are its successor's to delete */
}

static void on_ready(void *context)
{
	look(context);
}

static void on_lost(void *context, const char *reason)
{
	struct outbox *outbox = context;
	(void)reason;
	outbox->asking = false;
	lease_forget(&outbox->lease);
	on_lease_lost(outbox);
}

struct outbox *outbox_new(struct event_base *base, const struct kpid_config *config)
{
	struct outbox *outbox = mem_zalloc(sizeof(*outbox));
	const struct lease_task task = {.name = "outbox",
	                                .what = "messages about alerts",
	                                .late_query = "queries/outbox_late.sql",
	                                .lost = on_lease_lost,
	                                .context = outbox};
	outbox->topic = mem_strdup(config->alert.topic);
	outbox->producer = kafka_producer_new(base, &config->kafka, outbox->topic,
	                                      &(struct kafka_producer_events){on_reported, on_idle, outbox});
	if (outbox->producer == NULL) {
		free(outbox->topic);
		free(outbox);
		return NULL;
	}
	outbox->session = pg_session_new(base, &config->postgres, "outbox",
	                                 &(struct pg_session_events){on_ready, on_lost, outbox});
	lease_init(&outbox->lease, outbox->session, config->run.instance, &task);
	outbox->timer = evtimer_new(base, on_timer, outbox);
	pg_array_start(&outbox->delivered, PG_OID_INT8);
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	if (outbox == NULL)
		return;
	pg_session_free(outbox->session);
	lease_release(&outbox->lease);
	kafka_producer_free(outbox->producer);
	event_free(outbox->timer);
	pg_array_release(&outbox->delivered);
	free(outbox->topic);
	free(outbox);
}

void outbox_start(struct outbox *outbox)
{
	pg_session_start(outbox->session);
	on_timer(-1, 0, outbox);
}
