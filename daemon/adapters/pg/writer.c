#include "adapters/pg/writer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/pg/effects.h"
#include "adapters/pg/standing.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

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
	size_t n_sent;              /* ticket rows sent to be written */
	size_t n_written;           /* of them, touched */
	int n_kpi_pieces;           /* under way */
	enum write_outcome outcome; /* WRITE_COMMITTED until something says otherwise */
	bool closing;               /* the pipeline's sync is sent */
	bool waited_in_vain;        /* for a lock */
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

static bool check(struct pg_writer *writer, PGresult *result)
{
	if (pg_result_ok(result))
		return true;
	/* After the first error the server skips the rest of the pipeline. */
	if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED && writer->outcome == WRITE_COMMITTED) {
		const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		log_warning("PostgreSQL refused a batch (%s): %s; trying again", sqlstate == NULL ? "?" : sqlstate,
		            message == NULL ? PQresultErrorMessage(result) : message);
		writer->waited_in_vain = sqlstate != NULL && strcmp(sqlstate, SQLSTATE_LOCK_TIMEOUT) == 0;
	}
	fail(writer, WRITE_FAILED);
	return false;
}

static void on_result(void *context, PGresult *result)
{
	check(context, result);
}

static void on_fence(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check(writer, result) && (size_t)PQntuples(result) != writer->order->batch->n_sources)
		fail(writer, WRITE_FENCED);
}

static void on_moved(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check(writer, result) && pg_result_affected(result) != writer->order->batch->n_sources)
		fail(writer, WRITE_FENCED);
}

static void on_tickets_written(void *context, PGresult *result)
{
	struct pg_writer *writer = context;
	if (check(writer, result))
		writer->n_written += pg_result_affected(result);
}

static void finish(struct pg_writer *writer)
{
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
	if (check(context, result) && strcmp(PQcmdStatus(result), "COMMIT") != 0)
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
	if (writer->n_written != writer->n_sent)
		fail(writer, WRITE_RACED);
	if (writer->outcome == WRITE_COMMITTED)
		pg_session_command(writer->session, "COMMIT", on_committed, writer);
	else
		pg_session_command(writer->session, "ROLLBACK", on_result, writer);
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

static void send_fence(struct pg_writer *writer)
{
	const struct batch *batch = writer->order->batch;
	if (batch->n_sources == 0)
		return;
	pg_array_start(&writer->keys[0], PG_OID_INT4);
	pg_array_start(&writer->keys[1], PG_OID_INT8);
	pg_array_start(&writer->keys[2], PG_OID_INT8);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *source = &batch->sources[i];
		pg_array_int4(&writer->keys[0], source->source_no);
		pg_array_int8(&writer->keys[1], source->epoch, false);
		pg_array_int8(&writer->keys[2], source->begin_offset, source->begin_offset == OFFSET_NONE);
	}
	struct pg_param params[3];
	for (int i = 0; i < 3; i++)
		params[i] = pg_array_param(&writer->keys[i]);
	pg_session_query(writer->session, "queries/offset_lock.sql", params, 3, on_fence, writer);
}

static void send_move(struct pg_writer *writer)
{
	enum { N_PARAMS = 16 };
	const struct batch *batch = writer->order->batch;
	struct pg_array arrays[N_PARAMS] = {0};
	struct pg_param params[N_PARAMS];
	if (batch->n_sources == 0)
		return;
	for (int i = 0; i < N_PARAMS; i++)
		pg_array_start(&arrays[i], i == 0             ? PG_OID_INT4
		                           : i == 6 || i == 7 ? PG_OID_TIMESTAMPTZ
		                           : i == 15          ? PG_OID_TEXT
		                                              : PG_OID_INT8);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *source = &batch->sources[i];
		pg_array_int4(&arrays[0], source->source_no);
		pg_array_int8(&arrays[1], source->epoch, false);
		pg_array_int8(&arrays[2], source->begin_offset, source->begin_offset == OFFSET_NONE);
		pg_array_int8(&arrays[3], source->next_offset, source->next_offset == OFFSET_NONE);
		pg_array_int8(&arrays[4], source->fingerprint, false);
		pg_array_int8(&arrays[5], source->high_offset, source->high_offset < 0);
		pg_array_time(&arrays[6], batch_source_complete_until(source, writer->order->now_us));
		pg_array_time(&arrays[7], source->last_event_us);
		pg_array_int8(&arrays[8], source->n_messages, false);
		pg_array_int8(&arrays[9], source->n_duplicates, false);
		pg_array_int8(&arrays[10], source->n_tombstones, false);
		pg_array_int8(&arrays[11], source->n_unknown_type, false);
		pg_array_int8(&arrays[12], source->n_dead_letters + source->n_too_many, false);
		pg_array_int8(&arrays[13], source->checked.offset, source->checked.offset == OFFSET_NONE);
		pg_array_int8(&arrays[14], source->checked.fingerprint, source->checked.offset == OFFSET_NONE);
		pg_array_text(&arrays[15], source->unknown_type);
	}
	for (int i = 0; i < N_PARAMS; i++)
		params[i] = pg_array_param(&arrays[i]);
	pg_session_query(writer->session, "queries/offset_move.sql", params, N_PARAMS, on_moved, writer);
	for (int i = 0; i < N_PARAMS; i++)
		pg_array_release(&arrays[i]);
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
	enum { STEPS = 2000 };
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
		log_error("the history of ticket %.*s in kpid.ticket is broken; restore its row from a backup",
		          (int)ticket->ticket_id.len, ticket->ticket_id.ptr);
		fail(writer, WRITE_FAILED);
	}
	if (verdict != BATCH_MORE)
		writer->evaluation = NULL;
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
	writer->sink = pg_effects_sink(&writer->effects);
	writer->evaluation = NULL;
	pg_array_start(&writer->effects.tickets, writer->effects.row_types[PG_ROW_TICKET]);
}

static void send_piece(struct pg_writer *writer)
{
	if (writer->effects.tickets.n == 0)
		return;
	writer->n_sent += writer->effects.tickets.n;
	struct pg_param param = pg_array_param(&writer->effects.tickets);
	pg_session_query(writer->session, "queries/ticket_write.sql", &param, 1, on_tickets_written, writer);
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
			if (writer->effects.beyond_columns) {
				log_error("a batch changes a count by more than its column holds");
				fail(writer, WRITE_FAILED);
			}
			pg_effects_send_rest(&writer->effects, on_result, writer);
			send_move(writer);
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
		int verdict = evaluate_some(writer, writer->order->batch->tickets[writer->n_evaluated], result);
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

static void read_piece(struct pg_writer *writer)
{
	const struct batch *batch = writer->order->batch;
	pg_array_start(&writer->keys[0], PG_OID_TEXT);
	size_t end = writer->n_read + PIECE_TICKETS;
	for (; writer->n_read < end && writer->n_read < batch->n_tickets; writer->n_read++)
		pg_array_text(&writer->keys[0], batch->tickets[writer->n_read]->ticket_id);
	struct pg_param param = pg_array_param(&writer->keys[0]);
	pg_session_query(writer->session,
	                 writer->order->lock_tickets ? "queries/ticket_read_locked.sql" : "queries/ticket_read.sql",
	                 &param, 1, on_tickets_read, writer);
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
	arena_release(&writer->scratch);
	for (int i = 0; i < 3; i++)
		pg_array_release(&writer->keys[i]);
	free(writer);
}

void pg_writer_start(struct pg_writer *writer, const struct write_order *order)
{
	writer->order = order;
	writer->n_read = writer->n_evaluated = writer->n_sent = writer->n_written = 0;
	writer->outcome = WRITE_COMMITTED;
	writer->n_kpi_pieces = 0;
	writer->closing = writer->waited_in_vain = false;
	writer->mark_us = monotonic_us();
	for (size_t i = 0; i < order->batch->n_sources; i++)
		order->batch->sources[i].n_duplicates = order->batch->sources[i].n_too_many = 0;
	pg_effects_start(&writer->effects, writer->session, order);

	pg_session_command(writer->session, "BEGIN", on_result, writer);
	send_fence(writer);
	read_ahead(writer);
	if (order->batch->n_tickets == 0)
		send_kpis(writer);
}

bool pg_writer_is_busy(const struct pg_writer *writer)
{
	return writer->order != NULL;
}

void pg_writer_abandon(struct pg_writer *writer)
{
	writer->order = NULL;
}

const struct write_parts *pg_writer_parts(const struct pg_writer *writer)
{
	return &writer->parts;
}
