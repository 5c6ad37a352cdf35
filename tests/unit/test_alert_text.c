/* Alerts as text for people. */
#include "receiver_case.h"

static void test_a_storm_becomes_one_message(void **state)
{
	(void)state;
	static struct alert_view many[10000];
	struct message message;
	for (size_t i = 0; i < 10000; i++) {
		many[i] = sample_alert;
		if (i % 4 == 0)
			many[i].state = TEXT("resolved");
	}
	json_t *body =
	        write_message("wecom", ", \"link\": \"https://bi.example.com/late\"", &english, many, 10000, &message);
	const char *words = string_at(body, "markdown", "content");
	assert_non_null(strstr(words, "10000 alerts: 7500 breached, 2500 resolved"));
	assert_non_null(strstr(words, "… and 9992 more"));
	assert_non_null(strstr(words, "https://bi.example.com/late"));
	assert_true(strlen(words) < 2000);
	json_decref(body);
	message_release(&message);
}

/* Values from events cannot mention a person, form a link, break a line, or make a message too long. */
static void test_values_stay_values(void **state)
{
	(void)state;
	struct message message;
	static struct alert_view many[9];
	struct alert_view one = sample_alert;
	one.ticket_id = TEXT("<at user_id=\"all\"></at>\n# T\u202e[pay](https://example.com) \xff");
	one.project_id = TEXT_ABSENT;
	one.owner_id = TEXT_ABSENT;
	one.due_us = TIME_NONE;
	json_t *body = write_message("feishu", "", &english, &one, 1, &message);
	assert_string_equal(string_at(body, "content", "text"),
	                    "breached (escalation 1): arrival of ＜at user_id=\"all\">＜/at>\\x0a# "
	                    "T\\u202e［pay](https://example.com) \\xff, owner nobody\n");
	json_decref(body);
	message_release(&message);

	static char longest[256];
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < 9; i++) {
		const struct text id = {longest, sizeof(longest)};
		many[i] = sample_alert;
		many[i].ticket_id = many[i].project_id = many[i].owner_id = many[i].target = id;
	}
	body = write_message("wecom", "", &english, many, 9, &message);
	assert_non_null(strstr(string_at(body, "markdown", "content"), "xxx…, project xxx"));
	assert_in_range(strlen(string_at(body, "markdown", "content")), 8 * 4 * 80,
	                4096 - 300); /* a link comes as well */
	json_decref(body);
	message_release(&message);
}

static int32_t offset_west(void *context, int64_t at_us)
{
	(void)context;
	return at_us < INT64_C(1767225600000000) ? -3 * 3600 : -(3 * 3600 + 1800);
}

static void test_times_follow_the_zone_over_the_year(void **state)
{
	static const struct zone zone = {offset_west, NULL, NULL};
	static const struct message_voice there = {MESSAGE_EN, {"America/St_Johns", 16}, &zone};
	struct message message;
	struct alert_view two[] = {sample_alert, sample_alert};
	(void)state;
	two[1].due_us -= 1;
	json_t *body = write_message("wecom", "", &there, two, 2, &message);
	const char *words = string_at(body, "markdown", "content");
	assert_non_null(strstr(words, "due 2025-12-31 20:30:00 -03:30 America/St_Johns"));
	assert_non_null(strstr(words, "due 2025-12-31 20:59:59 -03:00 America/St_Johns"));
	json_decref(body);
	message_release(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_storm_becomes_one_message),
	        cmocka_unit_test(test_values_stay_values),
	        cmocka_unit_test(test_times_follow_the_zone_over_the_year),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
