/* The file of receivers, routing, grouping and back-off. */
#include "receiver_case.h"

static void test_file_of_receivers(void **state)
{
	(void)state;
	struct receiver_set *set =
	        receivers_parse(FILE_OF("webhook", ", \"projects\": [\"p-*\"], \"min_level\": 1, \"timeout\": \"3s\", "
	                                           "\"secret_files\": [\"new\", \"old\"]"));
	assert_int_equal(set->n, 1);
	assert_string_equal(set->items[0].name.ptr, "ops");
	assert_int_equal(set->items[0].n_secrets, 2);
	assert_int_equal(set->items[0].timeout_us, 3 * US_PER_SECOND);
	assert_int_equal(set->items[0].group_at_least, 0);
	receiver_set_free(set);
	set = receivers_parse(FILE_OF("wecom", ""));
	assert_int_equal(set->items[0].group_at_least, 4);
	receiver_set_free(set);
	receiver_set_free(receivers_parse("{\"receivers\": []}"));
	receiver_set_free(receivers_parse("\xEF\xBB\xBF{\"receivers\": []}")); /* as editors on Windows save it */
}

static void test_errors_of_the_file(void **state)
{
	(void)state;
	assert_file_error("{", "(file)", "is not JSON");
	assert_file_error(" \n", "(file)", "is empty; write at least {\"receivers\": []}");
	assert_file_error("{}", "receivers", "is missing");
	assert_file_error(FILE_OF("smoke", ""), "receivers[0].type", "is not a type of receiver; write ");
	assert_file_error(FILE_WITH("{\"type\": \"webhook\", \"url\": \"https://a\"}"), "receivers[0].name",
	                  "is missing");
	assert_file_error(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\"}"), "receivers[0].url", "is missing");
	assert_file_error(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\", \"url\": \"http://example.com\"}"),
	                  "receivers[0].url", "http:// to this machine");
	assert_file_error(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\", \"url\": \"file:///etc/passwd\"}"),
	                  "receivers[0].url", "is not an address");
	assert_file_error(FILE_OF("webhook", ", \"url_file\": \"x\""), "receivers[0].url", "as well as url_file");
	assert_file_error(FILE_OF("webhook", ", \"min_level\": -2"), "receivers[0].min_level", "from -1 to 100");
	assert_file_error(FILE_OF("webhook", ", \"time_out\": \"1s\""), "receivers[0].time_out",
	                  "did you mean \"timeout\"?");
	assert_file_error(FILE_OF("dingtalk", ", \"secret_files\": [\"a\", \"b\"]"), "receivers[0]",
	                  "has 2 secrets; dingtalk uses at most 1");
	assert_file_error(FILE_OF("pagerduty", ""), "receivers[0].secret_files", "routing key");
	assert_file_error(FILE_WITH(RECEIVER("webhook", "") ", " RECEIVER("wecom", "")), "receivers[1]",
	                  "has the same name as receivers[0]");
	assert_file_error("[]", "(file)", "{\"receivers\": [...]}");
	assert_file_error("{\"receivers\": {}}", "receivers", "a list of receivers");
	assert_file_error(FILE_WITH("\"ops\""), "receivers[0]", "a receiver, such as");
	assert_file_error(FILE_WITH("{\"name\": \"a\", \"url\": \"https://a\"}"), "receivers[0].type", "is missing");
	assert_file_error(FILE_WITH("{\"name\": \"a\", \"type\": 1, \"url\": \"https://a\"}"), "receivers[0].type",
	                  "the type of the receiver");
	assert_file_error(FILE_WITH("{\"name\": \"a\", \"type\": \"webhook\", \"url\": 1}"), "receivers[0].url",
	                  "an address, such as");
	assert_file_error(FILE_OF("webhook", ", \"link\": \"\""), "receivers[0].link", "an address in quotes");
	assert_file_error(FILE_OF("webhook", ", \"projects\": \"p\""), "receivers[0].projects", "a list of patterns");
	assert_file_error(FILE_OF("webhook", ", \"teams\": [1]"), "receivers[0].teams[0]", "a pattern in quotes");
	assert_file_error(FILE_OF("webhook", ", \"min_level\": 101"), "receivers[0].min_level", "from -1 to 100");
	assert_file_error(FILE_OF("webhook", ", \"min_level\": 1.5"), "receivers[0].min_level", "from -1 to 100");
	assert_file_error(FILE_OF("webhook", ", \"pause\": 3"), "receivers[0].pause", "a duration in quotes");
	assert_file_error(FILE_OF("webhook", ", \"timeout\": \"3 parsecs\""), "receivers[0].timeout", "\"3 parsecs\"");
	assert_file_error(FILE_OF("webhook", ", \"secret_files\": \"a\""), "receivers[0].secret_files",
	                  "a list of paths");
	assert_file_error(FILE_OF("webhook", ", \"secret_files\": [\"a\", \"b\", \"c\"]"), "receivers[0].secret_files",
	                  "more than two");
	assert_file_error(FILE_OF("webhook", ", \"secret_files\": [1]"), "receivers[0].secret_files[0]",
	                  "a path in quotes");
}

static void test_too_many_receivers(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	buf_add_str(&json, "{\"receivers\": [0");
	for (int i = 0; i < 100; i++)
		buf_add_str(&json, ", 0");
	buf_add_str(&json, "]}");
	assert_file_error(json.data, "receivers", "has 101 items; at most 100 are allowed");
	buf_release(&json);
}

/* Plain HTTP never leaves this machine, whatever the address looks like at first. */
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
	struct receiver_set *set =
	        receivers_parse(FILE_OF("webhook", ", \"projects\": [\"p-*\"], \"targets\": [\"arrival\"]"));
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

static struct receiver_set *receiver_with_group(const char *type, int group_at_least)
{
	struct buf json = BUF_INIT;
	buf_add_format(&json, FILE_OF("%s", ", \"group_at_least\": %d"), type, group_at_least);
	struct receiver_set *set = receivers_parse(json.data);
	buf_release(&json);
	return set;
}

static void assert_group(const char *type, int group_at_least, int64_t max_due, int n_due, int size)
{
	struct receiver_set *set = receiver_with_group(type, group_at_least);
	assert_int_equal(receiver_max_due(&set->items[0]), max_due);
	assert_int_equal(receiver_group_size(&set->items[0], n_due), size);
	assert_int_equal(receiver_sends_singly(&set->items[0]), group_at_least == 0);
	receiver_set_free(set);
}

static void test_group_sizes(void **state)
{
	(void)state;
	assert_group("webhook", 0, 1, 1, 1);
	assert_group("wecom", 4, 10000, 3, 1);
	assert_group("wecom", 4, 10000, 4, 4);
	assert_group("wecom", 4, 10000, 10000, 10000);
	assert_group("alertmanager", 200, 200, 3, 3);
	assert_group("alertmanager", 200, 200, 200, 200);
	assert_group("alertmanager", 0, 1, 1, 1);
}

static void test_backoff(void **state)
{
	(void)state;
	assert_int_equal(receiver_backoff_us(1, 0), US_PER_SECOND);
	assert_int_equal(receiver_backoff_us(4, 0), 8 * US_PER_SECOND);
	assert_int_equal(receiver_backoff_us(4, 1), 4 * US_PER_SECOND);
	assert_int_equal(receiver_backoff_us(1000, 0), 300 * US_PER_SECOND);
}

static void test_http_statuses(void **state)
{
	(void)state;
	assert_answer("webhook", 204, "", ANSWER_ACCEPTED, "");
	assert_answer("webhook", 302, "", ANSWER_RETRY, "302");
	assert_answer("webhook", 500, "", ANSWER_RETRY, "500");
	assert_answer("webhook", 410, "", ANSWER_GONE, "410");
	assert_answer("webhook", 0, "", ANSWER_RETRY, "no response");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_file_of_receivers),
	        cmocka_unit_test(test_errors_of_the_file),
	        cmocka_unit_test(test_too_many_receivers),
	        cmocka_unit_test(test_addresses),
	        cmocka_unit_test(test_routing),
	        cmocka_unit_test(test_group_sizes),
	        cmocka_unit_test(test_backoff),
	        cmocka_unit_test(test_http_statuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
