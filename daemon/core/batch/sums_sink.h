/* Adds what a fold contributes to the sums of a batch. */
#ifndef KPID_CORE_BATCH_SUMS_SINK_H
#define KPID_CORE_BATCH_SUMS_SINK_H

#include <stdint.h>

#include "../ticket/contribution.h"
#include "kpid/core/batch.h"

/* Adds contributions to the sums, times a sign. */
struct sums_sink {
	struct kpi_sink sink;
	struct kpi_sums *sums;
	int64_t sign;
	struct kpi_entry entries[64];
};

void sums_sink_begin(struct sums_sink *sink, struct kpi_sums *sums, int64_t sign);
/* After the last contribution. Adds the ticket to the backlog, too. */
void sums_sink_finish(struct sums_sink *sink, const struct ticket *ticket);

#endif
