#include "kpid/base/slow_callbacks.h"

#include <stdio.h>

#include "kpid/base/clock.h"
#include "kpid/base/log.h"

#define MINUTE_US INT64_C(60000000)

bool slow_callbacks_add(struct slow_callbacks *slow, const char *what, const char *subject, int64_t took_us,
                        int64_t worked_us, int64_t now_us, struct slow_callbacks *summary_out)
{
	if (took_us > SLOW_CALLBACK_MS * INT64_C(1000)) {
		slow->n++;
		if (took_us > slow->longest_us) {
			slow->longest_us = took_us;
			slow->worked_us = worked_us;
			snprintf(slow->what, sizeof(slow->what), "%s %s", what, subject);
		}
	}
	if (slow->n == 0 || (slow->logged && now_us - slow->logged_us < MINUTE_US))
		return false;
	*summary_out = *slow;
	*slow = (struct slow_callbacks){.logged = true, .logged_us = now_us};
	return true;
}

struct callback_timer callback_timer_start(int64_t now_us)
{
	return (struct callback_timer){now_us, thread_cpu_us()};
}

void callback_timer_stop(struct callback_timer timer, const char *what, const char *subject, int64_t now_us)
{
	static struct slow_callbacks slow;
	struct slow_callbacks summary;
	int64_t worked_us = thread_cpu_us() - timer.worked_us;
	if (slow_callbacks_add(&slow, what, subject, now_us - timer.now_us, worked_us, now_us, &summary))
		log_warning("the event loop was blocked for %lld ms, %lld of them processor time, by %s; callbacks "
		            "over %d ms since the last such line: %u",
		            (long long)(summary.longest_us / 1000), (long long)(summary.worked_us / 1000), summary.what,
		            SLOW_CALLBACK_MS, summary.n);
}
