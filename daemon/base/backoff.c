#include "kpid/base/backoff.h"

void backoff_init(struct backoff *backoff, int64_t first_us)
{
	*backoff = (struct backoff){.first_us = first_us, .next_us = first_us};
}

void backoff_reset(struct backoff *backoff)
{
	backoff_init(backoff, backoff->first_us);
}

int64_t backoff_add_failure(struct backoff *backoff, int64_t now_us, bool lasting)
{
	int64_t max_us = lasting ? BACKOFF_LASTING_MAX_US : BACKOFF_MAX_US;
	int64_t wait_us = backoff->next_us;
	backoff->until_us = now_us + wait_us;
	backoff->next_us = wait_us * 2 > max_us ? max_us : wait_us * 2;
	return wait_us;
}

bool backoff_is_over(const struct backoff *backoff, int64_t now_us)
{
	return now_us >= backoff->until_us;
}
