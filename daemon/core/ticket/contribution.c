#include "contribution.h"

#include "kpid/base/check.h"

#define MICROS INT64_C(1000000)

static void add(struct kpi_sink *sink, struct text agent_id, int64_t at_us, enum kpi_measure measure, int64_t value)
{
	if (sink->n == sink->capacity && sink->flush != NULL)
		sink->flush(sink);
	KPID_CHECK(sink->n < sink->capacity);
	sink->entries[sink->n++] = (struct kpi_entry){
	        .agent_id = text_is_empty(agent_id) ? TEXT("") : agent_id,
	        .at_us = at_us,
	        .bucket_us = timestamp_bucket(at_us),
	        .measure = measure,
	        .value = value,
	};
}

/* The measures of clocks, by target. */
static const struct {
	enum kpi_measure measured, within_sla;
} of_target[TARGET_N] = {
        [TARGET_FIRST_RESPONSE] = {KPI_FIRST_RESPONSE_MEASURED, KPI_FIRST_RESPONSE_WITHIN_SLA},
        [TARGET_NEXT_RESPONSE] = {KPI_NEXT_RESPONSE_MEASURED, KPI_NEXT_RESPONSE_WITHIN_SLA},
        [TARGET_ARRIVAL] = {KPI_ARRIVAL_MEASURED, KPI_ARRIVAL_WITHIN_SLA},
        [TARGET_RESOLUTION] = {KPI_RESOLUTION_MEASURED, KPI_RESOLUTION_WITHIN_SLA},
};

void kpi_contribute_clock(const struct sla_clock *clock, struct kpi_sink *sink)
{
	if (clock->verdict == VERDICT_BREACHED) {
		add(sink, clock->agent_id, clock->breached_us, of_target[clock->target].measured, 1);
	} else if (clock->verdict == VERDICT_MET) {
		add(sink, clock->agent_id, clock->stopped_us, of_target[clock->target].measured, 1);
		add(sink, clock->agent_id, clock->stopped_us, of_target[clock->target].within_sla, 1);
	}
}

static void add_first_response(struct kpi_sink *sink, const struct ticket *ticket, const struct kpi_facts *facts)
{
	int64_t at_us = ticket->first_response_us;
	if (at_us == TIME_NONE)
		return;
	add(sink, ticket->responder_id, at_us, KPI_RESPONDED, 1);
	add(sink, ticket->responder_id, at_us, KPI_FIRST_RESPONSE_US_SUM, at_us - facts->first_response_start_us);
	add(sink, ticket->responder_id, at_us, KPI_FIRST_RESPONSE_WORKING_US_SUM, ticket->first_response_working_us);
}

static void add_cycle(struct kpi_sink *sink, const struct ticket_cycle *cycle, bool resolution_counts)
{
	if (resolution_counts) {
		add(sink, cycle->resolver_id, cycle->resolved_us, KPI_RESOLVED, 1);
		add(sink, cycle->resolver_id, cycle->resolved_us, KPI_RESOLUTION_US_SUM,
		    cycle->resolved_us - cycle->started_us);
		add(sink, cycle->resolver_id, cycle->resolved_us, KPI_RESOLUTION_WORKING_US_SUM, cycle->working_us);
	}
	if (cycle->closed_us != TIME_NONE)
		add(sink, cycle->closer_id, cycle->closed_us, KPI_CLOSED, 1);
}

/* First contact resolution, credited to the resolver of cycle 1. */
static void add_fcr(struct kpi_sink *sink, const struct ticket *ticket, const struct kpi_facts *facts,
                    int64_t fcr_window_us)
{
	if (ticket->n_cycles == 0 || !facts->resolution_counts[0])
		return;
	const struct ticket_cycle *first = &ticket->cycles[0];
	if (first->resolution != RESOLUTION_SOLVED)
		return;
	add(sink, first->resolver_id, first->resolved_us, KPI_FCR_ELIGIBLE, 1);
	bool reopened = ticket->n_cycles > 1 && ticket->cycles[1].started_us - first->resolved_us <= fcr_window_us;
	if (!reopened && !facts->transfer_before_fix)
		add(sink, first->resolver_id, first->resolved_us, KPI_FCR_RESOLVED, 1);
}

/* score / scale in millionths, rounded half up. */
static int64_t ratio_micros(const struct kpi_survey *survey)
{
	__int128 doubled = (__int128)survey->score_micros * MICROS * 2 + survey->scale_micros;
	return (int64_t)(doubled / ((__int128)survey->scale_micros * 2));
}

/* True if the score, on a scale of `of`, is at least `least`. */
static bool at_least(const struct kpi_survey *survey, int least, int of)
{
	return (__int128)survey->score_micros * of >= (__int128)survey->scale_micros * least;
}

static bool at_most(const struct kpi_survey *survey, int most, int of)
{
	return (__int128)survey->score_micros * of <= (__int128)survey->scale_micros * most;
}

static void add_survey(struct kpi_sink *sink, const struct kpi_survey *survey)
{
	struct text agent = survey->agent_id;
	int64_t at_us = survey->at_us;
	switch (survey->kind) {
	case SURVEY_CSAT:
		add(sink, agent, at_us, KPI_CSAT_RESPONSES, 1);
		add(sink, agent, at_us, KPI_CSAT_SCORE_MICROS_SUM, ratio_micros(survey));
		if (at_least(survey, 8, 10))
			add(sink, agent, at_us, KPI_CSAT_SATISFIED, 1);
		break;
	case SURVEY_NPS:
		add(sink, agent, at_us, KPI_NPS_RESPONSES, 1);
		if (at_least(survey, 9, 10))
			add(sink, agent, at_us, KPI_NPS_PROMOTERS, 1);
		else if (at_most(survey, 6, 10))
			add(sink, agent, at_us, KPI_NPS_DETRACTORS, 1);
		break;
	case SURVEY_CES:
		add(sink, agent, at_us, KPI_CES_RESPONSES, 1);
		add(sink, agent, at_us, KPI_CES_SCORE_MICROS_SUM, ratio_micros(survey));
		break;
	case SURVEY_KIND_ABSENT:
		break;
	}
}

/* At most: 4 for the opening and the first response, 2 for fcr, 2 a clock, 5 a cycle, 3 a survey. */
size_t kpi_max_entries(const struct ticket *ticket, const struct kpi_facts *facts, size_t n_clocks)
{
	return 6 + 2 * n_clocks + 5 * ticket->n_cycles + facts->n_transfers + 3 * facts->n_surveys;
}

void kpi_contribute_ticket(const struct ticket *ticket, const struct kpi_facts *facts, int64_t fcr_window_us,
                           struct kpi_sink *sink)
{
	if (ticket->n_cycles > 0)
		add(sink, facts->opened_by, ticket->opened_us, KPI_OPENED, 1);
	add_first_response(sink, ticket, facts);
	for (size_t i = 0; i < ticket->n_cycles; i++) {
		add_cycle(sink, &ticket->cycles[i], facts->resolution_counts[i]);
		if (i > 0)
			add(sink, ticket->cycles[i - 1].resolver_id, ticket->cycles[i].started_us, KPI_REOPENED, 1);
	}
	add_fcr(sink, ticket, facts, fcr_window_us);
	for (size_t i = 0; i < facts->n_transfers; i++)
		add(sink, facts->transfers[i].agent_id, facts->transfers[i].at_us, KPI_TRANSFERRED_OUT, 1);
	for (size_t i = 0; i < facts->n_surveys; i++)
		add_survey(sink, &facts->surveys[i]);
}
