#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../daemon/core/wire/event_fields.h"
#include "kpid/core/event.h"

#define BIT(field) (UINT32_C(1) << (field))

static struct ticket_event event_of(enum event_type type, int64_t occurred_us)
{
	struct ticket_event event;
	ticket_event_init(&event);
	event.ticket_id = TEXT("T1");
	event.source = TEXT("/s");
	event.id = TEXT("1");
	event.type = type;
	event.occurred_us = occurred_us;
	return event;
}

static void assert_canonical(const struct ticket_event *event, const char *expected)
{
	struct buf buf = BUF_INIT;
	ticket_event_canonical(event, &buf);
	assert_string_equal(buf.data, expected);
	buf_release(&buf);
}

static void test_init_leaves_everything_absent(void **state)
{
	struct ticket_event event;
	(void)state;
	memset(&event, 0x5a, sizeof(event));
	ticket_event_init(&event);
	assert_int_equal(event.type, EVENT_TYPE_NONE);
	assert_true(event.occurred_us == TIME_NONE);
	assert_false(text_is_absent(event.sequence));
	assert_true(text_is_empty(event.sequence));
	for (size_t i = 0; i < EVENT_N_TEXTS; i++)
		assert_true(text_is_absent(event.texts[i]));
	for (size_t i = 0; i < EVENT_N_TIMES; i++)
		assert_true(event.times[i] == TIME_NONE);
	assert_true(event.score_micros == SCORE_ABSENT);
	assert_true(event.scale_max_micros == SCORE_ABSENT);
	assert_int_equal(event.resolution, RESOLUTION_ABSENT);
	assert_int_equal(event.kind, SURVEY_KIND_ABSENT);
	assert_int_equal(event.automatic, TRI_ABSENT);
}

static void test_table_is_in_the_order_of_bytes_and_every_name_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < N_FIELDS; i++) {
		assert_int_equal(event_field_find(event_fields[i].name), i);
		assert_int_equal(event_fields[i].name.len, strlen(event_fields[i].name.ptr));
		if (i > 0)
			assert_true(text_compare(event_fields[i - 1].name, event_fields[i].name) < 0);
	}
}

static void test_unknown_names_are_not_found(void **state)
{
	static const char *const names[] = {"",        "a",    "z", "Time", "times", "tim", "_", "\xe4\xb8\x9a",
	                                    "agent_i", "zone", "{"};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(event_field_find(text_of(names[i])), FIELD_UNKNOWN);
}

static void test_E4_the_last_two_parts_of_a_type_count(void **state)
{
	(void)state;
	for (enum event_type type = 0; type < EVENT_N_TYPES; type++)
		assert_int_equal(event_type_find(text_of(event_type_name(type))), type);
	assert_int_equal(event_type_find(TEXT("com.acme.ticket.opened")), EVENT_OPENED);
	assert_int_equal(event_type_find(TEXT(".ticket.opened")), EVENT_OPENED);
	assert_int_equal(event_type_find(TEXT("com.acme.survey.submitted")), EVENT_SURVEY);
	static const char *const unknown[] = {"",
	                                      "opened",
	                                      "ticket.",
	                                      ".",
	                                      "xticket.opened",
	                                      "Ticket.Opened",
	                                      "ticket.opened.",
	                                      "ticket.opened.v1",
	                                      "ticket.opened ",
	                                      "ticket",
	                                      "ticket..opened",
	                                      "survey.opened"};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(event_type_find(text_of(unknown[i])), EVENT_TYPE_NONE);
}

static void test_F1_ranks_are_the_values_of_the_types(void **state)
{
	(void)state;
	assert_string_equal(event_type_name(0), "ticket.opened");
	assert_string_equal(event_type_name(1), "ticket.updated");
	assert_string_equal(event_type_name(2), "ticket.assigned");
	assert_string_equal(event_type_name(3), "ticket.requester_replied");
	assert_string_equal(event_type_name(4), "ticket.responded");
	assert_string_equal(event_type_name(5), "ticket.arrived");
	assert_string_equal(event_type_name(6), "ticket.paused");
	assert_string_equal(event_type_name(7), "ticket.resumed");
	assert_string_equal(event_type_name(8), "ticket.resolved");
	assert_string_equal(event_type_name(9), "ticket.closed");
	assert_string_equal(event_type_name(10), "ticket.reopened");
	assert_string_equal(event_type_name(11), "survey.submitted");
}

static void test_names_of_fields_and_words(void **state)
{
	static const char *const texts[EVENT_N_TEXTS] = {"project_id", "channel",       "category", "priority",
	                                                 "team_id",    "requester_ref", "agent_id", "reason",
	                                                 "survey_id",  "answers",       "expected"};
	static const char *const times[EVENT_N_TIMES] = {"opened_at", "first_response_at", "resolved_at",
	                                                 "first_response_due_at", "resolution_due_at"};
	(void)state;
	for (enum event_text i = 0; i < EVENT_N_TEXTS; i++)
		assert_string_equal(event_text_name(i), texts[i]);
	for (enum event_time i = 0; i < EVENT_N_TIMES; i++)
		assert_string_equal(event_time_name(i), times[i]);
	assert_null(resolution_name(RESOLUTION_ABSENT));
	assert_string_equal(resolution_name(RESOLUTION_SOLVED), "solved");
	assert_string_equal(resolution_name(RESOLUTION_UNSOLVED), "unsolved");
	assert_string_equal(resolution_name(RESOLUTION_CANCELLED), "cancelled");
	assert_string_equal(resolution_name(RESOLUTION_DUPLICATE), "duplicate");
	assert_null(survey_kind_name(SURVEY_KIND_ABSENT));
	assert_string_equal(survey_kind_name(SURVEY_CSAT), "csat");
	assert_string_equal(survey_kind_name(SURVEY_NPS), "nps");
	assert_string_equal(survey_kind_name(SURVEY_CES), "ces");
}

/* The table of rule E2, written a second time. */
static void test_fields_of_each_type(void **state)
{
	static const uint32_t agent = BIT(EVENT_AGENT_ID);
	static const uint32_t texts[EVENT_N_TYPES] = {
	        [EVENT_OPENED] = BIT(EVENT_PROJECT_ID) | BIT(EVENT_CHANNEL) | BIT(EVENT_CATEGORY) |
	                         BIT(EVENT_PRIORITY) | BIT(EVENT_TEAM_ID) | BIT(EVENT_AGENT_ID) |
	                         BIT(EVENT_REQUESTER_REF),
	        [EVENT_UPDATED] = BIT(EVENT_PROJECT_ID) | BIT(EVENT_CATEGORY) | BIT(EVENT_PRIORITY) |
	                          BIT(EVENT_CHANNEL) | BIT(EVENT_REQUESTER_REF),
	        [EVENT_ASSIGNED] = BIT(EVENT_AGENT_ID) | BIT(EVENT_TEAM_ID),
	        [EVENT_RESPONDED] = BIT(EVENT_AGENT_ID),
	        [EVENT_ARRIVED] = BIT(EVENT_AGENT_ID),
	        [EVENT_PAUSED] = BIT(EVENT_REASON),
	        [EVENT_RESUMED] = BIT(EVENT_REASON),
	        [EVENT_RESOLVED] = BIT(EVENT_AGENT_ID),
	        [EVENT_CLOSED] = BIT(EVENT_AGENT_ID),
	        [EVENT_REOPENED] = BIT(EVENT_REASON),
	        [EVENT_SURVEY] = BIT(EVENT_SURVEY_ID) | BIT(EVENT_AGENT_ID) | BIT(EVENT_ANSWERS) | BIT(EVENT_EXPECTED),
	};
	static const uint32_t promises = BIT(EVENT_FIRST_RESPONSE_DUE_AT) | BIT(EVENT_RESOLUTION_DUE_AT);
	(void)state;
	for (enum event_type type = 0; type < EVENT_N_TYPES; type++)
		assert_int_equal(event_type_texts(type), texts[type]);
	assert_int_equal(event_type_times(EVENT_OPENED), promises | BIT(EVENT_OPENED_AT));
	assert_int_equal(event_type_times(EVENT_UPDATED), promises);
	assert_int_equal(event_type_times(EVENT_CLOSED),
	                 BIT(EVENT_OPENED_AT) | BIT(EVENT_FIRST_RESPONSE_AT) | BIT(EVENT_RESOLVED_AT));
	assert_int_equal(event_type_times(EVENT_RESOLVED), 0);
	/* F5 */
	assert_int_equal(event_type_clearable(EVENT_OPENED), texts[EVENT_OPENED]);
	assert_int_equal(event_type_clearable(EVENT_UPDATED), texts[EVENT_UPDATED]);
	assert_int_equal(event_type_clearable(EVENT_ASSIGNED), agent | BIT(EVENT_TEAM_ID));
	for (enum event_type type = EVENT_REQUESTER_REPLIED; type < EVENT_N_TYPES; type++)
		assert_int_equal(event_type_clearable(type), 0);
}

static void test_E2_canonical_of_nothing_has_the_sequence(void **state)
{
	struct ticket_event event = event_of(EVENT_REQUESTER_REPLIED, 1793491200000000);
	(void)state;
	assert_canonical(&event, "{\"data\":{},\"occurred_at\":1793491200000000,\"sequence\":\"\","
	                         "\"type\":\"ticket.requester_replied\"}");
}

static void test_E2_canonical_keys_are_sorted_and_cleared_is_null(void **state)
{
	struct ticket_event event = event_of(EVENT_OPENED, 5);
	(void)state;
	event.sequence = TEXT("007");
	event.times[EVENT_OPENED_AT] = 5;
	event.times[EVENT_RESOLUTION_DUE_AT] = 7;
	event.times[EVENT_FIRST_RESPONSE_DUE_AT] = 6;
	event.texts[EVENT_PROJECT_ID] = TEXT("p");
	event.texts[EVENT_PRIORITY] = TEXT("1");
	event.texts[EVENT_TEAM_ID] = TEXT("t");
	event.texts[EVENT_REQUESTER_REF] = TEXT("r");
	event.texts[EVENT_CATEGORY] = TEXT("");
	event.texts[EVENT_CHANNEL] = TEXT("app");
	event.texts[EVENT_AGENT_ID] = TEXT("");
	assert_canonical(&event, "{\"data\":{\"agent_id\":null,\"category\":null,\"channel\":\"app\","
	                         "\"first_response_due_at\":6,\"opened_at\":5,\"priority\":\"1\",\"project_id\":\"p\","
	                         "\"requester_ref\":\"r\",\"resolution_due_at\":7,\"team_id\":\"t\"},"
	                         "\"occurred_at\":5,\"sequence\":\"007\",\"type\":\"ticket.opened\"}");
}

static void test_E2_canonical_of_a_closing(void **state)
{
	struct ticket_event event = event_of(EVENT_CLOSED, 9);
	(void)state;
	event.automatic = TRI_FALSE;
	event.resolution = RESOLUTION_UNSOLVED;
	event.times[EVENT_FIRST_RESPONSE_AT] = 2;
	event.times[EVENT_RESOLVED_AT] = 3;
	assert_canonical(&event, "{\"data\":{\"automatic\":false,\"first_response_at\":2,\"resolution\":\"unsolved\","
	                         "\"resolved_at\":3},\"occurred_at\":9,\"sequence\":\"\",\"type\":\"ticket.closed\"}");
	event.automatic = TRI_TRUE;
	event.resolution = RESOLUTION_ABSENT;
	event.times[EVENT_FIRST_RESPONSE_AT] = TIME_NONE;
	assert_canonical(&event, "{\"data\":{\"automatic\":true,\"resolved_at\":3},\"occurred_at\":9,\"sequence\":\"\","
	                         "\"type\":\"ticket.closed\"}");
}

static void test_E2_canonical_of_a_survey(void **state)
{
	struct ticket_event event = event_of(EVENT_SURVEY, 9);
	(void)state;
	event.kind = SURVEY_NPS;
	event.score_micros = 8500000;
	event.scale_max_micros = 10000000;
	event.texts[EVENT_ANSWERS] = TEXT("{\"a\":1000000}");
	event.texts[EVENT_EXPECTED] = TEXT("{}");
	event.answers_scale_micros = 5000000;
	event.texts[EVENT_SURVEY_ID] = TEXT("s");
	assert_canonical(
	        &event,
	        "{\"data\":{\"answers\":{\"a\":1000000},\"answers_scale_max\":5000000,\"expected\":{},\"kind\":\"nps\","
	        "\"scale_max\":10000000,\"score\":8500000,\"survey_id\":\"s\"},"
	        "\"occurred_at\":9,\"sequence\":\"\",\"type\":\"survey.submitted\"}");
}

static void test_E2_canonical_escapes_only_quote_backslash_and_controls(void **state)
{
	struct ticket_event event = event_of(EVENT_PAUSED, 9);
	(void)state;
	event.texts[EVENT_REASON] = TEXT("\"\\/\x01\n\x1f\x7f\xe7\xad\x89");
	assert_canonical(&event, "{\"data\":{\"reason\":\"\\\"\\\\/\\u0001\\u000a\\u001f\x7f\xe7\xad\x89\"},"
	                         "\"occurred_at\":9,\"sequence\":\"\",\"type\":\"ticket.paused\"}");
}

static void test_E2_fields_of_other_types_are_no_content(void **state)
{
	struct ticket_event a = event_of(EVENT_RESPONDED, 9);
	struct ticket_event b = a;
	(void)state;
	b.texts[EVENT_PROJECT_ID] = TEXT("p");
	b.times[EVENT_OPENED_AT] = 3;
	assert_true(ticket_event_same_content(&a, &b));
	assert_canonical(&b, "{\"data\":{},\"occurred_at\":9,\"sequence\":\"\",\"type\":\"ticket.responded\"}");
}

static void test_E2_same_content(void **state)
{
	struct ticket_event a = event_of(EVENT_ASSIGNED, 9);
	struct ticket_event b = a;
	(void)state;
	b.id = TEXT("2");
	b.source_offset = 77;
	assert_true(ticket_event_same_content(&a, &b));
	b.texts[EVENT_AGENT_ID] = TEXT("");
	assert_false(ticket_event_same_content(&a, &b)); /* absent is not cleared */
	a.texts[EVENT_AGENT_ID] = TEXT("");
	assert_true(ticket_event_same_content(&a, &b));
	b.occurred_us = 10;
	assert_false(ticket_event_same_content(&a, &b));
	b.occurred_us = 9;
	b.sequence = TEXT("1");
	assert_false(ticket_event_same_content(&a, &b));
	b.sequence = TEXT_ABSENT;
	assert_true(ticket_event_same_content(&a, &b));
	b.type = EVENT_OPENED;
	assert_false(ticket_event_same_content(&a, &b));
}

/* Each field of a type changes both the comparison and the canonical text. */
static void test_E2_comparison_sees_every_field(void **state)
{
	(void)state;
	for (enum event_type type = 0; type < EVENT_N_TYPES; type++) {
		for (size_t i = 0; i < N_FIELDS; i++) {
			struct ticket_event a = event_of(type, 9);
			struct ticket_event b = a;
			struct buf text_a = BUF_INIT, text_b = BUF_INIT;
			if (!event_field_is_of(&event_fields[i], type))
				continue;
			void *member = event_field_in(&event_fields[i], &b);
			enum event_field_kind kind = event_fields[i].kind;
			if (kind == HOLDS_IDENTIFIER || kind == HOLDS_FREE_TEXT || kind == HOLDS_SCORES)
				*(struct text *)member = TEXT("{}");
			else if (kind == HOLDS_PAST_TIME || kind == HOLDS_PROMISE || kind == HOLDS_SCORE)
				*(int64_t *)member = 1;
			else
				*(uint8_t *)member = 1;
			assert_false(ticket_event_same_content(&a, &b));
			ticket_event_canonical(&a, &text_a);
			ticket_event_canonical(&b, &text_b);
			assert_false(text_equal(buf_text(&text_a), buf_text(&text_b)));
			assert_non_null(strstr(text_b.data, event_fields[i].name.ptr));
			buf_release(&text_a);
			buf_release(&text_b);
		}
	}
}

static void test_E1_same_identity(void **state)
{
	struct ticket_event a = event_of(EVENT_ASSIGNED, 9);
	struct ticket_event b = event_of(EVENT_CLOSED, 10);
	(void)state;
	assert_true(ticket_event_same_identity(&a, &b));
	b.id = TEXT("2");
	assert_false(ticket_event_same_identity(&a, &b));
	b.id = a.id;
	b.source = TEXT("/t");
	assert_false(ticket_event_same_identity(&a, &b));
}

static void assert_before(const struct ticket_event *a, const struct ticket_event *b)
{
	assert_true(ticket_event_order(a, b) < 0);
	assert_true(ticket_event_order(b, a) > 0);
}

static void test_F1_order(void **state)
{
	struct ticket_event a = event_of(EVENT_CLOSED, 9);
	struct ticket_event b = a;
	(void)state;
	assert_int_equal(ticket_event_order(&a, &b), 0);
	/* each key outweighs all later ones */
	b.id = TEXT("10");
	assert_before(&a, &b);
	b.source = TEXT("/a");
	assert_before(&b, &a);
	b.type = EVENT_REOPENED;
	assert_before(&a, &b);
	a.sequence = TEXT("10");
	b.sequence = TEXT("09");
	assert_before(&b, &a);
	b.sequence = TEXT("9"); /* by bytes */
	assert_before(&a, &b);
	b.occurred_us = 8;
	assert_before(&b, &a);
}

static void test_F1_no_sequence_comes_first(void **state)
{
	struct ticket_event a = event_of(EVENT_SURVEY, 9);
	struct ticket_event b = event_of(EVENT_OPENED, 9);
	(void)state;
	b.sequence = TEXT("0");
	assert_before(&a, &b);
}

static void test_M11_a_source_contains_itself_and_those_below(void **state)
{
	(void)state;
	assert_true(source_is_within(TEXT("/desk"), TEXT("/desk")));
	assert_true(source_is_within(TEXT("/desk/eu/1"), TEXT("/desk")));
	assert_true(source_is_within(TEXT("/desk/"), TEXT("/desk")));
	assert_false(source_is_within(TEXT("/desktop"), TEXT("/desk")));
	assert_false(source_is_within(TEXT("/des"), TEXT("/desk")));
	assert_false(source_is_within(TEXT("x/desk"), TEXT("/desk")));
	assert_false(source_is_within(TEXT("/Desk"), TEXT("/desk")));
	assert_false(source_is_within(TEXT_ABSENT, TEXT("/desk")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_init_leaves_everything_absent),
	        cmocka_unit_test(test_table_is_in_the_order_of_bytes_and_every_name_is_found),
	        cmocka_unit_test(test_unknown_names_are_not_found),
	        cmocka_unit_test(test_E4_the_last_two_parts_of_a_type_count),
	        cmocka_unit_test(test_F1_ranks_are_the_values_of_the_types),
	        cmocka_unit_test(test_names_of_fields_and_words),
	        cmocka_unit_test(test_fields_of_each_type),
	        cmocka_unit_test(test_E2_canonical_of_nothing_has_the_sequence),
	        cmocka_unit_test(test_E2_canonical_keys_are_sorted_and_cleared_is_null),
	        cmocka_unit_test(test_E2_canonical_of_a_closing),
	        cmocka_unit_test(test_E2_canonical_of_a_survey),
	        cmocka_unit_test(test_E2_canonical_escapes_only_quote_backslash_and_controls),
	        cmocka_unit_test(test_E2_fields_of_other_types_are_no_content),
	        cmocka_unit_test(test_E2_same_content),
	        cmocka_unit_test(test_E2_comparison_sees_every_field),
	        cmocka_unit_test(test_E1_same_identity),
	        cmocka_unit_test(test_F1_order),
	        cmocka_unit_test(test_F1_no_sequence_comes_first),
	        cmocka_unit_test(test_M11_a_source_contains_itself_and_those_below),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
