/* The text that Prometheus reads, histograms, and the arrivals of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kpid/core/arrivals.h"
#include "kpid/core/metrics.h"
#include "kpid/core/timestamp.h"

static const struct metric counter = {"kpid_things", METRIC_COUNTER, "", "kind place", "Things,\nwith a \\ and a \"."};
static const struct metric gauge = {"kpid_age_seconds", METRIC_GAUGE, "seconds", "", "An age."};
static const struct metric latency = {"kpid_wait_seconds", METRIC_HISTOGRAM, "seconds", "lane", "A wait."};
static const struct metric build = {"kpid_build", METRIC_INFO, "", "version", "The program."};

static struct buf out;

static struct metrics_text begin(enum metrics_format format, const struct metric *metric)
{
	struct metrics_text text = {&out, format, NULL};
	buf_clear(&out);
	metrics_begin(&text, metric);
	return text;
}

static int release(void **state)
{
	(void)state;
	buf_release(&out);
	return 0;
}

static void test_a_counter_has_total_in_its_samples(void **state)
{
	(void)state;
	const struct text values[] = {TEXT("new"), TEXT("here")};
	struct metrics_text text = begin(METRICS_TEXT, &counter);
	metrics_sample(&text, values, 7);
	metrics_end(&text);
	assert_string_equal(out.data, "# TYPE kpid_things_total counter\n"
	                              "# HELP kpid_things_total Things,\\nwith a \\\\ and a \".\n"
	                              "kpid_things_total{kind=\"new\",place=\"here\"} 7\n");
	text = begin(METRICS_OPENMETRICS, &counter);
	metrics_sample(&text, values, 7);
	metrics_end(&text);
	assert_string_equal(out.data, "# TYPE kpid_things counter\n"
	                              "# HELP kpid_things Things,\\nwith a \\\\ and a \\\".\n"
	                              "kpid_things_total{kind=\"new\",place=\"here\"} 7\n# EOF\n");
}

static void test_labels_are_escaped(void **state)
{
	(void)state;
	const struct text values[] = {TEXT("a\"b\\c\nd"), TEXT("\xff \xe5\xb0\x8f")};
	struct metrics_text text = begin(METRICS_TEXT, &counter);
	metrics_sample(&text, values, 0);
	assert_non_null(strstr(out.data, "{kind=\"a\\\"b\\\\c\\\\x0ad\",place=\"\\\\xff \xe5\xb0\x8f\"} 0\n"));
	const struct text absent[] = {TEXT_ABSENT, TEXT("")};
	text = begin(METRICS_TEXT, &counter);
	metrics_sample(&text, absent, 0);
	assert_non_null(strstr(out.data, "{kind=\"\",place=\"\"} 0\n"));
}

static void assert_seconds(int64_t us, const char *expected)
{
	struct metrics_text text = begin(METRICS_OPENMETRICS, &gauge);
	size_t before = out.len_bytes;
	metrics_sample_us(&text, NULL, us);
	assert_string_equal(out.data + before + strlen("kpid_age_seconds "), expected);
}

static void test_times_are_exact_seconds(void **state)
{
	(void)state;
	assert_seconds(0, "0.0\n");
	assert_seconds(1, "0.000001\n");
	assert_seconds(-1500000, "-1.5\n");
	assert_seconds(INT64_C(1764446602123456), "1764446602.123456\n");
	assert_seconds(INT64_MIN + 1, "-9223372036854.775807\n");
	assert_non_null(strstr(out.data, "# UNIT kpid_age_seconds seconds\n"));
}

static void test_info_is_a_gauge_in_the_older_format(void **state)
{
	(void)state;
	const struct text version = TEXT("1.0");
	struct metrics_text text = begin(METRICS_TEXT, &build);
	metrics_sample(&text, &version, 1);
	assert_string_equal(out.data, "# TYPE kpid_build_info gauge\n# HELP kpid_build_info The program.\n"
	                              "kpid_build_info{version=\"1.0\"} 1\n");
	text = begin(METRICS_OPENMETRICS, &build);
	metrics_sample(&text, &version, 1);
	assert_string_equal(out.data, "# TYPE kpid_build info\n# HELP kpid_build The program.\n"
	                              "kpid_build_info{version=\"1.0\"} 1\n");
}

static void test_a_histogram_is_cumulative_and_includes_its_bounds(void **state)
{
	(void)state;
	const struct text lane = TEXT("0");
	struct histogram histogram = {.sum_us = 0};
	histogram_add(&histogram, -5, 1);
	histogram_add(&histogram, 5000, 2);
	histogram_add(&histogram, 5001, 4);
	histogram_add(&histogram, 300 * US_PER_SECOND, 8);
	histogram_add(&histogram, 300 * US_PER_SECOND + 1, 16);
	struct metrics_text text = begin(METRICS_TEXT, &latency);
	metrics_sample_histogram(&text, &lane, &histogram);
	assert_non_null(strstr(out.data, "kpid_wait_seconds_bucket{lane=\"0\",le=\"0.005\"} 3\n"
	                                 "kpid_wait_seconds_bucket{lane=\"0\",le=\"0.01\"} 7\n"));
	assert_non_null(strstr(out.data, "{lane=\"0\",le=\"1.0\"} 7\n"));
	assert_non_null(strstr(out.data, "{lane=\"0\",le=\"300.0\"} 15\n"
	                                 "kpid_wait_seconds_bucket{lane=\"0\",le=\"+Inf\"} 31\n"
	                                 "kpid_wait_seconds_sum{lane=\"0\"} 7200.03002\n"
	                                 "kpid_wait_seconds_count{lane=\"0\"} 31\n"));
}

static void test_bounds_ascend_from_5_ms_to_300_s(void **state)
{
	(void)state;
	assert_true(histogram_bounds_us[0] == 5000);
	assert_true(histogram_bounds_us[HISTOGRAM_N_BOUNDS - 1] == 300 * US_PER_SECOND);
	for (int i = 1; i < HISTOGRAM_N_BOUNDS; i++)
		assert_true(histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
}

static void test_the_accept_field_chooses_the_format(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} cases[] = {
	        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
	         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	         METRICS_OPENMETRICS},
	        {"application/openmetrics-text", METRICS_OPENMETRICS},
	        {"application/openmetrics-text; version=1.0.0; q=0.5, text/plain; q=0.9", METRICS_TEXT},
	        {"application/openmetrics-text; version=0.0.1, text/plain; q=0.1", METRICS_TEXT},
	        {"application/openmetrics-text; q=0", METRICS_TEXT},
	        {"text/plain", METRICS_TEXT},
	        {"*/*", METRICS_TEXT},
	        {"", METRICS_TEXT},
	        {",;=,;q", METRICS_TEXT},
	        {NULL, METRICS_TEXT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(metrics_format_of(text_of(cases[i].accept)), cases[i].format);
}

static void test_equal_arrivals_are_kept_once(void **state)
{
	(void)state;
	struct arrivals arrivals = {.n = 0};
	struct histogram histogram = {.sum_us = 0};
	for (int i = 0; i < 1000; i++)
		arrivals_add(&arrivals, 1, 1000000 + i / 500, 1000002);
	arrivals_add(&arrivals, 2, 1000001, 1000002);
	assert_int_equal(arrivals.n, 3);
	arrivals_drop_source(&arrivals, 2);
	arrivals_measure(&arrivals, 1010000, &histogram);
	assert_true(histogram.counts[1] == 1000);
	assert_true(histogram.sum_us == 500 * 10000 + 500 * 9999);
	arrivals_clear(&arrivals);
	assert_int_equal(arrivals.n, 0);
	arrivals_release(&arrivals);
}

static void test_a_long_backlog_needs_little_memory_and_keeps_its_sum(void **state)
{
	enum { N = 100000, OLD = 400 };
	(void)state;
	struct arrivals arrivals = {.n = 0};
	struct histogram histogram = {.sum_us = 0};
	const int64_t now_us = INT64_C(1764446602) * US_PER_SECOND;
	int64_t sum_us = 0;
	for (int i = 0; i < N; i++) {
		int64_t at_us = now_us - OLD * US_PER_SECOND - (i * INT64_C(7919)) % 1000000;
		arrivals_add(&arrivals, 1, at_us, now_us);
		sum_us += now_us - at_us;
	}
	arrivals_add(&arrivals, 1, now_us - 1, now_us);
	assert_int_equal(arrivals.n, 2);
	arrivals_measure(&arrivals, now_us, &histogram);
	assert_true(histogram.counts[HISTOGRAM_N_BOUNDS] == N);
	assert_true(histogram.counts[0] == 1);
	assert_true(histogram.sum_us == sum_us + 1);
	arrivals_release(&arrivals);
}

static void test_the_sum_of_very_old_events_does_not_overflow(void **state)
{
	enum { N = 20000 };
	(void)state;
	struct arrivals arrivals = {.n = 0};
	struct histogram histogram = {.sum_us = 0};
	const int64_t now_us = INT64_C(1764446602) * US_PER_SECOND;
	arrivals_add(&arrivals, 1, 0, now_us);
	for (int i = 1; i < N; i++)
		arrivals_add(&arrivals, 1, now_us / 2, now_us);
	arrivals_measure(&arrivals, now_us, &histogram);
	assert_true(histogram.sum_us == (__int128)now_us + (__int128)(now_us - now_us / 2) * (N - 1));
	struct metrics_text text = begin(METRICS_TEXT, &latency);
	const struct text lane = TEXT("0");
	metrics_sample_histogram(&text, &lane, &histogram);
	assert_non_null(strstr(out.data, "kpid_wait_seconds_sum{lane=\"0\"} 17645348243301.0\n"));
	arrivals_release(&arrivals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(test_a_counter_has_total_in_its_samples, release),
	        cmocka_unit_test_teardown(test_labels_are_escaped, release),
	        cmocka_unit_test_teardown(test_times_are_exact_seconds, release),
	        cmocka_unit_test_teardown(test_info_is_a_gauge_in_the_older_format, release),
	        cmocka_unit_test_teardown(test_a_histogram_is_cumulative_and_includes_its_bounds, release),
	        cmocka_unit_test(test_bounds_ascend_from_5_ms_to_300_s),
	        cmocka_unit_test(test_the_accept_field_chooses_the_format),
	        cmocka_unit_test(test_equal_arrivals_are_kept_once),
	        cmocka_unit_test(test_a_long_backlog_needs_little_memory_and_keeps_its_sum),
	        cmocka_unit_test(test_the_sum_of_very_old_events_does_not_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
