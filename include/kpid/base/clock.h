/* The clocks of this machine, in microseconds. */
#ifndef KPID_BASE_CLOCK_H
#define KPID_BASE_CLOCK_H

#include <stdint.h>

/* Since 1970-01-01 UTC. May jump when the clock is set. */
int64_t wall_clock_us(void);
/* Since some point in the past. Never goes back: use it to measure time. */
int64_t monotonic_clock_us(void);
/* As the monotonic clock, but goes on while the machine sleeps. */
int64_t boot_clock_us(void);
/* Processor time of the calling thread. */
int64_t thread_cpu_us(void);

#endif
