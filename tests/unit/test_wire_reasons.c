/* The reasons for which a message is rejected, and which one wins (rule E5). */
#include "wire_case.h"

/* --- E5: each reason by itself --- */

static struct text padded(struct buf *buf, const char *json, size_t len_bytes)
{
	buf_add_str(buf, json);
	while (buf->len_bytes < len_bytes)
		buf_add_char(buf, ' ');
	return buf_text(buf);
}

static void test_E5_too_large(void **state)
{
	struct buf buf = BUF_INIT;
	(void)state;
	assert_int_equal(parse_on(padded(&buf, CE("ticket.paused", ""), WIRE_MAX_BYTES), "t", EVENT_TYPE_NONE),
	                 WIRE_EVENT);
	assert_int_equal(parse_on(padded(&buf, "", WIRE_MAX_BYTES + 1), "t", EVENT_TYPE_NONE), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_TOO_LARGE);
	assert_string_equal(rejection.detail, "message: 65537 bytes; send at most 65536");
	buf_release(&buf);
}

static void test_E5_too_large_counts_the_frame(void **state)
{
	struct buf buf = BUF_INIT;
	(void)state;
	buf_add(&buf, "\0\0\0\0\1", 5);
	assert_int_equal(parse_on(padded(&buf, CE("ticket.paused", ""), WIRE_MAX_BYTES), "t", EVENT_TYPE_NONE),
	                 WIRE_EVENT);
	assert_int_equal(parse_on(padded(&buf, "", WIRE_MAX_BYTES + 1), "t", EVENT_TYPE_NONE), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_TOO_LARGE);
	buf_release(&buf);
}

static void test_E5_too_large_comes_first(void **state)
{
	struct buf buf = BUF_INIT;
	(void)state;
	while (buf.len_bytes <= WIRE_MAX_BYTES)
		buf_add_str(&buf, "[[[\xff");
	assert_int_equal(parse_on(buf_text(&buf), "t", EVENT_TYPE_NONE), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_TOO_LARGE);
	buf_release(&buf);
}

#define OPEN_14  "[[[[[[[[[[[[[["
#define CLOSE_14 "]]]]]]]]]]]]]]"

static void test_E5_too_deep_is_more_than_16_levels(void **state)
{
	(void)state;
	/* data is level 2 */
	assert_event(CE("ticket.paused", ",\"x\":" OPEN_14 CLOSE_14));
	assert_detail(CE("ticket.paused", ",\"x\":[" OPEN_14 CLOSE_14 "]"), DEAD_TOO_DEEP,
	              "message: more than 16 levels of brackets; send less nested data");
	assert_event(CE("ticket.paused", ",\"x\":" OPEN_14 CLOSE_14 ",\"y\":" OPEN_14 CLOSE_14));
}

static void test_E5_too_deep_counts_outside_strings(void **state)
{
	(void)state;
	assert_event(CE("ticket.paused", ",\"reason\":\"[[[[[[[[\\\"" OPEN_14 "\\\\\""));
	assert_rejected("\"" OPEN_14 "[[[" CLOSE_14 "]]]", DEAD_NOT_JSON);
}

static void test_E5_too_deep_comes_before_not_json(void **state)
{
	(void)state;
	assert_rejected(OPEN_14 "[[[", DEAD_TOO_DEEP);
	assert_rejected(OPEN_14 "[[", DEAD_NOT_JSON);
	assert_rejected("x } ] " OPEN_14 "{{{", DEAD_TOO_DEEP);
	assert_rejected("{} " OPEN_14 "[[[", DEAD_TOO_DEEP);
	assert_rejected("[}[}[}" OPEN_14 "[}[}[}", DEAD_NOT_JSON);
	assert_rejected("\xff" OPEN_14 "[[[", DEAD_TOO_DEEP);
	assert_rejected("{\"a\":1,\"a\":" OPEN_14 "[[" CLOSE_14 "]]}", DEAD_TOO_DEEP);
}

static void test_E5_too_deep_ignores_the_frame(void **state)
{
	(void)state;
	assert_int_equal(parse_on(TEXT("\0[[[[" OPEN_14), "t", EVENT_TYPE_NONE), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_NOT_JSON);
}

static void test_E5_not_json(void **state)
{
	static const char *const values[] = {
	        " ",
	        "{",
	        "not json",
	        "{\"a\":1}}",
	        "{\"a\":1,\"a\":2}",
	        "{\"x\":{\"a\":1,\"\\u0061\":2}}",
	        "{\"a\":\"\xff\"}",
	        "{\"\xed\xa0\x80\":1}",
	        "{\"a\":\"\\ud800\"}",
	        "{\"a\":\"\\u0000\"}",
	        "{\"a\":1e400}",
	        "{\"a\":01}",
	        "{\"a\":1,}",
	        "{'a':1}",
	        "\xef\xbb\xbf{}",
	        "[1] []",
	};
	(void)state;
	for (size_t i = 0; i < N_OF(values); i++)
		assert_rejected(values[i], DEAD_NOT_JSON);
	assert_detail("{\"a\":1,\"a\":2}", DEAD_NOT_JSON, "message: at byte 7: duplicate key");
}

static void test_E5_not_an_object(void **state)
{
	static const char *const values[] = {"[]", "null", "1", "\"{}\"", "true", "[{}]"};
	(void)state;
	for (size_t i = 0; i < N_OF(values); i++)
		assert_rejected(values[i], DEAD_NOT_AN_OBJECT);
}

static void test_E5_missing_field(void **state)
{
	static const char *const rows[][2] = {
	        {"{\"specversion\":\"1.0\",\"source\":\"/s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT
	         "\",\"data\":{\"ticket_id\":\"T1\"}}",
	         "id: missing; every event must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":null,\"source\":\"/"
	         "s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\",\"data\":{\"ticket_id\":\"T1\"}}",
	         "id: missing; every event must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT
	         "\",\"data\":{\"ticket_id\":\"T1\"}}",
	         "source: missing; every event must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"time\":\"" TIME_TEXT
	         "\",\"data\":{\"ticket_id\":\"T1\"}}",
	         "type: missing; every CloudEvent must name it"},
	        {"{\"type\":null,\"id\":\"1\",\"source\":\"/s\",\"time\":\"" TIME_TEXT
	         "\",\"data\":{\"ticket_id\":\"T1\"}}",
	         "type: missing; every CloudEvent must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.closed\","
	         "\"data\":{\"ticket_id\":\"T1\"}}",
	         "time: missing; every event must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	         "s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\"}",
	         "data: missing; every CloudEvent must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	         "s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\",\"data\":null}",
	         "data: missing; every CloudEvent must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	         "s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\",\"data\":{}}",
	         "data.ticket_id: missing; every event must name it"},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	         "s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\",\"data\":{\"ticket_id\":null}}",
	         "data.ticket_id: missing; every event must name it"},
	        {SURVEY(""), "data.score: missing; every survey must name it"},
	        {SURVEY(",\"score\":null"), "data.score: missing; every survey must name it"},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++)
		assert_detail(rows[i][0], DEAD_MISSING_FIELD, rows[i][1]);
}

static void test_E5_bad_time(void **state)
{
	static const char *const fields[] = {"opened_at", "first_response_due_at", "resolution_due_at"};
	char json[512];
	(void)state;
	for (size_t i = 0; i < N_OF(fields); i++) {
		snprintf(json, sizeof(json), CE("ticket.opened", ",\"%s\":\"2026-11-01T08:00:00\""), fields[i]);
		char detail[160];
		snprintf(detail, sizeof(detail), "data.%s: no time zone; write 2026-11-01T08:00:00+08:00", fields[i]);
		assert_detail(json, DEAD_BAD_TIME, detail);
	}
	assert_rejected(CE("ticket.closed", ",\"first_response_at\":\"2026-02-30T00:00:00Z\""), DEAD_BAD_TIME);
	assert_rejected(CE("ticket.closed", ",\"resolved_at\":\"2026-02-28T00:00:60Z\""), DEAD_BAD_TIME);
	assert_rejected(CE("ticket.updated", ",\"resolution_due_at\":\"2201-02-28T00:00:00Z\""), DEAD_BAD_TIME);
	assert_rejected(CE("ticket.opened", ",\"opened_at\":\"\""), DEAD_BAD_TIME);
	assert_rejected(
	        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.closed\",\"time\":\"1989\","
	        "\"data\":{\"ticket_id\":\"T1\"}}",
	        DEAD_BAD_TIME);
}

static void test_E5_a_time_of_a_wrong_json_type_is_a_bad_value(void **state)
{
	(void)state;
	assert_rejected(CE("ticket.opened", ",\"opened_at\":1793491200"), DEAD_BAD_VALUE);
	assert_rejected(CE("ticket.updated", ",\"resolution_due_at\":[]"), DEAD_BAD_VALUE);
	assert_rejected("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	                "s\",\"type\":\"ticket.closed\",\"time\":1793491200,"
	                "\"data\":{\"ticket_id\":\"T1\"}}",
	                DEAD_BAD_VALUE);
}

static void test_E5_data_of_a_wrong_json_type_is_a_bad_value(void **state)
{
	static const char *const types[] = {"[]", "\"{}\"", "7", "true"};
	char json[512];
	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		snprintf(json, sizeof(json),
		         "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
		         "s\",\"type\":\"survey.submitted\",\"time\":\"" TIME_TEXT "\",\"data\":%s}",
		         types[i]);
		assert_rejected(json, DEAD_BAD_VALUE);
	}
}

static void test_E5_type_of_a_wrong_json_type_is_a_bad_value(void **state)
{
	(void)state;
	assert_rejected("{\"id\":\"1\",\"source\":\"/s\",\"type\":7,\"time\":\"" TIME_TEXT
	                "\",\"data\":{\"ticket_id\":\"T1\"}}",
	                DEAD_BAD_VALUE);
	assert_rejected("{\"id\":\"1\",\"source\":\"/s\",\"type\":7,\"time\":\"" TIME_TEXT "\",\"data\":{}}",
	                DEAD_MISSING_FIELD);
}

static void test_E5_empty_identity_is_a_bad_value(void **state)
{
	static const char *const values[] = {
	        "{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"/"
	        "s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\",\"data\":{\"ticket_id\":\"T1\"}}",
	        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT
	        "\",\"data\":{\"ticket_id\":\"T1\"}}",
	        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	        "s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\",\"data\":{\"ticket_id\":\"\"}}",
	};
	(void)state;
	for (size_t i = 0; i < N_OF(values); i++)
		assert_rejected(values[i], DEAD_BAD_VALUE);
}

/* --- E5: the first reason that applies --- */

/* A closing without its id. */
#define HEAD "{\"specversion\":\"1.0\",\"source\":\"/s\",\"type\":\"ticket.closed\","

static void test_E5_the_first_reason_that_applies(void **state)
{
	static const struct {
		const char *json;
		enum dead_letter_reason reason;
	} rows[] = {
	        {HEAD "\"time\":\"never\",\"data\":{\"ticket_id\":\"\"}}", DEAD_MISSING_FIELD},
	        {HEAD "\"id\":[],\"time\":\"never\",\"data\":{\"ticket_id\":\"\"}}", DEAD_BAD_TIME},
	        {HEAD "\"id\":[],\"time\":\"2099-01-01T00:00:00Z\",\"data\":{\"ticket_id\":\"T\"}}", DEAD_BAD_VALUE},
	        {HEAD "\"id\":1,\"time\":\"2099-01-01T00:00:00Z\",\"data\":{\"ticket_id\":\"T\"}}", DEAD_FUTURE},
	        {HEAD
	         "\"id\":1,\"time\":\"2099-01-01T00:00:00Z\",\"data\":{\"ticket_id\":\"T\",\"resolved_at\":\"no\"}}",
	         DEAD_BAD_TIME},
	        {HEAD "\"id\":1,\"time\":1,\"data\":{}}", DEAD_MISSING_FIELD},
	        {HEAD "\"id\":1,\"time\":\"no\",\"data\":[]}", DEAD_BAD_TIME},
	        {HEAD "\"time\":\"no\",\"data\":[]}", DEAD_MISSING_FIELD},
	        {HEAD "\"id\":1,\"time\":\"" TIME_TEXT "\",\"data\":[],\"sequence\":{}}", DEAD_BAD_VALUE},
	        {SURVEY(",\"agent_id\":[],\"score\":null"), DEAD_MISSING_FIELD},
	        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	         "s\",\"type\":{},\"time\":\"no\",\"data\":{\"ticket_id\":1}}",
	         DEAD_BAD_TIME},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++)
		assert_rejected(rows[i].json, rows[i].reason);
}

static void test_names_of_reasons(void **state)
{
	static const char *const names[DEAD_N_REASONS] = {
	        "too_large", "too_deep",    "not_json", "not_an_object", "missing_field", "bad_time",   "bad_value",
	        "future",    "id_conflict", "too_many", "map_error",     "map_limit",     "map_nothing"};
	(void)state;
	for (enum dead_letter_reason reason = 0; reason < DEAD_N_REASONS; reason++)
		assert_string_equal(dead_letter_reason_name(reason), names[reason]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_E5_too_large),
	        TEST(test_E5_too_large_counts_the_frame),
	        TEST(test_E5_too_large_comes_first),
	        TEST(test_E5_too_deep_is_more_than_16_levels),
	        TEST(test_E5_too_deep_counts_outside_strings),
	        TEST(test_E5_too_deep_comes_before_not_json),
	        TEST(test_E5_too_deep_ignores_the_frame),
	        TEST(test_E5_not_json),
	        TEST(test_E5_not_an_object),
	        TEST(test_E5_missing_field),
	        TEST(test_E5_bad_time),
	        TEST(test_E5_a_time_of_a_wrong_json_type_is_a_bad_value),
	        TEST(test_E5_data_of_a_wrong_json_type_is_a_bad_value),
	        TEST(test_E5_type_of_a_wrong_json_type_is_a_bad_value),
	        TEST(test_E5_empty_identity_is_a_bad_value),
	        TEST(test_E5_the_first_reason_that_applies),
	        TEST(test_names_of_reasons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
