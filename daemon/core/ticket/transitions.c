/* The transitions of a ticket: the effect of each type of step, and the states in which it has one (rules F4-F14). */
#include "fold.h"

#define MICROS INT64_C(1000000)

#define IN(state) (1u << (state))
#define LIVE      (IN(TICKET_OPEN) | IN(TICKET_PAUSED))
#define DONE      (IN(TICKET_RESOLVED) | IN(TICKET_CLOSED))
#define ANY       (IN(TICKET_UNKNOWN) | LIVE | DONE)

static void note_effect(const struct fold *fold, const char *effect)
{
	if (fold->effect != NULL)
		effect_text_begin(fold->effect, effect);
}

static void note_effect_by(const struct fold *fold, const char *effect, struct text who)
{
	if (fold->effect == NULL)
		return;
	effect_text_begin(fold->effect, effect);
	effect_text_append(fold->effect, text_is_empty(who) ? TEXT("nobody") : who);
}

static void note_no_effect(const struct fold *fold, const char *why)
{
	if (fold->effect == NULL)
		return;
	effect_text_begin(fold->effect, "no effect: ");
	effect_text_append(fold->effect, text_of(why));
}

/* An empty text means the same as an absent one. */
static struct text absent_if_empty(struct text text)
{
	return text_is_empty(text) ? TEXT_ABSENT : text;
}

static struct text named_or_owner(const struct fold *fold, const struct ticket_event *event)
{
	struct text named = event->texts[EVENT_AGENT_ID];
	return text_is_empty(named) ? fold->ticket->owner_id : named;
}

static struct ticket_cycle *this_cycle(const struct fold *fold)
{
	return &fold->cycles[fold->ticket->n_cycles - 1];
}

/* --- clocks --- */

static bool clock_runs(const struct fold *fold, enum sla_target target)
{
	return fold->latest[target] != NULL && !fold->latest[target]->over;
}

/* Nothing shows a clock that is over and never had a target or a promise, and a robot can start 100,000 of them. Only
 * the latest one of each target is kept, apart from the others. */
static void drop_unlisted(struct fold *fold)
{
	size_t first = fold->n_clocks > TARGET_N ? fold->n_clocks - TARGET_N : 0, n_kept = first;
	for (size_t i = first; i < fold->n_clocks; i++) {
		struct clock *clock = &fold->clocks[i], **latest = &fold->latest[clock->target];
		bool is_dropped = clock->over && !clock->listed, is_latest = *latest == clock;
		if (is_dropped && !is_latest)
			continue;
		struct clock *place = is_dropped ? &fold->dropped[clock->target] : &fold->clocks[n_kept++];
		if (is_latest)
			*latest = place;
		if (place != clock)
			*place = *clock;
	}
	fold->n_clocks = n_kept;
}

static void start(struct fold *fold, enum sla_target target, const struct step *step)
{
	struct ticket *ticket = fold->ticket;
	drop_unlisted(fold);
	struct clock *clock = &fold->clocks[fold->n_clocks++];
	clock->target = target;
	clock->n = ++fold->n_of_target[target];
	clock->cycle = ticket->cycle;
	clock->start_us = step->at_us;
	clock->first_pause = (uint32_t)(ticket->state == TICKET_PAUSED ? fold->n_pauses - 1 : fold->n_pauses);
	clock->evidence_source_no = step->event->source_no;
	clock->evidence_offset = step->event->source_offset;
	clock->policy = ticket->policy;
	clock->promise_us = ticket->cycle == 1 ? fold->promise_us[target] : TIME_NONE;
	clock_start(clock);
	fold->latest[target] = clock;
}

static void stop(struct fold *fold, enum sla_target target, int64_t at_us, struct text by)
{
	if (!clock_runs(fold, target))
		return;
	struct clock_context context = fold_clock_context(fold);
	clock_stop(fold->latest[target], &context, at_us, by);
}

/* S5 */
static void end_clocks(struct fold *fold, int64_t at_us)
{
	struct clock_context context = fold_clock_context(fold);
	for (int target = 0; target < TARGET_N; target++)
		if (clock_runs(fold, (enum sla_target)target))
			clock_end(fold->latest[target], &context, at_us);
}

/* S8 */
static void pass_warnings(struct fold *fold, int64_t until_us)
{
	struct clock_context context = fold_clock_context(fold);
	for (int target = 0; target < TARGET_N; target++)
		if (clock_runs(fold, (enum sla_target)target))
			clock_pass(fold->latest[target], &context, until_us, fold->arena);
}

/* S6 */
static void rejudge_clocks(struct fold *fold, int64_t at_us)
{
	struct clock_context context = fold_clock_context(fold);
	for (int target = 0; target < TARGET_N; target++) {
		if (!clock_runs(fold, (enum sla_target)target))
			continue;
		struct clock *clock = fold->latest[target];
		bool is_observed = fold->observer != NULL && fold->observer->rejudged != NULL;
		struct clock_outlook before, after;
		if (is_observed)
			clock_outlook(clock, &context, at_us, &before);
		clock_rejudge(clock, &context, fold->ticket->policy,
		              clock->cycle == 1 ? fold->promise_us[target] : TIME_NONE, at_us);
		if (!is_observed)
			continue;
		clock_outlook(clock, &context, at_us, &after);
		fold->observer->rejudged(fold->observer->context, at_us, fold->ticket->owner_id, &before, &after);
	}
}

/* --- owner, attributes, promises --- */

/* Must be called when owner or project may have changed. */
static void note_moment(struct fold *fold, int64_t at_us)
{
	const struct ticket *ticket = fold->ticket;
	if (fold->n_moments == 0 || fold->moments[fold->n_moments - 1].at_us != at_us)
		fold->n_moments++;
	fold->moments[fold->n_moments - 1] =
	        (struct moment){at_us, ticket->owner_id, ticket->attributes[EVENT_PROJECT_ID]};
}

static bool is_transfer(const struct fold *fold, struct text agent)
{
	return (IN(fold->ticket->state) & LIVE) != 0 && !text_is_empty(agent) && !text_is_empty(fold->last_owner_id) &&
	       !text_same(agent, fold->last_owner_id);
}

static void transfer(struct fold *fold, struct text agent, int64_t at_us)
{
	struct ticket *ticket = fold->ticket;
	ticket->transfer_count++;
	fold->facts.transfers[fold->facts.n_transfers++] = (struct kpi_transfer){at_us, fold->last_owner_id};
	if (ticket->cycle == 1 && ticket->first_response_us != TIME_NONE)
		fold->facts.transfer_before_fix = true;
	note_effect_by(fold, "transfer from ", fold->last_owner_id);
	if (fold->effect != NULL) {
		effect_text_append(fold->effect, TEXT(" to "));
		effect_text_append(fold->effect, agent);
	}
}

/* F6. An absent agent changes nothing; an empty one removes the owner. */
static void set_owner(struct fold *fold, struct text agent, int64_t at_us)
{
	struct ticket *ticket = fold->ticket;
	if (text_is_absent(agent) || text_same(agent, ticket->owner_id))
		return;
	if (is_transfer(fold, agent))
		transfer(fold, agent, at_us);
	else
		note_effect_by(fold, "assigned to ", agent);
	ticket->owner_id = absent_if_empty(agent);
	if (text_is_empty(agent))
		return;
	fold->last_owner_id = agent;
	if (text_is_absent(ticket->first_owner_id))
		ticket->first_owner_id = agent;
}

/* F5. True if an attribute changed that policies can match. */
static bool change_attributes(struct fold *fold, const struct ticket_event *event)
{
	bool changed = false;
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++) {
		struct text *attribute = &fold->ticket->attributes[i];
		struct text value = event->texts[i];
		if (text_is_absent(value) || text_same(value, *attribute))
			continue;
		*attribute = absent_if_empty(value);
		note_effect(fold, event_text_name((enum event_text)i));
		if (fold->effect != NULL) {
			effect_text_append(fold->effect, text_is_empty(value) ? TEXT(" cleared") : TEXT(" is "));
			effect_text_append(fold->effect, value);
		}
		changed |= i < POLICY_N_MATCHES;
	}
	return changed;
}

static bool promise(struct fold *fold, enum sla_target target, int64_t promised_us, const char *words)
{
	if (promised_us == TIME_NONE || promised_us == fold->promise_us[target])
		return false;
	fold->promise_us[target] = promised_us;
	note_effect(fold, words);
	return true;
}

static bool change_promises(struct fold *fold, const struct ticket_event *event)
{
	bool changed = promise(fold, TARGET_FIRST_RESPONSE, event->times[EVENT_FIRST_RESPONSE_DUE_AT],
	                       "first response promised");
	changed |= promise(fold, TARGET_RESOLUTION, event->times[EVENT_RESOLUTION_DUE_AT], "resolution promised");
	return changed;
}

/* S6: attributes select the policy within the revision. True if it changed. */
static bool choose_policy(struct fold *fold)
{
	struct ticket *ticket = fold->ticket;
	if (ticket->revision == NULL)
		return false;
	const struct policy *before = ticket->policy;
	ticket->policy = policy_revision_match(ticket->revision, ticket->attributes);
	if (ticket->policy == before)
		return false;
	if (fold->effect != NULL) {
		effect_text_begin(fold->effect, "policy is ");
		effect_text_append(fold->effect, ticket->policy == NULL ? TEXT("none") : ticket->policy->name);
	}
	return true;
}

/* All changes that opened, updated and assigned can bring. Each event has only the fields of its type. */
static void apply_changes(struct fold *fold, const struct step *step)
{
	const struct ticket *ticket = fold->ticket;
	struct text owner = ticket->owner_id, project = ticket->attributes[EVENT_PROJECT_ID];
	set_owner(fold, step->event->texts[EVENT_AGENT_ID], step->at_us);
	bool attributes = change_attributes(fold, step->event);
	bool promises = change_promises(fold, step->event);
	if (!text_same(owner, ticket->owner_id) || !text_same(project, ticket->attributes[EVENT_PROJECT_ID]))
		note_moment(fold, step->at_us);
	bool policy = attributes && choose_policy(fold);
	if (policy || promises)
		rejudge_clocks(fold, step->at_us);
	if (fold->effect != NULL && fold->effect->len == 0)
		note_no_effect(fold, "nothing changes");
}

/* --- responses, pauses, the end of a cycle --- */

/* F7, and F10 if a resolution counts as a response. */
static void respond(struct fold *fold, int64_t at_us, struct text by)
{
	struct ticket *ticket = fold->ticket;
	if (clock_runs(fold, TARGET_NEXT_RESPONSE))
		note_effect(fold, "ends the wait for the next response");
	stop(fold, TARGET_NEXT_RESPONSE, at_us, by);
	if (ticket->first_response_us != TIME_NONE)
		return;
	note_effect_by(fold, "first response, by ", by);
	ticket->first_response_us = at_us;
	ticket->responder_id = by;
	struct clock *clock = fold->latest[TARGET_FIRST_RESPONSE];
	struct clock_context context = fold_clock_context(fold);
	fold->facts.first_response_start_us = clock->start_us;
	ticket->first_response_working_us = clock_ran(clock, &context, at_us);
	stop(fold, TARGET_FIRST_RESPONSE, at_us, by);
}

static void recheck_clocks(struct fold *fold, int64_t at_us)
{
	for (int target = 0; target < TARGET_N; target++)
		if (clock_runs(fold, (enum sla_target)target))
			clock_context_changed(fold->latest[target], at_us);
}

static void end_pause(struct fold *fold, int64_t at_us)
{
	if (fold->ticket->state != TICKET_PAUSED)
		return;
	fold->pauses[fold->n_pauses - 1].end_us = at_us;
	fold->ticket->state = TICKET_OPEN;
	recheck_clocks(fold, at_us);
}

/* F10. automatic: the closing was automatic (F11). */
static void end_cycle(struct fold *fold, const struct step *step, bool automatic)
{
	struct ticket *ticket = fold->ticket;
	struct ticket_cycle *cycle = this_cycle(fold);
	struct text by = named_or_owner(fold, step->event);
	enum resolution resolution = (enum resolution)step->event->resolution;
	if (resolution == RESOLUTION_ABSENT)
		resolution = RESOLUTION_SOLVED;
	bool is_work = resolution == RESOLUTION_SOLVED || resolution == RESOLUTION_UNSOLVED;
	bool counts = is_work && !(automatic && ticket->first_response_us == TIME_NONE);

	if (fold->effect != NULL) {
		note_effect_by(fold, "resolved by ", by);
		effect_text_append(fold->effect, TEXT(" as "));
		effect_text_append(fold->effect, text_of(resolution_name(resolution)));
	}
	end_pause(fold, step->at_us);
	if (is_work && !automatic)
		respond(fold, step->at_us, by);
	if (counts) {
		struct clock_context context = fold_clock_context(fold);
		stop(fold, TARGET_RESOLUTION, step->at_us, by);
		cycle->working_us = clock_ran(fold->latest[TARGET_RESOLUTION], &context, step->at_us);
	}
	end_clocks(fold, step->at_us);
	cycle->resolved_us = step->at_us;
	cycle->resolver_id = by;
	cycle->resolution = resolution;
	fold->facts.resolution_counts[cycle->cycle - 1] = counts;
	if (!text_is_empty(by))
		fold->last_resolver_id = by;
	ticket->state = TICKET_RESOLVED;
}

static void begin_cycle(struct fold *fold, const struct step *step)
{
	struct ticket *ticket = fold->ticket;
	ticket->state = TICKET_OPEN;
	ticket->cycle++;
	fold->cycles[ticket->n_cycles] = (struct ticket_cycle){
	        .cycle = ticket->cycle,
	        .started_us = step->at_us,
	        .resolved_us = TIME_NONE,
	        .closed_us = TIME_NONE,
	        .working_us = TIME_NONE,
	        .due_us = TIME_NONE,
	};
	fold->facts.resolution_counts[ticket->n_cycles] = false;
	ticket->n_cycles++;
	memset(fold->latest_survey, 0, sizeof(fold->latest_survey));
}

/* --- transitions --- */

static void on_opened(struct fold *fold, const struct step *step)
{
	if (fold->ticket->state != TICKET_UNKNOWN) { /* F2: a later opening is an update */
		apply_changes(fold, step);
		return;
	}
	note_effect(fold, "opened");
	fold->facts.opened_by = absent_if_empty(step->event->texts[EVENT_AGENT_ID]);
	apply_changes(fold, step); /* no clock runs yet, so this is neither a transfer nor a change of policy */
	if (fold->ticket->policy == NULL)
		choose_policy(fold);
	begin_cycle(fold, step);
	start(fold, TARGET_FIRST_RESPONSE, step);
	start(fold, TARGET_ARRIVAL, step);
	start(fold, TARGET_RESOLUTION, step);
}

static void on_assigned(struct fold *fold, const struct step *step)
{
	apply_changes(fold, step);
}

static void on_updated(struct fold *fold, const struct step *step)
{
	apply_changes(fold, step);
}

/* F13: the requester waits for a response after the first one, unless they wait already. */
static void await_response(struct fold *fold, const struct step *step)
{
	if (fold->ticket->first_response_us == TIME_NONE || clock_runs(fold, TARGET_NEXT_RESPONSE))
		return;
	note_effect(fold, "the requester waits for the next response");
	start(fold, TARGET_NEXT_RESPONSE, step);
}

/* Help desks send the reply that reopens a ticket just before the reopening (F13). */
#define REPLY_BEFORE_REOPENING_US (60 * US_PER_SECOND)

static void on_requester_replied(struct fold *fold, const struct step *step)
{
	struct ticket *ticket = fold->ticket;
	if ((IN(ticket->state) & DONE) != 0) {
		note_effect(fold, "counts if the ticket is reopened within 60 s");
		fold->replied_us = step->at_us;
		return;
	}
	if (ticket->state == TICKET_PAUSED && ticket->revision != NULL &&
	    text_list_has(ticket->revision->resume_on_reply, fold->pauses[fold->n_pauses - 1].reason)) {
		note_effect(fold, "resumed by the reply");
		end_pause(fold, step->at_us);
	}
	await_response(fold, step);
	if (fold->effect != NULL && fold->effect->len == 0)
		note_no_effect(fold, ticket->first_response_us == TIME_NONE ? "no response yet" : "already waiting");
}

static void on_responded(struct fold *fold, const struct step *step)
{
	struct text named = step->event->texts[EVENT_AGENT_ID], owner = fold->ticket->owner_id;
	if (step->event->automatic == TRI_TRUE) {
		note_no_effect(fold, "an automatic reply is no response");
		return;
	}
	/* F3: a first response that a closing reports is by the owner at that time, not by the agent who closed. */
	bool owner_first = step->derived ? !text_is_empty(owner) : text_is_empty(named);
	respond(fold, step->at_us, owner_first ? owner : absent_if_empty(named));
	if (fold->effect != NULL && fold->effect->len == 0)
		note_no_effect(fold, "already responded and nobody waits");
}

static void on_arrived(struct fold *fold, const struct step *step)
{
	struct ticket *ticket = fold->ticket;
	if (ticket->arrived_us != TIME_NONE) {
		note_no_effect(fold, "arrived before");
		return;
	}
	struct text by = named_or_owner(fold, step->event);
	note_effect_by(fold, "arrival, by ", by);
	ticket->arrived_us = step->at_us;
	ticket->arrived_by_id = by;
	stop(fold, TARGET_ARRIVAL, step->at_us, by);
}

static void on_paused(struct fold *fold, const struct step *step)
{
	struct text reason = step->event->texts[EVENT_REASON];
	if (text_is_absent(reason))
		reason = TEXT("");
	if (fold->ticket->state == TICKET_PAUSED && text_same(reason, fold->pauses[fold->n_pauses - 1].reason)) {
		note_no_effect(fold, "already paused for this reason");
		return;
	}
	end_pause(fold, step->at_us);
	fold->pauses[fold->n_pauses++] = (struct pause){step->at_us, TIME_FOR_EVER, reason};
	fold->ticket->state = TICKET_PAUSED;
	recheck_clocks(fold, step->at_us);
	note_effect_by(fold, "paused: ", text_is_empty(reason) ? TEXT("no reason given") : reason);
}

static void on_resumed(struct fold *fold, const struct step *step)
{
	note_effect(fold, "resumed");
	end_pause(fold, step->at_us);
}

static void on_resolved(struct fold *fold, const struct step *step)
{
	end_cycle(fold, step, false);
}

static void on_closed(struct fold *fold, const struct step *step)
{
	struct text by = named_or_owner(fold, step->event);
	if (fold->ticket->state != TICKET_RESOLVED)
		end_cycle(fold, step, step->event->automatic == TRI_TRUE);
	note_effect_by(fold, "closed by ", by);
	this_cycle(fold)->closed_us = step->at_us;
	this_cycle(fold)->closer_id = by;
	fold->ticket->state = TICKET_CLOSED;
}

static bool must_restart(const struct fold *fold, enum sla_target target)
{
	return fold->latest[target]->lapsed;
}

static void on_reopened(struct fold *fold, const struct step *step)
{
	note_effect(fold, "reopened");
	fold->ticket->reopen_count++;
	begin_cycle(fold, step);
	if (must_restart(fold, TARGET_FIRST_RESPONSE))
		start(fold, TARGET_FIRST_RESPONSE, step);
	if (must_restart(fold, TARGET_ARRIVAL))
		start(fold, TARGET_ARRIVAL, step);
	start(fold, TARGET_RESOLUTION, step);
	if (fold->replied_us != TIME_NONE && step->at_us - fold->replied_us <= REPLY_BEFORE_REOPENING_US)
		await_response(fold, step);
	fold->replied_us = TIME_NONE;
}

static struct text surveyed(const struct fold *fold, const struct ticket_event *event)
{
	struct text named = event->texts[EVENT_AGENT_ID];
	if (!text_is_empty(named))
		return named;
	return text_is_empty(fold->last_resolver_id) ? fold->ticket->owner_id : fold->last_resolver_id;
}

static void on_survey(struct fold *fold, const struct step *step)
{
	/* E6 */
	static const int64_t default_scale_micros[] = {
	        [SURVEY_CSAT] = 5 * MICROS,
	        [SURVEY_NPS] = 10 * MICROS,
	        [SURVEY_CES] = 7 * MICROS,
	};
	const struct ticket_event *event = step->event;
	enum survey_kind kind = event->kind == SURVEY_KIND_ABSENT ? SURVEY_CSAT : (enum survey_kind)event->kind;
	if (fold->latest_survey[kind] == NULL)
		fold->latest_survey[kind] = &fold->facts.surveys[fold->facts.n_surveys++];
	struct kpi_survey *survey = fold->latest_survey[kind];
	*survey = (struct kpi_survey){
	        .kind = kind,
	        .at_us = step->at_us,
	        .score_micros = event->score_micros,
	        .scale_micros =
	                event->scale_max_micros == SCORE_ABSENT ? default_scale_micros[kind] : event->scale_max_micros,
	        .agent_id = surveyed(fold, event),
	        .answers = event->texts[EVENT_ANSWERS],
	        .expected = event->texts[EVENT_EXPECTED],
	        .answers_scale_micros = event->answers_scale_micros,
	};
	if (kind == SURVEY_CSAT) {
		fold->ticket->csat_score_micros = survey->score_micros;
		fold->ticket->csat_scale_micros = survey->scale_micros;
	}
	note_effect_by(fold, "survey counts for ", survey->agent_id);
}

/* In all other states a step has no effect. */
static const struct {
	unsigned states;
	void (*apply)(struct fold *fold, const struct step *step);
} transitions[EVENT_N_TYPES] = {
        [EVENT_OPENED] = {ANY, on_opened},                               /* F2, F5 */
        [EVENT_UPDATED] = {ANY, on_updated},                             /* F5 */
        [EVENT_ASSIGNED] = {ANY, on_assigned},                           /* F6 */
        [EVENT_REQUESTER_REPLIED] = {LIVE | DONE, on_requester_replied}, /* F9, F13 */
        [EVENT_RESPONDED] = {LIVE, on_responded},                        /* F7 */
        [EVENT_ARRIVED] = {LIVE, on_arrived},                            /* F8 */
        [EVENT_PAUSED] = {LIVE, on_paused},                              /* F9 */
        [EVENT_RESUMED] = {IN(TICKET_PAUSED), on_resumed},               /* F9 */
        [EVENT_RESOLVED] = {LIVE, on_resolved},                          /* F10 */
        [EVENT_CLOSED] = {LIVE | IN(TICKET_RESOLVED), on_closed},        /* F11 */
        [EVENT_REOPENED] = {DONE, on_reopened},                          /* F12 */
        [EVENT_SURVEY] = {ANY, on_survey},                               /* F14 */
};

void apply_step(struct fold *fold, const struct step *step)
{
	static const char *const why_not[] = {
	        [TICKET_UNKNOWN] = "not opened yet",      [TICKET_OPEN] = "the ticket is open",
	        [TICKET_PAUSED] = "the ticket is paused", [TICKET_RESOLVED] = "already resolved",
	        [TICKET_CLOSED] = "already closed",
	};
	enum event_type type = step->event->type;
	pass_warnings(fold, step->at_us);
	if ((transitions[type].states & IN(fold->ticket->state)) != 0)
		transitions[type].apply(fold, step);
	else
		note_no_effect(fold, why_not[fold->ticket->state]);
}
