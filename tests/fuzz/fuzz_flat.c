/* Any bytes as a flat event (M4): an event, or a reason in ASCII. An event is the same when it is read from its
 * CloudEvent, which is the other reader of events. */
#include "fuzz.h"
#include "kpid/core/dead_letter.h"
#include "kpid/core/flat.h"
#include "message.h"

static int32_t offset_s(void *context, int64_t at_us)
{
	(void)context;
	return at_us < INT64_C(1774746000000000) ? 3600 : 7200; /* 2026-03-29T01:00:00Z */
}

static void check_event(const struct ticket_event *event, struct arena *arena)
{
	struct buf json = BUF_INIT;
	struct ticket_event again;
	struct wire_rejection rejection;
	CHECK(event->type < EVENT_N_TYPES);
	CHECK(!text_is_empty(event->ticket_id) && !text_is_empty(event->source) && !text_is_empty(event->id));
	ticket_event_as_cloudevent(event, &json);
	struct wire_message message = {.value = buf_text(&json), .topic = TEXT("flat"), .topic_type = EVENT_TYPE_NONE};
	enum wire_verdict verdict = wire_parse(&message, FUZZ_NOW_US, arena, &again, &rejection);
	if (verdict == WIRE_REJECTED && rejection.reason == DEAD_TOO_LARGE)
		CHECK(json.len_bytes > WIRE_MAX_BYTES);
	else
		CHECK(verdict == WIRE_EVENT && text_equal(event->ticket_id, again.ticket_id) &&
		      ticket_event_same_identity(event, &again) && ticket_event_same_content(event, &again));
	buf_release(&json);
}

/* The first byte: whether there are a zone and a prefix. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static const struct zone zone = {offset_s, NULL, NULL};
	struct fuzz_input input = {data, data + n_bytes};
	uint8_t choice = fuzz_byte(&input);
	const struct flat_rules rules = {.source = TEXT("/map/x"),
	                                 .ticket_prefix = (choice & 2) != 0 ? TEXT("Z-") : TEXT_ABSENT,
	                                 .zone = (choice & 1) != 0 ? &zone : NULL,
	                                 .now_us = FUZZ_NOW_US};
	struct text json = fuzz_exact((struct text){(const char *)input.at, (uint32_t)(input.end - input.at)});
	struct arena arena;
	struct ticket_event event;
	struct wire_rejection rejection = {.detail = ""};
	struct flat_tally tally = {0, 0};
	arena_init(&arena);
	enum flat_verdict verdict = flat_json(&rules, json, &arena, &tally, &event, &rejection);
	if (verdict == FLAT_EVENT)
		check_event(&event, &arena);
	else
		CHECK(rejection.detail[0] != '\0' && rejection.reason < DEAD_ID_CONFLICT);
	CHECK(tally.n_moved >= 0 && tally.n_twice >= 0);
	arena_release(&arena);
	free((char *)(uintptr_t)json.ptr);
	return 0;
}
