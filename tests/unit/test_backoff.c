/* Exponential back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/base/backoff.h"

static void test_waits_double_up_to_a_limit(void **state)
{
	(void)state;
	static const int64_t waits_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct backoff backoff;
	backoff_init(&backoff, 100000);
	assert_true(backoff_is_over(&backoff, 0));
	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		int64_t now_us = 7000000 * (int64_t)i;
		assert_int_equal(backoff_add_failure(&backoff, now_us, false), waits_ms[i] * 1000);
		assert_false(backoff_is_over(&backoff, now_us + waits_ms[i] * 1000 - 1));
		assert_true(backoff_is_over(&backoff, now_us + waits_ms[i] * 1000));
	}
}

static void test_lasting_failures_are_retried_seldom(void **state)
{
	(void)state;
	struct backoff backoff;
	backoff_init(&backoff, 20000);
	for (int i = 0; i < 12; i++)
		backoff_add_failure(&backoff, 0, true);
	assert_int_equal(backoff_add_failure(&backoff, 0, true), 30000000);
}

static void test_success_resets_the_wait(void **state)
{
	(void)state;
	struct backoff backoff;
	backoff_init(&backoff, 20000);
	backoff_add_failure(&backoff, 5, false);
	backoff_add_failure(&backoff, 5, false);
	backoff_reset(&backoff);
	assert_true(backoff_is_over(&backoff, 5));
	assert_int_equal(backoff_add_failure(&backoff, 5, false), 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_waits_double_up_to_a_limit),
	        cmocka_unit_test(test_lasting_failures_are_retried_seldom),
	        cmocka_unit_test(test_success_resets_the_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
