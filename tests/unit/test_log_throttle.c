/* An error ten times a second does not fill the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/base/log_throttle.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

static void a_fault_that_lasts_is_logged_once_an_hour(void **state)
{
	struct log_throttle fault = {.n = 0};
	int n_new = 0, n_still = 0;
	(void)state;
	for (int64_t now_us = SECOND; now_us <= 3 * HOUR; now_us += SECOND / 10) {
		enum log_throttle_verdict verdict = log_throttle_failed(&fault, 1, now_us);
		n_new += verdict == LOG_THROTTLE_FIRST;
		n_still += verdict == LOG_THROTTLE_REMINDER;
	}
	assert_int_equal(n_new, 1);
	assert_int_equal(n_still, 2);
	assert_int_equal(fault.since_us, SECOND);
	assert_int_equal(fault.n, (3 * HOUR - SECOND) / (SECOND / 10) + 1);
}

static void its_end_is_logged_with_a_count(void **state)
{
	struct log_throttle fault = {.n = 0}, was;
	(void)state;
	for (int i = 0; i < 750; i++)
		log_throttle_failed(&fault, 1, SECOND + i * (SECOND / 10));
	assert_true(log_throttle_worked(&fault, 100 * SECOND, &was));
	assert_int_equal(was.n, 750);
	assert_int_equal(was.since_us, SECOND);
	assert_false(log_throttle_worked(&fault, 101 * SECOND, &was));
	assert_int_equal(log_throttle_failed(&fault, 1, 102 * SECOND), LOG_THROTTLE_FIRST);
}

static void one_that_comes_and_goes_is_not_logged_each_time(void **state)
{
	struct log_throttle fault = {.n = 0}, was;
	int n_lines = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		n_lines += log_throttle_failed(&fault, 2, i * SECOND) != LOG_THROTTLE_QUIET;
		n_lines += log_throttle_worked(&fault, i * SECOND + SECOND / 2, &was);
	}
	assert_int_equal(n_lines, 1);
}

static void one_that_came_once_ends_in_silence(void **state)
{
	struct log_throttle fault = {.n = 0}, was;
	(void)state;
	log_throttle_failed(&fault, 0, SECOND);
	assert_false(log_throttle_worked(&fault, 60 * SECOND, &was));
	assert_int_equal(log_throttle_failed(&fault, 0, 61 * SECOND), LOG_THROTTLE_FIRST);
}

static void another_kind_is_logged_once_too(void **state)
{
	struct log_throttle fault = {.n = 0};
	(void)state;
	assert_int_equal(log_throttle_failed(&fault, 0, SECOND), LOG_THROTTLE_FIRST);
	assert_int_equal(log_throttle_failed(&fault, 1, SECOND), LOG_THROTTLE_FIRST);
	assert_int_equal(log_throttle_failed(&fault, 0, 2 * SECOND), LOG_THROTTLE_QUIET);
	assert_int_equal(log_throttle_failed(&fault, 1, 2 * SECOND), LOG_THROTTLE_QUIET);
}

static void one_of_long_ago_is_another(void **state)
{
	struct log_throttle fault = {.n = 0};
	(void)state;
	log_throttle_failed(&fault, 0, SECOND);
	assert_int_equal(log_throttle_failed(&fault, 0, 3 * HOUR), LOG_THROTTLE_FIRST);
	assert_int_equal(fault.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_fault_that_lasts_is_logged_once_an_hour),
	        cmocka_unit_test(its_end_is_logged_with_a_count),
	        cmocka_unit_test(one_that_comes_and_goes_is_not_logged_each_time),
	        cmocka_unit_test(one_that_came_once_ends_in_silence),
	        cmocka_unit_test(another_kind_is_logged_once_too),
	        cmocka_unit_test(one_of_long_ago_is_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
