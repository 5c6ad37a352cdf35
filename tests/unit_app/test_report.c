/* The parts of score cards that need no database: figures, escaping, names of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "cli/report_page.h"

static void test_figures_keep_their_digits(void **state)
{
	(void)state;
	static const char *const cases[][3] = {
	        /* decimal, as it is, in percent */
	        {"26.5000", "26.5", "2650 %"},
	        {"0.933333", "0.933333", "93.3333 %"},
	        {"0.000001", "0.000001", "0.0001 %"},
	        {"-0.100000", "−0.1", "−10 %"},
	        {"-0.000", "0", "0 %"},
	        {"100", "100", "10000 %"},
	        {"1", "1", "100 %"},
	        {"0.07", "0.07", "7 %"},
	        {"123456789012345678901.5", "123456789012345678901.5", "12345678901234567890150 %"},
	        {NULL, "–", "–"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(figure_decimal(cases[i][0]).text, cases[i][1]);
		assert_string_equal(figure_percent(cases[i][0]).text, cases[i][2]);
	}
}

static void test_durations(void **state)
{
	(void)state;
	assert_string_equal(figure_duration(APPRAISAL_EN, "3725.500000").text, "1 h 2 min 5.5 s");
	assert_string_equal(figure_duration(APPRAISAL_EN, "420").text, "7 min");
	assert_string_equal(figure_duration(APPRAISAL_EN, "0.25").text, "0.25 s");
	assert_string_equal(figure_duration(APPRAISAL_EN, "0").text, "0 s");
	assert_string_equal(figure_duration(APPRAISAL_EN, "86400.000000").text, "1 d");
	assert_string_equal(figure_duration(APPRAISAL_EN, "-90").text, "−1 min 30 s");
	assert_string_equal(figure_duration(APPRAISAL_ZH, "90061").text, "1 天 1 小时 1 分 1 秒");
}

static void test_millionths(void **state)
{
	(void)state;
	json_t *object = json_pack("{s:s, s:s, s:s, s:n}", "a", "26.1234", "b", "-0.5", "c", "30", "d");
	assert_int_equal(member_millionths(object, "a"), 26123400);
	assert_int_equal(member_millionths(object, "b"), -500000);
	assert_int_equal(member_millionths(object, "c"), 30000000);
	assert_int_equal(member_millionths(object, "d"), 0);
	assert_string_equal(figure_millionths(26123400).text, "26.1234");
	assert_string_equal(figure_millionths(-500000).text, "−0.5");
	json_decref(object);
}

static void test_nothing_in_a_text_is_markup(void **state)
{
	(void)state;
	struct page page = {BUF_INIT, APPRAISAL_EN};
	page_str(&page, "<a href='x' title=\"y\">&amp;\x01\x7f\xc2\x85陈\n");
	assert_string_equal(page.out.data, "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;amp;���陈\n");
	buf_clear(&page.out);
	PAGE_SAY(&page, REPORT_FLAG, "<b>", "1", "2", NULL, "4");
	assert_string_equal(page.out.data, "&lt;b&gt;: 1 of 2; the others – of 4");
	buf_release(&page.out);
}

static void assert_name(const char *level, const char *subject, const char *wanted)
{
	char *name = report_file_name(level, subject);
	if (wanted != NULL)
		assert_string_equal(name, wanted);
	for (const char *c = name; *c != '\0'; c++)
		assert_true(strchr("/\\:*?\"<>| ", *c) == NULL && (unsigned char)*c < 0x80);
	assert_true(strlen(name) < 100);
	free(name);
}

static void test_files_have_safe_names_that_differ(void **state)
{
	(void)state;
	assert_name("agent", "li.na", "agent-li.na.html");
	assert_name("team", "../../etc/passwd", NULL);
	assert_name("agent", "陈工", NULL);
	assert_name("agent", "0123456789012345678901234567890123456789012345678901234567890123456789", NULL);
	static const char *const alike[][2] = {{"a/b", "a_b"}, {"Li", "li"}, {"陈工", "王工"}, {"a b", "a+b"}};
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
		char *one = report_file_name("agent", alike[i][0]), *other = report_file_name("agent", alike[i][1]);
		assert_int_not_equal(strcasecmp(one, other), 0);
		free(one);
		free(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_figures_keep_their_digits),
	        cmocka_unit_test(test_durations),
	        cmocka_unit_test(test_millionths),
	        cmocka_unit_test(test_nothing_in_a_text_is_markup),
	        cmocka_unit_test(test_files_have_safe_names_that_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
