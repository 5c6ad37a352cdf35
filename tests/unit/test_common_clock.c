/* PostgreSQL's clock derived from the monotonic one: never ahead of it, and it follows when that clock is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/core/common_clock.h"
#include "kpid/core/timestamp.h"

static void test_unknown_before_the_first_answer(void **state)
{
	(void)state;
	struct common_clock clock = COMMON_CLOCK_UNKNOWN;
	assert_true(common_clock_at(&clock, 5) == TIME_NONE);
}

static void test_the_quickest_answer_counts(void **state)
{
	(void)state;
	struct common_clock clock = COMMON_CLOCK_UNKNOWN;
	common_clock_update(&clock, 1000000, 0, 5000); /* true: it is 1,000,000 to 995,000 ahead */
	assert_true(common_clock_at(&clock, 5000) == 1000000);
	common_clock_update(&clock, 2000000, 1001000, 1001100);
	assert_true(common_clock_at(&clock, 1001100) == 2000000);
	common_clock_update(&clock, 3000000, 2000500, 2009000); /* a slow answer adds nothing */
	assert_true(common_clock_at(&clock, 1001100) == 2000000);
}

static void test_a_clock_that_is_set_is_followed(void **state)
{
	(void)state;
	struct common_clock clock = COMMON_CLOCK_UNKNOWN;
	common_clock_update(&clock, 10000000000, 0, 100);
	common_clock_update(&clock, 5000000, 1000000, 1000100); /* set back */
	assert_true(common_clock_at(&clock, 1000100) == 5000000);
	common_clock_update(&clock, 90000000, 2000000, 2000100); /* set forward */
	assert_true(common_clock_at(&clock, 2000100) == 90000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_unknown_before_the_first_answer),
	        cmocka_unit_test(test_the_quickest_answer_counts),
	        cmocka_unit_test(test_a_clock_that_is_set_is_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
