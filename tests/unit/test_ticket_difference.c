/* What differs between two folds of a ticket. */
#include "fold_case.h"

#include <string.h>

#include "kpid/core/ticket_difference.h"

static struct ticket_difference found[TICKET_MOST_DIFFERENCES];

/* Compares the folds of the first n events, and of all. */
static size_t compare(struct fold_case *c, size_t n, int64_t as_of_us)
{
	const struct ticket_event *events[FOLD_CASE_EVENTS];
	struct ticket before, after;
	for (size_t i = 0; i < c->n; i++)
		events[i] = &c->events[i];
	ticket_fold(events, n, &c->rules, NULL, as_of_us, NULL, &c->arena, &before);
	ticket_fold(events, c->n, &c->rules, NULL, as_of_us, NULL, &c->arena, &after);
	return ticket_differences(&before, &after, &c->arena, found);
}

static void assert_difference(size_t n, const char *column, const char *before, const char *after)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(found[i].column, column) != 0)
			continue;
		assert_true(text_equal(found[i].before, text_of(before)));
		assert_true(text_equal(found[i].after, text_of(after)));
		return;
	}
	fail_msg("%s does not differ", column);
}

static void test_equal_tickets_have_no_difference(void **state)
{
	struct fold_case *c = fold_case_new();
	(void)state;
	assert_int_equal(compare(c, 0, AT(0)), 0);
	opens(c, 0, "1", "ann");
	pauses(c, 5, "wait");
	assert_int_equal(compare(c, 2, AT(30)), 0);
	fold_case_free(c);
}

static void test_a_ticket_that_is_missing(void **state)
{
	struct fold_case *c = fold_case_new();
	(void)state;
	opens(c, 0, "1", "ann");
	size_t n = compare(c, 0, AT(1));
	assert_difference(n, "state", "unknown", "open");
	assert_difference(n, "agent_id", NULL, "ann");
	assert_difference(n, "opened_at", NULL, "2026-01-01T00:00:00Z");
	assert_difference(n, "priority", NULL, "1");
	assert_difference(n, "first_response_due_at", NULL, "2026-01-01T00:10:00Z");
	assert_difference(n, "first_response_verdict", "none", "pending");
	fold_case_free(c);
}

static void test_state_owner_times_and_verdicts(void **state)
{
	struct fold_case *c = fold_case_new();
	(void)state;
	opens(c, 0, "1", "ann");
	happens(c, 4, EVENT_RESPONDED, "ann");
	happens(c, 5, EVENT_ASSIGNED, "bob");
	ends(c, 30, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 31, EVENT_CLOSED, "bob");
	size_t n = compare(c, 1, AT(120));
	assert_int_equal(n, 7);
	assert_difference(n, "state", "open", "closed");
	assert_difference(n, "agent_id", "ann", "bob");
	assert_difference(n, "first_response_at", NULL, "2026-01-01T00:04:00Z");
	assert_difference(n, "resolved_at", NULL, "2026-01-01T00:30:00Z");
	assert_difference(n, "closed_at", NULL, "2026-01-01T00:31:00Z");
	assert_difference(n, "first_response_verdict", "breached", "met");
	assert_difference(n, "resolution_verdict", "breached", "met");
	fold_case_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_equal_tickets_have_no_difference),
	        cmocka_unit_test(test_a_ticket_that_is_missing),
	        cmocka_unit_test(test_state_owner_times_and_verdicts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
