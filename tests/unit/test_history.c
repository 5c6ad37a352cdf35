/* Packing and unpacking the history of a ticket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/core/history.h"

static const char *const words[] = {
        "",
        "a",
        "agent-1",
        "物业",
        "c1ce60f2-b5a9-4776-a400-640fdc6b4956",
        "C1CE60F2-B5A9-4776-A400-640FDC6B4956",
        "c1ce60f2-b5a9-4776-a400-640fdc6b495",
        "d651766ea1668079afe334c7c586b149",
        "deadbee",
        "deadbeef",
};

static struct text word(void)
{
	return text_of(words[(size_t)rand() % (sizeof(words) / sizeof(words[0]))]);
}

static int64_t some_time(void)
{
	return ((int64_t)rand() << 20 ^ rand()) * (rand() % 2 == 0 ? 1 : -1);
}

static void make_event(struct ticket_event *event)
{
	ticket_event_init(event);
	event->ticket_id = TEXT("T-1");
	event->source = word();
	event->id = word();
	event->type = (enum event_type)(rand() % EVENT_N_TYPES);
	event->occurred_us = some_time();
	if (rand() % 3 == 0)
		event->sequence = word();
	for (int i = 0; i < EVENT_N_TEXTS; i++)
		if (rand() % 3 == 0)
			event->texts[i] = word();
	for (int i = 0; i < EVENT_N_TIMES; i++)
		if (rand() % 4 == 0)
			event->times[i] = some_time();
	event->resolution = (uint8_t)(rand() % 5);
	event->automatic = (uint8_t)(rand() % 3);
	event->kind = (uint8_t)(rand() % 4);
	if (rand() % 4 == 0) {
		event->score_micros = rand();
		event->scale_max_micros = rand() % 2 == 0 ? SCORE_ABSENT : rand();
		event->answers_scale_micros = rand() % 2 == 0 ? SCORE_ABSENT : 1 + rand() % 1000;
	}
	event->source_no = rand();
	event->source_offset = some_time();
}

static void assert_same_event(const struct ticket_event *a, const struct ticket_event *b)
{
	assert_true(text_equal(a->ticket_id, b->ticket_id));
	assert_true(ticket_event_same_identity(a, b));
	assert_true(ticket_event_same_content(a, b));
	for (int i = 0; i < EVENT_N_TEXTS; i++)
		assert_true(text_equal(a->texts[i], b->texts[i])); /* absent is not the same as empty */
	assert_int_equal(a->source_no, b->source_no);
	assert_true(a->source_offset == b->source_offset);
}

static void test_packing_round_trips(void **state)
{
	(void)state;
	enum { N = 200 };
	srand(1);
	for (int round = 0; round < 500; round++) {
		struct ticket_event events[N];
		const struct ticket_event *pointers[N];
		struct ticket_event *unpacked;
		size_t n = (size_t)rand() % (round % 50 == 0 ? N : 12), n_unpacked;
		struct buf packed = BUF_INIT;
		struct arena arena;
		arena_init(&arena);
		for (size_t i = 0; i < n; i++) {
			make_event(&events[i]);
			pointers[i] = &events[i];
		}
		history_pack(pointers, n, &packed);
		assert_int_equal(history_unpack(buf_text(&packed), TEXT("T-1"), &arena, &unpacked, &n_unpacked), 0);
		assert_int_equal(n_unpacked, n);
		for (size_t i = 0; i < n; i++)
			assert_same_event(&unpacked[i], &events[i]);
		arena_release(&arena);
		buf_release(&packed);
	}
}

static void test_common_events_are_small(void **state)
{
	(void)state;
	struct ticket_event events[4];
	const struct ticket_event *pointers[4];
	struct buf packed = BUF_INIT;
	for (int i = 0; i < 4; i++) {
		ticket_event_init(&events[i]);
		events[i].source = TEXT("/helpdesk");
		events[i].id = TEXT("c1ce60f2-b5a9-4776-a400-640fdc6b4956");
		events[i].type = (enum event_type)i;
		events[i].occurred_us = INT64_C(1793491200000000) + i * 60 * US_PER_SECOND;
		events[i].texts[EVENT_AGENT_ID] = TEXT("agent-007");
		events[i].source_no = 3;
		events[i].source_offset = 1234567;
		pointers[i] = &events[i];
	}
	history_pack(pointers, 4, &packed);
	assert_in_range(packed.len_bytes, 1, 160);
	buf_release(&packed);
}

/* Any bytes are a history or -EBADMSG; the sanitizers check the memory accesses. */
static void test_damaged_histories_are_refused(void **state)
{
	(void)state;
	srand(2);
	int n_refused = 0;
	for (int round = 0; round < 20000; round++) {
		struct ticket_event events[3], *unpacked;
		const struct ticket_event *pointers[3] = {&events[0], &events[1], &events[2]};
		struct buf packed = BUF_INIT;
		struct arena arena;
		size_t n_unpacked;
		for (int i = 0; i < 3; i++)
			make_event(&events[i]);
		history_pack(pointers, 3, &packed);
		for (int i = 0; i < 3; i++)
			packed.data[(size_t)rand() % packed.len_bytes] = (char)rand();
		size_t len = rand() % 2 == 0 ? packed.len_bytes : (size_t)rand() % (packed.len_bytes + 1);
		/* A copy of exactly that length, so that reading past its end is detected. */
		char *copy = malloc(len == 0 ? 1 : len);
		assert_non_null(copy);
		memcpy(copy, packed.data, len);
		arena_init(&arena);
		int result =
		        history_unpack((struct text){copy, (uint32_t)len}, TEXT("T"), &arena, &unpacked, &n_unpacked);
		assert_true(result == 0 || result == -EBADMSG);
		n_refused += result != 0;
		arena_release(&arena);
		free(copy);
		buf_release(&packed);
	}
	assert_true(n_refused > 1000);
}

/* Each value as an event of one field, whose last bytes are invalid. */
static void test_invalid_values_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t n;
		int expected;
	} cases[] = {
	        {"\1\0\0\1\1\2\2\0", 8, 0},
	        {"\1\14\0\1\1\2\2\0", 8, -EBADMSG},                  /* type 12 */
	        {"\1\0\0\1\1\2\2\200\20", 9, -EBADMSG},              /* text 11 */
	        {"\1\40\0\1\1\2\2\0\40", 9, -EBADMSG},               /* time 5 */
	        {"\1\100\0\1\1\2\2\0\5", 9, -EBADMSG},               /* resolution 5 */
	        {"\1\100\0\1\1\2\2\0\30", 9, -EBADMSG},              /* automatic 3 */
	        {"\1\100\0\1\1\2\2\0\200\2", 10, 0},                 /* a scale of the items */
	        {"\1\100\0\1\1\2\2\0\200\0", 10, -EBADMSG},          /* a scale that is not above 0 */
	        {"\1\100\0\1\1\2\2\0\200", 9, -EBADMSG},             /* announced, but missing */
	        {"\1\0\0\1\1\200\200\200\200\20\2\0", 12, -EBADMSG}, /* source 2^31 */
	        {"\1\213\0\1\1\2\2\0\0\2", 10, 0},
	        {"\1\213\0\1\1\2\2\0\0\0", 10, -EBADMSG},     /* a scale that is not above 0 */
	        {"\1\213\0\1\1\2\2\0\1\2", 10, -EBADMSG},     /* a score below 0 */
	        {"\1\0\0\1\1\377\377\377\377\17\2\0", 12, 0}, /* -2^31 */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ticket_event *events;
		size_t n;
		struct arena arena;
		arena_init(&arena);
		int result = history_unpack((struct text){cases[i].bytes, cases[i].n}, TEXT("T"), &arena, &events, &n);
		if (result != cases[i].expected)
			fail_msg("case %zu: %d", i, result);
		arena_release(&arena);
	}
}

static void test_events_within_a_source_are_counted(void **state)
{
	static const char *const sources[] = {"/desk", "/desktop", "/desk/eu"};
	struct ticket_event events[3];
	const struct ticket_event *packed[3];
	struct buf buf = BUF_INIT;
	size_t n_within, n_events;
	(void)state;
	for (int i = 0; i < 3; i++) {
		ticket_event_init(&events[i]);
		events[i].source = text_of(sources[i]);
		events[i].id = TEXT("1");
		events[i].type = EVENT_OPENED;
		events[i].occurred_us = 0;
		packed[i] = &events[i];
	}
	history_pack(packed, 3, &buf);
	assert_int_equal(history_count_within(buf_text(&buf), TEXT("T"), TEXT("/desk"), &n_within, &n_events), 0);
	assert_int_equal(n_within, 2);
	assert_int_equal(n_events, 3);
	struct text cut = {buf.data, (uint32_t)buf.len_bytes - 1};
	assert_int_equal(history_count_within(cut, TEXT("T"), TEXT("/desk"), &n_within, &n_events), -EBADMSG);
	assert_int_equal(history_count_within(TEXT("\1"), TEXT("T"), TEXT("/desk"), &n_within, &n_events), 0);
	assert_int_equal(n_events, 0);
	buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_packing_round_trips),
	        cmocka_unit_test(test_events_within_a_source_are_counted),
	        cmocka_unit_test(test_common_events_are_small),
	        cmocka_unit_test(test_damaged_histories_are_refused),
	        cmocka_unit_test(test_invalid_values_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
