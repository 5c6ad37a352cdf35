/* The pseudonyms of agents (rule V4), and the file of their key. */

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kpid/core/agent_key.h"

/* Computed by another program: openssl dgst -sha256 -mac HMAC -macopt key:KEY */
static void V4_the_first_16_digits_of_the_hmac(void **state)
{
	static const struct text key = TEXT("0123456789abcdef0123456789abcdef");
	char out[AGENT_KEY_BYTES];
	(void)state;
	agent_key_compute(key, TEXT("li.na"), out);
	assert_string_equal(out, "f1801f3a723a3fd1");
	agent_key_compute(key, TEXT("李娜"), out);
	assert_string_equal(out, "8e29963d4b011e03");
	agent_key_compute(TEXT("0123456789abcdef0123456789abcdeF"), TEXT("li.na"), out);
	assert_string_not_equal(out, "f1801f3a723a3fd1");
}

static void V4_what_the_file_of_the_key_must_be(void **state)
{
	(void)state;
	assert_null(agent_key_file_fault(true, false, 32));
	assert_null(agent_key_file_fault(true, false, 4096));
	assert_non_null(agent_key_file_fault(true, false, 31));
	assert_non_null(agent_key_file_fault(true, false, 4097));
	assert_non_null(agent_key_file_fault(true, true, 32));
	assert_non_null(agent_key_file_fault(false, false, 32));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(V4_the_first_16_digits_of_the_hmac),
	        cmocka_unit_test(V4_what_the_file_of_the_key_must_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
