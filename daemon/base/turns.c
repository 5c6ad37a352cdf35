#include "kpid/base/turns.h"

#include <stdio.h>
#include <time.h>

#include "kpid/base/log.h"

#define MINUTE_US INT64_C(60000000)

bool turns_add(struct turns *turns, const char *what, const char *of_whom, int64_t took_us, int64_t worked_us,
               int64_t now_us, struct turns *summary_out)
{
	if (took_us > TURN_MOST_MS * INT64_C(1000)) {
		turns->n++;
		if (took_us > turns->longest_us) {
			turns->longest_us = took_us;
			turns->worked_us = worked_us;
			snprintf(turns->what, sizeof(turns->what), "%s %s", what, of_whom);
		}
	}
	if (turns->n == 0 || (turns->logged && now_us - turns->logged_us < MINUTE_US))
		return false;
	*summary_out = *turns;
	*turns = (struct turns){.logged = true, .logged_us = now_us};
	return true;
}

static int64_t processor_us(void)
{
	struct timespec used;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * INT64_C(1000000) + used.tv_nsec / 1000;
}

struct turn_start turn_begin(int64_t now_us)
{
	return (struct turn_start){now_us, processor_us()};
}

void turn_end(struct turn_start start, const char *what, const char *of_whom, int64_t now_us)
{
	static struct turns turns;
	struct turns summary;
	int64_t worked_us = processor_us() - start.worked_us;
	if (turns_add(&turns, what, of_whom, now_us - start.now_us, worked_us, now_us, &summary))
		log_warning("nothing else went on for %lld ms, %lld of them processor time, during %s; turns of over "
		            "%d ms since the last line of this kind: %u",
		            (long long)(summary.longest_us / 1000), (long long)(summary.worked_us / 1000), summary.what,
		            TURN_MOST_MS, summary.n);
}
