#include "kpid/core/histogram.h"

const int64_t histogram_bounds_us[HISTOGRAM_N_BOUNDS] = {
        5000,    10000,   25000,    50000,    100000,   250000,   500000,    1000000,
        2000000, 5000000, 10000000, 20000000, 30000000, 60000000, 120000000, 300000000,
};

void histogram_add(struct histogram *histogram, int64_t us, uint64_t n)
{
	int i = 0;
	int64_t least_us = us < 0 ? 0 : us;
	while (i < HISTOGRAM_N_BOUNDS && least_us > histogram_bounds_us[i])
		i++;
	histogram->counts[i] += n;
	histogram->sum_us += (__int128)least_us * (__int128)n;
}
