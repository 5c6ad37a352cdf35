/* How long the board's questions rest: nothing holds up the newest rows, and sums yield to a backlog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "board/pace.h"

enum { MS = 1000, TICK_MS = 900 };

static void test_rows_are_asked_for_with_every_tick_even_on_a_busy_machine(void **state)
{
	(void)state;
	assert_in_range(pace_rest_us(PACE_ROWS, 100 * MS, false), 1, TICK_MS / 2 * MS);
	assert_int_equal(pace_rest_us(PACE_ROWS, 100 * MS, true), pace_rest_us(PACE_ROWS, 100 * MS, false));
}

static void test_sums_take_a_small_share_of_the_time_and_less_of_it_while_events_are_behind(void **state)
{
	(void)state;
	assert_int_equal(pace_rest_us(PACE_SUM, 60 * MS, false), 1200 * MS);
	assert_int_equal(pace_rest_us(PACE_SUM, 60 * MS, true), 6000 * MS);
	assert_int_equal(pace_rest_us(PACE_ROUND, 60 * MS, false), 600 * MS);
	assert_int_equal(pace_rest_us(PACE_ROUND, 60 * MS, true), 3000 * MS);
}

static void test_a_first_round_is_read_at_once(void **state)
{
	(void)state;
	assert_int_equal(pace_rest_us(PACE_AT_ONCE, 60 * MS, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows_are_asked_for_with_every_tick_even_on_a_busy_machine),
	        cmocka_unit_test(test_sums_take_a_small_share_of_the_time_and_less_of_it_while_events_are_behind),
	        cmocka_unit_test(test_a_first_round_is_read_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
