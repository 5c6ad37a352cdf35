/* The KPI measures and what one ticket contributes to them (rules K). Integers only (K1): microseconds for times,
 * millionths for scores, so that the order of additions does not matter. */
#ifndef KPID_CORE_KPI_H
#define KPID_CORE_KPI_H

#include <stdint.h>

#include "kpid/base/text.h"

/* In the order of the columns of kpid.agent_kpi_5m. */
enum kpi_measure {
#define KPI_MEASURE(symbol, column, unit, comment) KPI_##symbol,
#include "kpid/core/kpi_measures.def"
#undef KPI_MEASURE
	KPI_N_MEASURES
};

/* What a measure sums up. A ticket adds few counts, and its scores are at most 1 each: 64 bits hold such sums for more
 * tickets than there can be. A time can be 210 years long (E5): 64 bits hold 1,400 of those. */
enum kpi_unit { KPI_COUNT, KPI_MILLIONTHS, KPI_MICROSECONDS };

/* The measures in microseconds, numbered from 0. */
enum kpi_time {
#define KPI_TIME_COUNT(symbol)
#define KPI_TIME_MILLIONTHS(symbol)
#define KPI_TIME_MICROSECONDS(symbol)              KPI_TIME_##symbol,
#define KPI_MEASURE(symbol, column, unit, comment) KPI_TIME_##unit(symbol)
#include "kpid/core/kpi_measures.def"
#undef KPI_MEASURE
#undef KPI_TIME_COUNT
#undef KPI_TIME_MILLIONTHS
#undef KPI_TIME_MICROSECONDS
	KPI_N_TIMES
};

typedef __int128 kpi_sum;

const char *kpi_measure_name(enum kpi_measure measure); /* the column: "first_response_us_sum" */
enum kpi_unit kpi_measure_unit(enum kpi_measure measure);
/* The enum kpi_time of a measure in microseconds; -1 for other measures. */
int kpi_measure_time(enum kpi_measure measure);

struct kpi_entry {
	struct text agent_id; /* empty (never absent): nobody */
	int64_t at_us;        /* the time of the contribution */
	int64_t bucket_us;    /* start of its 5-minute bucket */
	enum kpi_measure measure;
	int64_t value;
};

#endif
