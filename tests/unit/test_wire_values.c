/* Which values of fields are accepted: identifiers, words, scores, answers, times (rules E5 to E7, F5). */
#include "wire_case.h"

/* Every identifier of an opening, and the other places where one is required. */
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

/* The form with the identifier inserted. */
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
	/* the text is measured, not its escapes */
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

static void test_E7_null_and_empty_count_as_absent(void **state)
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
	assert_canonical_data(CE("ticket.paused", ",\"reason\":\"\""), "{\"reason\":\"\"}"); /* not an identifier */
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

/* A survey twice: with the value as its answers, and as its expected scores. */
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

static void test_E5_invalid_answers(void **state)
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
	assert_event(
	        CE("ticket.responded", ",\"resolved_at\":\"2100-01-01T00:00:00Z\"")); /* not a field of this type */
	/* `time` counts even if occurred_at is another */
	assert_rejected("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"ticket.opened\","
	                "\"time\":\"2027-01-01T00:00:00Z\",\"data\":{\"ticket_id\":\"T1\",\"opened_at\":\"" TIME_TEXT
	                "\"}}",
	                DEAD_FUTURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_E5_identifiers_have_at_most_256_bytes),
	        TEST(test_E7_whole_numbers_are_identifiers),
	        TEST(test_E7_whole_numbers_are_read_as_their_decimal_text),
	        TEST(test_E7_null_and_empty_count_as_absent),
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
	        TEST(test_E5_invalid_answers),
	        TEST(test_E5_answers_lie_in_0_to_scale_max),
	        TEST(test_answers_may_have_any_names),
	        TEST(test_E2_answers_of_thousands_of_items),
	        TEST(test_E5_future_is_more_than_5_minutes_ahead),
	        TEST(test_E5_future_is_about_past_times_not_promises),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
