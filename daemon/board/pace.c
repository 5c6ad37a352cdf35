#include "board/pace.h"

/* How many times as long as the answer took. */
static const int64_t rests[] = {[PACE_ROWS] = 4, [PACE_SUM] = 20, [PACE_ROUND] = 10, [PACE_AT_ONCE] = 0};

enum { BEHIND = 5 };

int64_t pace_rest_us(enum pace pace, int64_t took_us, bool is_behind)
{
	return rests[pace] * took_us * (is_behind && pace != PACE_ROWS ? BEHIND : 1);
}
