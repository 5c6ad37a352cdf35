/* Starting timers of libevent. */
#ifndef KPID_ADAPTERS_TIMER_H
#define KPID_ADAPTERS_TIMER_H

#include <event2/event.h>
#include <stdint.h>

#include "kpid/core/timestamp.h"

/* Runs the timer once after the wait, and not at an earlier time for which it was started before. Less than 0: at once.
 */
static inline void timer_start(struct event *timer, int64_t wait_us)
{
	int64_t us = wait_us > 0 ? wait_us : 0;
	const struct timeval wait = {us / US_PER_SECOND, us % US_PER_SECOND};
	evtimer_add(timer, &wait);
}

#endif
