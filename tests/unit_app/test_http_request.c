/* HTTP requests: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "adapters/http/request.h"

#define HOST "Host: localhost:8420\r\n"

static int status_of(const char *head)
{
	struct request request;
	return request_parse(text_of(head), REQUEST_MAX_BODY_BYTES, &request);
}

static void assert_text(struct text actual, const char *expected)
{
	assert_true(text_equal(actual, text_of(expected)));
}

static void test_a_request_is_read(void **state)
{
	struct request request;
	(void)state;
	assert_int_equal(0, request_parse(TEXT("GET /api/clocks?project=a&q=b%20c HTTP/1.1\r\nhOsT:  localhost \r\n"
	                                       "Last-Event-ID: 5f-3\r\nAccept: */*\r\n\r\n"),
	                                  REQUEST_MAX_BODY_BYTES, &request));
	assert_int_equal(REQUEST_GET, request.method);
	assert_text(request.path, "/api/clocks");
	assert_text(request.query, "project=a&q=b%20c");
	assert_text(request.fields[FIELD_HOST], "localhost");
	assert_text(request.fields[FIELD_LAST_EVENT_ID], "5f-3");
	assert_true(text_is_absent(request.fields[FIELD_IF_NONE_MATCH]));
	assert_text(request_header(&request, "accept"), "*/*");
	assert_int_equal(0, status_of("HEAD / HTTP/1.0\r\n" HOST "\r\n"));
}

static void test_other_methods_are_refused(void **state)
{
	static const char *const methods[] = {"PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PATCH"};
	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		char head[80];
		snprintf(head, sizeof(head), "%s / HTTP/1.1\r\n" HOST "\r\n", methods[i]);
		assert_int_equal(405, status_of(head));
	}
}

static void test_malformed_requests_are_refused(void **state)
{
	static const char *const heads[] = {
	        "GET http://localhost/ HTTP/1.1\r\n" HOST "\r\n", /* an absolute URI */
	        "GET //other/ HTTP/1.1\r\n" HOST "\r\n",          /* another host for some readers */
	        "GET * HTTP/1.1\r\n" HOST "\r\n",
	        "GET /a#b HTTP/1.1\r\n" HOST "\r\n",
	        "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n",
	        "GET  / HTTP/1.1\r\n" HOST "\r\n",
	        "GET / HTTP/1.1 \r\n" HOST "\r\n",
	        "GET /\r\n" HOST "\r\n",
	        "GET / HTTP/1.1\r\n\r\n",                                   /* no Host */
	        "GET / HTTP/1.1\r\nHost:\r\n\r\n",                          /* an empty one */
	        "GET / HTTP/1.1\r\n" HOST HOST "\r\n",                      /* two */
	        "GET / HTTP/1.1\r\n" HOST "Accept: a\r\naccept: b\r\n\r\n", /* any header twice */
	        "GET / HTTP/1.1\r\n" HOST "A b: c\r\n\r\n",
	        "GET / HTTP/1.1\r\n" HOST "A : c\r\n\r\n",
	        "GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n",
	        "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n",
	        "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n",
	        "GET / HTTP/1.1\n" HOST "\r\n\r\n",
	        "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n",
	        "GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
	        "GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (status_of(heads[i]) != 400)
			fail_msg("%d for %s", status_of(heads[i]), heads[i]);
	assert_int_equal(505, status_of("GET / HTTP/2.0\r\n" HOST "\r\n"));
}

static void test_a_header_with_a_nul_is_refused(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
	struct request request;
	(void)state;
	assert_int_equal(400, request_parse((struct text){head, sizeof(head) - 1}, REQUEST_MAX_BODY_BYTES, &request));
}

static void test_a_body_is_refused_except_for_a_small_post(void **state)
{
	struct request request;
	(void)state;
	assert_int_equal(413, status_of("GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n"));
	assert_int_equal(0, status_of("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"));
	assert_int_equal(413, status_of("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"));
	assert_int_equal(413, status_of("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"));
	assert_int_equal(413, status_of("POST / HTTP/1.1\r\n" HOST "Content-Length: 8193\r\n\r\n"));
	assert_int_equal(413, status_of("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"));
	assert_int_equal(0, request_parse(TEXT("POST /api/ack HTTP/1.1\r\n" HOST "Content-Length: 17\r\n\r\n"),
	                                  REQUEST_MAX_BODY_BYTES, &request));
	assert_int_equal(17, request.body_bytes);
}

static void test_too_many_headers_are_refused(void **state)
{
	struct buf head = BUF_INIT;
	(void)state;
	buf_add_str(&head, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 0; i < REQUEST_MAX_HEADERS; i++)
		buf_add_format(&head, "X-%d: 1\r\n", i);
	buf_add_str(&head, "\r\n");
	assert_int_equal(431, status_of(head.data));
	buf_release(&head);
}

static void test_only_allowed_hosts_are_served(void **state)
{
	static const char *const hosts[] = {"localhost", "[::1]", "board.example:8443"};
	(void)state;
	assert_true(request_host_is_allowed(TEXT("localhost"), hosts, 3));
	assert_true(request_host_is_allowed(TEXT("LocalHost:8420"), hosts, 3));
	assert_true(request_host_is_allowed(TEXT("[::1]:8420"), hosts, 3));
	assert_true(request_host_is_allowed(TEXT("board.example:8443"), hosts, 3));
	assert_false(request_host_is_allowed(TEXT("board.example"), hosts, 3));
	assert_false(request_host_is_allowed(TEXT("board.example:80"), hosts, 3));
	assert_false(request_host_is_allowed(TEXT("localhost.example"), hosts, 3));
	assert_false(request_host_is_allowed(TEXT("[::2]"), hosts, 3));
	assert_false(request_host_is_allowed(TEXT("[::1"), hosts, 3));
}

static int parameter(const char *query, const char *name, const char *expected)
{
	struct buf value = BUF_INIT;
	int found = request_parameter(text_of(query), name, &value);
	if (found > 0)
		assert_text(buf_text(&value), expected);
	buf_release(&value);
	return found;
}

static void test_parameters_are_decoded(void **state)
{
	(void)state;
	assert_int_equal(1, parameter("a=1&project=%E6%9C%9D+b", "project", "\xe6\x9c\x9d b"));
	assert_int_equal(1, parameter("q=", "q", ""));
	assert_int_equal(0, parameter("a=1&ab=2", "b", NULL));
	assert_int_equal(0, parameter("", "b", NULL));
	assert_int_equal(-1, parameter("a=1&a=2", "a", NULL));
	assert_int_equal(-1, parameter("a=%4", "a", NULL));
	assert_int_equal(-1, parameter("a=%zz", "a", NULL));
	assert_int_equal(-1, parameter("a=%00", "a", NULL));
	assert_int_equal(-1, parameter("a=%0a", "a", NULL));
	assert_int_equal(-1, parameter("a=%c0%80", "a", NULL));
	assert_int_equal(-1, parameter("a=%ed%a0%80", "a", NULL));
	assert_int_equal(-1, parameter("a=%f5%80%80%80", "a", NULL));
	assert_int_equal(-1, parameter("a=%e6%9c", "a", NULL));
}

static void test_a_head_ends_with_an_empty_line(void **state)
{
	(void)state;
	assert_int_equal(0, request_head_bytes(TEXT("GET / HTTP/1.1\r\nHost: a\r\n")));
	assert_int_equal(18, request_head_bytes(TEXT("GET / HTTP/1.1\r\n\r\nrest")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_request_is_read),
	        cmocka_unit_test(test_other_methods_are_refused),
	        cmocka_unit_test(test_malformed_requests_are_refused),
	        cmocka_unit_test(test_a_header_with_a_nul_is_refused),
	        cmocka_unit_test(test_a_body_is_refused_except_for_a_small_post),
	        cmocka_unit_test(test_too_many_headers_are_refused),
	        cmocka_unit_test(test_only_allowed_hosts_are_served),
	        cmocka_unit_test(test_parameters_are_decoded),
	        cmocka_unit_test(test_a_head_ends_with_an_empty_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
