#include "kpid/core/policy.h"

#include <stdlib.h>

#include "kpid/base/memory.h"

const char *sla_target_name(enum sla_target target)
{
	static const char *const names[TARGET_N] = {
	        [TARGET_FIRST_RESPONSE] = "first_response",
	        [TARGET_NEXT_RESPONSE] = "next_response",
	        [TARGET_ARRIVAL] = "arrival",
	        [TARGET_RESOLUTION] = "resolution",
	};
	return (unsigned)target < TARGET_N ? names[target] : NULL;
}

struct policy_set *policy_set_empty(void)
{
	struct policy_set *set = mem_zalloc(sizeof(*set));
	arena_init(&set->arena);
	return set;
}

struct policy_set *policy_set_of(size_t n_revisions)
{
	struct policy_set *set = policy_set_empty();
	set->borrows = true;
	set->n_revisions = n_revisions;
	set->revisions = arena_zalloc(&set->arena, n_revisions * sizeof(*set->revisions));
	return set;
}

static void release_hours(struct calendar *hours)
{
	if (hours == NULL)
		return;
	if (hours->zone.release != NULL)
		hours->zone.release(hours->zone.context);
	calendar_release(hours);
}

void policy_set_free(struct policy_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n_revisions && !set->borrows; i++)
		for (struct policy_calendar *c = set->revisions[i].calendars; c != NULL; c = c->next)
			release_hours(c->hours);
	arena_release(&set->arena);
	free(set);
}

const struct policy_revision *policy_set_at(const struct policy_set *set, int64_t opened_us)
{
	size_t low = 0, high = set->n_revisions; /* indexes below low are in force then, those from high on are not */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set->revisions[middle].effective_from_us <= opened_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : &set->revisions[low - 1];
}

/* After a mismatch only the last '*' has to take one more character, because everything before it is matched as early
 * as possible. So the cost is at most pattern length times text length. */
static bool glob_holds(struct text pattern, struct text text)
{
	uint32_t p = 0, t = 0, star = UINT32_MAX, star_t = 0;
	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			star_t = t;
		} else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
			p++;
			t++;
		} else if (star != UINT32_MAX) {
			p = star + 1;
			t = ++star_t;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

bool policy_pattern_holds(struct text pattern, struct text text)
{
	return text_is_empty(text) ? text_is_empty(pattern) : glob_holds(pattern, text);
}

static bool match_holds(const struct policy_match *match, struct text attribute)
{
	for (size_t i = 0; i < match->patterns.n; i++)
		if (policy_pattern_holds(match->patterns.items[i], attribute))
			return true;
	return false;
}

int policy_mismatch(const struct policy *policy, const struct text attributes[EVENT_N_ATTRIBUTES])
{
	for (int i = 0; i < POLICY_N_MATCHES; i++)
		if (policy->match[i].present && !match_holds(&policy->match[i], attributes[i]))
			return i;
	return -1;
}

/* Matches the other's patterns as texts: a '*' in them can only be matched by a '*' of this one, which then matches
 * whatever the other '*' matches. */
static bool match_covers(const struct policy_match *match, const struct policy_match *other)
{
	for (size_t i = 0; i < other->patterns.n; i++) {
		size_t j = 0;
		while (j < match->patterns.n &&
		       !policy_pattern_holds(match->patterns.items[j], other->patterns.items[i]))
			j++;
		if (j == match->patterns.n)
			return false;
	}
	return true;
}

bool policy_covers(const struct policy *policy, const struct policy *other)
{
	for (size_t i = 0; i < POLICY_N_MATCHES; i++)
		if (policy->match[i].present &&
		    (!other->match[i].present || !match_covers(&policy->match[i], &other->match[i])))
			return false;
	return true;
}

const struct policy *policy_revision_match(const struct policy_revision *revision,
                                           const struct text attributes[EVENT_N_ATTRIBUTES])
{
	for (size_t i = 0; i < revision->n_policies; i++)
		if (policy_mismatch(&revision->policies[i], attributes) < 0)
			return &revision->policies[i];
	return NULL;
}

struct calendar *target_hours(const struct target_rule *rule)
{
	return rule->calendar == NULL ? NULL : rule->calendar->hours;
}

bool text_list_has(struct text_list list, struct text word)
{
	for (size_t i = 0; i < list.n; i++)
		if (text_same(list.items[i], word))
			return true;
	return false;
}
