#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/core/duration.h"
#include "kpid/core/timestamp.h"

#define MINUTE_US (60 * US_PER_SECOND)
#define HOUR_US   (60 * MINUTE_US)

static void assert_duration(const char *words, int64_t working_day_us, int64_t expected_us)
{
	int64_t us = -1;
	assert_int_equal(duration_parse(text_of(words), working_day_us, &us), DURATION_OK);
	assert_true(us == expected_us);
}

static void assert_fault(const char *words, enum duration_verdict expected)
{
	int64_t us = -1;
	assert_int_equal(duration_parse(text_of(words), 0, &us), expected);
	assert_true(us == -1);
	assert_non_null(duration_remedy(expected));
}

static void test_P2_each_unit(void **state)
{
	(void)state;
	assert_duration("1s", 0, US_PER_SECOND);
	assert_duration("30m", 0, 30 * MINUTE_US);
	assert_duration("24h", 0, US_PER_DAY);
	assert_duration("3d", 0, 3 * US_PER_DAY);
	assert_duration("2wd", 450 * MINUTE_US, 900 * MINUTE_US);
}

static void test_P2_units_joined_in_any_order(void **state)
{
	(void)state;
	assert_duration("1h30m", 0, 90 * MINUTE_US);
	assert_duration("30m1h", 0, 90 * MINUTE_US);
	assert_duration("1d2h3m4s", 0, US_PER_DAY + 2 * HOUR_US + 3 * MINUTE_US + 4 * US_PER_SECOND);
	assert_duration("1wd1d", HOUR_US, US_PER_DAY + HOUR_US);
	assert_duration("0h30m", 0, 30 * MINUTE_US);
	assert_duration("007m", 0, 7 * MINUTE_US);
}

static void test_P2_at_most_366_days(void **state)
{
	(void)state;
	assert_duration("366d", 0, 366 * US_PER_DAY);
	assert_duration("31622400s", 0, 366 * US_PER_DAY);
	assert_duration("732wd", 12 * HOUR_US, 366 * US_PER_DAY);
	assert_fault("366d1s", DURATION_TOO_LONG);
	assert_fault("367d", DURATION_TOO_LONG);
	assert_fault("31622401s", DURATION_TOO_LONG);
	assert_fault("99999999999999999999999999999999s", DURATION_TOO_LONG);
	assert_fault("99999999999999999999d99999999999999999999h", DURATION_TOO_LONG);
	int64_t us;
	assert_int_equal(duration_parse(TEXT("733wd"), 12 * HOUR_US, &us), DURATION_TOO_LONG);
	assert_int_equal(duration_parse(TEXT("999999999999999wd"), INT64_MAX / 2, &us), DURATION_TOO_LONG);
}

static void test_P2_more_than_zero(void **state)
{
	(void)state;
	assert_fault("0m", DURATION_ZERO);
	assert_fault("0d0h0m0s", DURATION_ZERO);
}

static void test_P2_each_unit_at_most_once(void **state)
{
	(void)state;
	assert_fault("1h2h", DURATION_UNIT_TWICE);
	assert_fault("1m1h1m", DURATION_UNIT_TWICE);
}

static void test_P2_whole_numbers_with_known_units(void **state)
{
	(void)state;
	assert_fault("", DURATION_EMPTY);
	assert_fault("h", DURATION_NOT_WHOLE);
	assert_fault("+1h", DURATION_NOT_WHOLE);
	assert_fault("-1h", DURATION_NOT_WHOLE);
	assert_fault("1.5h", DURATION_NOT_WHOLE);
	assert_fault("1 h", DURATION_NOT_WHOLE);
	assert_fault("1h 30m", DURATION_NOT_WHOLE);
	assert_fault(" 1h", DURATION_NOT_WHOLE);
	assert_fault("30", DURATION_NO_UNIT);
	assert_fault("1h30", DURATION_NO_UNIT);
	assert_fault("3w", DURATION_UNKNOWN_UNIT);
	assert_fault("5min", DURATION_UNKNOWN_UNIT);
	assert_fault("5M", DURATION_UNKNOWN_UNIT);
	assert_fault("5dw", DURATION_UNKNOWN_UNIT);
}

static void test_P2_no_working_day_without_a_calendar_that_has_one(void **state)
{
	(void)state;
	assert_fault("2wd", DURATION_NO_WORKING_DAY);
	assert_fault("1h2wd", DURATION_NO_WORKING_DAY);
}

static void test_P2_absent_is_empty(void **state)
{
	(void)state;
	int64_t us;
	assert_int_equal(duration_parse(TEXT_ABSENT, 0, &us), DURATION_EMPTY);
	assert_null(duration_remedy(DURATION_OK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_P2_each_unit),
	        cmocka_unit_test(test_P2_units_joined_in_any_order),
	        cmocka_unit_test(test_P2_at_most_366_days),
	        cmocka_unit_test(test_P2_more_than_zero),
	        cmocka_unit_test(test_P2_each_unit_at_most_once),
	        cmocka_unit_test(test_P2_whole_numbers_with_known_units),
	        cmocka_unit_test(test_P2_no_working_day_without_a_calendar_that_has_one),
	        cmocka_unit_test(test_P2_absent_is_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
