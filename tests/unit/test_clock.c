/* Rules S1-S6: due times and verdicts of clocks. */
#include "fold_case.h"

static const struct sla_clock *resolution_as_of(struct fold_case *c, int64_t as_of_us)
{
	const struct sla_clock *clock = clock_of(fold_as_of(c, as_of_us), TARGET_RESOLUTION, 1);
	assert_non_null(clock);
	return clock;
}

static void test_S1_revision_at_the_opening(void **state)
{
	struct fold_case *c = *state;
	struct policy_revision revisions[2] = {c->revision, c->revision};
	revisions[1].effective_from_us = AT(5);
	c->set = (struct policy_set){.revisions = revisions, .n_revisions = 2};
	struct ticket_event *opened = opens(c, 4, "1", NULL);
	updates(c, 6, "2");
	assert_ptr_equal(fold(c)->revision, &revisions[0]);
	opened->occurred_us = AT(5);
	assert_ptr_equal(fold(c)->revision, &revisions[1]);
}

static void test_S2_clocks_of_an_opening(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	const struct ticket *ticket = fold_as_of(c, AT(1));
	assert_int_equal(ticket->n_clocks, 3);
	assert_time(clock_of(ticket, TARGET_FIRST_RESPONSE, 1)->due_us, AT(10));
	assert_time(clock_of(ticket, TARGET_ARRIVAL, 1)->due_us, AT(30));
	const struct sla_clock *resolution = clock_of(ticket, TARGET_RESOLUTION, 1);
	assert_time(resolution->due_us, AT(60));
	assert_time(resolution->fires_us, AT(60));
	assert_time(resolution->within_us, 60 * MINUTE);
	assert_int_equal(resolution->evidence_source_no, 7);
	assert_int_equal(resolution->evidence_offset, 100);
	assert_who(resolution->policy->name, "urgent");
}

static void test_S2_without_target_no_clock(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "3", NULL);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->n_clocks, 1);
	assert_int_equal(ticket->first_response_verdict, VERDICT_NONE);
	assert_time(ticket->first_response_due_us, TIME_NONE);
}

static void test_S2_restart_is_the_default(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	ends(c, 40, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	happens(c, 50, EVENT_REOPENED, NULL);
	const struct sla_clock *clock = clock_of(fold(c), TARGET_RESOLUTION, 2);
	assert_time(clock->due_us, AT(110));
	assert_int_equal(clock->evidence_offset, 102);
}

static void test_S2_continue_carries_used_time(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "2", NULL);
	pauses(c, 10, "wait");
	happens(c, 30, EVENT_RESUMED, NULL);
	pauses(c, 30, "parts");                               /* not listed */
	ends(c, 50, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED); /* 30 used of 100 */
	happens(c, 60, EVENT_REOPENED, NULL);
	assert_time(clock_of(fold(c), TARGET_RESOLUTION, 2)->due_us, AT(60 + 70));
	ends(c, 70, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED); /* 10 more */
	happens(c, 80, EVENT_REOPENED, NULL);
	assert_time(clock_of(fold(c), TARGET_RESOLUTION, 3)->due_us, AT(80 + 60));
}

static void test_S2_continue_with_nothing_left_is_due_at_its_start(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "2", NULL);
	ends(c, 100, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	happens(c, 160, EVENT_REOPENED, NULL);
	pauses(c, 160, "wait");
	const struct sla_clock *clock = clock_of(fold_as_of(c, AT(160)), TARGET_RESOLUTION, 2);
	assert_time(clock->due_us, AT(160));
	assert_int_equal(clock->verdict, VERDICT_PENDING);
	assert_int_equal(clock_of(fold_as_of(c, AT(161)), TARGET_RESOLUTION, 2)->verdict, VERDICT_BREACHED);
}

static void test_S2_continue_uses_the_current_target(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	pauses(c, 10, ""); /* pauses "urgent", not "normal" */
	happens(c, 30, EVENT_RESUMED, NULL);
	ends(c, 50, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	updates(c, 55, "2");
	happens(c, 60, EVENT_REOPENED, NULL);
	assert_time(clock_of(fold(c), TARGET_RESOLUTION, 2)->due_us, AT(60 + 50));
}

static void test_S2_lapsed_clocks_start_again(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_DUPLICATE);
	happens(c, 20, EVENT_REOPENED, NULL);
	happens(c, 25, EVENT_RESPONDED, NULL);
	const struct ticket *ticket = fold(c);
	const struct sla_clock *first = clock_of(ticket, TARGET_FIRST_RESPONSE, 1);
	assert_int_equal(first->verdict, VERDICT_NONE);
	assert_true(first->stopped);
	assert_time(first->due_us, AT(10));
	const struct sla_clock *second = clock_of(ticket, TARGET_FIRST_RESPONSE, 2);
	assert_int_equal(second->verdict, VERDICT_MET);
	assert_time(second->start_us, AT(20));
	assert_time(clock_of(ticket, TARGET_ARRIVAL, 2)->due_us, AT(50));
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_US_SUM, NULL, TIME_NONE), 5 * MINUTE);
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_MEASURED, NULL, TIME_NONE), 1);
}

static void test_S2_lapses_without_a_target_too(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "3", "ann");
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_DUPLICATE);
	updates(c, 6, "1");
	happens(c, 20, EVENT_REOPENED, NULL);
	const struct ticket *ticket = fold(c);
	assert_null(clock_of(ticket, TARGET_FIRST_RESPONSE, 1));
	assert_time(clock_of(ticket, TARGET_FIRST_RESPONSE, 2)->due_us, AT(30));
}

static void test_S2_breached_and_met_clocks_do_not_start_again(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 2, EVENT_ARRIVED, NULL);
	ends(c, 11, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED);
	happens(c, 20, EVENT_REOPENED, NULL);
	happens(c, 25, EVENT_RESPONDED, NULL);
	const struct ticket *ticket = fold(c);
	assert_null(clock_of(ticket, TARGET_FIRST_RESPONSE, 2));
	assert_null(clock_of(ticket, TARGET_ARRIVAL, 2));
	assert_int_equal(ticket->first_response_verdict, VERDICT_BREACHED);
	assert_time(ticket->first_response_us, AT(25));
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_US_SUM, NULL, TIME_NONE), 25 * MINUTE);
}

static void test_S2_promise_replaces_target_and_pauses(void **state)
{
	struct fold_case *c = *state;
	struct ticket_event *opened = opens(c, 0, "1", NULL);
	opened->times[EVENT_FIRST_RESPONSE_DUE_AT] = AT(3);
	opened->times[EVENT_RESOLUTION_DUE_AT] = AT(25);
	pauses(c, 1, "wait");
	updates(c, 2, "2");
	const struct ticket *ticket = fold_as_of(c, AT(3));
	assert_time(ticket->first_response_due_us, AT(3));
	const struct sla_clock *clock = clock_of(ticket, TARGET_RESOLUTION, 1);
	assert_time(clock->due_us, AT(25));
	assert_true(clock->promised);
	assert_false(clock->paused);
	assert_time(clock->within_us, 100 * MINUTE);
	assert_time(clock->fires_us, AT(25));
}

static void test_S2_promise_without_target(void **state)
{
	struct fold_case *c = *state;
	opens(c, 10, NULL, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(5);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->n_clocks, 1);
	const struct sla_clock *clock = clock_of(ticket, TARGET_RESOLUTION, 1);
	assert_time(clock->due_us, AT(10)); /* a time before the start counts as the start */
	assert_time(clock->within_us, TIME_NONE);
	assert_null(clock->policy);
	assert_int_equal(clock->verdict, VERDICT_BREACHED);
}

static void test_S2_promise_is_for_cycle_1(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, NULL, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(5);
	ends(c, 4, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	happens(c, 6, EVENT_REOPENED, NULL);
	updates(c, 7, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(9);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->n_clocks, 1);
	assert_int_equal(ticket->clocks[0].verdict, VERDICT_MET);
	assert_int_equal(ticket->resolution_verdict, VERDICT_NONE);
}

static void test_S3_due_is_unknown_in_a_pause(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	pauses(c, 20, "wait");
	const struct ticket *ticket = fold_as_of(c, AT(21));
	const struct sla_clock *clock = clock_of(ticket, TARGET_RESOLUTION, 1);
	assert_time(clock->due_us, TIME_NONE);
	assert_time(clock->fires_us, TIME_NONE);
	assert_true(clock->paused);
	assert_time(clock->left_us, 40 * MINUTE);
	assert_int_equal(clock->verdict, VERDICT_PENDING);
	/* reached before the pause */
	assert_time(clock_of(ticket, TARGET_FIRST_RESPONSE, 1)->due_us, AT(10));
	assert_int_equal(clock_of(ticket, TARGET_FIRST_RESPONSE, 1)->verdict, VERDICT_BREACHED);
	assert_time(clock_of(ticket, TARGET_FIRST_RESPONSE, 1)->left_us, -10 * MINUTE);
}

static void test_S3_reached_as_the_pause_begins(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	pauses(c, 10, "wait");
	const struct sla_clock *clock = clock_of(fold_as_of(c, AT(10)), TARGET_FIRST_RESPONSE, 1);
	assert_time(clock->due_us, AT(10));
	assert_time(clock->fires_us, AT(10));
	assert_int_equal(clock->verdict, VERDICT_PENDING);
}

static void test_S3_pauses_of_an_ended_clock_count_up_to_its_end(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 4, "wait");
	happens(c, 100, EVENT_RESPONDED, NULL);
	happens(c, 200, EVENT_RESUMED, NULL);
	const struct sla_clock *clock = clock_of(fold(c), TARGET_FIRST_RESPONSE, 1);
	assert_int_equal(clock->verdict, VERDICT_MET);
	assert_time(clock->due_us, AT(106));
	assert_false(clock->paused);
}

static void test_S3_starting_inside_a_pause(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESPONDED, NULL);
	c->revision.resume_on_reply.n = 0;
	pauses(c, 2, "wait");
	happens(c, 5, EVENT_REQUESTER_REPLIED, NULL);
	const struct sla_clock *clock = clock_of(fold(c), TARGET_NEXT_RESPONSE, 1);
	assert_true(clock->paused);
	assert_time(clock->left_us, 20 * MINUTE);
	happens(c, 8, EVENT_RESUMED, NULL);
	assert_time(clock_of(fold(c), TARGET_NEXT_RESPONSE, 1)->due_us, AT(28));
}

static void test_S4_in_time_at_the_due_time_itself(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	struct ticket_event *response = happens(c, 10, EVENT_RESPONDED, NULL);
	assert_int_equal(fold(c)->first_response_verdict, VERDICT_MET);
	response->occurred_us++;
	const struct sla_clock *clock = clock_of(fold(c), TARGET_FIRST_RESPONSE, 1);
	assert_int_equal(clock->verdict, VERDICT_BREACHED);
	assert_time(clock->breached_us, AT(10));
	assert_int_equal(clock->cause, CAUSE_DEADLINE);
	assert_true(clock->stopped);
}

static void test_S4_breached_after_the_due_time(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	assert_int_equal(resolution_as_of(c, AT(60))->verdict, VERDICT_PENDING);
	assert_int_equal(resolution_as_of(c, AT(60) + 1)->verdict, VERDICT_BREACHED);
	assert_time(resolution_as_of(c, AT(60) + 1)->fires_us, TIME_NONE);
}

static void test_S5_end_of_a_cycle(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 9, EVENT_RESPONDED, NULL);
	struct ticket_event *resolved = ends(c, 30, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	const struct sla_clock *clock = clock_of(fold(c), TARGET_ARRIVAL, 1);
	assert_int_equal(clock->verdict, VERDICT_NONE); /* due at 30 is not breached by then */
	assert_true(clock->stopped);
	resolved->occurred_us++;
	clock = clock_of(fold(c), TARGET_ARRIVAL, 1);
	assert_int_equal(clock->verdict, VERDICT_BREACHED);
	assert_time(clock->stopped_us, AT(30) + 1);
	assert_int_equal(kpi_of(fold(c), KPI_ARRIVAL_MEASURED, "ann", AT(30)), 1);
}

static void test_S5_no_work_no_judgement(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	struct ticket_event *end = ends(c, 60, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED);
	assert_int_equal(fold(c)->resolution_verdict, VERDICT_NONE);
	assert_time(fold(c)->resolution_due_us, AT(60));
	end->resolution = RESOLUTION_DUPLICATE;
	assert_int_equal(fold(c)->resolution_verdict, VERDICT_NONE);
	end->type = EVENT_CLOSED;
	end->automatic = TRI_TRUE;
	end->resolution = RESOLUTION_SOLVED;
	assert_int_equal(fold(c)->resolution_verdict, VERDICT_NONE);
	end->occurred_us++;
	assert_int_equal(fold(c)->resolution_verdict, VERDICT_BREACHED);
	assert_int_equal(kpi_of(fold(c), KPI_RESOLUTION_MEASURED, "ann", AT(60)), 1);
}

static void test_S5_paused_clock_lapses_with_a_due_time(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 20, "wait");
	ends(c, 500, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED);
	const struct sla_clock *clock = resolution_as_of(c, LATER);
	assert_int_equal(clock->verdict, VERDICT_NONE);
	assert_time(clock->due_us, AT(540));
}

static void test_S6_change_of_policy_recomputes_from_the_start(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 10, "wait");
	pauses(c, 30, NULL); /* pauses only "urgent" */
	happens(c, 40, EVENT_RESUMED, NULL);
	assert_time(resolution_as_of(c, AT(50))->due_us, AT(90));
	updates(c, 50, "2");
	assert_time(resolution_as_of(c, AT(50))->due_us, AT(120));
	updates(c, 60, "nothing of ours");
	const struct sla_clock *clock = resolution_as_of(c, LATER);
	assert_int_equal(clock->verdict, VERDICT_NONE); /* listed: it once had a due time */
	assert_time(clock->due_us, TIME_NONE);
	assert_null(clock->policy);
}

static void test_S6_clocks_without_a_target_are_distinguished(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "no policy", "ann");
	happens(c, 1, EVENT_RESPONDED, NULL);
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED); /* the arrival lapses */
	happens(c, 10, EVENT_REOPENED, NULL);                /* arrival and resolution start again */
	happens(c, 12, EVENT_RESPONDED, NULL);
	happens(c, 13, EVENT_REQUESTER_REPLIED, NULL);
	updates(c, 14, "1");
	const struct ticket *ticket = fold_as_of(c, AT(15));
	assert_int_equal(ticket->n_clocks, 3);
	assert_null(clock_of(ticket, TARGET_FIRST_RESPONSE, 1));
	assert_time(clock_of(ticket, TARGET_ARRIVAL, 2)->due_us, AT(40));
	assert_time(clock_of(ticket, TARGET_NEXT_RESPONSE, 1)->due_us, AT(33));
	assert_time(clock_of(ticket, TARGET_RESOLUTION, 2)->due_us, AT(70));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(ticket->clocks[i].verdict, VERDICT_PENDING);
}

static void test_F15_the_latest_clock_is_shown_though_it_has_no_target(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED); /* the first response lapses */
	updates(c, 6, "no policy");
	happens(c, 10, EVENT_REOPENED, NULL);
	happens(c, 12, EVENT_RESPONDED, NULL);
	happens(c, 13, EVENT_REQUESTER_REPLIED, NULL); /* starts another clock, after one that is over */
	const struct ticket *ticket = fold_as_of(c, AT(15));
	assert_time(clock_of(ticket, TARGET_FIRST_RESPONSE, 1)->due_us, AT(10));
	assert_null(clock_of(ticket, TARGET_FIRST_RESPONSE, 2));
	assert_time(ticket->first_response_due_us, TIME_NONE);
}

static void test_S6_breached_stays_breached(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	struct ticket_event *update = updates(c, 61, "2");
	struct ticket_event *last = updates(c, 62, "nothing of ours");
	const struct sla_clock *clock = resolution_as_of(c, LATER);
	assert_int_equal(clock->verdict, VERDICT_BREACHED);
	assert_time(clock->due_us, AT(60));
	assert_int_equal(clock->cause, CAUSE_DEADLINE);
	assert_who(clock->policy->name, "urgent");
	update->occurred_us = AT(60); /* not breached by then */
	last->texts[EVENT_PRIORITY] = TEXT_ABSENT;
	clock = resolution_as_of(c, AT(61));
	assert_time(clock->due_us, AT(100));
	assert_int_equal(clock->verdict, VERDICT_PENDING);
}

static void test_S6_breached_by_the_change(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "2", "ann");
	happens(c, 1, EVENT_RESPONDED, NULL);
	updates(c, 30, "3");
	happens(c, 30, EVENT_ASSIGNED, "bob"); /* after the change, at the same time */
	updates(c, 40, "2");
	const struct sla_clock *clock = resolution_as_of(c, AT(31));
	assert_int_equal(clock->verdict, VERDICT_BREACHED);
	assert_int_equal(clock->cause, CAUSE_POLICY_CHANGE);
	assert_time(clock->breached_us, AT(30));
	assert_time(clock->due_us, AT(20));
	assert_who(clock->policy->name, "plain");
	assert_who(clock->agent_id, "bob"); /* after all steps up to then */
	clock = resolution_as_of(c, AT(30));
	assert_int_equal(clock->verdict, VERDICT_PENDING);
	assert_time(clock->fires_us, AT(30));
}

static void test_S6_due_at_the_change_itself_is_not_breached_by_it(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "2", "ann");
	updates(c, 20, "3");
	const struct sla_clock *clock = resolution_as_of(c, AT(21));
	assert_int_equal(clock->cause, CAUSE_DEADLINE);
	assert_time(clock->breached_us, AT(20));
	ends(c, 20, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	assert_int_equal(resolution_as_of(c, LATER)->verdict, VERDICT_MET);
}

static void test_S6_stopped_clocks_are_not_touched(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 8, EVENT_RESPONDED, NULL);
	updates(c, 9, "2"); /* 5 minutes */
	assert_int_equal(fold(c)->first_response_verdict, VERDICT_MET);
	assert_time(fold(c)->first_response_due_us, AT(10));
}

static void test_S6_later_promises(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann")->times[EVENT_RESOLUTION_DUE_AT] = AT(50);
	updates(c, 40, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(90);
	assert_time(resolution_as_of(c, AT(45))->due_us, AT(90));
	updates(c, 70, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(20);
	updates(c, 75, NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(500);
	const struct sla_clock *clock = resolution_as_of(c, LATER);
	assert_int_equal(clock->cause, CAUSE_POLICY_CHANGE);
	assert_time(clock->breached_us, AT(70));
	assert_time(clock->due_us, AT(20));
}

static void test_S9_state_of_a_running_clock(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 20, "parts");
	const struct sla_clock *clock = resolution_as_of(c, AT(21));
	assert_false(clock->paused); /* the reason is not listed */
	assert_time(clock->due_us, AT(60));
	assert_time(clock->countdown_zero_us, AT(60));
	assert_time(clock->at_risk_us, AT(48) + 1); /* past 80 % */
	pauses(c, 48, "wait");
	happens(c, 50, EVENT_RESUMED, NULL);
	clock = resolution_as_of(c, AT(51));
	assert_time(clock->due_us, AT(62));
	assert_time(clock->countdown_zero_us, AT(62));
	assert_time(clock->at_risk_us, AT(50) + 1); /* not while it was paused at 80 % */
}

static void test_S9_paused_after_the_breach(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 70, "wait");
	happens(c, 90, EVENT_RESUMED, NULL);
	const struct sla_clock *clock = resolution_as_of(c, AT(100));
	assert_time(clock->due_us, AT(60));
	assert_time(clock->countdown_zero_us, AT(80)); /* 20 minutes over by the clock, 40 by the wall clock */
}

static void test_S9_promise_is_at_risk_by_the_wall_clock(void **state)
{
	struct fold_case *c = *state;
	opens(c, 10, "1", "ann")->times[EVENT_RESOLUTION_DUE_AT] = AT(20);
	pauses(c, 12, "wait");
	const struct sla_clock *clock = resolution_as_of(c, AT(13));
	assert_time(clock->at_risk_us, AT(18) + 1);
	assert_time(clock->countdown_zero_us, AT(20));
}

static void test_S9_carried_time_counts(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "2", "ann");
	ends(c, 90, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	happens(c, 200, EVENT_REOPENED, NULL);
	const struct sla_clock *clock = clock_of(fold_as_of(c, AT(201)), TARGET_RESOLUTION, 2);
	assert_time(clock->at_risk_us, AT(200));
	assert_time(clock->countdown_zero_us, AT(210));
	pauses(c, 204, "wait");
	assert_time(clock_of(fold_as_of(c, AT(205)), TARGET_RESOLUTION, 2)->left_us, 6 * MINUTE);
}

static void test_S9_breached_in_a_pause(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 70, "wait");
	const struct sla_clock *clock = resolution_as_of(c, AT(80));
	assert_int_equal(clock->verdict, VERDICT_BREACHED);
	assert_true(clock->paused);
	assert_time(clock->left_us, -10 * MINUTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        fold_test(test_S1_revision_at_the_opening),
	        fold_test(test_S2_clocks_of_an_opening),
	        fold_test(test_S2_without_target_no_clock),
	        fold_test(test_S2_restart_is_the_default),
	        fold_test(test_S2_continue_carries_used_time),
	        fold_test(test_S2_continue_with_nothing_left_is_due_at_its_start),
	        fold_test(test_S2_continue_uses_the_current_target),
	        fold_test(test_S2_lapsed_clocks_start_again),
	        fold_test(test_S2_lapses_without_a_target_too),
	        fold_test(test_S2_breached_and_met_clocks_do_not_start_again),
	        fold_test(test_S2_promise_replaces_target_and_pauses),
	        fold_test(test_S2_promise_without_target),
	        fold_test(test_S2_promise_is_for_cycle_1),
	        fold_test(test_S3_due_is_unknown_in_a_pause),
	        fold_test(test_S3_reached_as_the_pause_begins),
	        fold_test(test_S3_pauses_of_an_ended_clock_count_up_to_its_end),
	        fold_test(test_S3_starting_inside_a_pause),
	        fold_test(test_S4_in_time_at_the_due_time_itself),
	        fold_test(test_S4_breached_after_the_due_time),
	        fold_test(test_S5_end_of_a_cycle),
	        fold_test(test_S5_no_work_no_judgement),
	        fold_test(test_S5_paused_clock_lapses_with_a_due_time),
	        fold_test(test_S6_change_of_policy_recomputes_from_the_start),
	        fold_test(test_S6_clocks_without_a_target_are_distinguished),
	        fold_test(test_F15_the_latest_clock_is_shown_though_it_has_no_target),
	        fold_test(test_S6_breached_stays_breached),
	        fold_test(test_S6_breached_by_the_change),
	        fold_test(test_S6_due_at_the_change_itself_is_not_breached_by_it),
	        fold_test(test_S6_stopped_clocks_are_not_touched),
	        fold_test(test_S6_later_promises),
	        fold_test(test_S9_state_of_a_running_clock),
	        fold_test(test_S9_paused_after_the_breach),
	        fold_test(test_S9_promise_is_at_risk_by_the_wall_clock),
	        fold_test(test_S9_carried_time_counts),
	        fold_test(test_S9_breached_in_a_pause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
