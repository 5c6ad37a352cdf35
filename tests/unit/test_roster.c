/* The roster: a CSV file, with its errors. */

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kpid/core/roster.h"

#define HEAD "agent,role,team,since,until,login,leads\n"

static void assert_fault(const char *csv, const char *path, int line, const char *words)
{
	struct file_errors errors;
	struct roster *roster = roster_parse(text_of(csv), &errors);
	bool found = false;
	for (size_t i = 0; i < errors.n; i++) {
		const struct file_error *error = &errors.items[i];
		print_message("%d: %.*s: %.*s\n", error->line, (int)error->path.len, error->path.ptr,
		              (int)error->message.len, error->message.ptr);
		found = found || (error->line == line && text_equal(error->path, text_of(path)) &&
		                  memmem(error->message.ptr, error->message.len, words, strlen(words)) != NULL);
	}
	size_t n = errors.n;
	file_errors_release(&errors);
	roster_free(roster);
	assert_null(roster);
	assert_true(found);
	assert_int_equal(n, 1);
}

static struct roster *parse(const char *csv)
{
	struct file_errors errors;
	struct roster *roster = roster_parse(text_of(csv), &errors);
	file_errors_release(&errors);
	assert_non_null(roster);
	return roster;
}

static void test_rows_are_read(void **state)
{
	(void)state;
	struct roster *roster =
	        parse("\xEF\xBB\xBFrole,agent,until\r\n\"a, \"\"b\"\"\nc\",li,2026-01-31\r\n\r\n,wang,\r\nx,li,");
	assert_int_equal(roster->n, 3);
	assert_true(text_equal(roster->rows[0].values[ROSTER_AGENT], TEXT("li")));
	assert_true(text_equal(roster->rows[0].values[ROSTER_ROLE], TEXT("a, \"b\"\nc")));
	assert_true(text_equal(roster->rows[0].values[ROSTER_UNTIL], TEXT("2026-01-31")));
	assert_int_equal(roster->rows[1].line, 6);
	assert_true(text_is_empty(roster->rows[2].values[ROSTER_ROLE]));
	roster_free(roster);
	roster_free(parse(HEAD));
}

static void test_the_first_line_names_the_columns(void **state)
{
	(void)state;
	assert_fault("agent,role,rolle\n", "(file)", 1, "\"rolle\" is no column");
	assert_fault("agent,role,role\n", "role", 1, "appears twice");
	assert_fault("agent,team\n", "role", 1, "is missing");
	assert_fault("role\n", "agent", 1, "is missing");
}

static void test_errors_of_rows(void **state)
{
	(void)state;
	assert_fault(HEAD "li,r,,,,\n", "(file)", 2, "has 6 fields, but the first line has 7");
	assert_fault(HEAD ",r,,,,,\n", "agent", 2, "is empty");
	assert_fault(HEAD "li,r,,2026-02-30,,,\n", "since", 2, "is not a date");
	assert_fault(HEAD "li,r,,,1.2.2026,,\n", "until", 2, "is not a date");
	assert_fault(HEAD "li,r,,2026-02-02,2026-02-01,,\n", "until", 2, "is before `since`");
	assert_fault(HEAD "li,r,,,,,\nli,s,,,,,\nli,r,,,,,\n", "(file)", 4, "is the same as line 2");
	assert_fault(HEAD "li,r,,,,x,\nwang,r,,,,x,\n", "login", 3, "belongs to another agent on line 2");
	assert_fault(HEAD "li,\xc0\xc1,,,,,\n", "role", 2, "is not UTF-8");
	assert_fault(HEAD "li,r,,,,,\"x\n", "(file)", 2, "has a quote that is not closed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows_are_read),
	        cmocka_unit_test(test_the_first_line_names_the_columns),
	        cmocka_unit_test(test_errors_of_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
