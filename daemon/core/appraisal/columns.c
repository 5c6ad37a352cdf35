/* The columns that a value may use, under the names of report.ledger. */
#include <stdio.h>

#include "kpid/core/appraisal.h"

static const char *const measures[] = {
#define KPI_MEASURE(symbol, column, unit, comment) column,
#include "kpid/core/kpi_measures.def"
#undef KPI_MEASURE
#define LEDGER_MEASURE(symbol, column, unit, comment) column,
#include "kpid/core/ledger_measures.def"
#undef LEDGER_MEASURE
};

const char *const appraisal_servqual_columns[] = {"answered", "perceived_sum", "paired", "gap_sum", NULL};

bool appraisal_column(size_t i, char name_out[APPRAISAL_COLUMN_BYTES])
{
	static const struct {
		struct text stored, shown;
	} endings[] = {{TEXT("_us_sum"), TEXT("_seconds_sum")}, {TEXT("_micros_sum"), TEXT("_sum")}};
	if (i >= sizeof(measures) / sizeof(measures[0]))
		return false;
	struct text name = text_of(measures[i]), ending = TEXT("");
	for (size_t e = 0; e < sizeof(endings) / sizeof(endings[0]); e++) {
		struct text stored = endings[e].stored;
		if (name.len <= stored.len || memcmp(name.ptr + name.len - stored.len, stored.ptr, stored.len) != 0)
			continue;
		name.len -= stored.len;
		ending = endings[e].shown;
		break;
	}
	snprintf(name_out, APPRAISAL_COLUMN_BYTES, "%.*s%s", (int)name.len, name.ptr, ending.ptr);
	return true;
}
