/* The answers of /readyz, and what is counted of a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/metrics/counts.h"
#include "app/metrics_health.h"
#include "app/metrics_table.h"

static const struct health healthy = {.holds = {true, true, true, true, true}, .n_reading = 3, .n_stopped = 1};

static void assert_words(const struct health *health, bool verbose, const char *expected)
{
	struct buf out = BUF_INIT;
	health_write(health, verbose, &out);
	assert_string_equal(out.data, expected);
	buf_release(&out);
}

static void test_ready_if_all_conditions_hold(void **state)
{
	(void)state;
	assert_true(health_is_ready(&healthy));
	assert_words(&healthy, false, "ok\n");
	for (int i = 0; i < CONDITION_N; i++) {
		struct health health = healthy;
		health.holds[i] = false;
		assert_false(health_is_ready(&health));
	}
}

static void test_what_fails_is_named(void **state)
{
	(void)state;
	struct health health = healthy;
	health.holds[CONDITION_POSTGRES] = health.holds[CONDITION_GROUP] = false;
	assert_words(&health, false, "not ready: postgres group\n");
	health = healthy;
	health.stopping = true;
	assert_words(&health, false, "not ready: running\n");
}

static void test_verbose_has_a_line_for_each_condition(void **state)
{
	(void)state;
	struct health health = healthy;
	health.holds[CONDITION_DEADLINES] = false;
	assert_words(&health, true,
	             "[+]started: policies are loaded\n"
	             "[+]postgres: every part has its connection and may write\n"
	             "[-]deadlines: no check was answered lately\n"
	             "[+]kafka: the brokers answer\n"
	             "[+]group: the consumer group has assigned partitions\n"
	             "[+]running: the instance is not stopping\n"
	             "[+]partitions: 3 are read, 1 are stopped at a gap\n"
	             "not ready: deadlines\n");
}

static void test_outcomes_add_up_to_the_messages(void **state)
{
	(void)state;
	struct batch batch;
	const struct counts before = counts;
	batch_init(&batch);
	struct batch_source *source = batch_source(&batch, 1, 0);
	source->n_messages = 100;
	source->n_duplicates = 1;
	source->n_tombstones = 2;
	source->n_unknown_type = 4;
	source->n_dead_letters = 1;
	source->n_too_many = 8;
	batch_add_dead_letter(&batch,
	                      &(struct batch_dead_letter){.reason = DEAD_FUTURE, .topic = TEXT("t"), .detail = "d"});
	counts_committed(&batch, 0);
	static const uint64_t expected[OUTCOME_N] = {84, 1, 2, 4, 9};
	for (int i = 0; i < OUTCOME_N; i++)
		assert_true(counts.events[i] - before.events[i] == expected[i]);
	assert_true(counts.dead_letters[DEAD_TOO_MANY] - before.dead_letters[DEAD_TOO_MANY] == 8);
	assert_true(counts.dead_letters[DEAD_FUTURE] - before.dead_letters[DEAD_FUTURE] == 1);
	batch_release(&batch);
}

static void test_duplicates_among_events_set_aside_take_nothing_back(void **state)
{
	(void)state;
	struct batch batch;
	const struct counts before = counts;
	batch_init(&batch);
	batch_source(&batch, 1, 0)->n_duplicates = 3; /* their messages were counted when they were read */
	counts_committed(&batch, 0);
	assert_true(counts.events[OUTCOME_NEW] == before.events[OUTCOME_NEW]);
	assert_true(counts.events[OUTCOME_DUPLICATE] == before.events[OUTCOME_DUPLICATE] + 3);
	batch_release(&batch);
}

static void test_breaches_are_counted_and_measured(void **state)
{
	(void)state;
	struct batch batch;
	struct batch_breach breach = {TARGET_ARRIVAL, 1000000};
	const struct counts before = counts;
	batch_init(&batch);
	batch.tally.breaches = &breach;
	batch.tally.n_breaches = 1;
	batch.tally.n_voided[TARGET_RESOLUTION] = 2;
	counts_committed(&batch, 1100000);
	assert_true(counts.breaches[TARGET_ARRIVAL] == before.breaches[TARGET_ARRIVAL] + 1);
	assert_true(counts.voided[TARGET_RESOLUTION] == before.voided[TARGET_RESOLUTION] + 2);
	assert_true(counts.deadline_to_row.sum_us == before.deadline_to_row.sum_us + 100000);
	batch.tally.breaches = NULL;
	batch_release(&batch);
}

static uint64_t retries_of(const char *sqlstate)
{
	for (size_t i = 0; i < counts.n_retries; i++)
		if (strcmp(counts.retries[i].sqlstate, sqlstate) == 0)
			return counts.retries[i].n;
	return 0;
}

static void test_retries_have_a_limited_number_of_rows(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		char sqlstate[SQLSTATE_BYTES] = {'9', '9', (char)('A' + i / 26), (char)('A' + i % 26), '0', '\0'};
		counts_retry(sqlstate);
	}
	counts_retry("40P01");
	assert_int_equal(counts.n_retries, COUNTS_MOST_SQLSTATES);
	assert_true(retries_of("40P01") == 1);
	assert_true(retries_of("99AA0") == 1);
	uint64_t n = 0;
	for (size_t i = 0; i < counts.n_retries; i++)
		n += counts.retries[i].n;
	assert_true(n == 201);
	assert_true(retries_of("other") > 100);
}

static void test_the_counts_of_a_receiver_stay_with_its_name(void **state)
{
	(void)state;
	counts_receiver("a")->answers[ANSWER_RETRY]++;
	counts_receiver("b")->answers[ANSWER_GONE]++;
	assert_true(counts_receiver("a")->answers[ANSWER_RETRY] == 1);
	assert_true(counts_receiver("a")->answers[ANSWER_GONE] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ready_if_all_conditions_hold),
	        cmocka_unit_test(test_what_fails_is_named),
	        cmocka_unit_test(test_verbose_has_a_line_for_each_condition),
	        cmocka_unit_test(test_outcomes_add_up_to_the_messages),
	        cmocka_unit_test(test_duplicates_among_events_set_aside_take_nothing_back),
	        cmocka_unit_test(test_breaches_are_counted_and_measured),
	        cmocka_unit_test(test_retries_have_a_limited_number_of_rows),
	        cmocka_unit_test(test_the_counts_of_a_receiver_stay_with_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
