/* The key of a webhook's record: which pointer counts, and what has no key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kpid/core/hook_key.h"

static void assert_key(const char *body, const char *first, const char *second, const char *expected)
{
	const char *const pointers[] = {first, second};
	struct arena arena;
	arena_init(&arena);
	struct text key = hook_key(text_of(body), pointers, second == NULL ? 1 : 2, &arena);
	if (!text_equal(key, text_of(expected)))
		fail_msg("%s: %.*s, not %s", body, (int)key.len, text_is_absent(key) ? "" : key.ptr,
		         expected == NULL ? "nothing" : expected);
	arena_release(&arena);
}

static void test_the_first_pointer_that_leads_to_something(void **state)
{
	(void)state;
	assert_key("{\"detail\":{\"id\":\"35436\"}}", "/detail/id", NULL, "35436");
	assert_key("{\"a\":[1,{\"id\":9007199254740993}]}", "/a/1/id", NULL, "9007199254740993");
	assert_key("{\"a\":1,\"b\":\"x\"}", "/b", "/a", "x");
	assert_key("{\"a\":1,\"b\":\"\"}", "/b", "/a", "1");
	assert_key("{\"a\":1,\"b\":null}", "/b", "/a", "1");
	assert_key("{\"a\":1,\"b\":{\"c\":2}}", "/b", "/a", "1");
	assert_key("{\"a\":1,\"b\":[2]}", "/b/1", "/a", "1");
	assert_key("{\"a\":1,\"b\":[2]}", "/b/0/c", "/b/0", "2");
	assert_key("{\"x/y\":{\"~\":\"t\"},\"z\":1}", "/x~1y/~0", NULL, "t");
	assert_key("{\"\\u0061\":\"\\u4e2d\"}", "/a", NULL, "\xe4\xb8\xad");
}

static void test_no_key(void **state)
{
	static const char *const bodies[] = {"",          "not json",     "{\"a\":1",   "[1]",        "\"a\"",    "{}",
	                                     "{\"b\":1}", "{\"a\":true}", "{\"a\":[]}", "{\"a\":{}}", "{\"A\":1}"};
	struct arena arena;
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_key(bodies[i], "/a", NULL, NULL);
	assert_key("[1,2]", "/01", "/x", NULL);
	arena_init(&arena);
	assert_true(text_is_absent(hook_key(TEXT("{\"a\":1}"), NULL, 0, &arena)));
	arena_release(&arena);
}

static void test_a_long_key_is_cut(void **state)
{
	static char body[4000];
	static const char *const pointer = "/a";
	struct arena arena;
	(void)state;
	snprintf(body, sizeof(body), "{\"a\":\"%0*d\"}", 2000, 7);
	arena_init(&arena);
	assert_int_equal(hook_key(text_of(body), &pointer, 1, &arena).len, HOOK_KEY_MAX_BYTES);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_first_pointer_that_leads_to_something),
	        cmocka_unit_test(test_no_key),
	        cmocka_unit_test(test_a_long_key_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
