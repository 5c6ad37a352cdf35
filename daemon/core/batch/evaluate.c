/* What one ticket of a batch changes: the difference between its fold before the new events and its fold after them. */
#include "changes.h"
#include "event_set.h"
#include "find_pin.h"
#include "kpid/core/batch.h"
#include "sums_sink.h"

enum { KEEP_BYTES = 1 << 20 }; /* memory beyond this that a large ticket needed is freed */

enum phase {
	PHASE_INDEX,
	PHASE_SCAN,
	PHASE_ADD,
	PHASE_FOLD_BEFORE,
	PHASE_SETTLE_BEFORE,
	PHASE_PLAN_AFTER,
	PHASE_FOLD_AFTER,
	PHASE_SETTLE_AFTER,
	PHASE_TICKET,
	PHASE_CHANGES,
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
	struct event_set events;
	struct step_plan plan; /* of the stored events; from PHASE_PLAN_AFTER on, of all that count */
	struct history_stream stored_stream;
	struct event_set_stream stream;
	struct writing_stream writing_stream;
	struct folding *fold_before, *fold_after; /* NULL: not begun */
	struct ticket before, after;
	struct sums_sink sums_sink;
	size_t n_planned; /* events, in PHASE_PLAN_AFTER */
	struct changes changes;
	int64_t as_of_us;
	bool judge_again; /* as of a later time, without new events */
};

/* Never earlier than before, unless that is ahead of the clock: then the clock was put back, and what was due by the
 * old clock is not due. */
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
	struct batch_evaluation *e = arena_alloc(scratch, sizeof(*e));
	e->batch = batch;
	e->ticket = ticket;
	e->stored = *stored;
	e->rules = rules;
	e->scratch = scratch;
	e->sink = sink;
	e->sums = sums;
	e->phase = PHASE_INDEX;
	e->fold_before = e->fold_after = NULL;
	e->before = (struct ticket){.state = TICKET_UNKNOWN};
	e->as_of_us = judged_as_of(stored, rules);
	event_set_init(&e->events, scratch, ticket->ticket_id, stored->rev == 0 ? TEXT_ABSENT : stored->history,
	               ticket->first, rules->ticket_max_events);
	if (ticket->first == NULL && !text_is_absent(rules->removed_source))
		event_set_remove(&e->events, rules->removed_source, &batch->tally);
	step_plan_init(&e->plan, scratch);
	return e;
}

/* ---- events ---- */

static int index_events(struct batch_evaluation *e, size_t *n_steps, int32_t *revision_no_out)
{
	int result = find_pin(&e->stored, e->rules, &e->pin, revision_no_out);
	if (result != BATCH_OK)
		return result;
	result = event_set_index(&e->events, n_steps);
	if (result == 0)
		e->phase = PHASE_SCAN;
	return result < 0 ? result : BATCH_OK;
}

static int scan_stored(struct batch_evaluation *e, size_t *n_steps)
{
	int result = event_set_scan(&e->events, &e->plan, n_steps);
	if (result == 0)
		e->phase = PHASE_ADD;
	return result < 0 ? result : BATCH_OK;
}

static void add_next(struct batch_evaluation *e)
{
	int32_t source_no = event_set_next_source(&e->events);
	enum added added = event_set_add(&e->events, e->sink);
	if (added == DUPLICATE)
		batch_source(e->batch, source_no, OFFSET_NONE)->n_duplicates++;
	else if (added == TOO_MANY)
		batch_source(e->batch, source_no, OFFSET_NONE)->n_too_many++;
}

/* Sorting costs about as much as a step for each event. Without new events, and with nothing to judge again, the ticket
 * is not even folded. */
static void add_events(struct batch_evaluation *e, size_t *n_steps)
{
	for (; !event_set_is_decided(&e->events); --*n_steps) {
		if (*n_steps == 0)
			return;
		add_next(e);
	}
	event_set_sort(&e->events);
	*n_steps -= e->events.n_accepted < *n_steps ? e->events.n_accepted : *n_steps;
	bool is_known = e->stored.rev != 0, only_judge = e->ticket->first == NULL && is_known;
	e->judge_again = only_judge && e->as_of_us > e->stored.as_of_us;
	if (!e->events.changed && !e->judge_again && !(only_judge && e->rules->rejudge_under != NULL))
		e->phase = PHASE_DONE;
	else
		e->phase = is_known ? PHASE_FOLD_BEFORE : PHASE_PLAN_AFTER;
	event_set_stream_begin(&e->stream, &e->events);
	e->n_planned = 0;
}

/* ---- before ---- */

/* The revision under which a known ticket must be judged from now on (rejudge_under); NULL: it keeps its own. */
static const struct policy_revision *new_revision(const struct batch_evaluation *e)
{
	const struct policy_set *policies = e->rules->rejudge_under;
	if (policies == NULL || e->ticket->first != NULL || e->before.opened_us == TIME_NONE)
		return NULL;
	const struct policy_revision *revision = policy_set_at(policies, e->before.opened_us);
	return revision == NULL || revision->revision_no == e->stored.revision_no ? NULL : revision;
}

static void fold_before(struct batch_evaluation *e, size_t *n_steps)
{
	if (e->fold_before == NULL) {
		step_plan_finish(&e->plan);
		history_stream_begin(&e->stored_stream, e->stored.history, e->ticket->ticket_id);
		e->fold_before = folding_begin(&e->plan, &e->stored_stream.stream, &e->rules->fold, &e->pin,
		                               e->stored.as_of_us, NULL, e->scratch, &e->before);
	}
	if (folding_take_steps(e->fold_before, n_steps))
		return;
	const struct policy_revision *revision = new_revision(e);
	if (!e->events.changed && !e->judge_again && revision == NULL) {
		e->phase = PHASE_DONE;
		return;
	}
	if (revision != NULL) {
		e->pin = (struct fold_pin){revision, e->before.opened_us};
		e->batch->n_rejudged++;
	}
	sums_sink_begin(&e->sums_sink, e->sums, -1);
	e->phase = PHASE_SETTLE_BEFORE;
}

static void settle_before(struct batch_evaluation *e, size_t *n_steps)
{
	if (folding_settle(e->fold_before, &e->sums_sink.sink, n_steps))
		return;
	sums_sink_finish(&e->sums_sink, &e->before);
	e->phase = PHASE_PLAN_AFTER;
}

/* ---- after ---- */

/* Adds an accepted event to the plan of the stored ones. False: there are no more. */
static bool plan_accepted(struct batch_evaluation *e, size_t i)
{
	if (i == e->events.n_accepted)
		return false;
	enum event_type type = e->events.accepted[i]->type;
	if (step_plan_needs(type))
		step_plan_add(&e->plan, event_set_read_accepted(&e->stream, i));
	else
		step_plan_count(&e->plan, type);
	return true;
}

/* Where stored events are replaced, the plan begins again, with all events that count. */
static bool plan_all(struct batch_evaluation *e, size_t i)
{
	if (i == 0)
		step_plan_init(&e->plan, e->scratch);
	const struct ticket_event *event = event_stream_next(&e->stream.stream);
	if (event != NULL)
		step_plan_add(&e->plan, event);
	return event != NULL;
}

static void plan_after(struct batch_evaluation *e, size_t *n_steps)
{
	for (; *n_steps > 0; e->n_planned++, --*n_steps) {
		bool more = e->events.n_replaced > 0 ? plan_all(e, e->n_planned) : plan_accepted(e, e->n_planned);
		if (!more) {
			step_plan_finish(&e->plan);
			e->phase = PHASE_FOLD_AFTER;
			return;
		}
	}
}

static void fold_after(struct batch_evaluation *e, size_t *n_steps)
{
	if (e->fold_after == NULL) {
		event_set_stream_begin(&e->stream, &e->events);
		buf_clear(&e->batch->packed);
		writing_stream_begin(&e->writing_stream, &e->stream.stream, &e->batch->packed);
		e->fold_after = folding_begin(&e->plan, &e->writing_stream.stream, &e->rules->fold, &e->pin,
		                              e->as_of_us, NULL, e->scratch, &e->after);
	}
	if (folding_take_steps(e->fold_after, n_steps))
		return;
	sums_sink_begin(&e->sums_sink, e->sums, 1);
	e->phase = PHASE_SETTLE_AFTER;
}

static void settle_after(struct batch_evaluation *e, size_t *n_steps)
{
	if (folding_settle(e->fold_after, &e->sums_sink.sink, n_steps))
		return;
	sums_sink_finish(&e->sums_sink, &e->after);
	e->phase = PHASE_TICKET;
}

/* First, so that the other rows need not be gathered: a large ticket has many. */
static void put_ticket(struct batch_evaluation *e)
{
	struct buf *packed = &e->batch->packed;
	struct ticket_row row = {e->ticket->ticket_id, e->stored.rev + 1, e->as_of_us, &e->after, buf_text(packed)};
	e->sink->ticket(e->sink->context, &row);
	buf_keep(packed, KEEP_BYTES);
	if (e->events.n_new == 0 && e->events.n_replaced > 0) { /* removed */
		e->batch->tally.n_reduced++;
		e->batch->tally.n_emptied += e->events.n_events == 0;
	}
	changes_begin(&e->changes, e->ticket->ticket_id, &e->before, e->fold_before, &e->after, e->fold_after);
	e->changes.tally = &e->batch->tally;
	e->phase = PHASE_CHANGES;
}

static int go_on(struct batch_evaluation *e, size_t *n_steps, int32_t *revision_no_out)
{
	switch (e->phase) {
	case PHASE_INDEX:
		return index_events(e, n_steps, revision_no_out);
	case PHASE_SCAN:
		return scan_stored(e, n_steps);
	case PHASE_ADD:
		add_events(e, n_steps);
		break;
	case PHASE_FOLD_BEFORE:
		fold_before(e, n_steps);
		break;
	case PHASE_SETTLE_BEFORE:
		settle_before(e, n_steps);
		break;
	case PHASE_PLAN_AFTER:
		plan_after(e, n_steps);
		break;
	case PHASE_FOLD_AFTER:
		fold_after(e, n_steps);
		break;
	case PHASE_SETTLE_AFTER:
		settle_after(e, n_steps);
		break;
	case PHASE_TICKET:
		put_ticket(e);
		break;
	case PHASE_CHANGES:
		if (!changes_put(&e->changes, e->sink, n_steps))
			e->phase = PHASE_DONE;
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
		result = go_on(e, &n_steps, revision_no_out);
	return result == BATCH_OK && e->phase != PHASE_DONE ? BATCH_MORE : result;
}

int batch_evaluate(struct batch *batch, const struct batch_ticket *ticket, const struct stored_ticket *stored,
                   const struct batch_rules *rules, struct arena *scratch, const struct batch_sink *sink,
                   struct kpi_sums *sums, int32_t *revision_no_out)
{
	struct batch_evaluation *evaluation = batch_evaluation_begin(batch, ticket, stored, rules, scratch, sink, sums);
	return batch_evaluation_go_on(evaluation, SIZE_MAX, revision_no_out);
}
