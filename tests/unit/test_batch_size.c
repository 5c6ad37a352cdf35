/* How large a batch is, how large the next one may become, which of its rows are taken for new, and what waits
 * meanwhile. */
#include "fold_case.h"

#include <stdio.h>

#include "kpid/core/backlog.h"
#include "kpid/core/batch.h"

static void add(struct batch *batch, int i)
{
	char ticket[16];
	snprintf(ticket, sizeof(ticket), "T-%06d", i);
	struct ticket_event event = {.type = EVENT_OPENED,
	                             .ticket_id = text_of(ticket),
	                             .source = TEXT("s"),
	                             .id = text_of(ticket),
	                             .occurred_us = AT(i)};
	batch_add_event(batch, &event);
}

static void test_the_size_of_a_batch_grows_with_its_events(void **state)
{
	(void)state;
	enum { N = 10000, LEAST_BYTES = 60 };
	struct batch batch;
	batch_init(&batch);
	assert_int_equal(batch_size_bytes(&batch), 0);
	size_t before = 0;
	for (int i = 0; i < N; i++) {
		add(&batch, i);
		assert_true(batch_size_bytes(&batch) > before);
		before = batch_size_bytes(&batch);
	}
	assert_true(before > (size_t)N * LEAST_BYTES);
	batch_release(&batch);
}

static void test_the_size_of_a_batch_counts_dead_letters(void **state)
{
	(void)state;
	static const char bytes[5000];
	struct batch batch;
	batch_init(&batch);
	batch_add_dead_letter(
	        &batch, &(struct batch_dead_letter){.topic = TEXT("t"), .detail = "", .value = {bytes, sizeof(bytes)}});
	assert_true(batch_size_bytes(&batch) > sizeof(bytes));
	batch_clear(&batch);
	assert_true(batch_size_bytes(&batch) < sizeof(bytes));
	batch_release(&batch);
}

/* ---- pace ---- */

enum { FAST_US = 10, SLOW_US = 1000, MOST_US = 2000000 };

/* Notes full batches that take us_per_event, until the limit no longer changes. */
static size_t settle(struct batch_pace *pace, int64_t us_per_event)
{
	for (int i = 0; i < 64; i++)
		batch_pace_note(pace, pace->most_events, (int64_t)pace->most_events * us_per_event);
	return pace->most_events;
}

static void test_batches_grow_until_a_transaction_takes_its_time(void **state)
{
	(void)state;
	struct batch_pace pace = batch_pace_first();
	size_t first = pace.most_events;
	batch_pace_note(&pace, first, (int64_t)first * FAST_US);
	assert_int_equal(pace.most_events, 2 * first);
	assert_int_equal(settle(&pace, FAST_US), MOST_US / FAST_US);
}

static void test_a_slow_server_gets_small_batches(void **state)
{
	(void)state;
	struct batch_pace pace = batch_pace_first();
	size_t first = pace.most_events;
	settle(&pace, FAST_US);
	batch_pace_note(&pace, pace.most_events, (int64_t)pace.most_events * SLOW_US);
	assert_int_equal(pace.most_events, first); /* at once, and no fewer */
	assert_int_equal(settle(&pace, FAST_US), MOST_US / FAST_US);
}

static void test_small_batches_do_not_change_the_limit(void **state)
{
	(void)state;
	struct batch_pace pace = batch_pace_first();
	size_t first = pace.most_events;
	batch_pace_note(&pace, 10, 20000);
	batch_pace_note(&pace, 0, 100);
	batch_pace_note(&pace, 1, 0);
	assert_int_equal(pace.most_events, first);
}

/* ---- rows that are probably new ---- */

static void test_buckets_after_all_that_were_written_are_taken_for_new(void **state)
{
	(void)state;
	struct kpi_frontier frontier = kpi_frontier_first();
	assert_true(kpi_frontier_new_after_us(&frontier) == INT64_MAX); /* what others have written is unknown */
	kpi_frontier_committed(&frontier, TIME_NONE);
	assert_true(kpi_frontier_new_after_us(&frontier) == INT64_MAX);
	kpi_frontier_committed(&frontier, AT(10));
	kpi_frontier_committed(&frontier, AT(5));
	kpi_frontier_committed(&frontier, TIME_NONE);
	assert_true(kpi_frontier_new_after_us(&frontier) == AT(10));
	assert_false(kpi_frontier_is_careful(&frontier));
}

/* Two writers that meet again and again write ever more batches between two collisions. */
static void test_each_collision_makes_more_careful(void **state)
{
	(void)state;
	struct kpi_frontier frontier = kpi_frontier_first();
	kpi_frontier_committed(&frontier, AT(10));
	int before = 0;
	for (int i = 0; i < 20; i++) {
		int n = 0;
		kpi_frontier_collided(&frontier);
		for (; kpi_frontier_is_careful(&frontier); n++) {
			assert_true(kpi_frontier_new_after_us(&frontier) == INT64_MAX);
			kpi_frontier_committed(&frontier, AT(20));
		}
		assert_true(n >= before && n > 10 && n < 10000);
		before = n;
	}
	assert_true(before > 1000 && kpi_frontier_new_after_us(&frontier) == AT(20));
}

/* ---- the watch for deadlines ---- */

static void test_a_backlog_holds_the_watch_for_deadlines_back(void **state)
{
	(void)state;
	struct backlog backlog = {0};
	assert_false(backlog_is_part(100, false));
	assert_true(backlog_is_part(100, true) && backlog_is_part(100000, false));
	assert_false(backlog_holds_back(&backlog, AT(1), AT(1)));
	backlog_note_batch(&backlog, true, AT(1));
	assert_true(backlog_holds_back(&backlog, AT(1) + 500000, AT(1)));
	backlog_note_commit(&backlog);
	assert_false(backlog_holds_back(&backlog, AT(1) + 500000, AT(1)));
	backlog_note_batch(&backlog, false, AT(1));
	assert_false(backlog_holds_back(&backlog, AT(1) + 500000, AT(1)));
}

static void test_a_refresh_of_the_ledger_waits_for_the_end_of_a_backlog(void **state)
{
	(void)state;
	struct backlog backlog = {0};
	assert_false(backlog_delays_ledger(&backlog, AT(1), AT(1)));
	backlog_note_batch(&backlog, false, AT(1));
	assert_false(backlog_delays_ledger(&backlog, AT(1), AT(1)));
	for (int64_t us = AT(1); us < AT(3); us += 1000000) {
		backlog_note_batch(&backlog, true, us);
		backlog_note_commit(&backlog);
	}
	assert_true(backlog_delays_ledger(&backlog, AT(3), AT(1))); /* also between two batches */
	assert_true(backlog_delays_ledger(&backlog, AT(3), AT(3)));
	assert_false(backlog_delays_ledger(&backlog, AT(3), AT(3) - 600000000)); /* not forever */
	assert_false(backlog_delays_ledger(&backlog, AT(3) + 6000000, AT(1)));   /* the backlog has ended */
}

static void test_neither_a_long_backlog_nor_a_stuck_batch_holds_it_back_for_long(void **state)
{
	(void)state;
	struct backlog backlog = {0};
	for (int64_t us = AT(1); us < AT(3); us += 500000)
		backlog_note_batch(&backlog, true, us);
	assert_true(backlog_holds_back(&backlog, AT(3), AT(3) - 2000000));
	assert_false(backlog_holds_back(&backlog, AT(3), AT(3) - 6000000));
	assert_false(backlog_holds_back(&backlog, AT(3) + 3000000, AT(3) + 2000000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_size_of_a_batch_grows_with_its_events),
	        cmocka_unit_test(test_the_size_of_a_batch_counts_dead_letters),
	        cmocka_unit_test(test_batches_grow_until_a_transaction_takes_its_time),
	        cmocka_unit_test(test_a_slow_server_gets_small_batches),
	        cmocka_unit_test(test_small_batches_do_not_change_the_limit),
	        cmocka_unit_test(test_buckets_after_all_that_were_written_are_taken_for_new),
	        cmocka_unit_test(test_each_collision_makes_more_careful),
	        cmocka_unit_test(test_a_backlog_holds_the_watch_for_deadlines_back),
	        cmocka_unit_test(test_a_refresh_of_the_ledger_waits_for_the_end_of_a_backlog),
	        cmocka_unit_test(test_neither_a_long_backlog_nor_a_stuck_batch_holds_it_back_for_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
