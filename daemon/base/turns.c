#include "kpid/base/turns.h"

#include <stdio.h>

#include "kpid/base/log.h"

#define MINUTE_US INT64_C(60000000)

bool turns_add(struct turns *turns, const char *what, const char *of_whom, int64_t took_us, int64_t now_us,
               struct turns *summary_out)
{
	if (took_us > TURN_MOST_MS * INT64_C(1000)) {
		turns->n++;
		if (took_us > turns->longest_us) {
			turns->longest_us = took_us;
			snprintf(turns->what, sizeof(turns->what), "%s %s", what, of_whom);
		}
	}
	if (turns->n == 0 || (turns->logged && now_us - turns->logged_us < MINUTE_US))
		return false;
	*summary_out = *turns;
	*turns = (struct turns){.logged = true, .logged_us = now_us};
	return true;
}

void turn_ended(const char *what, const char *of_whom, int64_t began_us, int64_t now_us)
{
	static struct turns turns;
	struct turns summary;
	if (turns_add(&turns, what, of_whom, now_us - began_us, now_us, &summary))
		log_warning("nothing else went on for %lld ms, because of %s; turns of over %d ms since the last line "
		            "of this kind: %u",
		            (long long)(summary.longest_us / 1000), summary.what, TURN_MOST_MS, summary.n);
}
