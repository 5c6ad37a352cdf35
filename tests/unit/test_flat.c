#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "fake_zone.h"
#include "kpid/core/flat.h"
#include "kpid/core/json_tokens.h"

#define NOW_US INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */

static struct arena arena;
static struct flat_rules rules;
static struct flat_tally tally;
static struct ticket_event event;
static struct wire_rejection rejection;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	rules = (struct flat_rules){.source = TEXT("/map/x"), .now_us = NOW_US};
	tally = (struct flat_tally){0, 0};
	rejection.detail[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static enum flat_verdict read(const char *json)
{
	return flat_json(&rules, text_of(json), &arena, &tally, &event, &rejection);
}

static void assert_event(const char *json)
{
	if (read(json) != FLAT_EVENT)
		fail_msg("%s: %s", json, rejection.detail);
}

static void assert_rejected(const char *json, enum dead_letter_reason reason, const char *part)
{
	enum flat_verdict verdict = read(json);
	if (verdict == FLAT_EVENT || rejection.reason != reason || strstr(rejection.detail, part) == NULL)
		fail_msg("%s: %d %s: %s", json, verdict, dead_letter_reason_name(rejection.reason), rejection.detail);
}

static void assert_text(struct text text, const char *expected)
{
	if (!text_equal(text, text_of(expected)))
		fail_msg("%.*s, not %s", (int)text.len, text.ptr == NULL ? "(absent)" : text.ptr, expected);
}

#define OPENED "\"type\":\"ticket.opened\",\"id\":\"1\",\"ticket_id\":\"T\",\"time\":\"2026-10-01T08:00:00Z\""
#define PAUSED "\"type\":\"ticket.paused\",\"id\":\"1\",\"ticket_id\":\"T\",\"time\":\"2026-10-01T08:00:00Z\""

static void test_M4_fields_become_an_event(void **state)
{
	(void)state;
	assert_event("{" OPENED ",\"project_id\":7,\"agent_id\":null,\"sequence\":\"2\"}");
	assert_int_equal(event.type, EVENT_OPENED);
	assert_text(event.ticket_id, "T");
	assert_text(event.source, "/map/x");
	assert_text(event.sequence, "2");
	assert_text(event.texts[EVENT_PROJECT_ID], "7");
	assert_text(event.texts[EVENT_AGENT_ID], "");
	assert_true(text_is_absent(event.texts[EVENT_TEAM_ID]));
	assert_int_equal(event.occurred_us, 1790841600 * US_PER_SECOND);
}

static void test_M4_unknown_types_and_fields_are_errors(void **state)
{
	(void)state;
	assert_rejected("{\"type\":\"ticket.moved\"}", DEAD_BAD_VALUE, "\"ticket.moved\" is no type");
	assert_rejected("{" OPENED ",\"colour\":1}", DEAD_BAD_VALUE, "\"colour\" is no field of ticket.opened");
	assert_rejected("{" PAUSED ",\"priority\":1}", DEAD_BAD_VALUE, "\"priority\" is no field of ticket.paused");
	assert_rejected("{" OPENED ",\"specversion\":\"1.0\"}", DEAD_BAD_VALUE, "\"specversion\" is no field");
	assert_rejected("{" OPENED ",\"data\":{}}", DEAD_BAD_VALUE, "\"data\" is no field");
	assert_int_equal(read("{\"type\":\"ticket.moved\"}"), FLAT_UNKNOWN);
	assert_rejected("{\"id\":1}", DEAD_MISSING_FIELD, "type");
}

static void test_M4_an_integer_is_text_whatever_its_length(void **state)
{
	(void)state;
	assert_event("{" OPENED ",\"requester_ref\":123456789012345678901234567890}");
	assert_text(event.texts[EVENT_REQUESTER_REF], "123456789012345678901234567890");
	assert_event("{" PAUSED ",\"reason\":3}");
	assert_text(event.texts[EVENT_REASON], "3");
	assert_rejected("{" OPENED ",\"requester_ref\":5.0}", DEAD_BAD_VALUE, "requester_ref");
	assert_rejected("{" OPENED ",\"requester_ref\":1e3}", DEAD_BAD_VALUE, "requester_ref");
	assert_rejected("{" OPENED ",\"requester_ref\":true}", DEAD_BAD_VALUE, "requester_ref");
	assert_rejected("{" OPENED ",\"requester_ref\":{}}", DEAD_BAD_VALUE, "requester_ref");
	assert_rejected("{" OPENED ",\"requester_ref\":[1]}", DEAD_BAD_VALUE, "requester_ref");
}

static void test_M4_the_prefix_is_put_before_each_ticket(void **state)
{
	(void)state;
	rules.ticket_prefix = TEXT("Z-");
	assert_event("{" OPENED "}");
	assert_text(event.ticket_id, "Z-T");
	assert_rejected("{\"type\":\"ticket.opened\",\"id\":1,\"time\":1790841600,\"ticket_id\":\"\"}", DEAD_BAD_VALUE,
	                "ticket_id");
	assert_rejected("{\"type\":\"ticket.opened\",\"id\":1,\"time\":1790841600}", DEAD_MISSING_FIELD, "ticket_id");
}

static void test_M5_an_id_is_required(void **state)
{
	(void)state;
	const char *none = "{\"type\":\"ticket.opened\",\"time\":1790841600,\"ticket_id\":\"T\"}";
	assert_rejected(none, DEAD_MISSING_FIELD, "id");
	assert_rejected("{\"type\":\"ticket.opened\",\"id\":\"\",\"time\":1790841600,\"ticket_id\":\"T\"}",
	                DEAD_BAD_VALUE, "id");
}

static void test_M5_a_source_begins_with_that_of_the_input(void **state)
{
	(void)state;
	assert_event("{" OPENED ",\"source\":\"/map/x/eu\"}");
	assert_text(event.source, "/map/x/eu");
	assert_event("{" OPENED ",\"source\":\"/map/x\"}");
	assert_rejected("{" OPENED ",\"source\":\"/map/xyz\"}", DEAD_BAD_VALUE, "source");
	assert_rejected("{" OPENED ",\"source\":\"/map\"}", DEAD_BAD_VALUE, "source");
}

static void test_M5_one_identity_with_two_contents_is_found(void **state)
{
	(void)state;
	struct ticket_event first;
	assert_event("{" OPENED "}");
	first = event;
	assert_false(flat_contradicts(&first, 1, &event));
	assert_event("{" OPENED ",\"priority\":\"1\"}");
	assert_true(flat_contradicts(&first, 1, &event));
	event.ticket_id = TEXT("U");
	assert_false(flat_contradicts(&first, 1, &event));
}

static void test_E5_reasons_are_those_of_messages(void **state)
{
	(void)state;
	assert_rejected("{" OPENED, DEAD_NOT_JSON, "no comma or end");
	assert_rejected("{" OPENED "," OPENED "}", DEAD_NOT_JSON, "duplicate key");
	assert_rejected("[]", DEAD_NOT_AN_OBJECT, "not an object");
	assert_rejected("{" OPENED ",\"priority\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", DEAD_TOO_DEEP, "16 levels");
	assert_rejected("{\"type\":\"ticket.opened\",\"id\":1,\"ticket_id\":1,\"time\":\"2026-12-01T00:00:00Z\"}",
	                DEAD_FUTURE, "time");
	assert_rejected("{\"type\":\"ticket.closed\",\"id\":1,\"ticket_id\":1,\"time\":1790841600,"
	                "\"resolution\":\"done\"}",
	                DEAD_BAD_VALUE, "resolution");
	assert_rejected("{\"type\":\"ticket.opened\",\"id\":1,\"ticket_id\":1,\"time\":\"2026-02-30T00:00:00Z\"}",
	                DEAD_BAD_TIME, "no such date");
	assert_rejected("{\"type\":\"ticket.opened\",\"id\":1,\"ticket_id\":1,\"time\":true}", DEAD_BAD_VALUE, "time");
}

static void test_E5_a_flat_event_of_more_than_64_KiB_is_too_large(void **state)
{
	(void)state;
	static char long_reason[WIRE_MAX_BYTES + 2];
	const struct flat_field fields[] = {
	        {TEXT("type"), {FLAT_TEXT, TEXT("ticket.paused")}},  {TEXT("id"), {FLAT_INTEGER, TEXT("1")}},
	        {TEXT("ticket_id"), {FLAT_INTEGER, TEXT("1")}},      {TEXT("time"), {FLAT_INTEGER, TEXT("1790841600")}},
	        {TEXT("reason"), {FLAT_TEXT, {long_reason, 65000}}},
	};
	struct flat_field long_fields[5];
	memset(long_reason, 'x', sizeof(long_reason));
	memcpy(long_fields, fields, sizeof(fields));
	assert_int_equal(flat_event(&rules, fields, 5, &arena, &tally, &event, &rejection), FLAT_EVENT);
	long_fields[4].value.text.len = WIRE_MAX_BYTES;
	assert_int_equal(flat_event(&rules, long_fields, 5, &arena, &tally, &event, &rejection), FLAT_REJECTED);
	assert_int_equal(rejection.reason, DEAD_TOO_LARGE);
	/* Texts of mappings are any bytes. */
	long_fields[4].value.text = TEXT("\xff");
	assert_int_equal(flat_event(&rules, long_fields, 5, &arena, &tally, &event, &rejection), FLAT_REJECTED);
	assert_int_equal(rejection.reason, DEAD_BAD_VALUE);
}

static void test_E6_scores_keep_their_digits(void **state)
{
	(void)state;
#define SURVEY "\"type\":\"survey.submitted\",\"id\":1,\"ticket_id\":1,\"time\":1790841600"
	assert_event("{" SURVEY ",\"score\":4.125}");
	assert_int_equal(event.score_micros, 4125000);
	assert_event("{" SURVEY ",\"score\":\"4.50\",\"answers\":{\"a\":1,\"b\":2.5},\"kind\":\"csat\"}");
	assert_int_equal(event.score_micros, 4500000);
	assert_text(event.texts[EVENT_ANSWERS], "{\"a\":1000000,\"b\":2500000}");
	assert_rejected("{" SURVEY ",\"score\":\"good\"}", DEAD_BAD_VALUE, "score");
	assert_rejected("{" SURVEY ",\"score\":6}", DEAD_BAD_VALUE, "score");
	assert_rejected("{" SURVEY "}", DEAD_MISSING_FIELD, "score");
}

/* ---- M6 ---- */

static int64_t at(const char *rfc3339)
{
	int64_t us = 0;
	if (!timestamp_parse(text_of(rfc3339), &us))
		fail_msg("%s", rfc3339);
	return us;
}

static void assert_time(const char *text, const char *expected)
{
	int64_t us = 0;
	const char *error = flat_time_read(text_of(text), rules.zone, &tally, &us);
	if (error != NULL || us != at(expected))
		fail_msg("%s: %s, %lld, not %s", text, error == NULL ? "" : error, (long long)us, expected);
}

static void assert_no_time(const char *text)
{
	int64_t us;
	if (flat_time_read(text_of(text), rules.zone, &tally, &us) == NULL)
		fail_msg("%s was read", text);
}

static void test_M6_zones(void **state)
{
	(void)state;
	assert_time("2026-03-02T17:00:00.500+0800", "2026-03-02T09:00:00.5Z");
	assert_time("2026-03-02T17:00:00+08", "2026-03-02T09:00:00Z");
	assert_time("2026-03-02 09:00:00 UTC", "2026-03-02T09:00:00Z");
	assert_time("2026-03-02T09:00:00GMT", "2026-03-02T09:00:00Z");
	assert_time("2026-03-02T09:00Z", "2026-03-02T09:00:00Z");
	assert_time("2026-03-02 09:00 -0530", "2026-03-02T14:30:00Z");
	assert_time("2026-03-02T09:00:00.123456789Z", "2026-03-02T09:00:00.123456Z");
	assert_no_time("2026-03-02T09:00:00");
	assert_no_time("2026-03-02T09:00:00 CET");
	assert_no_time("2026-03-02T09:00:00+8");
	assert_no_time("2026-03-02T09:00:00+08:0");
	assert_no_time("2026-03-02T09:00:");
	assert_no_time("2026-03-02");
	assert_no_time("2026-02-30T09:00:00Z");
	assert_no_time("");
}

static void test_M6_local_times(void **state)
{
	(void)state;
	struct zone berlin;
	assert_true(fake_zone_find("Europe/Berlin", &berlin));
	rules.zone = &berlin;
	assert_time("2026-01-02T09:00:00", "2026-01-02T08:00:00Z");
	assert_time("2026-07-02 09:00", "2026-07-02T07:00:00Z");
	assert_int_equal(tally.n_moved + tally.n_twice, 0);
	assert_time("2026-03-29T02:30:00", "2026-03-29T01:30:00Z"); /* 03:30 */
	assert_int_equal(tally.n_moved, 1);
	assert_time("2026-10-25T02:30:00", "2026-10-25T00:30:00Z"); /* the first of two */
	assert_int_equal(tally.n_twice, 1);
	assert_no_time("2026-02-30T09:00:00");
	assert_no_time("2026-01-02");
}

static void test_M6_numbers_are_times_by_their_size(void **state)
{
	(void)state;
	assert_time("1772442000", "2026-03-02T09:00:00Z");
	assert_time("1772443500.123456", "2026-03-02T09:25:00.123456Z");
	assert_time("1772445600.5", "2026-03-02T10:00:00.5Z");
	assert_time("1772442000282", "2026-03-02T09:00:00.282Z");
	assert_time("1772442000282.7519", "2026-03-02T09:00:00.282751Z");
	assert_time("1772442000282001", "2026-03-02T09:00:00.282001Z");
	assert_time("1772442000282001999", "2026-03-02T09:00:00.282001Z");
	assert_time("631152000", "1990-01-01T00:00:00Z");
	assert_time("7289654399", "2200-12-31T23:59:59Z");
	assert_no_time("631151999");
	assert_no_time("7289654400");
	assert_no_time("-1772442000");
	assert_no_time("1.772442e9");
	assert_no_time("1772442000.");
	assert_no_time("99999999999999999999");
	assert_no_time("1.2.3");
}

/* ---- M9 ---- */

static void assert_date(enum flat_date order, const char *text, const char *expected)
{
	char out[FLAT_DATE_BYTES] = "error";
	if (!flat_date_write(order, text_of(text), out))
		snprintf(out, sizeof(out), "error");
	if (strcmp(out, expected) != 0)
		fail_msg("%s: %s, not %s", text, out, expected);
}

static void test_M9_dates_that_people_write(void **state)
{
	(void)state;
	assert_date(FLAT_DMY, "31.12.2026 17:05", "2026-12-31T17:05:00");
	assert_date(FLAT_DMY, "1.2.2026", "2026-02-01T00:00:00");
	assert_date(FLAT_DMY, "12/31/2026", "error");
	assert_date(FLAT_MDY, "12/31/2026 5:05 PM", "2026-12-31T17:05:00");
	assert_date(FLAT_MDY, "12/31/2026 12:05:07 am", "2026-12-31T00:05:07");
	assert_date(FLAT_MDY, "12/31/2026 13:05 PM", "error");
	assert_date(FLAT_YMD, "2026年12月31日 17:05", "2026-12-31T17:05:00");
	assert_date(FLAT_YMD, "2026年3月7日 下午2:00", "error");
	assert_date(FLAT_YMD, "2026年3月7日 2:00 下午", "2026-03-07T14:00:00");
	assert_date(FLAT_YMD, "2026/3/7 16:00:30.25", "2026-03-07T16:00:30.25");
	assert_date(FLAT_YMD, "2026-03-07T9:05", "2026-03-07T09:05:00");
	assert_date(FLAT_YMD, "2026-02-30 16:00", "error");
	assert_date(FLAT_YMD, "2026-03-07 16:00Z", "error");
	assert_date(FLAT_YMD, "26-03-07", "error");
	assert_date(FLAT_YMD, "", "error");
	assert_date(FLAT_EXCEL, "46088.4583333333", "2026-03-07T11:00:00");
	assert_date(FLAT_EXCEL, "46088.5", "2026-03-07T12:00:00");
	assert_date(FLAT_EXCEL, "46088", "2026-03-07T00:00:00");
	assert_date(FLAT_EXCEL, "4", "error");
	assert_date(FLAT_EXCEL, "1e4", "error");
	assert_date(FLAT_WALL_MS, "1772442000282", "2026-03-02T09:00:00.282");
	assert_date(FLAT_WALL_MS, "x", "error");
}

/* ---- M14 ---- */

static struct ticket_event pair[FLAT_MAX_STATE_EVENTS];
static size_t n_pair;

static enum flat_verdict make_state(const char *kind, const struct flat_field *more, size_t n_more)
{
	struct flat_field fields[12] = {
	        {TEXT("id"), {FLAT_TEXT, TEXT("7")}},
	        {TEXT("ticket_id"), {FLAT_INTEGER, TEXT("1")}},
	        {TEXT("time"), {FLAT_INTEGER, TEXT("1790841600")}},
	        {TEXT("kind"), {FLAT_TEXT, text_of(kind)}},
	};
	for (size_t i = 0; i < n_more; i++)
		fields[4 + i] = more[i];
	return flat_state(&rules, fields, 4 + n_more, &arena, &tally, pair, &n_pair, &rejection);
}

static void test_M14_a_condition_is_one_or_two_events(void **state)
{
	(void)state;
	const struct flat_field all[] = {
	        {TEXT("reason"), {FLAT_TEXT, TEXT("waiting")}},
	        {TEXT("agent_id"), {FLAT_TEXT, TEXT("ann")}},
	        {TEXT("resolution"), {FLAT_TEXT, TEXT("solved")}},
	        {TEXT("automatic"), {FLAT_TRUE, TEXT_ABSENT}},
	};
	assert_int_equal(make_state("open", all, 4), FLAT_EVENT);
	assert_int_equal(n_pair, 2);
	assert_int_equal(pair[0].type, EVENT_REOPENED);
	assert_text(pair[0].id, "7/reopened");
	assert_text(pair[0].sequence, "1");
	assert_true(text_is_absent(pair[0].texts[EVENT_REASON]));
	assert_int_equal(pair[1].type, EVENT_RESUMED);
	assert_text(pair[1].id, "7/resumed");
	assert_text(pair[1].sequence, "2");
	assert_true(text_is_absent(pair[1].texts[EVENT_REASON]));

	assert_int_equal(make_state("paused", all, 4), FLAT_EVENT);
	assert_int_equal(n_pair, 2);
	assert_text(pair[0].sequence, "1");
	assert_int_equal(pair[1].type, EVENT_PAUSED);
	assert_text(pair[1].id, "7/paused");
	assert_text(pair[1].sequence, "2");
	assert_text(pair[1].texts[EVENT_REASON], "waiting");

	assert_int_equal(make_state("resolved", all, 4), FLAT_EVENT);
	assert_int_equal(n_pair, 1);
	assert_int_equal(pair[0].type, EVENT_RESOLVED);
	assert_text(pair[0].id, "7/resolved");
	assert_text(pair[0].sequence, "3");
	assert_text(pair[0].texts[EVENT_AGENT_ID], "ann");
	assert_int_equal(pair[0].resolution, RESOLUTION_SOLVED);

	assert_int_equal(make_state("closed", all, 4), FLAT_EVENT);
	assert_int_equal(n_pair, 1);
	assert_text(pair[0].id, "7/closed");
	assert_text(pair[0].sequence, "3");
	assert_int_equal(pair[0].automatic, TRI_TRUE);
}

static void test_M14_a_sequence_is_put_before_with_a_dot(void **state)
{
	(void)state;
	const struct flat_field sequence = {TEXT("sequence"), {FLAT_INTEGER, TEXT("0042")}};
	assert_int_equal(make_state("open", &sequence, 1), FLAT_EVENT);
	assert_text(pair[0].sequence, "0042.1");
	assert_text(pair[1].sequence, "0042.2");
}

static void test_M14_other_kinds_and_fields_are_errors(void **state)
{
	(void)state;
	const struct flat_field field = {TEXT("priority"), {FLAT_TEXT, TEXT("1")}};
	assert_int_equal(make_state("merged", NULL, 0), FLAT_UNKNOWN);
	assert_int_equal(make_state("open", &field, 1), FLAT_UNKNOWN);
	const struct flat_field id = {TEXT("id"), {FLAT_NULL, TEXT_ABSENT}};
	assert_int_equal(make_state("open", &id, 1), FLAT_REJECTED);
	assert_int_equal(rejection.reason, DEAD_MISSING_FIELD);
}

/* ---- M2 ---- */

static void test_M2_text_that_is_no_text_is_replaced(void **state)
{
	(void)state;
	const char *error;
	size_t at_byte;
	struct text json = TEXT(" [\"a\\u0000\\ud800b\\udc00\\ud83d\\ude00\", -1e999, {\"x\" : []}, null] ");
	assert_true(json_tokens_check(json, 3, &arena, &error, &at_byte));
	assert_false(json_tokens_check(json, 2, &arena, &error, &at_byte));
	struct json_tokens tokens = json_tokens_of(json);
	assert_int_equal(json_tokens_next(&tokens).kind, JSON_BEGIN_ARRAY);
	struct json_token token = json_tokens_next(&tokens);
	assert_int_equal(token.kind, JSON_STRING);
	assert_text(json_token_string(&token, &arena), "a\xef\xbf\xbd\xef\xbf\xbd"
	                                               "b\xef\xbf\xbd\xf0\x9f\x98\x80");
	token = json_tokens_next(&tokens);
	assert_int_equal(token.kind, JSON_NUMBER);
	assert_text(token.text, "-1e999");
	struct json_tokens again = tokens;
	token = json_tokens_next(&again);
	assert_text(json_tokens_skip(&again, &token), "{\"x\" : []}");
	static const enum json_token_kind rest[] = {JSON_BEGIN_OBJECT, JSON_NAME,       JSON_BEGIN_ARRAY,
	                                            JSON_END_ARRAY,    JSON_END_OBJECT, JSON_NULL,
	                                            JSON_END_ARRAY,    JSON_END,        JSON_END};
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		assert_int_equal(json_tokens_next(&tokens).kind, rest[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_M4_fields_become_an_event),
	        TEST(test_M4_unknown_types_and_fields_are_errors),
	        TEST(test_M4_an_integer_is_text_whatever_its_length),
	        TEST(test_M4_the_prefix_is_put_before_each_ticket),
	        TEST(test_M5_an_id_is_required),
	        TEST(test_M5_a_source_begins_with_that_of_the_input),
	        TEST(test_M5_one_identity_with_two_contents_is_found),
	        TEST(test_E5_reasons_are_those_of_messages),
	        TEST(test_E5_a_flat_event_of_more_than_64_KiB_is_too_large),
	        TEST(test_E6_scores_keep_their_digits),
	        TEST(test_M6_zones),
	        TEST(test_M6_local_times),
	        TEST(test_M6_numbers_are_times_by_their_size),
	        TEST(test_M9_dates_that_people_write),
	        TEST(test_M14_a_condition_is_one_or_two_events),
	        TEST(test_M14_a_sequence_is_put_before_with_a_dot),
	        TEST(test_M14_other_kinds_and_fields_are_errors),
	        TEST(test_M2_text_that_is_no_text_is_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
