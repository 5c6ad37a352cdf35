/* The answers of /livez and /readyz. */
#ifndef KPID_APP_METRICS_HEALTH_H
#define KPID_APP_METRICS_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"

enum condition {
	CONDITION_STARTED,
	CONDITION_POSTGRES,
	CONDITION_DEADLINES,
	CONDITION_KAFKA,
	CONDITION_GROUP,
	CONDITION_N
};

struct health {
	bool holds[CONDITION_N];
	bool stopping;
	size_t n_reading, n_stopped; /* partitions: shown, but no condition */
};

const char *condition_name(enum condition condition);
bool health_is_ready(const struct health *health);
/* Appends "ok" or why not. verbose: after a line for each condition, as [+]NAME or [-]NAME. */
void health_write(const struct health *health, bool verbose, struct buf *out);

#endif
