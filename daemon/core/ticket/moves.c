/* The moves of a ticket: what each type of step does, and in which states (RULES F4-F14). */
#include "fold.h"

#define MICROS INT64_C(1000000)

#define IN(state) (1u << (state))
#define LIVE      (IN(TICKET_OPEN) | IN(TICKET_PAUSED))
#define DONE      (IN(TICKET_RESOLVED) | IN(TICKET_CLOSED))
#define ANY       (IN(TICKET_UNKNOWN) | LIVE | DONE)

static void say(const struct fold *fold, const char *effect)
{
	if (fold->words != NULL)
		words_next(fold->words, effect);
}

static void say_who(const struct fold *fold, const char *effect, struct text who)
{
	if (fold->words == NULL)
		return;
	words_next(fold->words, effect);
	words_add(fold->words, text_is_empty(who) ? TEXT("nobody") : who);
}

static void say_none(const struct fold *fold, const char *why)
{
	if (fold->words == NULL)
		return;
	words_next(fold->words, "no effect: ");
	words_add(fold->words, text_of(why));
}

/* Empty is absent: nobody. */
static struct text somebody(struct text agent)
{
	return text_is_empty(agent) ? TEXT_ABSENT : agent;
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

static void start(struct fold *fold, enum sla_target target, const struct step *step)
{
	struct ticket *ticket = fold->ticket;
	struct clock *clock = &fold->clocks[fold->n_clocks++];
	clock->target = target;
	clock->n = ++fold->n_of_target[target];
	clock->cycle = ticket->cycle;
	clock->start_us = step->at_us;
	clock->first_pause = ticket->state == TICKET_PAUSED ? fold->n_pauses - 1 : fold->n_pauses;
	clock->evidence = step->event;
	clock->policy = ticket->policy;
	clock->promise_us = ticket->cycle == 1 ? fold->promise_us[target] : TIME_NONE;
	clock_start(clock);
	fold->latest[target] = clock;
}

static void stop(struct fold *fold, enum sla_target target, int64_t at_us, struct text by)
{
	if (!clock_runs(fold, target))
		return;
	struct clock_ground ground = fold_ground(fold);
	clock_stop(fold->latest[target], &ground, at_us, by);
}

/* S5 */
static void end_all(struct fold *fold, int64_t at_us)
{
	struct clock_ground ground = fold_ground(fold);
	for (int target = 0; target < TARGET_N; target++)
		if (clock_runs(fold, (enum sla_target)target))
			clock_end(fold->latest[target], &ground, at_us);
}

/* S8 */
static void pass_all(struct fold *fold, int64_t until_us)
{
	struct clock_ground ground = fold_ground(fold);
	for (int target = 0; target < TARGET_N; target++)
		if (clock_runs(fold, (enum sla_target)target))
			clock_pass(fold->latest[target], &ground, until_us, fold->arena);
}

/* S6 */
static void rejudge_all(struct fold *fold, int64_t at_us)
{
	struct clock_ground ground = fold_ground(fold);
	for (int target = 0; target < TARGET_N; target++) {
		if (!clock_runs(fold, (enum sla_target)target))
			continue;
		struct clock *clock = fold->latest[target];
		clock_rejudge(clock, &ground, fold->ticket->policy,
		              clock->cycle == 1 ? fold->promise_us[target] : TIME_NONE, at_us);
	}
}

/* --- owner, attributes, promises --- */

/* To be called when owner or project may have changed. */
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
	say_who(fold, "transfer from ", fold->last_owner_id);
	if (fold->words != NULL) {
		words_add(fold->words, TEXT(" to "));
		words_add(fold->words, agent);
	}
}

/* F6. An absent agent changes nothing, an empty one is nobody. */
static void give(struct fold *fold, struct text agent, int64_t at_us)
{
	struct ticket *ticket = fold->ticket;
	if (text_is_absent(agent) || text_same(agent, ticket->owner_id))
		return;
	if (is_transfer(fold, agent))
		transfer(fold, agent, at_us);
	else
		say_who(fold, "assigned to ", agent);
	ticket->owner_id = somebody(agent);
	if (text_is_empty(agent))
		return;
	fold->last_owner_id = agent;
	if (text_is_absent(ticket->first_owner_id))
		ticket->first_owner_id = agent;
}

/* F5. True if one that policies may match became another. */
static bool change_attributes(struct fold *fold, const struct ticket_event *event)
{
	bool changed = false;
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++) {
		struct text *attribute = &fold->ticket->attributes[i];
		struct text value = event->texts[i];
		if (text_is_absent(value) || text_same(value, *attribute))
			continue;
		*attribute = somebody(value);
		say(fold, event_text_name((enum event_text)i));
		if (fold->words != NULL) {
			words_add(fold->words, text_is_empty(value) ? TEXT(" cleared") : TEXT(" is "));
			words_add(fold->words, value);
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
	say(fold, words);
	return true;
}

static bool change_promises(struct fold *fold, const struct ticket_event *event)
{
	bool changed = promise(fold, TARGET_FIRST_RESPONSE, event->times[EVENT_FIRST_RESPONSE_DUE_AT],
	                       "first response promised");
	changed |= promise(fold, TARGET_RESOLUTION, event->times[EVENT_RESOLUTION_DUE_AT], "resolution promised");
	return changed;
}

/* S6: the policy within the revision follows the attributes. True if it became another. */
static bool choose_policy(struct fold *fold)
{
	struct ticket *ticket = fold->ticket;
	if (ticket->revision == NULL)
		return false;
	const struct policy *before = ticket->policy;
	ticket->policy = policy_revision_match(ticket->revision, ticket->attributes);
	if (ticket->policy == before)
		return false;
	if (fold->words != NULL) {
		words_next(fold->words, "policy is ");
		words_add(fold->words, ticket->policy == NULL ? TEXT("none") : ticket->policy->name);
	}
	return true;
}

/* All that opened, updated and assigned may carry; each holds only the fields of its type. */
static void change(struct fold *fold, const struct step *step)
{
	const struct ticket *ticket = fold->ticket;
	struct text owner = ticket->owner_id, project = ticket->attributes[EVENT_PROJECT_ID];
	give(fold, step->event->texts[EVENT_AGENT_ID], step->at_us);
	bool attributes = change_attributes(fold, step->event);
	bool promises = change_promises(fold, step->event);
	if (!text_same(owner, ticket->owner_id) || !text_same(project, ticket->attributes[EVENT_PROJECT_ID]))
		note_moment(fold, step->at_us);
	bool policy = attributes && choose_policy(fold);
	if (policy || promises)
		rejudge_all(fold, step->at_us);
	if (fold->words != NULL && fold->words->len == 0)
		say_none(fold, "nothing changes");
}

/* --- responses, pauses, the end of a cycle --- */

/* F7, and F10 where a resolution is a response. */
static void respond(struct fold *fold, int64_t at_us, struct text by)
{
	struct ticket *ticket = fold->ticket;
	if (clock_runs(fold, TARGET_NEXT_RESPONSE))
		say(fold, "ends the wait for the next response");
	stop(fold, TARGET_NEXT_RESPONSE, at_us, by);
	if (ticket->first_response_us != TIME_NONE)
		return;
	say_who(fold, "first response, by ", by);
	ticket->first_response_us = at_us;
	ticket->responder_id = by;
	struct clock *clock = fold->latest[TARGET_FIRST_RESPONSE];
	struct clock_ground ground = fold_ground(fold);
	fold->facts.first_response_start_us = clock->start_us;
	ticket->first_response_working_us = clock_ran(clock, &ground, at_us);
	stop(fold, TARGET_FIRST_RESPONSE, at_us, by);
}

static void pauses_moved(struct fold *fold, int64_t at_us)
{
	for (int target = 0; target < TARGET_N; target++)
		if (clock_runs(fold, (enum sla_target)target))
			clock_ground_moved(fold->latest[target], at_us);
}

static void end_pause(struct fold *fold, int64_t at_us)
{
	if (fold->ticket->state != TICKET_PAUSED)
		return;
	fold->pauses[fold->n_pauses - 1].end_us = at_us;
	fold->ticket->state = TICKET_OPEN;
	pauses_moved(fold, at_us);
}

/* F10; automatic: of a closing (F11). */
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

	if (fold->words != NULL) {
		say_who(fold, "resolved by ", by);
		words_add(fold->words, TEXT(" as "));
		words_add(fold->words, text_of(resolution_name(resolution)));
	}
	end_pause(fold, step->at_us);
	if (is_work && !automatic)
		respond(fold, step->at_us, by);
	if (counts) {
		struct clock_ground ground = fold_ground(fold);
		stop(fold, TARGET_RESOLUTION, step->at_us, by);
		cycle->working_us = clock_ran(fold->latest[TARGET_RESOLUTION], &ground, step->at_us);
	}
	end_all(fold, step->at_us);
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

/* --- the moves --- */

static void on_opened(struct fold *fold, const struct step *step)
{
	if (fold->ticket->state != TICKET_UNKNOWN) { /* F2: a later opening is an update */
		change(fold, step);
		return;
	}
	say(fold, "opened");
	fold->facts.opened_by = somebody(step->event->texts[EVENT_AGENT_ID]);
	change(fold, step); /* while nothing runs yet: neither a transfer nor a change of policy */
	if (fold->ticket->policy == NULL)
		choose_policy(fold);
	begin_cycle(fold, step);
	start(fold, TARGET_FIRST_RESPONSE, step);
	start(fold, TARGET_ARRIVAL, step);
	start(fold, TARGET_RESOLUTION, step);
}

static void on_assigned(struct fold *fold, const struct step *step)
{
	change(fold, step);
}

static void on_updated(struct fold *fold, const struct step *step)
{
	change(fold, step);
}

static void on_requester_replied(struct fold *fold, const struct step *step)
{
	struct ticket *ticket = fold->ticket;
	if (ticket->state == TICKET_PAUSED && ticket->revision != NULL &&
	    text_list_has(ticket->revision->resume_on_reply, fold->pauses[fold->n_pauses - 1].reason)) {
		say(fold, "resumed by the reply");
		end_pause(fold, step->at_us);
	}
	if (ticket->first_response_us != TIME_NONE && !clock_runs(fold, TARGET_NEXT_RESPONSE)) {
		say(fold, "the requester waits for the next response");
		start(fold, TARGET_NEXT_RESPONSE, step);
	}
	if (fold->words != NULL && fold->words->len == 0)
		say_none(fold, ticket->first_response_us == TIME_NONE ? "no response yet" : "already waiting");
}

static void on_responded(struct fold *fold, const struct step *step)
{
	struct text named = step->event->texts[EVENT_AGENT_ID], owner = fold->ticket->owner_id;
	if (step->event->automatic == TRI_TRUE) {
		say_none(fold, "an automatic reply is no response");
		return;
	}
	/* F3: what a closing tells of the first response is by the owner then, rather than by who closed. */
	bool owner_first = step->derived ? !text_is_empty(owner) : text_is_empty(named);
	respond(fold, step->at_us, owner_first ? owner : somebody(named));
	if (fold->words != NULL && fold->words->len == 0)
		say_none(fold, "already responded and nobody waits");
}

static void on_arrived(struct fold *fold, const struct step *step)
{
	struct ticket *ticket = fold->ticket;
	if (ticket->arrived_us != TIME_NONE) {
		say_none(fold, "arrived before");
		return;
	}
	struct text by = named_or_owner(fold, step->event);
	say_who(fold, "arrival, by ", by);
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
		say_none(fold, "already paused for this reason");
		return;
	}
	end_pause(fold, step->at_us);
	fold->pauses[fold->n_pauses++] = (struct pause){step->at_us, TIME_FOR_EVER, reason};
	fold->ticket->state = TICKET_PAUSED;
	pauses_moved(fold, step->at_us);
	say_who(fold, "paused: ", text_is_empty(reason) ? TEXT("no reason given") : reason);
}

static void on_resumed(struct fold *fold, const struct step *step)
{
	say(fold, "resumed");
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
	say_who(fold, "closed by ", by);
	this_cycle(fold)->closed_us = step->at_us;
	this_cycle(fold)->closer_id = by;
	fold->ticket->state = TICKET_CLOSED;
}

static bool starts_again(const struct fold *fold, enum sla_target target)
{
	return fold->latest[target]->lapsed;
}

static void on_reopened(struct fold *fold, const struct step *step)
{
	say(fold, "reopened");
	fold->ticket->reopen_count++;
	begin_cycle(fold, step);
	if (starts_again(fold, TARGET_FIRST_RESPONSE))
		start(fold, TARGET_FIRST_RESPONSE, step);
	if (starts_again(fold, TARGET_ARRIVAL))
		start(fold, TARGET_ARRIVAL, step);
	start(fold, TARGET_RESOLUTION, step);
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
	};
	if (kind == SURVEY_CSAT) {
		fold->ticket->csat_score_micros = survey->score_micros;
		fold->ticket->csat_scale_micros = survey->scale_micros;
	}
	say_who(fold, "survey counts for ", survey->agent_id);
}

/* In other states a step does nothing. */
static const struct {
	unsigned states;
	void (*move)(struct fold *fold, const struct step *step);
} moves[EVENT_N_TYPES] = {
        [EVENT_OPENED] = {ANY, on_opened},                        /* F2, F5 */
        [EVENT_UPDATED] = {ANY, on_updated},                      /* F5 */
        [EVENT_ASSIGNED] = {ANY, on_assigned},                    /* F6 */
        [EVENT_REQUESTER_REPLIED] = {LIVE, on_requester_replied}, /* F9, F13 */
        [EVENT_RESPONDED] = {LIVE, on_responded},                 /* F7 */
        [EVENT_ARRIVED] = {LIVE, on_arrived},                     /* F8 */
        [EVENT_PAUSED] = {LIVE, on_paused},                       /* F9 */
        [EVENT_RESUMED] = {IN(TICKET_PAUSED), on_resumed},        /* F9 */
        [EVENT_RESOLVED] = {LIVE, on_resolved},                   /* F10 */
        [EVENT_CLOSED] = {LIVE | IN(TICKET_RESOLVED), on_closed}, /* F11 */
        [EVENT_REOPENED] = {DONE, on_reopened},                   /* F12 */
        [EVENT_SURVEY] = {ANY, on_survey},                        /* F14 */
};

void fold_move(struct fold *fold, const struct step *step)
{
	static const char *const why_not[] = {
	        [TICKET_UNKNOWN] = "not opened yet",      [TICKET_OPEN] = "the ticket is open",
	        [TICKET_PAUSED] = "the ticket is paused", [TICKET_RESOLVED] = "already resolved",
	        [TICKET_CLOSED] = "already closed",
	};
	enum event_type type = step->event->type;
	pass_all(fold, step->at_us);
	if ((moves[type].states & IN(fold->ticket->state)) != 0)
		moves[type].move(fold, step);
	else
		say_none(fold, why_not[fold->ticket->state]);
}
