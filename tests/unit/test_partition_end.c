/* Whether a partition was read to its end: what each pair of offsets from the brokers proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/core/batch.h"
#include "kpid/core/partition_end.h"

#define NONE OFFSET_NONE

static enum partition_end owner_sees(int64_t begin, int64_t next, int64_t end, int64_t low, int64_t high)
{
	const struct partition_reach reach = {.next_offset = next, .begin_offset = begin, .end_offset = end};
	return partition_end_of(&reach, low, high);
}

/* ---- the owner, messages were read ---- */

static void test_the_end_is_where_reading_will_continue(void **state)
{
	(void)state;
	assert_int_equal(owner_sees(0, 5, NONE, 0, 5), PARTITION_AT_END);
	assert_int_equal(owner_sees(0, 5, NONE, 0, 6), PARTITION_HAS_MORE);
	assert_int_equal(owner_sees(0, 5, 5, 0, 6), PARTITION_HAS_MORE);
}

/* More was read since the brokers were asked. */
static void test_an_end_that_was_passed_counts(void **state)
{
	(void)state;
	assert_int_equal(owner_sees(0, 7, NONE, 0, 5), PARTITION_AT_END);
}

static void test_the_end_of_a_transaction_is_no_message(void **state)
{
	(void)state;
	assert_int_equal(owner_sees(0, 5, 6, 0, 6), PARTITION_AT_END);
	assert_int_equal(owner_sees(0, 5, 6, 0, 7), PARTITION_HAS_MORE);
}

/* Its messages may be on their way to the reader. */
static void test_a_log_that_was_emptied_before_it_was_read_is_not_at_its_end(void **state)
{
	(void)state;
	assert_int_equal(owner_sees(0, 3, NONE, 7, 7), PARTITION_HAS_MORE);
	assert_int_equal(owner_sees(0, NONE, NONE, 7, 7), PARTITION_HAS_MORE);
}

/* ---- the owner, nothing was read ---- */

static void test_an_empty_log_is_at_its_end(void **state)
{
	(void)state;
	assert_int_equal(owner_sees(0, NONE, NONE, 0, 0), PARTITION_AT_END);
	assert_int_equal(owner_sees(4, NONE, NONE, 4, 4), PARTITION_AT_END);
	assert_int_equal(owner_sees(4, NONE, NONE, 4, 5), PARTITION_HAS_MORE);
}

static void test_aborted_transactions_alone_are_at_their_end(void **state)
{
	(void)state;
	assert_int_equal(owner_sees(0, NONE, 2, 0, 2), PARTITION_AT_END);
	assert_int_equal(owner_sees(0, NONE, 2, 1, 2), PARTITION_AT_END); /* the first of them was deleted */
	assert_int_equal(owner_sees(0, NONE, 2, 0, 3), PARTITION_HAS_MORE);
}

static void test_a_recreated_log_is_not_at_the_end_of_the_former_one(void **state)
{
	(void)state;
	for (int64_t high = 0; high < 4; high++)
		assert_int_equal(owner_sees(2, NONE, 2, 0, high), PARTITION_BEGINS_EARLIER);
	assert_int_equal(owner_sees(2, NONE, NONE, 1, 2), PARTITION_BEGINS_EARLIER);
}

/* ---- another instance, for an owner that may be gone ---- */

static void test_what_the_database_has_is_the_end(void **state)
{
	(void)state;
	assert_true(partition_was_left_at_end(5, 5, 0, 5));
	assert_true(partition_was_left_at_end(5, 6, 0, 6)); /* the end of a transaction */
	assert_false(partition_was_left_at_end(5, 5, 0, 6));
	assert_false(partition_was_left_at_end(5, 5, 0, 4)); /* truncated or recreated */
}

static void test_an_empty_log_that_nobody_read_is_at_its_end(void **state)
{
	(void)state;
	assert_true(partition_was_left_at_end(NONE, NONE, 0, 0));
	assert_true(partition_was_left_at_end(NONE, 4, 4, 4));
	assert_true(partition_was_left_at_end(NONE, 4, 0, 0)); /* recreated */
	assert_false(partition_was_left_at_end(NONE, NONE, 0, 1));
}

/* The database knows where a former log ended. */
static void test_a_recreated_log_that_nobody_read_is_not_at_its_end(void **state)
{
	(void)state;
	assert_false(partition_was_left_at_end(NONE, 1, 0, 1));
	assert_false(partition_was_left_at_end(NONE, 4, 2, 4));
}

/* The owner may have fetched its messages before they were deleted. */
static void test_a_log_that_was_emptied_may_have_been_fetched(void **state)
{
	(void)state;
	assert_false(partition_was_left_at_end(NONE, NONE, 4, 4));
	assert_false(partition_was_left_at_end(NONE, 2, 4, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_end_is_where_reading_will_continue),
	        cmocka_unit_test(test_an_end_that_was_passed_counts),
	        cmocka_unit_test(test_the_end_of_a_transaction_is_no_message),
	        cmocka_unit_test(test_a_log_that_was_emptied_before_it_was_read_is_not_at_its_end),
	        cmocka_unit_test(test_an_empty_log_is_at_its_end),
	        cmocka_unit_test(test_aborted_transactions_alone_are_at_their_end),
	        cmocka_unit_test(test_a_recreated_log_is_not_at_the_end_of_the_former_one),
	        cmocka_unit_test(test_what_the_database_has_is_the_end),
	        cmocka_unit_test(test_an_empty_log_that_nobody_read_is_at_its_end),
	        cmocka_unit_test(test_a_recreated_log_that_nobody_read_is_not_at_its_end),
	        cmocka_unit_test(test_a_log_that_was_emptied_may_have_been_fetched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
