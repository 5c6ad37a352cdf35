/* Rules A: the alert row of a breached clock. */
#include "fold_case.h"

static bool alert_at(struct fold_case *c, int64_t as_of_us, enum sla_target target, struct alert *alert_out)
{
	const struct ticket *ticket = fold_as_of(c, as_of_us);
	const struct sla_clock *clock = clock_of(ticket, target, 1);
	assert_non_null(clock);
	return alert_of_clock(TEXT("T-1"), ticket, clock, alert_out);
}

static void test_A1_no_row_without_a_breach(void **state)
{
	struct fold_case *c = *state;
	struct alert alert = {.n = 77};
	opens(c, 0, "1", "ann");
	assert_false(alert_at(c, AT(60), TARGET_RESOLUTION, &alert));
	assert_int_equal(alert.n, 77);
	ends(c, 60, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	assert_false(alert_at(c, LATER, TARGET_RESOLUTION, &alert));
}

static void test_A2_breached_then_resolved(void **state)
{
	struct fold_case *c = *state;
	struct alert alert;
	opens(c, 0, "1", "ann")->texts[EVENT_PROJECT_ID] = TEXT("north");
	updates(c, 61, "2")->texts[EVENT_PROJECT_ID] = TEXT("south");
	happens(c, 60, EVENT_ASSIGNED, "bob");
	assert_true(alert_at(c, AT(90), TARGET_RESOLUTION, &alert));
	assert_int_equal(alert.state, ALERT_BREACHED);
	assert_time(alert.resolved_us, TIME_NONE);
	assert_time(alert.due_us, AT(60));
	assert_time(alert.breached_us, AT(60));
	assert_int_equal(alert.cause, CAUSE_DEADLINE);
	assert_who(alert.owner_at_breach, "bob");
	assert_who(alert.project_id, "north");
	assert_who(alert.policy, "urgent"); /* the policy that judged the breach */
	assert_who(alert.policy_version, "2026-01");
	assert_int_equal(alert.evidence_offset, 100);
	ends(c, 95, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED);
	struct alert resolved;
	assert_true(alert_at(c, AT(100), TARGET_RESOLUTION, &resolved));
	assert_int_equal(resolved.state, ALERT_RESOLVED);
	assert_time(resolved.resolved_us, AT(95));
	assert_false(alert_same_content(&alert, &resolved));
	assert_true(alert_same_content(&alert, &alert));
}

static void test_A2_ended_with_its_cycle_is_resolved(void **state)
{
	struct fold_case *c = *state;
	struct alert alert;
	opens(c, 0, "1", NULL);
	ends(c, 31, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	assert_true(alert_at(c, LATER, TARGET_ARRIVAL, &alert));
	assert_int_equal(alert.state, ALERT_RESOLVED);
	assert_time(alert.resolved_us, AT(31));
	assert_who(alert.owner_at_breach, NULL);
}

static void test_A4_promise_without_a_policy(void **state)
{
	struct fold_case *c = *state;
	struct alert alert;
	opens(c, 0, NULL, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(5);
	assert_true(alert_at(c, LATER, TARGET_RESOLUTION, &alert));
	assert_who(alert.policy, NULL);
	c->revision.effective_from_us = AT(1);
	assert_true(alert_at(c, LATER, TARGET_RESOLUTION, &alert));
	assert_who(alert.policy_version, NULL);
}

static void test_A4_id_is_a_hash_of_the_key(void **state)
{
	(void)state;
	char id[ALERT_ID_BYTES];
	alert_id(TEXT("T-1"), TARGET_FIRST_RESPONSE, 1, id);
	assert_string_equal(id, "65717907b73751f5be27c43f790f2069");
	char other[ALERT_ID_BYTES];
	alert_id(TEXT("T-1"), TARGET_FIRST_RESPONSE, 2, other);
	assert_string_not_equal(id, other);
}

static void test_alert_names(void **state)
{
	(void)state;
	assert_string_equal(alert_state_name(ALERT_BREACHED), "breached");
	assert_string_equal(alert_state_name(ALERT_RESOLVED), "resolved");
	assert_string_equal(alert_state_name(ALERT_VOIDED), "voided");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        fold_test(test_A1_no_row_without_a_breach),          fold_test(test_A2_breached_then_resolved),
	        fold_test(test_A2_ended_with_its_cycle_is_resolved), fold_test(test_A4_promise_without_a_policy),
	        cmocka_unit_test(test_A4_id_is_a_hash_of_the_key),   cmocka_unit_test(test_alert_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
