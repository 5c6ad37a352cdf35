/* Calendars: the hours in which a clock runs (rule S7).
 *
 * A calendar is compiled into sorted intervals of UTC with the total time before each, so that every query is a binary
 * search. Only the queried years are compiled, and more on demand: this is why the functions below take a calendar that
 * is not const. That never changes a result. */
#ifndef KPID_CORE_CALENDAR_H
#define KPID_CORE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/core/timestamp.h"
#include "kpid/port/zone.h"

#define MINUTES_PER_DAY 1440

/* A local interval on the date on which it begins; minutes after midnight, as a wall clock shows them. */
struct calendar_hours {
	int16_t start_minute, end_minute; /* 0 .. 1440; 1440 is the start of the next date */
	bool ends_next_day;               /* a night shift: the end is on the next date */
};

struct calendar_day {
	const struct calendar_hours *hours; /* any order */
	size_t n;                           /* 0: a day off */
};

/* Dates with special hours: a holiday, a make-up workday. */
struct calendar_date {
	int32_t first_day, last_day; /* days since 1970-01-01, both included */
	struct calendar_day hours;
};

/* A day with special hours in every year (February 29: in leap years). */
struct calendar_yearly {
	uint8_t month, month_day; /* from 1 */
	struct calendar_day hours;
};

/* UTC: start_us <= at < end_us. Sorted; no two spans touch. */
struct calendar_span {
	int64_t start_us, end_us;
	int64_t before_us; /* total length of the spans before this one */
};

struct calendar {
	struct zone zone;
	struct calendar_day weekly[7];        /* Monday first */
	const struct calendar_date *dates;    /* ascending, no two overlap */
	const struct calendar_yearly *yearly; /* ascending, distinct; an entry of dates takes precedence */
	size_t n_dates, n_yearly;
	/* compiled for the local dates first_day <= date < end_day */
	struct calendar_span *spans;
	size_t n_spans, capacity;
	int32_t first_day, end_day; /* equal: nothing compiled yet */
	int64_t never_us;           /* calendar_reaches() is false for this much work and more; 0: not known */
	/* calendar_ask(): the range that was asked for, and the part of it that was taken; empty unless from < until */
	int64_t asked_from_us, asked_until_us, taken_from_us, taken_until_us;
};

/* Limits of the search for working time: the years 1900 and 2900. Days since 1970-01-01. */
#define CALENDAR_FIRST_DAY (-25567)
#define CALENDAR_END_DAY   339680

/* Notes that a reader of the database will need the working time between now and at_us. */
void calendar_ask(struct calendar *calendar, int64_t at_us);
/* True if something was asked for outside the range taken so far. Then extends that range by what was asked for and by
 * now_us .. until_us. */
bool calendar_take_asked(struct calendar *calendar, int64_t now_us, int64_t until_us);
/* The hours of a date (days since 1970-01-01): those of the date, else of the day of the year, else of the weekday. */
const struct calendar_day *calendar_hours_on(const struct calendar *calendar, int32_t day);

/* Frees what was compiled. The caller sets zone, hours and dates, which must outlive the calendar; everything else
 * starts as zero. */
void calendar_release(struct calendar *calendar);
/* The working time between two times, in microseconds; 0 if to_us <= from_us. */
int64_t calendar_worked_us(struct calendar *calendar, int64_t from_us, int64_t to_us);
/* The earliest time at which work_us (> 0) of working time have passed since from_us. TIME_FOR_EVER: not before
 * CALENDAR_END_DAY. */
int64_t calendar_after_us(struct calendar *calendar, int64_t from_us, int64_t work_us);
/* The latest time from which work_us (> 0) of working time pass until until_us; the start of CALENDAR_FIRST_DAY if
 * there is less. */
int64_t calendar_before_us(struct calendar *calendar, int64_t until_us, int64_t work_us);
/* False if a clock that starts by the end of 2200, the last year that events may name, might not run for work_us (> 0)
 * before CALENDAR_END_DAY. */
bool calendar_reaches(struct calendar *calendar, int64_t work_us);
/* Index of the compiled span that contains at_us or is the first after it; n_spans: none. */
size_t calendar_span_at(struct calendar *calendar, int64_t at_us);

#endif
