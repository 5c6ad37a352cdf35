/* Durations of the policy file (rule P2): "30m", "1h30m", "2wd". */
#ifndef KPID_CORE_DURATION_H
#define KPID_CORE_DURATION_H

#include <stdint.h>

#include "kpid/base/text.h"

enum duration_verdict {
	DURATION_OK,
	DURATION_EMPTY,
	DURATION_NOT_WHOLE,    /* a sign, decimal point or space, or a unit without a number */
	DURATION_NO_UNIT,      /* "30", "1h30" */
	DURATION_UNKNOWN_UNIT, /* "3w", "5min" */
	DURATION_UNIT_TWICE,   /* "1h2h" */
	DURATION_NO_WORKING_DAY,
	DURATION_ZERO,
	DURATION_TOO_LONG /* over 366 d */
};

/* working_day_us: length of one `wd`; 0: `wd` is an error. Units may come in any order. Sets *us_out (1 us .. 366 days)
 * only with DURATION_OK. The caller checks whether `d` is allowed (P2). */
enum duration_verdict duration_parse(struct text text, int64_t working_day_us, int64_t *us_out);
/* What is wrong and what to write instead, as a phrase that follows the quoted value; NULL for DURATION_OK. */
const char *duration_remedy(enum duration_verdict verdict);

#endif
