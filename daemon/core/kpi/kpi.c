#include "kpid/core/kpi.h"

#define TIME_COUNT(symbol)        (-1)
#define TIME_MILLIONTHS(symbol)   (-1)
#define TIME_MICROSECONDS(symbol) KPI_TIME_##symbol

static const struct {
	const char *name;
	enum kpi_unit unit;
	int time;
} measures[KPI_N_MEASURES] = {
#define KPI_MEASURE(symbol, column, unit, comment) {column, KPI_##unit, TIME_##unit(symbol)},
#include "kpid/core/kpi_measures.def"
#undef KPI_MEASURE
};

const char *kpi_measure_name(enum kpi_measure measure)
{
	return measures[measure].name;
}

enum kpi_unit kpi_measure_unit(enum kpi_measure measure)
{
	return measures[measure].unit;
}

int kpi_measure_time(enum kpi_measure measure)
{
	return measures[measure].time;
}
