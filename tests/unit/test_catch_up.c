/* What the log, the status and kpid top say while a backlog is read. */
#include "fold_case.h"

#include "kpid/base/buf.h"
#include "kpid/core/backlog.h"
#include "kpid/core/catch_up.h"

enum { SECOND = 1000000 };

static struct catch_up_sample at(int64_t seconds, int64_t n_read, int64_t n_left)
{
	return (struct catch_up_sample){
	        .at_us = AT(0) + seconds * SECOND, .n_read = n_read, .n_left = n_left, .scope = 1};
}

/* Notes a sample a second in which `per_second` messages of n_left are read. */
static enum catch_up_news read_on(struct catch_up *catch_up, int64_t from_s, int64_t to_s, int64_t n_left,
                                  int64_t per_second)
{
	enum catch_up_news news = CATCH_UP_NOTHING;
	for (int64_t s = from_s; s <= to_s; s++) {
		const struct catch_up_sample sample = at(s, s * per_second, n_left - s * per_second);
		enum catch_up_news next = catch_up_note(catch_up, &sample);
		news = next == CATCH_UP_NOTHING ? news : next;
	}
	return news;
}

static void assert_words(const struct catch_up *catch_up, const char *words)
{
	struct buf out = BUF_INIT;
	catch_up_describe(catch_up, &out);
	assert_string_equal(out.data, words);
	buf_release(&out);
}

/* ---- what a backlog is ---- */

static void test_neither_few_messages_nor_a_short_delay_is_a_backlog(void **state)
{
	(void)state;
	assert_false(backlog_is_read(4999, 3600 * (int64_t)SECOND));
	assert_false(backlog_is_read(1000000, 9 * SECOND));
	assert_true(backlog_is_read(5000, 10 * SECOND));
}

static void test_what_is_read_within_seconds_is_not_reported(void **state)
{
	(void)state;
	struct catch_up catch_up = {0};
	assert_int_equal(read_on(&catch_up, 0, 9, 90000, 10000), CATCH_UP_NOTHING);
	for (int64_t s = 10; s < 300; s += 9) { /* and again: a burst each 9 s */
		const struct catch_up_sample much = at(s, s * 10000, 8000), little = at(s + 5, s * 10000 + 8000, 0);
		assert_int_equal(catch_up_note(&catch_up, &much), CATCH_UP_NOTHING);
		assert_int_equal(catch_up_note(&catch_up, &little), CATCH_UP_NOTHING);
	}
}

/* ---- the reports ---- */

static void test_a_backlog_is_reported_once_a_minute_until_it_is_caught_up(void **state)
{
	(void)state;
	struct catch_up catch_up = {0};
	int n_reports = 0, n_ends = 0;
	for (int64_t s = 0; s <= 300; s++) {
		int64_t n_read = s * 4000 > 1000000 ? 1000000 : s * 4000;
		const struct catch_up_sample sample = at(s, n_read, 1000000 - n_read);
		enum catch_up_news news = catch_up_note(&catch_up, &sample);
		n_reports += news == CATCH_UP_GOES_ON;
		n_ends += news == CATCH_UP_DONE;
		if (s == 10)
			assert_words(&catch_up, "reading a backlog: 40000 messages read, 4000/s, 960000 left, "
			                        "about 4 min to go");
		if (news == CATCH_UP_DONE)
			assert_words(&catch_up, "caught up: 996000 messages read in 5 min");
	}
	assert_int_equal(n_reports, 4); /* after 10, 70, 130 and 190 s */
	assert_int_equal(n_ends, 1);
}

static void test_messages_that_were_read_before_the_backlog_do_not_count(void **state)
{
	(void)state;
	struct catch_up catch_up = {0};
	struct catch_up_sample sample = at(0, 7000000, 10);
	catch_up_note(&catch_up, &sample);
	for (int64_t s = 1; s <= 11; s++) {
		sample = at(s, 7000000 + s * 100, 9000 - s * 100);
		catch_up_note(&catch_up, &sample);
	}
	assert_words(&catch_up, "reading a backlog: 1100 messages read, 100/s, 7900 left");
	for (int64_t s = 12; s <= 62; s++) { /* then the arrival of all of them was over a minute ago */
		sample = at(s, 7000000 + s * 100, 9000 - s * 100);
		catch_up_note(&catch_up, &sample);
	}
	assert_int_equal(read_progress_to_go_us(&catch_up.progress), 28 * (int64_t)SECOND);
}

static void test_a_busy_topic_that_is_never_empty_is_caught_up(void **state)
{
	(void)state;
	struct catch_up catch_up = {0};
	assert_int_equal(read_on(&catch_up, 0, 20, 60000, 2000), CATCH_UP_GOES_ON);
	struct catch_up_sample sample = at(21, 42000, 2500); /* more than a second's */
	assert_int_equal(catch_up_note(&catch_up, &sample), CATCH_UP_NOTHING);
	sample = at(22, 44000, 1900);
	assert_int_equal(catch_up_note(&catch_up, &sample), CATCH_UP_DONE);
}

static void test_partitions_that_others_took_over_are_not_caught_up(void **state)
{
	(void)state;
	struct catch_up catch_up = {0};
	read_on(&catch_up, 0, 20, 600000, 2000);
	struct catch_up_sample sample = at(21, 42000, 0);
	sample.scope = 0;
	assert_int_equal(catch_up_note(&catch_up, &sample), CATCH_UP_NOTHING);
}

/* ---- never a wrong estimate ---- */

static void test_an_unknown_lag_gives_a_lower_bound_and_no_time_to_go(void **state)
{
	(void)state;
	struct catch_up catch_up = {0};
	read_on(&catch_up, 0, 19, 600000, 2000);
	struct catch_up_sample sample = at(20, 40000, 90000);
	sample.n_unknown = 3;
	assert_int_equal(catch_up_note(&catch_up, &sample), CATCH_UP_NOTHING);
	assert_int_equal(read_progress_to_go_us(&catch_up.progress), -1);
	assert_true(read_progress_share(&catch_up.progress) < 0);
	assert_words(&catch_up, "reading a backlog: 40000 messages read, 2000/s, at least 90000 left");
	sample = at(21, 42000, 0); /* nothing is known: it may be long */
	sample.n_unknown = 4;
	assert_int_equal(catch_up_note(&catch_up, &sample), CATCH_UP_NOTHING);
	assert_words(&catch_up, "reading a backlog: 42000 messages read, 2000/s, how many are left is unknown");
}

static void test_the_time_to_go_counts_what_arrives_meanwhile(void **state)
{
	(void)state;
	struct read_progress progress = {.n = 0};
	for (int64_t s = 0; s <= 60; s++) {
		const struct catch_up_sample sample = at(s, s * 3000, 300000 - s * 1000);
		read_progress_note(&progress, &sample);
	}
	assert_int_equal(read_progress_per_second(&progress), 3000);
	assert_int_equal(read_progress_to_go_us(&progress), 240 * (int64_t)SECOND);
}

static void test_a_backlog_that_grows_has_no_time_to_go(void **state)
{
	(void)state;
	struct catch_up catch_up = {0};
	for (int64_t s = 0; s <= 20; s++) {
		const struct catch_up_sample sample = at(s, s * 3000, 300000 + s * 10);
		catch_up_note(&catch_up, &sample);
	}
	assert_words(&catch_up, "reading a backlog: 60000 messages read, 3000/s, 300200 left");
	assert_int_equal(read_progress_to_go_us(&catch_up.progress), -1);
}

static void test_partitions_that_come_or_go_are_not_taken_for_progress(void **state)
{
	(void)state;
	struct read_progress progress = {.n = 0};
	struct catch_up_sample sample = at(0, 0, 900000);
	for (int64_t s = 0; s <= 10; s++) {
		sample = at(s, s * 1000, 900000 - s * 1000);
		read_progress_note(&progress, &sample);
	}
	for (int64_t s = 11; s <= 15; s++) { /* half of them went elsewhere */
		sample = at(s, s * 1000, 400000 - s * 1000);
		sample.scope = 2;
		read_progress_note(&progress, &sample);
		assert_int_equal(read_progress_to_go_us(&progress), -1);
	}
	sample = at(16, 16000, 384000);
	sample.scope = 2;
	read_progress_note(&progress, &sample);
	assert_int_equal(read_progress_to_go_us(&progress), 384 * (int64_t)SECOND);
	assert_int_equal(read_progress_per_second(&progress), 1000);
}

static void test_the_rate_is_that_of_the_last_minute(void **state)
{
	(void)state;
	struct read_progress progress = {.n = 0};
	for (int64_t s = 0; s <= 300; s++) {
		int64_t n = s <= 200 ? 0 : (s - 200) * 500;
		struct catch_up_sample sample = at(s, n, 1000000 - n);
		for (int part = 0; part < 10; part++, sample.at_us += SECOND / 10) /* ten views a second */
			read_progress_note(&progress, &sample);
		assert_true(progress.n <= CATCH_UP_SAMPLES);
	}
	assert_in_range(read_progress_per_second(&progress), 490, 505);
}

static void test_too_few_samples_or_a_pause_give_no_rate(void **state)
{
	(void)state;
	struct read_progress progress = {.n = 0};
	assert_int_equal(read_progress_per_second(&progress), -1);
	assert_int_equal(read_progress_to_go_us(&progress), -1);
	struct catch_up_sample sample = at(0, 0, 10000);
	read_progress_note(&progress, &sample);
	sample = at(2, 4000, 6000);
	read_progress_note(&progress, &sample);
	assert_int_equal(read_progress_per_second(&progress), -1);
	assert_int_equal(read_progress_to_go_us(&progress), -1);
	assert_true(read_progress_share(&progress) == 0.4);
	sample = at(3600, 9000, 1000); /* of an hour, the last minute is unknown */
	read_progress_note(&progress, &sample);
	assert_int_equal(read_progress_per_second(&progress), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_neither_few_messages_nor_a_short_delay_is_a_backlog),
	        cmocka_unit_test(test_what_is_read_within_seconds_is_not_reported),
	        cmocka_unit_test(test_a_backlog_is_reported_once_a_minute_until_it_is_caught_up),
	        cmocka_unit_test(test_messages_that_were_read_before_the_backlog_do_not_count),
	        cmocka_unit_test(test_a_busy_topic_that_is_never_empty_is_caught_up),
	        cmocka_unit_test(test_partitions_that_others_took_over_are_not_caught_up),
	        cmocka_unit_test(test_an_unknown_lag_gives_a_lower_bound_and_no_time_to_go),
	        cmocka_unit_test(test_the_time_to_go_counts_what_arrives_meanwhile),
	        cmocka_unit_test(test_a_backlog_that_grows_has_no_time_to_go),
	        cmocka_unit_test(test_partitions_that_come_or_go_are_not_taken_for_progress),
	        cmocka_unit_test(test_the_rate_is_that_of_the_last_minute),
	        cmocka_unit_test(test_too_few_samples_or_a_pause_give_no_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
