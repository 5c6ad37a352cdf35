#include "adapters/outbox/outbox.h"

#include <event2/event.h>
#include <stdlib.h>

#include "adapters/kafka/producer.h"
#include "adapters/metrics/counts.h"
#include "adapters/pg/channels.h"
#include "adapters/pg/lease.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"
#include "adapters/timer.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { BUSY_US = 100000 }; /* between reads while there is work */

struct outbox {
	char *topic;
	struct pg_session *session;
	struct lease lease; /* the holder sends */
	struct event_base *base;
	const struct config_pairs *kafka; /* borrowed */
	struct kafka_producer *producer;  /* NULL until the lease is held: an instance that waits for it needs none */
	struct event *timer;
	int64_t read_us; /* monotonic: the last read */
	bool waiting;    /* messages may wait: there was a notification since the last read, or it found some */
	bool querying;   /* a query is running */
	size_t n_sent;   /* passed to the producer, without a delivery report yet */
	struct pg_array delivered; /* numbers of rows that may be deleted */
	bool failure_logged;
};

static void poll(struct outbox *outbox);
static void on_reported(void *context, int64_t seq, enum producer_report report, const char *why);
static void on_idle(void *context);

static void on_sync(void *context, PGresult *result)
{
	struct outbox *outbox = context;
	(void)result;
	outbox->querying = false;
	poll(outbox);
}

static void delete_delivered(struct outbox *outbox)
{
	struct pg_param param = pg_array_param(&outbox->delivered);
	outbox->querying = true;
	lease_fence(&outbox->lease);
	pg_session_query(outbox->session, "queries/outbox_delete.sql", &param, 1, NULL, NULL);
	pg_session_sync(outbox->session, on_sync, outbox);
	pg_array_start(&outbox->delivered, PG_OID_INT8);
}

/* The lease may have ended meanwhile, as after a freeze: then another instance sends these rows. */
static void on_read(void *context, PGresult *result)
{
	struct outbox *outbox = context;
	outbox->waiting |= !pg_result_ok(result) || PQntuples(result) > 0;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result) && lease_is_held(&outbox->lease); row++) {
		if (!kafka_producer_send(outbox->producer, pg_get_text(result, row, OUTBOX_READ_KEY),
		                         pg_get_text(result, row, OUTBOX_READ_PAYLOAD),
		                         pg_get_int8(result, row, OUTBOX_READ_SEQ)))
			return; /* the queue is full: the rest is read again later */
		outbox->n_sent++;
	}
}

static void read_more(struct outbox *outbox)
{
	outbox->waiting = false;
	outbox->querying = true;
	outbox->read_us = monotonic_clock_us();
	pg_session_query(outbox->session, "queries/outbox_read.sql", NULL, 0, on_read, outbox);
	pg_session_sync(outbox->session, on_sync, outbox);
}

static bool has_producer(struct outbox *outbox)
{
	if (outbox->producer == NULL)
		outbox->producer = kafka_producer_new(outbox->base, outbox->kafka, outbox->topic,
		                                      &(struct kafka_producer_events){on_reported, on_idle, outbox});
	return outbox->producer != NULL;
}

static bool is_busy(const struct outbox *outbox)
{
	return outbox->waiting || outbox->n_sent > 0 || outbox->delivered.n > 0;
}

/* One step at a time: delete what was delivered, wait for delivery reports, read more. */
static void step(struct outbox *outbox)
{
	bool looks = lease_look(&outbox->lease, is_busy(outbox));
	if (!lease_is_held(&outbox->lease)) {
		outbox->waiting &= !looks; /* on_looked() sets it again */
		if (outbox->n_sent > 0)
			kafka_producer_purge(outbox->producer);
		return;
	}
	if (outbox->querying || !has_producer(outbox))
		return;
	if (outbox->delivered.n > 0 && outbox->n_sent == 0) {
		delete_delivered(outbox);
	} else if (outbox->waiting && outbox->n_sent == 0 && monotonic_clock_us() - outbox->read_us >= BUSY_US) {
		read_more(outbox);
	}
}

static void poll(struct outbox *outbox)
{
	if (!pg_session_is_ready(outbox->session))
		return;
	step(outbox);
	bool busy = is_busy(outbox);
	int64_t wait_us = lease_wait_us(&outbox->lease, busy);
	int64_t read_wait_us = outbox->read_us + BUSY_US - monotonic_clock_us();
	if (busy && lease_is_held(&outbox->lease) && wait_us > read_wait_us)
		wait_us = read_wait_us > 0 ? read_wait_us : BUSY_US;
	timer_start(outbox->timer, wait_us);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	poll(context);
}

static void on_looked(void *context)
{
	struct outbox *outbox = context;
	outbox->waiting |= outbox->lease.waits;
	poll(outbox);
}

static void on_notified(void *context)
{
	struct outbox *outbox = context;
	outbox->waiting = true;
	poll(outbox);
}

/* ---- delivery reports ---- */

static void on_reported(void *context, int64_t seq, enum producer_report report, const char *why)
{
	struct outbox *outbox = context;
	outbox->n_sent--;
	counts.outbox_delivered += report == PRODUCER_DELIVERED;
	counts.outbox_failed += report == PRODUCER_FAILED || report == PRODUCER_REFUSED;
	switch (report) {
	case PRODUCER_DELIVERED:
		if (outbox->failure_logged)
			log_info("alerts are sent to topic %s again", outbox->topic);
		outbox->failure_logged = false;
		pg_array_int8(&outbox->delivered, seq, false);
		break;
	case PRODUCER_FAILED:
	case PRODUCER_REFUSED:
		if (!outbox->failure_logged)
			log_error("alerts cannot be sent to topic %s: %s; retrying", outbox->topic, why);
		outbox->failure_logged = true;
		break;
	case PRODUCER_PURGED:
		break;
	}
}

static void on_idle(void *context)
{
	struct outbox *outbox = context;
	if (outbox->n_sent == 0)
		poll(outbox);
}

/* ---- life ---- */

static void on_lease_lost(void *context)
{
	struct outbox *outbox = context;
	kafka_producer_purge(outbox->producer);
	pg_array_start(&outbox->delivered, PG_OID_INT8); /* the next holder sends and deletes them */
}

static void on_ready(void *context)
{
	on_notified(context);
}

static void on_lost(void *context, const char *reason)
{
	struct outbox *outbox = context;
	(void)reason;
	outbox->querying = false;
	evtimer_del(outbox->timer);
	lease_forget(&outbox->lease);
	on_lease_lost(outbox);
}

struct outbox *outbox_new(struct event_base *base, const struct kpid_config *config)
{
	if (!kafka_producer_can_be_made(&config->kafka))
		return NULL;
	struct outbox *outbox = mem_zalloc(sizeof(*outbox));
	const struct lease_task task = {.name = "outbox",
	                                .what = "messages about alerts",
	                                .oldest_query = "queries/outbox_oldest.sql",
	                                .looked = on_looked,
	                                .lost = on_lease_lost,
	                                .context = outbox};
	outbox->topic = mem_strdup(config->alert.topic);
	outbox->base = base;
	outbox->kafka = &config->kafka;
	outbox->session = pg_session_new(base, &config->postgres, "outbox",
	                                 &(struct pg_session_events){on_ready, on_lost, outbox});
	pg_session_listen(outbox->session, CHANNEL_ALERT, on_notified);
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
}

const struct pg_session *outbox_session(const struct outbox *outbox)
{
	return outbox->session;
}

void outbox_describe_delay(const struct outbox *outbox, struct buf *out)
{
	lease_describe_delay(&outbox->lease, out);
}
