/* A fault that comes ten times a second fills no log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/base/lasting.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

static void a_fault_that_lasts_is_logged_once_an_hour(void **state)
{
	struct lasting fault = {.n = 0};
	int n_new = 0, n_still = 0;
	(void)state;
	for (int64_t now_us = SECOND; now_us <= 3 * HOUR; now_us += SECOND / 10) {
		enum lasting_verdict verdict = lasting_comes(&fault, 1, now_us);
		n_new += verdict == LASTING_NEW;
		n_still += verdict == LASTING_STILL;
	}
	assert_int_equal(n_new, 1);
	assert_int_equal(n_still, 2);
	assert_int_equal(fault.since_us, SECOND);
	assert_int_equal(fault.n, (3 * HOUR - SECOND) / (SECOND / 10) + 1);
}

static void its_end_is_logged_with_a_count(void **state)
{
	struct lasting fault = {.n = 0}, was;
	(void)state;
	for (int i = 0; i < 750; i++)
		lasting_comes(&fault, 1, SECOND + i * (SECOND / 10));
	assert_true(lasting_works(&fault, 100 * SECOND, &was));
	assert_int_equal(was.n, 750);
	assert_int_equal(was.since_us, SECOND);
	assert_false(lasting_works(&fault, 101 * SECOND, &was));
	assert_int_equal(lasting_comes(&fault, 1, 102 * SECOND), LASTING_NEW);
}

static void one_that_comes_and_goes_is_not_logged_each_time(void **state)
{
	struct lasting fault = {.n = 0}, was;
	int n_lines = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		n_lines += lasting_comes(&fault, 2, i * SECOND) != LASTING_QUIET;
		n_lines += lasting_works(&fault, i * SECOND + SECOND / 2, &was);
	}
	assert_int_equal(n_lines, 1);
}

static void one_that_came_once_ends_in_silence(void **state)
{
	struct lasting fault = {.n = 0}, was;
	(void)state;
	lasting_comes(&fault, 0, SECOND);
	assert_false(lasting_works(&fault, 60 * SECOND, &was));
	assert_int_equal(lasting_comes(&fault, 0, 61 * SECOND), LASTING_NEW);
}

static void another_kind_is_logged_once_too(void **state)
{
	struct lasting fault = {.n = 0};
	(void)state;
	assert_int_equal(lasting_comes(&fault, 0, SECOND), LASTING_NEW);
	assert_int_equal(lasting_comes(&fault, 1, SECOND), LASTING_NEW);
	assert_int_equal(lasting_comes(&fault, 0, 2 * SECOND), LASTING_QUIET);
	assert_int_equal(lasting_comes(&fault, 1, 2 * SECOND), LASTING_QUIET);
}

static void one_of_long_ago_is_another(void **state)
{
	struct lasting fault = {.n = 0};
	(void)state;
	lasting_comes(&fault, 0, SECOND);
	assert_int_equal(lasting_comes(&fault, 0, 3 * HOUR), LASTING_NEW);
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
