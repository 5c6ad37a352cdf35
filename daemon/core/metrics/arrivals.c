#include "kpid/core/arrivals.h"

#include <stdbool.h>
#include <stdlib.h>

#include "kpid/base/memory.h"

enum { KEEP_RUNS = 4096 };

void arrivals_release(struct arrivals *arrivals)
{
	free(arrivals->runs);
	*arrivals = (struct arrivals){.n = 0};
}

void arrivals_clear(struct arrivals *arrivals)
{
	arrivals->n = 0;
	if (arrivals->capacity > KEEP_RUNS)
		arrivals_release(arrivals);
}

size_t arrivals_size_bytes(const struct arrivals *arrivals)
{
	return arrivals->capacity * sizeof(*arrivals->runs);
}

/* Whether both belong to the same bucket of every histogram that they will be measured into. */
static bool belong_together(int64_t a_us, int64_t b_us, int64_t now_us)
{
	int64_t old_us = now_us - histogram_bounds_us[HISTOGRAM_N_BOUNDS - 1];
	return a_us == b_us || (a_us < old_us && b_us < old_us);
}

void arrivals_add(struct arrivals *arrivals, int32_t source_no, int64_t at_us, int64_t now_us)
{
	struct arrival_run *last = arrivals->n == 0 ? NULL : &arrivals->runs[arrivals->n - 1];
	if (last != NULL && last->source_no == source_no && belong_together(last->at_us, at_us, now_us)) {
		last->after_us += at_us - last->at_us;
		last->n++;
		return;
	}
	arrivals->runs = mem_grow(arrivals->runs, &arrivals->capacity, arrivals->n + 1, sizeof(*arrivals->runs));
	arrivals->runs[arrivals->n++] = (struct arrival_run){at_us, 0, source_no, 1};
}

void arrivals_drop_source(struct arrivals *arrivals, int32_t source_no)
{
	size_t kept = 0;
	for (size_t i = 0; i < arrivals->n; i++)
		if (arrivals->runs[i].source_no != source_no)
			arrivals->runs[kept++] = arrivals->runs[i];
	arrivals->n = kept;
}

void arrivals_measure(const struct arrivals *arrivals, int64_t until_us, struct histogram *histogram)
{
	for (size_t i = 0; i < arrivals->n; i++) {
		histogram_add(histogram, until_us - arrivals->runs[i].at_us, arrivals->runs[i].n);
		histogram->sum_us -= arrivals->runs[i].after_us;
	}
}
