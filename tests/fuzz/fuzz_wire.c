/* Any bytes as a message: one of four verdicts, always the same. An event is still the same after it is packed or
 * written out. */
#include <jansson.h>

#include "fuzz.h"
#include "kpid/core/dead_letter.h"
#include "kpid/core/history.h"
#include "message.h"

static void check_detail(const struct wire_rejection *rejection)
{
	size_t n = strnlen(rejection->detail, sizeof(rejection->detail));
	CHECK(rejection->reason < DEAD_ID_CONFLICT);
	CHECK(n > 0 && n < sizeof(rejection->detail));
	for (size_t i = 0; i < n; i++)
		CHECK(rejection->detail[i] >= 0x20 && rejection->detail[i] < 0x7f);
}

static void check_headers_json(const struct wire_message *message)
{
	struct buf json = BUF_INIT;
	const struct batch_dead_letter letter = {.headers = message->headers, .n_headers = message->n_headers};
	dead_letter_headers_json(&letter, &json);
	json_t *read = json_loadb(json.data, json.len_bytes, 0, NULL);
	CHECK(json_array_size(read) == message->n_headers);
	json_decref(read);
	buf_release(&json);
}

static void check_packs(const struct ticket_event *event, struct arena *arena)
{
	struct buf packed = BUF_INIT;
	struct ticket_event *again;
	size_t n;
	history_pack(&event, 1, &packed);
	struct text exact = fuzz_exact(buf_text(&packed));
	CHECK(history_unpack(exact, event->ticket_id, arena, &again, &n) == 0 && n == 1);
	CHECK(ticket_event_same_identity(event, again) && ticket_event_same_content(event, again));
	CHECK(again->source_no == event->source_no && again->source_offset == event->source_offset);
	free((char *)exact.ptr);
	buf_release(&packed);
}

static void check_canonical(const struct ticket_event *event)
{
	struct buf canonical = BUF_INIT;
	ticket_event_canonical(event, &canonical);
	json_t *json = json_loadb(canonical.data, canonical.len_bytes, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	CHECK(json_is_object(json));
	json_decref(json);
	buf_release(&canonical);
}

/* As `kpid dlq requeue` sends it. */
static void check_comes_again(const struct ticket_event *event, struct arena *arena)
{
	struct buf json = BUF_INIT;
	struct ticket_event again;
	struct wire_rejection rejection;
	ticket_event_as_cloudevent(event, &json);
	struct wire_message message = {.value = buf_text(&json), .topic = TEXT("again"), .topic_type = EVENT_TYPE_NONE};
	enum wire_verdict verdict = wire_parse(&message, FUZZ_NOW_US, arena, &again, &rejection);
	if (verdict == WIRE_REJECTED && rejection.reason == DEAD_TOO_LARGE)
		CHECK(json.len_bytes > WIRE_MAX_BYTES);
	else
		CHECK(verdict == WIRE_EVENT && text_equal(event->ticket_id, again.ticket_id) &&
		      ticket_event_same_identity(event, &again) && ticket_event_same_content(event, &again) &&
		      ticket_event_order(event, &again) == 0);
	buf_release(&json);
}

static void check_event(const struct ticket_event *event, struct arena *arena)
{
	CHECK(event->type < EVENT_N_TYPES);
	CHECK(!text_is_empty(event->ticket_id) && !text_is_empty(event->source) && !text_is_empty(event->id));
	CHECK(!text_is_absent(event->sequence));
	CHECK(event->occurred_us <= FUZZ_NOW_US + WIRE_MAX_AHEAD_US);
	check_canonical(event);
	check_packs(event, arena);
	check_comes_again(event, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct text text = fuzz_exact((struct text){(const char *)data, (uint32_t)n_bytes});
	struct wire_header headers[FUZZ_MAX_HEADERS];
	struct wire_message message = fuzz_message(text, headers);
	struct wire_rejection rejection = {DEAD_N_REASONS, ""}, rejection_again;
	struct ticket_event event, event_again;
	struct arena arena;
	arena_init(&arena);
	enum wire_verdict verdict = wire_parse(&message, FUZZ_NOW_US, &arena, &event, &rejection);
	CHECK(verdict == wire_parse(&message, FUZZ_NOW_US, &arena, &event_again, &rejection_again));
	CHECK((verdict == WIRE_TOMBSTONE) == text_is_absent(message.value));
	check_headers_json(&message);
	if (verdict == WIRE_REJECTED) {
		check_detail(&rejection);
		CHECK(rejection.reason == rejection_again.reason);
		CHECK(strcmp(rejection.detail, rejection_again.detail) == 0);
	} else if (verdict == WIRE_EVENT) {
		CHECK(ticket_event_same_content(&event, &event_again));
		check_event(&event, &arena);
	}
	arena_release(&arena);
	free((char *)text.ptr);
	return 0;
}
