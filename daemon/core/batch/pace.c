#include "kpid/core/batch.h"

/* LONG_US: what a transaction should take at most. LEAST_EVENTS: however slow the server is now. Smaller batches would
 * write the rows of tickets and sums more often, and so make it slower still. While a large one holds
 * its rows on a slow server, another instance waits for it. */
enum { LEAST_EVENTS = 5000, GROWTH = 2, LONG_US = 2000000 };

struct batch_pace batch_pace_first(void)
{
	return (struct batch_pace){LEAST_EVENTS};
}

void batch_pace_note(struct batch_pace *pace, size_t n_events, int64_t took_us)
{
	double rate = (double)n_events / (took_us > 0 ? (double)took_us : 1.0);
	double in_time = rate * LONG_US;
	bool was_full = n_events >= pace->most_events / GROWTH;
	double next = (double)pace->most_events;
	if (took_us > LONG_US || was_full)
		next = in_time < next * GROWTH ? in_time : next * GROWTH;
	pace->most_events = next < LEAST_EVENTS ? LEAST_EVENTS : (size_t)next;
}
