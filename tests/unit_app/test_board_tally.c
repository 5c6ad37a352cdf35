/* Agents, projects and teams in memory: rounds, orders, filters, pages, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "board/tally.h"

static void add_agent(struct tally *tally, const char *key, int64_t breached, int64_t within, int64_t measured,
                      int64_t backlog)
{
	struct tally_sums sums = {.numbers = {0}};
	sums.numbers[AGENT_BREACHED] = breached;
	sums.numbers[AGENT_WITHIN] = within;
	sums.numbers[AGENT_MEASURED] = measured;
	sums.numbers[AGENT_BACKLOG] = backlog;
	sums.spark[11] = 7;
	tally_add(tally, text_of(key), &sums);
}

static struct tally *agents(void)
{
	struct tally *tally = tally_new(TALLY_AGENTS);
	add_agent(tally, "ann", 0, 0, 0, 5);
	add_agent(tally, "Bob", 3, 1, 4, 5);
	add_agent(tally, "", 0, 2, 2, 9);
	add_agent(tally, "\xc3\x84nne", 3, 0, 3, 6); /* Änne */
	tally_show(tally);
	return tally;
}

/* The keys in their order, with a bar after each. */
static void assert_keys(const struct tally *tally, struct tally_wish wish, const char *expected, size_t expected_total)
{
	struct tally_found found[8];
	struct buf keys = BUF_INIT;
	size_t total;
	wish.most = wish.most == 0 ? 8 : wish.most;
	size_t n = tally_find(tally, &wish, found, &total);
	for (size_t i = 0; i < n; i++) {
		buf_add_text(&keys, tally_key(found[i].row));
		buf_add_char(&keys, '|');
	}
	assert_string_equal(buf_text(&keys).ptr, expected);
	assert_int_equal(total, expected_total);
	buf_release(&keys);
}

static void test_orders_and_filters(void **state)
{
	struct tally *tally = agents();
	(void)state;
	assert_keys(tally, (struct tally_wish){.sort = NULL}, "Bob|\xc3\x84nne||ann|", 4);
	assert_keys(tally, (struct tally_wish){.sort = "key"}, "|Bob|ann|\xc3\x84nne|", 4);
	assert_keys(tally, (struct tally_wish){.sort = "-backlog"}, "|\xc3\x84nne|Bob|ann|", 4);
	/* Who has nothing measured comes below 0 %. */
	assert_keys(tally, (struct tally_wish){.sort = "-sla"}, "|Bob|\xc3\x84nne|ann|", 4);
	assert_keys(tally, (struct tally_wish){.sort = "sla"}, "ann|\xc3\x84nne|Bob||", 4);
	assert_keys(tally, (struct tally_wish){.part = "NN"}, "\xc3\x84nne|ann|", 2);
	assert_keys(tally, (struct tally_wish){.part = "\xc3\xa4N"}, "\xc3\x84nne|", 1); /* äN */
	assert_keys(tally, (struct tally_wish){.key = ""}, "|", 1);
	assert_keys(tally, (struct tally_wish){.key = "a"}, "", 0);
	assert_int_equal(tally_sum(tally, NULL, AGENT_BACKLOG), 25);
	assert_int_equal(tally_sum(tally, "", AGENT_BACKLOG), 9);
	tally_free(tally);
}

static void add_group(struct tally *tally, const char *key, int64_t open, int64_t resolved)
{
	struct tally_sums sums = {.numbers = {0}};
	sums.numbers[GROUP_OPEN] = open;
	sums.numbers[GROUP_RESOLVED] = resolved;
	sums.spark[11] = (int32_t)resolved;
	if (open > 0)
		tally_add(tally, text_of(key), &sums);
	else
		tally_hour_add(tally, text_of(key), &sums);
}

/* What projects did in the last hour is shown at once and after each round, once; also of those without a running
 * clock. */
static void test_the_hour_beside_the_rounds(void **state)
{
	struct tally *tally = tally_new(TALLY_PROJECTS);
	(void)state;
	tally_hour_begin(tally);
	add_group(tally, "east", 0, 2);
	tally_hour_show(tally);
	assert_false(tally_is_known(tally));
	assert_int_equal(tally_n_rows(tally), 0);
	for (int round = 0; round < 2; round++) {
		add_group(tally, "east", 5, 0);
		add_group(tally, "west", 3, 0);
		tally_show(tally);
		assert_int_equal(tally_sum(tally, NULL, GROUP_OPEN), 8);
		assert_int_equal(tally_sum(tally, "east", GROUP_RESOLVED), 2);
	}
	tally_hour_begin(tally);
	add_group(tally, "west", 0, 3);
	add_group(tally, "west", 5, 0);
	tally_show(tally); /* the next hour is not whole yet */
	assert_int_equal(tally_sum(tally, NULL, GROUP_RESOLVED), 2);
	add_group(tally, "east", 5, 0);
	add_group(tally, "west", 3, 0);
	tally_show(tally);
	tally_hour_begin(tally);
	add_group(tally, "west", 0, 4);
	add_group(tally, "north", 0, 1);
	tally_hour_show(tally);
	assert_int_equal(tally_sum(tally, "east", GROUP_RESOLVED), 0);
	assert_int_equal(tally_sum(tally, NULL, GROUP_RESOLVED), 5);
	assert_int_equal(tally_sum(tally, NULL, GROUP_OPEN), 8);
	assert_int_equal(tally_clocks(tally, NULL, NULL), 0);
	assert_keys(tally, (struct tally_wish){.sort = "-resolved"}, "west|north|east|", 3);
	struct tally_found found[3];
	struct buf json = BUF_INIT;
	size_t total;
	assert_int_equal(tally_find(tally, &(struct tally_wish){.key = "west", .most = 3}, found, &total), 1);
	tally_json(tally, found[0].row, &json);
	assert_non_null(strstr(buf_text(&json).ptr, "\"spark\":[0,0,0,0,0,0,0,0,0,0,0,4]}"));
	buf_release(&json);
	tally_free(tally);
}

static void test_pages_have_every_row_once(void **state)
{
	struct tally *tally = agents();
	struct tally_wish wish = {.sort = "-breached", .most = 1};
	struct tally_found found[1];
	char after[16] = "";
	size_t total, n_pages = 0;
	(void)state;
	static const char *const expected[] = {"Bob", "\xc3\x84nne", "", "ann"};
	while (tally_find(tally, &wish, found, &total) == 1) {
		struct text key = tally_key(found[0].row);
		assert_true(n_pages < 4 && text_equal(key, text_of(expected[n_pages])));
		memcpy(after, key.ptr, key.len);
		after[key.len] = '\0';
		wish.is_after = true;
		wish.after_value = found[0].sort_value;
		wish.after_key = after;
		n_pages++;
	}
	assert_int_equal(n_pages, 4);
	assert_int_equal(total, 4);
	tally_free(tally);
}

static void test_a_round_is_shown_when_it_is_whole(void **state)
{
	struct tally *tally = tally_new(TALLY_TEAMS);
	struct tally_sums one = {.numbers = {[GROUP_OPEN] = 1, [GROUP_PAUSED] = 2, [GROUP_BREACHED] = 3}};
	struct tally_found first[2];
	struct buf out = BUF_INIT;
	(void)state;
	tally_add(tally, TEXT("lifts"), &one);
	assert_false(tally_is_known(tally));
	assert_int_equal(tally_n_rows(tally), 0);
	for (int i = 0; i < 200; i++) {
		char key[8];
		snprintf(key, sizeof(key), "t%d", i);
		tally_add(tally, text_of(key), &(struct tally_sums){.numbers = {0}});
	}
	tally_add(tally, TEXT("lifts"), &one);
	tally_show(tally);
	assert_true(tally_is_known(tally));
	assert_int_equal(tally_n_rows(tally), 201);
	assert_int_equal(tally_first(tally, first, 2), 2);
	tally_json(tally, first[0].row, &out);
	assert_string_equal(out.data,
	                    "{\"key\":\"lifts\",\"open\":2,\"pending\":0,\"at_risk\":0,\"breached\":6,\"paused\":4,"
	                    "\"opened\":0,\"responded\":0,\"resolved\":0,\"within\":0,\"measured\":0,\"missed\":0,"
	                    "\"csat_micros\":0,\"csat_n\":0,\"spark\":[0,0,0,0,0,0,0,0,0,0,0,0]}");
	assert_true(text_equal(tally_key(first[1].row), TEXT("t0")));
	assert_int_equal(tally_clocks(tally, NULL, NULL), 10);
	assert_int_equal(tally_clocks(tally, "lifts", "paused"), 4);
	assert_int_equal(tally_clocks(tally, "lifts", "open"), -1);
	tally_show(tally); /* an empty round */
	assert_int_equal(tally_n_rows(tally), 0);
	buf_release(&out);
	tally_free(tally);
}

static void test_files(void **state)
{
	struct tally *tally = agents();
	struct tally_wish wish = {.key = "Bob", .most = 1};
	struct tally_found found[1];
	struct buf out = BUF_INIT;
	size_t total;
	(void)state;
	assert_int_equal(tally_find(tally, &wish, found, &total), 1);
	tally_csv_names(tally, &out);
	tally_csv(tally, found[0].row, &out);
	assert_string_equal(
	        out.data, "key,opened,breached,responded,resolved,within,measured,csat_micros,csat_n,backlog,spark\r\n"
	                  "\"Bob\",0,3,0,0,1,4,0,0,5,\"[0,0,0,0,0,0,0,0,0,0,0,7]\"\r\n");
	buf_release(&out);
	tally_free(tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_orders_and_filters),
	        cmocka_unit_test(test_the_hour_beside_the_rounds),
	        cmocka_unit_test(test_pages_have_every_row_once),
	        cmocka_unit_test(test_a_round_is_shown_when_it_is_whole),
	        cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
