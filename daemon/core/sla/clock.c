#include "clock.h"

static const struct target_rule *rule_of(const struct clock *clock)
{
	if (clock->policy == NULL || !clock->policy->targets[clock->target].present)
		return NULL;
	return &clock->policy->targets[clock->target];
}

static bool is_promised(const struct clock *clock)
{
	return clock->promise_us != TIME_NONE;
}

static struct clock_time time_of(const struct clock *clock, const struct clock_context *context,
                                 const struct target_rule *rule, int64_t cut_us)
{
	return (struct clock_time){context, rule, clock->first_pause, cut_us};
}

/* S2, "reopen": "continue": time used by the earlier cycles, computed with the current target. */
static int64_t carried_us(const struct clock *clock, const struct clock_context *context,
                          const struct target_rule *rule)
{
	if (!rule->reopen_continue || clock->target != TARGET_RESOLUTION || clock->cycle <= 1)
		return 0;
	struct clock_time time = time_of(clock, context, rule, TIME_FOR_EVER);
	return clock_time_used(&time, clock->cycle - 1);
}

/* S3. TIME_NONE: neither target nor promise, or in a listed pause that has not ended. */
static int64_t find_due_us(const struct clock *clock, const struct clock_context *context, int64_t cut_us)
{
	if (is_promised(clock))
		return clock->promise_us;
	const struct target_rule *rule = rule_of(clock);
	if (rule == NULL)
		return TIME_NONE;
	int64_t left_us = rule->within_us - carried_us(clock, context, rule);
	if (left_us <= 0)
		return clock->start_us;
	struct clock_time time = time_of(clock, context, rule, cut_us);
	return clock_time_reaches(&time, clock->start_us, left_us);
}

/* Due time if nothing more happens. */
static int64_t due_us(const struct clock *clock, const struct clock_context *context)
{
	return clock->view_is_known ? clock->view.due_us : find_due_us(clock, context, TIME_FOR_EVER);
}

int64_t clock_ran(const struct clock *clock, const struct clock_context *context, int64_t at_us)
{
	const struct target_rule *rule = rule_of(clock);
	if (rule == NULL || is_promised(clock))
		return at_us - clock->start_us;
	struct clock_time time = time_of(clock, context, rule, at_us);
	return clock_time_ran(&time, clock->start_us, at_us);
}

bool clock_use(const struct clock *clock, const struct clock_context *context, int64_t at_us, struct clock_use *use_out)
{
	const struct target_rule *rule = rule_of(clock);
	if (is_promised(clock)) {
		*use_out = (struct clock_use){at_us - clock->start_us, clock->promise_us - clock->start_us};
		return true;
	}
	if (rule == NULL)
		return false;
	int64_t carried = carried_us(clock, context, rule);
	*use_out = (struct clock_use){carried + clock_ran(clock, context, at_us), rule->within_us};
	return true;
}

static bool is_breached(const struct clock *clock)
{
	return clock->breached_us != TIME_NONE;
}

static void breach(struct clock *clock, int64_t due, int64_t breached_us, enum breach_cause cause)
{
	clock->due_us = due;
	clock->breached_us = breached_us;
	clock->cause = cause;
}

static void note_listed(struct clock *clock)
{
	clock->listed |= is_promised(clock) || rule_of(clock) != NULL;
}

void clock_start(struct clock *clock)
{
	if (is_promised(clock) && clock->promise_us < clock->start_us)
		clock->promise_us = clock->start_us;
	clock->over = clock->lapsed = clock->listed = false;
	clock->verdict = VERDICT_NONE;
	clock->cause = CAUSE_DEADLINE;
	clock->due_us = clock->breached_us = clock->stopped_us = TIME_NONE;
	clock->met_by = TEXT_ABSENT;
	clock->warnings.latest = NULL;
	clock->view = (struct clock_view){.due_us = TIME_NONE, .warns_us = TIME_NONE};
	clock->view_is_known = false;
	warnings_apply(&clock->warnings, clock->start_us);
	note_listed(clock);
}

/* A running clock, as the context of reaches(). */
struct run {
	const struct clock *clock;
	const struct clock_context *context;
	const struct target_rule *rule;
};

/* Earlier cycles may have used all of run_us already, or more. */
static int64_t reaches(const void *context, int64_t run_us)
{
	const struct run *run = context;
	int64_t left_us = run_us - carried_us(run->clock, run->context, run->rule);
	if (left_us <= 0)
		return run->clock->start_us - (left_us < 0);
	struct clock_time time = time_of(run->clock, run->context, run->rule, TIME_FOR_EVER);
	return clock_time_reaches(&time, run->clock->start_us, left_us);
}

static struct warnings_view view_of(const struct run *run)
{
	return (struct warnings_view){
	        .rule = run->rule,
	        .promised = is_promised(run->clock),
	        .due_us = due_us(run->clock, run->context),
	        .reaches = reaches,
	        .context = run,
	};
}

static void compute_view(const struct run *run, struct clock_view *view_out)
{
	struct warnings_view view = view_of(run);
	*view_out = (struct clock_view){view.due_us, warnings_first(&run->clock->warnings, &view)};
}

void clock_pass(struct clock *clock, const struct clock_context *context, int64_t until_us, struct arena *arena)
{
	struct run run = {clock, context, rule_of(clock)};
	bool warns = run.rule != NULL && run.rule->n_warnings != 0 && !clock->over && !is_breached(clock);
	if (warns && !clock->view_is_known) {
		compute_view(&run, &clock->view);
		clock->view_is_known = true;
	}
	if (!warns || clock->view.warns_us == TIME_NONE || clock->view.warns_us >= until_us) {
		clock->warnings.seen_us = until_us > clock->warnings.seen_us ? until_us : clock->warnings.seen_us;
		return;
	}
	struct warnings_view view = view_of(&run);
	warnings_pass(&clock->warnings, &view, until_us, arena);
	clock->view.warns_us = warnings_first(&clock->warnings, &view);
}

/* A due time that was reached stays, with its warnings: the cached view remains valid. */
void clock_context_changed(struct clock *clock, int64_t at_us)
{
	const struct clock_view *view = &clock->view;
	if (view->due_us == TIME_NONE || view->due_us > at_us || view->warns_us != TIME_NONE)
		clock->view_is_known = false;
}

void clock_rejudge(struct clock *clock, const struct clock_context *context, const struct policy *policy,
                   int64_t promise_us, int64_t at_us)
{
	if (clock->over || is_breached(clock))
		return;
	int64_t old_due_us = due_us(clock, context);
	if (old_due_us != TIME_NONE && old_due_us < at_us) {
		breach(clock, old_due_us, old_due_us, CAUSE_DEADLINE);
		return;
	}
	if (policy != clock->policy)
		warnings_apply(&clock->warnings, at_us);
	clock->policy = policy;
	if (promise_us != TIME_NONE)
		clock->promise_us = promise_us > clock->start_us ? promise_us : clock->start_us;
	note_listed(clock);
	clock->view_is_known = false;
	int64_t new_due_us = due_us(clock, context);
	if (new_due_us != TIME_NONE && new_due_us < at_us)
		breach(clock, new_due_us, at_us, CAUSE_POLICY_CHANGE);
}

void clock_outlook(const struct clock *clock, const struct clock_context *context, int64_t at_us,
                   struct clock_outlook *outlook_out)
{
	int64_t due = due_us(clock, context);
	*outlook_out = (struct clock_outlook){
	        .is_breached = is_breached(clock) || (due != TIME_NONE && due < at_us),
	        .due_us = due,
	};
	outlook_out->is_judged = clock_use(clock, context, at_us, &outlook_out->use);
}

/* Ends the clock. True if it was in time or had no due time. */
static bool finish(struct clock *clock, const struct clock_context *context, int64_t at_us)
{
	clock->over = true;
	clock->stopped_us = at_us;
	if (!is_breached(clock)) {
		int64_t due = find_due_us(clock, context, at_us);
		if (due == TIME_NONE || at_us <= due) {
			clock->due_us = due;
			return true;
		}
		breach(clock, due, due, CAUSE_DEADLINE);
	}
	clock->verdict = VERDICT_BREACHED;
	return false;
}

void clock_stop(struct clock *clock, const struct clock_context *context, int64_t at_us, struct text by)
{
	if (!finish(clock, context, at_us))
		return;
	clock->verdict = clock->due_us == TIME_NONE ? VERDICT_NONE : VERDICT_MET;
	clock->met_by = by;
}

void clock_end(struct clock *clock, const struct clock_context *context, int64_t at_us)
{
	clock->lapsed = finish(clock, context, at_us);
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	if (a_us == TIME_NONE || b_us == TIME_NONE)
		return a_us == TIME_NONE ? b_us : a_us;
	return a_us < b_us ? a_us : b_us;
}

/* Something is due at at_us (TIME_NONE: never). True if that is before as_of_us; otherwise notes it in out->fires_us.
 */
static bool fires(struct sla_clock *out, int64_t at_us, int64_t as_of_us)
{
	if (at_us == TIME_NONE || at_us < as_of_us)
		return at_us != TIME_NONE;
	out->fires_us = earlier(out->fires_us, at_us);
	return false;
}

/* S9: "past 80 %" begins one microsecond after 80 %. */
static int64_t past_80_percent(int64_t whole_us)
{
	return whole_us / 5 * 4 + whole_us % 5 * 4 / 5 + 1;
}

/* S9 for a promised clock that is not over: wall-clock time. */
static void settle_promised(const struct clock *clock, struct sla_clock *out)
{
	out->countdown_zero_us = out->due_us;
	out->at_risk_us = clock->start_us + past_80_percent(clock->promise_us - clock->start_us);
}

/* S9 for a clock with a target that is not over. */
static void settle_targeted(const struct clock *clock, const struct clock_context *context,
                            const struct target_rule *rule, struct sla_clock *out)
{
	int64_t carried = carried_us(clock, context, rule);
	struct clock_time time = time_of(clock, context, rule, TIME_FOR_EVER);
	int64_t risk_us = past_80_percent(rule->within_us) - carried;
	out->at_risk_us = risk_us <= 0 ? clock->start_us : clock_time_reaches(&time, clock->start_us, risk_us);

	/* Since its last pause began or ended, the clock was either paused or running all the time. */
	int64_t since_us = clock->start_us;
	if (context->n_pauses > clock->first_pause) {
		const struct pause *last = &context->pauses[context->n_pauses - 1];
		bool lasts = last->end_us == TIME_FOR_EVER;
		int64_t last_us = lasts ? last->start_us : last->end_us;
		since_us = last_us > since_us ? last_us : since_us;
		out->paused = lasts && text_list_has(rule->pause_on, last->reason);
	}
	int64_t left_us = rule->within_us - carried - clock_time_ran(&time, clock->start_us, since_us);
	if (out->paused)
		out->left_us = left_us;
	else
		out->countdown_zero_us = clock_time_zero(&time, since_us, left_us);
	/* seconds_left (S9) is computed from these hours in SQL. */
	if (target_hours(rule) != NULL && out->countdown_zero_us != TIME_NONE)
		calendar_ask(target_hours(rule), out->countdown_zero_us);
}

/* Verdict as of as_of_us (S4) and countdown (S9) of a clock that is not over. */
static void settle_running(const struct clock *clock, const struct clock_context *context, int64_t as_of_us,
                           struct sla_clock *out)
{
	const struct target_rule *rule = rule_of(clock);
	if (rule == NULL && !is_promised(clock))
		return;
	out->due_us = is_breached(clock) ? clock->due_us : due_us(clock, context);
	int64_t breaches_us = is_breached(clock) ? clock->breached_us : out->due_us;
	if (breaches_us != TIME_NONE && breaches_us < as_of_us) {
		out->verdict = VERDICT_BREACHED;
		out->breached_us = breaches_us;
	} else {
		out->verdict = VERDICT_PENDING;
		fires(out, breaches_us, as_of_us);
	}
	if (is_promised(clock))
		settle_promised(clock, out);
	else
		settle_targeted(clock, context, rule, out);
}

static void settle_warning(struct sla_clock *out, int64_t at_us, int64_t as_of_us)
{
	if (!fires(out, at_us, as_of_us))
		return;
	out->n_warnings++;
	out->warned_us = earlier(out->warned_us, at_us);
	out->warned_last_us = at_us > out->warned_last_us ? at_us : out->warned_last_us;
}

/* Past warnings, and future ones if nothing more happens. Returns the time of the earliest; TIME_NONE: none. */
static int64_t settle_warnings(const struct clock *clock, const struct clock_context *context, int64_t as_of_us,
                               struct sla_clock *out)
{
	int64_t first_us = TIME_NONE;
	for (const struct warning *warning = clock->warnings.latest; warning != NULL; warning = warning->before) {
		settle_warning(out, warning->at_us, as_of_us);
		first_us = earlier(first_us, warning->at_us);
	}
	struct run run = {clock, context, rule_of(clock)};
	if (run.rule == NULL || clock->over || is_breached(clock))
		return first_us;
	struct warnings_view view = view_of(&run);
	for (size_t i = 0; i < run.rule->n_warnings; i++) {
		int64_t at_us = warnings_next(&clock->warnings, &view, i);
		if (at_us == TIME_NONE || (view.due_us != TIME_NONE && at_us > view.due_us))
			continue;
		settle_warning(out, at_us, as_of_us);
		first_us = earlier(first_us, at_us);
	}
	return first_us;
}

static void settle_escalations(const struct clock *clock, int64_t as_of_us, struct sla_clock *out)
{
	const struct target_rule *rule = rule_of(clock);
	for (size_t i = 0; rule != NULL && i < rule->n_escalations; i++) {
		int64_t at_us = out->breached_us + rule->escalations_us[i];
		if (clock->over && clock->stopped_us <= at_us)
			return;
		out->level += fires(out, at_us, as_of_us);
	}
}

static struct text calendar_of(const struct clock *clock, const struct target_rule *rule)
{
	bool has_off_hours = rule != NULL && !is_promised(clock) && target_hours(rule) != NULL;
	return has_off_hours ? rule->calendar->name : TEXT_ABSENT;
}

void clock_settle(const struct clock *clock, const struct clock_context *context, int64_t as_of_us,
                  struct sla_clock *clock_out)
{
	const struct target_rule *rule = rule_of(clock);
	*clock_out = (struct sla_clock){
	        .target = clock->target,
	        .n = clock->n,
	        .cycle = clock->cycle,
	        .verdict = clock->verdict,
	        .promised = is_promised(clock),
	        .stopped = clock->over,
	        .cause = clock->cause,
	        .start_us = clock->start_us,
	        .within_us = rule == NULL ? TIME_NONE : rule->within_us,
	        .calendar = calendar_of(clock, rule),
	        .due_us = clock->due_us,
	        .stopped_us = clock->stopped_us,
	        .breached_us = clock->breached_us,
	        .fires_us = TIME_NONE,
	        .countdown_zero_us = TIME_NONE,
	        .warned_us = TIME_NONE,
	        .warned_last_us = TIME_NONE,
	        .at_risk_us = TIME_NONE,
	        .agent_id = clock->met_by,
	        .policy = clock->policy,
	        .evidence_source_no = clock->evidence_source_no,
	        .evidence_offset = clock->evidence_offset,
	};
	if (clock->over) {
		clock_out->deferred =
		        clock_out->verdict == VERDICT_BREACHED && !fires(clock_out, clock_out->breached_us, as_of_us);
	} else {
		clock_out->breached_us = TIME_NONE;
		settle_running(clock, context, as_of_us, clock_out);
	}
	int64_t warning_us = settle_warnings(clock, context, as_of_us, clock_out);
	if (warning_us != TIME_NONE && !clock->over)
		clock_out->at_risk_us = warning_us + 1; /* a warning is due once its time is past */
	if (clock_out->verdict == VERDICT_BREACHED)
		settle_escalations(clock, as_of_us, clock_out);
}
