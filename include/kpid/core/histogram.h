/* A histogram of times with fixed bounds, from 5 ms to 300 s: those of every latency that kpid measures. Pure. */
#ifndef KPID_CORE_HISTOGRAM_H
#define KPID_CORE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_N_BOUNDS = 16 };

/* Upper bounds in microseconds, ascending. A value that equals a bound belongs to its bucket. */
extern const int64_t histogram_bounds_us[HISTOGRAM_N_BOUNDS];

struct histogram {
	uint64_t counts[HISTOGRAM_N_BOUNDS + 1]; /* by bucket, not cumulative; the last one is above all bounds */
	__int128 sum_us;                         /* 2 million events that are a year old exceed 64 bits */
};

/* Adds a time n times. A negative time, which clocks of two machines can give, counts as 0. */
void histogram_add(struct histogram *histogram, int64_t us, uint64_t n);

#endif
