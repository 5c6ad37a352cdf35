/* A fault that may last: it is logged when it begins, again once an hour with how often it came, and when it is over.
 * Zeroed: there is none. Pure; times are microseconds of one clock that does not go back. */
#ifndef KPID_BASE_LASTING_H
#define KPID_BASE_LASTING_H

#include <stdbool.h>
#include <stdint.h>

struct lasting {
	int64_t since_us; /* of the first time */
	int64_t last_us;  /* of the latest time */
	int64_t said_us;  /* when it was logged last */
	uint64_t n;       /* so often since then began; 0: there is none */
	uint32_t kinds;   /* those that were logged, as bits */
};

enum lasting_verdict {
	LASTING_QUIET, /* it was logged already */
	LASTING_NEW,   /* log it */
	LASTING_STILL  /* log that it lasts, with n and since_us */
};

/* It has come (again). kind: below 32; another kind than those logged before is new. */
enum lasting_verdict lasting_comes(struct lasting *fault, unsigned kind, int64_t now_us);
/* What failed has worked. True: log that it is over; summary_out has what it was. A fault that came once is forgotten
 * in silence, and one that came a moment ago may come again: it lasts until a few seconds have passed without it. */
bool lasting_works(struct lasting *fault, int64_t now_us, struct lasting *summary_out);

#endif
