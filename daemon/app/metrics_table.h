/* The metrics of `kpid run`: the table of kpid/metrics.def. */
#ifndef KPID_APP_METRICS_TABLE_H
#define KPID_APP_METRICS_TABLE_H

#include "app/app.h"
#include "app/metrics_database.h"
#include "app/metrics_health.h"
#include "kpid/core/metrics.h"

/* What the readers read. */
struct metrics_view {
	const struct app *app;
	const struct database_values *database;
	const struct health *health;
};

/* Appends all metrics. */
void metrics_write(const struct metrics_view *view, enum metrics_format format, struct buf *out);
/* Appends docs/metrics.md. */
void metrics_write_markdown(struct buf *out);

#endif
