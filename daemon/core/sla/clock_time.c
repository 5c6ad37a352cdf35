#include "clock_time.h"

static int64_t end_of(const struct clock_time *time, const struct pause *pause)
{
	return pause->end_us == TIME_FOR_EVER ? time->cut_us : pause->end_us;
}

int64_t clock_time_ran(const struct clock_time *time, int64_t from_us, int64_t to_us)
{
	int64_t ran_us = to_us - from_us;
	for (size_t i = 0; i < time->n_pauses && time->pauses[i].start_us < to_us; i++) {
		const struct pause *pause = &time->pauses[i];
		int64_t start_us = pause->start_us > from_us ? pause->start_us : from_us;
		int64_t end_us = end_of(time, pause) < to_us ? end_of(time, pause) : to_us;
		if (start_us < end_us && text_list_has(time->listed, pause->reason))
			ran_us -= end_us - start_us;
	}
	return ran_us;
}

int64_t clock_time_reaches(const struct clock_time *time, int64_t from_us, int64_t run_us)
{
	int64_t at_us = from_us;
	int64_t left_us = run_us;
	for (size_t i = 0; i < time->n_pauses; i++) {
		const struct pause *pause = &time->pauses[i];
		int64_t start_us = pause->start_us > at_us ? pause->start_us : at_us;
		if (left_us <= start_us - at_us)
			break; /* reached before this pause, or as it begins */
		int64_t end_us = end_of(time, pause);
		if (end_us <= start_us || !text_list_has(time->listed, pause->reason))
			continue;
		if (end_us == TIME_FOR_EVER)
			return TIME_NONE;
		left_us -= start_us - at_us;
		at_us = end_us;
	}
	return at_us + left_us;
}
