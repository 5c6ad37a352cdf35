#include "changes.h"

#include "kpid/base/memory.h"

/* The row of a clock in kpid.sla_clock, in *scratch; NULL: it has none. clock: NULL if there is no such clock. */
static const struct sla_clock *clock_row(const struct sla_clock *clock, struct sla_clock *scratch)
{
	if (clock == NULL)
		return NULL;
	bool runs = !clock->stopped && clock->verdict != VERDICT_NONE;
	if (!runs && clock->fires_us == TIME_NONE)
		return NULL;
	*scratch = *clock;
	scratch->stopped = !runs;
	return scratch;
}

static bool same_clock_row(const struct sla_clock *a, const struct sla_clock *b)
{
	return a->start_us == b->start_us && a->due_us == b->due_us && a->fires_us == b->fires_us &&
	       a->countdown_zero_us == b->countdown_zero_us && a->at_risk_us == b->at_risk_us &&
	       a->left_us == b->left_us && a->cycle == b->cycle && a->paused == b->paused && a->stopped == b->stopped &&
	       a->verdict == b->verdict && text_same(a->calendar, b->calendar);
}

/* The row of a clock in kpid.alert. False: it has none. clock: likewise. */
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

static void put_clock(const struct changes *changes, const struct sla_clock *before, const struct sla_clock *after,
                      const struct batch_sink *sink)
{
	struct sla_clock before_scratch, after_scratch;
	const struct sla_clock *was = clock_row(before, &before_scratch), *now = clock_row(after, &after_scratch);
	if (was != NULL && now == NULL)
		sink->clock_delete(sink->context, changes->ticket_id, before->target, before->n);
	if (now == NULL || (was != NULL && same_clock_row(was, now)))
		return;
	/* The row moves between the table of clocks that something falls due of and the table of the others. */
	if (was != NULL && (was->fires_us == TIME_NONE) != (now->fires_us == TIME_NONE))
		sink->clock_delete(sink->context, changes->ticket_id, after->target, after->n);
	sink->clock_put(sink->context, changes->ticket_id, now);
}

/* A1, A3: a breach that was recorded is undone. */
static bool is_undone(const struct alert *was, const struct alert *now)
{
	return was->breached_us != TIME_NONE && now->breached_us == TIME_NONE;
}

static void count_breach(struct batch_tally *tally, const struct alert *was, const struct alert *now)
{
	bool before = was != NULL && was->breached_us != TIME_NONE,
	     after = now != NULL && now->breached_us != TIME_NONE;
	if (tally == NULL || before == after)
		return;
	if (before) {
		tally->n_voided[was->target]++;
		return;
	}
	tally->breaches =
	        mem_grow(tally->breaches, &tally->breaches_capacity, tally->n_breaches + 1, sizeof(*tally->breaches));
	tally->breaches[tally->n_breaches++] = (struct batch_breach){now->target, now->breached_us};
}

static void put_alert(const struct changes *changes, const struct sla_clock *before, const struct sla_clock *after,
                      const struct batch_sink *sink)
{
	struct alert was, now;
	bool had_row = alert_row(changes->ticket_id, changes->before.ticket, before, &was);
	bool has_row = alert_row(changes->ticket_id, changes->after.ticket, after, &now);
	count_breach(changes->tally, had_row ? &was : NULL, has_row ? &now : NULL);
	if (had_row && (!has_row || is_undone(&was, &now)))
		sink->alert_void(sink->context, changes->ticket_id, was.target, was.n);
	else if (has_row && (!had_row || !alert_same_content(&was, &now)))
		sink->alert_put(sink->context, &now);
}

static bool same_cycle(const struct ticket_cycle *a, const struct ticket_cycle *b)
{
	return a->started_us == b->started_us && a->resolved_us == b->resolved_us && a->closed_us == b->closed_us &&
	       a->due_us == b->due_us && a->verdict == b->verdict && a->resolution == b->resolution &&
	       a->working_us == b->working_us && text_same(a->resolver_id, b->resolver_id) &&
	       text_same(a->closer_id, b->closer_id);
}

/* Cycles before the current one, which have rows of their own in kpid.ticket_cycle. */
static size_t n_past_cycles(const struct ticket *ticket)
{
	return ticket->n_cycles == 0 ? 0 : ticket->n_cycles - 1;
}

static void put_cycle(const struct changes *changes, size_t i, const struct batch_sink *sink)
{
	const struct ticket *before = changes->before.ticket, *after = changes->after.ticket;
	if (i >= n_past_cycles(after))
		sink->cycle_delete(sink->context, changes->ticket_id, before->cycles[i].cycle);
	else if (i >= n_past_cycles(before) || !same_cycle(&before->cycles[i], &after->cycles[i]))
		sink->cycle_put(sink->context, changes->ticket_id, &after->cycles[i]);
}

static struct changes_side side_of(const struct ticket *ticket, const struct folding *folding)
{
	return (struct changes_side){
	        .ticket = ticket,
	        .folding = folding,
	        .n_clocks = folding == NULL ? 0 : folding_n_clocks(folding),
	};
}

void changes_begin(struct changes *changes, struct text ticket_id, const struct ticket *before,
                   const struct folding *before_folding, const struct ticket *after,
                   const struct folding *after_folding)
{
	*changes = (struct changes){
	        .ticket_id = ticket_id,
	        .before = side_of(before, before_folding),
	        .after = side_of(after, after_folding),
	};
}

/* The index of the clock with a key; n_clocks: there is none. Call it for the keys of a target in ascending order. */
static size_t find_clock(struct changes_side *side, enum sla_target target, uint32_t n)
{
	size_t *at = &side->at[target];
	for (; *at < side->n_clocks; ++*at) {
		enum sla_target target_there;
		uint32_t n_there;
		folding_clock_key(side->folding, *at, &target_there, &n_there);
		if (target_there == target && n_there >= n)
			return n_there == n ? *at : side->n_clocks;
	}
	return side->n_clocks;
}

/* The i-th key: all new clocks, then the previous clocks that have no new one. */
static void put_clock_and_alert(struct changes *changes, size_t i, const struct batch_sink *sink)
{
	struct changes_side *side_before = &changes->before, *side_after = &changes->after;
	struct sla_clock before_scratch, after_scratch;
	const struct sla_clock *before = NULL, *after = NULL;
	bool in_after = i < side_after->n_clocks;
	size_t place = in_after ? i : i - side_after->n_clocks;
	enum sla_target target;
	uint32_t n;
	folding_clock_key(in_after ? side_after->folding : side_before->folding, place, &target, &n);
	if (in_after) {
		after = folding_clock(side_after->folding, place, &after_scratch);
		place = find_clock(side_before, target, n);
	} else if (find_clock(side_after, target, n) < side_after->n_clocks) {
		return;
	}
	if (place < side_before->n_clocks)
		before = folding_clock(side_before->folding, place, &before_scratch);
	put_clock(changes, before, after, sink);
	put_alert(changes, before, after, sink);
}

bool changes_put(struct changes *changes, const struct batch_sink *sink, size_t *n_steps)
{
	size_t n_before = n_past_cycles(changes->before.ticket), n_after = n_past_cycles(changes->after.ticket);
	size_t n_cycles = n_before > n_after ? n_before : n_after;
	size_t n_clocks = changes->after.n_clocks + changes->before.n_clocks;
	for (; changes->n_cycles_done < n_cycles; changes->n_cycles_done++, --*n_steps) {
		if (*n_steps == 0)
			return true;
		put_cycle(changes, changes->n_cycles_done, sink);
	}
	for (; changes->n_clocks_done < n_clocks; changes->n_clocks_done++, --*n_steps) {
		if (*n_steps == 0)
			return true;
		put_clock_and_alert(changes, changes->n_clocks_done, sink);
	}
	return false;
}
