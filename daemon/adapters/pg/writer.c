#include "adapters/pg/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/pg/aside.h"
#include "adapters/pg/effects.h"
#include "adapters/pg/offsets.h"
#include "adapters/pg/standing.h"
#include "kpid/base/check.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/base/sqlstate.h"

enum {
	PIECE_TICKETS = 500, /* read, evaluated and written at once */
	PIECES_AHEAD = 2     /* of tickets to be read or sums to be added, under way before their turn */
};

struct pg_writer {
	struct pg_session *session;
	write_done_fn done;
	void *context;
	const struct write_order *order; /* NULL: idle */
	struct pg_effects effects;
	struct arena scratch;
	struct pg_array keys[3]; /* scratch for parameters */
	size_t n_read;           /* tickets asked for */
	size_t n_evaluated, piece_end;
	struct batch_evaluation *evaluation; /* of the ticket behind them; NULL: not begun */
	struct batch_sink sink;
	size_t n_sent;                 /* ticket rows sent to be written */
	size_t n_written;              /* of them, touched */
	int n_kpi_pieces;              /* under way */
	enum write_outcome outcome;    /* WRITE_COMMITTED until something says otherwise */
	bool closing;                  /* the pipeline's sync is sent */
	bool waited_in_vain;           /* for a lock, or passed over who holds one */
	char sqlstate[SQLSTATE_BYTES]; /* of the first refusal of this try; "": none */
	struct batch_care care;
	enum batch_fault fault; /* of this try */
	struct buf words;       /* of the last refusal in this batch */
	struct pg_aside aside;  /* of one piece */
	size_t n_set_aside;     /* that were not before, in this try */
	struct text first_aside;
	size_t n_to_take; /* WRITE_PARKED: events that this transaction folds */
	struct write_parts parts;
	int64_t mark_us;
};

static int64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* The time since the last lap goes to a part. */
static void lap(struct pg_writer *writer, int64_t *part)
{
	int64_t now_us = monotonic_us();
	*part += now_us - writer->mark_us;
	writer->mark_us = now_us;
}

static void read_ahead(struct pg_writer *writer);

/* ---- results ---- */

static void fail(struct pg_writer *writer, enum write_outcome outcome)
{
	if (writer->outcome == WRITE_COMMITTED)
		writer->outcome = outcome;
}

/* What is not even sent, because of a ticket in the batch. */
static void refuse(struct pg_writer *writer, const char *words)
{
	if (writer->outcome != WRITE_COMMITTED)
		return;
	buf_clear(&writer->words);
	buf_add_str(&writer->words, words);
	writer->fault = FAULT_DATA;
	fail(writer, WRITE_FAILED);
}

/* What a refusal of a statement means that writes or reads tickets, or what belongs to them. A wait for a whole table
 * has no context that names a row: nothing can be set aside that would help. */
static enum batch_fault fault_of(const struct pg_writer *writer, const PGresult *result, const char *sqlstate)
{
	if (sql_fault_of(sqlstate) == SQL_DATA)
		return FAULT_DATA;
	if (sqlstate == NULL || strcmp(sqlstate, SQLSTATE_LOCK_TIMEOUT) != 0)
		return FAULT_OTHER;
	bool of_a_row = PQresultErrorField(result, PG_DIAG_CONTEXT) != NULL;
	return of_a_row || !writer->care.skip_locked ? FAULT_LOCK : FAULT_OTHER;
}

/* After the first error the server skips the rest of the pipeline. */
static bool check_all(struct pg_writer *writer, PGresult *result, bool of_tickets)
{
	if (pg_result_ok(result))
		return true;
	if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED && writer->outcome == WRITE_COMMITTED) {
		const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		buf_clear(&writer->words);
		buf_add_format(&writer->words, "%s: %s", sqlstate == NULL ? "?" : sqlstate,
		               message == NULL ? PQresultErrorMessage(result) : message);
		writer->waited_in_vain = sqlstate != NULL && strcmp(sqlstate, SQLSTATE_LOCK_TIMEOUT) == 0;
		writer->fault = of_tickets ? fault_of(writer, result, sqlstate) : FAULT_OTHER;
	}
	fail(writer, WRITE_FAILED);
	return false;
}

static bool check(struct pg_writer *writer, PGresult *result)
{
	return check_all(writer, result, true);
}

static void on_result(void *context, PGresult *result)
{
	check(context, result);
}

/* Of what belongs to no ticket. */
static void on_other(void *context, PGresult *result)
{
	check_all(context, result, false);
}

static void on_fence(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check_all(writer, result, false) && (size_t)PQntuples(result) != writer->order->batch->n_sources)
		fail(writer, WRITE_FENCED);
}

static void on_moved(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check_all(writer, result, false) && pg_result_affected(result) != writer->order->batch->n_sources)
		fail(writer, WRITE_FENCED);
}

static void on_parked_locked(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check_all(writer, result, false) && (size_t)PQntuples(result) != writer->order->batch->n_tickets)
		fail(writer, WRITE_FENCED);
}

static void on_taken(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check_all(writer, result, false) && pg_result_affected(result) != writer->n_to_take)
		fail(writer, WRITE_FENCED);
}

static void on_tickets_written(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check(writer, result))
		writer->n_written += pg_result_affected(result);
}

/* Before a sync forgets it. The server may have refused to prepare a statement, which no callback hears of. */
static void note_refusal(struct pg_writer *writer)
{
	if (writer->sqlstate[0] == '\0')
		snprintf(writer->sqlstate, sizeof(writer->sqlstate), "%s", pg_session_refusal(writer->session));
}

static void begin(struct pg_writer *writer);

static void finish(struct pg_writer *writer)
{
	note_refusal(writer);
	if (writer->outcome == WRITE_FAILED && writer->order->kind == WRITE_NEW &&
	    batch_care_narrow(&writer->care, writer->fault, writer->order->batch->n_tickets)) {
		begin(writer);
		return;
	}
	if (writer->outcome == WRITE_COMMITTED)
		pg_aside_say(writer->n_set_aside, writer->first_aside, buf_text(&writer->words));
	lap(writer, &writer->parts.commit_us);
	writer->parts.n_batches++;
	writer->parts.n_tickets += (int64_t)writer->n_sent;
	writer->parts.n_events += (int64_t)writer->order->batch->n_events;
	writer->order = NULL;
	writer->done(writer->context, writer->outcome);
}

/* COMMIT of a transaction that has failed is no error: the server says that it has rolled back. */
static void on_committed(void *context, PGresult *result)
{
	if (check_all(context, result, false) && strcmp(PQcmdStatus(result), "COMMIT") != 0)
		fail(context, WRITE_FAILED);
}

static void on_finished(void *context, PGresult *result)
{
	(void)result;
	finish(context);
}

/* Everything is written, or something went wrong on the way. */
static void on_all_written(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	(void)result;
	lap(writer, &writer->parts.write_us);
	note_refusal(writer);
	if (writer->n_written != writer->n_sent)
		fail(writer, WRITE_RACED);
	if (writer->outcome == WRITE_COMMITTED)
		pg_session_command(writer->session, "COMMIT", on_committed, writer);
	else
		pg_session_command(writer->session, "ROLLBACK", on_other, writer);
	if (writer->waited_in_vain)
		pg_end_standing(writer->session);
	pg_session_sync(writer->session, on_finished, writer);
}

/* ---- the pipeline ---- */

static void close_pipeline(struct pg_writer *writer)
{
	writer->closing = true;
	pg_session_sync(writer->session, on_all_written, writer);
}

/* ---- tickets, piece by piece ---- */

static void remember_rows(struct pg_writer *writer, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		struct batch_ticket *ticket = batch_find_ticket(writer->order->batch, pg_get_text(result, row, 0));
		if (ticket != NULL)
			ticket->stored_row = row;
	}
}

static struct stored_ticket stored_of(const PGresult *result, int row)
{
	if (row < 0)
		return (struct stored_ticket){.as_of_us = TIME_NONE, .opened_us = TIME_NONE};
	return (struct stored_ticket){
	        .rev = pg_get_int4(result, row, 1),
	        .as_of_us = pg_get_time(result, row, 2),
	        .opened_us = pg_get_time(result, row, 3),
	        .revision_no = pg_get_int4(result, row, 4),
	        .history = pg_get_text(result, row, 5),
	};
}

/* ---- set aside ---- */

/* The row is there, and came without its state. */
static bool is_held(const PGresult *result, int row)
{
	return row >= 0 && PQgetisnull(result, row, 1);
}

static void place(struct pg_writer *writer, size_t i, const PGresult *result)
{
	struct batch_ticket *ticket = writer->order->batch->tickets[i];
	if (ticket->aside == ASIDE_WAITING)
		return;
	ticket->aside = i >= writer->care.n_kept              ? ASIDE_UNTRIED
	                : is_held(result, ticket->stored_row) ? ASIDE_LOCKED
	                                                      : ASIDE_NOT;
	if (ticket->aside == ASIDE_NOT)
		return;
	if (writer->n_set_aside++ == 0)
		writer->first_aside = ticket->ticket_id;
	writer->waited_in_vain |= ticket->aside == ASIDE_LOCKED;
}

static void put_aside(struct pg_writer *writer, const struct batch_ticket *ticket)
{
	if (writer->order->kind == WRITE_NEW)
		pg_aside_add(&writer->aside, ticket);
	else if (writer->order->kind == WRITE_PARKED)
		pg_array_text(&writer->aside.tickets, ticket->ticket_id);
}

static void send_aside(struct pg_writer *writer)
{
	struct text words = pg_aside_words(buf_text(&writer->words));
	if (writer->order->kind == WRITE_NEW)
		pg_aside_send(&writer->aside, writer->session, words, on_other, writer);
	else if (writer->order->kind == WRITE_PARKED)
		pg_parked_later(writer->session, &writer->aside.tickets, PARKED_LOCKED, words, on_other, writer);
}

static void on_parked(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (!check_all(writer, result, false))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct batch_ticket *ticket = batch_find_ticket(writer->order->batch, pg_get_text(result, row, 0));
		if (ticket != NULL)
			ticket->aside = ASIDE_WAITING;
	}
}

/* WRITE_PARKED: what was folded is not set aside any more. */
static void send_taken(struct pg_writer *writer)
{
	const struct write_order *order = writer->order;
	writer->n_to_take = pg_parked_take(writer->session, order, on_taken, writer);
	pg_parked_end(writer->session, order, on_other, writer);
	pg_parked_counted(writer->session, order->batch, on_other, writer);
}

/* One load brings all that a piece needs. */
static void ask_for_revisions(const struct batch_rules *rules, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		int32_t revision_no = pg_get_int4(result, row, 4);
		if (revision_no != 0)
			(void)rules->revision_by_no(rules->context, revision_no);
	}
}

/* A part of a ticket. As batch_evaluation_go_on(). */
static int evaluate_some(struct pg_writer *writer, const struct batch_ticket *ticket, const PGresult *result)
{
	enum { STEPS = 2000, KEEP_BYTES = 1 << 20 };
	const struct write_order *order = writer->order;
	int32_t revision_no;
	if (writer->evaluation == NULL) {
		struct stored_ticket stored = stored_of(result, ticket->stored_row);
		writer->evaluation = batch_evaluation_begin(order->batch, ticket, &stored, order->rules,
		                                            &writer->scratch, &writer->sink, &writer->effects.sums);
	}
	int verdict = batch_evaluation_go_on(writer->evaluation, STEPS, &revision_no);
	if (verdict == BATCH_UNKNOWN_REVISION) {
		ask_for_revisions(writer->order->rules, result);
		fail(writer, WRITE_UNKNOWN_REVISION);
	} else if (verdict < 0) {
		refuse(writer, "the history of its row in kpid.ticket is broken: restore it from a backup");
	}
	if (verdict != BATCH_MORE) {
		writer->evaluation = NULL;
		arena_clear(&writer->scratch, KEEP_BYTES);
	}
	return verdict;
}

static void start_piece(struct pg_writer *writer, const PGresult *result)
{
	struct batch *batch = writer->order->batch;
	size_t end = writer->n_evaluated + PIECE_TICKETS;
	writer->piece_end = end < batch->n_tickets ? end : batch->n_tickets;
	for (size_t i = writer->n_evaluated; i < writer->piece_end; i++)
		batch->tickets[i]->stored_row = -1;
	remember_rows(writer, result);
	pg_aside_start(&writer->aside);
	writer->sink = pg_effects_sink(&writer->effects);
	writer->evaluation = NULL;
	pg_array_start(&writer->effects.tickets, writer->effects.row_types[PG_ROW_TICKET]);
}

static void send_piece(struct pg_writer *writer)
{
	send_aside(writer);
	if (writer->effects.tickets.n == 0)
		return;
	writer->n_sent += writer->effects.tickets.n;
	struct pg_param param = pg_array_param(&writer->effects.tickets);
	pg_session_query(writer->session, "queries/ticket_write.sql", &param, 1, on_tickets_written, writer);
	pg_array_start(&writer->effects.tickets, writer->effects.row_types[PG_ROW_TICKET]);
	pg_effects_send_piece(&writer->effects, on_result, writer);
}

static void send_kpis(struct pg_writer *writer);

static void on_kpis_added(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	bool ok = check(writer, result);
	writer->n_kpi_pieces--;
	if (writer->closing)
		return;
	if (ok)
		send_kpis(writer);
	else
		close_pipeline(writer);
}

/* A few pieces at a time: what the server has not taken yet lies in memory. */
static void send_kpis(struct pg_writer *writer)
{
	while (writer->n_kpi_pieces < PIECES_AHEAD) {
		if (!pg_effects_send_kpis(&writer->effects, on_kpis_added, writer)) {
			pg_effects_send_rest(&writer->effects, on_result, writer);
			if (writer->order->kind == WRITE_PARKED)
				send_taken(writer);
			else
				pg_offsets_move(writer->session, writer->order, on_moved, writer);
			if (writer->effects.beyond_columns)
				refuse(writer, "22003: a count changes by more than its column holds");
			close_pipeline(writer);
			return;
		}
		writer->n_kpi_pieces++;
	}
	pg_session_flush(writer->session);
}

static void finish_piece(struct pg_writer *writer)
{
	if (writer->outcome == WRITE_COMMITTED)
		send_piece(writer);
	lap(writer, &writer->parts.evaluate_us);
	if (writer->outcome != WRITE_COMMITTED) {
		close_pipeline(writer);
		return;
	}
	read_ahead(writer);
	if (writer->n_evaluated == writer->order->batch->n_tickets)
		send_kpis(writer);
}

/* Evaluates what is left of a piece, for as long as this turn of the loop may take. */
static void evaluate_piece(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	size_t end = writer->piece_end;
	while (writer->n_evaluated < end) {
		const struct batch_ticket *ticket = writer->order->batch->tickets[writer->n_evaluated];
		int verdict = BATCH_OK;
		if (writer->evaluation == NULL)
			place(writer, writer->n_evaluated, result);
		if (ticket->aside != ASIDE_NOT)
			put_aside(writer, ticket);
		else
			verdict = evaluate_some(writer, ticket, result);
		if (verdict == BATCH_OK)
			writer->n_evaluated++;
		else if (verdict != BATCH_MORE)
			break;
		if (writer->n_evaluated < end && pg_session_turn_is_over(writer->session)) {
			pg_session_take_turn(writer->session, result, evaluate_piece, writer);
			return;
		}
	}
	finish_piece(writer);
}

static void on_tickets_read(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (writer->closing)
		return;
	if (!check(writer, result) || writer->outcome != WRITE_COMMITTED) {
		close_pipeline(writer);
		return;
	}
	lap(writer, &writer->parts.read_us);
	start_piece(writer, result);
	evaluate_piece(writer, result);
}

static const char *read_query(const struct pg_writer *writer)
{
	if (writer->care.skip_locked)
		return "queries/ticket_read_skip.sql";
	return writer->order->lock_tickets ? "queries/ticket_read_locked.sql" : "queries/ticket_read.sql";
}

static void read_piece(struct pg_writer *writer)
{
	const struct batch *batch = writer->order->batch;
	pg_array_start(&writer->keys[0], PG_OID_TEXT);
	size_t end = writer->n_read + PIECE_TICKETS;
	for (; writer->n_read < end && writer->n_read < batch->n_tickets; writer->n_read++) {
		batch->tickets[writer->n_read]->aside = ASIDE_NOT;
		pg_array_text(&writer->keys[0], batch->tickets[writer->n_read]->ticket_id);
	}
	struct pg_param param = pg_array_param(&writer->keys[0]);
	if (writer->order->kind != WRITE_PARKED)
		pg_session_query(writer->session, "queries/parked_among.sql", &param, 1, on_parked, writer);
	pg_session_query(writer->session, read_query(writer), &param, 1, on_tickets_read, writer);
}

static void read_ahead(struct pg_writer *writer)
{
	const struct batch *batch = writer->order->batch;
	bool sent = false;
	while (writer->n_read < batch->n_tickets &&
	       writer->n_read < writer->n_evaluated + (size_t)PIECES_AHEAD * PIECE_TICKETS) {
		read_piece(writer);
		sent = true;
	}
	if (sent)
		pg_session_flush(writer->session);
}

/* ---- life ---- */

struct pg_writer *pg_writer_new(struct pg_session *session, write_done_fn done, void *context)
{
	struct pg_writer *writer = mem_zalloc(sizeof(*writer));
	writer->session = session;
	writer->done = done;
	writer->context = context;
	pg_effects_init(&writer->effects);
	arena_init(&writer->scratch);
	return writer;
}

void pg_writer_free(struct pg_writer *writer)
{
	if (writer == NULL)
		return;
	pg_effects_release(&writer->effects);
	pg_aside_release(&writer->aside);
	buf_release(&writer->words);
	arena_release(&writer->scratch);
	for (int i = 0; i < 3; i++)
		pg_array_release(&writer->keys[i]);
	free(writer);
}

/* One try. */
static void begin(struct pg_writer *writer)
{
	struct batch *batch = writer->order->batch;
	writer->n_read = writer->n_evaluated = writer->n_sent = writer->n_written = 0;
	writer->outcome = WRITE_COMMITTED;
	writer->fault = FAULT_OTHER;
	writer->n_kpi_pieces = 0;
	writer->n_set_aside = writer->n_to_take = 0;
	writer->closing = writer->waited_in_vain = false;
	writer->evaluation = NULL;
	for (size_t i = 0; i < batch->n_sources; i++)
		batch->sources[i].n_duplicates = batch->sources[i].n_too_many = 0;
	pg_effects_start(&writer->effects, writer->session, writer->order);
	writer->sqlstate[0] = '\0';

	pg_session_command(writer->session, "BEGIN", on_other, writer);
	pg_session_command(writer->session,
	                   writer->care.skip_locked ? "SET LOCAL lock_timeout = '300ms'"
	                                            : "SET LOCAL lock_timeout = '1s'",
	                   on_other, writer);
	if (writer->order->kind == WRITE_PARKED)
		pg_parked_lock(writer->session, batch, on_parked_locked, writer);
	else
		pg_offsets_lock(writer->session, batch, on_fence, writer);
	read_ahead(writer);
	if (batch->n_tickets == 0)
		send_kpis(writer);
}

void pg_writer_start(struct pg_writer *writer, const struct write_order *order)
{
	KPID_CHECK(order->kind != WRITE_PARKED || order->batch->n_tickets <= PIECE_TICKETS);
	writer->order = order;
	writer->care = batch_care_first();
	writer->care.skip_locked = order->kind == WRITE_PARKED;
	writer->mark_us = monotonic_us();
	buf_clear(&writer->words);
	begin(writer);
}

const char *pg_writer_sqlstate(const struct pg_writer *writer)
{
	return writer->sqlstate;
}

bool pg_writer_is_busy(const struct pg_writer *writer)
{
	return writer->order != NULL;
}

void pg_writer_abandon(struct pg_writer *writer)
{
	writer->order = NULL;
}

enum batch_fault pg_writer_fault(const struct pg_writer *writer)
{
	return writer->fault;
}

struct text pg_writer_words(const struct pg_writer *writer)
{
	return buf_text(&writer->words);
}

const struct write_parts *pg_writer_parts(const struct pg_writer *writer)
{
	return &writer->parts;
}
