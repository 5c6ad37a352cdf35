#include "adapters/pg/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/metrics/counts.h"
#include "adapters/pg/effects.h"
#include "adapters/pg/error_text.h"
#include "adapters/pg/offsets.h"
#include "adapters/pg/parking.h"
#include "adapters/pg/stalled_sessions.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/base/sqlstate.h"

enum {
	PIECE_TICKETS = 500,           /* tickets that are read, evaluated and written together */
	MOST_GATHERED_BYTES = 1 << 20, /* of rows of a large ticket; then they are sent before it is evaluated fully */
	PIECES_AHEAD = 2               /* pieces of tickets or KPI sums that are requested in advance */
};

struct pg_writer {
	struct pg_session *session;
	write_done_fn done;
	void *context;
	const struct write_order *order; /* NULL: idle */
	struct pg_effects effects;
	struct arena scratch;
	struct pg_array ticket_ids; /* scratch for a parameter */
	size_t n_read;              /* tickets asked for */
	size_t n_evaluated, piece_end;
	struct batch_evaluation *evaluation; /* of the next ticket; NULL: not begun */
	struct batch_sink sink;
	size_t n_sent;                 /* ticket rows sent */
	size_t n_written;              /* ticket rows affected */
	int n_kpi_pieces;              /* sent and not answered */
	enum write_outcome outcome;    /* WRITE_COMMITTED unless something failed */
	bool closing;                  /* the pipeline's sync is sent */
	bool lock_blocked;             /* timed out on a lock, or skipped a locked ticket */
	char sqlstate[SQLSTATE_BYTES]; /* of the first refusal in this try; "": none */
	struct batch_care care;
	struct kpi_frontier frontier;
	bool inserts;              /* this try inserts rows that seem new plainly */
	bool collided;             /* met another writer: the next try upserts all rows */
	enum batch_fault fault;    /* of this try */
	struct buf error;          /* text of the last refusal in this batch */
	struct pg_parking parking; /* of one piece */
	size_t n_parked;           /* newly parked in this try */
	struct text first_parked;
	size_t n_to_take; /* WRITE_PARKED: events that this transaction folds */
	struct write_parts parts;
	int64_t mark_us, started_us; /* monotonic */
};

/* Adds the time since the last lap to a phase. */
static void lap(struct pg_writer *writer, int64_t *part)
{
	int64_t now_us = monotonic_clock_us();
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

/* Fails the batch because of one of its tickets, before anything is sent. */
static void refuse(struct pg_writer *writer, const char *error)
{
	if (writer->outcome != WRITE_COMMITTED)
		return;
	buf_clear(&writer->error);
	buf_add_str(&writer->error, error);
	writer->fault = FAULT_DATA;
	fail(writer, WRITE_FAILED);
}

/* After the first error the server skips the rest of the pipeline. */
static bool check_all(struct pg_writer *writer, PGresult *result, bool of_tickets)
{
	if (pg_result_ok(result))
		return true;
	if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED && writer->outcome == WRITE_COMMITTED) {
		const char *sqlstate = pg_sqlstate_of(result);
		const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		buf_clear(&writer->error);
		buf_add_format(&writer->error, "%s: %s", sqlstate == NULL ? "?" : sqlstate,
		               message == NULL ? PQresultErrorMessage(result) : message);
		writer->lock_blocked = pg_has_sqlstate(result, SQLSTATE_LOCK_TIMEOUT);
		writer->fault = of_tickets ? pg_parking_fault(result, writer->care.locks == LOCKS_SKIP) : FAULT_OTHER;
		writer->collided = writer->inserts && pg_is_collision(result);
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

/* For statements that belong to no ticket. */
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

/* Call before a sync clears it. No callback gets the refusal of a PREPARE. */
static void note_refusal(struct pg_writer *writer)
{
	if (writer->sqlstate[0] == '\0')
		snprintf(writer->sqlstate, sizeof(writer->sqlstate), "%s", pg_session_refusal(writer->session));
}

static void begin(struct pg_writer *writer);

static void finish(struct pg_writer *writer)
{
	note_refusal(writer);
	if (writer->collided) {
		counts.batches[WRITE_RACED]++;
		kpi_frontier_collided(&writer->frontier);
		begin(writer);
		return;
	}
	counts.batches[writer->outcome]++;
	if (writer->outcome == WRITE_COMMITTED)
		counts_committed(writer->order->batch,
		                 writer->order->now_us + monotonic_clock_us() - writer->started_us);
	else if (writer->outcome == WRITE_FAILED)
		counts_retry(writer->sqlstate);
	if (writer->outcome == WRITE_FAILED && writer->order->kind == WRITE_NEW &&
	    batch_care_narrow(&writer->care, writer->fault, writer->order->batch->n_tickets)) {
		begin(writer);
		return;
	}
	if (writer->outcome == WRITE_COMMITTED) {
		pg_parking_log(writer->n_parked, writer->first_parked, buf_text(&writer->error));
		kpi_frontier_committed(&writer->frontier, pg_effects_latest_bucket_us(&writer->effects));
	}
	lap(writer, &writer->parts.commit_us);
	writer->parts.n_batches++;
	writer->parts.next_work_us = writer->n_parked > 0 ? TIME_NONE : writer->effects.first_fires_us;
	writer->parts.n_tickets += (int64_t)writer->n_sent;
	writer->parts.n_events += (int64_t)writer->order->batch->n_events;
	writer->order = NULL;
	writer->done(writer->context, writer->outcome);
}

/* COMMIT of a failed transaction is no error: its command tag is then ROLLBACK. */
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

/* Another batch holds other tickets, if topics are keyed alike, but perhaps the sums of the same agents. */
static void on_elsewhere(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (pg_result_ok(result) && pg_get_bool(result, 0, BATCH_ELSEWHERE_IS_WRITTEN))
		writer->fault = FAULT_BUSY;
}

/* Everything is written, or something failed. */
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
	if (writer->lock_blocked)
		pg_terminate_stalled(writer->session);
	/* Only a backlog waits: a breach must be seen within a second, and a small batch sets few tickets aside. */
	if (writer->fault == FAULT_LOCK && writer->order->backlog && !writer->care.has_waited)
		pg_session_query(writer->session, "queries/batch_elsewhere.sql", NULL, 0, on_elsewhere, writer);
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
		struct batch_ticket *ticket =
		        batch_find_ticket(writer->order->batch, pg_get_text(result, row, TICKET_READ_TICKET_ID));
		if (ticket != NULL)
			ticket->stored_row = row;
	}
}

/* ---- parking ---- */

/* The ticket exists, but another session has locked it: ticket_read_skip.sql returns NULLs. */
static bool is_held(const PGresult *result, int row)
{
	return row >= 0 && PQgetisnull(result, row, TICKET_READ_REV);
}

/* Decides whether to write or to park a ticket. */
static void classify(struct pg_writer *writer, size_t i, const PGresult *result)
{
	struct batch_ticket *ticket = writer->order->batch->tickets[i];
	if (ticket->aside == ASIDE_WAITING)
		return;
	ticket->aside = i >= writer->care.n_kept              ? ASIDE_UNTRIED
	                : is_held(result, ticket->stored_row) ? ASIDE_LOCKED
	                                                      : ASIDE_NOT;
	if (ticket->aside == ASIDE_NOT)
		return;
	if (writer->n_parked++ == 0)
		writer->first_parked = ticket->ticket_id;
	writer->lock_blocked |= ticket->aside == ASIDE_LOCKED;
}

static void on_parked(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (!check_all(writer, result, false))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct batch_ticket *ticket =
		        batch_find_ticket(writer->order->batch, pg_get_text(result, row, PARKED_AMONG_TICKET_ID));
		if (ticket != NULL)
			ticket->aside = ASIDE_WAITING;
	}
}

/* WRITE_PARKED: unparks what this transaction folds. */
static void send_taken(struct pg_writer *writer)
{
	const struct write_order *order = writer->order;
	writer->n_to_take = pg_parked_take(writer->session, order, on_taken, writer);
	pg_parked_end(writer->session, order, on_other, writer);
	pg_parked_counted(writer->session, order->batch, on_other, writer);
}

/* Requests all revisions of a piece, so that one load brings them. */
static void ask_for_revisions(const struct batch_rules *rules, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		int32_t revision_no = pg_get_int4(result, row, TICKET_READ_REVISION_NO);
		if (revision_no != 0)
			(void)rules->revision_by_no(rules->context, revision_no);
	}
}

/* Evaluates a part of a ticket. Returns as batch_evaluation_go_on(). */
static int evaluate_some(struct pg_writer *writer, const struct batch_ticket *ticket, const PGresult *result)
{
	enum { STEPS = 2000, KEEP_BYTES = 1 << 20 };
	const struct write_order *order = writer->order;
	int32_t revision_no;
	if (writer->evaluation == NULL) {
		struct stored_ticket stored = pg_stored_ticket(result, ticket->stored_row);
		writer->evaluation = batch_evaluation_begin(order->batch, ticket, &stored, order->rules,
		                                            &writer->scratch, &writer->sink, &writer->effects.sums);
	}
	int verdict = batch_evaluation_go_on(writer->evaluation, STEPS, &revision_no);
	if (verdict == BATCH_UNKNOWN_REVISION) {
		ask_for_revisions(writer->order->rules, result);
		fail(writer, WRITE_UNKNOWN_REVISION);
	} else if (verdict < 0) {
		refuse(writer, "the history in its row of kpid.ticket is corrupt: restore it from a backup");
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
	pg_parking_start(&writer->parking);
	writer->sink = pg_effects_sink(&writer->effects);
	writer->evaluation = NULL;
}

static void send_rows(struct pg_writer *writer)
{
	writer->n_sent += pg_effects_send_tickets(&writer->effects, on_tickets_written, writer);
	pg_effects_send_piece(&writer->effects, on_result, writer);
}

static void send_piece(struct pg_writer *writer)
{
	pg_parking_send(&writer->parking, writer->session, writer->order->kind, buf_text(&writer->error), on_other,
	                writer);
	send_rows(writer);
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

/* Sends a few pieces at a time: unsent data stays in memory. */
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
				refuse(writer, "22003: a count changes by more than its column can hold");
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

/* Evaluates the rest of a piece, as far as the event loop allows now. */
static void evaluate_piece(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	size_t end = writer->piece_end;
	while (writer->n_evaluated < end) {
		const struct batch_ticket *ticket = writer->order->batch->tickets[writer->n_evaluated];
		int verdict = BATCH_OK;
		if (writer->evaluation == NULL)
			classify(writer, writer->n_evaluated, result);
		if (ticket->aside != ASIDE_NOT)
			pg_parking_add(&writer->parking, writer->order->kind, ticket);
		else
			verdict = evaluate_some(writer, ticket, result);
		if (verdict == BATCH_OK)
			writer->n_evaluated++;
		else if (verdict != BATCH_MORE)
			break;
		else if (writer->outcome == WRITE_COMMITTED && pg_effects_size(&writer->effects) > MOST_GATHERED_BYTES)
			send_rows(writer);
		if (writer->n_evaluated < end && pg_session_should_yield(writer->session)) {
			pg_session_yield(writer->session, result, evaluate_piece, writer);
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
	if (writer->care.locks == LOCKS_SKIP)
		return "queries/ticket_read_skip.sql";
	bool locked = writer->order->lock_tickets || writer->care.locks == LOCKS_WAIT_LONG;
	return locked ? "queries/ticket_read_locked.sql" : "queries/ticket_read.sql";
}

static void read_piece(struct pg_writer *writer)
{
	const struct batch *batch = writer->order->batch;
	pg_array_start(&writer->ticket_ids, PG_OID_TEXT);
	size_t end = writer->n_read + PIECE_TICKETS;
	for (; writer->n_read < end && writer->n_read < batch->n_tickets; writer->n_read++) {
		batch->tickets[writer->n_read]->aside = ASIDE_NOT;
		pg_array_text(&writer->ticket_ids, batch->tickets[writer->n_read]->ticket_id);
	}
	struct pg_param param = pg_array_param(&writer->ticket_ids);
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
	pg_session_set_by_keys(session);
	writer->frontier = kpi_frontier_first();
	pg_effects_init(&writer->effects);
	arena_init(&writer->scratch);
	return writer;
}

void pg_writer_free(struct pg_writer *writer)
{
	if (writer == NULL)
		return;
	pg_effects_release(&writer->effects);
	pg_parking_release(&writer->parking);
	buf_release(&writer->error);
	arena_release(&writer->scratch);
	pg_array_release(&writer->ticket_ids);
	free(writer);
}

/* Begins a try. */
static void begin(struct pg_writer *writer)
{
	struct batch *batch = writer->order->batch;
	writer->n_read = writer->n_evaluated = writer->n_sent = writer->n_written = 0;
	writer->outcome = WRITE_COMMITTED;
	writer->fault = FAULT_OTHER;
	writer->n_kpi_pieces = 0;
	writer->n_parked = writer->n_to_take = 0;
	writer->closing = writer->lock_blocked = false;
	writer->evaluation = NULL;
	for (size_t i = 0; i < batch->n_sources; i++)
		batch->sources[i].n_duplicates = batch->sources[i].n_too_many = 0;
	batch_tally_clear(batch);
	writer->inserts = writer->order->backlog && !kpi_frontier_is_careful(&writer->frontier);
	writer->collided = false;
	pg_session_expect_collisions(writer->session, writer->inserts);
	pg_effects_start(&writer->effects, writer->session, writer->order, writer->inserts,
	                 kpi_frontier_new_after_us(&writer->frontier));
	writer->sqlstate[0] = '\0';

	pg_session_command(writer->session, "BEGIN", on_other, writer);
	pg_session_command(writer->session, pg_parking_lock_timeout(writer->care.locks, writer->order->backlog),
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
	if (order->kind == WRITE_PARKED)
		writer->care.locks = LOCKS_SKIP;
	writer->collided = false;
	writer->mark_us = writer->started_us = monotonic_clock_us();
	buf_clear(&writer->error);
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

struct text pg_writer_error(const struct pg_writer *writer)
{
	return buf_text(&writer->error);
}

const struct write_parts *pg_writer_parts(const struct pg_writer *writer)
{
	return &writer->parts;
}
