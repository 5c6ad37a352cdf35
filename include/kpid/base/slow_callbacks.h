/* Warns of slow callbacks of the event loop. While a callback runs, no deadline is checked and the watchdog is not fed.
 * Code that may run for long times each callback. */
#ifndef KPID_BASE_SLOW_CALLBACKS_H
#define KPID_BASE_SLOW_CALLBACKS_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOW_CALLBACK_MS = 200 };

/* Starts zeroed. */
struct slow_callbacks {
	unsigned n;         /* callbacks over SLOW_CALLBACK_MS since the last log line */
	int64_t longest_us; /* of these callbacks */
	int64_t worked_us;  /* processor time within longest_us; the rest is waiting */
	char what[96];      /* what the longest callback did */
	bool logged;        /* a line was logged before */
	int64_t logged_us;
};

/* Adds a callback that took took_us, worked_us of it processor time. Returns true if *summary_out should be logged: at
 * once for the first callback over SLOW_CALLBACK_MS, then at most once a minute.
 * what, subject: such as "answers to", "lane 0"; text that does not fit is cut. Pure. */
bool slow_callbacks_add(struct slow_callbacks *slow, const char *what, const char *subject, int64_t took_us,
                        int64_t worked_us, int64_t now_us, struct slow_callbacks *summary_out);

struct callback_timer {
	int64_t now_us, worked_us;
};

/* Call from the thread of the event loop only. now_us: a monotonic clock. */
struct callback_timer callback_timer_start(int64_t now_us);
/* Logs a warning when slow_callbacks_add() asks for one. */
void callback_timer_stop(struct callback_timer timer, const char *what, const char *subject, int64_t now_us);

#endif
