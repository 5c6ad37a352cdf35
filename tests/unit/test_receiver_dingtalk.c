/* Robots of DingTalk. */
#include "receiver_case.h"

static void test_signature_in_the_url(void **state)
{
	(void)state;
	struct message message;
	json_t *body = write_message("dingtalk", ", \"secret_files\": [\"a\"]", &english, &sample_alert, 1, &message);
	assert_non_null(strstr(string_at(body, "markdown", "text"), "breached (escalation 1): arrival of T-1"));
	assert_non_null(strstr(message.url.data, "?timestamp=1614265330000&sign=%"));
	json_decref(body);
	message_release(&message);
}

static void test_url_with_parameters(void **state)
{
	(void)state;
	const struct alert_view two[] = {sample_alert, sample_alert};
	struct message message;
	json_t *body = write_to("https://example.com/x?access_token=1", "dingtalk", ", \"secret_files\": [\"a\"]",
	                        &english, two, 2, &message);
	assert_non_null(strstr(message.url.data, "?access_token=1&timestamp=1614265330000&sign=%"));
	assert_string_equal(string_at(body, "markdown", "title"), "2 alerts: 2 breached");
	json_decref(body);
	message_release(&message);
}

static void test_languages(void **state)
{
	(void)state;
	assert_chat_languages("dingtalk", "markdown", "text");
}

static void test_title(void **state)
{
	(void)state;
	assert_chat_text("dingtalk", &chinese, "markdown", "title", 3, "3 条告警：1 条超时，2 条预警");
}

static void test_answers(void **state)
{
	(void)state;
	assert_answer("dingtalk", 200, "{\"errcode\": 0, \"errmsg\": \"ok\"}", ANSWER_ACCEPTED, "");
	assert_answer("dingtalk", 200, "{\"errcode\": 310000, \"errmsg\": \"sign not match\"}", ANSWER_RETRY,
	              "sign not match");
	assert_answer("dingtalk", 200, "{\"errcode\": 130101}", ANSWER_RETRY, "too many messages");
}

/* The reason goes into the database, which accepts only valid UTF-8. */
static void test_reason_is_cut_between_characters(void **state)
{
	struct buf body = BUF_INIT, why = BUF_INIT;
	(void)state;
	struct receiver_set *set = receivers_parse(FILE_OF("dingtalk", ""));
	for (int shift = 0; shift < 4; shift++) {
		buf_clear(&body);
		buf_clear(&why);
		buf_add_str(&body, "{\"errcode\": 1, \"errmsg\": \"");
		for (int i = 0; i < shift; i++)
			buf_add_char(&body, 'x');
		for (int i = 0; i < 100; i++)
			buf_add_str(&body, "忙");
		buf_add_str(&body, "\"}");
		assert_int_equal(message_answer(&set->items[0], 200, buf_text(&body), &why), ANSWER_RETRY);
		json_t *utf8 = json_stringn(why.data, why.len_bytes);
		assert_non_null(utf8);
		assert_in_range(why.len_bytes, 200, 230);
		json_decref(utf8);
	}
	receiver_set_free(set);
	buf_release(&body);
	buf_release(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_signature_in_the_url),
	        cmocka_unit_test(test_url_with_parameters),
	        cmocka_unit_test(test_languages),
	        cmocka_unit_test(test_title),
	        cmocka_unit_test(test_answers),
	        cmocka_unit_test(test_reason_is_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
