/* When a clock ran, and when and why it did not, for `kpid explain`. */
#ifndef KPID_CORE_TIMELINE_H
#define KPID_CORE_TIMELINE_H

#include "kpid/core/ticket.h"

enum timeline_kind {
	TIMELINE_RUNS,
	TIMELINE_RESTS, /* outside its calendar's hours */
	TIMELINE_PAUSED /* in a pause that its target lists */
};

const char *timeline_kind_name(enum timeline_kind kind); /* "runs", "rests", "stands": public, do not change */

struct timeline_piece {
	enum timeline_kind kind;
	int64_t from_us, to_us;
	int64_t ran_us;     /* total time run until to_us */
	struct text reason; /* of the pause; absent: not paused, or no reason */
};

struct timeline {
	struct timeline_piece *pieces; /* contiguous, from the clock's start on */
	size_t n;
	bool cut; /* more than max_pieces */
};

/* The time line up to until_us, at most max_pieces, in the arena. Without a target or under a promise it is one piece:
 * wall-clock time. */
struct timeline timeline_of(const struct ticket *ticket, const struct sla_clock *clock, int64_t until_us,
                            size_t max_pieces, struct arena *arena);

#endif
