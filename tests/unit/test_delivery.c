/* Receivers: their file, whom an alert goes to, what they are sent, what their answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "kpid/core/message.h"

static struct receiver_set *parse(const char *json)
{
	struct policy_faults faults;
	struct receiver_set *set = receiver_set_parse(text_of(json), &faults);
	for (size_t i = 0; i < faults.n; i++)
		print_message("%.*s: %.*s\n", (int)faults.items[i].path.len, faults.items[i].path.ptr,
		              (int)faults.items[i].message.len, faults.items[i].message.ptr);
	policy_faults_release(&faults);
	assert_non_null(set);
	return set;
}

static void assert_fault(const char *json, const char *path, const char *words)
{
	struct policy_faults faults;
	assert_null(receiver_set_parse(text_of(json), &faults));
	bool found = false;
	for (size_t i = 0; i < faults.n; i++)
		found |= text_equal(faults.items[i].path, text_of(path)) &&
		         memmem(faults.items[i].message.ptr, faults.items[i].message.len, words, strlen(words)) != NULL;
	if (!found && faults.n > 0)
		print_message("%.*s: %.*s\n", (int)faults.items[0].path.len, faults.items[0].path.ptr,
		              (int)faults.items[0].message.len, faults.items[0].message.ptr);
	policy_faults_release(&faults);
	assert_true(found);
}

#define FILE_WITH(receivers) "{\"receivers\": [" receivers "]}"
#define RECEIVER(type, more) "{\"name\": \"ops\", \"type\": \"" type "\", \"url\": \"https://example.com/x\"" more "}"
#define FILE_OF(type, more)  FILE_WITH(RECEIVER(type, more))

static void test_file_of_receivers(void **state)
{
	(void)state;
	struct receiver_set *set =
	        parse(FILE_OF("webhook", ", \"projects\": [\"p-*\"], \"min_level\": 1, \"timeout\": \"3s\", "
	                                 "\"secret_files\": [\"new\", \"old\"]"));
	assert_int_equal(set->n, 1);
	assert_string_equal(set->items[0].name.ptr, "ops");
	assert_int_equal(set->items[0].n_secrets, 2);
	assert_int_equal(set->items[0].timeout_us, 3 * US_PER_SECOND);
	assert_int_equal(set->items[0].group_at_least, 0);
	receiver_set_free(set);
	set = parse(FILE_OF("wecom", ""));
	assert_int_equal(set->items[0].group_at_least, 4);
	receiver_set_free(set);
	receiver_set_free(parse("{\"receivers\": []}"));
}

static void test_faults_of_the_file(void **state)
{
	(void)state;
	assert_fault("{", "(file)", "is not JSON");
	assert_fault("{}", "receivers", "is missing");
	assert_fault(FILE_OF("smoke", ""), "receivers[0].type", "is no type of receiver");
	assert_fault(FILE_WITH("{\"type\": \"webhook\", \"url\": \"https://a\"}"), "receivers[0].name", "is missing");
	assert_fault(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\"}"), "receivers[0].url", "is missing");
	assert_fault(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\", \"url\": \"http://example.com\"}"),
	             "receivers[0].url", "http:// to this machine itself");
	assert_fault(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\", \"url\": \"file:///etc/passwd\"}"),
	             "receivers[0].url", "is no address");
	assert_fault(FILE_OF("webhook", ", \"url_file\": \"x\""), "receivers[0].url", "beside url_file");
	assert_fault(FILE_OF("webhook", ", \"min_level\": -2"), "receivers[0].min_level", "of -1 to 100");
	assert_fault(FILE_OF("webhook", ", \"time_out\": \"1s\""), "receivers[0].time_out",
	             "did you mean \"timeout\"?");
	assert_fault(FILE_OF("dingtalk", ", \"secret_files\": [\"a\", \"b\"]"), "receivers[0]",
	             "only a webhook signs with both");
	assert_fault(FILE_OF("pagerduty", ""), "receivers[0].secret_files", "routing key");
	assert_fault(FILE_WITH(RECEIVER("webhook", "") ", " RECEIVER("wecom", "")), "receivers[1]",
	             "has the name of receivers[0]");
	assert_fault("[]", "(file)", "{\"receivers\": [...]}");
	assert_fault("{\"receivers\": {}}", "receivers", "a list of receivers");
	assert_fault(FILE_WITH("\"ops\""), "receivers[0]", "a receiver, such as");
	assert_fault(FILE_WITH("{\"name\": \"a\", \"url\": \"https://a\"}"), "receivers[0].type", "is missing");
	assert_fault(FILE_WITH("{\"name\": \"a\", \"type\": 1, \"url\": \"https://a\"}"), "receivers[0].type",
	             "the type of the receiver");
	assert_fault(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\", \"url\": 1}"), "receivers[0].url",
	             "an address, such as");
	assert_fault(FILE_OF("webhook", ", \"link\": \"\""), "receivers[0].link", "an address in quotes");
	assert_fault(FILE_OF("webhook", ", \"projects\": \"p\""), "receivers[0].projects", "a list of patterns");
	assert_fault(FILE_OF("webhook", ", \"teams\": [1]"), "receivers[0].teams[0]", "a pattern in quotes");
	assert_fault(FILE_OF("webhook", ", \"min_level\": 101"), "receivers[0].min_level", "of -1 to 100");
	assert_fault(FILE_OF("webhook", ", \"min_level\": 1.5"), "receivers[0].min_level", "of -1 to 100");
	assert_fault(FILE_OF("webhook", ", \"pause\": 3"), "receivers[0].pause", "a duration in quotes");
	assert_fault(FILE_OF("webhook", ", \"timeout\": \"3 parsecs\""), "receivers[0].timeout", "\"3 parsecs\"");
	assert_fault(FILE_OF("webhook", ", \"secret_files\": \"a\""), "receivers[0].secret_files", "a list of paths");
	assert_fault(FILE_OF("webhook", ", \"secret_files\": [\"a\", \"b\", \"c\"]"), "receivers[0].secret_files",
	             "more than two");
	assert_fault(FILE_OF("webhook", ", \"secret_files\": [1]"), "receivers[0].secret_files[0]", "a path in quotes");
}

static void test_too_many_receivers(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	buf_add_str(&json, "{\"receivers\": [0");
	for (int i = 0; i < 100; i++)
		buf_add_str(&json, ", 0");
	buf_add_str(&json, "]}");
	assert_fault(json.data, "receivers", "has 101 items; at most 100 are allowed");
	buf_release(&json);
}

/* Without encryption to nobody but this machine, whatever an address looks like at first. */
static void test_addresses(void **state)
{
	(void)state;
	static const char *const good[] = {
	        "https://example.com",     "https://example.com:8443/a?b=c#d", "http://localhost", "http://localhost/",
	        "http://localhost:80/a@b", "http://127.0.0.1:8080?a",          "http://[::1]:9/x", "http://[::1]#x"};
	static const char *const bad[] = {"",
	                                  "https://",
	                                  "http://",
	                                  "ftp://localhost",
	                                  "//localhost",
	                                  "http://example.com",
	                                  "http://localhost.example.com",
	                                  "http://localhosts",
	                                  "http://localhost@example.com",
	                                  "http://localhost:1@example.com/",
	                                  "http://localhost:80x/",
	                                  "http://localhost\\@example.com",
	                                  "http://127.0.0.1.example.com",
	                                  "http://127.0.0.10/",
	                                  "http://[::1]x/",
	                                  "http://[::12]/",
	                                  "http://example.com/http://localhost",
	                                  "https://example.com/a b",
	                                  "https://例.cn",
	                                  "https://example.com\r\nhost: a"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!receiver_is_url(text_of(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (receiver_is_url(text_of(bad[i])))
			fail_msg("taken: %s", bad[i]);
}

static void test_routing(void **state)
{
	(void)state;
	struct receiver_set *set = parse(FILE_OF("webhook", ", \"projects\": [\"p-*\"], \"targets\": [\"arrival\"]"));
	struct alert_route route = {TEXT("p-1"), TEXT_ABSENT, TEXT("arrival"), false, 0};
	assert_true(receiver_wants(&set->items[0], &route));
	route.warning = true;
	assert_false(receiver_wants(&set->items[0], &route));
	set->items[0].min_level = -1;
	assert_true(receiver_wants(&set->items[0], &route));
	route.project_id = TEXT_ABSENT;
	assert_false(receiver_wants(&set->items[0], &route));
	route = (struct alert_route){TEXT("p-1"), TEXT_ABSENT, TEXT("resolution"), false, 0};
	assert_false(receiver_wants(&set->items[0], &route));
	set->items[0].min_level = 2;
	route = (struct alert_route){TEXT("p-1"), TEXT_ABSENT, TEXT("arrival"), false, 1};
	assert_false(receiver_wants(&set->items[0], &route));
	route.level = 2;
	assert_true(receiver_wants(&set->items[0], &route));
	receiver_set_free(set);
}

static void test_backoff(void **state)
{
	(void)state;
	assert_int_equal(receiver_backoff_us(1, 0), US_PER_SECOND);
	assert_int_equal(receiver_backoff_us(4, 0), 8 * US_PER_SECOND);
	assert_int_equal(receiver_backoff_us(4, 1), 4 * US_PER_SECOND);
	assert_int_equal(receiver_backoff_us(1000, 0), 300 * US_PER_SECOND);
}

static const struct told_alert alert = {
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

static const struct message_voice english = {MESSAGE_EN, {"UTC", 3}, NULL};
static const struct message_voice *voice = &english;

static json_t *write_and_read(const char *type, const char *more, const struct told_alert *alerts, size_t n,
                              struct message *message)
{
	struct buf json = BUF_INIT;
	buf_add_format(&json, FILE_OF("%s", "%s"), type, more);
	struct receiver_set *set = parse(json.data);
	const struct text secrets[] = {TEXT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), TEXT("SECxyz")};
	message_init(message);
	message_write(voice, &set->items[0], TEXT("https://example.com/x"), secrets, alerts, n,
	              TEXT("msg_p5jXN8AQM9LWM0D4loKWxJek"), INT64_C(1614265330000000), message);
	receiver_set_free(set);
	buf_release(&json);
	json_t *body = json_loadb(message->body.data, message->body.len_bytes, 0, NULL);
	assert_non_null(body);
	return body;
}

static const char *at(json_t *json, const char *a, const char *b)
{
	json_t *found = json_object_get(json, a);
	found = b == NULL ? found : json_object_get(found, b);
	assert_true(json_is_string(found));
	return json_string_value(found);
}

/* The example that the specification's own libraries are tested with. */
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
	json_t *body = write_and_read("webhook", ", \"secret_files\": [\"a\", \"b\"]", &alert, 1, &message);
	assert_string_equal(at(body, "type", NULL), "kpid.alert.breached");
	assert_int_equal(message.n_headers, 4);
	assert_string_equal(message.headers[1].text, "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek");
	assert_string_equal(message.headers[2].text, "webhook-timestamp: 1614265330");
	assert_memory_equal(message.headers[3].text, "webhook-signature: v1,", 22);
	assert_non_null(strstr(message.headers[3].text, " v1,")); /* both secrets, while one is changed for the other */
	json_decref(body);
	message_release(&message);
}

static void test_webhook_of_many(void **state)
{
	(void)state;
	struct message message;
	struct told_alert two[] = {alert, alert};
	two[1].alert_id = TEXT("def");
	two[1].cloudevent = TEXT("{\"type\":\"kpid.alert.breached\",\"data\":{\"alert_id\":\"def\"}}");
	json_t *body = write_and_read("webhook", "", two, 2, &message);
	assert_string_equal(at(body, "specversion", NULL), "1.0");
	assert_string_equal(at(body, "type", NULL), "kpid.alerts");
	assert_string_equal(at(body, "id", NULL), "msg_p5jXN8AQM9LWM0D4loKWxJek");
	assert_string_equal(at(body, "time", NULL), "2021-02-25T15:02:10Z");
	json_t *data = json_object_get(body, "data");
	assert_int_equal(json_integer_value(json_object_get(data, "n")), 2);
	assert_non_null(strstr(at(data, "summary", NULL), "2 breached"));
	json_t *alerts = json_object_get(data, "alerts");
	assert_int_equal(json_array_size(alerts), 2);
	assert_string_equal(at(json_array_get(alerts, 0), "alert_id", NULL), "abc");
	assert_string_equal(at(json_array_get(alerts, 1), "alert_id", NULL), "def");
	json_decref(body);
	message_release(&message);
}

static void test_a_storm_becomes_one_message(void **state)
{
	(void)state;
	static struct told_alert many[10000];
	struct message message;
	for (size_t i = 0; i < 10000; i++) {
		many[i] = alert;
		if (i % 4 == 0)
			many[i].state = TEXT("resolved");
	}
	json_t *body = write_and_read("wecom", ", \"link\": \"https://bi.example.com/late\"", many, 10000, &message);
	const char *words = at(body, "markdown", "content");
	assert_non_null(strstr(words, "10000 alerts: 7500 breached, 2500 resolved"));
	assert_non_null(strstr(words, "… and 9992 more"));
	assert_non_null(strstr(words, "https://bi.example.com/late"));
	assert_true(strlen(words) < 2000);
	json_decref(body);
	message_release(&message);
}

static void test_alertmanager(void **state)
{
	(void)state;
	struct message message;
	struct told_alert two[] = {alert, alert};
	two[1].state = TEXT("voided");
	json_t *body = write_and_read("alertmanager", "", two, 2, &message);
	json_t *first = json_array_get(body, 0);
	assert_string_equal(at(first, "labels", "alertname"), "kpid_sla");
	assert_string_equal(at(first, "labels", "project_id"), "p \"1\"");
	assert_string_equal(at(first, "annotations", "severity"), "critical");
	assert_string_equal(at(first, "startsAt", NULL), "2026-01-01T00:00:00Z");
	assert_string_equal(at(first, "endsAt", NULL), "2021-02-25T15:07:10Z"); /* five minutes from now */
	assert_string_equal(at(json_array_get(body, 1), "endsAt", NULL), "2021-02-25T15:02:10Z");
	assert_true(json_equal(json_object_get(first, "labels"), json_object_get(json_array_get(body, 1), "labels")));
	json_decref(body);
	message_release(&message);
}

static void test_robots(void **state)
{
	(void)state;
	struct message message;
	json_t *body = write_and_read("dingtalk", ", \"secret_files\": [\"a\"]", &alert, 1, &message);
	assert_non_null(strstr(at(body, "markdown", "text"), "breached (escalation 1): arrival of T-1"));
	assert_non_null(strstr(message.url.data, "?timestamp=1614265330000&sign=%"));
	json_decref(body);
	message_release(&message);
	body = write_and_read("feishu", ", \"secret_files\": [\"a\"]", &alert, 1, &message);
	assert_string_equal(at(body, "timestamp", NULL), "1614265330");
	assert_string_equal(at(body, "msg_type", NULL), "text");
	assert_non_null(strstr(at(body, "content", "text"), "owner 王芳"));
	assert_int_equal(strlen(at(body, "sign", NULL)), 44);
	json_decref(body);
	message_release(&message);
}

/* What an event says cannot mention anybody, be a link or a line, or make a message too long to be taken. */
static void test_values_stay_values(void **state)
{
	(void)state;
	struct message message;
	static struct told_alert many[9];
	struct told_alert one = alert;
	one.ticket_id = TEXT("<at user_id=\"all\"></at>\n# T\u202e[pay](https://example.com) \xff");
	one.project_id = TEXT_ABSENT;
	one.owner_id = TEXT_ABSENT;
	one.due_us = TIME_NONE;
	json_t *body = write_and_read("feishu", "", &one, 1, &message);
	assert_string_equal(at(body, "content", "text"),
	                    "breached (escalation 1): arrival of ＜at user_id=\"all\">＜/at>\\x0a# "
	                    "T\\u202e［pay](https://example.com) \\xff, owner nobody\n");
	json_decref(body);
	message_release(&message);

	static char longest[256];
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < 9; i++) {
		const struct text id = {longest, sizeof(longest)};
		many[i] = alert;
		many[i].ticket_id = many[i].project_id = many[i].owner_id = many[i].target = id;
	}
	body = write_and_read("wecom", "", many, 9, &message);
	assert_non_null(strstr(at(body, "markdown", "content"), "xxx…, project xxx"));
	assert_in_range(strlen(at(body, "markdown", "content")), 8 * 4 * 80, 4096 - 300); /* a link comes as well */
	json_decref(body);
	message_release(&message);
}

static int32_t offset_in_shanghai(void *context, int64_t at_us)
{
	(void)context, (void)at_us;
	return 8 * 3600;
}

static const struct zone shanghai = {offset_in_shanghai, NULL, NULL};
static const struct message_voice chinese = {MESSAGE_ZH, {"Asia/Shanghai", 13}, &shanghai};

static void assert_robot_says(const char *type, const char *a, const char *b, size_t n, const char *expected)
{
	struct message message;
	struct told_alert three[] = {alert, alert, alert};
	three[1].state = TEXT("warning");
	three[1].target = TEXT("first_response");
	three[1].level = 0;
	three[2].state = TEXT("warning");
	three[2].owner_id = TEXT_ABSENT;
	json_t *body = write_and_read(type, "", three, n, &message);
	assert_string_equal(at(body, a, b), expected);
	json_decref(body);
	message_release(&message);
}

/* They showed UTC to people who do not live by it. */
static void test_chat_messages_show_times_in_the_zone_of_the_report(void **state)
{
	static const struct message_voice english_there = {MESSAGE_EN, {"Asia/Shanghai", 13}, &shanghai};
	static const char expected[] = "breached (escalation 1): arrival of T-1, due 2026-01-01 08:00:00 +08:00 "
	                               "Asia/Shanghai, owner 王芳, project p \"1\"\n";
	(void)state;
	assert_robot_says("dingtalk", "markdown", "text", 1,
	                  "breached (escalation 1): arrival of T-1, due 2026-01-01 00:00:00 UTC, owner 王芳, "
	                  "project p \"1\"\n");
	voice = &english_there;
	assert_robot_says("dingtalk", "markdown", "text", 1, expected);
	assert_robot_says("feishu", "content", "text", 1, expected);
	assert_robot_says("wecom", "markdown", "content", 1, expected);
	voice = &english;
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
	struct told_alert two[] = {alert, alert};
	(void)state;
	voice = &there;
	two[1].due_us -= 1;
	json_t *body = write_and_read("wecom", "", two, 2, &message);
	const char *words = at(body, "markdown", "content");
	assert_non_null(strstr(words, "due 2025-12-31 20:30:00 -03:30 America/St_Johns"));
	assert_non_null(strstr(words, "due 2025-12-31 20:59:59 -03:00 America/St_Johns"));
	json_decref(body);
	message_release(&message);
	voice = &english;
}

static void test_messages_to_people_speak_the_language_of_the_report(void **state)
{
	(void)state;
	voice = &chinese;
	static const char one[] = "超时（第 1 级升级）：T-1 到场，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，"
	                          "负责人 王芳，项目 p \"1\"\n";
	assert_robot_says("dingtalk", "markdown", "text", 1, one);
	assert_robot_says("feishu", "content", "text", 1, one);
	assert_robot_says("wecom", "markdown", "content", 1, one);
	assert_robot_says("dingtalk", "markdown", "title", 3, "3 条告警：1 条超时，2 条预警");
	assert_robot_says("wecom", "markdown", "content", 3,
	                  "3 条告警：1 条超时，2 条预警\n\n"
	                  "> 超时（第 1 级升级）：T-1 到场，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，"
	                  "负责人 王芳，项目 p \"1\"\n"
	                  "> 预警：T-1 首次响应，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，负责人 王芳，项目 p "
	                  "\"1\"\n"
	                  "> 预警（第 1 级升级）：T-1 到场，截止 2026-01-01 08:00:00 +08:00 Asia/Shanghai，负责人 "
	                  "无，项目 p \"1\"\n");

	/* Other people read other robots; what programs read stays as it is. */
	struct message message;
	struct told_alert many[9];
	for (size_t i = 0; i < 9; i++)
		many[i] = alert;
	json_t *body = write_and_read("alertmanager", "", many, 1, &message);
	assert_non_null(strstr(at(json_array_get(body, 0), "annotations", "summary"), "超时（第 1 级升级）"));
	assert_string_equal(at(json_array_get(body, 0), "annotations", "state"), "breached");
	assert_string_equal(at(json_array_get(body, 0), "labels", "target"), "arrival");
	assert_string_equal(at(json_array_get(body, 0), "startsAt", NULL), "2026-01-01T00:00:00Z");
	json_decref(body);
	message_release(&message);
	body = write_and_read("webhook", "", many, 9, &message);
	assert_non_null(strstr(at(body, "data", "summary"), "9 条告警：9 条超时"));
	assert_non_null(strstr(at(body, "data", "summary"), "- …… 另有 1 条\n"));
	json_decref(body);
	message_release(&message);
	voice = &english;
}

/* WeCom takes 4,096 bytes, and Chinese has three for a character. */
static void test_the_longest_message_has_room_in_every_language(void **state)
{
	static char longest[256];
	static struct told_alert many[9];
	const struct text id = {longest, sizeof(longest)};
	struct message message;
	(void)state;
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < 9; i++) {
		many[i] = alert;
		many[i].state = TEXT("acknowledged");
		many[i].level = 100;
		many[i].ticket_id = many[i].project_id = many[i].owner_id = many[i].target = id;
	}
	for (enum message_language language = 0; language < MESSAGE_N_LANGUAGES; language++) {
		const struct message_voice there = {language, TEXT("America/Argentina/ComodRivadavia"), &shanghai};
		voice = &there;
		json_t *body = write_and_read("wecom", "", many, 9, &message);
		assert_in_range(strlen(at(body, "markdown", "content")), 8 * 4 * 80, 4096 - 100);
		json_decref(body);
		message_release(&message);
	}
	voice = &english;
}

/* The signature is one more parameter of an address that has some. */
static void test_robot_with_parameters_in_its_address(void **state)
{
	(void)state;
	struct receiver_set *set = parse(FILE_OF("dingtalk", ", \"secret_files\": [\"a\"]"));
	const struct text secrets[] = {TEXT("SECxyz")};
	const struct told_alert two[] = {alert, alert};
	struct message message;
	message_init(&message);
	message_write(voice, &set->items[0], TEXT("https://example.com/x?access_token=1"), secrets, two, 2, TEXT("m"),
	              INT64_C(1614265330000000), &message);
	assert_non_null(strstr(message.url.data, "?access_token=1&timestamp=1614265330000&sign=%"));
	json_t *body = json_loadb(message.body.data, message.body.len_bytes, 0, NULL);
	assert_string_equal(at(body, "markdown", "title"), "2 alerts: 2 breached");
	json_decref(body);
	message_release(&message);
	receiver_set_free(set);
}

static void test_pagerduty(void **state)
{
	(void)state;
	struct message message;
	struct told_alert told = alert;
	const char *const actions[][2] = {
	        {"breached", "trigger"}, {"acknowledged", "acknowledge"}, {"resolved", "resolve"}};
	for (size_t i = 0; i < 3; i++) {
		told.state = text_of(actions[i][0]);
		json_t *body = write_and_read("pagerduty", ", \"secret_files\": [\"a\"]", &told, 1, &message);
		assert_string_equal(at(body, "event_action", NULL), actions[i][1]);
		assert_string_equal(at(body, "dedup_key", NULL), "abc");
		assert_string_equal(at(body, "payload", "severity"), "critical");
		json_decref(body);
		message_release(&message);
	}
}

static void assert_answer(const char *type, long status, const char *body, enum answer expected, const char *words)
{
	struct buf json = BUF_INIT, why = BUF_INIT;
	buf_add_format(&json, FILE_OF("%s", ""), type);
	struct receiver_set *set = parse(json.data);
	assert_int_equal(message_answer(&set->items[0], status, text_of(body), &why), expected);
	assert_non_null(strstr(buf_text(&why).ptr, words));
	receiver_set_free(set);
	buf_release(&json);
	buf_release(&why);
}

/* The reason goes into the database, which takes no half characters. */
static void test_words_of_an_answer_are_cut_between_characters(void **state)
{
	struct buf body = BUF_INIT, why = BUF_INIT;
	(void)state;
	const struct receiver robot = {.type = RECEIVER_DINGTALK};
	for (int shift = 0; shift < 4; shift++) {
		buf_clear(&body);
		buf_clear(&why);
		buf_add_str(&body, "{\"errcode\": 1, \"errmsg\": \"");
		for (int i = 0; i < shift; i++)
			buf_add_char(&body, 'x');
		for (int i = 0; i < 100; i++)
			buf_add_str(&body, "忙");
		buf_add_str(&body, "\"}");
		assert_int_equal(message_answer(&robot, 200, buf_text(&body), &why), ANSWER_AGAIN);
		json_t *utf8 = json_stringn(why.data, why.len_bytes);
		assert_non_null(utf8);
		assert_in_range(why.len_bytes, 200, 230);
		json_decref(utf8);
	}
	buf_release(&body);
	buf_release(&why);
}

static void test_answers(void **state)
{
	(void)state;
	assert_answer("webhook", 204, "", ANSWER_OK, "");
	assert_answer("webhook", 302, "", ANSWER_AGAIN, "302");
	assert_answer("webhook", 500, "", ANSWER_AGAIN, "500");
	assert_answer("webhook", 410, "", ANSWER_NEVER, "410");
	assert_answer("webhook", 0, "", ANSWER_AGAIN, "no answer");
	assert_answer("dingtalk", 200, "{\"errcode\": 0, \"errmsg\": \"ok\"}", ANSWER_OK, "");
	assert_answer("dingtalk", 200, "{\"errcode\": 310000, \"errmsg\": \"sign not match\"}", ANSWER_AGAIN,
	              "sign not match");
	assert_answer("wecom", 200, "{\"errcode\": 45009}", ANSWER_AGAIN, "too many messages");
	assert_answer("feishu", 200, "{\"code\": 0}", ANSWER_OK, "");
	assert_answer("feishu", 200, "{\"code\": 19021, \"msg\": \"sign match fail\"}", ANSWER_AGAIN,
	              "sign match fail");
	assert_answer("wecom", 200, "<html>", ANSWER_AGAIN, "has no errcode");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_file_of_receivers),
	        cmocka_unit_test(test_faults_of_the_file),
	        cmocka_unit_test(test_too_many_receivers),
	        cmocka_unit_test(test_addresses),
	        cmocka_unit_test(test_routing),
	        cmocka_unit_test(test_backoff),
	        cmocka_unit_test(test_standard_webhooks_signature),
	        cmocka_unit_test(test_webhook),
	        cmocka_unit_test(test_webhook_of_many),
	        cmocka_unit_test(test_a_storm_becomes_one_message),
	        cmocka_unit_test(test_alertmanager),
	        cmocka_unit_test(test_robots),
	        cmocka_unit_test(test_values_stay_values),
	        cmocka_unit_test(test_chat_messages_show_times_in_the_zone_of_the_report),
	        cmocka_unit_test(test_times_follow_the_zone_over_the_year),
	        cmocka_unit_test(test_messages_to_people_speak_the_language_of_the_report),
	        cmocka_unit_test(test_the_longest_message_has_room_in_every_language),
	        cmocka_unit_test(test_robot_with_parameters_in_its_address),
	        cmocka_unit_test(test_pagerduty),
	        cmocka_unit_test(test_answers),
	        cmocka_unit_test(test_words_of_an_answer_are_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
