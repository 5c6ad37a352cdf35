/* When a clock ran, and when and why it did not: what `kpid explain` draws. */
#ifndef KPID_CORE_TIMELINE_H
#define KPID_CORE_TIMELINE_H

#include "kpid/core/ticket.h"

enum timeline_kind {
	TIMELINE_RUNS,
	TIMELINE_RESTS, /* outside its calendar */
	TIMELINE_STANDS /* in a pause that its target lists */
};

const char *timeline_kind_name(enum timeline_kind kind); /* "runs" */

struct timeline_piece {
	enum timeline_kind kind;
	int64_t from_us, to_us;
	int64_t ran_us;     /* in all, by to_us */
	struct text reason; /* of the pause */
};

struct timeline {
	struct timeline_piece *pieces; /* one after the other, from the clock's start on */
	size_t n;
	bool cut; /* there are more than were asked for */
};

/* Up to until_us, at most max_pieces. Without a target, and under a promise, time runs by the wall: one piece. */
struct timeline timeline_of(const struct ticket *ticket, const struct sla_clock *clock, int64_t until_us,
                            size_t max_pieces, struct arena *arena);

#endif
