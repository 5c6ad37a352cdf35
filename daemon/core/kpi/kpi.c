#include "kpid/core/kpi.h"

static const char *const names[KPI_N_MEASURES] = {
        [KPI_OPENED] = "opened",
        [KPI_RESPONDED] = "responded",
        [KPI_FIRST_RESPONSE_MEASURED] = "first_response_measured",
        [KPI_FIRST_RESPONSE_WITHIN_SLA] = "first_response_within_sla",
        [KPI_FIRST_RESPONSE_US_SUM] = "first_response_us_sum",
        [KPI_RESOLVED] = "resolved",
        [KPI_RESOLUTION_MEASURED] = "resolution_measured",
        [KPI_RESOLUTION_WITHIN_SLA] = "resolution_within_sla",
        [KPI_RESOLUTION_US_SUM] = "resolution_us_sum",
        [KPI_ARRIVAL_MEASURED] = "arrival_measured",
        [KPI_ARRIVAL_WITHIN_SLA] = "arrival_within_sla",
        [KPI_NEXT_RESPONSE_MEASURED] = "next_response_measured",
        [KPI_NEXT_RESPONSE_WITHIN_SLA] = "next_response_within_sla",
        [KPI_CLOSED] = "closed",
        [KPI_REOPENED] = "reopened",
        [KPI_FCR_ELIGIBLE] = "fcr_eligible",
        [KPI_FCR_RESOLVED] = "fcr_resolved",
        [KPI_TRANSFERRED_OUT] = "transferred_out",
        [KPI_CSAT_RESPONSES] = "csat_responses",
        [KPI_CSAT_SATISFIED] = "csat_satisfied",
        [KPI_CSAT_SCORE_MICROS_SUM] = "csat_score_micros_sum",
        [KPI_NPS_RESPONSES] = "nps_responses",
        [KPI_NPS_PROMOTERS] = "nps_promoters",
        [KPI_NPS_DETRACTORS] = "nps_detractors",
        [KPI_CES_RESPONSES] = "ces_responses",
        [KPI_CES_SCORE_MICROS_SUM] = "ces_score_micros_sum",
        [KPI_FIRST_RESPONSE_WORKING_US_SUM] = "first_response_working_us_sum",
        [KPI_RESOLUTION_WORKING_US_SUM] = "resolution_working_us_sum",
};

const char *kpi_measure_name(enum kpi_measure measure)
{
	return names[measure];
}

int kpi_time_place(enum kpi_measure measure)
{
	static const enum kpi_measure times[KPI_N_TIMES] = {KPI_FIRST_RESPONSE_US_SUM, KPI_RESOLUTION_US_SUM,
	                                                    KPI_FIRST_RESPONSE_WORKING_US_SUM,
	                                                    KPI_RESOLUTION_WORKING_US_SUM};
	for (int place = 0; place < KPI_N_TIMES; place++)
		if (times[place] == measure)
			return place;
	return -1;
}

enum kpi_unit kpi_measure_unit(enum kpi_measure measure)
{
	if (kpi_time_place(measure) >= 0)
		return KPI_MICROSECONDS;
	return measure == KPI_CSAT_SCORE_MICROS_SUM || measure == KPI_CES_SCORE_MICROS_SUM ? KPI_MILLIONTHS : KPI_COUNT;
}
