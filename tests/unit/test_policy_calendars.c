/* Calendars of a policy file (rules P4, S7). */
#include "policy_case.h"

static void test_P_calendar_that_is_always(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"always\": {\"always\": true, \"weekly\": {}}}"),
	             REVISION_PATH ".calendars.always.weekly", "cannot be combined with `always`");
	assert_fault(FILE_WITH_CALENDAR("\"always\": false"), CALENDAR_PATH ".always", "can only be true");
	assert_fault(FILE_WITH_MEMBER("\"calendars\": {\"c\": true}"), CALENDAR_PATH, "is true; write");
}

static void test_P_calendar_with_hours(void **state)
{
	(void)state;
	struct policy_set *set =
	        parse(FILE_ON_OFFICE("\"working_day\": \"7h30m\", \"weekly\": {\"mon\": [\"13:30-17:30\", "
	                             "\"08:30-12:00\"], \"sun\": []}, \"days\": {\"2026-10-10\": "
	                             "[\"09:00-24:00\"], \"2026-10-01\": []}",
	                             "2wd"));
	const struct target_rule *rule = &set->revisions[0].policies[0].targets[TARGET_RESOLUTION];
	assert_int_equal(rule->within_us, 15 * 3600 * US_PER_SECOND);
	assert_text(rule->calendar->name, "office");
	assert_text(rule->calendar->time_zone, "Asia/Shanghai");
	struct calendar *hours = target_hours(rule);
	assert_int_equal(hours->n_dates, 2);
	assert_int_equal(hours->dates[0].first_day, 20727);
	assert_int_equal(hours->dates[0].hours.n, 0);
	assert_int_equal(hours->dates[1].hours.hours[0].end_minute, MINUTES_PER_DAY);
	/* Monday 2026-03-09, 16:30: one working hour is left on that day. */
	assert_int_equal(calendar_after_us(hours, at("2026-03-09T16:30:00+08:00"), 2 * 3600 * US_PER_SECOND),
	                 at("2026-03-16T09:30:00+08:00"));
	policy_set_free(set);
}

static void test_P_calendar_types(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": []"), CALENDAR_PATH ".weekly", "is a list; write");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": \"09:00-17:00\"}"),
	             CALENDAR_PATH ".weekly.mon", "is a string; write");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [9]}"), CALENDAR_PATH ".weekly.mon[0]",
	             "is a number; write hours in quotes");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": []"), CALENDAR_PATH ".days",
	             "is a list; write an object");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {\"2026-10-1\": []}"),
	             CALENDAR_PATH ".days.2026-10-1", "is not a date between 1990 and 2200");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"working_day\": 8"), CALENDAR_PATH ".working_day",
	             "is a number; write a duration in quotes");
	/* An unreadable calendar is reported once. */
	assert_fault(FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": [], \"policies\": [{\"name\": \"p\", "
	                                 "\"targets\": {\"arrival\": {\"within\": \"1h\", \"calendar\": \"c\"}}}]}"),
	             REVISION_PATH ".calendars", "is a list; write an object");
}

static void test_P_calendar_errors(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_CALENDAR(A_MONDAY), CALENDAR_PATH ".time_zone", "is missing");
	assert_fault(FILE_WITH_CALENDAR("\"time_zone\": \"Asia/Shangai\", " A_MONDAY), CALENDAR_PATH ".time_zone",
	             "\"Asia/Shangai\" is not a time zone known on this machine");
	assert_fault(FILE_WITH_CALENDAR("\"time_zone\": 8, " A_MONDAY), CALENDAR_PATH ".time_zone", "is a number");
	assert_fault(FILE_WITH_CALENDAR("\"time_zone\": \"UTC\""), CALENDAR_PATH ".weekly", "is missing");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {}"), CALENDAR_PATH ".weekly", "has no hours");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [], \"tue\": []}"), CALENDAR_PATH ".weekly",
	             "has no hours");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"week\": 1"), CALENDAR_PATH ".week",
	             "is not a known key");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"monday\": [\"09:00-17:00\"], \"tue\": "
	                                            "[\"09:00-17:00\"]}"),
	             CALENDAR_PATH ".weekly.monday", "is not a known day of the week");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {\"2026-02-29\": []}"),
	             CALENDAR_PATH ".days.2026-02-29", "is not a date");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {\"2026-03-09\": \"off\"}"),
	             CALENDAR_PATH ".days.2026-03-09", "is a string; write a list of hours");
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"working_day\": \"1wd\""),
	             CALENDAR_PATH ".working_day", "in working days");
	assert_fault(FILE_ON_OFFICE("\"working_day\": \"8\", " A_MONDAY, "2wd"),
	             REVISION_PATH ".calendars.office.working_day", "no unit"); /* and no error about 2wd */
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"working_day\": \"8\""), CALENDAR_PATH ".working_day",
	             "no unit");
}

static void test_P_hours(void **state)
{
	(void)state;
	static const char *const bad[] = {"9:00-17:00",  "09:00 - 17:00", "09:00-24:01", "09:60-10:00",
	                                  "25:00-26:00", "09:00",         "09.00-17.00", "",
	                                  "09:00-17:00 "};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf json = BUF_INIT;
		buf_add_format(&json,
		               FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [\"09:00-17:00\", \"%s\"]}"),
		               bad[i]);
		assert_fault(json.data, CALENDAR_PATH ".weekly.mon[1]", "is not a time range");
		buf_release(&json);
	}
	assert_fault(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [\"13:00-17:00\", \"09:00-13:01\"]}"),
	             CALENDAR_PATH ".weekly.mon[0]", "overlaps other hours of that day");
	/* The last hours overlap the first, but not those in between. */
	const struct expected_error two[] = {{CALENDAR_PATH ".weekly.mon[1]", "overlaps other hours", 0},
	                                     {CALENDAR_PATH ".weekly.mon[2]", "overlaps other hours", 0}};
	assert_faults_of(
	        TEXT(FILE_WITH_CALENDAR(IN_SHANGHAI
	                                "\"weekly\": {\"mon\": [\"08:00-12:00\", \"09:00-10:00\", \"11:00-13:00\"]}")),
	        two, 2);
	assert_fine(FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {\"mon\": [\"13:00-17:00\", \"09:00-13:00\"]}"));
}

#define FILE_WITH_WEEKLY(members) FILE_WITH_CALENDAR(IN_SHANGHAI "\"weekly\": {" members "}")
#define FILE_WITH_DAYS(members)   FILE_WITH_CALENDAR(IN_SHANGHAI A_MONDAY ", \"days\": {" members "}")

static const struct calendar *calendar_of(const struct policy_set *set)
{
	return set->revisions[0].calendars->hours;
}

static void test_S7_hours_over_midnight_do_not_vanish(void **state)
{
	(void)state;
	struct policy_set *set = parse(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"22:00-06:00\"], \"tue\": "
	                                                "[\"20:00-00:00\"], \"wed\": [\"24:00-06:00\"]"));
	const struct calendar_day *weekly = calendar_of(set)->weekly;
	assert_int_equal(weekly[0].n, 2);
	assert_false(weekly[0].hours[0].ends_next_day);
	assert_true(weekly[0].hours[1].ends_next_day);
	assert_int_equal(weekly[0].hours[1].end_minute, 360);
	assert_true(weekly[1].hours[0].ends_next_day);
	assert_int_equal(weekly[1].hours[0].end_minute, 0);
	assert_true(weekly[2].hours[0].ends_next_day);
	policy_set_free(set);

	const char *path = CALENDAR_PATH ".weekly.mon[1]";
	const char *equal = "ends when it begins; write \"00:00-24:00\" for a whole day";
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"13:00-13:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"00:00-00:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"24:00-24:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"08:00-12:00\", \"24:00-00:00\"]"), path, equal);
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"20:00-02:00\", \"23:00-23:30\"]"), path, "overlaps other hours");
	assert_fault(FILE_WITH_WEEKLY("\"mon\": [\"20:00-02:00\", \"22:00-06:00\"]"), path, "overlaps other hours");
	/* Its part on the next date does not belong to this date. */
	assert_fine(FILE_WITH_WEEKLY("\"mon-sun\": [\"22:00-06:00\", \"00:00-08:00\"]"));
}

static void assert_warned(const char *json, const char *path, const char *words)
{
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(text_of(json), fake_zone_find, &errors);
	assert_non_null(set);
	assert_int_equal(errors.n, 0);
	assert_int_equal(errors.n_warnings, path == NULL ? 0 : 1);
	if (path != NULL) {
		assert_text(errors.warnings[0].path, path);
		assert_int_equal(errors.warnings[0].line, 1);
		assert_non_null(
		        memmem(errors.warnings[0].message.ptr, errors.warnings[0].message.len, words, strlen(words)));
	}
	file_errors_release(&errors);
	policy_set_free(set);
}

static void test_P4_a_long_night_gives_a_warning(void **state)
{
	(void)state;
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"17:00-09:00\"]"), CALENDAR_PATH ".weekly.mon[0]",
	              "\"17:00-09:00\" ends on the next day, 16 h 00 min after it begins");
	assert_warned(FILE_WITH_DAYS("\"2026-10-01\": [\"09:00-00:00\"]"), CALENDAR_PATH ".days.2026-10-01[0]",
	              "15 h 00 min");
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"19:59-08:00\"]"), CALENDAR_PATH ".weekly.mon[0]", "12 h 01 min");
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"20:00-08:00\"]"), NULL, NULL);
	assert_warned(FILE_WITH_WEEKLY("\"mon\": [\"00:00-24:00\"]"), NULL, NULL);
}

static void test_P4_ranges_of_weekdays(void **state)
{
	(void)state;
	struct policy_set *set =
	        parse(FILE_WITH_WEEKLY("\"mon-wed\": [\"09:00-17:00\"], \"fri-fri\": [\"09:00-12:00\"]"));
	for (int day = 0; day < 7; day++)
		assert_int_equal(calendar_of(set)->weekly[day].n, day <= 2 || day == 4);
	policy_set_free(set);
	set = parse(FILE_WITH_WEEKLY("\"sun-thu\": [\"09:00-17:00\"]")); /* over the end of the week */
	for (int day = 0; day < 7; day++)
		assert_int_equal(calendar_of(set)->weekly[day].n, day <= 3 || day == 6);
	policy_set_free(set);

	assert_fault(FILE_WITH_WEEKLY("\"mon-fri\": [\"09:00-17:00\"], \"wed\": []"), CALENDAR_PATH ".weekly.wed",
	             "names wed, which \"mon-fri\" already names");
	assert_fault(FILE_WITH_WEEKLY("\"mon-fri\": [\"09:00-17:00\"], \"fri-sun\": []"),
	             CALENDAR_PATH ".weekly.fri-sun", "names fri,");
	assert_fault(FILE_WITH_WEEKLY("\"mon-fr\": [\"09:00-17:00\"]"), CALENDAR_PATH ".weekly.mon-fr",
	             "is not a known day of the week");
	assert_fault(FILE_WITH_WEEKLY("\"mon - fri\": [\"09:00-17:00\"]"), CALENDAR_PATH ".weekly[\"mon - fri\"]",
	             "is not a known day of the week");
	assert_fault(FILE_WITH_WEEKLY("\"Mon\": [\"09:00-17:00\"]"), CALENDAR_PATH ".weekly.Mon",
	             "is not a known day of the week");
}

static void test_P4_ranges_of_dates_and_yearly_days(void **state)
{
	(void)state;
	struct policy_set *set = parse(FILE_WITH_DAYS("\"2026-10-01/2026-10-07\": [], \"12-25\": [], \"02-29\": "
	                                              "[\"10:00-11:00\"], \"2026-09-30\": [], "
	                                              "\"2026-12-31/2027-01-01\": []"));
	const struct calendar *calendar = calendar_of(set);
	assert_int_equal(calendar->n_dates, 3);
	assert_int_equal(calendar->dates[1].first_day, 20727);
	assert_int_equal(calendar->dates[1].last_day, 20733);
	assert_int_equal(calendar->dates[2].last_day - calendar->dates[2].first_day, 1);
	assert_int_equal(calendar->n_yearly, 2);
	assert_int_equal(calendar->yearly[0].month, 2);
	assert_int_equal(calendar->yearly[0].month_day, 29);
	assert_int_equal(calendar->yearly[0].hours.n, 1);
	policy_set_free(set);

	assert_fault(FILE_WITH_DAYS("\"2026-10-01/2026-10-07\": [], \"2026-10-07\": []"),
	             CALENDAR_PATH ".days.2026-10-07", "overlaps \"2026-10-01/2026-10-07\"");
	assert_fault(FILE_WITH_DAYS("\"2026-10-01\": [], \"2026-10-01/2026-10-01\": []"),
	             CALENDAR_PATH ".days[\"2026-10-01/2026-10-01\"]", "overlaps \"2026-10-01\"");
	/* The long range overlaps the last one, but not those in between. */
	assert_fault(FILE_WITH_DAYS("\"2026-01-01/2026-12-31\": [], \"2027-01-01\": [], \"2026-12-31\": []"),
	             CALENDAR_PATH ".days.2026-12-31", "overlaps \"2026-01-01/2026-12-31\"");
	assert_fault(FILE_WITH_DAYS("\"2026-10-07/2026-10-01\": []"), CALENDAR_PATH ".days[\"2026-10-07/2026-10-01\"]",
	             "ends before it begins");
	static const char *const bad[] = {"02-30",
	                                  "13-01",
	                                  "00-10",
	                                  "1-1",
	                                  "2026-10-01/10-07",
	                                  "2026-10-01/2026-10-32",
	                                  "10-01/10-07",
	                                  "2026-10-01 2026-10-02",
	                                  "2201-01-01",
	                                  "2026-1-01",
	                                  "ab-cd"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf json = BUF_INIT;
		struct file_errors errors;
		buf_add_format(&json, FILE_WITH_DAYS("\"%s\": []"), bad[i]);
		assert_null(policy_set_parse(buf_text(&json), fake_zone_find, &errors));
		assert_int_equal(errors.n, 1);
		assert_non_null(
		        memmem(errors.items[0].message.ptr, errors.items[0].message.len, "is not a date between", 21));
		file_errors_release(&errors);
		buf_release(&json);
	}
}

static void test_target_that_is_never_due_is_an_error(void **state)
{
	(void)state;
	const char *path = TARGET_PATH ".within";
	const char *words = "the calendar \"office\" never has";
	assert_fault(FILE_ON_OFFICE("\"weekly\": {\"mon\": [\"00:00-00:01\"]}", "8000h"), path, words);
	assert_fine(FILE_ON_OFFICE("\"weekly\": {\"mon\": [\"00:00-00:01\"]}", "8h"));
	struct buf json = BUF_INIT; /* every day of the year is off */
	buf_add_str(&json, FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": {\"office\": {" IN_SHANGHAI A_MONDAY
	                                       ", \"days\": {\"01-01\": []"));
	json.len_bytes -= 2; /* the end of the file, which comes later */
	for (unsigned day = 1; day < 366; day++) {
		unsigned month, month_day;
		timestamp_month_day((int32_t)(10957 + day), &month, &month_day); /* calendars of 2000 */
		buf_add_format(&json, ", \"%02u-%02u\": []", month, month_day);
	}
	size_t open = json.len_bytes;
	buf_add_str(&json, "}}}, \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": \"1h\", "
	                   "\"calendar\": \"office\"}}}]}]}");
	buf_add_char(&json, '\0');
	assert_fault(json.data, path, words);
	json.len_bytes = open;
	buf_release(&json);
	/* Already stored revisions stay readable. */
	struct file_errors errors;
	struct policy_set *set = policy_revision_parse(
	        TEXT("{\"id\": \"r\", \"calendars\": {\"c\": {\"time_zone\": \"UTC\", \"weekly\": {\"mon\": "
	             "[\"00:00-00:01\"]}}}, \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": "
	             "{\"within\": "
	             "\"8000h\", \"calendar\": \"c\"}}}]}"),
	        fake_zone_find, &errors);
	assert_non_null(set);
	file_errors_release(&errors);
	policy_set_free(set);
}

static void test_P_days_and_working_days_of_within(void **state)
{
	(void)state;
	assert_fine(FILE_ON_OFFICE(A_MONDAY, "80h"));
	assert_fault(FILE_ON_OFFICE(A_MONDAY, "2d"), TARGET_PATH ".within", "\"2d\" counts days of 24 hours");
	assert_fault(FILE_ON_OFFICE(A_MONDAY, "2wd"), TARGET_PATH ".within", "counts working days (wd)");
	assert_fault(FILE_WITH_WITHIN("\"2wd\""), TARGET_PATH ".within", "counts working days (wd)");
	assert_fine(FILE_ON_OFFICE("\"working_day\": \"8h\", " A_MONDAY, "2wd4h"));
}

static void test_P_calendar_must_be_defined(void **state)
{
	(void)state;
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"office\"}"), TARGET_PATH ".calendar",
	             "the calendar \"office\", which this revision does not define; define it in `calendars`");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"allways\"}"), TARGET_PATH ".calendar",
	             "did you mean \"always\"?");
	assert_fault(FILE_WITH_TARGET("{\"within\": \"1h\", \"calendar\": \"\"}"), TARGET_PATH ".calendar", "is empty");
	const char *near =
	        FILE_WITH_REVISIONS("{\"id\": \"r\", \"calendars\": {\"guards\": {\"always\": true}}, \"policies\": "
	                            "[{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": \"1h\", "
	                            "\"calendar\": \"guard\"}}}]}");
	assert_fault(near, TARGET_PATH ".calendar", "did you mean \"guards\"?");
	/* A calendar of another revision is not available here. */
	assert_fault(
	        FILE_WITH_REVISIONS(
	                "{\"id\": \"a\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"calendars\": {\"guards\": "
	                "{\"always\": true}}, \"policies\": [" POLICY_OK "]},"
	                "{\"id\": \"b\", \"policies\": [{\"name\": \"p\", \"targets\": {\"resolution\": {\"within\": "
	                "\"1h\", \"calendar\": \"guards\"}}}]}"),
	        "revisions[1].policies[0].targets.resolution.calendar", "does not define");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_P_calendar_that_is_always),
	        cmocka_unit_test(test_P_calendar_with_hours),
	        cmocka_unit_test(test_P_calendar_types),
	        cmocka_unit_test(test_P_calendar_errors),
	        cmocka_unit_test(test_P_hours),
	        cmocka_unit_test(test_S7_hours_over_midnight_do_not_vanish),
	        cmocka_unit_test(test_P4_a_long_night_gives_a_warning),
	        cmocka_unit_test(test_P4_ranges_of_weekdays),
	        cmocka_unit_test(test_P4_ranges_of_dates_and_yearly_days),
	        cmocka_unit_test(test_target_that_is_never_due_is_an_error),
	        cmocka_unit_test(test_P_days_and_working_days_of_within),
	        cmocka_unit_test(test_P_calendar_must_be_defined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
