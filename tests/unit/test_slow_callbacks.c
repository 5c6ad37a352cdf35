/* The log names what blocked the event loop, and is not flooded by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kpid/base/slow_callbacks.h"

#define MS     INT64_C(1000)
#define MINUTE (60000 * MS)

static void the_first_long_turn_is_logged_with_what_it_did(void **state)
{
	struct slow_callbacks turns = {.n = 0}, summary;
	(void)state;
	assert_false(
	        slow_callbacks_add(&turns, "lines of", "a.ndjson", SLOW_CALLBACK_MS * MS, 7 * MS, 5 * MS, &summary));
	assert_true(slow_callbacks_add(&turns, "answers to", "lane 0", SLOW_CALLBACK_MS * MS + 1, 7 * MS, 10 * MS,
	                               &summary));
	assert_string_equal(summary.what, "answers to lane 0");
	assert_int_equal(summary.longest_us, SLOW_CALLBACK_MS * MS + 1);
	assert_int_equal(summary.worked_us, 7 * MS);
	assert_int_equal(summary.n, 1);
}

static void later_ones_are_logged_once_a_minute_with_the_longest(void **state)
{
	struct slow_callbacks turns = {.n = 0}, summary;
	(void)state;
	assert_true(slow_callbacks_add(&turns, "answers to", "lane 0", 300 * MS, 7 * MS, 0, &summary));
	assert_false(slow_callbacks_add(&turns, "answers to", "lane 0", 400 * MS, 7 * MS, 1000 * MS, &summary));
	assert_false(slow_callbacks_add(&turns, "lines of", "a.ndjson", 900 * MS, 7 * MS, 2000 * MS, &summary));
	assert_false(slow_callbacks_add(&turns, "answers to", "lane 0", 500 * MS, 7 * MS, MINUTE - 1, &summary));
	assert_true(slow_callbacks_add(&turns, "answers to", "lane 1", 1 * MS, 7 * MS, MINUTE, &summary));
	assert_string_equal(summary.what, "lines of a.ndjson");
	assert_int_equal(summary.longest_us, 900 * MS);
	assert_int_equal(summary.n, 3);
	assert_false(slow_callbacks_add(&turns, "answers to", "lane 1", 1 * MS, 7 * MS, 3 * MINUTE, &summary));
}

static void a_long_name_is_cut(void **state)
{
	struct slow_callbacks turns = {.n = 0}, summary;
	char name[200];
	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_true(slow_callbacks_add(&turns, "lines of", name, 300 * MS, 7 * MS, 0, &summary));
	assert_int_equal(strlen(summary.what), sizeof(summary.what) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_first_long_turn_is_logged_with_what_it_did),
	        cmocka_unit_test(later_ones_are_logged_once_a_minute_with_the_longest),
	        cmocka_unit_test(a_long_name_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
