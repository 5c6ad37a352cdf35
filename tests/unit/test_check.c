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

/* Output and exit status of a child that runs a check. */
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

static void test_a_true_check_has_no_effect(void **state)
{
	char said[512];
	(void)state;
	assert_int_equal(ends_with(true, said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

static void test_a_false_check_exits_with_70_and_prints_the_place(void **state)
{
	char said[512];
	(void)state;
	assert_int_equal(ends_with(false, said, sizeof(said)), 70);
	assert_non_null(strstr(said, " test_check.c:"));
	assert_non_null(strstr(said, "not true: holds;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_true_check_has_no_effect),
	        cmocka_unit_test(test_a_false_check_exits_with_70_and_prints_the_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
