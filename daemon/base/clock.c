#include "kpid/base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t wall_clock_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t monotonic_clock_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t boot_clock_us(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t thread_cpu_us(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
