#include "app/parked.h"

#include <stdlib.h>

#include "adapters/pg/parking.h"
#include "adapters/pg/rows.h"
#include "app/judging.h"
#include "kpid/base/backoff.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { MAX_BATCH = 500 };
enum { RETRY_FIRST_US = 100000 };

enum parked_state {
	PARKED_ASLEEP, /* not connected */
	PARKED_IDLE,
	PARKED_QUERYING,  /* reading what is due */
	PARKED_WRITING,   /* writing it, in one transaction */
	PARKED_POSTPONING /* storing that one ticket failed again */
};

struct parked {
	struct lane_shared *shared;
	struct parked_events events;
	struct pg_session *session;
	struct pg_writer *writer;
	enum parked_state state;
	bool started, has_refused;
	bool more_due; /* tickets may have become due meanwhile */
	struct batch batch;
	struct judging judging; /* of the batch being written */
	struct batch_rules rules;
	struct write_order order;
	struct parked_event *events_waiting; /* of the batch */
	size_t n_events_waiting, events_waiting_capacity;
	size_t n_written; /* tickets, since the last time that none was set aside */
	int64_t as_of_us; /* for tickets without waiting events, whose deadlines alone were set aside */
	bool unconfirmed;
	struct backoff backoff; /* after failures that are not of a single ticket */
	int64_t max_batch;      /* tickets per transaction: halved after a failure, until the cause is alone */
};

static void query_due(struct parked *parked);

static void become_idle(struct parked *parked)
{
	parked->state = PARKED_IDLE;
	if (parked->more_due && backoff_is_over(&parked->backoff, monotonic_clock_us()))
		query_due(parked);
}

/* Call after failures that no ticket causes. */
static void retry_later(struct parked *parked)
{
	bool lasting = sql_error_lasts(sql_error_of(pg_writer_sqlstate(parked->writer)));
	backoff_add_failure(&parked->backoff, monotonic_clock_us(), lasting);
}

/* ---- results ---- */

static void on_postponed(void *context, PGresult *result)
{
	if (!pg_result_ok(result))
		log_warning("postponing a ticket failed: %s", PQresultErrorMessage(result));
	(void)context;
}

static void on_counted(void *context, PGresult *result)
{
	struct parked *parked = context;
	if (!pg_result_ok(result))
		return;
	if (pg_get_int8(result, 0, PARKED_COUNT_N_PARKED) == 0 && parked->n_written > 0) {
		log_info("no ticket is set aside now: %zu were written with their events", parked->n_written);
		parked->n_written = 0;
	}
	parked->events.refused(parked->events.context, pg_get_int8(result, 0, PARKED_COUNT_N_REFUSED));
}

static void on_postponed_end(void *context, PGresult *result)
{
	struct parked *parked = context;
	(void)result;
	parked->more_due = true;
	parked->events.changed(parked->events.context);
	become_idle(parked);
}

/* The batch is one ticket, so that ticket is the cause. */
static void postpone_ticket(struct parked *parked)
{
	enum parked_reason reason = pg_writer_fault(parked->writer) == FAULT_DATA ? PARKED_REFUSED : PARKED_LOCKED;
	struct text words = pg_writer_error(parked->writer), ticket_id = parked->batch.tickets[0]->ticket_id;
	struct pg_array tickets = {.n = 0};
	parked->state = PARKED_POSTPONING;
	parked->has_refused |= reason == PARKED_REFUSED;
	if (reason == PARKED_REFUSED)
		log_error("ticket %.*s cannot be written and stays set aside with its events (%.*s): see `kpid doctor`",
		          (int)ticket_id.len, ticket_id.ptr, (int)words.len, words.ptr);
	pg_array_start(&tickets, PG_OID_TEXT);
	pg_array_text(&tickets, ticket_id);
	pg_parked_later(parked->session, &tickets, reason, words, on_postponed, parked);
	pg_array_release(&tickets);
	pg_session_query(parked->session, "queries/parked_count.sql", NULL, 0, on_counted, parked);
	pg_session_sync(parked->session, on_postponed_end, parked);
}

static void count_written(struct parked *parked)
{
	size_t n = 0;
	for (size_t i = 0; i < parked->batch.n_tickets; i++)
		n += parked->batch.tickets[i]->aside == ASIDE_NOT;
	parked->n_written += n;
	parked->max_batch = parked->max_batch * 2 > MAX_BATCH ? MAX_BATCH : parked->max_batch * 2;
	parked->events.changed(parked->events.context);
}

static void on_written(void *context, enum write_outcome outcome)
{
	struct parked *parked = context;
	size_t n_tickets = parked->batch.n_tickets;
	judging_drop(&parked->judging);
	switch (outcome) {
	case WRITE_COMMITTED:
		count_written(parked);
		backoff_reset(&parked->backoff);
		parked->more_due = true;
		break;
	case WRITE_FAILED:
		if (pg_writer_fault(parked->writer) == FAULT_OTHER) {
			retry_later(parked);
			break;
		}
		if (n_tickets == 1) {
			postpone_ticket(parked);
			return;
		}
		parked->max_batch = (int64_t)n_tickets / 2;
		parked->more_due = true;
		break;
	case WRITE_UNKNOWN_REVISION:
		parked->shared->load_revisions(parked->shared->load_context);
		retry_later(parked);
		break;
	case WRITE_RACED:
	case WRITE_FENCED: /* another instance was faster */
		break;
	}
	become_idle(parked);
}

/* ---- retrying ---- */

static void write(struct parked *parked)
{
	struct lane_shared *shared = parked->shared;
	batch_seal(&parked->batch);
	judging_hold(&parked->judging, shared->registry, shared->config);
	/* Not all events of a ticket may be there yet: its deadlines are fired after this. Where there are none, the
	 * deadlines are what was set aside. */
	bool judges = parked->n_events_waiting == 0;
	parked->rules = judging_rules(&parked->judging, judges ? parked->as_of_us : TIME_NONE);
	parked->rules.ticket_max_events = (size_t)parked->judging.config->run.ticket_max_events;
	parked->rules.now_us = judges ? lane_shared_now_us(shared) : 0;
	parked->order = (struct write_order){
	        .kind = WRITE_PARKED,
	        .parked = parked->events_waiting,
	        .n_parked = parked->n_events_waiting,
	        .batch = &parked->batch,
	        .rules = &parked->rules,
	        .now_us = lane_shared_now_us(shared),
	        .unconfirmed = judges && parked->unconfirmed,
	        .config = parked->judging.config,
	        .source_name = sources_name,
	        .source_context = shared->sources,
	};
	parked->state = PARKED_WRITING;
	pg_writer_start(parked->writer, &parked->order);
}

static void add_row(struct parked *parked, const PGresult *result, int row)
{
	struct text ticket_id = pg_get_text(result, row, PARKED_DUE_TICKET_ID);
	batch_add_ticket(&parked->batch, ticket_id);
	if (PQgetisnull(result, row, PARKED_DUE_EVENT_NO))
		return;
	int32_t source_no = pg_get_int4(result, row, PARKED_DUE_SOURCE_NO);
	batch_source(&parked->batch, source_no, OFFSET_NONE);
	batch_add_packed(&parked->batch, ticket_id, source_no, pg_get_text(result, row, PARKED_DUE_EVENT));
	parked->events_waiting = mem_grow(parked->events_waiting, &parked->events_waiting_capacity,
	                                  parked->n_events_waiting + 1, sizeof(*parked->events_waiting));
	parked->events_waiting[parked->n_events_waiting++] = (struct parked_event){
	        batch_find_ticket(&parked->batch, ticket_id)->ticket_id, pg_get_int8(result, row, PARKED_DUE_EVENT_NO)};
}

static void on_due(void *context, PGresult *result)
{
	struct parked *parked = context;
	if (!pg_result_ok(result)) {
		log_warning("reading the tickets that were set aside failed: %s", PQresultErrorMessage(result));
		return;
	}
	bool has_events = false;
	for (int row = 0; row < PQntuples(result); row++)
		has_events |= !PQgetisnull(result, row, PARKED_DUE_EVENT_NO);
	/* Tickets without events are judged in a batch of their own, after the others. */
	for (int row = 0; row < PQntuples(result); row++)
		if (!has_events || !PQgetisnull(result, row, PARKED_DUE_EVENT_NO))
			add_row(parked, result, row);
}

static void on_due_end(void *context, PGresult *result)
{
	struct parked *parked = context;
	(void)result;
	if (parked->batch.n_tickets == 0)
		become_idle(parked);
	else
		write(parked);
}

static void query_due(struct parked *parked)
{
	char buffer[8];
	parked->more_due = false;
	/* Taken before the query: its result has all events that were committed by then. */
	parked->as_of_us = parked->shared->fired_as_of_us;
	parked->unconfirmed = parked->shared->fired_unconfirmed;
	batch_clear(&parked->batch);
	parked->n_events_waiting = 0;
	parked->state = PARKED_QUERYING;
	const struct pg_param param = pg_param_int8(parked->max_batch, buffer);
	pg_session_query(parked->session, "queries/parked_due.sql", &param, 1, on_due, parked);
	pg_session_query(parked->session, "queries/parked_count.sql", NULL, 0, on_counted, parked);
	pg_session_sync(parked->session, on_due_end, parked);
}

/* ---- life ---- */

void parked_wake(struct parked *parked)
{
	if (!parked->started) {
		parked->started = true;
		pg_session_start(parked->session);
	}
	if (parked->state == PARKED_IDLE && backoff_is_over(&parked->backoff, monotonic_clock_us()))
		query_due(parked);
}

bool parked_has_refused(const struct parked *parked)
{
	return parked->has_refused;
}

bool parked_is_idle(const struct parked *parked)
{
	return parked->state == PARKED_IDLE || parked->state == PARKED_ASLEEP;
}

static void on_ready(void *context)
{
	struct parked *parked = context;
	parked->more_due = true;
	become_idle(parked);
}

static void on_lost(void *context, const char *reason)
{
	struct parked *parked = context;
	(void)reason;
	pg_writer_abandon(parked->writer);
	judging_drop(&parked->judging);
	parked->state = PARKED_ASLEEP;
	backoff_reset(&parked->backoff);
}

struct parked *parked_new(struct lane_shared *shared, const struct parked_events *events)
{
	struct parked *parked = mem_zalloc(sizeof(*parked));
	parked->shared = shared;
	parked->events = *events;
	parked->max_batch = MAX_BATCH;
	backoff_init(&parked->backoff, RETRY_FIRST_US);
	parked->session = pg_session_new(shared->base, &shared->config->postgres, "set aside",
	                                 &(struct pg_session_events){on_ready, on_lost, parked});
	parked->writer = pg_writer_new(parked->session, on_written, parked);
	batch_init(&parked->batch);
	return parked;
}

void parked_free(struct parked *parked)
{
	if (parked == NULL)
		return;
	pg_writer_free(parked->writer);
	pg_session_free(parked->session);
	judging_drop(&parked->judging);
	batch_release(&parked->batch);
	free(parked->events_waiting);
	free(parked);
}
