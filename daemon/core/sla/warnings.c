#include "warnings.h"

#include "kpid/core/timestamp.h"

void warnings_apply(struct warnings *warnings, int64_t at_us)
{
	warnings->applied_us = warnings->seen_us = at_us;
	warnings->done = 0;
}

static bool is_done(const struct warnings *warnings, size_t i)
{
	return (warnings->done >> i & 1) != 0;
}

/* When the condition of a warning becomes true if nothing more happens; TIME_NONE: never. */
static int64_t holds_from(const struct warnings_view *view, const struct warning_rule *rule)
{
	if (!rule->before)
		return view->promised ? TIME_NONE : view->reaches(view->context, rule->us);
	return view->due_us == TIME_NONE ? TIME_NONE : view->due_us - rule->us;
}

/* True if the condition was already true before the policy began to apply, given the steps up to then. */
static bool is_stale(const struct warnings *warnings, const struct warning_rule *rule, int64_t from_us)
{
	bool as_applied = warnings->seen_us == warnings->applied_us;
	return from_us < warnings->applied_us && (as_applied || !rule->before);
}

int64_t warnings_next(const struct warnings *warnings, const struct warnings_view *view, size_t i)
{
	const struct warning_rule *rule = &view->rule->warnings[i];
	if (is_done(warnings, i))
		return TIME_NONE;
	int64_t from_us = holds_from(view, rule);
	if (from_us == TIME_NONE || is_stale(warnings, rule, from_us))
		return TIME_NONE;
	return from_us > warnings->seen_us ? from_us : warnings->seen_us;
}

/* The earliest warning of each kind is the one with the extreme value, so only two times have to be computed. */
int64_t warnings_first(const struct warnings *warnings, const struct warnings_view *view)
{
	const struct warning_rule *part = NULL, *before = NULL;
	for (size_t i = 0; i < view->rule->n_warnings; i++) {
		const struct warning_rule *rule = &view->rule->warnings[i];
		if (is_done(warnings, i))
			continue;
		if (rule->before)
			before = before == NULL || rule->us > before->us ? rule : before;
		else
			part = part == NULL || rule->us < part->us ? rule : part;
	}
	int64_t part_us = part == NULL ? TIME_NONE : holds_from(view, part);
	int64_t before_us = before == NULL ? TIME_NONE : holds_from(view, before);
	if (part_us == TIME_NONE || before_us == TIME_NONE)
		return part_us == TIME_NONE ? before_us : part_us;
	return part_us < before_us ? part_us : before_us;
}

void warnings_pass(struct warnings *warnings, const struct warnings_view *view, int64_t until_us, struct arena *arena)
{
	if (until_us <= warnings->seen_us)
		return;
	size_t n = view->rule == NULL ? 0 : view->rule->n_warnings;
	for (size_t i = 0; i < n; i++) {
		if (is_done(warnings, i))
			continue;
		const struct warning_rule *rule = &view->rule->warnings[i];
		int64_t from_us = holds_from(view, rule);
		if (from_us == TIME_NONE || from_us >= until_us)
			continue;
		warnings->done |= UINT32_C(1) << i;
		if (is_stale(warnings, rule, from_us))
			continue;
		struct warning *warning = arena_alloc(arena, sizeof(*warning));
		*warning =
		        (struct warning){from_us > warnings->seen_us ? from_us : warnings->seen_us, warnings->latest};
		warnings->latest = warning;
	}
	warnings->seen_us = until_us;
}
