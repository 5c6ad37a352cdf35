/* Decides when to log an error that keeps coming back: when it begins, once an hour with a count while it lasts, and
 * when it is over. Starts zeroed. Pure; times are microseconds of a monotonic clock. */
#ifndef KPID_BASE_LOG_THROTTLE_H
#define KPID_BASE_LOG_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct log_throttle {
	int64_t since_us;  /* the first failure */
	int64_t last_us;   /* the latest failure */
	int64_t logged_us; /* the latest log line */
	uint64_t n;        /* failures since since_us; 0: none */
	uint32_t kinds;    /* bits of the kinds already logged */
};

enum log_throttle_verdict {
	LOG_THROTTLE_QUIET,   /* already logged */
	LOG_THROTTLE_FIRST,   /* log the error */
	LOG_THROTTLE_REMINDER /* log that it continues, with n and since_us */
};

/* Records a failure. kind < 32: a kind that was not logged yet counts as first. */
enum log_throttle_verdict log_throttle_failed(struct log_throttle *throttle, unsigned kind, int64_t now_us);
/* Records a success. Returns true if the end of the error should be logged, with what *summary_out holds. A single
 * failure ends without a line. An error is over once 5 s pass without a failure. */
bool log_throttle_worked(struct log_throttle *throttle, int64_t now_us, struct log_throttle *summary_out);

#endif
