#include "kpid/base/log_throttle.h"

#define SECOND_US  INT64_C(1000000)
#define REMIND_US  (3600 * SECOND_US) /* how often a lasting error is logged again */
#define SETTLED_US (5 * SECOND_US)    /* an error is over after this long without a failure */

enum log_throttle_verdict log_throttle_failed(struct log_throttle *throttle, unsigned kind, int64_t now_us)
{
	uint32_t bit = UINT32_C(1) << (kind & 31);
	/* Too old to count: start over. */
	if (throttle->n > 0 && now_us - throttle->last_us > REMIND_US)
		*throttle = (struct log_throttle){.n = 0};
	if (throttle->n == 0)
		throttle->since_us = now_us;
	throttle->n++;
	throttle->last_us = now_us;
	if ((throttle->kinds & bit) == 0) {
		throttle->kinds |= bit;
		throttle->logged_us = now_us;
		return LOG_THROTTLE_FIRST;
	}
	if (now_us - throttle->logged_us < REMIND_US)
		return LOG_THROTTLE_QUIET;
	throttle->logged_us = now_us;
	return LOG_THROTTLE_REMINDER;
}

bool log_throttle_worked(struct log_throttle *throttle, int64_t now_us, struct log_throttle *summary_out)
{
	if (throttle->n == 0 || now_us - throttle->last_us < SETTLED_US)
		return false;
	*summary_out = *throttle;
	*throttle = (struct log_throttle){.n = 0};
	return summary_out->n > 1;
}
