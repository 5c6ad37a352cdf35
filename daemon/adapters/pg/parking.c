#include "adapters/pg/parking.h"

#include "adapters/pg/error_text.h"
#include "kpid/base/log.h"
#include "kpid/base/sqlstate.h"

const char *pg_parking_lock_timeout(enum lock_care locks, bool backlog)
{
	switch (locks) {
	case LOCKS_WAIT:
		return backlog ? "SET LOCAL lock_timeout = '3s'" : "SET LOCAL lock_timeout = '1s'";
	case LOCKS_WAIT_LONG:
		return "SET LOCAL lock_timeout = '30s'";
	case LOCKS_SKIP:
		break;
	}
	return "SET LOCAL lock_timeout = '300ms'";
}

/* A timeout on a table lock has no context that names a row: parking tickets would not help. */
enum batch_fault pg_parking_fault(const PGresult *result, bool skip_locked)
{
	if (sql_error_of(pg_sqlstate_of(result)) == SQL_DATA)
		return FAULT_DATA;
	if (!pg_has_sqlstate(result, SQLSTATE_LOCK_TIMEOUT))
		return FAULT_OTHER;
	bool of_a_row = PQresultErrorField(result, PG_DIAG_CONTEXT) != NULL;
	return of_a_row || !skip_locked ? FAULT_LOCK : FAULT_OTHER;
}

void pg_parking_release(struct pg_parking *parking)
{
	pg_array_release(&parking->event_tickets);
	pg_array_release(&parking->event_sources);
	pg_array_release(&parking->events);
	pg_array_release(&parking->tickets);
	pg_array_release(&parking->reasons);
	pg_array_release(&parking->counts);
}

void pg_parking_start(struct pg_parking *parking)
{
	pg_array_start(&parking->event_tickets, PG_OID_TEXT);
	pg_array_start(&parking->event_sources, PG_OID_INT4);
	pg_array_start(&parking->events, PG_OID_BYTEA);
	pg_array_start(&parking->tickets, PG_OID_TEXT);
	pg_array_start(&parking->reasons, PG_OID_TEXT);
	pg_array_start(&parking->counts, PG_OID_INT8);
}

static void add_with_events(struct pg_parking *parking, const struct batch_ticket *ticket)
{
	int32_t source_no;
	struct text packed;
	int64_t n_events = 0;
	for (const struct batch_event *event = batch_next_event(ticket, NULL, &source_no, &packed); event != NULL;
	     event = batch_next_event(ticket, event, &source_no, &packed)) {
		pg_array_text(&parking->event_tickets, ticket->ticket_id);
		pg_array_int4(&parking->event_sources, source_no);
		pg_array_text(&parking->events, packed);
		n_events++;
	}
	if (n_events == 0 && ticket->aside == ASIDE_WAITING)
		return;
	pg_array_text(&parking->tickets, ticket->ticket_id);
	pg_array_text(&parking->reasons, ticket->aside == ASIDE_LOCKED ? TEXT("locked") : TEXT("untried"));
	pg_array_int8(&parking->counts, n_events, false);
}

void pg_parking_add(struct pg_parking *parking, enum write_kind kind, const struct batch_ticket *ticket)
{
	if (kind == WRITE_NEW)
		add_with_events(parking, ticket);
	else if (kind == WRITE_PARKED)
		pg_array_text(&parking->tickets, ticket->ticket_id);
}

/* Why tickets are parked: the error of PostgreSQL, or that they are locked if there was none. */
static struct text reason_of(struct text refusal)
{
	return refusal.len == 0 ? TEXT("another session holds its row") : refusal;
}

void pg_parking_log(size_t n_tickets, struct text first_ticket_id, struct text refusal)
{
	struct text reason = reason_of(refusal);
	if (n_tickets > 0)
		log_warning("%zu tickets are set aside, the first of them %.*s (%.*s); all others are written",
		            n_tickets, (int)first_ticket_id.len, first_ticket_id.ptr, (int)reason.len, reason.ptr);
}

static void send_with_events(struct pg_parking *parking, struct pg_session *session, struct text detail,
                             pg_result_fn fn, void *context)
{
	if (parking->tickets.n == 0)
		return;
	const struct pg_param params[PARKED_PUT_N_PARAMS] = {
	        [PARKED_PUT_PARAM_EVENT_TICKET_IDS] = pg_array_param(&parking->event_tickets),
	        [PARKED_PUT_PARAM_EVENT_SOURCE_NOS] = pg_array_param(&parking->event_sources),
	        [PARKED_PUT_PARAM_EVENTS] = pg_array_param(&parking->events),
	        [PARKED_PUT_PARAM_TICKET_IDS] = pg_array_param(&parking->tickets),
	        [PARKED_PUT_PARAM_REASONS] = pg_array_param(&parking->reasons),
	        [PARKED_PUT_PARAM_N_EVENTS] = pg_array_param(&parking->counts),
	        [PARKED_PUT_PARAM_DETAIL] = pg_param_text(detail),
	};
	pg_session_query(session, "queries/parked_put.sql", params, PARKED_PUT_N_PARAMS, fn, context);
}

void pg_parked_later(struct pg_session *session, struct pg_array *tickets, enum parked_reason reason,
                     struct text detail, pg_result_fn fn, void *context)
{
	/* A lock is soon released. A refusal lasts until its cause is removed. */
	static const struct {
		struct text name;
		int64_t first_us, longest_us;
	} reasons[] = {[PARKED_LOCKED] = {TEXT("locked"), US_PER_SECOND / 10, 5 * US_PER_SECOND},
	               [PARKED_REFUSED] = {TEXT("refused"), US_PER_SECOND, 900 * US_PER_SECOND}};
	char first[8], longest[8];
	if (tickets->n == 0)
		return;
	const struct pg_param params[PARKED_LATER_N_PARAMS] = {
	        [PARKED_LATER_PARAM_TICKET_IDS] = pg_array_param(tickets),
	        [PARKED_LATER_PARAM_REASON] = pg_param_text(reasons[reason].name),
	        [PARKED_LATER_PARAM_DETAIL] = pg_param_text(detail),
	        [PARKED_LATER_PARAM_FIRST_US] = pg_param_int8(reasons[reason].first_us, first),
	        [PARKED_LATER_PARAM_LONGEST_US] = pg_param_int8(reasons[reason].longest_us, longest),
	};
	pg_session_query(session, "queries/parked_later.sql", params, PARKED_LATER_N_PARAMS, fn, context);
}

void pg_parking_send(struct pg_parking *parking, struct pg_session *session, enum write_kind kind, struct text refusal,
                     pg_result_fn fn, void *context)
{
	struct text detail = reason_of(refusal);
	if (kind == WRITE_NEW)
		send_with_events(parking, session, detail, fn, context);
	else if (kind == WRITE_PARKED)
		pg_parked_later(session, &parking->tickets, PARKED_LOCKED, detail, fn, context);
}

void pg_parked_counted(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context)
{
	static const unsigned types[PARKED_COUNTED_N_PARAMS] = {[PARKED_COUNTED_PARAM_SOURCE_NOS] = PG_OID_INT4,
	                                                        [PARKED_COUNTED_PARAM_N_DUPLICATES] = PG_OID_INT8,
	                                                        [PARKED_COUNTED_PARAM_N_DEAD_LETTERS] = PG_OID_INT8};
	struct pg_array arrays[PARKED_COUNTED_N_PARAMS] = {0};
	pg_arrays_start(arrays, types, PARKED_COUNTED_N_PARAMS);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *source = &batch->sources[i];
		if (source->n_duplicates + source->n_too_many == 0)
			continue;
		pg_array_int4(&arrays[PARKED_COUNTED_PARAM_SOURCE_NOS], source->source_no);
		pg_array_int8(&arrays[PARKED_COUNTED_PARAM_N_DUPLICATES], source->n_duplicates, false);
		pg_array_int8(&arrays[PARKED_COUNTED_PARAM_N_DEAD_LETTERS], source->n_too_many, false);
	}
	pg_arrays_query(session, "queries/parked_counted.sql", arrays, PARKED_COUNTED_N_PARAMS, fn, context);
	pg_arrays_release(arrays, PARKED_COUNTED_N_PARAMS);
}

void pg_parked_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context)
{
	static const unsigned types[PARKED_LOCK_N_PARAMS] = {
	        [PARKED_LOCK_PARAM_SOURCE_NOS] = PG_OID_INT4, [PARKED_LOCK_PARAM_TICKET_IDS] = PG_OID_TEXT};
	struct pg_array arrays[PARKED_LOCK_N_PARAMS] = {0};
	pg_arrays_start(arrays, types, PARKED_LOCK_N_PARAMS);
	for (size_t i = 0; i < batch->n_sources; i++)
		pg_array_int4(&arrays[PARKED_LOCK_PARAM_SOURCE_NOS], batch->sources[i].source_no);
	for (size_t i = 0; i < batch->n_tickets; i++)
		pg_array_text(&arrays[PARKED_LOCK_PARAM_TICKET_IDS], batch->tickets[i]->ticket_id);
	pg_arrays_query(session, "queries/parked_lock.sql", arrays, PARKED_LOCK_N_PARAMS, fn, context);
	pg_arrays_release(arrays, PARKED_LOCK_N_PARAMS);
}

size_t pg_parked_take(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context)
{
	struct pg_array numbers = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT8);
	for (size_t i = 0; i < order->n_parked; i++)
		if (batch_find_ticket(order->batch, order->parked[i].ticket_id)->aside == ASIDE_NOT)
			pg_array_int8(&numbers, order->parked[i].event_no, false);
	size_t n = numbers.n;
	const struct pg_param param = pg_array_param(&numbers);
	pg_session_query(session, "queries/parked_take.sql", &param, 1, fn, context);
	pg_array_release(&numbers);
	return n;
}

static int64_t count_events(const struct batch_ticket *ticket)
{
	int32_t source_no;
	struct text packed;
	int64_t n = 0;
	for (const struct batch_event *event = batch_next_event(ticket, NULL, &source_no, &packed); event != NULL;
	     event = batch_next_event(ticket, event, &source_no, &packed))
		n++;
	return n;
}

void pg_parked_end(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context)
{
	static const unsigned types[PARKED_END_N_PARAMS] = {
	        [PARKED_END_PARAM_TICKET_IDS] = PG_OID_TEXT, [PARKED_END_PARAM_N_EVENTS] = PG_OID_INT8};
	struct pg_array arrays[PARKED_END_N_PARAMS] = {0};
	pg_arrays_start(arrays, types, PARKED_END_N_PARAMS);
	for (size_t i = 0; i < order->batch->n_tickets; i++) {
		const struct batch_ticket *ticket = order->batch->tickets[i];
		if (ticket->aside != ASIDE_NOT)
			continue;
		pg_array_text(&arrays[PARKED_END_PARAM_TICKET_IDS], ticket->ticket_id);
		pg_array_int8(&arrays[PARKED_END_PARAM_N_EVENTS], count_events(ticket), false);
	}
	pg_arrays_query(session, "queries/parked_end.sql", arrays, PARKED_END_N_PARAMS, fn, context);
	pg_arrays_release(arrays, PARKED_END_N_PARAMS);
}
