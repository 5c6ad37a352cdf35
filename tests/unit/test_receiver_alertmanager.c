/* Prometheus Alertmanager. */
#include "receiver_case.h"

static void test_list_of_alerts(void **state)
{
	(void)state;
	struct message message;
	struct alert_view two[] = {sample_alert, sample_alert};
	two[1].state = TEXT("voided");
	json_t *body = write_message("alertmanager", "", &english, two, 2, &message);
	json_t *first = json_array_get(body, 0);
	assert_string_equal(string_at(first, "labels", "alertname"), "kpid_sla");
	assert_string_equal(string_at(first, "labels", "project_id"), "p \"1\"");
	assert_string_equal(string_at(first, "annotations", "severity"), "critical");
	assert_string_equal(string_at(first, "startsAt", NULL), "2026-01-01T00:00:00Z");
	assert_string_equal(string_at(first, "endsAt", NULL), "2021-02-25T15:07:10Z"); /* five minutes from now */
	assert_string_equal(string_at(json_array_get(body, 1), "endsAt", NULL), "2021-02-25T15:02:10Z");
	assert_true(json_equal(json_object_get(first, "labels"), json_object_get(json_array_get(body, 1), "labels")));
	json_decref(body);
	message_release(&message);
}

/* The summary is for people; programs read the rest, which stays as it is. */
static void test_summary_in_chinese(void **state)
{
	(void)state;
	struct message message;
	json_t *body = write_message("alertmanager", "", &chinese, &sample_alert, 1, &message);
	json_t *first = json_array_get(body, 0);
	assert_non_null(strstr(string_at(first, "annotations", "summary"), "超时（第 1 级升级）"));
	assert_string_equal(string_at(first, "annotations", "state"), "breached");
	assert_string_equal(string_at(first, "labels", "target"), "arrival");
	assert_string_equal(string_at(first, "startsAt", NULL), "2026-01-01T00:00:00Z");
	json_decref(body);
	message_release(&message);
}

/* Well before endsAt, so that Alertmanager does not resolve an active alert. */
static void test_active_alerts_are_sent_again(void **state)
{
	(void)state;
	struct receiver_set *set = receivers_parse(FILE_OF("alertmanager", ""));
	assert_int_equal(receiver_resend_us(&set->items[0]), 60 * US_PER_SECOND);
	receiver_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_list_of_alerts),
	        cmocka_unit_test(test_summary_in_chinese),
	        cmocka_unit_test(test_active_alerts_are_sent_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
