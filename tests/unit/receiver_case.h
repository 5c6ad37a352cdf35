/* What the tests of receivers share: a file of one receiver, an alert, and the message about it. */
#ifndef KPID_TESTS_RECEIVER_CASE_H
#define KPID_TESTS_RECEIVER_CASE_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "kpid/core/message.h"

#define FILE_WITH(receivers) "{\"receivers\": [" receivers "]}"
#define RECEIVER(type, more) "{\"name\": \"ops\", \"type\": \"" type "\", \"url\": \"https://example.com/x\"" more "}"
#define FILE_OF(type, more)  FILE_WITH(RECEIVER(type, more))

static inline struct receiver_set *receivers_parse(const char *json)
{
	struct file_errors errors;
	struct receiver_set *set = receiver_set_parse(text_of(json), &errors);
	for (size_t i = 0; i < errors.n; i++)
		print_message("%.*s: %.*s\n", (int)errors.items[i].path.len, errors.items[i].path.ptr,
		              (int)errors.items[i].message.len, errors.items[i].message.ptr);
	file_errors_release(&errors);
	assert_non_null(set);
	return set;
}

/* Asserts that the file has an error at the path, with these words in its message. */
static inline void assert_file_error(const char *json, const char *path, const char *words)
{
	struct file_errors errors;
	assert_null(receiver_set_parse(text_of(json), &errors));
	bool found = false;
	for (size_t i = 0; i < errors.n; i++)
		found |= text_equal(errors.items[i].path, text_of(path)) &&
		         memmem(errors.items[i].message.ptr, errors.items[i].message.len, words, strlen(words)) != NULL;
	if (!found && errors.n > 0)
		print_message("%.*s: %.*s\n", (int)errors.items[0].path.len, errors.items[0].path.ptr,
		              (int)errors.items[0].message.len, errors.items[0].message.ptr);
	file_errors_release(&errors);
	assert_true(found);
}

static const struct alert_view sample_alert = {
        .alert_id = TEXT("abc"),
        .ticket_id = TEXT("T-1"),
        .target = TEXT("arrival"),
        .state = TEXT("breached"),
        .owner_id = TEXT("王芳"),
        .project_id = TEXT("p \"1\""),
        .cloudevent = TEXT("{\"type\":\"kpid.alert.breached\",\"data\":{\"alert_id\":\"abc\"}}"),
        .n = 1,
        .revision = 2,
        .level = 1,
        .due_us = INT64_C(1767225600000000),
        .breached_us = INT64_C(1767225600000000),
        .warned_us = TIME_NONE,
        .resolved_us = TIME_NONE,
};

#define SAMPLE_ID     "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define SAMPLE_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static inline int32_t offset_in_shanghai(void *context, int64_t at_us)
{
	(void)context, (void)at_us;
	return 8 * 3600;
}

static const struct zone shanghai = {offset_in_shanghai, NULL, NULL};
static const struct message_voice english = {MESSAGE_EN, {"UTC", 3}, NULL};
static const struct message_voice chinese = {MESSAGE_ZH, {"Asia/Shanghai", 13}, &shanghai};

/* Writes a message to a receiver of the type at 2021-02-25T15:02:10Z, and returns its body, which the caller releases
 * as well as the message. */
static inline json_t *write_to(const char *url, const char *type, const char *more, const struct message_voice *voice,
                               const struct alert_view *alerts, size_t n, struct message *message_out)
{
	static const struct text secrets[] = {TEXT(SAMPLE_SECRET), TEXT("SECxyz")};
	struct buf json = BUF_INIT;
	buf_add_format(&json, FILE_OF("%s", "%s"), type, more);
	struct receiver_set *set = receivers_parse(json.data);
	const struct notification notification = {
	        voice, &set->items[0], text_of(url), secrets, alerts, n, TEXT(SAMPLE_ID), INT64_C(1614265330000000)};
	message_init(message_out);
	message_write(&notification, message_out);
	receiver_set_free(set);
	buf_release(&json);
	json_t *body = json_loadb(message_out->body.data, message_out->body.len_bytes, 0, NULL);
	assert_non_null(body);
	return body;
}

static inline json_t *write_message(const char *type, const char *more, const struct message_voice *voice,
                                    const struct alert_view *alerts, size_t n, struct message *message_out)
{
	return write_to("https://example.com/x", type, more, voice, alerts, n, message_out);
}

/* The string at json[a], or at json[a][b]. */
static inline const char *string_at(json_t *json, const char *a, const char *b)
{
	json_t *found = json_object_get(json, a);
	found = b == NULL ? found : json_object_get(found, b);
	assert_true(json_is_string(found));
	return json_string_value(found);
}

/* Asserts what a response means, and that its reason contains the words. */
static inline void assert_answer(const char *type, long status, const char *body, enum answer expected,
                                 const char *words)
{
	struct buf json = BUF_INIT, why = BUF_INIT;
	buf_add_format(&json, FILE_OF("%s", ""), type);
	struct receiver_set *set = receivers_parse(json.data);
	assert_int_equal(message_answer(&set->items[0], status, text_of(body), &why), expected);
	assert_non_null(strstr(buf_text(&why).ptr, words));
	receiver_set_free(set);
	buf_release(&json);
	buf_release(&why);
}

/* Asserts the text in the chat message about n <= 3 alerts, which is at body[a][b]. */
static inline void assert_chat_text(const char *type, const struct message_voice *voice, const char *a, const char *b,
                                    size_t n, const char *expected)
{
	struct message message;
	struct alert_view three[] = {sample_alert, sample_alert, sample_alert};
	three[1].state = TEXT("warning");
	three[1].target = TEXT("first_response");
	three[1].level = 0;
	three[2].state = TEXT("warning");
	three[2].owner_id = TEXT_ABSENT;
	json_t *body = write_message(type, "", voice, three, n, &message);
	assert_string_equal(string_at(body, a, b), expected);
	json_decref(body);
	message_release(&message);
}

/* The message about one alert, in English and in Chinese, with times in Shanghai. */
static inline void assert_chat_languages(const char *type, const char *a, const char *b)
{
	static const struct message_voice english_there = {MESSAGE_EN, {"Asia/Shanghai", 13}, &shanghai};
	assert_chat_text(type, &english, a, b, 1,
	                 "breached (escalation 1): arrival of T-1, due 2026-01-01 00:00:00 UTC, owner 王芳, "
	                 "project p \"1\"\n");
	assert_chat_text(type, &english_there, a, b, 1,
	                 "breached (escalation 1): arrival of T-1, due 2026-01-01 08:00:00 +08:00 Asia/Shanghai, "
	                 "owner 王芳, project p \"1\"\n");
	assert_chat_text(type, &chinese, a, b, 1,
	                 "超时（第 1 级升级）：T-1 到场，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，"
	                 "负责人 王芳，项目 p \"1\"\n");
}

#endif
