/* What one ticket of a batch changes: the difference of its state before and after. */
#include <errno.h>
#include <stdlib.h>

#include "batch_event.h"
#include "kpid/base/hash.h"
#include "kpid/core/batch.h"
#include "kpid/core/history.h"

/* The events of a ticket: those of its history in the order of F1, then new ones in the order of arrival, until
 * list_sort() joins them. */
struct event_list {
	struct arena *arena;
	const struct ticket_event **items; /* NULL: another content of its identity counts */
	size_t n, n_stored, n_replaced, capacity;
	uint32_t *slots; /* by identity, index + 1; NULL: so few that each is looked at */
	size_t n_slots;
	size_t max_events; /* 0: no limit */
	bool changed;
};

/* The events of a stored history (absent: there is none), in their order, and room for n_new more. As history_unpack().
 */
static int list_unpack(struct event_list *list, struct text history, struct text ticket_id, size_t n_new)
{
	struct ticket_event *events = NULL;
	size_t n = 0;
	int result = text_is_absent(history) ? 0 : history_unpack(history, ticket_id, list->arena, &events, &n);
	if (result != 0)
		return result;
	list->capacity = n + n_new;
	list->items = arena_alloc(list->arena, list->capacity * sizeof(*list->items));
	for (size_t i = 0; i < n; i++)
		list->items[i] = &events[i];
	list->n = list->n_stored = n;
	return 0;
}

/* ---- by identity ---- */

static size_t slot_of(const struct event_list *list, const struct ticket_event *event)
{
	uint64_t hash = hash_mix(hash_text(event->id) ^ hash_mix(hash_text(event->source)));
	return (size_t)hash & (list->n_slots - 1);
}

static void slots_put(struct event_list *list, size_t at)
{
	size_t slot = slot_of(list, list->items[at]);
	while (list->slots[slot] != 0)
		slot = (slot + 1) & (list->n_slots - 1);
	list->slots[slot] = (uint32_t)at + 1;
}

/* A walk over all events for each new one is the quickest as long as they are few. */
static void slots_fill(struct event_list *list)
{
	enum { FEW = 32 };
	if (list->capacity <= FEW)
		return;
	list->n_slots = FEW;
	while (list->n_slots < list->capacity * 2)
		list->n_slots *= 2;
	list->slots = arena_zalloc(list->arena, list->n_slots * sizeof(*list->slots));
	for (size_t i = 0; i < list->n; i++)
		slots_put(list, i);
}

/* The event of the same identity, or where in the slots it would be. */
static bool list_find(const struct event_list *list, const struct ticket_event *event, size_t *at_out,
                      uint32_t **slot_out)
{
	*slot_out = NULL;
	if (list->slots == NULL) {
		for (size_t i = 0; i < list->n; i++) {
			*at_out = i;
			if (list->items[i] != NULL && ticket_event_same_identity(list->items[i], event))
				return true;
		}
		return false;
	}
	for (size_t slot = slot_of(list, event);; slot = (slot + 1) & (list->n_slots - 1)) {
		*slot_out = &list->slots[slot];
		if (list->slots[slot] == 0)
			return false;
		*at_out = list->slots[slot] - 1;
		if (ticket_event_same_identity(list->items[*at_out], event))
			return true;
	}
}

static size_t list_n_events(const struct event_list *list)
{
	return list->n - list->n_replaced;
}

static void list_append(struct event_list *list, const struct ticket_event *event, uint32_t *slot)
{
	list->items[list->n++] = event;
	if (slot != NULL)
		*slot = (uint32_t)list->n;
	list->changed = true;
}

static void list_replace(struct event_list *list, size_t at, const struct ticket_event *event, uint32_t *slot)
{
	list->changed = true;
	if (at >= list->n_stored) {
		list->items[at] = event;
		return;
	}
	list->items[at] = NULL;
	list->n_replaced++;
	list_append(list, event, slot);
}

static int compare_events(const void *a, const void *b)
{
	return ticket_event_order(*(const struct ticket_event *const *)a, *(const struct ticket_event *const *)b);
}

/* All events in the order of F1, in an array of their own: that of the history stays, but for what is gone. */
static void list_sort(struct event_list *list)
{
	size_t n_new = list->n - list->n_stored, n = 0, i = 0, j = list->n_stored;
	if (n_new > 1)
		qsort(list->items + j, n_new, sizeof(struct ticket_event *), compare_events);
	const struct ticket_event **sorted = arena_alloc(list->arena, list->n * sizeof(*sorted));
	while (i < list->n_stored || j < list->n) {
		if (i < list->n_stored && list->items[i] == NULL)
			i++;
		else if (j == list->n || (i < list->n_stored && compare_events(&list->items[i], &list->items[j]) < 0))
			sorted[n++] = list->items[i++];
		else
			sorted[n++] = list->items[j++];
	}
	list->items = sorted;
	list->n = n;
}

static struct text canonical_of(const struct ticket_event *event, struct arena *arena)
{
	struct buf buf = BUF_INIT;
	ticket_event_canonical(event, &buf);
	struct text canonical = arena_text(arena, buf_text(&buf));
	buf_release(&buf);
	return canonical;
}

enum added { ADDED, DUPLICATE, TOO_MANY };

/* RULES E2: of different contents under one identity the smallest stays, the others are put aside. */
static enum added list_add(struct event_list *list, const struct ticket_event *event, const struct batch_sink *sink)
{
	size_t at;
	uint32_t *slot;
	if (!list_find(list, event, &at, &slot)) {
		if (list->max_events != 0 && list_n_events(list) >= list->max_events)
			return TOO_MANY;
		list_append(list, event, slot);
		return ADDED;
	}
	if (ticket_event_same_content(list->items[at], event))
		return DUPLICATE;
	struct text theirs = canonical_of(list->items[at], list->arena), ours = canonical_of(event, list->arena);
	struct conflict_letter letter = {event, ours};
	if (text_compare(ours, theirs) < 0) {
		letter = (struct conflict_letter){list->items[at], theirs};
		list_replace(list, at, event, slot);
	}
	sink->conflict(sink->context, &letter);
	return ADDED;
}

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

static int add_new_events(struct batch *batch, const struct batch_ticket *ticket, struct event_list *list,
                          struct arena *scratch, const struct batch_sink *sink)
{
	slots_fill(list);
	for (const struct batch_event *item = ticket->first; item != NULL; item = item->next) {
		struct ticket_event *event;
		size_t n;
		struct text packed = {item->packed, item->len_bytes};
		int result = history_unpack(packed, ticket->ticket_id, scratch, &event, &n);
		if (result != 0)
			return result;
		count_added(batch, item->source_no, list_add(list, event, sink), event, sink);
	}
	if (list->changed)
		list_sort(list);
	return 0;
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

static void put_clock_changes(struct text ticket_id, const struct ticket *before, const struct ticket *after,
                              const struct batch_sink *sink)
{
	struct sla_clock was, now;
	struct clock_finder in_before = {.ticket = before}, in_after = {.ticket = after};
	for (size_t i = 0; i < after->n_clocks; i++) {
		const struct sla_clock *clock = &after->clocks[i];
		if (!clock_row(clock, &now))
			continue;
		bool had_row = clock_row(find_clock(&in_before, clock), &was);
		if (had_row && same_clock_row(&was, &now))
			continue;
		if (had_row && (was.fires_us == TIME_NONE) != (now.fires_us == TIME_NONE))
			sink->clock_delete(sink->context, ticket_id, clock->target, clock->n);
		sink->clock_put(sink->context, ticket_id, &now);
	}
	for (size_t i = 0; i < before->n_clocks; i++) {
		const struct sla_clock *clock = &before->clocks[i];
		if (clock_row(clock, &was) && !clock_row(find_clock(&in_after, clock), &now))
			sink->clock_delete(sink->context, ticket_id, clock->target, clock->n);
	}
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

/* A1, A3: a breach that was recorded, and is none. */
static bool is_undone(const struct alert *was, const struct alert *now)
{
	return was != NULL && was->breached_us != TIME_NONE && now->breached_us == TIME_NONE;
}

static void put_alert_changes(struct text ticket_id, const struct ticket *before, const struct ticket *after,
                              const struct batch_sink *sink)
{
	struct alert was, now;
	struct clock_finder in_before = {.ticket = before}, in_after = {.ticket = after};
	for (size_t i = 0; i < after->n_clocks; i++) {
		const struct sla_clock *clock = &after->clocks[i];
		if (!alert_row(ticket_id, after, clock, &now))
			continue;
		bool there = alert_row(ticket_id, before, find_clock(&in_before, clock), &was);
		if ((!there || !alert_same_content(&was, &now)) && !is_undone(there ? &was : NULL, &now))
			sink->alert_put(sink->context, &now);
	}
	for (size_t i = 0; i < before->n_clocks; i++) {
		const struct sla_clock *clock = &before->clocks[i];
		if (!alert_row(ticket_id, before, clock, &was))
			continue;
		bool there = alert_row(ticket_id, after, find_clock(&in_after, clock), &now);
		if (!there || is_undone(&was, &now))
			sink->alert_void(sink->context, ticket_id, was.target, was.n);
	}
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

static void put_cycle_changes(struct text ticket_id, const struct ticket *before, const struct ticket *after,
                              const struct batch_sink *sink)
{
	size_t n_before = n_past_cycles(before), n_after = n_past_cycles(after);
	for (size_t i = 0; i < n_after; i++)
		if (i >= n_before || !same_cycle(&before->cycles[i], &after->cycles[i]))
			sink->cycle_put(sink->context, ticket_id, &after->cycles[i]);
	for (size_t i = n_after; i < n_before; i++)
		sink->cycle_delete(sink->context, ticket_id, before->cycles[i].cycle);
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

enum phase { PHASE_UNPACK, PHASE_BEFORE, PHASE_ADD, PHASE_AFTER, PHASE_PUT, PHASE_DONE };

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
	int64_t as_of_us;
};

struct batch_evaluation *batch_evaluation_begin(struct batch *batch, const struct batch_ticket *ticket,
                                                const struct stored_ticket *stored, const struct batch_rules *rules,
                                                struct arena *scratch, const struct batch_sink *sink,
                                                struct kpi_sums *sums)
{
	enum { KEEP_BYTES = 1 << 20 };
	arena_clear(scratch, KEEP_BYTES);
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
	        .as_of_us = stored->as_of_us > rules->as_of_us ? stored->as_of_us : rules->as_of_us,
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
		result = list_unpack(&e->list, history, e->ticket->ticket_id, count_new(e->ticket));
	e->phase = e->stored.rev == 0 ? PHASE_ADD : PHASE_BEFORE;
	spend(n_steps, e->list.n);
	return result;
}

/* False: the steps that there were are taken. */
static bool fold_on(struct batch_evaluation *e, int64_t as_of_us, size_t *n_steps, struct ticket *ticket_out)
{
	if (e->folding == NULL)
		e->folding = ticket_fold_begin(e->list.items, e->list.n, &e->rules->fold, &e->pin, as_of_us, NULL,
		                               e->scratch, ticket_out);
	if (ticket_fold_some(e->folding, n_steps))
		return false;
	e->folding = NULL;
	return true;
}

/* Adds the new events, and finds what there is to do then. */
static int add_events(struct batch_evaluation *e, size_t *n_steps)
{
	int result = add_new_events(e->batch, e->ticket, &e->list, e->scratch, e->sink);
	if (result != 0)
		return result;
	spend(n_steps, e->list.n);
	const struct policy_revision *revision = new_revision(e->rules, e->ticket, &e->stored, &e->before);
	bool judge_again = e->ticket->first == NULL && e->stored.rev != 0 && e->as_of_us > e->stored.as_of_us;
	if (revision != NULL) {
		e->pin = (struct fold_pin){revision, e->before.opened_us};
		e->batch->n_judged_anew++;
	}
	e->phase = e->list.changed || judge_again || revision != NULL ? PHASE_AFTER : PHASE_DONE;
	return BATCH_OK;
}

static void put_changes(struct batch_evaluation *e)
{
	struct text ticket_id = e->ticket->ticket_id;
	struct buf *packed = &e->batch->packed;
	put_cycle_changes(ticket_id, &e->before, &e->after, e->sink);
	put_clock_changes(ticket_id, &e->before, &e->after, e->sink);
	put_alert_changes(ticket_id, &e->before, &e->after, e->sink);
	add_sums(e->sums, &e->before, -1);
	add_sums(e->sums, &e->after, 1);
	buf_clear(packed);
	history_pack(e->list.items, e->list.n, packed);
	struct ticket_row row = {ticket_id, e->stored.rev + 1, e->as_of_us, &e->after, buf_text(packed)};
	e->sink->ticket(e->sink->context, &row);
	e->phase = PHASE_DONE;
}

int batch_evaluation_go_on(struct batch_evaluation *e, size_t n_steps, int32_t *revision_no_out)
{
	int result = BATCH_OK;
	while (result == BATCH_OK && n_steps > 0 && e->phase != PHASE_DONE) {
		switch (e->phase) {
		case PHASE_UNPACK:
			result = unpack(e, &n_steps, revision_no_out);
			break;
		case PHASE_BEFORE:
			if (fold_on(e, e->stored.as_of_us, &n_steps, &e->before))
				e->phase = PHASE_ADD;
			break;
		case PHASE_ADD:
			result = add_events(e, &n_steps);
			break;
		case PHASE_AFTER:
			if (fold_on(e, e->as_of_us, &n_steps, &e->after))
				e->phase = PHASE_PUT;
			break;
		case PHASE_PUT:
			put_changes(e);
			break;
		case PHASE_DONE:
			break;
		}
	}
	return result == BATCH_OK && e->phase != PHASE_DONE ? BATCH_MORE : result;
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
	result = list_unpack(&list, stored->history, ticket_id, 0);
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
