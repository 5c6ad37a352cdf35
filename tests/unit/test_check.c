#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kpid/base/check.h"

/* What a child says that checks, and how it ends. */
static int ends_with(bool holds, char *said, size_t size)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		KPID_CHECK(holds);
		_exit(0);
	}
	close(ends[1]);
	size_t n = 0;
	for (ssize_t got; n < size - 1 && (got = read(ends[0], said + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	said[n] = '\0';
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_what_holds_costs_nothing(void **state)
{
	char said[512];
	(void)state;
	assert_int_equal(ends_with(true, said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

static void test_what_does_not_hold_ends_with_70_and_says_where(void **state)
{
	char said[512];
	(void)state;
	assert_int_equal(ends_with(false, said, sizeof(said)), 70);
	assert_non_null(strstr(said, " test_check.c:"));
	assert_non_null(strstr(said, "it does not hold that holds;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_holds_costs_nothing),
	        cmocka_unit_test(test_what_does_not_hold_ends_with_70_and_says_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
