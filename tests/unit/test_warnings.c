/* Rules S8, and A for warnings and escalations of an alert. */
#include "fold_case.h"

/* Policy "urgent" (resolution 60 minutes, paused for "wait"): warnings at 50 %, and 10 and 40 minutes before;
 * escalations 15 and 30 minutes after. "normal" (100 minutes): at 10 % and 30 minutes before. */
static const struct warning_rule urgent[] = {
        {false, 30 * MINUTE},
        {true, 10 * MINUTE},
        {true, 40 * MINUTE},
};
static const struct warning_rule normal[] = {{false, 10 * MINUTE}, {true, 30 * MINUTE}};
static const int64_t escalations[] = {15 * MINUTE, 30 * MINUTE};

static int setup(void **state)
{
	struct fold_case *c = fold_case_new();
	struct target_rule *rule = &c->policies[0].targets[TARGET_RESOLUTION];
	rule->warnings = urgent;
	rule->n_warnings = 3;
	rule->escalations_us = escalations;
	rule->n_escalations = 2;
	rule = &c->policies[1].targets[TARGET_RESOLUTION];
	rule->warnings = normal;
	rule->n_warnings = 2;
	*state = c;
	return 0;
}

static const struct sla_clock *clock_at(struct fold_case *c, int64_t as_of_us)
{
	const struct sla_clock *clock = clock_of(fold_as_of(c, as_of_us), TARGET_RESOLUTION, 1);
	assert_non_null(clock);
	return clock;
}

static void assert_warned(struct fold_case *c, int64_t as_of_us, uint32_t n, int64_t first_us)
{
	const struct sla_clock *clock = clock_at(c, as_of_us);
	assert_int_equal(clock->n_warnings, n);
	assert_time(clock->warned_us, first_us);
}

static enum alert_state alert_state_at(struct fold_case *c, int64_t as_of_us, struct alert *alert_out)
{
	const struct ticket *ticket = fold_as_of(c, as_of_us);
	assert_true(alert_of_clock(TEXT("T-1"), ticket, clock_of(ticket, TARGET_RESOLUTION, 1), alert_out));
	return alert_out->state;
}

static void test_S8_due_after_its_instant(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	assert_warned(c, AT(20), 0, TIME_NONE);
	assert_time(clock_at(c, AT(20))->fires_us, AT(20)); /* 40 minutes before */
	assert_warned(c, AT(20) + 1, 1, AT(20));
	assert_time(clock_at(c, AT(20) + 1)->fires_us, AT(30));
	assert_warned(c, AT(30) + 1, 2, AT(20));
	assert_warned(c, AT(50) + 1, 3, AT(20));
	assert_time(clock_at(c, AT(50) + 1)->fires_us, AT(60)); /* its breach */
}

static void test_S8_part_of_within_does_not_run_in_a_pause(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	pauses(c, 5, "wait");
	happens(c, 45, EVENT_RESUMED, NULL);
	assert_warned(c, LATER, 3, AT(60));
	assert_time(clock_at(c, AT(50))->fires_us, AT(60));
	assert_time(clock_at(c, AT(61))->fires_us, AT(70)); /* it has run 30 minutes */
}

static void test_S8_a_due_warning_stays_due(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	pauses(c, 21, "wait"); /* 40 minutes before was at 20; the due time is unknown now */
	assert_warned(c, LATER, 1, AT(20));
	assert_time(clock_at(c, LATER)->fires_us, TIME_NONE);
	happens(c, 500, EVENT_RESUMED, NULL);
	assert_warned(c, LATER, 3, AT(20));
}

static void test_S8_not_after_the_stop(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	ends(c, 20, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED); /* at the very instant of the first */
	assert_warned(c, LATER, 0, TIME_NONE);
	c->events[1].occurred_us = AT(20) + 1;
	assert_warned(c, LATER, 1, AT(20));
	assert_warned(c, AT(20), 0, TIME_NONE); /* the watermark is not beyond it: still to fall due */
	assert_time(clock_at(c, AT(20))->fires_us, AT(20));
}

static void test_S8_a_late_policy_skips_past_warnings(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	updates(c, 15, "2"); /* 10 % had run at 10; 30 minutes before is at 70 */
	assert_warned(c, AT(70), 0, TIME_NONE);
	assert_warned(c, LATER, 1, AT(70));
	updates(c, 16, "1"); /* "urgent" again from 16 on: all its warnings are still to come */
	assert_warned(c, LATER, 3, AT(20));
	c->events[2].occurred_us = AT(31); /* from 31 on: 20 and 30 have passed */
	assert_warned(c, LATER, 1, AT(50));
}

static void test_S8_at_the_instant_of_the_policy_change(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	updates(c, 10, "2");
	assert_warned(c, LATER, 2, AT(10));
}

static void test_S8_before_longer_than_within(void **state)
{
	struct fold_case *c = *state;
	c->policies[0].targets[TARGET_RESOLUTION].within_us = 40 * MINUTE;
	opens(c, 0, "1", NULL);
	assert_warned(c, LATER, 3, AT(0)); /* 40 minutes before is the start itself */
	c->policies[0].targets[TARGET_RESOLUTION].within_us = 40 * MINUTE - 1;
	assert_warned(c, LATER, 2, AT(30) - 1);
}

/* After a pause a clock is computed again, even if no warning is left. */
static void test_S6_a_change_after_a_pause_judges_by_the_new_due_time(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 52, EVENT_ARRIVED, NULL); /* all three were due: at 20, 30 and 50 */
	pauses(c, 55, "wait");
	happens(c, 75, EVENT_RESUMED, NULL); /* due at 80 */
	updates(c, 77, "2");
	assert_time(clock_at(c, AT(78))->due_us, AT(120));
	assert_int_equal(clock_at(c, AT(78))->verdict, VERDICT_PENDING);
}

static void test_S8_nearer_promise_warns_at_its_step(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(500);
	assert_warned(c, AT(400), 0, TIME_NONE);
	happens(c, 100, EVENT_UPDATED, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(130);
	assert_warned(c, AT(101), 1, AT(100)); /* 40 minutes before would have been at 90 */
	assert_warned(c, LATER, 2, AT(100));   /* no part of `within` passes under a promise */
}

static void test_S8_the_last_step_of_an_instant_decides_its_warnings(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(500);
	happens(c, 100, EVENT_UPDATED, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(130);
	happens(c, 100, EVENT_UPDATED, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(500);
	assert_warned(c, AT(400), 0, TIME_NONE);
}

static void test_S8_a_warning_due_at_the_next_step(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	pauses(c, 20, "wait"); /* after the steps up to 20 no due time is known */
	assert_warned(c, LATER, 0, TIME_NONE);
	c->events[1].occurred_us = AT(20) + 1;
	assert_warned(c, LATER, 1, AT(20));
}

static void test_S8_escalations(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	pauses(c, 61, "wait"); /* by the wall clock: pauses do not affect them */
	assert_int_equal(clock_at(c, AT(75))->level, 0);
	assert_time(clock_at(c, AT(75))->fires_us, AT(75));
	assert_int_equal(clock_at(c, AT(75) + 1)->level, 1);
	assert_int_equal(clock_at(c, AT(90) + 1)->level, 2);
	assert_time(clock_at(c, AT(90) + 1)->fires_us, TIME_NONE);
	ends(c, 90, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED); /* stopped by then */
	assert_int_equal(clock_at(c, LATER)->level, 1);
}

static void test_S9_at_risk_by_warnings(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	assert_time(clock_at(c, AT(1))->at_risk_us, AT(20) + 1);
	c->policies[0].targets[TARGET_RESOLUTION].n_warnings = 0;
	assert_time(clock_at(c, AT(1))->at_risk_us, AT(48) + 1); /* 80 % */
}

static void test_A2_warning_then_averted(void **state)
{
	struct fold_case *c = *state;
	struct alert alert;
	opens(c, 0, "1", "ann")->texts[EVENT_PROJECT_ID] = TEXT("north");
	happens(c, 25, EVENT_ASSIGNED, "bob");
	assert_int_equal(alert_state_at(c, AT(21), &alert), ALERT_WARNING);
	assert_int_equal(alert.level, 0);
	assert_int_equal(alert.n_warnings, 1);
	assert_time(alert.due_us, AT(60));
	assert_time(alert.breached_us, TIME_NONE);
	assert_who(alert.owner_at_breach, "ann"); /* at the first warning */
	assert_who(alert.project_id, "north");
	assert_who(alert.policy, "urgent");
	ends(c, 55, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	assert_int_equal(alert_state_at(c, LATER, &alert), ALERT_AVERTED);
	assert_int_equal(alert.n_warnings, 3);
	assert_time(alert.resolved_us, TIME_NONE);
}

static void test_A2_left_without_a_target_is_averted(void **state)
{
	struct fold_case *c = *state;
	struct alert alert;
	opens(c, 0, "1", NULL);
	updates(c, 22, "9"); /* no policy */
	assert_int_equal(alert_state_at(c, LATER, &alert), ALERT_AVERTED);
	assert_time(alert.due_us, TIME_NONE);
	assert_who(alert.policy, NULL); /* the policy in force */
}

static void test_A2_breach_takes_over_from_its_warnings(void **state)
{
	struct fold_case *c = *state;
	struct alert alert;
	opens(c, 0, "1", "ann");
	happens(c, 25, EVENT_ASSIGNED, "bob");
	assert_int_equal(alert_state_at(c, AT(61), &alert), ALERT_BREACHED);
	assert_who(alert.owner_at_breach, "bob");
	assert_time(alert.warned_us, AT(20));
	assert_int_equal(alert_state_at(c, LATER, &alert), ALERT_BREACHED);
	assert_int_equal(alert.level, 2);
	ends(c, 80, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	assert_int_equal(alert_state_at(c, LATER, &alert), ALERT_RESOLVED);
	assert_int_equal(alert.level, 1);
}

#define warning_test(function) cmocka_unit_test_setup_teardown(function, setup, fold_case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        warning_test(test_S8_due_after_its_instant),
	        warning_test(test_S8_part_of_within_does_not_run_in_a_pause),
	        warning_test(test_S8_a_due_warning_stays_due),
	        warning_test(test_S8_not_after_the_stop),
	        warning_test(test_S8_a_late_policy_skips_past_warnings),
	        warning_test(test_S8_at_the_instant_of_the_policy_change),
	        warning_test(test_S8_before_longer_than_within),
	        warning_test(test_S6_a_change_after_a_pause_judges_by_the_new_due_time),
	        warning_test(test_S8_nearer_promise_warns_at_its_step),
	        warning_test(test_S8_the_last_step_of_an_instant_decides_its_warnings),
	        warning_test(test_S8_a_warning_due_at_the_next_step),
	        warning_test(test_S8_escalations),
	        warning_test(test_S9_at_risk_by_warnings),
	        warning_test(test_A2_warning_then_averted),
	        warning_test(test_A2_left_without_a_target_is_averted),
	        warning_test(test_A2_breach_takes_over_from_its_warnings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
