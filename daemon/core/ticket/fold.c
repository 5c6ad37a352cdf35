#include "fold.h"

#include "folding.h"
#include "kpid/base/check.h"

enum { SETTLED_AT_MOST = 32 }; /* clocks that are kept once settled; of more, each is settled again when asked for */

static void init_ticket(struct ticket *ticket)
{
	*ticket = (struct ticket){
	        .state = TICKET_UNKNOWN,
	        .opened_us = TIME_NONE,
	        .first_response_us = TIME_NONE,
	        .first_response_working_us = TIME_NONE,
	        .arrived_us = TIME_NONE,
	        .first_response_due_us = TIME_NONE,
	        .resolution_due_us = TIME_NONE,
	        .csat_score_micros = SCORE_ABSENT,
	        .csat_scale_micros = SCORE_ABSENT,
	};
}

/* S1: the revision in force at the opening applies for the ticket's whole life. */
static const struct policy_revision *revision_of(int64_t opened_us, const struct fold_rules *rules,
                                                 const struct fold_pin *pin)
{
	if (opened_us == TIME_NONE)
		return NULL;
	if (pin != NULL && pin->opened_us == opened_us)
		return pin->revision;
	return policy_set_at(rules->policies, opened_us);
}

/* Room for the most that the steps can add: only these types of step add to each array. */
static void init_fold(struct fold *fold, const struct step_plan *plan, struct arena *arena, struct ticket *ticket)
{
	const size_t *n_of = plan->n_steps_of;
	size_t n_cycles = plan->opened_us == TIME_NONE ? 0 : 1 + n_of[EVENT_REOPENED];
	size_t n_clocks = n_cycles == 0 ? 0 : 3 * n_cycles + n_of[EVENT_REQUESTER_REPLIED];
	size_t n_moments = n_of[EVENT_OPENED] + n_of[EVENT_ASSIGNED] + n_of[EVENT_UPDATED];
	size_t n_transfers = n_of[EVENT_OPENED] + n_of[EVENT_ASSIGNED];
	*fold = (struct fold){
	        .replied_us = TIME_NONE,
	        .ticket = ticket,
	        .arena = arena,
	        .cycles = arena_alloc(arena, n_cycles * sizeof(*fold->cycles)),
	        .pauses = arena_alloc(arena, n_of[EVENT_PAUSED] * sizeof(*fold->pauses)),
	        .clocks = arena_alloc(arena, n_clocks * sizeof(*fold->clocks)),
	        .moments = arena_alloc(arena, n_moments * sizeof(*fold->moments)),
	        .sums = arena_alloc(arena, sizeof(*fold->sums)),
	        .promise_us = {TIME_NONE, TIME_NONE, TIME_NONE, TIME_NONE},
	        .facts =
	                {
	                        .first_response_start_us = TIME_NONE,
	                        .resolution_counts = arena_alloc(arena, n_cycles * sizeof(bool)),
	                        .transfers = arena_alloc(arena, n_transfers * sizeof(struct kpi_transfer)),
	                        .surveys = arena_alloc(arena, n_of[EVENT_SURVEY] * sizeof(struct kpi_survey)),
	                },
	};
	*fold->sums = (struct clock_sums){.arena = arena, .max_pauses = n_of[EVENT_PAUSED], .max_cycles = n_cycles};
}

/* Owner and project after all steps up to a time; NULL before the first moment. */
static const struct moment *moment_at(const struct fold *fold, int64_t at_us)
{
	size_t low = 0, high = fold->n_moments;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (fold->moments[middle].at_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : &fold->moments[low - 1];
}

static void settle_breach(const struct fold *fold, struct sla_clock *clock)
{
	const struct moment *moment = moment_at(fold, clock->breached_us);
	if (moment == NULL)
		return;
	clock->owner_at_breach = moment->owner_id;
	clock->project_at_breach = moment->project_id;
	clock->agent_id = moment->owner_id;
}

/* A4: owner and project at the first warning. */
static void settle_warning(const struct fold *fold, struct sla_clock *clock)
{
	const struct moment *moment = moment_at(fold, clock->warned_us);
	if (moment == NULL)
		return;
	clock->owner_at_warning = moment->owner_id;
	clock->project_at_warning = moment->project_id;
}

/* F15: what the ticket and its cycles show of a clock. */
static void show_clock(struct fold *fold, const struct sla_clock *clock)
{
	struct ticket *ticket = fold->ticket;
	if (clock->target == TARGET_FIRST_RESPONSE) {
		ticket->first_response_due_us = clock->due_us;
		ticket->first_response_verdict = clock->verdict;
	} else if (clock->target == TARGET_RESOLUTION) {
		fold->cycles[clock->cycle - 1].due_us = clock->due_us;
		fold->cycles[clock->cycle - 1].verdict = clock->verdict;
		ticket->resolution_due_us = clock->due_us;
		ticket->resolution_verdict = clock->verdict;
	}
}

struct folding {
	struct fold fold;
	struct step_cursor steps;
	int64_t as_of_us, fcr_window_us;
	struct sla_clock *settled; /* by index; NULL: there are too many, or steps remain */
	size_t n_settled;
};

/* The clock as of as_of_us. */
static void settle_clock(const struct folding *folding, const struct clock *clock, struct sla_clock *clock_out)
{
	const struct fold *fold = &folding->fold;
	struct clock_context context = fold_clock_context(fold);
	clock_settle(clock, &context, folding->as_of_us, clock_out);
	if (clock_out->verdict == VERDICT_BREACHED)
		settle_breach(fold, clock_out);
	if (clock_out->warned_us != TIME_NONE)
		settle_warning(fold, clock_out);
}

struct folding *folding_begin(const struct step_plan *plan, struct event_stream *events, const struct fold_rules *rules,
                              const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                              struct arena *arena, struct ticket *ticket_out)
{
	struct folding *folding = arena_alloc(arena, sizeof(*folding));
	struct fold *fold = &folding->fold;
	init_ticket(ticket_out);
	init_fold(fold, plan, arena, ticket_out);
	step_cursor_begin(&folding->steps, plan, events);
	ticket_out->opened_us = plan->opened_us;
	ticket_out->revision = revision_of(plan->opened_us, rules, pin);
	fold->observer = observer;
	if (observer != NULL && observer->wants_effects)
		fold->effect = arena_alloc(arena, sizeof(*fold->effect));
	if (observer != NULL && observer->begin != NULL)
		observer->begin(observer->context, plan->n_steps);
	folding->as_of_us = as_of_us;
	folding->fcr_window_us = rules->fcr_window_us;
	folding->settled = NULL;
	folding->n_settled = 0;
	return folding;
}

static void take_step(struct folding *folding, const struct step *step)
{
	struct fold *fold = &folding->fold;
	if (fold->effect != NULL)
		effect_text_clear(fold->effect);
	apply_step(fold, step);
	if (fold->observer != NULL)
		fold->observer->step(fold->observer->context, step->event, step->at_us, step->derived,
		                     fold->effect == NULL ? NULL : fold->effect->text, fold->ticket);
}

bool folding_take_steps(struct folding *folding, size_t *n_steps)
{
	struct fold *fold = &folding->fold;
	struct step step;
	for (; *n_steps > 0; --*n_steps) {
		if (!step_cursor_next(&folding->steps, &step)) {
			KPID_CHECK(fold->ticket->n_cycles == fold->ticket->cycle);
			if (fold->n_clocks <= SETTLED_AT_MOST)
				folding->settled = arena_alloc(fold->arena, fold->n_clocks * sizeof(*folding->settled));
			return false;
		}
		take_step(folding, &step);
	}
	return true;
}

/* Where the latest clock of a target was dropped, the ticket must not show an earlier one. */
static void show_dropped(struct folding *folding)
{
	struct fold *fold = &folding->fold;
	for (int target = 0; target < TARGET_N; target++) {
		struct sla_clock scratch;
		if (fold->latest[target] != &fold->dropped[target])
			continue;
		settle_clock(folding, &fold->dropped[target], &scratch);
		show_clock(fold, &scratch);
	}
}

bool folding_settle(struct folding *folding, struct kpi_sink *sink, size_t *n_clocks)
{
	struct fold *fold = &folding->fold;
	struct ticket *ticket = fold->ticket;
	for (; folding->n_settled < fold->n_clocks; folding->n_settled++, --*n_clocks) {
		if (*n_clocks == 0)
			return true;
		size_t i = folding->n_settled;
		struct sla_clock scratch, *clock = folding->settled == NULL ? &scratch : &folding->settled[i];
		settle_clock(folding, &fold->clocks[i], clock);
		show_clock(fold, clock);
		if (fold->clocks[i].listed) {
			kpi_contribute_clock(clock, sink);
			ticket->n_clocks++;
		}
	}
	show_dropped(folding);
	ticket->cycles = fold->cycles;
	ticket->pauses = fold->pauses;
	ticket->n_pauses = fold->n_pauses;
	kpi_contribute_ticket(ticket, &fold->facts, folding->fcr_window_us, sink);
	return false;
}

size_t folding_n_clocks(const struct folding *folding)
{
	return folding->fold.n_clocks;
}

void folding_clock_key(const struct folding *folding, size_t i, enum sla_target *target_out, uint32_t *n_out)
{
	*target_out = folding->fold.clocks[i].target;
	*n_out = folding->fold.clocks[i].n;
}

const struct sla_clock *folding_clock(const struct folding *folding, size_t i, struct sla_clock *scratch)
{
	if (!folding->fold.clocks[i].listed)
		return NULL;
	if (folding->settled != NULL)
		return &folding->settled[i];
	settle_clock(folding, &folding->fold.clocks[i], scratch);
	return scratch;
}

bool folding_clock_use(const struct folding *folding, size_t i, int64_t at_us, struct clock_use *use_out)
{
	struct clock_context context = fold_clock_context(&folding->fold);
	return clock_use(&folding->fold.clocks[i], &context, at_us, use_out);
}

const struct kpi_facts *folding_facts(const struct folding *folding)
{
	return &folding->fold.facts;
}

/* ---- the whole ticket at once ---- */

static void fold_whole(const struct step_plan *plan, struct event_stream *events, const struct fold_rules *rules,
                       const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                       struct arena *arena, struct ticket *ticket_out)
{
	size_t n_steps = SIZE_MAX, n_clocks = SIZE_MAX;
	struct folding *folding = folding_begin(plan, events, rules, pin, as_of_us, observer, arena, ticket_out);
	folding_take_steps(folding, &n_steps);

	struct kpi_sink sink = {
	        .capacity = kpi_max_entries(ticket_out, &folding->fold.facts, folding->fold.n_clocks),
	};
	sink.entries = arena_alloc(arena, sink.capacity * sizeof(*sink.entries));
	folding_settle(folding, &sink, &n_clocks);
	ticket_out->kpis = sink.entries;
	ticket_out->n_kpis = sink.n;

	struct sla_clock *clocks = arena_alloc(arena, ticket_out->n_clocks * sizeof(*clocks)), scratch;
	size_t n = 0;
	for (size_t i = 0; i < folding->fold.n_clocks; i++) {
		const struct sla_clock *clock = folding_clock(folding, i, &scratch);
		if (clock != NULL)
			clocks[n++] = *clock;
	}
	ticket_out->clocks = clocks;
}

void ticket_fold(const struct ticket_event *const *events, size_t n_events, const struct fold_rules *rules,
                 const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                 struct arena *arena, struct ticket *ticket_out)
{
	struct step_plan plan;
	struct event_array_stream stream;
	step_plan_init(&plan, arena);
	for (size_t i = 0; i < n_events; i++)
		step_plan_add(&plan, events[i]);
	step_plan_finish(&plan);
	event_array_stream_begin(&stream, events, n_events);
	fold_whole(&plan, &stream.stream, rules, pin, as_of_us, observer, arena, ticket_out);
}

int ticket_fold_history(struct text history, struct text ticket_id, const struct fold_rules *rules,
                        const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                        struct arena *arena, struct ticket *ticket_out)
{
	struct step_plan plan;
	struct history_stream stream;
	step_plan_init(&plan, arena);
	history_stream_begin(&stream, history, ticket_id);
	for (const struct ticket_event *event; (event = event_stream_next(&stream.stream)) != NULL;)
		step_plan_add(&plan, event);
	if (stream.result < 0)
		return stream.result;
	step_plan_finish(&plan);
	history_stream_begin(&stream, history, ticket_id);
	fold_whole(&plan, &stream.stream, rules, pin, as_of_us, observer, arena, ticket_out);
	return 0;
}
