#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "kpid/core/timestamp.h"

#define NOV_1 INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */

static void assert_parses(const char *words, int64_t expected_us)
{
	int64_t us = TIME_NONE;
	if (!timestamp_parse(text_of(words), &us))
		fail_msg("rejected: %s", words);
	if (us != expected_us)
		fail_msg("%s: %lld, not %lld", words, (long long)us, (long long)expected_us);
}

static void assert_rejects(const char *words)
{
	int64_t us = 42;
	if (timestamp_parse(text_of(words), &us))
		fail_msg("accepted: %s", words);
	assert_int_equal(us, 42);
}

static void test_E7_date_and_time_are_joined_by_T_t_or_a_space(void **state)
{
	(void)state;
	assert_parses("2026-11-01T00:00:00Z", NOV_1);
	assert_parses("2026-11-01t00:00:00Z", NOV_1);
	assert_parses("2026-11-01 00:00:00Z", NOV_1);
	assert_rejects("2026-11-01_00:00:00Z");
	assert_rejects("2026-11-01  00:00:00Z");
	assert_rejects("2026-11-0100:00:00Z");
}

static void test_E7_a_zone_is_Z_z_or_an_offset(void **state)
{
	(void)state;
	assert_parses("2026-11-01T00:00:00z", NOV_1);
	assert_parses("2026-11-01T08:00:00+08:00", NOV_1);
	assert_parses("2026-10-31T18:30:00-05:30", NOV_1);
	assert_parses("2026-11-01T00:00:00-00:00", NOV_1);
	assert_parses("2026-11-01T23:59:00+23:59", NOV_1);
	assert_parses("2026-10-31T00:01:00-23:59", NOV_1);
}

static void test_E5_a_missing_or_impossible_zone_is_rejected(void **state)
{
	(void)state;
	assert_rejects("2026-11-01T00:00:00");
	assert_rejects("2026-11-01T00:00:00.5");
	assert_rejects("2026-11-01T00:00:00+24:00");
	assert_rejects("2026-11-01T00:00:00+08:60");
	assert_rejects("2026-11-01T00:00:00+0800");
	assert_rejects("2026-11-01T00:00:00+08");
	assert_rejects("2026-11-01T00:00:00+8:00");
	assert_rejects("2026-11-01T00:00:00 +08:00");
	assert_rejects("2026-11-01T00:00:00+08:00 ");
	assert_rejects("2026-11-01T00:00:00ZZ");
	assert_rejects("2026-11-01T00:00:00Z+08:00");
	assert_rejects("2026-11-01T00:00:00 UTC");
}

static void test_E7_digits_past_the_sixth_are_truncated(void **state)
{
	(void)state;
	assert_parses("2026-11-01T00:00:00.1Z", NOV_1 + 100000);
	assert_parses("2026-11-01T00:00:00.000001Z", NOV_1 + 1);
	assert_parses("2026-11-01T00:00:00.0000019Z", NOV_1 + 1);
	assert_parses("2026-11-01T00:00:00.9999999999999999999999999999Z", NOV_1 + 999999);
	assert_parses("2026-11-01T08:00:00.123456789+08:00", NOV_1 + 123456);
	assert_rejects("2026-11-01T00:00:00.Z");
	assert_rejects("2026-11-01T00:00:00,5Z");
	assert_rejects("2026-11-01T00:00:00.1e3Z");
}

static void test_E5_an_impossible_date_is_rejected(void **state)
{
	(void)state;
	assert_rejects("2026-02-29T00:00:00Z");
	assert_rejects("2100-02-29T00:00:00Z");
	assert_rejects("2026-04-31T00:00:00Z");
	assert_rejects("2026-00-01T00:00:00Z");
	assert_rejects("2026-13-01T00:00:00Z");
	assert_rejects("2026-01-00T00:00:00Z");
	assert_rejects("2026-01-32T00:00:00Z");
	assert_parses("2024-02-29T00:00:00Z", INT64_C(1709164800000000));
	assert_parses("2000-02-29T00:00:00Z", INT64_C(951782400000000));
}

static void test_E5_an_impossible_time_of_day_is_rejected(void **state)
{
	(void)state;
	assert_rejects("2026-11-01T24:00:00Z");
	assert_rejects("2026-11-01T00:60:00Z");
	assert_rejects("2026-11-01T00:00:61Z");
	assert_parses("2026-11-01T23:59:59Z", NOV_1 + US_PER_DAY - US_PER_SECOND);
}

static void test_E5_second_60_is_rejected(void **state)
{
	(void)state;
	assert_rejects("2016-12-31T23:59:60Z");
	assert_rejects("2026-11-01T00:00:60Z");
}

static void test_E5_year_is_1990_to_2200_in_UTC(void **state)
{
	(void)state;
	assert_parses("1990-01-01T00:00:00Z", INT64_C(631152000000000));
	assert_rejects("1989-12-31T23:59:59.999999Z");
	assert_parses("2200-12-31T23:59:59.999999Z", INT64_C(7289654399999999));
	assert_rejects("2201-01-01T00:00:00Z");
	/* the zone moves the year */
	assert_parses("1989-12-31T20:00:00-04:00", INT64_C(631152000000000));
	assert_rejects("1990-01-01T00:00:00+00:01");
	assert_parses("2201-01-01T00:00:00+08:00", INT64_C(7289625600000000));
	assert_rejects("2200-12-31T23:59:59-00:01");
	assert_rejects("0000-01-01T00:00:00Z");
	assert_rejects("9999-12-31T00:00:00Z");
}

static void test_E5_other_forms_are_rejected(void **state)
{
	static const char *const texts[] = {
	        "",
	        "2026-11-01",
	        "2026-11-01T00:00Z",
	        "20261101T000000Z",
	        "2026-11-1T00:00:00Z",
	        "26-11-01T00:00:00Z",
	        "+2026-11-01T00:00:00Z",
	        " 2026-11-01T00:00:00Z",
	        "2026-11-01T00:00:00Z ",
	        "2026/11/01T00:00:00Z",
	        "2026-11-01T00.00.00Z",
	        "2026-11-01T-1:00:00Z",
	        "2026-11-01T 1:00:00Z",
	        "2026-W44-7T00:00:00Z",
	        "1793491200",
	        "not a time at all, by any means",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_rejects(texts[i]);
	int64_t us;
	assert_false(timestamp_parse(TEXT_ABSENT, &us));
	assert_false(timestamp_parse(TEXT("2026-11-01T00:00:00\0Z"), &us));
}

static void assert_formats(int64_t us, const char *expected)
{
	char out[TIMESTAMP_TEXT_BYTES];
	size_t len = timestamp_format(us, out);
	assert_string_equal(out, expected);
	assert_int_equal(len, strlen(expected));
}

static void test_format_writes_0_3_or_6_digits(void **state)
{
	(void)state;
	assert_formats(NOV_1, "2026-11-01T00:00:00Z");
	assert_formats(NOV_1 + 1000, "2026-11-01T00:00:00.001Z");
	assert_formats(NOV_1 + 500000, "2026-11-01T00:00:00.500Z");
	assert_formats(NOV_1 + 1, "2026-11-01T00:00:00.000001Z");
	assert_formats(NOV_1 + 123456, "2026-11-01T00:00:00.123456Z");
	assert_formats(0, "1970-01-01T00:00:00Z");
	assert_formats(-1, "1969-12-31T23:59:59.999999Z");
}

static void test_format_stays_within_its_bytes(void **state)
{
	(void)state;
	assert_formats(TIME_NONE, "0001-01-01T00:00:00Z");
	assert_formats(TIME_FOR_EVER, "9999-12-31T23:59:59.999999Z");
}

/* Against the C library's calendar, every few hours with odd microseconds from 1990 to 2200. */
static void test_parse_and_format_agree_with_the_C_library(void **state)
{
	(void)state;
	int64_t last_us = INT64_C(7289654399999999);
	for (int64_t us = INT64_C(631152000000000); us <= last_us; us += INT64_C(9 * 3600 * 1000000) + 1234567) {
		char out[TIMESTAMP_TEXT_BYTES], expected[64];
		time_t seconds = (time_t)(us / US_PER_SECOND);
		struct tm utc;
		gmtime_r(&seconds, &utc);
		size_t len = strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &utc);
		timestamp_format(us, out);
		assert_memory_equal(out, expected, len);
		assert_parses(out, us);
	}
}

static void test_bucket_is_the_floor(void **state)
{
	(void)state;
	assert_true(timestamp_bucket(NOV_1) == NOV_1);
	assert_true(timestamp_bucket(NOV_1 + BUCKET_US - 1) == NOV_1);
	assert_true(timestamp_bucket(-1) == -BUCKET_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_E7_date_and_time_are_joined_by_T_t_or_a_space),
	        cmocka_unit_test(test_E7_a_zone_is_Z_z_or_an_offset),
	        cmocka_unit_test(test_E5_a_missing_or_impossible_zone_is_rejected),
	        cmocka_unit_test(test_E7_digits_past_the_sixth_are_truncated),
	        cmocka_unit_test(test_E5_an_impossible_date_is_rejected),
	        cmocka_unit_test(test_E5_an_impossible_time_of_day_is_rejected),
	        cmocka_unit_test(test_E5_second_60_is_rejected),
	        cmocka_unit_test(test_E5_year_is_1990_to_2200_in_UTC),
	        cmocka_unit_test(test_E5_other_forms_are_rejected),
	        cmocka_unit_test(test_format_writes_0_3_or_6_digits),
	        cmocka_unit_test(test_format_stays_within_its_bytes),
	        cmocka_unit_test(test_parse_and_format_agree_with_the_C_library),
	        cmocka_unit_test(test_bucket_is_the_floor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
