#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kpid/base/buf.h"
#include "kpid/core/wire.h"

#define NOW_US      INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */
#define MINUTE_US   (60 * US_PER_SECOND)
#define TIME_TEXT   "2026-10-01T08:00:00+08:00"
#define TIME_US     INT64_C(1790812800000000)
#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A CloudEvent of the type whose data is ticket_id and what is given, which starts with its comma. */
#define CE(type, data)                                                                                                 \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"" type "\",\"time\":\"" TIME_TEXT          \
	"\",\"data\":{\"ticket_id\":\"T1\"" data "}}"
#define SURVEY(data) CE("survey.submitted", data)

static struct arena arena;
static struct ticket_event event;
static struct wire_rejection rejection;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static enum wire_verdict parse_on(struct text value, const char *topic, enum event_type topic_type)
{
	const struct wire_message message = {.value = value,
	                                     .topic = text_of(topic),
	                                     .partition = 3,
	                                     .offset = 1234567890123,
	                                     .topic_type = topic_type};
	return wire_parse(&message, NOW_US, &arena, &event, &rejection);
}

static enum wire_verdict parse(const char *json)
{
	return parse_on(text_of(json), "ticket-activity", EVENT_TYPE_NONE);
}

static void assert_event(const char *json)
{
	enum wire_verdict verdict = parse(json);
	if (verdict != WIRE_EVENT)
		fail_msg("verdict %d (%s) of %s", (int)verdict, verdict == WIRE_REJECTED ? rejection.detail : "", json);
}

static void assert_rejected(const char *json, enum dead_letter_reason reason)
{
	enum wire_verdict verdict = parse(json);
	if (verdict != WIRE_REJECTED)
		fail_msg("verdict %d of %s", (int)verdict, json);
	if (rejection.reason != reason)
		fail_msg("%s (%s), not %s: %s", dead_letter_reason_name(rejection.reason), rejection.detail,
		         dead_letter_reason_name(reason), json);
}

static void assert_detail(const char *json, enum dead_letter_reason reason, const char *detail)
{
	assert_rejected(json, reason);
	assert_string_equal(rejection.detail, detail);
}

static void assert_text(struct text text, const char *expected)
{
	if (!text_equal(text, text_of(expected)))
		fail_msg("\"%.*s\", not \"%s\"", (int)text.len, text.ptr == NULL ? "" : text.ptr,
		         expected == NULL ? "(absent)" : expected);
}

static void assert_canonical_data(const char *json, const char *expected)
{
	struct buf buf = BUF_INIT;
	assert_event(json);
	ticket_event_canonical(&event, &buf);
	char *end = strstr(buf.data, ",\"occurred_at\":");
	assert_non_null(end);
	*end = '\0';
	assert_string_equal(buf.data + strlen("{\"data\":"), expected);
	buf_release(&buf);
}

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
	const struct wire_message message = {.value = text_of(value),
	                                     .headers = headers,
	                                     .n_headers = n_headers,
	                                     .topic = TEXT("ticket-opened"),
	                                     .topic_type = EVENT_OPENED};
	return wire_parse(&message, NOW_US, &arena, &event, &rejection);
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

static void test_binary_mode_headers_at_fault(void **state)
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

/* A closing in bare JSON with these members more, on a topic that is mapped to closings. */
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
	        {",\"id\":-0,\"event_id\":[]", "0"}, /* event_id is not asked */
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

static void test_E5_bare_mode_identity_at_fault(void **state)
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

static void test_bare_mode_type_is_the_topics(void **state)
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

static void test_E5_an_opening_needs_its_time_beside_opened_at(void **state)
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

static void test_E4_unknown_types_are_passed_over_whatever_their_fields(void **state)
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

static void test_E4_an_unknown_type_is_handed_out(void **state)
{
	char json[512], type[301] = {0};
	(void)state;
	assert_int_equal(parse(CE("Ticket.Opened", "")), WIRE_UNKNOWN_TYPE);
	assert_string_equal(rejection.detail, "Ticket.Opened");
	assert_int_equal(parse(CE("\\u0022ticket.opened\\u0022", "")), WIRE_UNKNOWN_TYPE);
	assert_string_equal(rejection.detail, "\"ticket.opened\"");
	assert_int_equal(parse(CE("", "")), WIRE_UNKNOWN_TYPE);
	assert_string_equal(rejection.detail, "");
	/* What has no room is cut, between two characters. */
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

static void test_E2_fields_of_other_types_are_not_even_looked_at(void **state)
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

/* --- E5: the reasons, each by itself --- */

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

static void test_E5_too_large_comes_before_all_else(void **state)
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

static void test_E5_too_deep_leaves_out_the_frame(void **state)
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

static void test_E5_a_time_of_another_type_is_a_bad_value(void **state)
{
	(void)state;
	assert_rejected(CE("ticket.opened", ",\"opened_at\":1793491200"), DEAD_BAD_VALUE);
	assert_rejected(CE("ticket.updated", ",\"resolution_due_at\":[]"), DEAD_BAD_VALUE);
	assert_rejected("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
	                "s\",\"type\":\"ticket.closed\",\"time\":1793491200,"
	                "\"data\":{\"ticket_id\":\"T1\"}}",
	                DEAD_BAD_VALUE);
}

static void test_E5_data_of_another_type_is_a_bad_value(void **state)
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

static void test_E5_type_of_another_type_is_a_bad_value(void **state)
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

/* Every identifier of an opening, and the other places where one is due. */
static const char *const identifier_forms[] = {
        CE("ticket.opened", ",\"project_id\":%s"),
        CE("ticket.opened", ",\"channel\":%s"),
        CE("ticket.opened", ",\"category\":%s"),
        CE("ticket.opened", ",\"priority\":%s"),
        CE("ticket.opened", ",\"team_id\":%s"),
        CE("ticket.opened", ",\"agent_id\":%s"),
        CE("ticket.opened", ",\"requester_ref\":%s"),
        CE("ticket.assigned", ",\"team_id\":%s"),
        CE("ticket.closed", ",\"agent_id\":%s"),
        SURVEY(",\"score\":1,\"survey_id\":%s"),
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT
        "\",\"sequence\":%s,\"data\":{\"ticket_id\":\"T1\"}}",
        "{\"specversion\":\"1.0\",\"id\":%s,\"source\":\"/s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT
        "\",\"data\":{\"ticket_id\":\"T1\"}}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":%s,\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT
        "\",\"data\":{\"ticket_id\":\"T1\"}}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.closed\",\"time\":\"" TIME_TEXT
        "\",\"data\":{\"ticket_id\":%s}}",
};

/* The form with the identifier in its place. */
static const char *with_identifier(struct buf *buf, const char *form, const char *identifier)
{
	const char *place = strstr(form, "%s");
	buf_clear(buf);
	buf_add(buf, form, (size_t)(place - form));
	buf_add_str(buf, identifier);
	buf_add_str(buf, place + 2);
	return buf->data;
}

static void assert_identifier(const char *identifier, bool is_good)
{
	struct buf buf = BUF_INIT;
	for (size_t i = 0; i < N_OF(identifier_forms); i++) {
		const char *json = with_identifier(&buf, identifier_forms[i], identifier);
		if (is_good)
			assert_event(json);
		else
			assert_rejected(json, DEAD_BAD_VALUE);
	}
	buf_release(&buf);
}

static void test_E5_identifiers_have_at_most_256_bytes(void **state)
{
	struct buf buf = BUF_INIT;
	(void)state;
	buf_add_char(&buf, '"');
	for (int i = 0; i < 85; i++)
		buf_add_str(&buf, "\xe7\x89\xa9"); /* 255 bytes */
	buf_add_str(&buf, "a\"");
	assert_identifier(buf.data, true);
	buf.len_bytes--;
	buf_add_str(&buf, "b\"");
	assert_identifier(buf.data, false);
	/* it is the text that is measured, not its escapes */
	buf_clear(&buf);
	buf_add_char(&buf, '"');
	for (int i = 0; i < 256; i++)
		buf_add_str(&buf, "\\u0041");
	buf_add_char(&buf, '"');
	assert_identifier(buf.data, true);
	buf_release(&buf);
}

static void test_E7_whole_numbers_are_identifiers(void **state)
{
	static const char *const good[] = {"0", "-5", "1827364550192837465", "99999999999999999999",
	                                   "-99999999999999999999"};
	static const char *const bad[] = {
	        "5.0",   "1e3", "1E0", "-0.0",   "100000000000000000000", "-100000000000000000000", "true",
	        "false", "[]",  "{}",  "[\"a\"]"};
	(void)state;
	for (size_t i = 0; i < N_OF(good); i++)
		assert_identifier(good[i], true);
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_identifier(bad[i], false);
}

static void test_E7_whole_numbers_are_read_as_their_decimal_text(void **state)
{
	(void)state;
	assert_event(CE("ticket.opened", ",\"priority\":-12,\"category\":-0,\"channel\":18446744073709551616"));
	assert_text(event.texts[EVENT_PRIORITY], "-12");
	assert_text(event.texts[EVENT_CATEGORY], "0");
	assert_text(event.texts[EVENT_CHANNEL], "18446744073709551616");
}

static void test_E7_null_and_empty_are_as_if_absent(void **state)
{
	static const char *const values[] = {"null", "\"\""};
	struct buf buf = BUF_INIT;
	(void)state;
	for (size_t i = 0; i < N_OF(values); i++) {
		assert_canonical_data(with_identifier(&buf, CE("ticket.closed", ",\"agent_id\":%s"), values[i]), "{}");
		assert_text(event.texts[EVENT_AGENT_ID], NULL);
		assert_canonical_data(with_identifier(&buf, SURVEY(",\"score\":1,\"survey_id\":%s"), values[i]),
		                      "{\"score\":1000000}");
		assert_event(with_identifier(&buf, identifier_forms[10], values[i]));
		assert_text(event.sequence, "");
	}
	buf_release(&buf);
}

static void test_F5_null_and_empty_clear(void **state)
{
	(void)state;
	assert_canonical_data(
	        CE("ticket.opened", ",\"project_id\":null,\"channel\":\"\",\"category\":null,\"priority\":\"\","
	                            "\"team_id\":null,\"agent_id\":\"\",\"requester_ref\":null,"
	                            "\"opened_at\":null,\"resolution_due_at\":null"),
	        "{\"agent_id\":null,\"category\":null,\"channel\":null,\"priority\":null,\"project_id\":null,"
	        "\"requester_ref\":null,\"team_id\":null}");
	assert_text(event.texts[EVENT_AGENT_ID], "");
	assert_canonical_data(CE("ticket.updated",
	                         ",\"project_id\":\"\",\"channel\":null,\"category\":\"\",\"priority\":null,"
	                         "\"team_id\":null,\"agent_id\":null"),
	                      "{\"category\":null,\"channel\":null,\"priority\":null,\"project_id\":null}");
	assert_canonical_data(CE("ticket.assigned", ",\"agent_id\":null,\"team_id\":\"\""),
	                      "{\"agent_id\":null,\"team_id\":null}");
	assert_canonical_data(CE("ticket.responded", ",\"agent_id\":null"), "{}");
}

static void test_E5_null_in_other_optional_fields_is_absent(void **state)
{
	(void)state;
	assert_canonical_data(CE("ticket.closed", ",\"resolution\":null,\"automatic\":null,\"opened_at\":null,"
	                                          "\"first_response_at\":null,\"resolved_at\":null"),
	                      "{}");
	assert_canonical_data(
	        SURVEY(",\"score\":5,\"kind\":null,\"scale_max\":null,\"answers\":null,\"expected\":null"),
	        "{\"score\":5000000}");
}

static void test_E7_reason_is_free_text(void **state)
{
	struct buf buf = BUF_INIT;
	(void)state;
	assert_canonical_data(CE("ticket.paused", ",\"reason\":\"\""), "{\"reason\":\"\"}"); /* no identifier */
	assert_canonical_data(CE("ticket.paused", ",\"reason\":null"), "{}");
	buf_add_str(&buf, "{\"ticket_id\":\"T1\",\"time\":\"" TIME_TEXT "\",\"reason\":\"");
	size_t start = buf.len_bytes;
	while (buf.len_bytes < 10000)
		buf_add_str(&buf, "\xe7\xad\x89 ");
	size_t len_bytes = buf.len_bytes - start;
	buf_add_str(&buf, "\"}");
	assert_int_equal(parse_on(buf_text(&buf), "t", EVENT_PAUSED), WIRE_EVENT);
	assert_ptr_equal(event.texts[EVENT_REASON].ptr, buf.data + start);
	assert_int_equal(event.texts[EVENT_REASON].len, len_bytes);
	buf_release(&buf);
	assert_rejected(CE("ticket.paused", ",\"reason\":7"), DEAD_BAD_VALUE);
	assert_rejected(CE("ticket.reopened", ",\"reason\":{}"), DEAD_BAD_VALUE);
	assert_rejected(CE("ticket.resumed", ",\"reason\":true"), DEAD_BAD_VALUE);
}

static void test_E5_words(void **state)
{
	static const char *const resolutions[] = {"solved", "unsolved", "cancelled", "duplicate"};
	static const char *const kinds[] = {"csat", "nps", "ces"};
	static const char *const bad[] = {"\"\"", "\"Solved\"", "\"solved \"", "\"other\"", "1", "true", "[]", "{}"};
	char json[512];
	(void)state;
	for (size_t i = 0; i < N_OF(resolutions); i++) {
		snprintf(json, sizeof(json), CE("ticket.resolved", ",\"resolution\":\"%s\""), resolutions[i]);
		assert_event(json);
		assert_int_equal(event.resolution, RESOLUTION_SOLVED + i);
	}
	for (size_t i = 0; i < N_OF(kinds); i++) {
		snprintf(json, sizeof(json), SURVEY(",\"score\":1,\"kind\":\"%s\""), kinds[i]);
		assert_event(json);
		assert_int_equal(event.kind, SURVEY_CSAT + i);
	}
	for (size_t i = 0; i < N_OF(bad); i++) {
		snprintf(json, sizeof(json), CE("ticket.closed", ",\"resolution\":%s"), bad[i]);
		assert_rejected(json, DEAD_BAD_VALUE);
		snprintf(json, sizeof(json), SURVEY(",\"score\":1,\"kind\":%s"), bad[i]);
		assert_rejected(json, DEAD_BAD_VALUE);
	}
}

static void test_E5_automatic_is_true_or_false(void **state)
{
	static const char *const bad[] = {"\"true\"", "1", "0", "[]", "{}", "\"\""};
	char json[512];
	(void)state;
	assert_event(CE("ticket.responded", ",\"automatic\":true"));
	assert_int_equal(event.automatic, TRI_TRUE);
	assert_event(CE("ticket.responded", ",\"automatic\":false"));
	assert_int_equal(event.automatic, TRI_FALSE);
	for (size_t i = 0; i < N_OF(bad); i++) {
		snprintf(json, sizeof(json), CE("ticket.closed", ",\"automatic\":%s"), bad[i]);
		assert_rejected(json, DEAD_BAD_VALUE);
	}
}

static void test_E5_scores_lie_in_0_to_scale_max(void **state)
{
	static const char *const good[] = {"0", "5", "5.0000004", "0.0", "-0", "-0.0000004", "0.5e1", "4999999e-6"};
	static const char *const bad[] = {"-1",    "5.0000005", "-0.000001", "6", "1e300", "9000000000001",
	                                  "\"4\"", "true",      "[]"};
	char json[512];
	(void)state;
	for (size_t i = 0; i < N_OF(good); i++) {
		snprintf(json, sizeof(json), SURVEY(",\"score\":%s"), good[i]);
		assert_event(json);
	}
	for (size_t i = 0; i < N_OF(bad); i++) {
		snprintf(json, sizeof(json), SURVEY(",\"score\":%s"), bad[i]);
		assert_rejected(json, DEAD_BAD_VALUE);
	}
	assert_detail(SURVEY(",\"score\":6"), DEAD_BAD_VALUE,
	              "data.score: outside 0 to 5.000000; scale_max names another scale");
}

static void test_E5_scale_max_is_above_0(void **state)
{
	static const char *const bad[] = {"0", "-1", "0.0000004", "0e5", "1e300", "\"5\"", "false"};
	char json[512];
	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		snprintf(json, sizeof(json), SURVEY(",\"score\":0,\"scale_max\":%s"), bad[i]);
		assert_rejected(json, DEAD_BAD_VALUE);
	}
	assert_event(SURVEY(",\"score\":0.000001,\"scale_max\":0.0000005"));
	assert_event(SURVEY(",\"score\":100,\"scale_max\":100"));
	assert_rejected(SURVEY(",\"score\":100.000001,\"scale_max\":100"), DEAD_BAD_VALUE);
	assert_rejected(SURVEY(",\"score\":4,\"scale_max\":3"), DEAD_BAD_VALUE);
	assert_event(SURVEY(",\"score\":9e12,\"scale_max\":9000000000000.0000004"));
	assert_rejected(SURVEY(",\"score\":0,\"scale_max\":9000000000000.0000005"), DEAD_BAD_VALUE);
}

static void test_E6_default_scales(void **state)
{
	(void)state;
	assert_event(SURVEY(",\"score\":5,\"kind\":\"csat\""));
	assert_true(event.scale_max_micros == SCORE_ABSENT); /* not filled in */
	assert_rejected(SURVEY(",\"score\":5.1,\"kind\":\"csat\""), DEAD_BAD_VALUE);
	assert_event(SURVEY(",\"score\":10,\"kind\":\"nps\""));
	assert_rejected(SURVEY(",\"score\":10.1,\"kind\":\"nps\""), DEAD_BAD_VALUE);
	assert_event(SURVEY(",\"score\":7,\"kind\":\"ces\""));
	assert_rejected(SURVEY(",\"score\":7.1,\"kind\":\"ces\""), DEAD_BAD_VALUE);
	assert_rejected(SURVEY(",\"score\":5.1"), DEAD_BAD_VALUE);
}

static void test_E6_scores_count_in_millionths(void **state)
{
	(void)state;
	assert_event(SURVEY(",\"score\":4.1234565,\"scale_max\":1e1"));
	assert_true(event.score_micros == 4123457);
	assert_true(event.scale_max_micros == 10000000);
	/* a double would give 0.285 * 1e6 = 284999.99999999994 */
	assert_event(SURVEY(",\"score\":0.285"));
	assert_true(event.score_micros == 285000);
	assert_event(SURVEY(",\"score\":1.0000005"));
	assert_true(event.score_micros == 1000001);
}

static void test_E2_answers_are_canonical(void **state)
{
	(void)state;
	assert_event(SURVEY(",\"score\":4,\"scale_max\":9e12,\"answers\":{\"b\":-0.0000005,\"a\\u0062\":1e2,"
	                    "\"\xe7\x89\xa9\":0.0000005,\"B\":9e12,\"\":0,\"\\n\\\"\":3}, \"expected\" : { }"));
	assert_text(event.texts[EVENT_ANSWERS],
	            "{\"\":0,\"\\u000a\\\"\":3000000,\"B\":9000000000000000000,\"ab\":100000000,"
	            "\"b\":0,\"\xe7\x89\xa9\":1}");
	assert_text(event.texts[EVENT_EXPECTED], "{}");
}

/* The survey twice, with the value as its answers and as what was expected. */
static void assert_items(const char *fields, const char *value, bool is_good)
{
	static const char *const names[] = {"answers", "expected"};
	char json[1024];
	for (size_t i = 0; i < N_OF(names); i++) {
		snprintf(json, sizeof(json), SURVEY(",\"score\":0,\"%s\":%s%s"), names[i], value, fields);
		if (is_good)
			assert_event(json);
		else
			assert_rejected(json, DEAD_BAD_VALUE);
	}
}

static void test_E5_answers_at_fault(void **state)
{
	static const char *const bad[] = {"[]",
	                                  "\"\"",
	                                  "\"{}\"",
	                                  "4",
	                                  "true",
	                                  "{\"a\":\"1\"}",
	                                  "{\"a\":null}",
	                                  "{\"a\":true}",
	                                  "{\"a\":[1]}",
	                                  "{\"a\":{}}",
	                                  "{\"a\":1,\"b\":{\"c\":1}}",
	                                  "{\"a\":9.1e12}",
	                                  "{\"a\":-1e300}"};
	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_items("", bad[i], false);
}

static void test_E5_answers_lie_in_0_to_scale_max(void **state)
{
	static const struct {
		const char *fields, *items;
		bool is_good;
	} rows[] = {
	        {"", "{\"a\":5,\"b\":0}", true},
	        {"", "{\"a\":5.0000004,\"b\":-0.0000005}", true},
	        {"", "{\"a\":5,\"b\":5.0000005}", false},
	        {"", "{\"a\":-0.000001}", false},
	        {",\"kind\":\"nps\"", "{\"a\":10}", true},
	        {",\"kind\":\"nps\"", "{\"a\":10.1}", false},
	        {",\"kind\":\"ces\"", "{\"a\":7}", true},
	        {",\"kind\":\"ces\"", "{\"a\":8}", false},
	        {",\"scale_max\":100", "{\"a\":100}", true},
	        {",\"scale_max\":3", "{\"a\":4}", false},
	        {",\"scale_max\":null", "{\"a\":6}", false},
	};
	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++)
		assert_items(rows[i].fields, rows[i].items, rows[i].is_good);
	assert_detail(SURVEY(",\"score\":5,\"answers\":{\"a\":6}"), DEAD_BAD_VALUE,
	              "data.answers: an item is outside 0 to 5.000000; answers_scale_max names another scale");
	assert_rejected(SURVEY(",\"answers\":{\"a\":6}"), DEAD_MISSING_FIELD);
}

static void test_answers_may_have_any_names(void **state)
{
	char items[512], name[301];
	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	snprintf(items, sizeof(items), "{\"%s\":1,\"\":2}", name);
	assert_items("", items, true);
}

static void test_E2_answers_of_thousands_of_items(void **state)
{
	struct buf buf = BUF_INIT;
	(void)state;
	buf_add_str(&buf, "{\"ticket_id\":\"T1\",\"time\":\"" TIME_TEXT "\",\"score\":1,"
	                  "\"scale_max\":5000,\"answers\":{");
	for (int i = 4999; i >= 0; i--)
		buf_add_format(&buf, "\"%04d\":%d%s", i, i, i == 0 ? "}}" : ",");
	assert_int_equal(parse_on(buf_text(&buf), "t", EVENT_SURVEY), WIRE_EVENT);
	assert_memory_equal(event.texts[EVENT_ANSWERS].ptr, "{\"0000\":0,\"0001\":1000000,", 25);
	buf_release(&buf);
}

static enum wire_verdict parse_at(const char *json, int64_t now_us)
{
	const struct wire_message message = {.value = text_of(json), .topic = TEXT("t"), .topic_type = EVENT_TYPE_NONE};
	return wire_parse(&message, now_us, &arena, &event, &rejection);
}

static void test_E5_future_is_more_than_5_minutes_ahead(void **state)
{
	(void)state;
	assert_int_equal(parse_at(CE("ticket.paused", ""), TIME_US - 5 * MINUTE_US), WIRE_EVENT);
	assert_int_equal(parse_at(CE("ticket.paused", ""), TIME_US - 5 * MINUTE_US - 1), WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_FUTURE);
	assert_int_equal(parse_at(CE("ticket.paused", ""), TIME_FOR_EVER), WIRE_EVENT);
	assert_int_equal(parse_at(CE("ticket.paused", ""), TIME_NONE), WIRE_REJECTED);
}

static void test_E5_future_is_about_past_times_not_promises(void **state)
{
	(void)state;
	assert_detail(CE("ticket.opened", ",\"opened_at\":\"2026-11-01T00:05:00.000001Z\""), DEAD_FUTURE,
	              "data.opened_at: more than 5 minutes ahead of our clock; check the sender's clock and time zone");
	assert_event(CE("ticket.opened", ",\"opened_at\":\"2026-11-01T00:05:00Z\""));
	assert_rejected(CE("ticket.closed", ",\"opened_at\":\"2026-11-01T00:06:00Z\""), DEAD_FUTURE);
	assert_rejected(CE("ticket.closed", ",\"first_response_at\":\"2026-11-01T00:06:00Z\""), DEAD_FUTURE);
	assert_rejected(CE("ticket.closed", ",\"resolved_at\":\"2026-11-01T00:06:00Z\""), DEAD_FUTURE);
	assert_event(CE("ticket.opened", ",\"first_response_due_at\":\"2100-01-01T00:00:00Z\","
	                                 "\"resolution_due_at\":\"2200-01-01T00:00:00Z\""));
	assert_event(CE("ticket.responded", ",\"resolved_at\":\"2100-01-01T00:00:00Z\"")); /* not its field */
	/* `time` counts although occurred_at is another */
	assert_rejected("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.opened\","
	                "\"time\":\"2027-01-01T00:00:00Z\",\"data\":{\"ticket_id\":\"T1\",\"opened_at\":\"" TIME_TEXT
	                "\"}}",
	                DEAD_FUTURE);
}

/* --- E5: the first reason that applies --- */

/* A closing without its id. */
#define HEAD "{\"specversion\":\"1.0\",\"source\":\"/s\",\"type\":\"ticket.closed\","

static void test_E5_the_first_that_applies(void **state)
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
	static const char *const names[DEAD_N_REASONS] = {"too_large",     "too_deep", "not_json",  "not_an_object",
	                                                  "missing_field", "bad_time", "bad_value", "future",
	                                                  "id_conflict",   "too_many"};
	(void)state;
	for (enum dead_letter_reason reason = 0; reason < DEAD_N_REASONS; reason++)
		assert_string_equal(dead_letter_reason_name(reason), names[reason]);
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

/* Whatever is cut off or changed in an event, there is one of the four verdicts, and no read outside it. */
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

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
	        TEST(test_binary_mode_headers_at_fault),
	        TEST(test_binary_mode_sequence_may_be_missing_or_empty),
	        TEST(test_binary_mode_the_last_header_of_a_name_counts),
	        TEST(test_binary_mode_value_must_be_an_object),
	        TEST(test_E1_bare_mode),
	        TEST(test_E1_bare_mode_identity_from_the_coordinates),
	        TEST(test_E1_bare_mode_id_then_event_id_then_the_coordinates),
	        TEST(test_E5_bare_mode_identity_at_fault),
	        TEST(test_E5_bare_mode_identity_from_a_long_topic),
	        TEST(test_bare_mode_type_is_the_topics),
	        TEST(test_E5_an_opening_needs_its_time_beside_opened_at),
	        TEST(test_null_value_is_a_tombstone),
	        TEST(test_schema_registry_frame_is_skipped),
	        TEST(test_E3_an_opening_occurs_at_opened_at),
	        TEST(test_E4_unknown_types_are_passed_over_whatever_their_fields),
	        TEST(test_E4_an_unknown_type_is_handed_out),
	        TEST(test_E4_escapes_in_names_and_types),
	        TEST(test_E2_fields_of_other_types_are_not_even_looked_at),
	        TEST(test_unknown_fields_pass),
	        TEST(test_E2_every_field_of_every_type),
	        TEST(test_E5_too_large),
	        TEST(test_E5_too_large_counts_the_frame),
	        TEST(test_E5_too_large_comes_before_all_else),
	        TEST(test_E5_too_deep_is_more_than_16_levels),
	        TEST(test_E5_too_deep_counts_outside_strings),
	        TEST(test_E5_too_deep_comes_before_not_json),
	        TEST(test_E5_too_deep_leaves_out_the_frame),
	        TEST(test_E5_not_json),
	        TEST(test_E5_not_an_object),
	        TEST(test_E5_missing_field),
	        TEST(test_E5_bad_time),
	        TEST(test_E5_a_time_of_another_type_is_a_bad_value),
	        TEST(test_E5_data_of_another_type_is_a_bad_value),
	        TEST(test_E5_type_of_another_type_is_a_bad_value),
	        TEST(test_E5_empty_identity_is_a_bad_value),
	        TEST(test_E5_identifiers_have_at_most_256_bytes),
	        TEST(test_E7_whole_numbers_are_identifiers),
	        TEST(test_E7_whole_numbers_are_read_as_their_decimal_text),
	        TEST(test_E7_null_and_empty_are_as_if_absent),
	        TEST(test_F5_null_and_empty_clear),
	        TEST(test_E5_null_in_other_optional_fields_is_absent),
	        TEST(test_E7_reason_is_free_text),
	        TEST(test_E5_words),
	        TEST(test_E5_automatic_is_true_or_false),
	        TEST(test_E5_scores_lie_in_0_to_scale_max),
	        TEST(test_E5_scale_max_is_above_0),
	        TEST(test_E6_default_scales),
	        TEST(test_E6_scores_count_in_millionths),
	        TEST(test_E2_answers_are_canonical),
	        TEST(test_E5_answers_at_fault),
	        TEST(test_E5_answers_lie_in_0_to_scale_max),
	        TEST(test_answers_may_have_any_names),
	        TEST(test_E2_answers_of_thousands_of_items),
	        TEST(test_E5_future_is_more_than_5_minutes_ahead),
	        TEST(test_E5_future_is_about_past_times_not_promises),
	        TEST(test_E5_the_first_that_applies),
	        TEST(test_names_of_reasons),
	        TEST(test_common_events_need_no_allocation),
	        TEST(test_any_bytes_give_a_verdict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
