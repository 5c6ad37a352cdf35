/* Targets of a policy: calendar, `within`, `reopen` and the rest (rule P2). */
#include "kpid/core/duration.h"
#include "policy_reading.h"
#include "warning_parse.h"

#define A_TARGET "a target, such as {\"within\": \"30m\", \"calendar\": \"always\"}"

static const struct policy_calendar *find_calendar(const struct policy_reading *reading, struct text name)
{
	const struct policy_calendar *calendar = reading->calendars;
	while (calendar != NULL && !text_same(calendar->name, name))
		calendar = calendar->next;
	return calendar;
}

static void hint_calendars(const struct policy_reading *reading, struct key_hint *hint)
{
	key_hint_consider(hint, TEXT("always"));
	for (const struct policy_calendar *calendar = reading->calendars; calendar != NULL; calendar = calendar->next)
		key_hint_consider(hint, calendar->name);
}

/* False if the name could not be resolved: then checks that depend on the calendar are skipped. */
static bool read_calendar_name(struct policy_reading *reading, const struct file_node *node,
                               const struct policy_calendar **calendar_out)
{
	struct file_check *check = &reading->check;
	struct text name;
	if (!node_is_name(check, node, "the name of a calendar, such as \"always\"", &name))
		return false;
	*calendar_out = find_calendar(reading, name);
	if (*calendar_out != NULL || text_equal(name, TEXT("always")))
		return true;
	if (reading->calendars_unreadable)
		return false;
	struct key_hint hint;
	key_hint_init(&hint, name);
	hint_calendars(reading, &hint);
	const char *quoted = file_quote(check, name);
	if (text_is_absent(hint.best))
		file_error_add(check, node->place,
		               "names the calendar %s, which this revision does not define; define it in `calendars`, "
		               "or write \"always\"",
		               quoted);
	else
		file_error_add(check, node->place,
		               "names the calendar %s, which this revision does not define; did you mean %s?", quoted,
		               file_quote(check, hint.best));
	return false;
}

static bool has_days(struct text duration)
{
	for (uint32_t i = 0; i < duration.len; i++)
		if (duration.ptr[i] == 'd' && (i == 0 || duration.ptr[i - 1] != 'w'))
			return true;
	return false;
}

static bool has_off_hours(const struct target_rule *rule)
{
	return target_hours(rule) != NULL;
}

/* Refuses a target whose clock could never become due. Stored revisions are not checked: they must stay readable. */
static void check_reachable(struct policy_reading *reading, const struct file_node *node, struct text within,
                            const struct target_rule *rule)
{
	struct calendar *hours = target_hours(rule);
	if (reading->stored || hours == NULL || rule->calendar->has_errors)
		return;
	if (!calendar_reaches(hours, rule->within_us))
		file_error_add(&reading->check, node->place,
		               "the calendar %s never has %s of working time, so the clock would never be due; write a "
		               "shorter time or more hours",
		               file_quote(&reading->check, rule->calendar->name), file_quote(&reading->check, within));
}

/* calendar_known: rule_io->calendar is the calendar that the target names. Otherwise `wd` is accepted unchecked. */
static void read_within(struct policy_reading *reading, const struct file_node *target, bool calendar_known,
                        struct target_rule *rule_io)
{
	struct file_check *check = &reading->check;
	struct file_node node;
	struct text text;
	if (!node_member(target, "within", &node)) {
		file_error_missing(check, target, "within",
		                   "write how long the target allows, such as \"within\": \"30m\"");
		return;
	}
	if (!node_is_string(check, &node, "a duration in quotes, such as \"30m\" or \"1h30m\"", &text))
		return;
	int64_t working_day_us = rule_io->calendar == NULL ? 0 : rule_io->calendar->working_day_us;
	if (!calendar_known)
		working_day_us = 1;
	enum duration_verdict verdict = duration_parse(text, working_day_us, &rule_io->within_us);
	if (verdict != DURATION_OK)
		file_error_add(check, node.place, "%s %s", file_quote(check, text), duration_remedy(verdict));
	else if (has_off_hours(rule_io) && has_days(text))
		file_error_add(check, node.place,
		               "%s counts days of 24 hours, but the calendar has off-hours; write working days, such "
		               "as \"2wd\", or working hours",
		               file_quote(check, text));
	else
		check_reachable(reading, &node, text, rule_io);
}

static void read_reopen(struct policy_reading *reading, const struct file_node *target, enum sla_target which,
                        struct target_rule *rule_out)
{
	struct file_check *check = &reading->check;
	struct file_node node;
	struct text word;
	if (!node_member(target, "reopen", &node))
		return;
	if (which != TARGET_RESOLUTION) {
		file_error_add(check, node.place, "applies to `resolution` only; remove it from `%s`",
		               sla_target_name(which));
		return;
	}
	if (!node_is_string(check, &node, "\"restart\" or \"continue\"", &word))
		return;
	rule_out->reopen_continue = text_equal(word, TEXT("continue"));
	if (!rule_out->reopen_continue && !text_equal(word, TEXT("restart")))
		file_error_add(check, node.place, "is %s; write \"restart\" or \"continue\"", file_quote(check, word));
}

static void read_target(struct policy_reading *reading, const struct file_node *node, enum sla_target which,
                        struct target_rule *rule_out)
{
	static const char *const known[] = {"within",  "calendar",       "pause_on", "reopen",
	                                    "warn_at", "escalate_after", NULL};
	struct file_check *check = &reading->check;
	if (!node_is_object(check, node, A_TARGET))
		return;
	rule_out->present = true;
	node_check_keys(check, node, "key of a target", known);
	struct file_node calendar;
	bool calendar_known = false;
	if (node_member(node, "calendar", &calendar))
		calendar_known = read_calendar_name(reading, &calendar, &rule_out->calendar);
	else
		file_error_missing(check, node, "calendar",
		                   "write \"calendar\": \"always\" for a clock that runs around the clock");
	read_within(reading, node, calendar_known, rule_out);
	policy_read_reasons(reading, node, "pause_on", &rule_out->pause_on);
	read_reopen(reading, node, which, rule_out);
	warnings_parse(&reading->check, reading->arena, node, rule_out);
}

void policy_read_targets(struct policy_reading *reading, const struct file_node *policy, struct policy *policy_out)
{
	struct file_node targets, target;
	if (!node_member(policy, "targets", &targets)) {
		file_error_missing(&reading->check, policy, "targets",
		                   "write \"targets\": {} if these tickets have no target");
		return;
	}
	if (!node_is_object(&reading->check, &targets, "an object, such as {\"resolution\": {...}}"))
		return;
	const char *known[TARGET_N + 1] = {NULL};
	for (int i = 0; i < TARGET_N; i++)
		known[i] = sla_target_name((enum sla_target)i);
	node_check_keys(&reading->check, &targets, "target", known);
	for (int i = 0; i < TARGET_N; i++)
		if (node_member(&targets, known[i], &target))
			read_target(reading, &target, (enum sla_target)i, &policy_out->targets[i]);
}
