/* The cost of a ticket with very many events is proportional to their number. If a part of the fold visits all
 * events, pauses, cycles or clocks for each event, these tests time out. */
#include "fold_case.h"

#include "large_ticket.h"

enum { N_EVENTS = 40000 };

static int64_t as_of(size_t n)
{
	return LARGE_T0 + (int64_t)n * MINUTE;
}

static void evaluate(struct large_ticket *large, enum large_shape shape, size_t from, size_t to)
{
	large_fill(large, shape, from, to);
	assert_int_equal(large_evaluate(large, as_of(to)), BATCH_OK);
}

/* All at once, one more, a duplicate, and a deadline: the order of arrival does not matter. */
static void test_one_ticket_of_40000_events_is_folded_in_time(void **state)
{
	(void)state;
	for (int shape = 0; shape < LARGE_N_SHAPES; shape++) {
		struct large_ticket *large = large_ticket_new();
		evaluate(large, (enum large_shape)shape, 0, N_EVENTS - 1);
		assert_int_equal(large->stored.rev, 1);
		evaluate(large, (enum large_shape)shape, N_EVENTS - 1, N_EVENTS);
		assert_int_equal(large->stored.rev, 2);
		evaluate(large, (enum large_shape)shape, 0, N_EVENTS);
		assert_int_equal(large->stored.rev, 2);
		assert_int_equal(large->batch.sources[0].n_duplicates, N_EVENTS);
		large_fill(large, (enum large_shape)shape, N_EVENTS, N_EVENTS);
		assert_int_equal(large_evaluate(large, as_of(N_EVENTS * 2)), BATCH_OK);
		assert_int_equal(large->stored.rev, 3);
		assert_int_equal(large->n_letters, 0);
		large_ticket_free(large);
	}
}

/* The same rows and sums as in one batch: intermediate additions and subtractions cancel out. */
static void test_many_batches_equal_one(void **state)
{
	enum { N = 1000, STEP = 50 };
	(void)state;
	for (int shape = 0; shape < LARGE_N_SHAPES; shape++) {
		struct large_ticket *once = large_ticket_new(), *bit_by_bit = large_ticket_new();
		evaluate(once, (enum large_shape)shape, 0, N);
		for (size_t i = 0; i < N; i += STEP) {
			size_t j = i / STEP % 2 == 0 ? i + STEP : i - STEP; /* neighbours change places: late events */
			large_fill(bit_by_bit, (enum large_shape)shape, j, j + STEP);
			assert_int_equal(large_evaluate(bit_by_bit, as_of(N)), BATCH_OK);
		}
		assert_int_equal(bit_by_bit->stored.history.len, once->stored.history.len);
		assert_memory_equal(bit_by_bit->stored.history.ptr, once->stored.history.ptr, once->stored.history.len);
		size_t n, m;
		struct kpi_row **rows = kpi_sums_sorted(&once->sums, &n),
		               **same = kpi_sums_sorted(&bit_by_bit->sums, &m);
		assert_int_equal(n, m);
		for (size_t i = 0; i < n; i++)
			for (int k = 0; k < KPI_N_MEASURES; k++)
				assert_true(kpi_row_sum(rows[i], (enum kpi_measure)k) ==
				            kpi_row_sum(same[i], (enum kpi_measure)k));
		large_ticket_free(once);
		large_ticket_free(bit_by_bit);
	}
}

/* 8,000 pauses under a calendar with nine warnings once blocked the loop for 40 s. */
static void test_warnings_of_a_clock_with_40000_pauses_are_on_time(void **state)
{
	(void)state;
	struct large_ticket *large = large_ticket_new();
	evaluate(large, LARGE_PAUSES, 0, N_EVENTS);
	const struct ticket *last = &large->last;
	assert_int_equal(last->state, TICKET_PAUSED);
	assert_int_equal(last->n_pauses, N_EVENTS - 1);
	assert_int_equal(last->n_clocks, 3);
	assert_int_equal(large->n_alert_puts, 3); /* each of its clocks runs every other minute, and had a warning */
	assert_int_equal(last->resolution_verdict, VERDICT_PENDING);
	large_ticket_free(large);
}

enum { PART_STEPS = 500, MOST_ROWS_OF_A_STEP = 2 };

static size_t n_parts, n_done;

/* The externally visible results of an evaluation: rows of effects, and known events. */
static size_t count_done(const struct large_ticket *large)
{
	return large->n_clock_puts + large->n_alert_puts + large->n_voids + large->n_cycle_puts +
	       (size_t)large->batch.sources[0].n_duplicates;
}

static void check_part(struct large_ticket *large)
{
	size_t n_now = count_done(large);
	assert_in_range(n_now - n_done, 0, PART_STEPS * MOST_ROWS_OF_A_STEP);
	n_done = n_now;
	n_parts++;
}

static void evaluate_in_parts(struct large_ticket *large, enum large_shape shape, size_t from, size_t to)
{
	large_fill(large, shape, from, to);
	n_parts = 0;
	n_done = count_done(large);
	assert_int_equal(large_evaluate_parts(large, as_of(to), PART_STEPS, check_part), BATCH_OK);
}

/* The loop must run between two parts; 50,000 alerts of one ticket were once a single part. */
static void test_no_part_of_an_evaluation_exceeds_its_steps(void **state)
{
	enum { N = 20000 };
	(void)state;
	for (int shape = 0; shape < LARGE_N_SHAPES; shape++) {
		struct large_ticket *large = large_ticket_new();
		evaluate_in_parts(large, (enum large_shape)shape, 0, N - 1);
		assert_true(n_parts > 2 * N / PART_STEPS); /* added and folded */
		evaluate_in_parts(large, (enum large_shape)shape, N - 1, N);
		evaluate_in_parts(large, (enum large_shape)shape, 0, N);
		assert_int_equal(large->batch.sources[0].n_duplicates, N);
		assert_true(n_parts > N / PART_STEPS);
		large_ticket_free(large);
	}
}

/* It used to hold all events of the ticket as structs, and its batch kept 25 MiB afterwards. */
static void test_an_evaluation_needs_little_memory(void **state)
{
	enum { SCRATCH_BYTES = 32 << 20 };
	(void)state;
	for (int shape = 0; shape < LARGE_N_SHAPES; shape++) {
		struct large_ticket *large = large_ticket_new();
		evaluate(large, (enum large_shape)shape, 0, N_EVENTS - 1);
		assert_in_range(large->scratch.total_bytes, 0, SCRATCH_BYTES);
		evaluate(large, (enum large_shape)shape, N_EVENTS - 1, N_EVENTS);
		assert_in_range(large->scratch.total_bytes, 0, SCRATCH_BYTES);
		assert_in_range(large->batch.packed.capacity_bytes, 0, 1 << 20);
		large_ticket_free(large);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_one_ticket_of_40000_events_is_folded_in_time),
	        cmocka_unit_test(test_many_batches_equal_one),
	        cmocka_unit_test(test_no_part_of_an_evaluation_exceeds_its_steps),
	        cmocka_unit_test(test_an_evaluation_needs_little_memory),
	        cmocka_unit_test(test_warnings_of_a_clock_with_40000_pauses_are_on_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
