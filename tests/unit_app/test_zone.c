/* The time zones of this machine, as calendars need them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "adapters/zone/zone.h"
#include "kpid/core/timestamp.h"

static void assert_offset(const char *name, const char *at, int32_t expected_s)
{
	struct zone zone;
	int64_t at_us = 0;
	assert_true(zone_find(name, &zone));
	assert_true(timestamp_parse(text_of(at), &at_us));
	assert_int_equal(zone.offset_s(zone.context, at_us), expected_s);
	zone.release(zone.context);
}

static void test_offsets(void **state)
{
	(void)state;
	assert_offset("UTC", "2026-01-01T00:00:00Z", 0);
	assert_offset("Asia/Shanghai", "2026-07-01T00:00:00Z", 28800);
	assert_offset("Asia/Shanghai", "1990-07-01T00:00:00Z", 32400); /* it had summer time then */
	assert_offset("Europe/Berlin", "2026-03-29T00:59:59.999999Z", 3600);
	assert_offset("Europe/Berlin", "2026-03-29T01:00:00Z", 7200);
	assert_offset("Europe/Berlin", "2026-10-25T01:00:00Z", 3600);
	assert_offset("America/New_York", "2026-07-01T00:00:00Z", -14400);
	assert_offset("Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37800);
	assert_offset("Pacific/Apia", "2011-12-30T09:59:59Z", -36000);
	assert_offset("Pacific/Apia", "2011-12-30T10:00:00Z", 50400);
	assert_offset("Etc/GMT+5", "2026-07-01T00:00:00Z", -18000);
}

/* After the last change listed by tzdata, the rule continues. */
static void test_far_years(void **state)
{
	(void)state;
	assert_offset("Europe/Berlin", "2090-07-01T00:00:00Z", 7200);
	assert_offset("Europe/Berlin", "2090-12-01T00:00:00Z", 3600);
	assert_offset("America/New_York", "2190-07-01T00:00:00Z", -14400);
}

static void test_names(void **state)
{
	(void)state;
	static const char *const none[] = {"",
	                                   "+08",
	                                   "08:00",
	                                   "Asia/Shangai",
	                                   "/etc/localtime",
	                                   "../Asia/Aden",
	                                   "EST5EDT,M3.2.0,M11.1.0",
	                                   ":UTC",
	                                   "UTC+8",
	                                   "XYZ3",
	                                   "GMT-8",
	                                   "Europe//Berlin",
	                                   "right/Europe/Berlin",
	                                   "Europe/../UTC",
	                                   "Europe"};
	struct zone zone;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(zone_find(none[i], &zone));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_offsets),
	        cmocka_unit_test(test_far_years),
	        cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
