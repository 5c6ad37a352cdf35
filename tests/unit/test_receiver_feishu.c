/* Robots of Feishu. */
#include "receiver_case.h"

static void test_signature_in_the_body(void **state)
{
	(void)state;
	struct message message;
	json_t *body = write_message("feishu", ", \"secret_files\": [\"a\"]", &english, &sample_alert, 1, &message);
	assert_string_equal(string_at(body, "timestamp", NULL), "1614265330");
	assert_string_equal(string_at(body, "msg_type", NULL), "text");
	assert_non_null(strstr(string_at(body, "content", "text"), "owner 王芳"));
	assert_int_equal(strlen(string_at(body, "sign", NULL)), 44);
	json_decref(body);
	message_release(&message);
}

static void test_languages(void **state)
{
	(void)state;
	assert_chat_languages("feishu", "content", "text");
}

static void test_answers(void **state)
{
	(void)state;
	assert_answer("feishu", 200, "{\"code\": 0}", ANSWER_ACCEPTED, "");
	assert_answer("feishu", 200, "{\"StatusCode\": 0}", ANSWER_ACCEPTED, "");
	assert_answer("feishu", 200, "{\"code\": 19021, \"msg\": \"sign match fail\"}", ANSWER_RETRY,
	              "sign match fail");
	assert_answer("feishu", 200, "{\"code\": 11232}", ANSWER_RETRY, "too many messages");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_signature_in_the_body),
	        cmocka_unit_test(test_languages),
	        cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
