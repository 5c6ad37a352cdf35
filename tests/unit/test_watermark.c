/* Rules W: up to when a source is complete, derived from its observed ends and the events that were read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kpid/core/timestamp.h"
#include "kpid/core/watermark.h"

#define AT(seconds) ((int64_t)(seconds)*US_PER_SECOND)

static struct watermark watermark;

static int clear(void **state)
{
	(void)state;
	watermark_clear(&watermark);
	return 0;
}

static void read_event(const char *sender, int64_t at_us)
{
	watermark_event(&watermark, text_of(sender), at_us, TIME_FOR_EVER);
}

/* Events one second apart, from then on. */
static void read_events(const char *sender, int64_t from_s, int n)
{
	for (int i = 0; i < n; i++)
		read_event(sender, AT(from_s + i));
}

static void test_unknown_before_enough_was_read(void **state)
{
	(void)state;
	read_events("/a", 0, WATERMARK_WARM_UP - 1);
	assert_true(watermark.until_us == TIME_NONE);
	read_event("/a", AT(WATERMARK_WARM_UP - 1));
	assert_true(watermark.until_us == AT(WATERMARK_WARM_UP - WATERMARK_RECENT));
}

static void test_it_follows_a_backlog(void **state)
{
	(void)state;
	read_events("/a", 0, 5000);
	assert_true(watermark.until_us == AT(5000 - WATERMARK_RECENT));
	read_events("/b", 5000, 5000);
	assert_true(watermark.until_us == AT(4999)); /* the last of /a */
}

static void test_one_event_ahead_does_not_move_it(void **state)
{
	(void)state;
	read_events("/a", 0, 3000);
	read_event("/a", AT(3000 + 58 * 60));
	assert_true(watermark.until_us <= AT(3000));
	read_events("/a", 3000, 100);
	assert_true(watermark.until_us == AT(3100 - WATERMARK_RECENT));
}

static void test_a_sender_ahead_does_not_move_it(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++) {
		read_event("/a", AT(i));
		if (i % 100 == 0)
			for (int j = 0; j < 200; j++) /* all recent events are from the other sender */
				read_event("/fast", AT(i + 58 * 60));
		assert_true(watermark.until_us <= AT(i));
	}
	assert_true(watermark.until_us >= AT(4900));
}

static void test_a_silent_sender_is_forgotten(void **state)
{
	(void)state;
	read_events("/silent", 0, 3000);
	read_events("/a", 3000, WATERMARK_HEARD - 1);
	assert_true(watermark.until_us == AT(2999));
	read_events("/a", 3000 + WATERMARK_HEARD - 1, 1);
	assert_true(watermark.until_us == AT(3000 + WATERMARK_HEARD - WATERMARK_RECENT));
}

static void test_late_events_do_not_stop_it(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++)
		read_event("/a", i % 50 == 0 ? AT(i - 3600) : AT(i));
	assert_true(watermark.until_us >= AT(4900));
}

static void test_it_never_decreases(void **state)
{
	(void)state;
	read_events("/a", 10000, 3000);
	int64_t until_us = watermark.until_us;
	read_events("/a", 0, 3000); /* old data, sent again */
	assert_true(watermark.until_us == until_us);
}

static void test_more_senders_than_are_kept(void **state)
{
	(void)state;
	char sender[16];
	for (int i = 0; i < 20000; i++) {
		snprintf(sender, sizeof(sender), "/%d", i % (2 * WATERMARK_SENDERS));
		read_event(sender, AT(i));
	}
	assert_true(watermark.n_senders == WATERMARK_SENDERS);
	assert_true(watermark.until_us == AT(20000 - WATERMARK_SENDERS));
}

static void test_the_time_of_the_message_bounds_that_of_the_event(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++)
		watermark_event(&watermark, TEXT("/only"), AT(i + 58 * 60), AT(i));
	assert_true(watermark.until_us == AT(3000 - WATERMARK_RECENT));
	clear(NULL);
	for (int i = 0; i < 3000; i++) /* a replay: its messages are of today */
		watermark_event(&watermark, TEXT("/only"), AT(i), AT(1000000 + i));
	assert_true(watermark.until_us == AT(3000 - WATERMARK_RECENT));
}

static void test_it_is_complete_up_to_a_reached_end(void **state)
{
	(void)state;
	watermark_end(&watermark, 10, AT(1));
	watermark_end(&watermark, 20, AT(2));
	assert_true(watermark_waits(&watermark));
	watermark_read_to(&watermark, 9);
	assert_true(watermark.until_us == TIME_NONE);
	watermark_read_to(&watermark, 19);
	assert_true(watermark.until_us == AT(1) && watermark_waits(&watermark));
	watermark_read_to(&watermark, 25);
	assert_true(watermark.until_us == AT(2) && !watermark_waits(&watermark));
}

static void test_the_later_of_two_observations_of_an_end_counts(void **state)
{
	(void)state;
	watermark_end(&watermark, 10, AT(1));
	watermark_end(&watermark, 10, AT(5));
	watermark_read_to(&watermark, 10);
	assert_true(watermark.until_us == AT(5));
}

static void test_a_recreated_log_forgets_old_ends(void **state)
{
	(void)state;
	watermark_end(&watermark, 100, AT(1));
	watermark_end(&watermark, 3, AT(2));
	watermark_read_to(&watermark, 3);
	assert_true(watermark.until_us == AT(2) && !watermark_waits(&watermark));
}

static void test_a_long_backlog_keeps_few_ends(void **state)
{
	(void)state;
	for (int i = 1; i <= 10000; i++)
		watermark_end(&watermark, i * 10, AT(i));
	assert_true(watermark.n_ends <= WATERMARK_ENDS);
	for (int i = 0; i <= 10000; i++) {
		watermark_read_to(&watermark, i * 10);
		assert_true(watermark.until_us <= AT(i));
	}
	assert_true(watermark.until_us == AT(10000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_unknown_before_enough_was_read, clear),
	        cmocka_unit_test_setup(test_it_follows_a_backlog, clear),
	        cmocka_unit_test_setup(test_one_event_ahead_does_not_move_it, clear),
	        cmocka_unit_test_setup(test_a_sender_ahead_does_not_move_it, clear),
	        cmocka_unit_test_setup(test_a_silent_sender_is_forgotten, clear),
	        cmocka_unit_test_setup(test_late_events_do_not_stop_it, clear),
	        cmocka_unit_test_setup(test_it_never_decreases, clear),
	        cmocka_unit_test_setup(test_more_senders_than_are_kept, clear),
	        cmocka_unit_test_setup(test_the_time_of_the_message_bounds_that_of_the_event, clear),
	        cmocka_unit_test_setup(test_it_is_complete_up_to_a_reached_end, clear),
	        cmocka_unit_test_setup(test_the_later_of_two_observations_of_an_end_counts, clear),
	        cmocka_unit_test_setup(test_a_recreated_log_forgets_old_ends, clear),
	        cmocka_unit_test_setup(test_a_long_backlog_keeps_few_ends, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
