/* Rule S7: working time of calendars, in zones with clock changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the includes above it */
#include <cmocka.h>

#include "fake_zone.h"
#include "kpid/core/calendar.h"

#define HOUR_US (INT64_C(3600) * US_PER_SECOND)

static int64_t at(const char *text)
{
	int64_t us = 0;
	assert_true(timestamp_parse(text_of(text), &us));
	return us;
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct calendar_hours lunch_break[] = {{13 * 60 + 30, 17 * 60 + 30, false}, {8 * 60 + 30, 12 * 60, false}};
static const struct calendar_hours all_day[] = {{0, MINUTES_PER_DAY, false}};
static const struct calendar_hours night[] = {{0, 6 * 60, false}, {22 * 60, MINUTES_PER_DAY, false}};
static const struct calendar_hours around_the_change[] = {{2 * 60 + 15, 2 * 60 + 45, false}};

static struct calendar calendar_in(const char *zone)
{
	struct calendar calendar = {.n_spans = 0};
	assert_true(fake_zone_find(zone, &calendar.zone));
	return calendar;
}

static void every_day(struct calendar *calendar, const char *zone, const struct calendar_hours *hours, size_t n)
{
	*calendar = calendar_in(zone);
	for (int i = 0; i < 7; i++)
		calendar->weekly[i] = (struct calendar_day){hours, n};
}

/* Monday to Friday, 08:30-12:00 and 13:30-17:30. */
static void office(struct calendar *calendar, const char *zone)
{
	every_day(calendar, zone, lunch_break, N(lunch_break));
	calendar->weekly[5] = calendar->weekly[6] = (struct calendar_day){NULL, 0};
}

static void assert_worked(struct calendar *calendar, const char *from, const char *to, int64_t minutes)
{
	assert_int_equal(calendar_worked_us(calendar, at(from), at(to)), minutes * 60 * US_PER_SECOND);
}

static void assert_after(struct calendar *calendar, const char *from, int64_t minutes, const char *expected)
{
	assert_int_equal(calendar_after_us(calendar, at(from), minutes * 60 * US_PER_SECOND), at(expected));
}

static void test_S7_lunch_break(void **state)
{
	(void)state;
	struct calendar calendar;
	office(&calendar, "Asia/Shanghai"); /* 2026-03-09 is a Monday */
	assert_worked(&calendar, "2026-03-09T00:00:00+08:00", "2026-03-10T00:00:00+08:00", 450);
	assert_worked(&calendar, "2026-03-09T11:30:00+08:00", "2026-03-09T14:00:00+08:00", 60);
	assert_after(&calendar, "2026-03-09T11:30:00+08:00", 30, "2026-03-09T12:00:00+08:00");
	assert_after(&calendar, "2026-03-09T11:30:00+08:00", 31, "2026-03-09T13:31:00+08:00");
	calendar_release(&calendar);
}

static void test_S7_weekend(void **state)
{
	(void)state;
	struct calendar calendar;
	office(&calendar, "Asia/Shanghai");
	assert_after(&calendar, "2026-03-13T17:00:00+08:00", 60, "2026-03-16T09:00:00+08:00");
	assert_worked(&calendar, "2026-03-14T00:00:00+08:00", "2026-03-16T00:00:00+08:00", 0);
	assert_worked(&calendar, "2026-03-16T09:00:00+08:00", "2026-03-16T09:00:00+08:00", 0);
	assert_worked(&calendar, "2026-03-16T10:00:00+08:00", "2026-03-16T09:00:00+08:00", 0);
	calendar_release(&calendar);
}

static void test_S7_days_come_before_the_week(void **state)
{
	(void)state;
	struct calendar calendar;
	office(&calendar, "Asia/Shanghai");
	/* 2026-10-01, a Thursday, is off; 2026-10-10, a Saturday, is a working day. */
	const struct calendar_date dates[] = {{20727, 20727, {NULL, 0}}, {20736, 20736, {lunch_break, N(lunch_break)}}};
	calendar.dates = dates;
	calendar.n_dates = N(dates);
	assert_after(&calendar, "2026-09-30T17:00:00+08:00", 60, "2026-10-02T09:00:00+08:00");
	assert_after(&calendar, "2026-10-09T17:00:00+08:00", 60, "2026-10-10T09:00:00+08:00");
	calendar_release(&calendar);
}

static void test_S7_2400_is_the_next_midnight(void **state)
{
	(void)state;
	struct calendar calendar;
	every_day(&calendar, "Asia/Shanghai", night, N(night));
	assert_worked(&calendar, "2026-03-09T21:00:00+08:00", "2026-03-10T07:00:00+08:00", 480);
	size_t i = calendar_span_at(&calendar, at("2026-03-10T00:00:00+08:00"));
	assert_int_equal(calendar.spans[i].start_us, at("2026-03-09T22:00:00+08:00"));
	assert_int_equal(calendar.spans[i].end_us, at("2026-03-10T06:00:00+08:00"));
	calendar_release(&calendar);
}

static void test_S7_days_of_23_and_25_hours(void **state)
{
	(void)state;
	struct calendar calendar;
	every_day(&calendar, "Europe/Berlin", all_day, N(all_day));
	assert_worked(&calendar, "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23 * 60);
	assert_worked(&calendar, "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25 * 60);
	calendar_release(&calendar);
}

static void test_S7_time_that_does_not_exist(void **state)
{
	(void)state;
	struct calendar calendar;
	every_day(&calendar, "Europe/Berlin", around_the_change, N(around_the_change));
	size_t i = calendar_span_at(&calendar, at("2026-03-29T00:30:00Z"));
	assert_int_equal(calendar.spans[i].start_us, at("2026-03-29T03:15:00+02:00"));
	assert_int_equal(calendar.spans[i].end_us, at("2026-03-29T03:45:00+02:00"));
	calendar_release(&calendar);

	/* Only the start is in the gap; it moves to the end or beyond it: empty. */
	static const struct calendar_hours to_3[] = {{2 * 60, 3 * 60, false}};
	every_day(&calendar, "Europe/Berlin", to_3, N(to_3));
	assert_worked(&calendar, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", 0);
	assert_worked(&calendar, "2026-03-28T00:00:00Z", "2026-03-28T12:00:00Z", 60);
	calendar_release(&calendar);
}

static void test_S7_time_that_exists_twice(void **state)
{
	(void)state;
	struct calendar calendar;
	every_day(&calendar, "Europe/Berlin", around_the_change, N(around_the_change));
	size_t i = calendar_span_at(&calendar, at("2026-10-25T00:00:00Z"));
	assert_int_equal(calendar.spans[i].start_us, at("2026-10-25T02:15:00+02:00"));
	assert_int_equal(calendar.spans[i].end_us, at("2026-10-25T02:45:00+01:00"));
	calendar_release(&calendar);

	/* The union: the first interval ends after the start of the second. */
	static const struct calendar_hours twins[] = {{60, 150, false}, {150, 240, false}};
	every_day(&calendar, "Europe/Berlin", twins, N(twins));
	i = calendar_span_at(&calendar, at("2026-10-25T00:00:00Z"));
	assert_int_equal(calendar.spans[i].start_us, at("2026-10-25T01:00:00+02:00"));
	assert_int_equal(calendar.spans[i].end_us, at("2026-10-25T04:00:00+01:00"));
	calendar_release(&calendar);
}

static void test_S7_half_an_hour(void **state)
{
	(void)state;
	struct calendar calendar;
	static const struct calendar_hours hours[] = {{105, 135, false}}; /* 01:45-02:15 */
	every_day(&calendar, "Australia/Lord_Howe", hours, N(hours));
	assert_worked(&calendar, "2026-04-04T12:00:00Z", "2026-04-05T00:00:00Z", 60);
	assert_worked(&calendar, "2026-10-03T12:00:00Z", "2026-10-04T00:00:00Z", 30);
	calendar_release(&calendar);
}

static void test_S7_change_at_midnight(void **state)
{
	(void)state;
	struct calendar calendar;
	every_day(&calendar, "America/Havana", all_day, N(all_day));
	/* Every instant is included, so the dates meet: 24:00 is the first of two midnights, 00:00 moves with the
	 * gap. */
	assert_worked(&calendar, "2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", 334 * 1440);
	calendar_release(&calendar);

	static const struct calendar_hours late[] = {{23 * 60, MINUTES_PER_DAY, false}};
	every_day(&calendar, "America/Havana", late, N(late));
	size_t i = calendar_span_at(&calendar, at("2026-11-01T03:30:00Z"));
	assert_int_equal(calendar.spans[i].end_us, at("2026-11-01T04:00:00Z"));
	calendar_release(&calendar);
}

static void test_S7_date_that_was_left_out(void **state)
{
	(void)state;
	struct calendar calendar;
	static const struct calendar_hours hours[] = {{9 * 60, 17 * 60, false}};
	every_day(&calendar, "Pacific/Apia", hours, N(hours));
	/* 2011-12-30 does not exist there: its hours move by the gap, to those of the 31st. */
	assert_worked(&calendar, "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", 16 * 60);
	calendar_release(&calendar);
}

static void test_S7_calendar_that_never_works(void **state)
{
	(void)state;
	struct calendar calendar = calendar_in("UTC");
	assert_int_equal(calendar_after_us(&calendar, at("2026-01-01T00:00:00Z"), 1), TIME_FOR_EVER);
	assert_worked(&calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 0);
	calendar_release(&calendar);
}

static void assert_span(struct calendar *calendar, const char *about, const char *start, const char *end)
{
	size_t i = calendar_span_at(calendar, at(about));
	assert_true(i < calendar->n_spans);
	assert_int_equal(calendar->spans[i].start_us, at(start));
	assert_int_equal(calendar->spans[i].end_us, at(end));
}

static const struct calendar_hours a_night[] = {{22 * 60, 6 * 60, true}};

static void test_S7_night_shift_lies_on_two_dates(void **state)
{
	(void)state;
	struct calendar calendar = calendar_in("Asia/Shanghai");
	calendar.weekly[0] = (struct calendar_day){a_night, N(a_night)}; /* Monday 2026-03-09 only */
	assert_span(&calendar, "2026-03-10T01:00:00+08:00", "2026-03-09T22:00:00+08:00", "2026-03-10T06:00:00+08:00");
	assert_worked(&calendar, "2026-03-09T00:00:00+08:00", "2026-03-16T00:00:00+08:00", 480);
	assert_after(&calendar, "2026-03-10T05:59:00+08:00", 2, "2026-03-16T22:01:00+08:00");
	calendar_release(&calendar);
}

static void test_S7_night_shift_belongs_to_the_date_on_which_it_begins(void **state)
{
	(void)state;
	struct calendar calendar;
	every_day(&calendar, "Asia/Shanghai", a_night, N(a_night));
	const struct calendar_date dates[] = {{20727, 20727, {NULL, 0}}}; /* 2026-10-01 is off */
	calendar.dates = dates;
	calendar.n_dates = N(dates);
	assert_span(&calendar, "2026-10-01T01:00:00+08:00", "2026-09-30T22:00:00+08:00", "2026-10-01T06:00:00+08:00");
	assert_after(&calendar, "2026-10-01T06:00:00+08:00", 1, "2026-10-02T22:01:00+08:00");
	calendar_release(&calendar);
}

static void test_S7_night_shift_and_the_next_morning_are_a_union(void **state)
{
	(void)state;
	struct calendar calendar;
	static const struct calendar_hours hours[] = {{5 * 60, 9 * 60, false}, {22 * 60, 6 * 60, true}};
	every_day(&calendar, "Asia/Shanghai", hours, N(hours));
	assert_span(&calendar, "2026-03-10T05:30:00+08:00", "2026-03-09T22:00:00+08:00", "2026-03-10T09:00:00+08:00");
	assert_worked(&calendar, "2026-03-09T12:00:00+08:00", "2026-03-10T12:00:00+08:00", 11 * 60);
	calendar_release(&calendar);
	static const struct calendar_hours inside[] = {{5 * 60, 5 * 60 + 30, false}, {22 * 60, 6 * 60, true}};
	every_day(&calendar, "Asia/Shanghai", inside, N(inside));
	assert_worked(&calendar, "2026-03-09T12:00:00+08:00", "2026-03-10T12:00:00+08:00", 8 * 60);
	calendar_release(&calendar);
}

static void test_S7_ends_of_a_night_shift_go_by_their_own_dates(void **state)
{
	(void)state;
	struct calendar calendar;
	/* From 04:00 to 02:30 of the next date. In Berlin 02:30 does not exist on 2026-03-29 and exists twice on
	 * 2026-10-25. */
	static const struct calendar_hours long_night[] = {{4 * 60, 2 * 60 + 30, true}};
	every_day(&calendar, "Europe/Berlin", long_night, N(long_night));
	assert_span(&calendar, "2026-03-29T00:00:00Z", "2026-03-28T04:00:00+01:00", "2026-03-29T03:30:00+02:00");
	assert_span(&calendar, "2026-10-25T00:00:00Z", "2026-10-24T04:00:00+02:00", "2026-10-25T02:30:00+01:00");
	calendar_release(&calendar);
	/* Havana's midnight of 2026-11-01 exists twice, that of 2026-03-08 moves to 01:00. An end of 00:00 is the
	 * second, 24:00 the first. */
	static const struct calendar_hours to_midnight[] = {{22 * 60, 0, true}};
	every_day(&calendar, "America/Havana", to_midnight, N(to_midnight));
	assert_span(&calendar, "2026-11-01T03:30:00Z", "2026-11-01T02:00:00Z", "2026-11-01T05:00:00Z");
	assert_span(&calendar, "2026-03-08T04:00:00Z", "2026-03-08T03:00:00Z", "2026-03-08T05:00:00Z");
	calendar_release(&calendar);
}

static void test_S7_ranges_of_dates_and_days_of_the_year(void **state)
{
	(void)state;
	struct calendar calendar;
	every_day(&calendar, "Asia/Shanghai", lunch_break, N(lunch_break));
	static const struct calendar_hours morning[] = {{8 * 60, 9 * 60, false}};
	const struct calendar_date dates[] = {{20727, 20733, {NULL, 0}}}; /* 2026-10-01 to 2026-10-07 */
	const struct calendar_yearly yearly[] = {
	        {2, 29, {NULL, 0}}, {10, 3, {morning, N(morning)}}, {12, 25, {morning, N(morning)}}};
	calendar.dates = dates;
	calendar.n_dates = N(dates);
	calendar.yearly = yearly;
	calendar.n_yearly = N(yearly);
	assert_worked(&calendar, "2026-09-30T00:00:00+08:00", "2026-10-09T00:00:00+08:00", 2 * 450);
	assert_worked(&calendar, "2025-10-03T00:00:00+08:00", "2025-10-04T00:00:00+08:00",
	              60); /* not part of any date */
	assert_worked(&calendar, "2026-12-25T00:00:00+08:00", "2026-12-26T00:00:00+08:00", 60);
	assert_worked(&calendar, "2199-12-24T00:00:00+08:00", "2199-12-27T00:00:00+08:00", 2 * 450 + 60);
	assert_worked(&calendar, "2028-02-28T00:00:00+08:00", "2028-03-01T00:00:00+08:00", 450);
	assert_worked(&calendar, "2027-02-28T00:00:00+08:00", "2027-03-01T00:00:00+08:00", 450);
	assert_worked(&calendar, "2100-02-28T00:00:00+08:00", "2100-03-02T00:00:00+08:00", 2 * 450);
	calendar_release(&calendar);
}

static void test_a_calendar_that_hardly_works_is_never_due(void **state)
{
	(void)state;
	static const struct calendar_hours a_minute[] = {{600, 601, false}};
	const int64_t minute_us = 60 * US_PER_SECOND;
	struct calendar calendar = calendar_in("UTC");
	const struct calendar_yearly leap_day[] = {{2, 29, {a_minute, N(a_minute)}}};
	assert_false(calendar_reaches(&calendar, 1));
	calendar.never_us = 0;
	calendar.yearly = leap_day;
	calendar.n_yearly = 1;
	assert_true(calendar_reaches(&calendar, minute_us));
	assert_true(calendar_reaches(&calendar,
	                             170 * minute_us)); /* leap days from 2204 to 2896 except those of centuries */
	assert_false(calendar_reaches(&calendar, 171 * minute_us));
	assert_false(calendar_reaches(&calendar, 172 * minute_us));
	assert_int_equal(calendar.n_spans, 0);
	calendar_release(&calendar);
	office(&calendar, "Asia/Shanghai");
	assert_true(calendar_reaches(&calendar, 366 * US_PER_DAY));
	calendar_release(&calendar);
}

/* Each query for hours is handed to the views once. */
static void test_each_query_for_hours_is_handed_over_once(void **state)
{
	(void)state;
	struct calendar calendar;
	office(&calendar, "Asia/Shanghai");
	const int64_t now_us = at("2026-03-09T00:00:00Z"), until_us = now_us + 180 * US_PER_DAY;
	assert_false(calendar_take_asked(&calendar, now_us, until_us));
	calendar_ask(&calendar, now_us + US_PER_DAY);
	assert_true(calendar_take_asked(&calendar, now_us, until_us));
	calendar_ask(&calendar, now_us);
	calendar_ask(&calendar, until_us - 1);
	assert_false(calendar_take_asked(&calendar, now_us, until_us));
	calendar_ask(&calendar, until_us);
	assert_true(calendar_take_asked(&calendar, now_us, until_us));
	calendar_ask(&calendar, now_us - US_PER_DAY); /* already late */
	assert_true(calendar_take_asked(&calendar, now_us, until_us));
	calendar_ask(&calendar, now_us - US_PER_DAY / 2);
	assert_false(calendar_take_asked(&calendar, now_us, until_us));
	assert_int_equal(calendar.n_spans, 0);
	calendar_release(&calendar);
}

static int64_t any_time(const char *from, int64_t length_us)
{
	return at(from) + (int64_t)(drand48() * (double)length_us);
}

/* Working time is additive, and the due time is the earliest instant, however the calendar was extended. */
static void test_S7_properties(void **state)
{
	(void)state;
	const char *const zones[] = {"UTC", "Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana"};
	srand48(7);
	for (int round = 0; round < 200; round++) {
		struct calendar_hours hours[2][3];
		struct calendar calendar = calendar_in(zones[round % 5]), again;
		for (int kind = 0; kind < 2; kind++)
			for (int i = 0; i < 3; i++) {
				int16_t start = (int16_t)(480 * i + (int)(drand48() * 470));
				int16_t end = (int16_t)(start + 1 + (int)(drand48() * (480 * (i + 1) - start - 1)));
				hours[kind][i] = (struct calendar_hours){start, end, false};
				if (i == 2 &&
				    round % 2 == 1) /* a night that overlaps the first hours of the next date */
					hours[kind][i] =
					        (struct calendar_hours){start, (int16_t)(drand48() * start), true};
			}
		for (int day = 0; day < 7; day++)
			calendar.weekly[day] = (struct calendar_day){hours[day % 2], (size_t)(drand48() * 4)};
		calendar.weekly[0].n = 3;
		again = calendar;
		for (int i = 0; i < 50; i++) {
			int64_t a = any_time("2025-06-01T00:00:00Z", 700 * US_PER_DAY);
			int64_t b = a + (int64_t)(drand48() * 40 * (double)US_PER_DAY);
			int64_t c = b + (int64_t)(drand48() * 40 * (double)US_PER_DAY);
			int64_t ab = calendar_worked_us(&calendar, a, b), bc = calendar_worked_us(&calendar, b, c);
			assert_int_equal(ab + bc, calendar_worked_us(&calendar, a, c));
			assert_true(ab >= 0 && ab <= b - a);
			struct calendar fresh = again;
			assert_int_equal(ab, calendar_worked_us(&fresh, a, b));
			int64_t work = 1 + (int64_t)(drand48() * 90 * (double)HOUR_US);
			int64_t due = calendar_after_us(&calendar, a, work);
			assert_int_equal(due, calendar_after_us(&fresh, a, work));
			assert_int_equal(calendar_worked_us(&calendar, a, due), work);
			assert_int_equal(calendar_worked_us(&calendar, a, due - 1), work - 1);
			int64_t from = calendar_before_us(&calendar, c, work);
			assert_int_equal(calendar_worked_us(&calendar, from, c), work);
			assert_int_equal(calendar_worked_us(&calendar, from + 1, c), work - 1);
			calendar_release(&fresh);
		}
		calendar_release(&calendar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_S7_lunch_break),
	        cmocka_unit_test(test_S7_weekend),
	        cmocka_unit_test(test_S7_days_come_before_the_week),
	        cmocka_unit_test(test_S7_2400_is_the_next_midnight),
	        cmocka_unit_test(test_S7_days_of_23_and_25_hours),
	        cmocka_unit_test(test_S7_time_that_does_not_exist),
	        cmocka_unit_test(test_S7_time_that_exists_twice),
	        cmocka_unit_test(test_S7_half_an_hour),
	        cmocka_unit_test(test_S7_change_at_midnight),
	        cmocka_unit_test(test_S7_date_that_was_left_out),
	        cmocka_unit_test(test_S7_calendar_that_never_works),
	        cmocka_unit_test(test_S7_night_shift_lies_on_two_dates),
	        cmocka_unit_test(test_S7_night_shift_belongs_to_the_date_on_which_it_begins),
	        cmocka_unit_test(test_S7_night_shift_and_the_next_morning_are_a_union),
	        cmocka_unit_test(test_S7_ends_of_a_night_shift_go_by_their_own_dates),
	        cmocka_unit_test(test_S7_ranges_of_dates_and_days_of_the_year),
	        cmocka_unit_test(test_a_calendar_that_hardly_works_is_never_due),
	        cmocka_unit_test(test_each_query_for_hours_is_handed_over_once),
	        cmocka_unit_test(test_S7_properties),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
