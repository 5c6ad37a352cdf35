#include "contribution.h"

#include "kpid/base/check.h"

#define MICROS INT64_C(1000000)

struct entries {
	struct kpi_entry *items;
	size_t n, capacity;
};

static void add(struct entries *entries, struct text agent_id, int64_t at_us, enum kpi_measure measure, int64_t value)
{
	KPID_CHECK(entries->n < entries->capacity);
	entries->items[entries->n++] = (struct kpi_entry){
	        .agent_id = text_is_empty(agent_id) ? TEXT("") : agent_id,
	        .bucket_us = timestamp_bucket(at_us),
	        .measure = measure,
	        .value = value,
	};
}

/* Which columns a clock of each target counts in. */
static const struct {
	enum kpi_measure measured, within_sla;
} of_target[TARGET_N] = {
        [TARGET_FIRST_RESPONSE] = {KPI_FIRST_RESPONSE_MEASURED, KPI_FIRST_RESPONSE_WITHIN_SLA},
        [TARGET_NEXT_RESPONSE] = {KPI_NEXT_RESPONSE_MEASURED, KPI_NEXT_RESPONSE_WITHIN_SLA},
        [TARGET_ARRIVAL] = {KPI_ARRIVAL_MEASURED, KPI_ARRIVAL_WITHIN_SLA},
        [TARGET_RESOLUTION] = {KPI_RESOLUTION_MEASURED, KPI_RESOLUTION_WITHIN_SLA},
};

static void add_clock(struct entries *entries, const struct sla_clock *clock)
{
	if (clock->verdict == VERDICT_BREACHED) {
		add(entries, clock->agent_id, clock->breached_us, of_target[clock->target].measured, 1);
	} else if (clock->verdict == VERDICT_MET) {
		add(entries, clock->agent_id, clock->stopped_us, of_target[clock->target].measured, 1);
		add(entries, clock->agent_id, clock->stopped_us, of_target[clock->target].within_sla, 1);
	}
}

static void add_first_response(struct entries *entries, const struct ticket *ticket, const struct kpi_facts *facts)
{
	int64_t at_us = ticket->first_response_us;
	if (at_us == TIME_NONE)
		return;
	add(entries, ticket->responder_id, at_us, KPI_RESPONDED, 1);
	add(entries, ticket->responder_id, at_us, KPI_FIRST_RESPONSE_US_SUM, at_us - facts->first_response_start_us);
	add(entries, ticket->responder_id, at_us, KPI_FIRST_RESPONSE_WORKING_US_SUM, ticket->first_response_working_us);
}

static void add_cycle(struct entries *entries, const struct ticket_cycle *cycle, bool resolution_counts)
{
	if (resolution_counts) {
		add(entries, cycle->resolver_id, cycle->resolved_us, KPI_RESOLVED, 1);
		add(entries, cycle->resolver_id, cycle->resolved_us, KPI_RESOLUTION_US_SUM,
		    cycle->resolved_us - cycle->started_us);
		add(entries, cycle->resolver_id, cycle->resolved_us, KPI_RESOLUTION_WORKING_US_SUM, cycle->working_us);
	}
	if (cycle->closed_us != TIME_NONE)
		add(entries, cycle->closer_id, cycle->closed_us, KPI_CLOSED, 1);
}

/* Fixed at the first contact: by whoever resolved cycle 1. */
static void add_fcr(struct entries *entries, const struct ticket *ticket, const struct kpi_facts *facts,
                    int64_t fcr_window_us)
{
	if (ticket->n_cycles == 0 || !facts->resolution_counts[0])
		return;
	const struct ticket_cycle *first = &ticket->cycles[0];
	if (first->resolution != RESOLUTION_SOLVED)
		return;
	add(entries, first->resolver_id, first->resolved_us, KPI_FCR_ELIGIBLE, 1);
	bool came_back = ticket->n_cycles > 1 && ticket->cycles[1].started_us - first->resolved_us <= fcr_window_us;
	if (!came_back && !facts->transfer_before_fix)
		add(entries, first->resolver_id, first->resolved_us, KPI_FCR_RESOLVED, 1);
}

/* score / scale in millionths, rounded half up. */
static int64_t ratio_micros(const struct kpi_survey *survey)
{
	__int128 doubled = (__int128)survey->score_micros * MICROS * 2 + survey->scale_micros;
	return (int64_t)(doubled / ((__int128)survey->scale_micros * 2));
}

/* Of a score that is scaled to `of`: is it at least `least`? */
static bool at_least(const struct kpi_survey *survey, int least, int of)
{
	return (__int128)survey->score_micros * of >= (__int128)survey->scale_micros * least;
}

static bool at_most(const struct kpi_survey *survey, int most, int of)
{
	return (__int128)survey->score_micros * of <= (__int128)survey->scale_micros * most;
}

static void add_survey(struct entries *entries, const struct kpi_survey *survey)
{
	struct text agent = survey->agent_id;
	int64_t at_us = survey->at_us;
	switch (survey->kind) {
	case SURVEY_CSAT:
		add(entries, agent, at_us, KPI_CSAT_RESPONSES, 1);
		add(entries, agent, at_us, KPI_CSAT_SCORE_MICROS_SUM, ratio_micros(survey));
		if (at_least(survey, 8, 10))
			add(entries, agent, at_us, KPI_CSAT_SATISFIED, 1);
		break;
	case SURVEY_NPS:
		add(entries, agent, at_us, KPI_NPS_RESPONSES, 1);
		if (at_least(survey, 9, 10))
			add(entries, agent, at_us, KPI_NPS_PROMOTERS, 1);
		else if (at_most(survey, 6, 10))
			add(entries, agent, at_us, KPI_NPS_DETRACTORS, 1);
		break;
	case SURVEY_CES:
		add(entries, agent, at_us, KPI_CES_RESPONSES, 1);
		add(entries, agent, at_us, KPI_CES_SCORE_MICROS_SUM, ratio_micros(survey));
		break;
	case SURVEY_KIND_ABSENT:
		break;
	}
}

/* At most: 4 for the opening and the first response, 2 for fcr, 2 a clock, 5 a cycle, 3 a survey. */
static size_t max_entries(const struct ticket *ticket, const struct kpi_facts *facts)
{
	return 6 + 2 * ticket->n_clocks + 5 * ticket->n_cycles + facts->n_transfers + 3 * facts->n_surveys;
}

void kpi_contribute(struct ticket *ticket, const struct kpi_facts *facts, int64_t fcr_window_us, struct arena *arena)
{
	struct entries entries = {.capacity = max_entries(ticket, facts)};
	entries.items = arena_alloc(arena, entries.capacity * sizeof(*entries.items));
	if (ticket->n_cycles > 0)
		add(&entries, facts->opened_by, ticket->opened_us, KPI_OPENED, 1);
	add_first_response(&entries, ticket, facts);
	for (size_t i = 0; i < ticket->n_clocks; i++)
		add_clock(&entries, &ticket->clocks[i]);
	for (size_t i = 0; i < ticket->n_cycles; i++) {
		add_cycle(&entries, &ticket->cycles[i], facts->resolution_counts[i]);
		if (i > 0)
			add(&entries, ticket->cycles[i - 1].resolver_id, ticket->cycles[i].started_us, KPI_REOPENED, 1);
	}
	add_fcr(&entries, ticket, facts, fcr_window_us);
	for (size_t i = 0; i < facts->n_transfers; i++)
		add(&entries, facts->transfers[i].agent_id, facts->transfers[i].at_us, KPI_TRANSFERRED_OUT, 1);
	for (size_t i = 0; i < facts->n_surveys; i++)
		add_survey(&entries, &facts->surveys[i]);
	ticket->kpis = entries.items;
	ticket->n_kpis = entries.n;
}
