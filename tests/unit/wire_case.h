/* Messages through wire_parse() at a fixed time, and assertions on the event or the rejection: for the test_wire*.c. */
#ifndef KPID_TESTS_WIRE_CASE_H
#define KPID_TESTS_WIRE_CASE_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/buf.h"
#include "kpid/core/wire.h"

#define NOW_US      INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */
#define MINUTE_US   (60 * US_PER_SECOND)
#define TIME_TEXT   "2026-10-01T08:00:00+08:00"
#define TIME_US     INT64_C(1790812800000000)
#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A CloudEvent of the given type. `data` follows ticket_id in its data, so it starts with a comma. */
#define CE(type, data)                                                                                                 \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"" type "\",\"time\":\"" TIME_TEXT          \
	"\",\"data\":{\"ticket_id\":\"T1\"" data "}}"
#define SURVEY(data) CE("survey.submitted", data)

static struct arena arena;
static struct ticket_event event;
static struct wire_rejection rejection;

static inline int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static inline enum wire_verdict parse_on(struct text value, const char *topic, enum event_type topic_type)
{
	const struct wire_message message = {.value = value,
	                                     .topic = text_of(topic),
	                                     .partition = 3,
	                                     .offset = 1234567890123,
	                                     .topic_type = topic_type};
	return wire_parse(&message, NOW_US, &arena, &event, &rejection);
}

static inline enum wire_verdict parse_with(const char *json, const struct wire_header *headers, size_t n_headers,
                                           enum event_type topic_type)
{
	const struct wire_message message = {
	        .value = text_of(json),
	        .headers = headers,
	        .n_headers = n_headers,
	        .topic = TEXT("ticket-opened"),
	        .topic_type = topic_type,
	};
	rejection.detail[0] = '\0';
	return wire_parse(&message, NOW_US, &arena, &event, &rejection);
}

static inline enum wire_verdict parse(const char *json)
{
	return parse_on(text_of(json), "ticket-activity", EVENT_TYPE_NONE);
}

static inline void assert_event(const char *json)
{
	enum wire_verdict verdict = parse(json);
	if (verdict != WIRE_EVENT)
		fail_msg("verdict %d (%s) of %s", (int)verdict, verdict == WIRE_REJECTED ? rejection.detail : "", json);
}

static inline void assert_rejected(const char *json, enum dead_letter_reason reason)
{
	enum wire_verdict verdict = parse(json);
	if (verdict != WIRE_REJECTED)
		fail_msg("verdict %d of %s", (int)verdict, json);
	if (rejection.reason != reason)
		fail_msg("%s (%s), not %s: %s", dead_letter_reason_name(rejection.reason), rejection.detail,
		         dead_letter_reason_name(reason), json);
}

static inline void assert_detail(const char *json, enum dead_letter_reason reason, const char *detail)
{
	assert_rejected(json, reason);
	assert_string_equal(rejection.detail, detail);
}

static inline void assert_text(struct text text, const char *expected)
{
	if (!text_equal(text, text_of(expected)))
		fail_msg("\"%.*s\", not \"%s\"", (int)text.len, text.ptr == NULL ? "" : text.ptr,
		         expected == NULL ? "(absent)" : expected);
}

static inline void assert_canonical_data(const char *json, const char *expected)
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
