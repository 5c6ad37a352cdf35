/* Whether the heartbeat of an instance vouches for a partition: it never does so for one that left its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kpid/core/timestamp.h"
#include "kpid/core/vouch.h"

#define AT(seconds) ((int64_t)(seconds)*US_PER_SECOND)

static const struct vouch_place here = {.epoch = 1, .next_offset = 7, .high_offset = 7, .read_to = 7};
static struct vouch vouch;

static int clear(void **state)
{
	(void)state;
	vouch_clear(&vouch);
	return 0;
}

static void commit(void)
{
	vouch_written(&vouch);
	vouch_confirm(&vouch);
}

static void enter(void)
{
	vouch_enter(&vouch, &here);
	commit();
}

static void test_an_idle_partition_is_written_once(void **state)
{
	(void)state;
	assert_false(vouch_enter(&vouch, &here));
	commit();
	assert_true(vouch_enter(&vouch, &here));
	assert_true(vouch_is_given(&vouch, 1, 7));
}

static void test_it_is_written_again_if_the_row_was_skipped(void **state)
{
	(void)state;
	assert_false(vouch_enter(&vouch, &here));
	assert_false(vouch_enter(&vouch, &here));
}

static void test_it_is_written_again_if_the_transaction_failed(void **state)
{
	(void)state;
	enter();
	const struct vouch_place next = {1, 7, 8, 8};
	assert_false(vouch_enter(&vouch, &next));
	vouch_written(&vouch);
	assert_false(vouch_is_given(&vouch, 1, 7));
	assert_false(vouch_enter(&vouch, &next));
	commit();
	assert_true(vouch_enter(&vouch, &next));
}

static void test_it_is_written_again_after_each_change(void **state)
{
	(void)state;
	const struct vouch_place others[] = {{2, 7, 7, 7}, {1, 8, 7, 7}, {1, 7, 8, 7}, {1, 7, 7, 8}};
	for (int i = 0; i < 4; i++) {
		enter();
		assert_false(vouch_enter(&vouch, &others[i]));
		commit();
		assert_true(vouch_enter(&vouch, &others[i]));
	}
}

static void test_it_is_an_exception_until_it_has_left(void **state)
{
	(void)state;
	assert_false(vouch_leave(&vouch));
	vouch_enter(&vouch, &here); /* the outcome is unknown: the heartbeat may vouch for it */
	assert_true(vouch_leave(&vouch));
	assert_true(vouch_leave(&vouch));
	commit(); /* an answer that is late */
	assert_true(vouch_leave(&vouch));
	vouch_left(&vouch);
	assert_false(vouch_leave(&vouch));
}

static void test_one_that_comes_back_before_it_has_left_is_written(void **state)
{
	(void)state;
	enter();
	vouch_leave(&vouch);
	assert_false(vouch_enter(&vouch, &here));
	vouch_left(&vouch); /* it is not among those that left */
	assert_true(vouch_leave(&vouch));
}

static void test_a_row_that_does_not_name_the_heartbeat_is_written_again(void **state)
{
	(void)state;
	enter();
	vouch_verify(&vouch, true);
	assert_true(vouch_is_given(&vouch, 1, 7));
	assert_false(vouch_is_given(&vouch, 1, 8)); /* a batch was committed */
	vouch_verify(&vouch, false);
	assert_false(vouch_is_given(&vouch, 1, 7));
	assert_false(vouch_enter(&vouch, &here));
}

static void test_a_row_that_names_the_heartbeat_by_mistake_is_an_exception(void **state)
{
	(void)state;
	vouch_verify(&vouch, true);
	assert_true(vouch_leave(&vouch));
	vouch_left(&vouch);
	assert_false(vouch_leave(&vouch));
}

static void test_the_latest_time_stays_when_the_session_is_lost(void **state)
{
	(void)state;
	enter();
	vouch_extend(&vouch, AT(10));
	vouch_forget(&vouch);
	assert_false(vouch_leave(&vouch));
	assert_true(vouch.until_us == AT(10));
	vouch_clear(&vouch);
	assert_true(vouch.until_us == TIME_NONE);
}

static void test_the_time_falls_only_if_the_clock_was_set_back(void **state)
{
	(void)state;
	vouch_extend(&vouch, AT(10));
	vouch_extend(&vouch, AT(10) - 1000);
	assert_true(vouch.until_us == AT(10));
	vouch_extend(&vouch, AT(8));
	assert_true(vouch.until_us == AT(8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_an_idle_partition_is_written_once, clear),
	        cmocka_unit_test_setup(test_it_is_written_again_if_the_row_was_skipped, clear),
	        cmocka_unit_test_setup(test_it_is_written_again_if_the_transaction_failed, clear),
	        cmocka_unit_test_setup(test_it_is_written_again_after_each_change, clear),
	        cmocka_unit_test_setup(test_it_is_an_exception_until_it_has_left, clear),
	        cmocka_unit_test_setup(test_one_that_comes_back_before_it_has_left_is_written, clear),
	        cmocka_unit_test_setup(test_a_row_that_does_not_name_the_heartbeat_is_written_again, clear),
	        cmocka_unit_test_setup(test_a_row_that_names_the_heartbeat_by_mistake_is_an_exception, clear),
	        cmocka_unit_test_setup(test_the_latest_time_stays_when_the_session_is_lost, clear),
	        cmocka_unit_test_setup(test_the_time_falls_only_if_the_clock_was_set_back, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
