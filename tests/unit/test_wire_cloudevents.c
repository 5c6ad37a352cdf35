/* Messages of other CloudEvents libraries: content types, base64, batches, long ids, scales of items (rules E). */
#include "../../daemon/core/wire/base64.h"
#include "wire_case.h"

/* The start of an opening, up to its data. */
#define START                                                                                                          \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/c\",\"type\":\"ticket.opened\",\"time\":\"2026-10-01T08:" \
	"00:00Z\","
#define RATING(data)                                                                                                   \
	"{\"id\":\"1\",\"source\":\"/c\",\"type\":\"survey.submitted\",\"time\":\"2026-10-01T08:00:00Z\","             \
	"\"data\":{\"ticket_id\":\"T1\"," data "}}"

static void assert_ticket(const char *json, const char *ticket_id)
{
	if (parse(json) != WIRE_EVENT)
		fail_msg("%s: %s", rejection.detail, json);
	assert_true(text_equal(event.ticket_id, text_of(ticket_id)));
}

static void assert_rejected_saying(const char *json, enum dead_letter_reason reason, const char *words)
{
	assert_int_equal(parse(json), WIRE_REJECTED);
	if (rejection.reason != reason || strstr(rejection.detail, words) == NULL)
		fail_msg("%s, \"%s\", not \"%s\": %s", dead_letter_reason_name(rejection.reason), rejection.detail,
		         words, json);
}

/* --- E1: the content type --- */

static void test_E1_content_type_outweighs_other_headers(void **state)
{
	static const char *const types[] = {"application/cloudevents+json", "application/cloudevents",
	                                    "application/cloudevents+json; charset=UTF-8"};
	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		const struct wire_header headers[] = {{TEXT("ce_specversion"), TEXT("1.0")},
		                                      {TEXT("ce_type"), TEXT("ticket.closed")},
		                                      {TEXT("ce_id"), TEXT("2")},
		                                      {TEXT("content-type"), text_of(types[i])}};
		assert_int_equal(parse_with(START "\"data\":{\"ticket_id\":\"T1\"}}", headers, 4, EVENT_TYPE_NONE),
		                 WIRE_EVENT);
		assert_int_equal(event.type, EVENT_OPENED);
		assert_true(text_equal(event.id, TEXT("1")));
	}
}

static void test_E1_content_type_excludes_bare_json(void **state)
{
	const struct wire_header header = {TEXT("content-type"), TEXT("application/cloudevents+json")};
	(void)state;
	assert_int_equal(
	        parse_with("{\"ticket_id\":\"T1\",\"time\":\"2026-10-01T08:00:00Z\"}", &header, 1, EVENT_CLOSED),
	        WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_MISSING_FIELD);
}

static void test_E1_other_content_types_are_ignored(void **state)
{
	static const struct text types[] = {{"application/json", 16},
	                                    {"application/cloudevent", 22},
	                                    {"Application/CloudEvents+json", 28},
	                                    {"\xff", 1},
	                                    {"", 0},
	                                    {NULL, 0}};
	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		const struct wire_header headers[] = {{TEXT("ce_type"), TEXT("ticket.closed")},
		                                      {TEXT("ce_id"), TEXT("2")},
		                                      {TEXT("ce_source"), TEXT("/c")},
		                                      {TEXT("ce_time"), TEXT("2026-10-01T08:00:00Z")},
		                                      {TEXT("content-type"), types[i]}};
		assert_int_equal(parse_with("{\"ticket_id\":\"T1\"}", headers, 5, EVENT_TYPE_NONE), WIRE_EVENT);
		assert_int_equal(event.type, EVENT_CLOSED);
	}
}

static void test_E1_a_batch_is_rejected_with_a_remedy(void **state)
{
	const struct wire_header header = {TEXT("content-type"), TEXT("application/cloudevents-batch+json")};
	(void)state;
	assert_int_equal(parse_with("[" START "\"data\":{\"ticket_id\":\"T1\"}}]", &header, 1, EVENT_TYPE_NONE),
	                 WIRE_REJECTED);
	assert_int_equal(rejection.reason, DEAD_NOT_AN_OBJECT);
	assert_string_equal(rejection.detail, "message: an array; send one message per event, not a batch");
}

/* --- E7: data_base64 --- */

static void test_E7_data_base64_is_the_data(void **state)
{
	(void)state;
	assert_ticket(START "\"data_base64\":\"eyJ0aWNrZXRfaWQiOiJTOSJ9\"}", "S9");
	assert_ticket(START "\"data\":null,\"data_base64\":\"eyJ0aWNrZXRfaWQiOiJTOSJ9\"}", "S9");
	assert_ticket(START "\"data\":{\"ticket_id\":\"T1\"},\"data_base64\":null}", "T1");
	/* {"ticket_id":7,"x":"???>>>"}, with an escaped slash, as PHP writes it */
	assert_ticket(START "\"data_base64\":\"eyJ0aWNrZXRfaWQiOjcsIngiOiI\\/Pz8+Pj4ifQ==\"}", "7");
	assert_ticket("{\"id\":\"1\",\"source\":\"/c\",\"type\":\"ticket.opened\",\"time\":\"2026-10-01T08:00:00Z\","
	              "\"data_base64\":\"eyJ0aWNrZXRfaWQiOiJTOSJ9\"}",
	              "S9");
}

static void test_E7_invalid_data_base64(void **state)
{
	(void)state;
	assert_rejected_saying(START "\"data\":{\"ticket_id\":\"S9\"},\"data_base64\":\"eyJ0aWNrZXRfaWQiOiJTOSJ9\"}",
	                       DEAD_BAD_VALUE, "data_base64: both data and data_base64 are present");
	assert_rejected_saying(START "\"data_base64\":null}", DEAD_MISSING_FIELD, "data: missing");
	assert_rejected_saying(START "\"data_base64\":{}}", DEAD_BAD_VALUE, "data_base64: not a string");
	assert_rejected_saying(START "\"data_base64\":\"e30\"}", DEAD_BAD_VALUE, "data_base64: not base64");
	assert_rejected_saying(START "\"data_base64\":\"\"}", DEAD_BAD_VALUE, "not JSON, at byte 0");
	assert_rejected_saying(START "\"data_base64\":\"W10=\"}", DEAD_BAD_VALUE, "not an object");
	assert_rejected_saying(START "\"data_base64\":\"e30=\"}", DEAD_MISSING_FIELD, "ticket_id");
	assert_rejected_saying("{\"type\":\"ticket.opened\",\"data_base64\":\"!\"}", DEAD_MISSING_FIELD, "");
}

static void test_base64_is_strict(void **state)
{
	static const char *const good[][2] = {{"", ""},        {"QQ==", "A"},        {"QUI=", "AB"},
	                                      {"QUJD", "ABC"}, {"QUJDRA==", "ABCD"}, {"+/+/", "\xfb\xff\xbf"}};
	static const char *const bad[] = {"Q",    "QQ",       "QUI",  "QUJDR",  "QQ=",  "====", "QQ===",   "QUJD=",
	                                  "Q=I=", "QQ==QQ==", "QU D", "QUJD\n", "-_-_", "=QUJ", "QUJD===="};
	struct text bytes;
	(void)state;
	for (size_t i = 0; i < N_OF(good); i++) {
		assert_true(base64_decode(text_of(good[i][0]), &arena, &bytes));
		assert_true(text_same(bytes, text_of(good[i][1])));
	}
	for (size_t i = 0; i < N_OF(bad); i++)
		if (base64_decode(text_of(bad[i]), &arena, &bytes))
			fail_msg("\"%s\" is taken for base64", bad[i]);
}

/* --- E5 to E7: other habits of libraries --- */

static void test_E5_errors_of_other_sdks_have_a_remedy(void **state)
{
	(void)state;
	assert_rejected_saying(START "\"data\":\"{\\\"ticket_id\\\":\\\"S7\\\"}\"}", DEAD_BAD_VALUE,
	                       "data: a string; send the object itself");
	assert_rejected_saying(START "\"data\":{\"ticket_id\":20.0}}", DEAD_BAD_VALUE,
	                       "data.ticket_id: not a whole number of at most 20 digits; write a string");
}

static void test_E7_snowflake_ids_are_identifiers(void **state)
{
	(void)state;
	assert_ticket(START "\"data\":{\"ticket_id\":1827364550192837465}}", "1827364550192837465");
	assert_ticket(START "\"data\":{\"ticket_id\":99999999999999999999}}", "99999999999999999999");
	assert_ticket(START "\"data\":{\"ticket_id\":-99999999999999999999}}", "-99999999999999999999");
	assert_rejected_saying(START "\"data\":{\"ticket_id\":100000000000000000000}}", DEAD_BAD_VALUE, "20 digits");
}

static void test_E6_items_have_their_own_scale(void **state)
{
	(void)state;
	assert_ticket(RATING("\"score\":1,\"scale_max\":1,\"answers\":{\"a\":5},\"expected\":{\"a\":4},"
	                     "\"answers_scale_max\":5"),
	              "T1");
	assert_int_equal(event.answers_scale_micros, 5000000);
	assert_rejected_saying(RATING("\"score\":1,\"scale_max\":1,\"answers\":{\"a\":5}"), DEAD_BAD_VALUE,
	                       "data.answers: an item is outside 0 to 1.000000; answers_scale_max names another scale");
	assert_rejected_saying(RATING("\"score\":1,\"scale_max\":1,\"answers\":{\"a\":6},\"answers_scale_max\":5"),
	                       DEAD_BAD_VALUE, "data.answers: an item is outside 0 to 5.000000");
	assert_rejected_saying(RATING("\"score\":1,\"scale_max\":1,\"expected\":{\"a\":6},\"answers_scale_max\":5"),
	                       DEAD_BAD_VALUE, "data.expected: an item is outside 0 to 5.000000");
	assert_rejected_saying(RATING("\"score\":4,\"answers\":{\"a\":4},\"answers_scale_max\":3"), DEAD_BAD_VALUE,
	                       "data.answers: an item is outside 0 to 3.000000");
	assert_rejected_saying(RATING("\"score\":6,\"answers_scale_max\":10"), DEAD_BAD_VALUE,
	                       "data.score: outside 0 to 5.000000; scale_max names another scale");
	assert_rejected_saying(RATING("\"score\":4,\"answers_scale_max\":0"), DEAD_BAD_VALUE,
	                       "data.answers_scale_max: not above 0");
	assert_rejected_saying(RATING("\"score\":4,\"answers_scale_max\":\"5\""), DEAD_BAD_VALUE,
	                       "data.answers_scale_max: not a number");
	assert_ticket(RATING("\"score\":4,\"answers\":{\"a\":5},\"answers_scale_max\":null"), "T1");
	assert_true(event.answers_scale_micros == SCORE_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_E1_content_type_outweighs_other_headers),
	        TEST(test_E1_content_type_excludes_bare_json),
	        TEST(test_E1_other_content_types_are_ignored),
	        TEST(test_E1_a_batch_is_rejected_with_a_remedy),
	        TEST(test_E7_data_base64_is_the_data),
	        TEST(test_E7_invalid_data_base64),
	        TEST(test_base64_is_strict),
	        TEST(test_E5_errors_of_other_sdks_have_a_remedy),
	        TEST(test_E7_snowflake_ids_are_identifiers),
	        TEST(test_E6_items_have_their_own_scale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
