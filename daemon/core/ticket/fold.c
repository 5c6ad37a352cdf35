#include "fold.h"

#include "kpid/base/check.h"

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

/* S1: the revision at the opening, for all of a ticket's life. */
static const struct policy_revision *revision_of(int64_t opened_us, const struct fold_rules *rules,
                                                 const struct fold_pin *pin)
{
	if (opened_us == TIME_NONE)
		return NULL;
	if (pin != NULL && pin->opened_us == opened_us)
		return pin->revision;
	return policy_set_at(rules->policies, opened_us);
}

/* Room for the most that the steps can make: only these types of step add to each array. */
static void init_fold(struct fold *fold, const struct steps *steps, struct arena *arena, struct arena *inner,
                      struct ticket *ticket)
{
	size_t n_opened = steps->n_of[EVENT_OPENED], n_assigned = steps->n_of[EVENT_ASSIGNED];
	size_t n_cycles = steps->opened_us == TIME_NONE ? 0 : 1 + steps->n_of[EVENT_REOPENED];
	size_t n_clocks = n_cycles == 0 ? 0 : 3 * n_cycles + steps->n_of[EVENT_REQUESTER_REPLIED];
	size_t n_moments = n_opened + n_assigned + steps->n_of[EVENT_UPDATED];
	*fold = (struct fold){
	        .ticket = ticket,
	        .arena = inner,
	        .cycles = arena_alloc(arena, n_cycles * sizeof(*fold->cycles)),
	        .pauses = arena_alloc(arena, steps->n_of[EVENT_PAUSED] * sizeof(*fold->pauses)),
	        .clocks = arena_alloc(inner, n_clocks * sizeof(*fold->clocks)),
	        .moments = arena_alloc(inner, n_moments * sizeof(*fold->moments)),
	        .sums = {.arena = inner, .max_pauses = steps->n_of[EVENT_PAUSED], .max_cycles = n_cycles},
	        .promise_us = {TIME_NONE, TIME_NONE, TIME_NONE, TIME_NONE},
	        .facts =
	                {
	                        .first_response_start_us = TIME_NONE,
	                        .resolution_counts = arena_alloc(inner, n_cycles * sizeof(bool)),
	                        .transfers = arena_alloc(inner, (n_opened + n_assigned) * sizeof(struct kpi_transfer)),
	                        .surveys = arena_alloc(inner, steps->n_of[EVENT_SURVEY] * sizeof(struct kpi_survey)),
	                },
	};
}

/* How things stood after all steps up to a time; NULL before the first moment. */
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
static void show_clock(const struct fold *fold, const struct sla_clock *clock, struct ticket *ticket)
{
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

static void settle(struct fold *fold, int64_t as_of_us, struct ticket *ticket)
{
	struct clock_ground ground = fold_ground(fold);
	struct sla_clock *clocks = arena_alloc(fold->arena, fold->n_clocks * sizeof(*clocks));
	size_t n = 0;
	for (size_t i = 0; i < fold->n_clocks; i++) {
		struct sla_clock *clock = &clocks[n];
		clock_settle(&fold->clocks[i], &ground, as_of_us, clock);
		if (clock->verdict == VERDICT_BREACHED)
			settle_breach(fold, clock);
		if (clock->warned_us != TIME_NONE)
			settle_warning(fold, clock);
		show_clock(fold, clock, ticket);
		n += fold->clocks[i].listed;
	}
	ticket->cycles = fold->cycles;
	ticket->pauses = fold->pauses;
	ticket->n_pauses = fold->n_pauses;
	ticket->clocks = clocks;
	ticket->n_clocks = n;
}

struct ticket_folding {
	struct fold fold;
	struct steps steps;
	size_t n_taken;
	const struct fold_observer *observer;
	int64_t as_of_us, fcr_window_us;
	struct ticket *ticket;
};

struct ticket_folding *ticket_fold_begin(const struct ticket_event *const *events, size_t n_events,
                                         const struct fold_rules *rules, const struct fold_pin *pin, int64_t as_of_us,
                                         const struct fold_observer *observer, struct arena *arena, struct arena *inner,
                                         struct ticket *ticket_out)
{
	struct ticket_folding *folding = arena_alloc(inner, sizeof(*folding));
	struct fold *fold = &folding->fold;
	steps_of_events(events, n_events, inner, &folding->steps);
	init_ticket(ticket_out);
	init_fold(fold, &folding->steps, arena, inner, ticket_out);
	ticket_out->opened_us = folding->steps.opened_us;
	ticket_out->revision = revision_of(folding->steps.opened_us, rules, pin);
	if (observer != NULL)
		fold->words = arena_alloc(inner, sizeof(*fold->words));
	folding->n_taken = 0;
	folding->observer = observer;
	folding->as_of_us = as_of_us;
	folding->fcr_window_us = rules->fcr_window_us;
	folding->ticket = ticket_out;
	return folding;
}

static void take_step(struct ticket_folding *folding, const struct step *step)
{
	const struct fold_observer *observer = folding->observer;
	if (observer != NULL)
		words_clear(folding->fold.words);
	fold_move(&folding->fold, step);
	if (observer != NULL)
		observer->step(observer->context, step->event, step->at_us, step->derived, folding->fold.words->text,
		               folding->ticket);
}

bool ticket_fold_some(struct ticket_folding *folding, size_t *n_steps)
{
	for (; folding->n_taken < folding->steps.n; folding->n_taken++, --*n_steps) {
		if (*n_steps == 0)
			return true;
		take_step(folding, &folding->steps.items[folding->n_taken]);
	}
	KPID_CHECK(folding->ticket->n_cycles == folding->ticket->cycle);
	settle(&folding->fold, folding->as_of_us, folding->ticket);
	kpi_contribute(folding->ticket, &folding->fold.facts, folding->fcr_window_us, folding->fold.arena);
	*n_steps -= folding->ticket->n_clocks < *n_steps ? folding->ticket->n_clocks : *n_steps;
	return false;
}

void ticket_fold(const struct ticket_event *const *events, size_t n_events, const struct fold_rules *rules,
                 const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                 struct arena *arena, struct ticket *ticket_out)
{
	size_t n_steps = SIZE_MAX;
	ticket_fold_some(ticket_fold_begin(events, n_events, rules, pin, as_of_us, observer, arena, arena, ticket_out),
	                 &n_steps);
}
