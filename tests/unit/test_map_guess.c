#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kpid/core/map_guess.h"

enum { MOST_CELLS = 16 };

static struct map_guess *guess;
static struct buf out;
static const char *error;

static int set_up(void **state)
{
	(void)state;
	guess = map_guess_new();
	out = (struct buf)BUF_INIT;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	map_guess_free(guess);
	buf_release(&out);
	return 0;
}

/* Splits a line at each '|'. */
static size_t cells_of(const char *line, struct text cells[MOST_CELLS])
{
	size_t n = 0;
	for (;;) {
		size_t len = strcspn(line, "|");
		assert_true(n < MOST_CELLS);
		cells[n++] = (struct text){line, (uint32_t)len};
		if (line[len] == '\0')
			return n;
		line += len + 1;
	}
}

static void row(const char *header, const char *line)
{
	struct text names[MOST_CELLS], cells[MOST_CELLS];
	size_t n = cells_of(header, names);
	assert_int_equal(cells_of(line, cells), n);
	map_guess_row(guess, names, cells, n);
}

static void write(void)
{
	const struct map_guess_order order = {.file = TEXT("x.csv"), .options = TEXT(""), .is_whole = true};
	buf_clear(&out);
	error = map_guess_write(guess, &order, &out);
}

static void assert_has(const char *part)
{
	if (strstr(buf_text(&out).ptr, part) == NULL)
		fail_msg("not there: %s\n%s", part, buf_text(&out).ptr);
}

static void assert_has_not(const char *part)
{
	if (strstr(buf_text(&out).ptr, part) != NULL)
		fail_msg("it is there: %s\n%s", part, buf_text(&out).ptr);
}

static void test_columns_are_found_by_Chinese_names(void **state)
{
	static const char header[] =
	        "工单编号|项目|房号|报修类型|紧急程度|报修时间|接单人|接单时间|完成时间|状态|满意度|备注";
	(void)state;
	row(header, "GD1|东湖|1-101|门窗|普通|2026年5月4日 8:30|陈工|2026/5/4 8:45|2026/5/4 10:00|已完成|满意|谢谢");
	row(header, "GD2|东湖|2-202|水电|特急|46146.5||||处理中||");
	row(header, "GD3|东湖|2-203|保洁|很急|2026-05-04 11:00||||等领导|满意|");
	write();
	assert_null(error);
	assert_has("local number = cell(\"工单编号\")");
	assert_has("local opened = days_or_ymd(cell(\"报修时间\"))");
	assert_has("local assigned = ymd(cell(\"接单时间\"))");
	assert_has("project_id = cell(\"项目\")");
	assert_has("requester_ref = cell(\"房号\")");
	assert_has("  [\"已完成\"] = \"resolved\", -- 1\n");
	assert_has("  [\"等领导\"] = \"open\", -- 1 ?\n");
	assert_has("  [\"特急\"] = \"1\", -- 1\n");
	assert_has("  [\"很急\"] = \"很急\", -- 1 ?\n");
	assert_has("  [\"满意\"] = 4, -- 2\n");
	assert_has("--zone Asia/Shanghai");
	assert_has("-- Not used:\n--   \"备注\", such as \"谢谢\"");
	assert_has("-- ? if assigned then event(ticket, { type = \"ticket.responded\"");
}

static void test_columns_are_found_by_German_names(void **state)
{
	static const char header[] = "Vorgangsnummer|Erstellt am|Erledigt am|Bearbeiter|Priorität|Zustand|Kunde";
	(void)state;
	row(header, "V1|03.04.2026 08:00|04.04.2026 09:00|Frau Öz|hoch|Erledigt|Meier");
	row(header, "V2|05.04.2026 08:00|||Niedrig|Wartet auf Kunden|Schulz");
	write();
	assert_null(error);
	assert_has("cell(\"Vorgangsnummer\")");
	assert_has("local opened = dmy(cell(\"Erstellt am\"))");
	assert_has("local resolved = dmy(cell(\"Erledigt am\"))");
	assert_has("[\"hoch\"] = \"2\"");
	assert_has("[\"Wartet auf Kunden\"] = \"paused\"");
	assert_has("-- ? attributes.requester_ref = cell(\"Kunde\")");
	assert_has("--zone Europe/Berlin");
	assert_has_not("can be read in two ways");
}

static void test_one_date_decides_how_all_are_read(void **state)
{
	(void)state;
	row("Ticket ID|Created|Closed", "1|01/02/2026 5:05 PM|01/31/2026 5:05 PM");
	row("Ticket ID|Created|Closed", "2|01/03/2026 5:05 PM|");
	write();
	assert_has("local opened = mdy(cell(\"Created\"))");
	assert_has("local closed = mdy(cell(\"Closed\"))");
	assert_has_not("can be read in two ways");
}

static void test_dates_that_fit_both_ways_are_a_question(void **state)
{
	(void)state;
	row("Ticket ID|Created", "1|01/02/2026 17:05");
	row("Ticket ID|Created", "2|03/04/2026 17:05");
	write();
	assert_has("local opened = dmy(cell(\"Created\"))");
	assert_has("-- ? \"Created\" can be read in two ways, such as \"01/02/2026 17:05\"");
	assert_has("mdy() reads it the other way");
}

static void test_times_with_a_zone_need_none(void **state)
{
	(void)state;
	row("key|created_at|resolved_at", "1|2026-05-04T08:00:00Z|1777881600100");
	row("key|created_at|resolved_at", "2|2026-05-04T08:00:00+08:00|");
	write();
	assert_null(error);
	assert_has("local opened = cell(\"created_at\")");
	assert_has("local resolved = cell(\"resolved_at\")");
	assert_has("\"resolved_at\" is a number");
	assert_has_not("--zone");
}

static void test_members_of_JSON_are_columns(void **state)
{
	(void)state;
	map_guess_json(guess,
	               text_of("{\"id\":9007199254740995,\"requester\":{\"created_at\":\"2020-01-01T00:00:00Z\"},"
	                       "\"created_at\":\"2026-05-04T08:00:00Z\",\"fields\":{\"status\":{\"name\":\"Done\"},"
	                       "\"assignee\":{\"name\":\"ann\"}},\"tags\":[1,{}],\"x\":null}"));
	map_guess_json(guess, text_of("[1]"));
	write();
	assert_null(error);
	assert_has("local number = field(\"id\")");
	assert_has("local opened = field(\"created_at\")");
	assert_has("local agent = field(\"fields\", \"assignee\", \"name\")");
	assert_has("word(states, field(\"fields\", \"status\", \"name\"), \"fields.status.name\")");
	assert_has("-- ? 1 records are no objects");
}

static void test_a_page_of_records_is_named(void **state)
{
	(void)state;
	map_guess_json(guess, text_of("{\"count\":2,\"tickets\":[{\"id\":1}]}"));
	write();
	assert_non_null(error);
	assert_has("elements of \"tickets\"");
	assert_has("skip(\"");
}

static void test_tickets_with_several_records_are_histories(void **state)
{
	char line[100];
	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "T%d|2026-05-04T08:00:00Z|2026-05-04T09:%02d:00Z|%s", i / 4, i,
		         i % 4 == 3 ? "closed" : "open");
		row("ticket|created|updated|status", line);
	}
	write();
	assert_null(error);
	assert_has("event(ticket, { type = \"ticket.opened\", id = \"opened\", time = opened })\n");
	assert_has("type = \"ticket.updated\"");
	assert_has("state(ticket, now, ");
}

static void test_records_that_come_twice_count_once(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		row("no|date|status", "1|2026-05-04 08:00|new");
		row("no|date|status", "2|2026-05-04 08:00|new");
	}
	write();
	assert_has("-- 2 records are the same as others");
	assert_has("[\"new\"] = \"open\", -- 2\n");
	assert_has_not("several records");
}

static void test_without_names_the_values_decide(void **state)
{
	(void)state;
	row("a|b|c", "x|A-1|2026-05-04 08:00");
	row("a|b|c", "x|A-2|2026-05-04 09:00");
	write();
	assert_null(error);
	assert_has("local number = cell(\"b\")");
	assert_has("local opened = cell(\"c\")");
}

static void test_what_cannot_be_guessed_is_skipped(void **state)
{
	(void)state;
	write();
	assert_string_equal(error, "there are no records with values");
	row("number|note", "1|x");
	write();
	assert_string_equal(error, "no column looks like a time");
	assert_has("\nskip(\"no column looks like a time\")\n");
}

static void test_no_value_leaves_its_string_or_comment(void **state)
{
	(void)state;
	row("id|date|status|\"]]--\n\\", "1|2026-05-04 08:00|a\"\n] = os.exit() --|--[[\r\n]]");
	write();
	assert_has("[\"a\\\"\\010] = os.exit() --\"] = \"open\"");
	assert_has("--   \"\\\"]]--\\010\\\\\", such as \"--[[\\013\\010]]\"\n");
	for (const char *line = buf_text(&out).ptr; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		assert_true(strncmp(line, "]", 1) != 0);
	}
}

static void test_memory_is_bounded(void **state)
{
	char name[20], value[40];
	struct text names[400], cells[400];
	(void)state;
	for (int i = 0; i < MAP_GUESS_RECORDS + 10 && !map_guess_is_full(guess); i++) {
		size_t n = i < 2 ? 400 : 2;
		for (size_t j = 0; j < n; j++) {
			snprintf(name, sizeof(name), "n%zu", j);
			snprintf(value, sizeof(value), "v%d-%zu", i, j);
			names[j] = text_of(strdup(name));
			cells[j] = text_of(strdup(value));
		}
		map_guess_row(guess, names, cells, n);
		for (size_t j = 0; j < n; j++) {
			free((char *)(uintptr_t)names[j].ptr);
			free((char *)(uintptr_t)cells[j].ptr);
		}
	}
	assert_true(map_guess_is_full(guess));
	write();
	assert_has("more than 256 columns");
	assert_has("10000 records");
	assert_true(out.len_bytes < 64 * 1024);
}

static void test_a_priority_with_a_number_is_that_number(void **state)
{
	(void)state;
	row("id|date|priority", "1|2026-05-04 08:00|1 - Critical");
	row("id|date|priority", "2|2026-05-04 08:00|P5 (later)");
	row("id|date|priority", "3|2026-05-04 08:00|10 days");
	write();
	assert_has("[\"1 - Critical\"] = \"1\", -- 1\n");
	assert_has("[\"P5 (later)\"] = \"4\", -- 1\n");
	assert_has("[\"10 days\"] = \"10 days\", -- 1 ?\n");
}

static void test_a_score_of_numbers_names_its_scale(void **state)
{
	(void)state;
	row("id|date|rating", "1|2026-05-04 08:00|9");
	row("id|date|rating", "2|2026-05-04 08:00|3.5");
	write();
	assert_has("score = tonumber(score), scale_max = 10 })");
	assert_has_not("local scores");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_columns_are_found_by_Chinese_names),
	        TEST(test_columns_are_found_by_German_names),
	        TEST(test_one_date_decides_how_all_are_read),
	        TEST(test_dates_that_fit_both_ways_are_a_question),
	        TEST(test_times_with_a_zone_need_none),
	        TEST(test_members_of_JSON_are_columns),
	        TEST(test_a_page_of_records_is_named),
	        TEST(test_tickets_with_several_records_are_histories),
	        TEST(test_records_that_come_twice_count_once),
	        TEST(test_without_names_the_values_decide),
	        TEST(test_what_cannot_be_guessed_is_skipped),
	        TEST(test_no_value_leaves_its_string_or_comment),
	        TEST(test_memory_is_bounded),
	        TEST(test_a_priority_with_a_number_is_that_number),
	        TEST(test_a_score_of_numbers_names_its_scale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
