#include "kpid/base/lasting.h"

#define SECOND_US  INT64_C(1000000)
#define SAY_US     (3600 * SECOND_US) /* how often a fault that lasts is logged again */
#define SETTLED_US (5 * SECOND_US)    /* so long without it, and it is over */

enum lasting_verdict lasting_comes(struct lasting *fault, unsigned kind, int64_t now_us)
{
	uint32_t bit = UINT32_C(1) << (kind & 31);
	/* Of one that came long ago nobody needs a count. */
	if (fault->n > 0 && now_us - fault->last_us > SAY_US)
		*fault = (struct lasting){.n = 0};
	if (fault->n == 0)
		fault->since_us = now_us;
	fault->n++;
	fault->last_us = now_us;
	if ((fault->kinds & bit) == 0) {
		fault->kinds |= bit;
		fault->said_us = now_us;
		return LASTING_NEW;
	}
	if (now_us - fault->said_us < SAY_US)
		return LASTING_QUIET;
	fault->said_us = now_us;
	return LASTING_STILL;
}

bool lasting_works(struct lasting *fault, int64_t now_us, struct lasting *summary_out)
{
	if (fault->n == 0 || now_us - fault->last_us < SETTLED_US)
		return false;
	*summary_out = *fault;
	*fault = (struct lasting){.n = 0};
	return summary_out->n > 1;
}
