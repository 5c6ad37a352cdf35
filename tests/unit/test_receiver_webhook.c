/* Webhooks: CloudEvents, signed as Standard Webhooks 1.0. */
#include "receiver_case.h"

/* The example of the test suites of the specification's own libraries. */
static void test_standard_webhooks_signature(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	message_sign_webhook(TEXT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), TEXT("msg_p5jXN8AQM9LWM0D4loKWxJek"),
	                     1614265330, TEXT("{\"test\": 2432232314}"), &out);
	assert_string_equal(out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	buf_release(&out);
}

static void test_webhook(void **state)
{
	(void)state;
	struct message message;
	json_t *body =
	        write_message("webhook", ", \"secret_files\": [\"a\", \"b\"]", &english, &sample_alert, 1, &message);
	assert_string_equal(string_at(body, "type", NULL), "kpid.alert.breached");
	assert_int_equal(message.n_headers, 4);
	assert_string_equal(message.headers[1].text, "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek");
	assert_string_equal(message.headers[2].text, "webhook-timestamp: 1614265330");
	assert_memory_equal(message.headers[3].text, "webhook-signature: v1,", 22);
	assert_non_null(strstr(message.headers[3].text, " v1,")); /* both secrets during a rotation */
	json_decref(body);
	message_release(&message);
}

static void test_webhook_of_many(void **state)
{
	(void)state;
	struct message message;
	struct alert_view two[] = {sample_alert, sample_alert};
	two[1].alert_id = TEXT("def");
	two[1].cloudevent = TEXT("{\"type\":\"kpid.alert.breached\",\"data\":{\"alert_id\":\"def\"}}");
	json_t *body = write_message("webhook", "", &english, two, 2, &message);
	assert_string_equal(string_at(body, "specversion", NULL), "1.0");
	assert_string_equal(string_at(body, "type", NULL), "kpid.alerts");
	assert_string_equal(string_at(body, "id", NULL), "msg_p5jXN8AQM9LWM0D4loKWxJek");
	assert_string_equal(string_at(body, "time", NULL), "2021-02-25T15:02:10Z");
	json_t *data = json_object_get(body, "data");
	assert_int_equal(json_integer_value(json_object_get(data, "n")), 2);
	assert_non_null(strstr(string_at(data, "summary", NULL), "2 breached"));
	json_t *alerts = json_object_get(data, "alerts");
	assert_int_equal(json_array_size(alerts), 2);
	assert_string_equal(string_at(json_array_get(alerts, 0), "alert_id", NULL), "abc");
	assert_string_equal(string_at(json_array_get(alerts, 1), "alert_id", NULL), "def");
	json_decref(body);
	message_release(&message);
}

static void test_summary_in_chinese(void **state)
{
	(void)state;
	struct message message;
	struct alert_view many[9];
	for (size_t i = 0; i < 9; i++)
		many[i] = sample_alert;
	json_t *body = write_message("webhook", "", &chinese, many, 9, &message);
	assert_non_null(strstr(string_at(body, "data", "summary"), "9 条告警：9 条超时"));
	assert_non_null(strstr(string_at(body, "data", "summary"), "- …… 另有 1 条\n"));
	json_decref(body);
	message_release(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_standard_webhooks_signature),
	        cmocka_unit_test(test_webhook),
	        cmocka_unit_test(test_webhook_of_many),
	        cmocka_unit_test(test_summary_in_chinese),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
