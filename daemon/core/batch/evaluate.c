/* What one ticket of a batch changes: the difference of its state before and after. */
#include <errno.h>
#include <stdlib.h>

#include "batch_event.h"
#include "event_list.h"
#include "kpid/core/batch.h"
#include "kpid/core/history.h"

enum { KEEP_BYTES = 1 << 20 }; /* of what a large ticket needed, the rest is given back */

static size_t count_new(const struct batch_ticket *ticket)
{
	size_t n = 0;
	for (const struct batch_event *item = ticket->first; item != NULL; item = item->next)
		n++;
	return n;
}

static void count_added(struct batch *batch, int32_t source_no, enum added added, const struct ticket_event *event,
                        const struct batch_sink *sink)
{
	if (added == DUPLICATE) {
		batch_source(batch, source_no, OFFSET_NONE)->n_duplicates++;
	} else if (added == TOO_MANY) {
		batch_source(batch, source_no, OFFSET_NONE)->n_too_many++;
		sink->too_many(sink->context, event);
	}
}

static bool is_in_backlog(const struct ticket *ticket)
{
	return ticket->state == TICKET_OPEN || ticket->state == TICKET_PAUSED;
}

/* Finds the clocks of a ticket in the order in which those of another one come: of each target by number. */
struct clock_finder {
	const struct ticket *ticket;
	size_t at[TARGET_N];
};

/* The clock of the same key; NULL: there is none. like: each time one that comes after those before. */
static const struct sla_clock *find_clock(struct clock_finder *finder, const struct sla_clock *like)
{
	const struct ticket *ticket = finder->ticket;
	size_t *at = &finder->at[like->target];
	while (*at < ticket->n_clocks &&
	       (ticket->clocks[*at].target != like->target || ticket->clocks[*at].n < like->n))
		++*at;
	return *at < ticket->n_clocks && ticket->clocks[*at].n == like->n ? &ticket->clocks[*at] : NULL;
}

/* The row that a clock has in kpid.sla_clock: it runs and is judged (S9), or something of it is still to fall due.
 * False: it has none. */
static bool clock_row(const struct sla_clock *clock, struct sla_clock *row_out)
{
	if (clock == NULL)
		return false;
	bool runs = !clock->stopped && clock->verdict != VERDICT_NONE;
	if (!runs && clock->fires_us == TIME_NONE)
		return false;
	*row_out = *clock;
	row_out->stopped = !runs;
	return true;
}

static bool same_clock_row(const struct sla_clock *a, const struct sla_clock *b)
{
	return a->start_us == b->start_us && a->due_us == b->due_us && a->fires_us == b->fires_us &&
	       a->zero_us == b->zero_us && a->at_risk_us == b->at_risk_us && a->left_us == b->left_us &&
	       a->cycle == b->cycle && a->paused == b->paused && a->stopped == b->stopped && a->verdict == b->verdict &&
	       text_same(a->calendar, b->calendar);
}

/* Rows of clocks and alerts are put by a walk over the clocks of after, then over those of before. */
struct clock_walk {
	struct clock_finder in_before, in_after;
	size_t n_walked;
};

static struct clock_walk walk_begin(const struct ticket *before, const struct ticket *after)
{
	return (struct clock_walk){{.ticket = before}, {.ticket = after}, 0};
}

static void put_clock(struct clock_walk *walk, const struct sla_clock *clock, struct text ticket_id,
                      const struct batch_sink *sink)
{
	struct sla_clock was, now;
	if (!clock_row(clock, &now))
		return;
	bool had_row = clock_row(find_clock(&walk->in_before, clock), &was);
	if (had_row && same_clock_row(&was, &now))
		return;
	if (had_row && (was.fires_us == TIME_NONE) != (now.fires_us == TIME_NONE))
		sink->clock_delete(sink->context, ticket_id, clock->target, clock->n);
	sink->clock_put(sink->context, ticket_id, &now);
}

static void drop_clock(struct clock_walk *walk, const struct sla_clock *clock, struct text ticket_id,
                       const struct batch_sink *sink)
{
	struct sla_clock was, now;
	if (clock_row(clock, &was) && !clock_row(find_clock(&walk->in_after, clock), &now))
		sink->clock_delete(sink->context, ticket_id, clock->target, clock->n);
}

static bool alert_row(struct text ticket_id, const struct ticket *ticket, const struct sla_clock *clock,
                      struct alert *alert_out)
{
	if (clock == NULL)
		return false;
	struct sla_clock shown = *clock;
	if (clock->deferred) {
		shown.verdict = VERDICT_PENDING;
		shown.stopped = false;
		shown.breached_us = TIME_NONE;
	}
	return alert_of_clock(ticket_id, ticket, &shown, alert_out);
}

static bool has_row(struct text ticket_id, const struct ticket *ticket, const struct sla_clock *clock)
{
	struct sla_clock row;
	struct alert alert;
	return clock_row(clock, &row) || alert_row(ticket_id, ticket, clock, &alert);
}

/* A1, A3: a breach that was recorded, and is none. */
static bool is_undone(const struct alert *was, const struct alert *now)
{
	return was != NULL && was->breached_us != TIME_NONE && now->breached_us == TIME_NONE;
}

static void put_alert(struct clock_walk *walk, const struct sla_clock *clock, struct text ticket_id,
                      const struct batch_sink *sink)
{
	struct alert was, now;
	if (!alert_row(ticket_id, walk->in_after.ticket, clock, &now))
		return;
	bool there = alert_row(ticket_id, walk->in_before.ticket, find_clock(&walk->in_before, clock), &was);
	if ((!there || !alert_same_content(&was, &now)) && !is_undone(there ? &was : NULL, &now))
		sink->alert_put(sink->context, &now);
}

static void void_alert(struct clock_walk *walk, const struct sla_clock *clock, struct text ticket_id,
                       const struct batch_sink *sink)
{
	struct alert was, now;
	if (!alert_row(ticket_id, walk->in_before.ticket, clock, &was))
		return;
	bool there = alert_row(ticket_id, walk->in_after.ticket, find_clock(&walk->in_after, clock), &now);
	if (!there || is_undone(&was, &now))
		sink->alert_void(sink->context, ticket_id, was.target, was.n);
}

typedef void (*visit_clock_fn)(struct clock_walk *walk, const struct sla_clock *clock, struct text ticket_id,
                               const struct batch_sink *sink);

/* True: the walk is at its end. */
static bool walk_on(struct clock_walk *walk, visit_clock_fn of_after, visit_clock_fn of_before, struct text ticket_id,
                    const struct batch_sink *sink, size_t *n_steps)
{
	const struct ticket *before = walk->in_before.ticket, *after = walk->in_after.ticket;
	for (; walk->n_walked < after->n_clocks + before->n_clocks; walk->n_walked++, --*n_steps) {
		size_t i = walk->n_walked;
		if (*n_steps == 0)
			return false;
		if (i < after->n_clocks)
			of_after(walk, &after->clocks[i], ticket_id, sink);
		else
			of_before(walk, &before->clocks[i - after->n_clocks], ticket_id, sink);
	}
	return true;
}

static bool same_cycle(const struct ticket_cycle *a, const struct ticket_cycle *b)
{
	return a->started_us == b->started_us && a->resolved_us == b->resolved_us && a->closed_us == b->closed_us &&
	       a->due_us == b->due_us && a->verdict == b->verdict && a->resolution == b->resolution &&
	       a->working_us == b->working_us && text_same(a->resolver_id, b->resolver_id) &&
	       text_same(a->closer_id, b->closer_id);
}

/* Cycles before the current one have rows of their own. */
static size_t n_past_cycles(const struct ticket *ticket)
{
	return ticket->n_cycles == 0 ? 0 : ticket->n_cycles - 1;
}

/* The row of a cycle, by its index: put or deleted if it has changed. */
static void put_cycle(struct text ticket_id, const struct ticket *before, const struct ticket *after, size_t i,
                      const struct batch_sink *sink)
{
	if (i >= n_past_cycles(after))
		sink->cycle_delete(sink->context, ticket_id, before->cycles[i].cycle);
	else if (i >= n_past_cycles(before) || !same_cycle(&before->cycles[i], &after->cycles[i]))
		sink->cycle_put(sink->context, ticket_id, &after->cycles[i]);
}

static void add_sums(struct kpi_sums *sums, const struct ticket *ticket, int64_t sign)
{
	kpi_sums_add(sums, ticket->kpis, ticket->n_kpis, sign);
	if (is_in_backlog(ticket))
		kpi_sums_add_backlog(sums, ticket->owner_id, sign);
}

/* The revision that a stored row names. BATCH_UNKNOWN_REVISION: it is not known. */
static int find_pin(const struct stored_ticket *stored, const struct batch_rules *rules, struct fold_pin *pin_out,
                    int32_t *revision_no_out)
{
	*pin_out = (struct fold_pin){NULL, stored->opened_us};
	if (stored->revision_no == 0)
		return BATCH_OK;
	pin_out->revision = rules->revision_by_no(rules->context, stored->revision_no);
	if (pin_out->revision != NULL)
		return BATCH_OK;
	*revision_no_out = stored->revision_no;
	return BATCH_UNKNOWN_REVISION;
}

/* The revision under which a ticket that is known is to be judged from now on, on purpose; NULL: it keeps its own. */
static const struct policy_revision *new_revision(const struct batch_rules *rules, const struct batch_ticket *ticket,
                                                  const struct stored_ticket *stored, const struct ticket *before)
{
	if (rules->judge_anew == NULL || ticket->first != NULL || before->opened_us == TIME_NONE)
		return NULL;
	const struct policy_revision *revision = policy_set_at(rules->judge_anew, before->opened_us);
	return revision == NULL || revision->revision_no == stored->revision_no ? NULL : revision;
}

/* ---- one ticket, in parts ---- */

enum phase {
	PHASE_UNPACK,
	PHASE_ADD,
	PHASE_BEFORE,
	PHASE_AFTER,
	PHASE_CYCLES,
	PHASE_CLOCKS,
	PHASE_ALERTS,
	PHASE_TICKET,
	PHASE_DONE
};

struct batch_evaluation {
	struct batch *batch;
	const struct batch_ticket *ticket;
	struct stored_ticket stored;
	const struct batch_rules *rules;
	struct arena *scratch;
	const struct batch_sink *sink;
	struct kpi_sums *sums;
	enum phase phase;
	struct fold_pin pin;
	struct event_list list;
	struct ticket_folding *folding; /* NULL: none is under way */
	struct ticket before, after;
	const struct batch_event *to_add; /* the next; NULL: all are added */
	size_t n_cycles_put;              /* or looked at */
	struct clock_walk walk;
	int64_t as_of_us;
	bool judge_again; /* as of a later time, without new events */
};

/* Never earlier than it was, unless that is ahead of the clock: it was put back, and what was due by then is not. */
static int64_t judged_as_of(const struct stored_ticket *stored, const struct batch_rules *rules)
{
	bool from_the_future = rules->now_us != 0 && stored->as_of_us > rules->now_us + US_PER_SECOND;
	return stored->as_of_us > rules->as_of_us && !from_the_future ? stored->as_of_us : rules->as_of_us;
}

struct batch_evaluation *batch_evaluation_begin(struct batch *batch, const struct batch_ticket *ticket,
                                                const struct stored_ticket *stored, const struct batch_rules *rules,
                                                struct arena *scratch, const struct batch_sink *sink,
                                                struct kpi_sums *sums)
{
	arena_clear(scratch, KEEP_BYTES);
	arena_clear(&batch->folding, KEEP_BYTES);
	struct batch_evaluation *evaluation = arena_alloc(scratch, sizeof(*evaluation));
	*evaluation = (struct batch_evaluation){
	        .batch = batch,
	        .ticket = ticket,
	        .stored = *stored,
	        .rules = rules,
	        .scratch = scratch,
	        .sink = sink,
	        .sums = sums,
	        .phase = PHASE_UNPACK,
	        .list = {.arena = scratch, .max_events = rules->ticket_max_events},
	        .before = {.state = TICKET_UNKNOWN},
	        .as_of_us = judged_as_of(stored, rules),
	};
	return evaluation;
}

static void spend(size_t *n_steps, size_t n)
{
	*n_steps -= n < *n_steps ? n : *n_steps;
}

static int unpack(struct batch_evaluation *e, size_t *n_steps, int32_t *revision_no_out)
{
	struct text history = e->stored.rev == 0 ? TEXT_ABSENT : e->stored.history;
	int result = find_pin(&e->stored, e->rules, &e->pin, revision_no_out);
	if (result == BATCH_OK)
		result = event_list_unpack(&e->list, history, e->ticket->ticket_id, count_new(e->ticket));
	if (result != BATCH_OK)
		return result;
	event_list_prepare(&e->list);
	e->to_add = e->ticket->first;
	e->phase = PHASE_ADD;
	spend(n_steps, e->list.n);
	return BATCH_OK;
}

static int add_event(struct batch_evaluation *e, const struct batch_event *item)
{
	struct ticket_event *event;
	size_t n;
	struct text packed = {item->packed, item->len_bytes};
	int result = history_unpack(packed, e->ticket->ticket_id, e->scratch, &event, &n);
	if (result == 0)
		count_added(e->batch, item->source_no, event_list_add(&e->list, event, e->sink), event, e->sink);
	return result;
}

/* Adds the new events, or some. Without any, and nothing to judge again, the ticket need not even be folded. */
static int add_events(struct batch_evaluation *e, size_t *n_steps)
{
	for (; e->to_add != NULL; e->to_add = e->to_add->next, --*n_steps) {
		if (*n_steps == 0)
			return BATCH_OK;
		int result = add_event(e, e->to_add);
		if (result != 0)
			return result;
	}
	if (e->list.changed) {
		event_list_sort(&e->list);
		spend(n_steps, e->list.n);
	}
	bool is_known = e->stored.rev != 0, only_judge = e->ticket->first == NULL && is_known;
	e->judge_again = only_judge && e->as_of_us > e->stored.as_of_us;
	if (!e->list.changed && !e->judge_again && !(only_judge && e->rules->judge_anew != NULL))
		e->phase = PHASE_DONE;
	else
		e->phase = is_known ? PHASE_BEFORE : PHASE_AFTER;
	return BATCH_OK;
}

/* True: all steps are taken. */
static bool fold_on(struct batch_evaluation *e, const struct ticket_event *const *events, size_t n_events,
                    int64_t as_of_us, size_t *n_steps, struct ticket *ticket_out)
{
	if (e->folding == NULL)
		e->folding = ticket_fold_begin(events, n_events, &e->rules->fold, &e->pin, as_of_us, NULL, e->scratch,
		                               &e->batch->folding, ticket_out);
	if (ticket_fold_some(e->folding, n_steps))
		return false;
	e->folding = NULL;
	return true;
}

/* Gives back what a fold needed. Of its clocks those stay that have rows. */
static void leave_fold(struct batch_evaluation *e, struct ticket *ticket)
{
	struct sla_clock *kept;
	size_t n = 0;
	for (size_t i = 0; i < ticket->n_clocks; i++)
		n += has_row(e->ticket->ticket_id, ticket, &ticket->clocks[i]);
	kept = arena_alloc(e->scratch, n * sizeof(*kept));
	n = 0;
	for (size_t i = 0; i < ticket->n_clocks; i++)
		if (has_row(e->ticket->ticket_id, ticket, &ticket->clocks[i]))
			kept[n++] = ticket->clocks[i];
	ticket->clocks = kept;
	ticket->n_clocks = n;
	ticket->kpis = NULL;
	ticket->n_kpis = 0;
	arena_clear(&e->batch->folding, 0);
}

/* What the ticket gave is known: goes on only if there is something to change. */
static void leave_before(struct batch_evaluation *e)
{
	const struct policy_revision *revision = new_revision(e->rules, e->ticket, &e->stored, &e->before);
	if (!e->list.changed && !e->judge_again && revision == NULL) {
		e->phase = PHASE_DONE;
		return;
	}
	if (revision != NULL) {
		e->pin = (struct fold_pin){revision, e->before.opened_us};
		e->batch->n_judged_anew++;
	}
	add_sums(e->sums, &e->before, -1);
	leave_fold(e, &e->before);
	e->phase = PHASE_AFTER;
}

static void leave_after(struct batch_evaluation *e)
{
	add_sums(e->sums, &e->after, 1);
	leave_fold(e, &e->after);
	e->phase = PHASE_CYCLES;
}

/* One phase of putting what has changed, or a part of it. */
static void put_changes(struct batch_evaluation *e, size_t *n_steps)
{
	struct text ticket_id = e->ticket->ticket_id;
	if (e->phase == PHASE_CYCLES) {
		size_t n_before = n_past_cycles(&e->before), n_after = n_past_cycles(&e->after);
		for (; e->n_cycles_put < n_before || e->n_cycles_put < n_after; e->n_cycles_put++, --*n_steps) {
			if (*n_steps == 0)
				return;
			put_cycle(ticket_id, &e->before, &e->after, e->n_cycles_put, e->sink);
		}
		e->walk = walk_begin(&e->before, &e->after);
		e->phase = PHASE_CLOCKS;
	} else if (e->phase == PHASE_CLOCKS) {
		if (!walk_on(&e->walk, put_clock, drop_clock, ticket_id, e->sink, n_steps))
			return;
		e->walk = walk_begin(&e->before, &e->after);
		e->phase = PHASE_ALERTS;
	} else if (walk_on(&e->walk, put_alert, void_alert, ticket_id, e->sink, n_steps)) {
		e->phase = PHASE_TICKET;
	}
}

static void put_ticket(struct batch_evaluation *e, size_t *n_steps)
{
	struct buf *packed = &e->batch->packed;
	buf_clear(packed);
	history_pack(e->list.items, e->list.n, packed);
	struct ticket_row row = {e->ticket->ticket_id, e->stored.rev + 1, e->as_of_us, &e->after, buf_text(packed)};
	e->sink->ticket(e->sink->context, &row);
	buf_keep(packed, KEEP_BYTES);
	spend(n_steps, e->list.n);
	e->phase = PHASE_DONE;
}

static int take_phase(struct batch_evaluation *e, size_t *n_steps, int32_t *revision_no_out)
{
	switch (e->phase) {
	case PHASE_UNPACK:
		return unpack(e, n_steps, revision_no_out);
	case PHASE_ADD:
		return add_events(e, n_steps);
	case PHASE_BEFORE:
		if (fold_on(e, e->list.stored, e->list.n_stored, e->stored.as_of_us, n_steps, &e->before))
			leave_before(e);
		break;
	case PHASE_AFTER:
		if (fold_on(e, e->list.items, e->list.n, e->as_of_us, n_steps, &e->after))
			leave_after(e);
		break;
	case PHASE_CYCLES:
	case PHASE_CLOCKS:
	case PHASE_ALERTS:
		put_changes(e, n_steps);
		break;
	case PHASE_TICKET:
		put_ticket(e, n_steps);
		break;
	case PHASE_DONE:
		break;
	}
	return BATCH_OK;
}

int batch_evaluation_go_on(struct batch_evaluation *e, size_t n_steps, int32_t *revision_no_out)
{
	int result = BATCH_OK;
	while (result == BATCH_OK && n_steps > 0 && e->phase != PHASE_DONE)
		result = take_phase(e, &n_steps, revision_no_out);
	if (result == BATCH_OK && e->phase != PHASE_DONE)
		return BATCH_MORE;
	arena_clear(&e->batch->folding, KEEP_BYTES);
	return result;
}

int batch_evaluate(struct batch *batch, const struct batch_ticket *ticket, const struct stored_ticket *stored,
                   const struct batch_rules *rules, struct arena *scratch, const struct batch_sink *sink,
                   struct kpi_sums *sums, int32_t *revision_no_out)
{
	struct batch_evaluation *evaluation = batch_evaluation_begin(batch, ticket, stored, rules, scratch, sink, sums);
	return batch_evaluation_go_on(evaluation, SIZE_MAX, revision_no_out);
}

/* ---- from the history alone ---- */

static int compare_identity(const void *a, const void *b)
{
	const struct ticket_event *x = *(const struct ticket_event *const *)a;
	const struct ticket_event *y = *(const struct ticket_event *const *)b;
	int order = text_compare(x->id, y->id);
	return order != 0 ? order : text_compare(x->source, y->source);
}

/* In the order of F1, and no two of one identity. */
static bool is_history(const struct ticket_event *const *events, size_t n, struct arena *scratch)
{
	const struct ticket_event **by_identity = arena_alloc(scratch, (n + 1) * sizeof(*by_identity));
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && ticket_event_order(events[i - 1], events[i]) > 0)
			return false;
		by_identity[i] = events[i];
	}
	qsort(by_identity, n, sizeof(struct ticket_event *), compare_identity);
	for (size_t i = 1; i < n; i++)
		if (ticket_event_same_identity(by_identity[i - 1], by_identity[i]))
			return false;
	return true;
}

static void put_rows(struct text ticket_id, const struct ticket *ticket, const struct batch_sink *sink)
{
	struct sla_clock row;
	struct alert alert;
	for (size_t i = 0; i < n_past_cycles(ticket); i++)
		sink->cycle_put(sink->context, ticket_id, &ticket->cycles[i]);
	for (size_t i = 0; i < ticket->n_clocks; i++) {
		if (clock_row(&ticket->clocks[i], &row))
			sink->clock_put(sink->context, ticket_id, &row);
		if (alert_row(ticket_id, ticket, &ticket->clocks[i], &alert))
			sink->alert_put(sink->context, &alert);
	}
}

int batch_recompute(struct text ticket_id, const struct stored_ticket *stored, const struct batch_rules *rules,
                    struct arena *scratch, struct buf *packed, const struct batch_sink *sink, struct kpi_sums *sums,
                    int32_t *revision_no_out)
{
	struct fold_pin pin;
	struct ticket ticket;
	struct event_list list = {.arena = scratch};
	int result = find_pin(stored, rules, &pin, revision_no_out);
	if (result != BATCH_OK)
		return result;
	result = event_list_unpack(&list, stored->history, ticket_id, 0);
	if (result != 0)
		return result;
	if (!is_history(list.items, list.n, scratch))
		return -EBADMSG;
	ticket_fold(list.items, list.n, &rules->fold, &pin, stored->as_of_us, NULL, scratch, &ticket);
	if (ticket.opened_us != pin.opened_us) { /* the stored column is not to choose another revision */
		pin.opened_us = ticket.opened_us;
		ticket_fold(list.items, list.n, &rules->fold, &pin, stored->as_of_us, NULL, scratch, &ticket);
	}
	put_rows(ticket_id, &ticket, sink);
	add_sums(sums, &ticket, 1);
	buf_clear(packed);
	history_pack(list.items, list.n, packed);
	struct ticket_row row = {ticket_id, stored->rev, stored->as_of_us, &ticket, buf_text(packed)};
	sink->ticket(sink->context, &row);
	return BATCH_OK;
}
