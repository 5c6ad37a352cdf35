/* Robots of WeCom. */
#include "receiver_case.h"

/* WeCom accepts 4,096 bytes, and a Chinese character has three. */
static void test_longest_message_fits_in_every_language(void **state)
{
	static char longest[256];
	static struct alert_view many[9];
	const struct text id = {longest, sizeof(longest)};
	struct message message;
	(void)state;
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < 9; i++) {
		many[i] = sample_alert;
		many[i].state = TEXT("acknowledged");
		many[i].level = 100;
		many[i].ticket_id = many[i].project_id = many[i].owner_id = many[i].target = id;
	}
	for (enum message_language language = 0; language < MESSAGE_N_LANGUAGES; language++) {
		const struct message_voice there = {language, TEXT("America/Argentina/ComodRivadavia"), &shanghai};
		json_t *body = write_message("wecom", "", &there, many, 9, &message);
		assert_in_range(strlen(string_at(body, "markdown", "content")), 8 * 4 * 80, 4096 - 100);
		json_decref(body);
		message_release(&message);
	}
}

static void test_languages(void **state)
{
	(void)state;
	assert_chat_languages("wecom", "markdown", "content");
}

static void test_several_alerts(void **state)
{
	(void)state;
	assert_chat_text("wecom", &chinese, "markdown", "content", 3,
	                 "3 条告警：1 条超时，2 条预警\n\n"
	                 "> 超时（第 1 级升级）：T-1 到场，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，"
	                 "负责人 王芳，项目 p \"1\"\n"
	                 "> 预警：T-1 首次响应，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，负责人 王芳，项目 p "
	                 "\"1\"\n"
	                 "> 预警（第 1 级升级）：T-1 到场，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，负责人 "
	                 "无，项目 p \"1\"\n");
}

static void test_answers(void **state)
{
	(void)state;
	assert_answer("wecom", 200, "{\"errcode\": 0}", ANSWER_ACCEPTED, "");
	assert_answer("wecom", 200, "{\"errcode\": 45009}", ANSWER_RETRY, "too many messages");
	assert_answer("wecom", 200, "<html>", ANSWER_RETRY, "has no errcode");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_longest_message_fits_in_every_language),
	        cmocka_unit_test(test_languages),
	        cmocka_unit_test(test_several_alerts),
	        cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
