/* The readers of kpid/metrics.def: each writes the samples of one metric. */
#ifndef KPID_APP_METRICS_READ_H
#define KPID_APP_METRICS_READ_H

#include "app/metrics_table.h"

/* clang-format off */
#define METRIC(name, type, unit, labels, reader, help) \
	void read_##reader(const struct metrics_view *view, struct metrics_text *text);
#include "kpid/metrics.def"
/* clang-format on */

#endif
