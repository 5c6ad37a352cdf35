/* The measures of RULES K and what one ticket contributes to them. Integers only (K1): microseconds for
 * times, millionths for scores, so that every order of adding gives the same. */
#ifndef KPID_CORE_KPI_H
#define KPID_CORE_KPI_H

#include <stdint.h>

#include "kpid/base/text.h"

enum kpi_measure { /* in the order of the columns of kpid.agent_kpi_5m */
	           KPI_OPENED,
	           KPI_RESPONDED,
	           KPI_FIRST_RESPONSE_MEASURED,
	           KPI_FIRST_RESPONSE_WITHIN_SLA,
	           KPI_FIRST_RESPONSE_US_SUM,
	           KPI_RESOLVED,
	           KPI_RESOLUTION_MEASURED,
	           KPI_RESOLUTION_WITHIN_SLA,
	           KPI_RESOLUTION_US_SUM,
	           KPI_ARRIVAL_MEASURED,
	           KPI_ARRIVAL_WITHIN_SLA,
	           KPI_NEXT_RESPONSE_MEASURED,
	           KPI_NEXT_RESPONSE_WITHIN_SLA,
	           KPI_CLOSED,
	           KPI_REOPENED,
	           KPI_FCR_ELIGIBLE,
	           KPI_FCR_RESOLVED,
	           KPI_TRANSFERRED_OUT,
	           KPI_CSAT_RESPONSES,
	           KPI_CSAT_SATISFIED,
	           KPI_CSAT_SCORE_MICROS_SUM,
	           KPI_NPS_RESPONSES,
	           KPI_NPS_PROMOTERS,
	           KPI_NPS_DETRACTORS,
	           KPI_CES_RESPONSES,
	           KPI_CES_SCORE_MICROS_SUM,
	           KPI_FIRST_RESPONSE_WORKING_US_SUM,
	           KPI_RESOLUTION_WORKING_US_SUM,
	           KPI_N_MEASURES
};

/* What is added up. A ticket counts once or a few times, and its scores are at most 1 each: 64 bits hold such sums of
 * more tickets than there can be. Its times are up to 210 years (E5): 64 bits hold 1,400 of those. */
enum kpi_unit { KPI_COUNT, KPI_MILLIONTHS, KPI_MICROSECONDS };
enum { KPI_N_TIMES = 4 }; /* measures in microseconds */
typedef __int128 kpi_sum;

const char *kpi_measure_name(enum kpi_measure measure); /* the column: "first_response_us_sum" */
enum kpi_unit kpi_measure_unit(enum kpi_measure measure);
/* The place of a measure in microseconds among those, below KPI_N_TIMES; -1 for others. */
int kpi_time_place(enum kpi_measure measure);

struct kpi_entry {
	struct text agent_id; /* empty (never absent): nobody */
	int64_t bucket_us;    /* start of the 5-minute bucket */
	enum kpi_measure measure;
	int64_t value;
};

#endif
