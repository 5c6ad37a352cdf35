/* Rules L: what a ticket contributes, by agent, project and team. `repeated`, which depends on other tickets, is tested
 * by tests/integration/test_ledger.py. */
#include "fold_case.h"
#include "kpid/core/history.h"
#include "kpid/core/ledger.h"

#define DAY_MINUTES (24 * 60)

static const struct policy_revision *only_revision(void *context, int32_t revision_no)
{
	return revision_no == 1 ? context : NULL;
}

static struct ledger_rules rules_of_the_defaults(void)
{
	return (struct ledger_rules){
	        .callback_within_us = 7 * US_PER_DAY,
	        .parked_after_us = 30 * MINUTE,
	        .last_part = 5 * LEDGER_WHOLE / 100,
	        .eased_after = 80 * LEDGER_WHOLE / 100,
	};
}

static struct ledger ledger_with(struct fold_case *c, const struct ledger_rules *ledger_rules)
{
	const struct ticket_event *sorted[FOLD_CASE_EVENTS];
	struct buf packed = BUF_INIT;
	struct ledger ledger;
	int32_t revision_no;
	for (size_t i = 0; i < c->n; i++)
		sorted[i] = &c->events[i];
	qsort(sorted, c->n, sizeof(sorted[0]), fold_case_compare);
	history_pack(sorted, c->n, &packed);
	const struct stored_ticket stored = {1, LATER, TIME_NONE, 1, arena_text(&c->arena, buf_text(&packed))};
	const struct batch_rules rules = {.fold = c->rules, .revision_by_no = only_revision, .context = &c->revision};
	buf_release(&packed);
	assert_int_equal(ledger_fold(TEXT("T-1"), &stored, &rules, ledger_rules, &c->arena, &ledger, &revision_no),
	                 BATCH_OK);
	return ledger;
}

static struct ledger ledger_of(struct fold_case *c)
{
	const struct ledger_rules rules = rules_of_the_defaults();
	return ledger_with(c, &rules);
}

/* The sum of a column, of one agent or of all (NULL), in one bucket or in all (TIME_NONE). */
static int64_t sum_of(const struct ledger *ledger, int column, const char *agent, int64_t at_us)
{
	int64_t sum = 0;
	for (size_t i = 0; i < ledger->n_rows; i++) {
		const struct ledger_row *row = &ledger->rows[i];
		if ((agent == NULL || text_equal(row->agent_id, text_of(agent))) &&
		    (at_us == TIME_NONE || row->bucket_us == timestamp_bucket(at_us)))
			sum += row->values[column];
	}
	return sum;
}

static int64_t own(struct fold_case *c, enum ledger_measure measure, const char *agent, int64_t at_us)
{
	const struct ledger ledger = ledger_of(c);
	return sum_of(&ledger, KPI_N_MEASURES + (int)measure, agent, at_us);
}

static int64_t own_all(struct fold_case *c, enum ledger_measure measure)
{
	return own(c, measure, NULL, TIME_NONE);
}

static void in_team(struct ticket_event *event, const char *project, const char *team)
{
	event->texts[EVENT_PROJECT_ID] = text_of(project);
	event->texts[EVENT_TEAM_ID] = text_of(team);
}

/* --- L1-L3 --- */

static void test_L2_has_all_measures_of_K(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 4, EVENT_ASSIGNED, "bob");
	happens(c, 7, EVENT_RESPONDED, "eve");
	ends(c, 70, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 80, EVENT_REOPENED, NULL);
	happens(c, 85, EVENT_SURVEY, NULL)->score_micros = 4000000;
	ends(c, 90, EVENT_CLOSED, "kim", RESOLUTION_UNSOLVED);
	const struct ledger ledger = ledger_of(c);
	const struct ticket *ticket = fold(c);
	for (int measure = 0; measure < KPI_N_MEASURES; measure++) {
		assert_int_equal(sum_of(&ledger, measure, NULL, TIME_NONE),
		                 kpi_of(ticket, (enum kpi_measure)measure, NULL, TIME_NONE));
		assert_int_equal(sum_of(&ledger, measure, "bob", AT(70)),
		                 kpi_of(ticket, (enum kpi_measure)measure, "bob", AT(70)));
	}
}

static void test_L3_a_breach_stays_with_the_team_that_had_it(void **state)
{
	struct fold_case *c = *state;
	in_team(opens(c, 0, "1", "ann"), "p1", "north");
	in_team(happens(c, 10, EVENT_UPDATED, NULL), "p2", NULL); /* at the breach itself: at or before */
	in_team(happens(c, 11, EVENT_ASSIGNED, "bob"), NULL, "south");
	const struct ledger ledger = ledger_of(c);
	for (size_t i = 0; i < ledger.n_rows; i++) {
		if (ledger.rows[i].values[KPI_FIRST_RESPONSE_MEASURED] == 0)
			continue;
		assert_who(ledger.rows[i].project_id, "p2");
		assert_who(ledger.rows[i].team_id, "north");
	}
	assert_int_equal(sum_of(&ledger, KPI_FIRST_RESPONSE_MEASURED, "ann", AT(10)), 1);
	assert_who(ledger.opened_project_id, "p1");
	assert_who(ledger.opened_team_id, "north");
}

static void test_L1_not_set_is_the_empty_text(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	const struct ledger ledger = ledger_of(c);
	assert_true(ledger.n_rows > 0);
	assert_true(text_equal(ledger.rows[0].agent_id, TEXT("")));
	assert_true(text_equal(ledger.rows[0].project_id, TEXT("")));
	assert_true(text_equal(ledger.rows[0].team_id, TEXT("")));
}

/* --- L4 --- */

static void test_L4_unknown_has_none(void **state)
{
	struct fold_case *c = *state;
	happens(c, 0, EVENT_ASSIGNED, "ann");
	happens(c, 1, EVENT_REQUESTER_REPLIED, NULL);
	happens(c, 2, EVENT_SURVEY, NULL)->score_micros = 1000000;
	const struct ledger ledger = ledger_of(c);
	for (int measure = 0; measure < LEDGER_N_MEASURES; measure++)
		assert_int_equal(sum_of(&ledger, KPI_N_MEASURES + measure, NULL, TIME_NONE), 0);
	assert_int_equal(sum_of(&ledger, KPI_CSAT_RESPONSES, "ann", AT(2)), 1);
}

static void test_L4_accepted(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "");
	happens(c, 12, EVENT_ASSIGNED, "ann");
	happens(c, 20, EVENT_ASSIGNED, "bob");
	assert_int_equal(own(c, LEDGER_ACCEPTED, "ann", AT(12)), 1);
	assert_int_equal(own(c, LEDGER_ACCEPT_US_SUM, "ann", AT(12)), 12 * MINUTE);
	assert_int_equal(own_all(c, LEDGER_ACCEPTED), 1);
}

static void test_L4_accepted_by_the_opening(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	assert_int_equal(own(c, LEDGER_ACCEPTED, "ann", AT(0)), 1);
	assert_int_equal(own_all(c, LEDGER_ACCEPT_US_SUM), 0);
}

static void test_L4_an_opening_that_a_closing_made_is_not_accepted(void **state)
{
	struct fold_case *c = *state;
	ends(c, 20, EVENT_CLOSED, "ann", RESOLUTION_SOLVED)->times[EVENT_OPENED_AT] = AT(0);
	assert_int_equal(own_all(c, LEDGER_ACCEPTED), 0);
	happens(c, 5, EVENT_ASSIGNED, "ann");
	assert_int_equal(own(c, LEDGER_ACCEPTED, "ann", AT(5)), 1);
}

static void test_L4_not_accepted_after_the_resolution(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	happens(c, 6, EVENT_ASSIGNED, "ann");
	assert_int_equal(own_all(c, LEDGER_ACCEPTED), 0);
}

static void test_L4_first_owned(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	happens(c, 3, EVENT_ASSIGNED, "ann");
	ends(c, 30, EVENT_RESOLVED, "ann", RESOLUTION_SOLVED);
	assert_int_equal(own(c, LEDGER_FIRST_OWNED, "ann", AT(30)), 1);
	assert_int_equal(own(c, LEDGER_FIRST_OWNED_KEPT, "ann", AT(30)), 1);
	assert_int_equal(own(c, LEDGER_FIRST_OWNED_MEASURED, "ann", AT(30)), 1);
	assert_int_equal(own(c, LEDGER_FIRST_OWNED_WITHIN_SLA, "ann", AT(30)), 1);
	happens(c, 29, EVENT_ASSIGNED, "bob");
	happens(c, 30, EVENT_ASSIGNED, "ann");
	assert_int_equal(own(c, LEDGER_FIRST_OWNED, "ann", AT(30)), 1);
	assert_int_equal(own_all(c, LEDGER_FIRST_OWNED_KEPT), 0);
}

static void test_L4_a_transfer_after_the_resolution_keeps_it(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 30, EVENT_RESOLVED, "ann", RESOLUTION_SOLVED);
	happens(c, 31, EVENT_REOPENED, NULL);
	happens(c, 32, EVENT_ASSIGNED, "bob");
	assert_int_equal(own_all(c, LEDGER_FIRST_OWNED_KEPT), 1);
}

static void test_L4_first_owned_needs_an_owner_by_then(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	ends(c, 30, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 31, EVENT_ASSIGNED, "ann");
	assert_int_equal(own_all(c, LEDGER_FIRST_OWNED), 0);
	assert_int_equal(own_all(c, LEDGER_FIRST_OWNED_MEASURED), 0);
	happens(c, 30, EVENT_ASSIGNED, "kim"); /* after the resolution, at its time */
	c->events[c->n - 1].sequence = TEXT("9");
	assert_int_equal(own(c, LEDGER_FIRST_OWNED, "kim", AT(30)), 1);
}

static void test_L4_first_owned_breached_counts_at_the_breach(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 50, EVENT_ASSIGNED, "bob");
	ends(c, 70, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	assert_int_equal(own(c, LEDGER_FIRST_OWNED_MEASURED, "ann", AT(60)), 1);
	assert_int_equal(own_all(c, LEDGER_FIRST_OWNED_WITHIN_SLA), 0);
}

static void test_L4_callback_done(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 30, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	struct ticket_event *survey = happens(c, 30 + 7 * DAY_MINUTES, EVENT_SURVEY, NULL);
	survey->score_micros = 1000000;
	happens(c, 31 + 7 * DAY_MINUTES, EVENT_SURVEY, NULL)->score_micros =
	        1000000; /* counts instead, but came too late */
	assert_int_equal(own(c, LEDGER_CALLBACK_DONE, "bob", AT(30)), 1);
	survey->occurred_us++;
	assert_int_equal(own_all(c, LEDGER_CALLBACK_DONE), 0);
	survey->occurred_us = AT(29); /* before the resolution */
	assert_int_equal(own_all(c, LEDGER_CALLBACK_DONE), 0);
}

static void test_L4_callback_of_its_own_cycle(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 30, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 40, EVENT_REOPENED, NULL);
	happens(c, 41, EVENT_SURVEY, NULL)->score_micros = 1000000;
	ends(c, 50, EVENT_RESOLVED, "eve", RESOLUTION_SOLVED);
	assert_int_equal(own_all(c, LEDGER_CALLBACK_DONE), 0);
	happens(c, 51, EVENT_SURVEY, NULL)->score_micros = 1000000;
	assert_int_equal(own(c, LEDGER_CALLBACK_DONE, "eve", AT(50)), 1);
	assert_int_equal(own_all(c, LEDGER_CALLBACK_DONE), 1);
}

static void test_L4_last_part(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann"); /* response in 10 minutes, resolution in 60 */
	struct ticket_event *response = happens(c, 10, EVENT_RESPONDED, "bob");
	struct ticket_event *resolution = ends(c, 57, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	assert_int_equal(own(c, LEDGER_FIRST_RESPONSE_LAST_PART, "bob", AT(10)), 1);
	assert_int_equal(own(c, LEDGER_RESOLUTION_LAST_PART, "bob", AT(57)),
	                 1); /* 3 of 60 minutes are left: exactly 5 % */
	response->occurred_us = AT(9);
	resolution->occurred_us--;
	assert_int_equal(own_all(c, LEDGER_FIRST_RESPONSE_LAST_PART), 0);
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 0);
	resolution->occurred_us = AT(60) + 1; /* breached */
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 0);
}

static void test_L4_last_part_as_the_clock_runs(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 10, "wait");
	happens(c, 40, EVENT_RESUMED, NULL);
	struct ticket_event *resolution = ends(c, 57, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 0);
	resolution->occurred_us = AT(87);
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 1);
}

static void test_L4_last_part_of_the_whole_when_it_continues(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "2", "ann"); /* resolution in 100 that continues */
	ends(c, 60, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 200, EVENT_REOPENED, NULL);
	struct ticket_event *again = ends(c, 235, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 1); /* 95 of 100 have run */
	again->occurred_us--;
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 0);
}

static void test_L4_last_part_of_a_promise(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann")->times[EVENT_RESOLUTION_DUE_AT] = AT(200);
	struct ticket_event *resolution = ends(c, 190, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 1);
	resolution->occurred_us--;
	assert_int_equal(own_all(c, LEDGER_RESOLUTION_LAST_PART), 0);
}

static void test_L4_requester_replies(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_REQUESTER_REPLIED, NULL);
	happens(c, 2, EVENT_REQUESTER_REPLIED, NULL);
	ends(c, 30, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 31, EVENT_REQUESTER_REPLIED, NULL);
	assert_int_equal(own(c, LEDGER_REQUESTER_REPLIES, "ann", TIME_NONE), 2);
	assert_int_equal(own_all(c, LEDGER_REQUESTER_REPLIES), 2);
}

static void test_L4_parked(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 5, "parts");
	happens(c, 10, EVENT_REQUESTER_REPLIED, NULL);
	pauses(c, 20, "vendor");                        /* the stay is not broken */
	assert_int_equal(own_all(c, LEDGER_PARKED), 0); /* it has not ended */
	struct ticket_event *resumed = happens(c, 40, EVENT_RESUMED, NULL);
	assert_int_equal(own_all(c, LEDGER_PARKED), 0); /* exactly 30 minutes are not more */
	resumed->occurred_us++;
	assert_int_equal(own(c, LEDGER_PARKED, "ann", AT(10)), 1);
}

static void test_L4_a_reply_that_ends_the_pause_is_not_parked(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 5, "wait"); /* resume_on_reply */
	happens(c, 10, EVENT_REQUESTER_REPLIED, NULL);
	happens(c, 90, EVENT_RESUMED, NULL);
	assert_int_equal(own_all(c, LEDGER_PARKED), 0);
}

static void test_L4_eased(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann")->texts[EVENT_CATEGORY] = TEXT("repair");
	struct ticket_event *update = updates(c, 48, "2"); /* resolution from 60 to 100 minutes, at 80 % of 60 */
	happens(c, 5, EVENT_RESPONDED, "ann");
	assert_int_equal(own(c, LEDGER_EASED, "ann", AT(48)),
	                 1); /* the response has stopped, arrival has breached at 30 */
	update->occurred_us--;
	assert_int_equal(own_all(c, LEDGER_EASED), 0);
	update->occurred_us = AT(60) + 1; /* breached by then */
	assert_int_equal(own_all(c, LEDGER_EASED), 0);
	update->occurred_us = AT(60); /* due, and not breached */
	assert_int_equal(own_all(c, LEDGER_EASED), 1);
}

static void test_L4_eased_by_a_target_that_goes_away(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	updates(c, 8, NULL)->texts[EVENT_PRIORITY] = TEXT("3"); /* no target for the response, which had 10 minutes */
	assert_int_equal(own(c, LEDGER_EASED, "ann", AT(8)), 1);
}

static void test_L4_eased_by_a_promise(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "4", "ann")->times[EVENT_RESOLUTION_DUE_AT] = AT(100);
	struct ticket_event *update = updates(c, 80, NULL);
	update->times[EVENT_RESOLUTION_DUE_AT] = AT(101);
	assert_int_equal(own_all(c, LEDGER_EASED), 1);
	update->times[EVENT_RESOLUTION_DUE_AT] = AT(99);
	assert_int_equal(own_all(c, LEDGER_EASED), 0);
}

static void test_L4_eased_needs_known_due_times(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "3", "ann"); /* only resolution in 20, without pauses */
	happens(c, 1, EVENT_RESPONDED, "ann");
	pauses(c, 17, "wait");
	updates(c, 18, "2"); /* resolution in 100, which pauses now: not known */
	assert_int_equal(own_all(c, LEDGER_EASED), 0);
}

static void test_L5_settings(void **state)
{
	struct fold_case *c = *state;
	struct ledger_rules rules = rules_of_the_defaults();
	opens(c, 0, "1", "ann");
	ends(c, 30, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 33, EVENT_SURVEY, NULL)->score_micros = 1000000;
	rules.last_part = LEDGER_WHOLE / 2;
	rules.callback_within_us = 2 * MINUTE;
	const struct ledger ledger = ledger_with(c, &rules);
	assert_int_equal(sum_of(&ledger, KPI_N_MEASURES + LEDGER_RESOLUTION_LAST_PART, "bob", AT(30)), 1);
	assert_int_equal(sum_of(&ledger, KPI_N_MEASURES + LEDGER_CALLBACK_DONE, NULL, TIME_NONE), 0);
}

/* --- L6 --- */

static struct ticket_event *surveys(struct fold_case *c, int64_t minutes, const char *answers, const char *expected)
{
	struct ticket_event *event = happens(c, minutes, EVENT_SURVEY, "ann");
	event->score_micros = 5000000;
	event->texts[EVENT_ANSWERS] = text_of(answers);
	event->texts[EVENT_EXPECTED] = text_of(expected);
	return event;
}

static void test_L6_items(void **state)
{
	struct fold_case *c = *state;
	in_team(opens(c, 0, "1", "ann"), "p1", "north");
	surveys(c, 1, "{\"speed\":1000000}", NULL); /* does not count: a later one of its kind does */
	surveys(c, 7, "{\"speed\":1000000,\"t\\\"one\":4000000}", "{\"other\":1000000,\"speed\":3000000}")
	        ->answers_scale_micros = 3000000;
	const struct ledger ledger = ledger_of(c);
	assert_int_equal(ledger.n_items, 2);
	const struct ledger_item *speed = &ledger.items[0], *tone = &ledger.items[1];
	assert_who(speed->item, "speed");
	assert_who(speed->agent_id, "ann");
	assert_who(speed->project_id, "p1");
	assert_who(speed->team_id, "north");
	assert_int_equal(speed->kind, SURVEY_CSAT);
	assert_time(speed->bucket_us, AT(5));
	assert_int_equal(speed->perceived_micros, 333333);
	assert_true(speed->paired);
	assert_int_equal(speed->gap_micros, -666667);
	assert_who(tone->item, "t\"one");
	assert_int_equal(tone->perceived_micros, 1333333);
	assert_false(tone->paired);
	assert_int_equal(tone->gap_micros, 0);
}

static void test_L6_half_is_rounded_away_from_zero(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	surveys(c, 7, "{\"a\":1,\"b\":3}", "{\"a\":2,\"b\":2}")->answers_scale_micros = 2000000;
	const struct ledger ledger = ledger_of(c);
	assert_int_equal(ledger.items[0].perceived_micros, 1); /* 0.5 millionths */
	assert_int_equal(ledger.items[0].gap_micros, -1);
	assert_int_equal(ledger.items[1].perceived_micros, 2); /* 1.5 */
	assert_int_equal(ledger.items[1].gap_micros, 1);
}

static void test_L6_the_scale_is_that_of_the_survey_by_default(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	surveys(c, 7, "{\"a\":4000000}", NULL);
	assert_int_equal(ledger_of(c).items[0].perceived_micros, 800000);
	c->events[c->n - 1].scale_max_micros = 10000000;
	assert_int_equal(ledger_of(c).items[0].perceived_micros, 400000);
}

/* --- what repeated looks for --- */

static void test_solved_cycles(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 30, EVENT_RESOLVED, "bob", RESOLUTION_UNSOLVED);
	happens(c, 31, EVENT_REOPENED, NULL);
	ends(c, 40, EVENT_RESOLVED, "eve", RESOLUTION_SOLVED);
	const struct ledger ledger = ledger_of(c);
	assert_int_equal(ledger.n_solved, 1);
	assert_int_equal(ledger.solved[0].cycle, 2);
	assert_time(ledger.solved[0].resolved_us, AT(40));
	assert_who(ledger.solved[0].resolver_id, "eve");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        fold_test(test_L2_has_all_measures_of_K),
	        fold_test(test_L3_a_breach_stays_with_the_team_that_had_it),
	        fold_test(test_L1_not_set_is_the_empty_text),
	        fold_test(test_L4_unknown_has_none),
	        fold_test(test_L4_accepted),
	        fold_test(test_L4_accepted_by_the_opening),
	        fold_test(test_L4_an_opening_that_a_closing_made_is_not_accepted),
	        fold_test(test_L4_not_accepted_after_the_resolution),
	        fold_test(test_L4_first_owned),
	        fold_test(test_L4_a_transfer_after_the_resolution_keeps_it),
	        fold_test(test_L4_first_owned_needs_an_owner_by_then),
	        fold_test(test_L4_first_owned_breached_counts_at_the_breach),
	        fold_test(test_L4_callback_done),
	        fold_test(test_L4_callback_of_its_own_cycle),
	        fold_test(test_L4_last_part),
	        fold_test(test_L4_last_part_as_the_clock_runs),
	        fold_test(test_L4_last_part_of_the_whole_when_it_continues),
	        fold_test(test_L4_last_part_of_a_promise),
	        fold_test(test_L4_requester_replies),
	        fold_test(test_L4_parked),
	        fold_test(test_L4_a_reply_that_ends_the_pause_is_not_parked),
	        fold_test(test_L4_eased),
	        fold_test(test_L4_eased_by_a_target_that_goes_away),
	        fold_test(test_L4_eased_by_a_promise),
	        fold_test(test_L4_eased_needs_known_due_times),
	        fold_test(test_L5_settings),
	        fold_test(test_L6_items),
	        fold_test(test_L6_half_is_rounded_away_from_zero),
	        fold_test(test_L6_the_scale_is_that_of_the_survey_by_default),
	        fold_test(test_solved_cycles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
