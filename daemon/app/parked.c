#include "app/parked.h"

#include <stdlib.h>

#include "adapters/pg/aside.h"
#include "adapters/pg/rows.h"
#include "app/judging.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { MOST_TICKETS = 500 };
enum { RETRY_FIRST_MS = 100, RETRY_LONGEST_MS = 5000, RETRY_SELDOM_MS = 30000 };

enum parked_state {
	PARKED_ASLEEP, /* not connected yet, or not any more */
	PARKED_IDLE,
	PARKED_ASKING,  /* for what is due */
	PARKED_WRITING, /* it, in one transaction */
	PARKED_TELLING  /* the database that one ticket was refused again */
};

struct parked {
	struct lane_shared *shared;
	struct parked_events events;
	struct pg_session *session;
	struct pg_writer *writer;
	enum parked_state state;
	bool started, has_refused;
	bool again; /* some fell due meanwhile */
	struct batch batch;
	struct judging judging; /* of the batch that is in its transaction */
	struct batch_rules rules;
	struct write_order order;
	struct parked_event *waiting; /* of the batch */
	size_t n_waiting, waiting_capacity;
	size_t n_written; /* tickets, since none was set aside */
	int64_t as_of_us; /* of tickets without events: their deadlines alone were set aside */
	bool unconfirmed;
	int64_t not_before_us; /* monotonic: after a failure that is no ticket's */
	int retry_ms;
	int64_t most_tickets; /* to be tried at once: fewer after a failure, until the cause is alone */
};

static void ask(struct parked *parked);

static void rest(struct parked *parked)
{
	parked->state = PARKED_IDLE;
	if (parked->again && monotonic_clock_us() >= parked->not_before_us)
		ask(parked);
}

/* Something else than a ticket is wrong: it is tried again with a growing pause; what somebody must act on, seldom. */
static void try_later(struct parked *parked)
{
	bool lasts = sql_fault_lasts(sql_fault_of(pg_writer_sqlstate(parked->writer)));
	int longest_ms = lasts ? RETRY_SELDOM_MS : RETRY_LONGEST_MS;
	parked->not_before_us = monotonic_clock_us() + (int64_t)parked->retry_ms * 1000;
	parked->retry_ms = parked->retry_ms * 2 > longest_ms ? longest_ms : parked->retry_ms * 2;
}

/* ---- what comes of a try ---- */

static void on_told(void *context, PGresult *result)
{
	if (!pg_result_ok(result))
		log_warning("setting a ticket aside for longer: %s", PQresultErrorMessage(result));
	(void)context;
}

static void on_counted(void *context, PGresult *result)
{
	enum { ALL, REFUSED };
	struct parked *parked = context;
	if (!pg_result_ok(result))
		return;
	if (pg_get_int8(result, 0, ALL) == 0 && parked->n_written > 0) {
		log_info("no ticket is set aside any more: %zu are written with their events", parked->n_written);
		parked->n_written = 0;
	}
	parked->events.refused(parked->events.context, pg_get_int8(result, 0, REFUSED));
}

static void on_told_end(void *context, PGresult *result)
{
	struct parked *parked = context;
	(void)result;
	parked->again = true;
	parked->events.changed(parked->events.context);
	rest(parked);
}

/* One ticket, alone: it is the cause. */
static void tell(struct parked *parked)
{
	enum parked_reason reason = pg_writer_fault(parked->writer) == FAULT_DATA ? PARKED_REFUSED : PARKED_LOCKED;
	struct text words = pg_writer_words(parked->writer), ticket_id = parked->batch.tickets[0]->ticket_id;
	struct pg_array tickets = {.n = 0};
	parked->state = PARKED_TELLING;
	parked->has_refused |= reason == PARKED_REFUSED;
	if (reason == PARKED_REFUSED)
		log_error("ticket %.*s cannot be written and stays set aside with its events (%.*s): see `kpid doctor`",
		          (int)ticket_id.len, ticket_id.ptr, (int)words.len, words.ptr);
	pg_array_start(&tickets, PG_OID_TEXT);
	pg_array_text(&tickets, ticket_id);
	pg_parked_later(parked->session, &tickets, reason, words, on_told, parked);
	pg_array_release(&tickets);
	pg_session_query(parked->session, "queries/parked_count.sql", NULL, 0, on_counted, parked);
	pg_session_sync(parked->session, on_told_end, parked);
}

static void note_written(struct parked *parked)
{
	size_t n = 0;
	for (size_t i = 0; i < parked->batch.n_tickets; i++)
		n += parked->batch.tickets[i]->aside == ASIDE_NOT;
	parked->n_written += n;
	parked->most_tickets = parked->most_tickets * 2 > MOST_TICKETS ? MOST_TICKETS : parked->most_tickets * 2;
	parked->events.changed(parked->events.context);
}

static void on_written(void *context, enum write_outcome outcome)
{
	struct parked *parked = context;
	size_t n_tickets = parked->batch.n_tickets;
	judging_drop(&parked->judging);
	switch (outcome) {
	case WRITE_COMMITTED:
		note_written(parked);
		parked->retry_ms = RETRY_FIRST_MS;
		parked->again = true;
		break;
	case WRITE_FAILED:
		if (pg_writer_fault(parked->writer) == FAULT_OTHER) {
			try_later(parked);
			break;
		}
		if (n_tickets == 1) {
			tell(parked);
			return;
		}
		parked->most_tickets = (int64_t)n_tickets / 2;
		parked->again = true;
		break;
	case WRITE_UNKNOWN_REVISION:
		parked->shared->load_revisions(parked->shared->load_context);
		try_later(parked);
		break;
	case WRITE_RACED:
	case WRITE_FENCED: /* another instance was quicker */
		break;
	}
	rest(parked);
}

/* ---- a try ---- */

static void write(struct parked *parked)
{
	struct lane_shared *shared = parked->shared;
	batch_seal(&parked->batch);
	judging_hold(&parked->judging, shared->book, shared->config);
	/* Not all events of a ticket may be there yet: its deadlines are fired after this. Where there are none, the
	 * deadlines are what was set aside. */
	bool judges = parked->n_waiting == 0;
	parked->rules = judging_rules(&parked->judging, judges ? parked->as_of_us : TIME_NONE);
	parked->rules.ticket_max_events = (size_t)parked->judging.config->run.ticket_max_events;
	parked->rules.now_us = judges ? lane_shared_now_us(shared) : 0;
	parked->order = (struct write_order){
	        .kind = WRITE_PARKED,
	        .parked = parked->waiting,
	        .n_parked = parked->n_waiting,
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

/* Of queries/parked_due.sql. */
enum { TICKET, EVENT_NO, SOURCE_NO, EVENT };

static void add(struct parked *parked, const PGresult *result, int row)
{
	struct text ticket_id = pg_get_text(result, row, TICKET);
	batch_add_ticket(&parked->batch, ticket_id);
	if (PQgetisnull(result, row, EVENT_NO))
		return;
	int32_t source_no = pg_get_int4(result, row, SOURCE_NO);
	batch_source(&parked->batch, source_no, OFFSET_NONE);
	batch_add_packed(&parked->batch, ticket_id, source_no, pg_get_text(result, row, EVENT));
	parked->waiting =
	        mem_grow(parked->waiting, &parked->waiting_capacity, parked->n_waiting + 1, sizeof(*parked->waiting));
	parked->waiting[parked->n_waiting++] = (struct parked_event){
	        batch_find_ticket(&parked->batch, ticket_id)->ticket_id, pg_get_int8(result, row, EVENT_NO)};
}

static void on_due(void *context, PGresult *result)
{
	struct parked *parked = context;
	if (!pg_result_ok(result)) {
		log_warning("asking for what was set aside: %s", PQresultErrorMessage(result));
		return;
	}
	bool has_events = false;
	for (int row = 0; row < PQntuples(result); row++)
		has_events |= !PQgetisnull(result, row, EVENT_NO);
	/* Tickets without events are judged apart from the others, after them. */
	for (int row = 0; row < PQntuples(result); row++)
		if (!has_events || !PQgetisnull(result, row, EVENT_NO))
			add(parked, result, row);
}

static void on_due_end(void *context, PGresult *result)
{
	struct parked *parked = context;
	(void)result;
	if (parked->batch.n_tickets == 0)
		rest(parked);
	else
		write(parked);
}

static void ask(struct parked *parked)
{
	char buffer[8];
	parked->again = false;
	/* Before the question: the answer has all events that were committed by then. */
	parked->as_of_us = parked->shared->fired_as_of_us;
	parked->unconfirmed = parked->shared->fired_unconfirmed;
	batch_clear(&parked->batch);
	parked->n_waiting = 0;
	parked->state = PARKED_ASKING;
	const struct pg_param param = pg_param_int8(parked->most_tickets, buffer);
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
	if (parked->state == PARKED_IDLE && monotonic_clock_us() >= parked->not_before_us)
		ask(parked);
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
	parked->again = true;
	rest(parked);
}

static void on_lost(void *context, const char *reason)
{
	struct parked *parked = context;
	(void)reason;
	pg_writer_abandon(parked->writer);
	judging_drop(&parked->judging);
	parked->state = PARKED_ASLEEP;
	parked->not_before_us = 0;
	parked->retry_ms = RETRY_FIRST_MS;
}

struct parked *parked_new(struct lane_shared *shared, const struct parked_events *events)
{
	struct parked *parked = mem_zalloc(sizeof(*parked));
	parked->shared = shared;
	parked->events = *events;
	parked->most_tickets = MOST_TICKETS;
	parked->retry_ms = RETRY_FIRST_MS;
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
	free(parked->waiting);
	free(parked);
}
