/* Rules F: the state of one ticket. */
#include "fold_case.h"

static void test_F1_order_of_steps(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	/* All at the same time: by sequence first, then rank. */
	struct ticket_event *assigned = happens(c, 5, EVENT_ASSIGNED, "bob");
	struct ticket_event *responded = happens(c, 5, EVENT_RESPONDED, NULL);
	assert_who(fold(c)->responder_id, "bob"); /* rank: assigned before responded */
	assigned->sequence = TEXT("2");
	responded->sequence = TEXT("1");
	assert_who(fold(c)->responder_id, NULL);
	assert_who(fold(c)->owner_id, "bob");
	assigned->sequence = TEXT("10"); /* as bytes */
	responded->sequence = TEXT("9");
	assert_who(fold(c)->responder_id, "bob");
}

static void test_F1_order_is_total(void **state)
{
	struct fold_case *c = *state;
	static const char *const sequences[] = {"", "1", "2"};
	for (int i = 0; i < 60; i++) {
		struct ticket_event *event = happens(c, rand() % 3, (enum event_type)(rand() % 3), NULL);
		event->sequence = text_of(sequences[rand() % 3]);
		event->source = rand() % 2 ? TEXT("a") : TEXT("b");
	}
	for (size_t i = 0; i < c->n; i++)
		for (size_t j = 0; j < c->n; j++) {
			int order = ticket_event_order(&c->events[i], &c->events[j]);
			assert_true((order == 0) == (i == j));
			assert_true((order < 0) == (ticket_event_order(&c->events[j], &c->events[i]) > 0));
			for (size_t k = 0; k < c->n; k++)
				if (order < 0 && ticket_event_order(&c->events[j], &c->events[k]) < 0)
					assert_true(ticket_event_order(&c->events[i], &c->events[k]) < 0);
		}
}

static void test_F2_opening_goes_first(void **state)
{
	struct fold_case *c = *state;
	happens(c, 1, EVENT_ASSIGNED, "bob");
	happens(c, 2, EVENT_RESPONDED, NULL);
	opens(c, 10, "1", "ann");
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_OPEN);
	assert_time(ticket->opened_us, AT(10));
	assert_who(ticket->first_owner_id, "ann");
	assert_who(ticket->owner_id, "bob");
	assert_int_equal(ticket->transfer_count, 1);
	assert_time(ticket->first_response_us, AT(10)); /* counts as at the opening */
	assert_who(ticket->responder_id, "bob");        /* and keeps its place in the order */
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_US_SUM, NULL, TIME_NONE), 0);
}

static void test_F2_later_opening_is_an_update(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann")->texts[EVENT_CHANNEL] = TEXT("phone");
	ends(c, 10, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	struct ticket_event *again = opens(c, 20, "2", "bob");
	again->texts[EVENT_TEAM_ID] = TEXT("night");
	again->texts[EVENT_CHANNEL] = TEXT("");
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_RESOLVED);
	assert_int_equal(ticket->cycle, 1);
	assert_time(ticket->opened_us, AT(0));
	assert_who(ticket->owner_id, "bob");
	assert_int_equal(ticket->transfer_count, 0); /* after resolution */
	assert_who(ticket->attributes[EVENT_TEAM_ID], "night");
	assert_who(ticket->attributes[EVENT_CHANNEL], NULL);
	assert_who(ticket->policy->name, "normal");
	assert_int_equal(kpi_of(ticket, KPI_OPENED, NULL, TIME_NONE), 1);
	assert_int_equal(kpi_of(ticket, KPI_OPENED, "ann", AT(0)), 1);
}

static void test_F3_closing_yields_response_and_resolution(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 4, EVENT_ASSIGNED, "bob");
	struct ticket_event *closing = ends(c, 90, EVENT_CLOSED, "eve", RESOLUTION_UNSOLVED);
	closing->automatic = TRI_TRUE;
	closing->times[EVENT_FIRST_RESPONSE_AT] = AT(5);
	closing->times[EVENT_RESOLVED_AT] = AT(30);
	const struct ticket *ticket = fold(c);
	assert_time(ticket->first_response_us, AT(5));
	assert_who(ticket->responder_id, "bob"); /* the owner at that time */
	assert_time(ticket->cycles[0].resolved_us, AT(30));
	assert_who(ticket->cycles[0].resolver_id, "eve"); /* the closing's agent */
	assert_int_equal(ticket->cycles[0].resolution, RESOLUTION_UNSOLVED);
	assert_time(ticket->cycles[0].closed_us, AT(90));
	assert_int_equal(kpi_of(ticket, KPI_RESOLVED, "eve", AT(30)), 1); /* not automatic, even if the closing is */
	assert_int_equal(ticket->resolution_verdict, VERDICT_MET);
}

static void test_F3_responder_without_owner_is_the_closings_agent(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	ends(c, 90, EVENT_CLOSED, "eve", RESOLUTION_ABSENT)->times[EVENT_FIRST_RESPONSE_AT] = AT(5);
	assert_who(fold(c)->responder_id, "eve");
}

static void test_F3_times_after_the_closing_are_ignored(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	struct ticket_event *closing = ends(c, 20, EVENT_CLOSED, "eve", RESOLUTION_ABSENT);
	closing->automatic = TRI_TRUE;
	closing->times[EVENT_FIRST_RESPONSE_AT] = AT(20) + 1;
	closing->times[EVENT_RESOLVED_AT] = AT(20) + 1;
	assert_time(fold(c)->first_response_us, TIME_NONE);
	assert_int_equal(kpi_of(fold(c), KPI_RESOLVED, NULL, TIME_NONE), 0);
	closing->times[EVENT_RESOLVED_AT] = AT(20); /* at the closing is not after it */
	assert_int_equal(kpi_of(fold(c), KPI_RESOLVED, "eve", AT(20)), 1);
	assert_who(fold(c)->responder_id, "eve"); /* the resolution is the response */
	closing->times[EVENT_FIRST_RESPONSE_AT] = AT(20);
	assert_who(fold(c)->responder_id, "ann");
}

static void test_F3_closing_opens_if_nothing_else_does(void **state)
{
	struct fold_case *c = *state;
	ends(c, 50, EVENT_CLOSED, "ann", RESOLUTION_ABSENT)->times[EVENT_OPENED_AT] = AT(7);
	ends(c, 60, EVENT_CLOSED, "bob", RESOLUTION_ABSENT)->times[EVENT_OPENED_AT] = AT(3);
	ends(c, 70, EVENT_CLOSED, "eve", RESOLUTION_ABSENT)->times[EVENT_OPENED_AT] = AT(3);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_CLOSED);
	assert_time(ticket->opened_us, AT(3));
	assert_who(ticket->first_owner_id, "bob"); /* the earliest, then by F1 */
	assert_who(ticket->cycles[0].closer_id, "ann");
	assert_time(ticket->cycles[0].closed_us, AT(50));
	assert_int_equal(kpi_of(ticket, KPI_OPENED, "bob", AT(3)), 1);
	opens(c, 40, NULL, "kim");
	assert_time(fold(c)->opened_us, AT(40));
}

static void test_F4_no_opening(void **state)
{
	struct fold_case *c = *state;
	happens(c, 1, EVENT_ASSIGNED, "ann")->texts[EVENT_TEAM_ID] = TEXT("night");
	happens(c, 2, EVENT_ASSIGNED, "bob");
	happens(c, 3, EVENT_RESPONDED, NULL);
	pauses(c, 3, "wait");
	ends(c, 4, EVENT_RESOLVED, "ann", RESOLUTION_SOLVED);
	ends(c, 5, EVENT_CLOSED, "ann", RESOLUTION_SOLVED)->times[EVENT_RESOLVED_AT] = AT(3);
	happens(c, 6, EVENT_REOPENED, NULL);
	happens(c, 7, EVENT_SURVEY, NULL)->score_micros = 5000000;
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_UNKNOWN);
	assert_int_equal(ticket->cycle, 0);
	assert_int_equal(ticket->n_clocks, 0);
	assert_int_equal(ticket->transfer_count, 0);
	assert_time(ticket->opened_us, TIME_NONE);
	assert_null(ticket->revision);
	assert_who(ticket->owner_id, "bob");
	assert_who(ticket->attributes[EVENT_TEAM_ID], "night");
	assert_int_equal(ticket->n_kpis, 3); /* responses, satisfied, score */
	assert_int_equal(kpi_of(ticket, KPI_CSAT_RESPONSES, "bob", AT(7)), 1);
	assert_int_equal(fold_as_of(c, LATER)->csat_scale_micros, 5000000);
}

static void test_F5_the_latest_attributes_count(void **state)
{
	struct fold_case *c = *state;
	struct ticket_event *opened = opens(c, 0, "1", "ann");
	opened->texts[EVENT_CATEGORY] = TEXT("lift");
	opened->texts[EVENT_REQUESTER_REF] = TEXT("r");
	updates(c, 1, NULL)->texts[EVENT_CATEGORY] = TEXT("door");
	updates(c, 2, "");
	const struct ticket *ticket = fold(c);
	assert_who(ticket->attributes[EVENT_CATEGORY], "door");
	assert_who(ticket->attributes[EVENT_PRIORITY], NULL);
	assert_who(ticket->attributes[EVENT_REQUESTER_REF], "r");
	assert_null(ticket->policy);
}

static void test_F5_nobody(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_ASSIGNED, NULL)->texts[EVENT_TEAM_ID] = TEXT("night");
	assert_who(fold(c)->owner_id, "ann"); /* absent changes nothing */
	happens(c, 2, EVENT_ASSIGNED, "");
	assert_who(fold(c)->owner_id, NULL);
	happens(c, 3, EVENT_RESPONDED, ""); /* in other events as if absent: the owner at that time */
	assert_who(fold(c)->responder_id, NULL);
}

static void test_F6_transfers(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	happens(c, 1, EVENT_ASSIGNED, "ann"); /* nobody owned it before */
	happens(c, 2, EVENT_ASSIGNED, "ann");
	happens(c, 3, EVENT_ASSIGNED, "bob"); /* one */
	happens(c, 4, EVENT_ASSIGNED, "");
	happens(c, 5, EVENT_ASSIGNED, "bob"); /* back to the same */
	happens(c, 6, EVENT_ASSIGNED, "");
	pauses(c, 10, NULL);
	happens(c, 11, EVENT_ASSIGNED, "eve"); /* two, by way of nobody */
	ends(c, 12, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	happens(c, 13, EVENT_ASSIGNED, "kim"); /* after resolution: the owner changes, no transfer */
	happens(c, 14, EVENT_REOPENED, NULL);
	happens(c, 15, EVENT_ASSIGNED, "eve"); /* three, from kim */
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->transfer_count, 3);
	assert_who(ticket->first_owner_id, "ann");
	assert_who(ticket->owner_id, "eve");
	assert_int_equal(kpi_of(ticket, KPI_TRANSFERRED_OUT, "ann", AT(3)), 1);
	assert_int_equal(kpi_of(ticket, KPI_TRANSFERRED_OUT, "bob", AT(11)), 1);
	assert_int_equal(kpi_of(ticket, KPI_TRANSFERRED_OUT, "kim", AT(15)), 1);
	assert_int_equal(kpi_of(ticket, KPI_TRANSFERRED_OUT, NULL, TIME_NONE), 3);
}

static void test_F7_first_response(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESPONDED, "bot")->automatic = TRI_TRUE;
	assert_time(fold(c)->first_response_us, TIME_NONE);
	happens(c, 2, EVENT_RESPONDED, NULL)->automatic = TRI_FALSE;
	happens(c, 3, EVENT_RESPONDED, "bob");
	assert_time(fold(c)->first_response_us, AT(2));
	assert_who(fold(c)->responder_id, "ann");
}

static void test_F7_not_after_resolution(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 1, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED);
	happens(c, 2, EVENT_RESPONDED, NULL);
	assert_time(fold(c)->first_response_us, TIME_NONE);
}

static void test_F8_arrival(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 1, NULL);
	happens(c, 2, EVENT_ARRIVED, NULL);
	happens(c, 3, EVENT_ARRIVED, "bob");
	const struct ticket *ticket = fold(c);
	assert_time(ticket->arrived_us, AT(2));
	assert_who(ticket->arrived_by_id, "ann");
	assert_int_equal(kpi_of(ticket, KPI_ARRIVAL_WITHIN_SLA, "ann", AT(2)), 1);
}

static void test_F9_pauses(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESUMED, NULL);
	assert_int_equal(fold(c)->state, TICKET_OPEN);
	pauses(c, 10, "wait");
	assert_int_equal(fold(c)->state, TICKET_PAUSED);
	pauses(c, 20, "parts"); /* does not pause the clock: it runs on from 20 */
	assert_time(clock_of(fold(c), TARGET_RESOLUTION, 1)->due_us, AT(70));
	pauses(c, 25, "parts");
	pauses(c, 30, NULL); /* pauses it again */
	assert_time(clock_of(fold_as_of(c, AT(31)), TARGET_RESOLUTION, 1)->due_us, TIME_NONE);
	happens(c, 50, EVENT_RESUMED, NULL);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_OPEN);
	assert_time(clock_of(ticket, TARGET_RESOLUTION, 1)->due_us, AT(60 + 10 + 20));
}

static void test_F9_reply_resumes_only_listed_reasons(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 1, "parts");
	happens(c, 2, EVENT_REQUESTER_REPLIED, NULL);
	assert_int_equal(fold(c)->state, TICKET_PAUSED);
	pauses(c, 3, "wait");
	happens(c, 4, EVENT_REQUESTER_REPLIED, NULL);
	assert_int_equal(fold(c)->state, TICKET_OPEN);
}

static void test_F10_resolution_is_a_response(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	pauses(c, 2, "parts");
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_ABSENT);
	ends(c, 6, EVENT_RESOLVED, "bob", RESOLUTION_UNSOLVED);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_RESOLVED);
	assert_int_equal(ticket->cycles[0].resolution, RESOLUTION_SOLVED);
	assert_time(ticket->cycles[0].resolved_us, AT(5));
	assert_who(ticket->cycles[0].resolver_id, "ann");
	assert_time(ticket->first_response_us, AT(5));
	assert_int_equal(ticket->first_response_verdict, VERDICT_MET);
}

static void test_F10_cancelled_is_no_response(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_CANCELLED);
	const struct ticket *ticket = fold(c);
	assert_time(ticket->first_response_us, TIME_NONE);
	assert_int_equal(ticket->first_response_verdict, VERDICT_NONE);
	assert_int_equal(ticket->resolution_verdict, VERDICT_NONE);
	assert_int_equal(kpi_of(ticket, KPI_RESOLVED, NULL, TIME_NONE), 0);
}

static void test_F11_closing(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 5, EVENT_CLOSED, "bob", RESOLUTION_ABSENT);
	ends(c, 6, EVENT_CLOSED, "eve", RESOLUTION_UNSOLVED);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_CLOSED);
	assert_who(ticket->cycles[0].closer_id, "bob");
	assert_who(ticket->cycles[0].resolver_id, "bob");
	assert_time(ticket->cycles[0].closed_us, AT(5));
	assert_who(ticket->responder_id, "bob");
	assert_int_equal(kpi_of(ticket, KPI_CLOSED, NULL, TIME_NONE), 1);
}

static void test_F11_closing_after_resolution_keeps_the_resolution(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 5, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	ends(c, 9, EVENT_CLOSED, "bob", RESOLUTION_CANCELLED)->automatic = TRI_TRUE;
	const struct ticket_cycle *cycle = &fold(c)->cycles[0];
	assert_int_equal(cycle->resolution, RESOLUTION_SOLVED);
	assert_time(cycle->resolved_us, AT(5));
	assert_time(cycle->closed_us, AT(9));
	assert_who(cycle->closer_id, "bob");
}

static void test_F11_automatic_closing_without_a_response(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 5, EVENT_CLOSED, NULL, RESOLUTION_SOLVED)->automatic = TRI_TRUE;
	const struct ticket *ticket = fold(c);
	assert_time(ticket->first_response_us, TIME_NONE);
	assert_time(ticket->cycles[0].resolved_us, AT(5));
	assert_who(ticket->cycles[0].resolver_id, "ann");
	assert_int_equal(kpi_of(ticket, KPI_RESOLVED, NULL, TIME_NONE), 0);
	assert_int_equal(kpi_of(ticket, KPI_FCR_ELIGIBLE, NULL, TIME_NONE), 0);
	assert_int_equal(kpi_of(ticket, KPI_CLOSED, "ann", AT(5)), 1);
	assert_int_equal(ticket->resolution_verdict, VERDICT_NONE);
}

static void test_F11_automatic_closing_after_a_response(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESPONDED, NULL);
	happens(c, 2, EVENT_REQUESTER_REPLIED, NULL);
	ends(c, 5, EVENT_CLOSED, NULL, RESOLUTION_SOLVED)->automatic = TRI_TRUE;
	const struct ticket *ticket = fold(c);
	assert_int_equal(kpi_of(ticket, KPI_RESOLVED, "ann", AT(5)), 1);
	assert_int_equal(ticket->resolution_verdict, VERDICT_MET);
	assert_int_equal(clock_of(ticket, TARGET_NEXT_RESPONSE, 1)->verdict, VERDICT_NONE); /* not a response */
}

static void test_F12_reopening(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_REOPENED, NULL);
	assert_int_equal(fold(c)->cycle, 1);
	ends(c, 5, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 6, EVENT_REOPENED, NULL);
	ends(c, 7, EVENT_CLOSED, "eve", RESOLUTION_SOLVED);
	happens(c, 8, EVENT_REOPENED, NULL);
	const struct ticket *ticket = fold(c);
	assert_int_equal(ticket->state, TICKET_OPEN);
	assert_int_equal(ticket->cycle, 3);
	assert_int_equal(ticket->n_cycles, 3);
	assert_int_equal(ticket->reopen_count, 2);
	assert_time(ticket->cycles[2].started_us, AT(8));
	assert_time(ticket->cycles[2].resolved_us, TIME_NONE);
	assert_int_equal(kpi_of(ticket, KPI_REOPENED, "bob", AT(6)), 1);
	assert_int_equal(kpi_of(ticket, KPI_REOPENED, "eve", AT(8)), 1);
}

static void test_F13_next_response(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_REQUESTER_REPLIED, NULL); /* no response yet */
	happens(c, 2, EVENT_RESPONDED, NULL);
	happens(c, 3, EVENT_REQUESTER_REPLIED, NULL);
	happens(c, 4, EVENT_REQUESTER_REPLIED, NULL); /* one already runs */
	happens(c, 5, EVENT_RESPONDED, "bot")->automatic = TRI_TRUE;
	happens(c, 24, EVENT_RESPONDED, "bob"); /* due at 23 */
	pauses(c, 30, "parts");
	happens(c, 31, EVENT_REQUESTER_REPLIED, NULL);
	ends(c, 32, EVENT_RESOLVED, "eve", RESOLUTION_SOLVED);
	happens(c, 33, EVENT_REQUESTER_REPLIED, NULL); /* while resolved, too long before the reopening */
	happens(c, 35, EVENT_REOPENED, NULL);
	happens(c, 35, EVENT_REQUESTER_REPLIED, NULL);
	const struct ticket *ticket = fold_as_of(c, AT(36));
	const struct sla_clock *first = clock_of(ticket, TARGET_NEXT_RESPONSE, 1);
	assert_time(first->start_us, AT(3));
	assert_int_equal(first->verdict, VERDICT_BREACHED);
	assert_time(first->stopped_us, AT(24));
	const struct sla_clock *second = clock_of(ticket, TARGET_NEXT_RESPONSE, 2);
	assert_time(second->start_us, AT(31));
	assert_int_equal(second->verdict, VERDICT_MET);
	assert_who(second->agent_id, "eve");
	const struct sla_clock *third = clock_of(ticket, TARGET_NEXT_RESPONSE, 3);
	assert_int_equal(third->verdict, VERDICT_PENDING);
	assert_int_equal(third->cycle, 2);
	assert_time(third->fires_us, AT(55));
	assert_null(clock_of(ticket, TARGET_NEXT_RESPONSE, 4));
}

static void test_F13_a_reply_that_reopens(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESPONDED, NULL);
	ends(c, 2, EVENT_CLOSED, "ann", RESOLUTION_SOLVED);
	happens(c, 3, EVENT_REQUESTER_REPLIED, NULL);
	happens(c, 4, EVENT_REOPENED, NULL); /* 60 s later */
	const struct sla_clock *clock = clock_of(fold_as_of(c, AT(5)), TARGET_NEXT_RESPONSE, 1);
	assert_non_null(clock);
	assert_time(clock->start_us, AT(4));
	assert_int_equal(clock->cycle, 2);
	assert_int_equal(clock->verdict, VERDICT_PENDING);
}

static void test_F13_a_reply_long_before_the_reopening(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESPONDED, NULL);
	ends(c, 2, EVENT_CLOSED, "ann", RESOLUTION_SOLVED);
	happens(c, 3, EVENT_REQUESTER_REPLIED, NULL)->occurred_us--;
	happens(c, 4, EVENT_REOPENED, NULL);
	ends(c, 5, EVENT_CLOSED, "ann", RESOLUTION_SOLVED);
	happens(c, 6, EVENT_REOPENED, NULL); /* no reply in between */
	assert_null(clock_of(fold_as_of(c, AT(7)), TARGET_NEXT_RESPONSE, 1));
}

static void test_F13_a_reply_that_reopens_what_nobody_answered(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 2, EVENT_RESOLVED, "ann", RESOLUTION_CANCELLED);
	happens(c, 3, EVENT_REQUESTER_REPLIED, NULL);
	happens(c, 3, EVENT_REOPENED, NULL);
	assert_null(clock_of(fold_as_of(c, AT(7)), TARGET_NEXT_RESPONSE, 1));
}

static struct ticket_event *surveyed(struct fold_case *c, int64_t minutes, enum survey_kind kind, int64_t micros)
{
	struct ticket_event *event = happens(c, minutes, EVENT_SURVEY, NULL);
	event->kind = (uint8_t)kind;
	event->score_micros = micros;
	return event;
}

static void test_F14_last_survey_of_a_kind_in_a_cycle(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	surveyed(c, 1, SURVEY_KIND_ABSENT, 1000000);
	surveyed(c, 2, SURVEY_CSAT, 2000000);
	surveyed(c, 2, SURVEY_NPS, 9000000);
	ends(c, 5, EVENT_RESOLVED, "bob", RESOLUTION_SOLVED);
	happens(c, 6, EVENT_REOPENED, NULL);
	surveyed(c, 7, SURVEY_CSAT, 3000000); /* of cycle 2 */
	ends(c, 8, EVENT_CLOSED, "", RESOLUTION_SOLVED);
	happens(c, 9, EVENT_ASSIGNED, "kim");
	surveyed(c, 20, SURVEY_CES, 7000000);
	surveyed(c, 20, SURVEY_CES, 3500000)->texts[EVENT_AGENT_ID] = TEXT("zoe");
	const struct ticket *ticket = fold(c);
	assert_int_equal(kpi_of(ticket, KPI_CSAT_RESPONSES, NULL, TIME_NONE), 2);
	assert_int_equal(kpi_of(ticket, KPI_CSAT_SCORE_MICROS_SUM, "ann", AT(2)), 400000);
	assert_int_equal(kpi_of(ticket, KPI_CSAT_SCORE_MICROS_SUM, "bob", AT(7)), 600000);
	assert_int_equal(kpi_of(ticket, KPI_NPS_PROMOTERS, "ann", AT(2)), 1);
	assert_int_equal(kpi_of(ticket, KPI_CES_RESPONSES, NULL, TIME_NONE), 1);
	assert_int_equal(kpi_of(ticket, KPI_CES_SCORE_MICROS_SUM, "zoe", AT(20)), 500000);
	assert_int_equal(ticket->csat_score_micros, 3000000);
}

static void test_F15_current_cycle(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 70, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	happens(c, 80, EVENT_REOPENED, NULL);
	const struct ticket *ticket = fold_as_of(c, AT(90));
	assert_int_equal(ticket->resolution_verdict, VERDICT_PENDING);
	assert_time(ticket->resolution_due_us, AT(140));
	assert_int_equal(ticket->cycles[0].verdict, VERDICT_BREACHED);
	assert_time(ticket->cycles[0].due_us, AT(60));
	assert_time(ticket->cycles[1].due_us, AT(140));
	assert_int_equal(ticket->first_response_verdict, VERDICT_BREACHED);
	assert_time(ticket->first_response_due_us, AT(10));
}

static void test_revision_is_pinned_while_the_opening_stays(void **state)
{
	struct fold_case *c = *state;
	struct policy_revision other = c->revision;
	other.id = TEXT("other");
	opens(c, 0, "1", "ann");
	struct fold_pin pin = {&other, AT(0)};
	c->pin = &pin;
	assert_ptr_equal(fold(c)->revision, &other);
	pin.revision = NULL;
	assert_null(fold(c)->revision);
	assert_int_equal(fold(c)->n_clocks, 0);
	pin.opened_us = AT(1);
	assert_ptr_equal(fold(c)->revision, &c->revision);
	pin.opened_us = TIME_NONE;
	assert_ptr_equal(fold(c)->revision, &c->revision);
	c->pin = NULL;
	c->revision.effective_from_us = AT(1);
	assert_null(fold(c)->revision);
}

/* --- the observer --- */

struct observed {
	size_t n, n_announced;
	char lines[1024];
};

static void note_number(void *context, size_t n_steps)
{
	((struct observed *)context)->n_announced = n_steps;
}

static void write_down(void *context, const struct ticket_event *event, int64_t effective_us, bool derived,
                       const char *effect, const struct ticket *after)
{
	struct observed *observed = context;
	observed->n++;
	size_t len = strlen(observed->lines);
	snprintf(observed->lines + len, sizeof(observed->lines) - len, "%d %s%s: %s [%s]\n",
	         (int)((effective_us - T0) / MINUTE), derived ? "+" : "", event_type_name(event->type), effect,
	         ticket_state_name(after->state));
}

static void test_observer_sees_each_step(void **state)
{
	struct fold_case *c = *state;
	struct observed observed = {0, 0, ""};
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESUMED, NULL);
	happens(c, 4, EVENT_ASSIGNED, "bob");
	happens(c, 6, EVENT_ASSIGNED, "bob");
	happens(c, 7, EVENT_REQUESTER_REPLIED, NULL);
	struct ticket_event *closing = ends(c, 20, EVENT_CLOSED, "eve", RESOLUTION_UNSOLVED);
	closing->times[EVENT_FIRST_RESPONSE_AT] = AT(5);
	ends(c, 21, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	fold_watched(c, LATER, &(struct fold_observer){true, note_number, NULL, write_down, &observed});
	assert_string_equal(observed.lines,
	                    "0 ticket.opened: opened; assigned to ann; priority is 1; policy is urgent [open]\n"
	                    "1 ticket.resumed: no effect: the ticket is open [open]\n"
	                    "4 ticket.assigned: transfer from ann to bob [open]\n"
	                    "5 +ticket.responded: first response, by bob [open]\n"
	                    "6 ticket.assigned: no effect: nothing changes [open]\n"
	                    "7 ticket.requester_replied: the requester waits for the next response [open]\n"
	                    "20 ticket.closed: resolved by eve as unsolved; ends the wait for the next response; "
	                    "closed by eve [closed]\n"
	                    "21 ticket.resolved: no effect: already closed [closed]\n");
	assert_int_equal(observed.n_announced, observed.n);
}

/* --- any order of arrival --- */

static struct text one_of(const char *const *words, size_t n)
{
	size_t i = (size_t)rand() % (n + 1);
	return i == n ? TEXT_ABSENT : text_of(words[i]);
}

static void fill_at_random(struct fold_case *c, struct ticket_event *event)
{
	static const char *const agents[] = {"", "ann", "bob", "eve"}, *const reasons[] = {"", "wait", "parts"};
	static const char *const priorities[] = {"", "1", "2", "3"}, *const sequences[] = {"1", "2"};
	event->occurred_us = AT(rand() % 40);
	if (rand() % 3 == 0)
		event->sequence = text_of(sequences[rand() % 2]);
	event->texts[EVENT_AGENT_ID] = one_of(agents, 4);
	if (event->type == EVENT_OPENED || event->type == EVENT_UPDATED) {
		event->texts[EVENT_PRIORITY] = one_of(priorities, 4);
		if (rand() % 4 == 0)
			event->times[EVENT_RESOLUTION_DUE_AT] = AT(rand() % 80);
	}
	event->texts[EVENT_REASON] = one_of(reasons, 3);
	event->resolution = (uint8_t)(rand() % 5);
	event->automatic = (uint8_t)(rand() % 3);
	if (event->type == EVENT_SURVEY)
		event->score_micros = rand() % 5000001;
	if (event->type == EVENT_CLOSED && rand() % 2)
		event->times[EVENT_FIRST_RESPONSE_AT] = AT(rand() % 40);
	if (event->type == EVENT_CLOSED && rand() % 2)
		event->times[EVENT_RESOLVED_AT] = AT(rand() % 40);
	event->source_offset = (int64_t)c->n;
}

/* All visible state of a folded ticket, as bytes that do not depend on memory addresses. */
static void print_text(FILE *out, struct text t)
{
	fprintf(out, "%u:%.*s,", t.len, (int)t.len, t.ptr == NULL ? "" : t.ptr);
}

static void print_ticket(FILE *out, const struct ticket *t)
{
	fprintf(out, "%d %u %u %u %jd %jd %jd %jd %jd %d %d %jd\n", (int)t->state, t->cycle, t->reopen_count,
	        t->transfer_count, (intmax_t)t->opened_us, (intmax_t)t->first_response_us, (intmax_t)t->arrived_us,
	        (intmax_t)t->first_response_due_us, (intmax_t)t->resolution_due_us, (int)t->first_response_verdict,
	        (int)t->resolution_verdict, (intmax_t)t->csat_score_micros);
	const struct text who[] = {t->owner_id, t->first_owner_id, t->responder_id, t->arrived_by_id};
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++)
		print_text(out, who[i]);
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++)
		print_text(out, t->attributes[i]);
	for (size_t i = 0; i < t->n_cycles; i++) {
		const struct ticket_cycle *cycle = &t->cycles[i];
		fprintf(out, "\ncycle %u %jd %jd %jd %d %jd %d ", cycle->cycle, (intmax_t)cycle->started_us,
		        (intmax_t)cycle->resolved_us, (intmax_t)cycle->closed_us, (int)cycle->resolution,
		        (intmax_t)cycle->due_us, (int)cycle->verdict);
		print_text(out, cycle->resolver_id);
		print_text(out, cycle->closer_id);
	}
	for (size_t i = 0; i < t->n_clocks; i++) {
		const struct sla_clock *clock = &t->clocks[i];
		fprintf(out, "\nclock %d %u %u %d %d %d %d %d %jd %jd %jd %jd %jd %jd %jd %jd ", (int)clock->target,
		        clock->n, clock->cycle, (int)clock->verdict, clock->promised, clock->stopped, clock->paused,
		        (int)clock->cause, (intmax_t)clock->start_us, (intmax_t)clock->within_us,
		        (intmax_t)clock->due_us, (intmax_t)clock->stopped_us, (intmax_t)clock->breached_us,
		        (intmax_t)clock->fires_us, (intmax_t)clock->left_us, (intmax_t)clock->evidence_offset);
		print_text(out, clock->agent_id);
		print_text(out, clock->owner_at_breach);
		print_text(out, clock->policy == NULL ? TEXT_ABSENT : clock->policy->name);
	}
	for (size_t i = 0; i < t->n_kpis; i++) {
		fprintf(out, "\nkpi %d %jd %jd ", (int)t->kpis[i].measure, (intmax_t)t->kpis[i].bucket_us,
		        (intmax_t)t->kpis[i].value);
		print_text(out, t->kpis[i].agent_id);
	}
}

static char *printed(const struct ticket *ticket)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);
	assert_non_null(out);
	print_ticket(out, ticket);
	fclose(out);
	return bytes;
}

/* Inserts events in order of arrival: sorted by F1, each identity once. */
static size_t take(const struct ticket_event **sorted, size_t n, const struct ticket_event *event)
{
	size_t at = 0;
	while (at < n && ticket_event_order(sorted[at], event) < 0)
		at++;
	if (at < n && ticket_event_order(sorted[at], event) == 0)
		return n;
	memmove(sorted + at + 1, sorted + at, (n - at) * sizeof(*sorted));
	sorted[at] = event;
	return n + 1;
}

static void test_any_order_of_arrival_with_duplicates(void **state)
{
	struct fold_case *c = *state;
	srand(20260101);
	for (int round = 0; round < 400; round++) {
		c->n = 0;
		arena_clear(&c->arena, 1 << 20);
		size_t n = 1 + (size_t)rand() % 20;
		for (size_t i = 0; i < n; i++)
			fill_at_random(
			        c,
			        happens(c, 0, i == 0 ? EVENT_OPENED : (enum event_type)(rand() % EVENT_N_TYPES), NULL));
		char *expected = printed(fold_as_of(c, AT(45)));
		for (int permutation = 0; permutation < 20; permutation++) {
			const struct ticket_event *sorted[FOLD_CASE_EVENTS];
			bool taken[FOLD_CASE_EVENTS] = {false};
			size_t n_sorted = 0, n_taken = 0;
			while (n_taken < n) {
				size_t i = (size_t)rand() % n; /* also the accepted ones: duplicates */
				n_taken += !taken[i];
				taken[i] = true;
				n_sorted = take(sorted, n_sorted, &c->events[i]);
			}
			struct ticket ticket;
			ticket_fold(sorted, n_sorted, &c->rules, NULL, AT(45), NULL, &c->arena, &ticket);
			char *actual = printed(&ticket);
			assert_string_equal(actual, expected);
			free(actual);
		}
		free(expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        fold_test(test_F1_order_of_steps),
	        fold_test(test_F1_order_is_total),
	        fold_test(test_F2_opening_goes_first),
	        fold_test(test_F2_later_opening_is_an_update),
	        fold_test(test_F3_closing_yields_response_and_resolution),
	        fold_test(test_F3_responder_without_owner_is_the_closings_agent),
	        fold_test(test_F3_times_after_the_closing_are_ignored),
	        fold_test(test_F3_closing_opens_if_nothing_else_does),
	        fold_test(test_F4_no_opening),
	        fold_test(test_F5_the_latest_attributes_count),
	        fold_test(test_F5_nobody),
	        fold_test(test_F6_transfers),
	        fold_test(test_F7_first_response),
	        fold_test(test_F7_not_after_resolution),
	        fold_test(test_F8_arrival),
	        fold_test(test_F9_pauses),
	        fold_test(test_F9_reply_resumes_only_listed_reasons),
	        fold_test(test_F10_resolution_is_a_response),
	        fold_test(test_F10_cancelled_is_no_response),
	        fold_test(test_F11_closing),
	        fold_test(test_F11_closing_after_resolution_keeps_the_resolution),
	        fold_test(test_F11_automatic_closing_without_a_response),
	        fold_test(test_F11_automatic_closing_after_a_response),
	        fold_test(test_F12_reopening),
	        fold_test(test_F13_next_response),
	        fold_test(test_F13_a_reply_that_reopens),
	        fold_test(test_F13_a_reply_long_before_the_reopening),
	        fold_test(test_F13_a_reply_that_reopens_what_nobody_answered),
	        fold_test(test_F14_last_survey_of_a_kind_in_a_cycle),
	        fold_test(test_F15_current_cycle),
	        fold_test(test_revision_is_pinned_while_the_opening_stays),
	        fold_test(test_observer_sees_each_step),
	        fold_test(test_any_order_of_arrival_with_duplicates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
