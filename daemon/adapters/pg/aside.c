#include "adapters/pg/aside.h"

#include "kpid/base/log.h"

void pg_aside_release(struct pg_aside *aside)
{
	pg_array_release(&aside->event_tickets);
	pg_array_release(&aside->event_sources);
	pg_array_release(&aside->events);
	pg_array_release(&aside->tickets);
	pg_array_release(&aside->reasons);
	pg_array_release(&aside->counts);
}

void pg_aside_start(struct pg_aside *aside)
{
	pg_array_start(&aside->event_tickets, PG_OID_TEXT);
	pg_array_start(&aside->event_sources, PG_OID_INT4);
	pg_array_start(&aside->events, PG_OID_BYTEA);
	pg_array_start(&aside->tickets, PG_OID_TEXT);
	pg_array_start(&aside->reasons, PG_OID_TEXT);
	pg_array_start(&aside->counts, PG_OID_INT8);
}

void pg_aside_add(struct pg_aside *aside, const struct batch_ticket *ticket)
{
	int32_t source_no;
	struct text packed;
	int64_t n_events = 0;
	for (const struct batch_event *event = batch_next_event(ticket, NULL, &source_no, &packed); event != NULL;
	     event = batch_next_event(ticket, event, &source_no, &packed)) {
		pg_array_text(&aside->event_tickets, ticket->ticket_id);
		pg_array_int4(&aside->event_sources, source_no);
		pg_array_text(&aside->events, packed);
		n_events++;
	}
	if (n_events == 0 && ticket->aside == ASIDE_WAITING)
		return;
	pg_array_text(&aside->tickets, ticket->ticket_id);
	pg_array_text(&aside->reasons, ticket->aside == ASIDE_LOCKED ? TEXT("locked") : TEXT("untried"));
	pg_array_int8(&aside->counts, n_events, false);
}

struct text pg_aside_words(struct text refusal)
{
	return refusal.len == 0 ? TEXT("another session holds its row") : refusal;
}

void pg_aside_say(size_t n_tickets, struct text first_ticket_id, struct text refusal)
{
	struct text words = pg_aside_words(refusal);
	if (n_tickets > 0)
		log_warning("%zu tickets are set aside, the first of them is %.*s (%.*s); everything else goes on",
		            n_tickets, (int)first_ticket_id.len, first_ticket_id.ptr, (int)words.len, words.ptr);
}

void pg_aside_send(struct pg_aside *aside, struct pg_session *session, struct text words, pg_result_fn fn,
                   void *context)
{
	if (aside->tickets.n == 0)
		return;
	const struct pg_param params[] = {pg_array_param(&aside->event_tickets),
	                                  pg_array_param(&aside->event_sources),
	                                  pg_array_param(&aside->events),
	                                  pg_array_param(&aside->tickets),
	                                  pg_array_param(&aside->reasons),
	                                  pg_array_param(&aside->counts),
	                                  pg_param_text(words)};
	pg_session_query(session, "queries/parked_put.sql", params, sizeof(params) / sizeof(params[0]), fn, context);
}

void pg_parked_later(struct pg_session *session, struct pg_array *tickets, enum parked_reason reason, struct text words,
                     pg_result_fn fn, void *context)
{
	/* A lock is soon let go. A refusal ends when somebody has removed its cause. */
	static const struct {
		struct text name;
		int64_t first_us, longest_us;
	} reasons[] = {[PARKED_LOCKED] = {TEXT("locked"), US_PER_SECOND / 10, 5 * US_PER_SECOND},
	               [PARKED_REFUSED] = {TEXT("refused"), US_PER_SECOND, 900 * US_PER_SECOND}};
	char first[8], longest[8];
	if (tickets->n == 0)
		return;
	const struct pg_param params[] = {pg_array_param(tickets), pg_param_text(reasons[reason].name),
	                                  pg_param_text(words), pg_param_int8(reasons[reason].first_us, first),
	                                  pg_param_int8(reasons[reason].longest_us, longest)};
	pg_session_query(session, "queries/parked_later.sql", params, sizeof(params) / sizeof(params[0]), fn, context);
}

void pg_parked_counted(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context)
{
	struct pg_array sources = {.n = 0}, duplicates = {.n = 0}, letters = {.n = 0};
	pg_array_start(&sources, PG_OID_INT4);
	pg_array_start(&duplicates, PG_OID_INT8);
	pg_array_start(&letters, PG_OID_INT8);
	for (size_t i = 0; i < batch->n_sources; i++) {
		const struct batch_source *source = &batch->sources[i];
		if (source->n_duplicates + source->n_too_many == 0)
			continue;
		pg_array_int4(&sources, source->source_no);
		pg_array_int8(&duplicates, source->n_duplicates, false);
		pg_array_int8(&letters, source->n_too_many, false);
	}
	const struct pg_param params[] = {pg_array_param(&sources), pg_array_param(&duplicates),
	                                  pg_array_param(&letters)};
	if (sources.n > 0)
		pg_session_query(session, "queries/parked_counted.sql", params, 3, fn, context);
	pg_array_release(&sources);
	pg_array_release(&duplicates);
	pg_array_release(&letters);
}

void pg_parked_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context)
{
	struct pg_array sources = {.n = 0}, tickets = {.n = 0};
	pg_array_start(&sources, PG_OID_INT4);
	pg_array_start(&tickets, PG_OID_TEXT);
	for (size_t i = 0; i < batch->n_sources; i++)
		pg_array_int4(&sources, batch->sources[i].source_no);
	for (size_t i = 0; i < batch->n_tickets; i++)
		pg_array_text(&tickets, batch->tickets[i]->ticket_id);
	const struct pg_param params[] = {pg_array_param(&sources), pg_array_param(&tickets)};
	pg_session_query(session, "queries/parked_lock.sql", params, 2, fn, context);
	pg_array_release(&sources);
	pg_array_release(&tickets);
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
	struct pg_array tickets = {.n = 0}, counts = {.n = 0};
	pg_array_start(&tickets, PG_OID_TEXT);
	pg_array_start(&counts, PG_OID_INT8);
	for (size_t i = 0; i < order->batch->n_tickets; i++) {
		const struct batch_ticket *ticket = order->batch->tickets[i];
		if (ticket->aside != ASIDE_NOT)
			continue;
		pg_array_text(&tickets, ticket->ticket_id);
		pg_array_int8(&counts, count_events(ticket), false);
	}
	const struct pg_param params[] = {pg_array_param(&tickets), pg_array_param(&counts)};
	pg_session_query(session, "queries/parked_end.sql", params, 2, fn, context);
	pg_array_release(&tickets);
	pg_array_release(&counts);
}
