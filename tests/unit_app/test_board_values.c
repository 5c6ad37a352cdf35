/* Values of the board: JSON and CSV of cells, parameters of lists, and the figures of the day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "board/figures.h"
#include "board/json.h"
#include "board/lists.h"

#define CELL(type, literal) ((struct json_cell){(type), {(literal), sizeof(literal) - 1}})
#define DAY                 (20000 * US_PER_DAY)

static void assert_json(struct json_cell cell, const char *expected)
{
	struct buf out = BUF_INIT;
	json_cell(&out, cell);
	assert_string_equal(out.data, expected);
	buf_release(&out);
}

static void assert_csv(struct json_cell cell, const char *expected)
{
	struct buf out = BUF_INIT;
	csv_cell(&out, cell);
	assert_string_equal(buf_text(&out).ptr, expected);
	buf_release(&out);
}

static void test_cells_are_json(void **state)
{
	(void)state;
	assert_json((struct json_cell){JSON_OID_TEXT, TEXT_ABSENT}, "null");
	assert_json(CELL(JSON_OID_TEXT, "a\"\n\x01"), "\"a\\\"\\u000a\\u0001\"");
	assert_json(CELL(JSON_OID_BOOL, "\1"), "true");
	assert_json(CELL(JSON_OID_INT2, "\xff\xfe"), "-2");
	assert_json(CELL(JSON_OID_INT4, "\0\0\1\0"), "256");
	assert_json(CELL(JSON_OID_INT8, "\x80\0\0\0\0\0\0\0"), "-9223372036854775808");
	assert_json(CELL(JSON_OID_TIMESTAMPTZ, "\0\0\0\0\0\0\0\1"), "\"2000-01-01T00:00:00.000001Z\"");
	assert_json(CELL(JSON_OID_TIMESTAMPTZ, "\x80\0\0\0\0\0\0\0"), "null"); /* -infinity */
	assert_json(CELL(JSON_OID_JSONB, "\1{\"a\": 1}"), "{\"a\": 1}");
}

static void test_arrays_of_numbers(void **state)
{
	static const char bytes[] = "\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\2\0\0\0\1"
	                            "\0\0\0\x8\0\0\0\0\0\0\0\7\0\0\0\x8\xff\xff\xff\xff\xff\xff\xff\xff";
	int64_t numbers[3];
	(void)state;
	assert_int_equal(json_int8_array((struct text){bytes, sizeof(bytes) - 1}, numbers, 3), 2);
	assert_true(numbers[0] == 7 && numbers[1] == -1);
	assert_int_equal(json_int8_array((struct text){bytes, sizeof(bytes) - 1}, numbers, 1), 1);
	assert_int_equal(json_int8_array((struct text){bytes, 12}, numbers, 3), 0);
}

static void test_csv_runs_no_formula(void **state)
{
	static const char starts[] = "=+-@\t\r|%";
	(void)state;
	for (const char *c = starts; *c != '\0'; c++) {
		char text[] = {*c, '1', '\0'}, expected[] = {'"', '\'', *c, '1', '"', '\0'};
		assert_csv((struct json_cell){JSON_OID_TEXT, text_of(text)}, expected);
	}
	assert_csv(CELL(JSON_OID_TEXT, "a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
	assert_csv(CELL(JSON_OID_TEXT, ""), "\"\"");
	assert_csv((struct json_cell){JSON_OID_TEXT, TEXT_ABSENT}, "");
	assert_csv(CELL(JSON_OID_INT2, "\xff\xfe"), "-2"); /* a number, not a text */
}

static const char *param(const struct list_request *request, const char *name)
{
	for (int i = 0; i < request->kind->n_params; i++)
		if (strcmp(request->kind->params[i], name) == 0)
			return request->params[i];
	return "no such parameter";
}

static bool parses(const char *name, const char *query, struct list_request *request)
{
	enum list_format format;
	const struct list_kind *kind = list_find(text_of(name), &format);
	assert_non_null(kind);
	for (int i = 0; i < kind->n_params; i++)
		assert_non_null(kind->params[i]);
	return list_request_parse(request, kind, format, text_of(query));
}

static void test_lists_have_parameters_and_limits(void **state)
{
	static const char *const bad[] = {"limit=0",
	                                  "limit=-1",
	                                  "limit=x",
	                                  "after=1",
	                                  "after=x.y",
	                                  "after=.y",
	                                  "q=%zz",
	                                  "after=99999999999999999999.a",
	                                  "project=a&project=b"};
	struct list_request request;
	enum list_format format;
	(void)state;
	assert_true(parses("clocks", "project=a%20b&agent=&unknown=1&limit=5", &request));
	assert_string_equal(param(&request, "project"), "a b");
	assert_string_equal(param(&request, "agent"), "");
	assert_null(param(&request, "team"));
	assert_string_equal(param(&request, "most"), "6");
	assert_string_equal(param(&request, "with_total"), "true");
	assert_string_equal(param(&request, "look"), "5000");
	list_request_release(&request);
	assert_true(parses("clocks", "after=5.a", &request));
	assert_string_equal(param(&request, "with_total"), "false");
	list_request_release(&request);
	assert_true(parses("agents", "after=-7.a.b&limit=1000", &request));
	assert_string_equal(param(&request, "after_value"), "-7");
	assert_string_equal(param(&request, "after_key"), "a.b");
	assert_string_equal(param(&request, "most"), "201");
	list_request_release(&request);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(parses("clocks", bad[i], &request));
		list_request_release(&request);
	}
	assert_non_null(list_find(TEXT("teams.csv"), &format));
	assert_int_equal(LIST_CSV, format);
	assert_null(list_find(TEXT("teams.xml"), &format));
	assert_null(list_find(TEXT(""), &format));
}

static void assert_compliance(const struct figures *figures, int64_t now_us, const char *expected)
{
	struct buf out = BUF_INIT;
	figures_write_compliance(figures, now_us, &out);
	if (strstr(out.data, expected) == NULL)
		fail_msg("no %s in %s", expected, out.data);
	buf_release(&out);
}

/* Reads everything that a round of looks asks for; each bucket has one measured target that was met. */
static int look_around(struct figures *figures, int64_t now_us)
{
	const struct figures_sums one = {.within = {1}, .measured = {1}};
	int n = 0;
	do {
		struct figures_range range = figures_next_look(figures, now_us);
		assert_true(range.from_us < range.until_us);
		figures_begin(figures, range);
		for (int64_t at = range.from_us; at < range.until_us; at += BUCKET_US)
			figures_put(figures, at, &one);
		figures_took(figures, 1);
		n++;
	} while (figures->n_looked != 0);
	return n;
}

static void test_the_figures_of_a_day(void **state)
{
	static struct figures figures;
	int64_t now_us = DAY + 10 * 12 * BUCKET_US + 1; /* 10:00 */
	struct buf out = BUF_INIT;
	(void)state;
	figures_init(&figures);
	figures_set_day(&figures, DAY);
	assert_compliance(&figures, now_us, "\"hour\":null,\"today\":null,\"week_ago\":null");
	assert_true(look_around(&figures, now_us) < 20);
	struct figures_range newest = figures_newest(&figures, now_us);
	assert_true(newest.from_us <= now_us && newest.until_us > now_us);
	figures_begin(&figures, newest);
	figures_put(&figures, newest.until_us - BUCKET_US, &(struct figures_sums){.within = {2}, .measured = {3}});
	struct figures_range previous = figures_newest(&figures, now_us);
	assert_true(previous.until_us == newest.from_us);
	figures_begin(&figures, previous);
	assert_true(figures_newest(&figures, now_us).from_us == newest.from_us);
	/* Eleven older buckets, one of them emptied by the newest range, and the running one. */
	assert_compliance(&figures, now_us,
	                  "{\"target\":\"first_response\",\"hour\":[12,13],\"today\":[121,122],\"week_ago\":[12,12]}");
	figures_put_backlog(&figures, now_us, 7);
	figures_write_day(&figures, now_us, &out);
	assert_non_null(strstr(out.data, "{\"step_s\":900,\"from\":\"2024-10-04T00:00:00Z\",\"compliance\":[[3,3],"));
	assert_non_null(strstr(out.data, ",[2,3]],\"backlog\":[null,"));
	assert_non_null(strstr(out.data, ",null,7]}"));
	buf_release(&out);
	/* Midnight: a new day, whose last hour begins in the old one. */
	figures_set_day(&figures, DAY + US_PER_DAY);
	look_around(&figures, DAY + US_PER_DAY + 1);
	assert_compliance(&figures, DAY + US_PER_DAY + 1, "\"today\":null");
	for (int i = 0; i < 2; i++)
		figures_begin(&figures, figures_newest(&figures, DAY + US_PER_DAY + 1));
	assert_compliance(&figures, DAY + US_PER_DAY + 1, "\"hour\":[10,10],\"today\":[0,0],\"week_ago\":[12,12]");
}

static void assert_backlog(const struct figures *figures, int64_t now_us, const char *expected)
{
	struct buf out = BUF_INIT;
	figures_write_day(figures, now_us, &out);
	assert_string_equal(strstr(out.data, "\"backlog\""), expected);
	buf_release(&out);
}

/* What the ledger knows of the steps that have ended; the rest of the line is what the board has seen itself. */
static void test_the_backlog_of_a_day(void **state)
{
	static struct figures figures;
	int64_t minute = 60 * US_PER_SECOND, now_us = DAY + 61 * minute;
	(void)state;
	figures_init(&figures);
	figures_set_day(&figures, DAY);
	figures_put_backlog(&figures, now_us - 15 * minute, 8);
	figures_put_backlog(&figures, now_us, 9);
	assert_backlog(&figures, now_us, "\"backlog\":[null,null,null,8,9]}");
	/* 4 before midnight; one more at 0:15, which the first step has; two less at 0:35. */
	figures_begin_backlog(&figures, DAY + 59 * minute);
	figures_add_backlog(&figures, TIME_NONE, 3);
	figures_add_backlog(&figures, DAY - 20 * minute, 4);
	figures_add_backlog(&figures, DAY + 15 * minute, 5);
	figures_add_backlog(&figures, DAY + 35 * minute, 3);
	assert_backlog(&figures, now_us, "\"backlog\":[5,5,3,8,9]}");
	/* The next refresh: an event came late. */
	figures_begin_backlog(&figures, now_us);
	figures_add_backlog(&figures, TIME_NONE, 4);
	figures_add_backlog(&figures, DAY + 20 * minute, 6);
	assert_backlog(&figures, now_us, "\"backlog\":[4,6,6,6,9]}");
	/* It is not refreshed: what the board has seen. */
	figures_begin_backlog(&figures, TIME_NONE);
	assert_backlog(&figures, now_us, "\"backlog\":[null,null,null,8,9]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_cells_are_json),       cmocka_unit_test(test_arrays_of_numbers),
	        cmocka_unit_test(test_csv_runs_no_formula),  cmocka_unit_test(test_lists_have_parameters_and_limits),
	        cmocka_unit_test(test_the_figures_of_a_day), cmocka_unit_test(test_the_backlog_of_a_day),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
