/* How long a question rests after its answer. The board shares the database with the daemon, so each kind of question
 * takes a bounded share of the time, however large the tables are. Pure. */
#ifndef KPID_BOARD_PACE_H
#define KPID_BOARD_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum pace {
	PACE_ROWS,  /* finds a few rows by an index, which has to be on the screen soon: a fifth of the time at most */
	PACE_SUM,   /* adds up: 1/21; a fifth of that while the events are behind, when no sum is right */
	PACE_ROUND, /* a piece of a sum that has many: 1/11; likewise */
	PACE_AT_ONCE
};

/* took_us: from the question to the answer. is_behind: the events are not complete up to now. */
int64_t pace_rest_us(enum pace pace, int64_t took_us, bool is_behind);

#endif
