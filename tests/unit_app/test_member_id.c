/* Names in the consumer group: one process a name on one machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/kafka/member_id.h"

/* A group of this process, so that runs side by side do not meet. */
static const char *group(void)
{
	static char name[64];
	snprintf(name, sizeof(name), "test-%ld", (long)getpid());
	return name;
}

static void test_a_name_is_given_once(void **state)
{
	(void)state;
	assert_int_equal(member_id_claim("a:9092", group(), "once"), MEMBER_ID_CLAIMED);
	assert_int_equal(member_id_claim("a:9092", group(), "once"), MEMBER_ID_TAKEN);
	assert_int_equal(member_id_claim("a:9092", group(), "another"), MEMBER_ID_CLAIMED);
	assert_int_equal(member_id_claim("b:9092", group(), "once"), MEMBER_ID_CLAIMED);
	assert_int_equal(member_id_claim("a:9092", "another group", group()), MEMBER_ID_CLAIMED);
}

static void test_asking_again_and_again_does_not_block(void **state)
{
	(void)state;
	assert_int_equal(member_id_claim("a:9092", group(), "asked often"), MEMBER_ID_CLAIMED);
	for (int i = 0; i < 100; i++)
		assert_int_equal(member_id_claim("a:9092", group(), "asked often"), MEMBER_ID_TAKEN);
}

static void test_a_name_is_free_when_its_process_ends(void **state)
{
	(void)state;
	const char *name = group();
	pid_t child = fork();
	if (child == 0)
		_exit(member_id_claim("a:9092", name, "of a child") == MEMBER_ID_CLAIMED ? 0 : 1);
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(member_id_claim("a:9092", name, "of a child"), MEMBER_ID_CLAIMED);
}

static void test_numbers_tell_processes_apart(void **state)
{
	static const char *const expected[] = {"host", "host-2", "host-3", "host-4", "host-5", "host-6"};
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		char *name = member_id_claim_numbered("a:9092", group(), "host");
		assert_non_null(name);
		assert_string_equal(name, expected[i]);
		free(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_name_is_given_once),
	        cmocka_unit_test(test_asking_again_and_again_does_not_block),
	        cmocka_unit_test(test_a_name_is_free_when_its_process_ends),
	        cmocka_unit_test(test_numbers_tell_processes_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
