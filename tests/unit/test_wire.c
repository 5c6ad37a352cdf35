/* Modes of a message, times, unknown types and fields (rules E1 to E4), and properties that hold for any bytes. */
#include "wire_case.h"

/* --- modes --- */

static void test_structured_mode(void **state)
{
	(void)state;
	assert_event("{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/desk\",\"type\":\"com.acme.ticket.opened\","
	             "\"time\":\"2026-10-01T08:00:00.123456+08:00\",\"sequence\":\"0007\",\"subject\":\"x\","
	             "\"data\":{\"ticket_id\":\"T1\",\"project_id\":\"p\",\"priority\":1,\"id\":\"x\",\"time\":3}}");
	assert_int_equal(event.type, EVENT_OPENED);
	assert_true(event.occurred_us == TIME_US + 123456);
	assert_text(event.ticket_id, "T1");
	assert_text(event.source, "/desk");
	assert_text(event.id, "e1");
	assert_text(event.sequence, "0007");
	assert_text(event.texts[EVENT_PROJECT_ID], "p");
	assert_text(event.texts[EVENT_PRIORITY], "1");
	assert_text(event.texts[EVENT_CHANNEL], NULL);
	assert_int_equal(event.source_no, 0);
	assert_int_equal(event.source_offset, 0);
}

static void test_structured_mode_by_type_and_data(void **state)
{
	(void)state;
	assert_event("{\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT "\","
	             "\"data\":{\"ticket_id\":\"T1\"}}");
	assert_int_equal(event.type, EVENT_CLOSED);
}

static void test_structured_mode_takes_fields_from_data_alone(void **state)
{
	(void)state;
	assert_event(
	        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	        "s\",\"type\":\"ticket.assigned\",\"time\":\"" TIME_TEXT
	        "\",\"agent_id\":\"outside\",\"ticket_id\":\"T0\",\"data\":{\"ticket_id\":\"T1\",\"source\":\"/x\"}}");
	assert_text(event.ticket_id, "T1");
	assert_text(event.source, "/s");
	assert_text(event.texts[EVENT_AGENT_ID], NULL);
}

static void test_order_of_keys_does_not_matter(void **state)
{
	(void)state;
	assert_event("{\"data\":{\"priority\":\"2\",\"ticket_id\":\"T1\"},\"time\":\"" TIME_TEXT
	             "\",\"type\":\"ticket.opened\",\"source\":\"/s\",\"id\":\"1\",\"specversion\":\"1.0\"}");
	assert_text(event.texts[EVENT_PRIORITY], "2");
}

static enum wire_verdict parse_binary(const struct wire_header *headers, size_t n_headers, const char *value)
{
	return parse_with(value, headers, n_headers, EVENT_OPENED);
}

enum { CE_TYPE, CE_ID, CE_SOURCE, CE_TIME, CE_SEQUENCE, N_HEADERS };

static const struct wire_header plain_headers[N_HEADERS] = {
        [CE_TYPE] = {{"ce_type", 7}, {"ticket.assigned", 15}},
        [CE_ID] = {{"ce_id", 5}, {"b1", 2}},
        [CE_SOURCE] = {{"ce_source", 9}, {"/b", 2}},
        [CE_TIME] = {{"ce_time", 7}, {TIME_TEXT, sizeof(TIME_TEXT) - 1}},
        [CE_SEQUENCE] = {{"ce_sequence", 11}, {"9", 1}},
};

static void test_binary_mode(void **state)
{
	(void)state;
	assert_int_equal(
	        parse_binary(plain_headers, N_HEADERS,
	                     "{\"ticket_id\":\"T1\",\"agent_id\":7,\"id\":\"no\",\"time\":\"no\",\"type\":\"no\","
	                     "\"data\":{\"ticket_id\":\"T2\"},\"specversion\":\"1.0\"}"),
	        WIRE_EVENT);
	assert_int_equal(event.type, EVENT_ASSIGNED);
	assert_text(event.ticket_id, "T1");
	assert_text(event.id, "b1");
	assert_text(event.source, "/b");
	assert_text(event.sequence, "9");
	assert_text(event.texts[EVENT_AGENT_ID], "7");
	assert_true(event.occurred_us == TIME_US);
}

static void test_binary_mode_keeps_no_header(void **state)
{
	struct wire_header headers[N_HEADERS];
	char id[] = "b1", source[] = "/b", sequence[] = "9";
	(void)state;
	memcpy(headers, plain_headers, sizeof(headers));
	headers[CE_ID].value.ptr = id;
	headers[CE_SOURCE].value.ptr = source;
	headers[CE_SEQUENCE].value.ptr = sequence;
	assert_int_equal(parse_binary(headers, N_HEADERS, "{\"ticket_id\":\"T1\"}"), WIRE_EVENT);
	memset(id, 'x', sizeof(id));
	memset(source, 'x', sizeof(source));
	memset(sequence, 'x', sizeof(sequence));
	assert_text(event.id, "b1");
	assert_text(event.source, "/b");
	assert_text(event.sequence, "9");
}

static void test_binary_mode_by_specversion_alone(void **state)
{
	static const struct wire_header headers[] = {{{"ce_specversion", 14}, {"1.0", 3}}};
	(void)state;
	assert_int_equal(parse_binary(headers, 1, CE("ticket.opened", "")), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_MISSING_FIELD);
	assert_string_equal(rejection.detail, "ce_type: missing; every CloudEvent must name it");
}

static void test_other_headers_are_not_binary_mode(void **state)
{
	static const struct wire_header headers[] = {{{"ce_id", 5}, {"x", 1}}, {{"CE_TYPE", 7}, {"x", 1}}};
	(void)state;
	assert_int_equal(parse_binary(headers, N_OF(headers), CE("ticket.opened", "")), WIRE_EVENT);
	assert_text(event.id, "1");
}

static void test_binary_mode_invalid_headers(void **state)
{
	static const struct {
		int header;
		struct text value;
		enum dead_letter_reason reason;
	} rows[] = {
	        {CE_TYPE, {NULL, 0}, DEAD_MISSING_FIELD},
	        {CE_TYPE, {"ticket.\xff", 8}, DEAD_BAD_VALUE},
	        {CE_ID, {NULL, 0}, DEAD_MISSING_FIELD},
	        {CE_ID, {"", 0}, DEAD_BAD_VALUE},
	        {CE_ID, {"a\0b", 3}, DEAD_BAD_VALUE},
	        {CE_ID, {"\xc0\x80", 2}, DEAD_BAD_VALUE},
	        {CE_SOURCE, {NULL, 0}, DEAD_MISSING_FIELD},
	        {CE_SOURCE, {"", 0}, DEAD_BAD_VALUE},
	        {CE_SOURCE, {"\xe7\x89", 2}, DEAD_BAD_VALUE},
	        {CE_TIME, {NULL, 0}, DEAD_MISSING_FIELD},
	        {CE_TIME, {"", 0}, DEAD_BAD_TIME},
	        {CE_TIME, {"2026-10-01", 10}, DEAD_BAD_TIME},
	        {CE_TIME, {"\xff", 1}, DEAD_BAD_VALUE},
	        {CE_TIME, {"2027-10-01T00:00:00Z", 20}, DEAD_FUTURE},
	        {CE_SEQUENCE, {"\xff", 1}, DEAD_BAD_VALUE},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct wire_header headers[N_HEADERS];
		memcpy(headers, plain_headers, sizeof(headers));
		headers[rows[i].header].value = rows[i].value;
		assert_int_equal(parse_binary(headers, N_HEADERS, "{\"ticket_id\":\"T1\"}"), WIRE_REJECTED);
		assert_int_equal(rejection.reason, rows[i].reason);
	}
}

static void test_binary_mode_sequence_may_be_missing_or_empty(void **state)
{
	struct wire_header headers[N_HEADERS];
	(void)state;
	memcpy(headers, plain_headers, sizeof(headers));
	assert_int_equal(parse_binary(headers, CE_SEQUENCE, "{\"ticket_id\":\"T1\"}"), WIRE_EVENT);
	assert_text(event.sequence, "");
	headers[CE_SEQUENCE].value = TEXT("");
	assert_int_equal(parse_binary(headers, N_HEADERS, "{\"ticket_id\":\"T1\"}"), WIRE_EVENT);
	assert_text(event.sequence, "");
}

static void test_binary_mode_the_last_header_of_a_name_counts(void **state)
{
	struct wire_header headers[N_HEADERS + 1];
	(void)state;
	memcpy(headers, plain_headers, sizeof(plain_headers));
	headers[N_HEADERS] = (struct wire_header){TEXT("ce_id"), TEXT("b2")};
	assert_int_equal(parse_binary(headers, N_HEADERS + 1, "{\"ticket_id\":\"T1\"}"), WIRE_EVENT);
	assert_text(event.id, "b2");
}

static void test_binary_mode_value_must_be_an_object(void **state)
{
	(void)state;
	assert_int_equal(parse_binary(plain_headers, N_HEADERS, "[]"), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_NOT_AN_OBJECT);
}

static void test_E1_bare_mode(void **state)
{
	(void)state;
	assert_int_equal(parse_on(TEXT("{\"event_id\":\"e\",\"source\":\"/b\",\"ticket_id\":5,\"time\":\"" TIME_TEXT
	                               "\",\"sequence\":3,\"score\":4,\"data\":{\"ticket_id\":1}}"),
	                          "survey", EVENT_SURVEY),
	                 WIRE_EVENT);
	assert_int_equal(event.type, EVENT_SURVEY);
	assert_text(event.id, "e");
	assert_text(event.source, "/b");
	assert_text(event.ticket_id, "5");
	assert_text(event.sequence, "3");
	assert_true(event.score_micros == 4000000);
}

static void test_E1_bare_mode_identity_from_the_coordinates(void **state)
{
	static const char *const values[] = {
	        "{\"ticket_id\":\"T1\",\"time\":\"" TIME_TEXT "\"}",
	        "{\"ticket_id\":\"T1\",\"time\":\"" TIME_TEXT "\",\"source\":null,\"event_id\":null}",
	};
	char topic[] = "closings";
	(void)state;
	for (size_t i = 0; i < N_OF(values); i++) {
		memcpy(topic, "closings", sizeof(topic));
		assert_int_equal(parse_on(text_of(values[i]), topic, EVENT_CLOSED), WIRE_EVENT);
		memset(topic, 'x', sizeof(topic) - 1); /* the topic's name is not kept */
		assert_text(event.source, "closings");
		assert_text(event.id, "closings/3/1234567890123");
	}
}

/* A closing in bare JSON with additional members, on a topic that is mapped to closings. */
static enum wire_verdict parse_bare(const char *members)
{
	struct buf buf = BUF_INIT;
	buf_add_format(&buf, "{\"ticket_id\":\"T1\",\"time\":\"" TIME_TEXT "\"%s}", members);
	struct text copy = arena_text(&arena, buf_text(&buf));
	buf_release(&buf);
	return parse_on(copy, "t", EVENT_CLOSED);
}

static void test_E1_bare_mode_id_then_event_id_then_the_coordinates(void **state)
{
	static const char *const rows[][2] = {
	        {",\"id\":\"i\",\"event_id\":\"e\"", "i"},
	        {",\"id\":-0,\"event_id\":[]", "0"}, /* event_id is not used */
	        {",\"id\":null,\"event_id\":\"e\"", "e"},
	        {",\"event_id\":-7", "-7"},
	        {",\"event_id\":\"\"", "t/3/1234567890123"},
	        {",\"id\":null,\"event_id\":null", "t/3/1234567890123"},
	        {"", "t/3/1234567890123"},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		assert_int_equal(parse_bare(rows[i][0]), WIRE_EVENT);
		assert_text(event.id, rows[i][1]);
		assert_text(event.source, "t");
	}
}

static void test_E5_bare_mode_invalid_identity(void **state)
{
	static const char *const rows[][2] = {
	        {",\"id\":\"\",\"event_id\":\"e\"", "id: empty; write at least one character"},
	        {",\"source\":\"\"", "source: empty; write at least one character"},
	        {",\"event_id\":true", "event_id: wrong JSON type; write a string or a whole number"},
	        {",\"id\":{},\"event_id\":\"e\"", "id: wrong JSON type; write a string or a whole number"},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		assert_int_equal(parse_bare(rows[i][0]), WIRE_REJECTED);
		assert_int_equal(rejection.reason, DEAD_BAD_VALUE);
		assert_string_equal(rejection.detail, rows[i][1]);
	}
}

static void test_E5_bare_mode_identity_from_a_long_topic(void **state)
{
	static const char json[] = "{\"ticket_id\":\"T1\",\"time\":\"" TIME_TEXT "\"}";
	char topic[257];
	(void)state;
	memset(topic, 't', sizeof(topic));
	topic[256 - strlen("/3/1234567890123")] = '\0';
	assert_int_equal(parse_on(text_of(json), topic, EVENT_CLOSED), WIRE_EVENT);
	assert_int_equal(event.id.len, 256);
	topic[256 - strlen("/3/1234567890123")] = 't';
	topic[256 - strlen("/3/123456789012")] = '\0';
	assert_int_equal(parse_on(text_of(json), topic, EVENT_CLOSED), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_BAD_VALUE);
}

static void test_bare_mode_takes_the_type_of_the_topic(void **state)
{
	static const char *const types[] = {"\"x.ticket.paused\"", "null", "1", "\"repair\"", "\"\"", "{}"};
	char json[512];
	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		snprintf(json, sizeof(json), "{\"ticket_id\":\"T1\",\"time\":\"" TIME_TEXT "\",\"type\":%s}", types[i]);
		assert_int_equal(parse_on(text_of(json), "t", EVENT_CLOSED), WIRE_EVENT);
		assert_int_equal(event.type, EVENT_CLOSED);
		assert_detail(json, DEAD_MISSING_FIELD,
		              "type: missing; send a CloudEvent with type and data, or map the topic to one type");
	}
}

static void test_E5_an_opening_needs_time_as_well_as_opened_at(void **state)
{
	static const char opening[] = "{\"ticket_id\":\"T1\",\"opened_at\":\"" TIME_TEXT "\"}";
	(void)state;
	assert_int_equal(parse_on(text_of(opening), "t", EVENT_OPENED), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_MISSING_FIELD);
	assert_string_equal(rejection.detail, "time: missing; every event must name it");
	assert_rejected("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.opened\","
	                "\"data\":{\"ticket_id\":\"T1\",\"opened_at\":\"" TIME_TEXT "\"}}",
	                DEAD_MISSING_FIELD);
}

static void test_null_value_is_a_tombstone(void **state)
{
	(void)state;
	assert_int_equal(parse_on(TEXT_ABSENT, "t", EVENT_OPENED), WIRE_TOMBSTONE);
	assert_int_equal(parse_binary(plain_headers, N_HEADERS, NULL), WIRE_TOMBSTONE);
	assert_int_equal(parse_on(TEXT(""), "t", EVENT_OPENED), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_NOT_JSON);
}

static void test_schema_registry_frame_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(parse_on(TEXT("\0\0\0\0{" CE("ticket.paused", "")), "t", EVENT_TYPE_NONE), WIRE_EVENT);
	assert_int_equal(parse_on(TEXT("\0\0\0\0\0"), "t", EVENT_TYPE_NONE), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_NOT_JSON);
	assert_int_equal(parse_on(TEXT("\0\0\0\0"), "t", EVENT_TYPE_NONE), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_NOT_JSON);
	assert_int_equal(parse_on(TEXT("\0\0\0\0\0!"), "t", EVENT_TYPE_NONE), WIRE_REJECTED);
	assert_string_equal(rejection.detail, "message: at byte 5: not a JSON value");
}

/* --- E2, E3, E4 --- */

static void test_E3_an_opening_occurs_at_opened_at(void **state)
{
	(void)state;
	assert_event(CE("ticket.opened", ",\"opened_at\":\"2026-09-01T00:00:00Z\""));
	assert_true(event.occurred_us == INT64_C(1788220800000000));
	assert_true(event.times[EVENT_OPENED_AT] == event.occurred_us);
	assert_event(CE("ticket.opened", ",\"opened_at\":null"));
	assert_true(event.occurred_us == TIME_US);
	assert_event(CE("ticket.closed", ",\"opened_at\":\"2026-09-01T00:00:00Z\""));
	assert_true(event.occurred_us == TIME_US);
	assert_true(event.times[EVENT_OPENED_AT] == INT64_C(1788220800000000));
}

static void test_E4_unknown_types_are_skipped_with_any_fields(void **state)
{
	static const char *const values[] = {
	        CE("ticket.merged", ""),
	        "{\"type\":\"x\",\"specversion\":7}",
	        "{\"type\":\"opened\",\"data\":null}",
	        "{\"type\":\"\",\"data\":[],\"id\":{},\"time\":\"never\"}",
	        "{\"type\":\"ticket.opened.v2\",\"data\":1}",
	};
	(void)state;
	for (size_t i = 0; i < N_OF(values); i++)
		assert_int_equal(parse(values[i]), WIRE_UNKNOWN_TYPE);
	assert_rejected("{\"type\":\"x\",\"data\":{\"a\":1,\"a\":2}}", DEAD_NOT_JSON);
	assert_rejected("{\"type\":\"x\"} {}", DEAD_NOT_JSON);
	assert_rejected("{\"type\":\"x\"}", DEAD_MISSING_FIELD); /* no CloudEvent */
}

static void test_E4_an_unknown_type_is_returned(void **state)
{
	char json[512], type[301] = {0};
	(void)state;
	assert_int_equal(parse(CE("Ticket.Opened", "")), WIRE_UNKNOWN_TYPE);
	assert_string_equal(rejection.detail, "Ticket.Opened");
	assert_int_equal(parse(CE("\\u0022ticket.opened\\u0022", "")), WIRE_UNKNOWN_TYPE);
	assert_string_equal(rejection.detail, "\"ticket.opened\"");
	assert_int_equal(parse(CE("", "")), WIRE_UNKNOWN_TYPE);
	assert_string_equal(rejection.detail, "");
	/* A type that is too long is truncated between two characters. */
	for (int i = 0; i < 300; i += 3)
		memcpy(type + i, "修", 3);
	snprintf(json, sizeof(json), "{\"specversion\":\"1.0\",\"type\":\"x%s\"}", type);
	assert_int_equal(parse(json), WIRE_UNKNOWN_TYPE);
	assert_int_equal(strlen(rejection.detail), 1 + 156);
	assert_memory_equal(rejection.detail, json + strlen("{\"specversion\":\"1.0\",\"type\":\""), 157);
}

static void test_E4_escapes_in_names_and_types(void **state)
{
	(void)state;
	assert_event(
	        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"typ\\u0065\":\"ticket\\u002eclosed\","
	        "\"time\":\"2026-10-01T08:00:00\\u002b08:00\",\"d\\u0061ta\":{\"ticket\\u005fid\":\"T\\u0031\\n\"}}");
	assert_text(event.ticket_id, "T1\n");
	assert_true(event.occurred_us == TIME_US);
}

static void test_E2_fields_of_other_types_are_ignored(void **state)
{
	(void)state;
	assert_canonical_data(CE("ticket.responded",
	                         ",\"project_id\":[1],\"opened_at\":\"never\",\"score\":-1,\"reason\":7,"
	                         "\"resolution\":\"nonsense\",\"agent_id\":\"a\""),
	                      "{\"agent_id\":\"a\"}");
}

static void test_unknown_fields_pass(void **state)
{
	(void)state;
	assert_canonical_data(CE("ticket.resolved", ",\"x\":{\"y\":[1,2,{\"z\":null}]},\"Agent_id\":\"A\",\"\":0"),
	                      "{}");
}

static void test_E2_every_field_of_every_type(void **state)
{
	static const char *const rows[][2] = {
	        {CE("ticket.opened",
	            ",\"opened_at\":\"1990-01-01T00:00:00Z\",\"project_id\":\"p\",\"channel\":\"c\",\"category\":\"k\","
	            "\"priority\":1,\"team_id\":\"t\",\"agent_id\":\"a\",\"requester_ref\":\"r\","
	            "\"first_response_due_at\":\"2200-12-31T23:59:59.999999Z\","
	            "\"resolution_due_at\":\"2026-11-01T00:00:00.5Z\""),
	         "{\"agent_id\":\"a\",\"category\":\"k\",\"channel\":\"c\",\"first_response_due_at\":7289654399999999,"
	         "\"opened_at\":631152000000000,\"priority\":\"1\",\"project_id\":\"p\",\"requester_ref\":\"r\","
	         "\"resolution_due_at\":1793491200500000,\"team_id\":\"t\"}"},
	        {CE("ticket.updated",
	            ",\"project_id\":\"p\",\"channel\":\"c\",\"category\":\"k\",\"priority\":\"1\",\"team_id\":\"t\","
	            "\"requester_ref\":\"r\",\"first_response_due_at\":\"2026-11-01T00:00:00Z\",\"resolution_due_at\":"
	            "null"),
	         "{\"category\":\"k\",\"channel\":\"c\",\"first_response_due_at\":1793491200000000,\"priority\":\"1\","
	         "\"project_id\":\"p\",\"requester_ref\":\"r\"}"},
	        {CE("ticket.assigned", ",\"agent_id\":\"a\",\"team_id\":\"t\""),
	         "{\"agent_id\":\"a\",\"team_id\":\"t\"}"},
	        {CE("ticket.requester_replied", ",\"agent_id\":\"a\",\"reason\":\"r\""), "{}"},
	        {CE("ticket.responded", ",\"agent_id\":\"a\",\"automatic\":true"),
	         "{\"agent_id\":\"a\",\"automatic\":true}"},
	        {CE("ticket.arrived", ",\"agent_id\":\"a\",\"automatic\":true"), "{\"agent_id\":\"a\"}"},
	        {CE("ticket.paused", ",\"agent_id\":\"a\",\"reason\":\"r\""), "{\"reason\":\"r\"}"},
	        {CE("ticket.resumed", ",\"agent_id\":\"a\",\"reason\":\"r\""), "{\"reason\":\"r\"}"},
	        {CE("ticket.resolved", ",\"agent_id\":\"a\",\"resolution\":\"duplicate\",\"automatic\":true"),
	         "{\"agent_id\":\"a\",\"resolution\":\"duplicate\"}"},
	        {CE("ticket.closed",
	            ",\"agent_id\":\"a\",\"resolution\":\"cancelled\",\"automatic\":false,"
	            "\"opened_at\":\"1990-01-01T00:00:00Z\",\"first_response_at\":\"1990-01-01T00:00:01Z\","
	            "\"resolved_at\":\"1990-01-01T00:00:02Z\",\"first_response_due_at\":\"no\""),
	         "{\"agent_id\":\"a\",\"automatic\":false,\"first_response_at\":631152001000000,"
	         "\"opened_at\":631152000000000,\"resolution\":\"cancelled\",\"resolved_at\":631152002000000}"},
	        {CE("ticket.reopened", ",\"agent_id\":\"a\",\"reason\":\"r\""), "{\"reason\":\"r\"}"},
	        {SURVEY(",\"survey_id\":12,\"agent_id\":\"a\",\"kind\":\"ces\",\"score\":6.5,\"scale_max\":7,"
	                "\"answers\":{\"b\":1,\"a\":2},\"expected\":{},\"answers_scale_max\":2"),
	         "{\"agent_id\":\"a\",\"answers\":{\"a\":2000000,\"b\":1000000},\"answers_scale_max\":2000000,"
	         "\"expected\":{},\"kind\":\"ces\","
	         "\"scale_max\":7000000,\"score\":6500000,\"survey_id\":\"12\"}"},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++)
		assert_canonical_data(rows[i][0], rows[i][1]);
}

/* --- properties --- */

static void test_common_events_need_no_allocation(void **state)
{
	static const char json[] = CE("ticket.opened", ",\"agent_id\":\"a\",\"priority\":3,\"x\":[{\"y\":1}]");
	(void)state;
	assert_event(json);
	assert_int_equal(arena.total_bytes, 0);
	assert_in_range((uintptr_t)event.texts[EVENT_AGENT_ID].ptr, (uintptr_t)json, (uintptr_t)json + sizeof(json));
}

/* However an event is truncated or changed, the result is one of the four verdicts, and nothing outside it is
 * read. */
static void test_any_bytes_give_a_verdict(void **state)
{
	static const char json[] = "{\"specversion\":\"1.0\",\"id\":\"\\u00e9\\ud83d\\ude00\",\"source\":\"/"
	                           "\xe7\x89\xa9\",\"type\":\"survey.submitted\","
	                           "\"time\":\"" TIME_TEXT
	                           "\",\"data\":{\"ticket_id\":-17,\"score\":4.5e0,\"answers\":{\"a\":1,\"\\n\":2.5},"
	                           "\"kind\":\"csat\",\"x\":[true,false,null,{\"y\":[]}]}}";
	enum { LEN = sizeof(json) - 1 };
	(void)state;
	assert_event(json);
	for (uint32_t len = 0; len <= LEN; len++) {
		char *exact = malloc(len + 1u); /* + 1: malloc(0) */
		assert_non_null(exact);
		char *end = exact + 1;
		memcpy(end, json, len);
		enum wire_verdict verdict = parse_on((struct text){end, len}, "t", EVENT_SURVEY);
		assert_int_equal(verdict, len == LEN ? WIRE_EVENT : WIRE_REJECTED);
		for (unsigned byte = 0; byte < 256 && len < LEN; byte += 3) {
			char changed[sizeof(json)];
			memcpy(changed, json, sizeof(json));
			changed[len] = (char)byte;
			verdict = parse_on((struct text){changed, LEN}, "t", EVENT_SURVEY);
			assert_in_range(verdict, WIRE_EVENT, WIRE_REJECTED);
		}
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_structured_mode),
	        TEST(test_structured_mode_by_type_and_data),
	        TEST(test_structured_mode_takes_fields_from_data_alone),
	        TEST(test_order_of_keys_does_not_matter),
	        TEST(test_binary_mode),
	        TEST(test_binary_mode_keeps_no_header),
	        TEST(test_binary_mode_by_specversion_alone),
	        TEST(test_other_headers_are_not_binary_mode),
	        TEST(test_binary_mode_invalid_headers),
	        TEST(test_binary_mode_sequence_may_be_missing_or_empty),
	        TEST(test_binary_mode_the_last_header_of_a_name_counts),
	        TEST(test_binary_mode_value_must_be_an_object),
	        TEST(test_E1_bare_mode),
	        TEST(test_E1_bare_mode_identity_from_the_coordinates),
	        TEST(test_E1_bare_mode_id_then_event_id_then_the_coordinates),
	        TEST(test_E5_bare_mode_invalid_identity),
	        TEST(test_E5_bare_mode_identity_from_a_long_topic),
	        TEST(test_bare_mode_takes_the_type_of_the_topic),
	        TEST(test_E5_an_opening_needs_time_as_well_as_opened_at),
	        TEST(test_null_value_is_a_tombstone),
	        TEST(test_schema_registry_frame_is_skipped),
	        TEST(test_E3_an_opening_occurs_at_opened_at),
	        TEST(test_E4_unknown_types_are_skipped_with_any_fields),
	        TEST(test_E4_an_unknown_type_is_returned),
	        TEST(test_E4_escapes_in_names_and_types),
	        TEST(test_E2_fields_of_other_types_are_ignored),
	        TEST(test_unknown_fields_pass),
	        TEST(test_E2_every_field_of_every_type),
	        TEST(test_common_events_need_no_allocation),
	        TEST(test_any_bytes_give_a_verdict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
