#include "kpid/core/calendar.h"

#include <stdlib.h>

#include "kpid/base/memory.h"
#include "kpid/core/local_time.h"

#define US_PER_MINUTE (INT64_C(60) * US_PER_SECOND)

/* A night shift begins on the previous date; a zone may be a day ahead or behind. */
enum { DAYS_MARGIN = 3, DAYS_AT_ONCE = 32 };

void calendar_release(struct calendar *calendar)
{
	free(calendar->spans);
	calendar->spans = NULL;
	calendar->n_spans = calendar->capacity = 0;
	calendar->first_day = calendar->end_day = 0;
}

/* ---- from a date to its spans ---- */

static int32_t day_of(int64_t at_us)
{
	int64_t day = at_us / US_PER_DAY;
	return (int32_t)(at_us % US_PER_DAY < 0 ? day - 1 : day);
}

/* NULL: no entry of dates contains the day. */
static const struct calendar_day *dated_hours(const struct calendar *calendar, int32_t day)
{
	size_t low = 0, high = calendar->n_dates;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (calendar->dates[middle].last_day < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low < calendar->n_dates && calendar->dates[low].first_day <= day ? &calendar->dates[low].hours : NULL;
}

static const struct calendar_day *yearly_hours(const struct calendar *calendar, int32_t day)
{
	unsigned month, month_day;
	if (calendar->n_yearly == 0)
		return NULL;
	timestamp_month_day(day, &month, &month_day);
	size_t low = 0, high = calendar->n_yearly;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct calendar_yearly *yearly = &calendar->yearly[middle];
		if (yearly->month == month && yearly->month_day == month_day)
			return &yearly->hours;
		if (yearly->month < month || (yearly->month == month && yearly->month_day < month_day))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct calendar_day *calendar_hours_on(const struct calendar *calendar, int32_t day)
{
	const struct calendar_day *hours = dated_hours(calendar, day);
	if (hours == NULL)
		hours = yearly_hours(calendar, day);
	int weekday = (day % 7 + 10) % 7; /* 1970-01-01 was a Thursday */
	return hours != NULL ? hours : &calendar->weekly[weekday];
}

/* An end that exists twice is its second occurrence. 24:00 is the first instant of the next date. */
static int64_t end_of(const struct zone *zone, int32_t day, const struct calendar_hours *hours)
{
	int64_t midnight_us = (day + (hours->ends_next_day ? 1 : 0)) * US_PER_DAY;
	return local_time_to_utc(zone, midnight_us + hours->end_minute * US_PER_MINUTE,
	                         hours->end_minute < MINUTES_PER_DAY, NULL);
}

static void add_day(struct calendar *calendar, int32_t day)
{
	const struct calendar_day *hours = calendar_hours_on(calendar, day);
	for (size_t i = 0; i < hours->n; i++) {
		int64_t local_us = day * US_PER_DAY + hours->hours[i].start_minute * US_PER_MINUTE;
		int64_t start_us = local_time_to_utc(&calendar->zone, local_us, false, NULL);
		int64_t end_us = end_of(&calendar->zone, day, &hours->hours[i]);
		if (end_us <= start_us)
			continue;
		calendar->spans =
		        mem_grow(calendar->spans, &calendar->capacity, calendar->n_spans + 1, sizeof(*calendar->spans));
		calendar->spans[calendar->n_spans++] = (struct calendar_span){start_us, end_us, 0};
	}
}

static int by_start(const void *a, const void *b)
{
	const struct calendar_span *left = a, *right = b;
	return (left->start_us > right->start_us) - (left->start_us < right->start_us);
}

/* Sorts the spans, joins those that touch, and computes before_us. */
static void join_spans(struct calendar *calendar)
{
	size_t n = 0;
	if (calendar->n_spans > 1)
		qsort(calendar->spans, calendar->n_spans, sizeof(*calendar->spans), by_start);
	for (size_t i = 0; i < calendar->n_spans; i++) {
		struct calendar_span *last = n == 0 ? NULL : &calendar->spans[n - 1];
		if (last == NULL || calendar->spans[i].start_us > last->end_us)
			calendar->spans[n++] = calendar->spans[i];
		else if (calendar->spans[i].end_us > last->end_us)
			last->end_us = calendar->spans[i].end_us;
	}
	calendar->n_spans = n;
	int64_t before_us = 0;
	for (size_t i = 0; i < n; i++) {
		calendar->spans[i].before_us = before_us;
		before_us += calendar->spans[i].end_us - calendar->spans[i].start_us;
	}
}

static int32_t clamp_day(int64_t day)
{
	if (day < CALENDAR_FIRST_DAY)
		return CALENDAR_FIRST_DAY;
	return day > CALENDAR_END_DAY ? CALENDAR_END_DAY : (int32_t)day;
}

/* Compiles the dates first_day <= date < end_day, from scratch. The range at least doubles each time, so this is rare.
 */
static void compile(struct calendar *calendar, int32_t first_day, int32_t end_day)
{
	calendar->n_spans = 0;
	calendar->first_day = first_day;
	calendar->end_day = end_day;
	for (int32_t day = first_day; day < end_day; day++)
		add_day(calendar, day);
	join_spans(calendar);
}

/* Compiles all spans that touch from_us .. to_us, unless they are compiled. */
static void reach(struct calendar *calendar, int64_t from_us, int64_t to_us)
{
	int64_t first = day_of(from_us) - DAYS_MARGIN, end = day_of(to_us) + DAYS_MARGIN + 1;
	int64_t length = (int64_t)calendar->end_day - calendar->first_day;
	bool is_empty = length == 0;
	if (!is_empty && clamp_day(first) >= calendar->first_day && clamp_day(end) <= calendar->end_day)
		return;
	int64_t more = length > DAYS_AT_ONCE ? length : DAYS_AT_ONCE;
	if (is_empty) {
		end += more;
	} else {
		first = first < calendar->first_day ? first - more : calendar->first_day;
		end = end > calendar->end_day ? end + more : calendar->end_day;
	}
	compile(calendar, clamp_day(first), clamp_day(end));
}

/* ---- queries ---- */

/* Index of the first compiled span that ends after at_us; n_spans: none. */
static size_t span_at(const struct calendar *calendar, int64_t at_us)
{
	size_t low = 0, high = calendar->n_spans;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (calendar->spans[middle].end_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t total_us(const struct calendar *calendar)
{
	if (calendar->n_spans == 0)
		return 0;
	const struct calendar_span *last = &calendar->spans[calendar->n_spans - 1];
	return last->before_us + last->end_us - last->start_us;
}

/* Working time from the first compiled span to at_us. */
static int64_t worked_until(const struct calendar *calendar, int64_t at_us)
{
	size_t i = span_at(calendar, at_us);
	if (i == calendar->n_spans)
		return total_us(calendar);
	const struct calendar_span *span = &calendar->spans[i];
	return span->before_us + (at_us > span->start_us ? at_us - span->start_us : 0);
}

size_t calendar_span_at(struct calendar *calendar, int64_t at_us)
{
	reach(calendar, at_us, at_us);
	return span_at(calendar, at_us);
}

int64_t calendar_worked_us(struct calendar *calendar, int64_t from_us, int64_t to_us)
{
	if (to_us <= from_us)
		return 0;
	reach(calendar, from_us, to_us);
	return worked_until(calendar, to_us) - worked_until(calendar, from_us);
}

/* The first span by whose end work_us have passed. There must be one. */
static const struct calendar_span *span_of_work(const struct calendar *calendar, int64_t work_us)
{
	size_t low = 0, high = calendar->n_spans - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct calendar_span *span = &calendar->spans[middle];
		if (span->before_us + span->end_us - span->start_us < work_us)
			low = middle + 1;
		else
			high = middle;
	}
	return &calendar->spans[low];
}

int64_t calendar_after_us(struct calendar *calendar, int64_t from_us, int64_t work_us)
{
	reach(calendar, from_us, from_us + work_us);
	while (total_us(calendar) - worked_until(calendar, from_us) < work_us) {
		if (calendar->end_day == CALENDAR_END_DAY)
			return TIME_FOR_EVER;
		reach(calendar, from_us, calendar->end_day * US_PER_DAY);
	}
	int64_t wanted_us = worked_until(calendar, from_us) + work_us;
	const struct calendar_span *span = span_of_work(calendar, wanted_us);
	return span->start_us + wanted_us - span->before_us;
}

int64_t calendar_before_us(struct calendar *calendar, int64_t until_us, int64_t work_us)
{
	reach(calendar, until_us - work_us, until_us);
	while (worked_until(calendar, until_us) < work_us) {
		if (calendar->first_day == CALENDAR_FIRST_DAY)
			return CALENDAR_FIRST_DAY * US_PER_DAY;
		reach(calendar, calendar->first_day * US_PER_DAY, until_us);
	}
	int64_t wanted_us = worked_until(calendar, until_us) - work_us;
	const struct calendar_span *span = span_of_work(calendar, wanted_us + 1);
	return span->start_us + wanted_us - span->before_us;
}

/* Nominal working time of a date. Hours that overlap those of the next date count twice. */
static int64_t nominal_us(const struct calendar_day *hours)
{
	int64_t minutes = 0;
	for (size_t i = 0; i < hours->n; i++)
		minutes += hours->hours[i].end_minute + (hours->hours[i].ends_next_day ? MINUTES_PER_DAY : 0) -
		           hours->hours[i].start_minute;
	return minutes * US_PER_MINUTE;
}

/* After 2200 there are no entries of dates, so weekdays and days of the year repeat. At least a quarter of the nominal
 * time remains however hours overlap and clocks change, so 28 years decide for all calendars but those with very few
 * hours. */
bool calendar_reaches(struct calendar *calendar, int64_t work_us)
{
	enum { DAY_OF_2201 = 84371, DAYS_OF_28_YEARS = 10227 };
	int64_t sum_us = 0;
	if (calendar->never_us != 0 && work_us >= calendar->never_us)
		return false;
	for (int32_t day = DAY_OF_2201; day < DAY_OF_2201 + DAYS_OF_28_YEARS; day++) {
		sum_us += nominal_us(calendar_hours_on(calendar, day));
		if (sum_us / 4 >= work_us)
			return true;
	}
	struct calendar copy = *calendar;
	copy.spans = NULL;
	copy.n_spans = copy.capacity = 0;
	copy.first_day = copy.end_day = 0;
	bool reaches = calendar_after_us(&copy, DAY_OF_2201 * US_PER_DAY, work_us) != TIME_FOR_EVER;
	calendar_release(&copy);
	if (!reaches)
		calendar->never_us = work_us;
	return reaches;
}

/* ---- what readers of the database need ---- */

static void widen(int64_t *from_io, int64_t *until_io, int64_t from_us, int64_t until_us)
{
	bool nothing = *from_io >= *until_io;
	*from_io = nothing || from_us < *from_io ? from_us : *from_io;
	*until_io = nothing || until_us > *until_io ? until_us : *until_io;
}

void calendar_ask(struct calendar *calendar, int64_t at_us)
{
	if (at_us < calendar->taken_from_us || at_us >= calendar->taken_until_us)
		widen(&calendar->asked_from_us, &calendar->asked_until_us, at_us, at_us + 1);
}

bool calendar_take_asked(struct calendar *calendar, int64_t now_us, int64_t until_us)
{
	if (calendar->asked_from_us >= calendar->asked_until_us)
		return false;
	widen(&calendar->taken_from_us, &calendar->taken_until_us, calendar->asked_from_us, calendar->asked_until_us);
	widen(&calendar->taken_from_us, &calendar->taken_until_us, now_us, until_us);
	calendar->asked_from_us = calendar->asked_until_us = 0;
	return true;
}
