#include "clock_time.h"

static int64_t end_of(const struct clock_time *time, const struct pause *pause)
{
	return pause->end_us == TIME_FOR_EVER ? time->cut_us : pause->end_us;
}

static int64_t worked(const struct clock_time *time, int64_t from_us, int64_t to_us)
{
	return time->hours == NULL ? to_us - from_us : calendar_worked_us(time->hours, from_us, to_us);
}

static int64_t worked_off(const struct clock_time *time, int64_t from_us, int64_t work_us)
{
	if (time->hours == NULL)
		return from_us + work_us;
	int64_t at_us = calendar_after_us(time->hours, from_us, work_us);
	return at_us == TIME_FOR_EVER ? TIME_NONE : at_us;
}

int64_t clock_time_ran(const struct clock_time *time, int64_t from_us, int64_t to_us)
{
	int64_t ran_us = worked(time, from_us, to_us);
	for (size_t i = 0; i < time->n_pauses && time->pauses[i].start_us < to_us; i++) {
		const struct pause *pause = &time->pauses[i];
		int64_t start_us = pause->start_us > from_us ? pause->start_us : from_us;
		int64_t end_us = end_of(time, pause) < to_us ? end_of(time, pause) : to_us;
		if (start_us < end_us && text_list_has(time->listed, pause->reason))
			ran_us -= worked(time, start_us, end_us);
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
		int64_t end_us = end_of(time, pause);
		if (end_us <= start_us || !text_list_has(time->listed, pause->reason))
			continue;
		int64_t ran_us = worked(time, at_us, start_us);
		if (left_us <= ran_us)
			break; /* reached before this pause, or as it begins */
		if (end_us == TIME_FOR_EVER)
			return TIME_NONE;
		left_us -= ran_us;
		at_us = end_us;
	}
	return worked_off(time, at_us, left_us);
}

int64_t clock_time_zero(const struct clock_time *time, int64_t at_us, int64_t left_us)
{
	if (time->hours == NULL || left_us == 0)
		return at_us + left_us;
	return left_us > 0 ? worked_off(time, at_us, left_us) : calendar_before_us(time->hours, at_us, -left_us);
}
