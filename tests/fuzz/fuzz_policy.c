/* A policy file: errors with a place, or revisions with values in range; each revision reads the same from its
 * stored text. A ticket that its first policy could match is folded, and its clocks keep their times in order. */
#include "adapters/zone/zone.h"
#include "fuzz.h"
#include "kpid/core/ticket.h"

static void check_errors(const struct file_errors *errors)
{
	CHECK(errors->n > 0);
	for (size_t i = 0; i < errors->n; i++)
		CHECK(errors->items[i].message.len > 0 && errors->items[i].line >= 0);
}

static void check_target(const struct target_rule *rule)
{
	if (!rule->present)
		return;
	CHECK(rule->within_us > 0 && rule->within_us <= 366 * US_PER_DAY);
	CHECK(rule->n_warnings <= TARGET_MAX_WARNINGS);
	for (size_t i = 0; i < rule->n_warnings; i++)
		CHECK(rule->warnings[i].us >= 0);
	for (size_t i = 1; i < rule->n_escalations; i++)
		CHECK(rule->escalations_us[i - 1] < rule->escalations_us[i]);
}

/* A text that the pattern matches: itself, with "x" for each wildcard. */
static struct text sample_of(struct text pattern, struct arena *arena)
{
	char *text = arena_alloc(arena, pattern.len + 1);
	for (uint32_t i = 0; i < pattern.len; i++)
		text[i] = pattern.ptr[i] == '*' ? 'x' : pattern.ptr[i];
	struct text sample = {text, pattern.len};
	CHECK(policy_pattern_holds(pattern, sample));
	return sample;
}

static void check_match(const struct policy_revision *revision, const struct policy *policy, struct arena *arena)
{
	struct text attributes[EVENT_N_ATTRIBUTES] = {TEXT_ABSENT};
	for (int i = 0; i < POLICY_N_MATCHES; i++)
		if (policy->match[i].present && policy->match[i].patterns.n > 0)
			attributes[i] = sample_of(policy->match[i].patterns.items[0], arena);
	CHECK(policy_mismatch(policy, attributes) == -1);
	const struct policy *first = policy_revision_match(revision, attributes);
	CHECK(first != NULL && first <= policy);
	CHECK(policy_covers(policy, policy));
}

static void check_clocks(const struct policy_set *set, const struct policy *policy, int64_t opened_us,
                         struct arena *arena)
{
	struct ticket_event opened, paused, resumed;
	struct ticket ticket, unpaused;
	ticket_event_init(&opened);
	opened.ticket_id = opened.source = opened.id = TEXT("1");
	opened.type = EVENT_OPENED;
	opened.occurred_us = opened_us;
	for (int i = 0; i < POLICY_N_MATCHES; i++)
		if (policy->match[i].present && policy->match[i].patterns.n > 0)
			opened.texts[i] = sample_of(policy->match[i].patterns.items[0], arena);
	paused = resumed = opened;
	paused.id = TEXT("2");
	paused.type = EVENT_PAUSED;
	paused.occurred_us += 3600 * US_PER_SECOND;
	resumed.id = TEXT("3");
	resumed.type = EVENT_RESUMED;
	resumed.occurred_us += 7200 * US_PER_SECOND;
	for (int target = 0; target < TARGET_N; target++)
		if (policy->targets[target].present && policy->targets[target].pause_on.n > 0)
			paused.texts[EVENT_REASON] = policy->targets[target].pause_on.items[0];
	const struct ticket_event *events[] = {&opened, &paused, &resumed};
	const struct fold_rules rules = {set, 7 * US_PER_DAY};
	const struct fold_pin pin = {NULL, TIME_NONE};
	ticket_fold(events, 1, &rules, &pin, opened_us, NULL, arena, &unpaused);
	for (int64_t days = 0; days <= 800; days += 400) {
		int64_t as_of_us = opened_us + days * US_PER_DAY;
		ticket_fold(events, 3, &rules, &pin, as_of_us, NULL, arena, &ticket);
		for (size_t i = 0; i < ticket.n_clocks; i++) {
			const struct sla_clock *clock = &ticket.clocks[i];
			CHECK(clock->start_us >= opened_us && clock->due_us > clock->start_us);
			CHECK(clock->target == unpaused.clocks[i].target && clock->due_us >= unpaused.clocks[i].due_us);
			CHECK((clock->verdict == VERDICT_BREACHED) == (clock->breached_us != TIME_NONE));
			CHECK(clock->verdict != VERDICT_BREACHED || clock->breached_us >= clock->due_us);
			CHECK(clock->fires_us == TIME_NONE || clock->fires_us >= as_of_us);
			CHECK((clock->n_warnings > 0) == (clock->warned_us != TIME_NONE));
		}
	}
}

static void check_revision(const struct policy_set *set, const struct policy_revision *revision, struct arena *arena)
{
	struct file_errors errors;
	struct policy_set *stored = policy_revision_parse(revision->json, zone_find, &errors);
	CHECK(stored != NULL && stored->n_revisions == 1);
	CHECK(text_equal(stored->revisions[0].json, revision->json) &&
	      text_equal(stored->revisions[0].id, revision->id));
	CHECK(stored->revisions[0].n_policies == revision->n_policies);
	file_errors_release(&errors);
	policy_set_free(stored);
	for (size_t i = 0; i < revision->n_policies; i++) {
		for (int target = 0; target < TARGET_N; target++)
			check_target(&revision->policies[i].targets[target]);
		check_match(revision, &revision->policies[i], arena);
	}
	int64_t from_us =
	        revision->effective_from_us == INT64_MIN ? INT64_C(1767225600000000) : revision->effective_from_us;
	if (revision->n_policies > 0)
		check_clocks(set, &revision->policies[0], from_us, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct text json = fuzz_exact((struct text){(const char *)data, (uint32_t)n_bytes});
	struct file_errors errors, strict_errors;
	struct policy_set *set = policy_set_parse(json, zone_find, &errors);
	struct policy_set *strict = policy_set_check(json, zone_find, &strict_errors);
	struct arena arena;
	arena_init(&arena);
	if (set == NULL) {
		check_errors(&errors);
		CHECK(strict == NULL);
	}
	if (strict == NULL)
		check_errors(&strict_errors);
	for (size_t i = 0; set != NULL && i < set->n_revisions; i++) {
		CHECK(i == 0 || set->revisions[i - 1].effective_from_us < set->revisions[i].effective_from_us);
		check_revision(set, &set->revisions[i], &arena);
	}
	file_errors_release(&errors);
	file_errors_release(&strict_errors);
	policy_set_free(set);
	policy_set_free(strict);
	arena_release(&arena);
	free((char *)json.ptr);
	return 0;
}
