/* When the events of a batch were appended to their logs. After the commit they give the time that each event took.
 * Kept as runs: events of the same time, and events so old that they are above all bounds of a histogram. Pure. */
#ifndef KPID_CORE_ARRIVALS_H
#define KPID_CORE_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/core/histogram.h"

struct arrival_run {
	int64_t at_us;     /* of the first event */
	__int128 after_us; /* sum over the others: how much later they were; negative: earlier */
	int32_t source_no;
	uint32_t n;
};

struct arrivals {
	struct arrival_run *runs;
	size_t n, capacity;
};

void arrivals_release(struct arrivals *arrivals);
void arrivals_clear(struct arrivals *arrivals); /* keeps up to 64 KiB of memory */
/* now_us: by the clock of arrivals_measure(), which is called later. */
void arrivals_add(struct arrivals *arrivals, int32_t source_no, int64_t at_us, int64_t now_us);
size_t arrivals_size_bytes(const struct arrivals *arrivals);
void arrivals_drop_source(struct arrivals *arrivals, int32_t source_no);
/* Adds the time from each arrival until until_us. */
void arrivals_measure(const struct arrivals *arrivals, int64_t until_us, struct histogram *histogram);

#endif
