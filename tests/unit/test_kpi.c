/* Rules K: the contributions of a ticket, by agent and bucket. */
#include "fold_case.h"

static void test_K_names_are_all_different(void **state)
{
	(void)state;
	for (int i = 0; i < KPI_N_MEASURES; i++) {
		assert_non_null(kpi_measure_name((enum kpi_measure)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(kpi_measure_name((enum kpi_measure)i),
			                        kpi_measure_name((enum kpi_measure)j));
	}
}

static bool ends_with(const char *name, const char *ending)
{
	size_t len = strlen(name), ending_len = strlen(ending);
	return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}

static void test_K1_names_show_the_unit(void **state)
{
	int n_times = 0;
	(void)state;
	for (int i = 0; i < KPI_N_MEASURES; i++) {
		enum kpi_measure measure = (enum kpi_measure)i;
		const char *name = kpi_measure_name(measure);
		bool is_time = ends_with(name, "_us_sum");
		assert_int_equal(kpi_measure_unit(measure), is_time                          ? KPI_MICROSECONDS
		                                            : ends_with(name, "_micros_sum") ? KPI_MILLIONTHS
		                                                                             : KPI_COUNT);
		assert_int_equal(kpi_measure_time(measure), is_time ? n_times : -1);
		n_times += is_time;
	}
	assert_int_equal(n_times, KPI_N_TIMES);
}

static void test_K_opened(void **state)
{
	struct fold_case *c = *state;
	opens(c, 4, "1", NULL);
	happens(c, 4, EVENT_ASSIGNED, "ann");
	assert_int_equal(kpi_of(fold(c), KPI_OPENED, "", AT(0)), 1); /* by nobody, in the bucket of 0..5 */
	assert_int_equal(kpi_of(fold(c), KPI_OPENED, NULL, TIME_NONE), 1);
}

static void test_K_first_response_met(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 7, EVENT_RESPONDED, "bob");
	const struct ticket *ticket = fold(c);
	assert_int_equal(kpi_of(ticket, KPI_RESPONDED, "bob", AT(7)), 1);
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_US_SUM, "bob", AT(7)), 7 * MINUTE);
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_MEASURED, "bob", AT(7)), 1);
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_WITHIN_SLA, "bob", AT(7)), 1);
}

static void test_K_first_response_breached_counts_for_the_owner_then(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 10, EVENT_ASSIGNED, "eve"); /* at the breach itself */
	happens(c, 11, EVENT_ASSIGNED, "kim");
	happens(c, 17, EVENT_RESPONDED, "bob");
	const struct ticket *ticket = fold(c);
	assert_int_equal(kpi_of(ticket, KPI_RESPONDED, "bob", AT(17)), 1);
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_MEASURED, "eve", AT(10)), 1);
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_MEASURED, NULL, TIME_NONE), 1);
	assert_int_equal(kpi_of(ticket, KPI_FIRST_RESPONSE_WITHIN_SLA, NULL, TIME_NONE), 0);
}

static void test_K_breached_while_nobody_owned_it(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	assert_int_equal(kpi_of(fold(c), KPI_FIRST_RESPONSE_MEASURED, "", AT(10)), 1);
	happens(c, 5, EVENT_ASSIGNED, "ann");
	happens(c, 6, EVENT_ASSIGNED, "");
	assert_int_equal(kpi_of(fold(c), KPI_FIRST_RESPONSE_MEASURED, "", AT(10)), 1);
}

static void test_K_resolution_per_cycle(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 61, EVENT_RESOLVED, "bob", RESOLUTION_UNSOLVED);
	happens(c, 70, EVENT_REOPENED, NULL);
	ends(c, 83, EVENT_RESOLVED, "eve", RESOLUTION_SOLVED);
	happens(c, 90, EVENT_REOPENED, NULL);
	ends(c, 95, EVENT_RESOLVED, "eve", RESOLUTION_DUPLICATE);
	const struct ticket *ticket = fold(c);
	assert_int_equal(kpi_of(ticket, KPI_RESOLVED, "bob", AT(61)), 1);
	assert_int_equal(kpi_of(ticket, KPI_RESOLUTION_US_SUM, "bob", AT(61)), 61 * MINUTE);
	assert_int_equal(kpi_of(ticket, KPI_RESOLUTION_MEASURED, "ann", AT(60)), 1); /* breached: owner then */
	assert_int_equal(kpi_of(ticket, KPI_RESOLVED, "eve", AT(83)), 1);
	assert_int_equal(kpi_of(ticket, KPI_RESOLUTION_US_SUM, "eve", AT(83)), 13 * MINUTE);
	assert_int_equal(kpi_of(ticket, KPI_RESOLUTION_WITHIN_SLA, "eve", AT(83)), 1);
	assert_int_equal(kpi_of(ticket, KPI_RESOLVED, NULL, TIME_NONE), 2);
	assert_int_equal(kpi_of(ticket, KPI_RESOLUTION_MEASURED, NULL, TIME_NONE), 2);
}

static void test_K_next_response(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	happens(c, 1, EVENT_RESPONDED, NULL);
	happens(c, 2, EVENT_REQUESTER_REPLIED, NULL);
	happens(c, 22, EVENT_RESPONDED, "bob");
	happens(c, 30, EVENT_REQUESTER_REPLIED, NULL);
	const struct ticket *ticket = fold(c);
	assert_int_equal(kpi_of(ticket, KPI_NEXT_RESPONSE_MEASURED, "bob", AT(22)), 1);
	assert_int_equal(kpi_of(ticket, KPI_NEXT_RESPONSE_WITHIN_SLA, "bob", AT(22)), 1);
	assert_int_equal(kpi_of(ticket, KPI_NEXT_RESPONSE_MEASURED, "ann", AT(50)), 1);
	assert_int_equal(kpi_of(ticket, KPI_NEXT_RESPONSE_WITHIN_SLA, NULL, TIME_NONE), 1);
}

static int64_t fcr_of(struct fold_case *c, enum kpi_measure measure)
{
	return kpi_of(fold(c), measure, "ann", AT(20));
}

static void test_K_fcr(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "kim");
	happens(c, 1, EVENT_ASSIGNED, "bob"); /* before the first response */
	happens(c, 2, EVENT_RESPONDED, NULL);
	struct ticket_event *resolved = ends(c, 20, EVENT_RESOLVED, "ann", RESOLUTION_SOLVED);
	happens(c, 21, EVENT_ASSIGNED, "kim"); /* after the resolution */
	assert_int_equal(fcr_of(c, KPI_FCR_ELIGIBLE), 1);
	assert_int_equal(fcr_of(c, KPI_FCR_RESOLVED), 1);
	resolved->resolution = RESOLUTION_UNSOLVED;
	assert_int_equal(fcr_of(c, KPI_FCR_ELIGIBLE), 0);
	resolved->resolution = RESOLUTION_SOLVED;
	happens(c, 15, EVENT_ASSIGNED, "eve");
	assert_int_equal(fcr_of(c, KPI_FCR_ELIGIBLE), 1);
	assert_int_equal(fcr_of(c, KPI_FCR_RESOLVED), 0);
}

static void test_K_fcr_window(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	ends(c, 20, EVENT_RESOLVED, "ann", RESOLUTION_SOLVED);
	struct ticket_event *reopened = happens(c, 0, EVENT_REOPENED, NULL);
	reopened->occurred_us = AT(20) + 7 * US_PER_DAY;
	assert_int_equal(fcr_of(c, KPI_FCR_RESOLVED), 0); /* up to 7 days after */
	reopened->occurred_us++;
	assert_int_equal(fcr_of(c, KPI_FCR_RESOLVED), 1);
	c->rules.fcr_window_us = 8 * US_PER_DAY;
	assert_int_equal(fcr_of(c, KPI_FCR_RESOLVED), 0);
	assert_int_equal(fcr_of(c, KPI_FCR_ELIGIBLE), 1);
}

static void test_K_fcr_counts_cycle_1_only(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	ends(c, 10, EVENT_RESOLVED, "ann", RESOLUTION_CANCELLED);
	happens(c, 11, EVENT_REOPENED, NULL);
	ends(c, 20, EVENT_RESOLVED, "ann", RESOLUTION_SOLVED);
	assert_int_equal(kpi_of(fold(c), KPI_FCR_ELIGIBLE, NULL, TIME_NONE), 0);
}

static void survey(struct fold_case *c, enum survey_kind kind, int64_t score_micros, int64_t scale_micros)
{
	c->n = 0;
	struct ticket_event *event = happens(c, 0, EVENT_SURVEY, "ann");
	event->kind = (uint8_t)kind;
	event->score_micros = score_micros;
	event->scale_max_micros = scale_micros;
}

static void test_K_csat(void **state)
{
	struct fold_case *c = *state;
	survey(c, SURVEY_CSAT, 4000000, SCORE_ABSENT);
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SATISFIED, "ann", AT(0)), 1);
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SCORE_MICROS_SUM, "ann", AT(0)), 800000);
	survey(c, SURVEY_CSAT, 3999999, SCORE_ABSENT);
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SATISFIED, "ann", AT(0)), 0);
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SCORE_MICROS_SUM, "ann", AT(0)), 800000); /* 799999.8 */
	survey(c, SURVEY_CSAT, 1000000, 3000000);
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SCORE_MICROS_SUM, "ann", AT(0)), 333333);
	survey(c, SURVEY_CSAT, 1, 2000000); /* half a millionth: up */
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SCORE_MICROS_SUM, "ann", AT(0)), 1);
	survey(c, SURVEY_CSAT, INT64_MAX, INT64_MAX);
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SCORE_MICROS_SUM, "ann", AT(0)), 1000000);
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_SATISFIED, "ann", AT(0)), 1);
}

static void test_K_nps(void **state)
{
	struct fold_case *c = *state;
	const struct {
		int64_t score_micros, scale_micros;
		int promoters, detractors;
	} rows[] = {
	        {9000000, SCORE_ABSENT, 1, 0}, {8999999, SCORE_ABSENT, 0, 0}, {6000001, SCORE_ABSENT, 0, 0},
	        {6000000, SCORE_ABSENT, 0, 1}, {4500000, 5000000, 1, 0},      {3000000, 5000000, 0, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		survey(c, SURVEY_NPS, rows[i].score_micros, rows[i].scale_micros);
		const struct ticket *ticket = fold(c);
		assert_int_equal(kpi_of(ticket, KPI_NPS_RESPONSES, "ann", AT(0)), 1);
		assert_int_equal(kpi_of(ticket, KPI_NPS_PROMOTERS, "ann", AT(0)), rows[i].promoters);
		assert_int_equal(kpi_of(ticket, KPI_NPS_DETRACTORS, "ann", AT(0)), rows[i].detractors);
		assert_time(ticket->csat_score_micros, SCORE_ABSENT);
	}
}

static void test_K_ces(void **state)
{
	struct fold_case *c = *state;
	survey(c, SURVEY_CES, 7000000, SCORE_ABSENT);
	assert_int_equal(kpi_of(fold(c), KPI_CES_RESPONSES, "ann", AT(0)), 1);
	assert_int_equal(kpi_of(fold(c), KPI_CES_SCORE_MICROS_SUM, "ann", AT(0)), 1000000);
}

static void test_K_survey_of_nobody(void **state)
{
	struct fold_case *c = *state;
	survey(c, SURVEY_CSAT, 4000000, SCORE_ABSENT);
	c->events[0].texts[EVENT_AGENT_ID] = TEXT_ABSENT;
	assert_int_equal(kpi_of(fold(c), KPI_CSAT_RESPONSES, "", AT(0)), 1);
}

static void test_K4_all_events_count_for_any_as_of(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", "ann");
	ends(c, 30, EVENT_RESOLVED, NULL, RESOLUTION_SOLVED);
	const struct ticket *ticket = fold_as_of(c, AT(-5));
	assert_int_equal(ticket->state, TICKET_RESOLVED);
	assert_int_equal(ticket->resolution_verdict, VERDICT_MET);
	assert_int_equal(ticket->first_response_verdict, VERDICT_BREACHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_K_names_are_all_different),
	        cmocka_unit_test(test_K1_names_show_the_unit),
	        fold_test(test_K_opened),
	        fold_test(test_K_first_response_met),
	        fold_test(test_K_first_response_breached_counts_for_the_owner_then),
	        fold_test(test_K_breached_while_nobody_owned_it),
	        fold_test(test_K_resolution_per_cycle),
	        fold_test(test_K_next_response),
	        fold_test(test_K_fcr),
	        fold_test(test_K_fcr_window),
	        fold_test(test_K_fcr_counts_cycle_1_only),
	        fold_test(test_K_csat),
	        fold_test(test_K_nps),
	        fold_test(test_K_ces),
	        fold_test(test_K_survey_of_nobody),
	        fold_test(test_K4_all_events_count_for_any_as_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
