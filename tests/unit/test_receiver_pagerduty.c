/* PagerDuty. */
#include "receiver_case.h"

static void test_event_actions(void **state)
{
	(void)state;
	struct message message;
	struct alert_view changed = sample_alert;
	const char *const actions[][2] = {
	        {"breached", "trigger"}, {"acknowledged", "acknowledge"}, {"resolved", "resolve"}};
	for (size_t i = 0; i < 3; i++) {
		changed.state = text_of(actions[i][0]);
		json_t *body =
		        write_message("pagerduty", ", \"secret_files\": [\"a\"]", &english, &changed, 1, &message);
		assert_string_equal(string_at(body, "event_action", NULL), actions[i][1]);
		assert_string_equal(string_at(body, "dedup_key", NULL), "abc");
		assert_string_equal(string_at(body, "payload", "severity"), "critical");
		json_decref(body);
		message_release(&message);
	}
}

static void test_routing_key_is_required(void **state)
{
	(void)state;
	assert_file_error(FILE_OF("pagerduty", ""), "receivers[0].secret_files", "routing key");
}

/* A group would lose all its alerts but the first. */
static void test_groups_are_refused(void **state)
{
	(void)state;
	assert_file_error(FILE_OF("pagerduty", ", \"secret_files\": [\"a\"], \"group_at_least\": 4"),
	                  "receivers[0].group_at_least", "pagerduty takes one alert per message");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_event_actions),
	        cmocka_unit_test(test_routing_key_is_required),
	        cmocka_unit_test(test_groups_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
