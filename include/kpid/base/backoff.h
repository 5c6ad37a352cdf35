/* Exponential back-off: how long to wait after each failure. Times are monotonic, in microseconds. */
#ifndef KPID_BASE_BACKOFF_H
#define KPID_BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	int64_t first_us, next_us; /* the first wait, and the next one */
	int64_t until_us;          /* no attempt before; 0: none has failed */
};

/* Limits of the wait: for failures that may pass by themselves, and for those that last until somebody acts. */
#define BACKOFF_MAX_US         INT64_C(5000000)
#define BACKOFF_LASTING_MAX_US INT64_C(30000000)

void backoff_init(struct backoff *backoff, int64_t first_us);
/* Forgets past failures: the next attempt may start at once, and the next wait is the first again. */
void backoff_reset(struct backoff *backoff);
/* An attempt failed: returns the wait until the next one, and doubles the wait after that. */
int64_t backoff_add_failure(struct backoff *backoff, int64_t now_us, bool lasting);
/* True if the next attempt may start. */
bool backoff_is_over(const struct backoff *backoff, int64_t now_us);

#endif
