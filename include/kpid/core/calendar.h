/* Calendars: the hours in which a clock runs (RULES S7).
 *
 * Compiled into sorted intervals of UTC with the time worked before each, so that every question is a binary
 * search. They are compiled for the years that were asked about, and for more as soon as somebody asks: this
 * is why the functions below take a calendar that they may change. They change no answer. */
#ifndef KPID_CORE_CALENDAR_H
#define KPID_CORE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/core/timestamp.h"
#include "kpid/port/zone.h"

#define MINUTES_PER_DAY 1440

/* A local interval of the date on which it begins; minutes after midnight as its clocks show them. */
struct calendar_hours {
	int16_t start_minute, end_minute; /* 0 .. 1440, which is the first instant of the next date */
	bool ends_next_day;               /* the end lies on the next date: a night shift */
};

struct calendar_day {
	const struct calendar_hours *hours; /* any order */
	size_t n;                           /* 0: a day off */
};

/* Dates with hours of their own: a holiday, a make-up workday. */
struct calendar_date {
	int32_t first_day, last_day; /* days since 1970-01-01, both included */
	struct calendar_day hours;
};

/* A day with hours of its own in every year that has it. */
struct calendar_yearly {
	uint8_t month, month_day; /* from 1 */
	struct calendar_day hours;
};

/* Of UTC: start_us <= at < end_us. Sorted, and no two touch. */
struct calendar_span {
	int64_t start_us, end_us;
	int64_t before_us; /* worked in the spans before this one */
};

struct calendar {
	struct zone zone;
	struct calendar_day weekly[7];        /* Monday first */
	const struct calendar_date *dates;    /* ascending, no two overlap */
	const struct calendar_yearly *yearly; /* ascending, none twice; where no date says otherwise */
	size_t n_dates, n_yearly;
	/* what is compiled, of the local dates first_day <= date < end_day */
	struct calendar_span *spans;
	size_t n_spans, capacity;
	int32_t first_day, end_day; /* equal: nothing yet */
	int64_t never_us;           /* calendar_reaches() is false for so much work; 0: not known */
	/* calendar_ask(): what was asked, and what of that was taken; both from < until, or nothing */
	int64_t asked_from_us, asked_until_us, taken_from_us, taken_until_us;
};

/* The farthest that is looked ahead or back for working time: the year 2900, and 1900. */
#define CALENDAR_FIRST_DAY (-25567)
#define CALENDAR_END_DAY   339680

/* Somebody outside will want to know how much is worked between now and an instant. */
void calendar_ask(struct calendar *calendar, int64_t at_us);
/* True if something was asked that lies outside of what was taken before. From then on that is taken as well, and all
 * from now_us to until_us. */
bool calendar_take_asked(struct calendar *calendar, int64_t now_us, int64_t until_us);
/* The hours of a date (days since 1970-01-01): its own, else its day of the year's, else its weekday's. */
const struct calendar_day *calendar_hours_on(const struct calendar *calendar, int32_t day);

/* The zone, hours and dates are set by the caller and outlive the calendar; the rest must be zero. */
void calendar_release(struct calendar *calendar);
/* The working time between two instants; 0 where to_us <= from_us. */
int64_t calendar_worked_us(struct calendar *calendar, int64_t from_us, int64_t to_us);
/* The earliest instant by which work_us (> 0) have been worked since from_us. TIME_FOR_EVER: not before
 * CALENDAR_END_DAY. */
int64_t calendar_after_us(struct calendar *calendar, int64_t from_us, int64_t work_us);
/* The latest instant from which work_us (> 0) have been worked until until_us; CALENDAR_FIRST_DAY's first if it
 * was never so much. */
int64_t calendar_before_us(struct calendar *calendar, int64_t until_us, int64_t work_us);
/* False if a clock that starts in a year that events may name (up to 2200) may never have run for work_us (> 0): not
 * before CALENDAR_END_DAY. */
bool calendar_reaches(struct calendar *calendar, int64_t work_us);
/* Which compiled span holds the instant or is the first behind it: an index up to n_spans. */
size_t calendar_span_at(struct calendar *calendar, int64_t at_us);

#endif
