/* Bytes as the history of a ticket: refused, or events with valid values, which pack to an equivalent history. An
 * accepted history can be folded, in any order. */
#include <errno.h>

#include "fuzz.h"
#include "kpid/core/history.h"
#include "kpid/core/ticket.h"

static void check_values(const struct ticket_event *event)
{
	struct buf canonical = BUF_INIT;
	CHECK(event->type < EVENT_N_TYPES);
	CHECK(event->resolution <= RESOLUTION_DUPLICATE && event->kind <= SURVEY_CES && event->automatic <= TRI_TRUE);
	CHECK(!text_is_absent(event->sequence) && !text_is_absent(event->source) && !text_is_absent(event->id));
	ticket_event_canonical(event, &canonical);
	CHECK(canonical.len_bytes > 0);
	buf_release(&canonical);
}

static void check_again(const struct ticket_event *events, size_t n, const struct ticket_event *const *list,
                        struct arena *arena)
{
	struct buf packed = BUF_INIT;
	struct ticket_event *again;
	size_t n_again;
	history_pack(list, n, &packed);
	CHECK(history_unpack(buf_text(&packed), TEXT("T"), arena, &again, &n_again) == 0 && n_again == n);
	for (size_t i = 0; i < n; i++) {
		CHECK(ticket_event_same_identity(&events[i], &again[i]));
		CHECK(ticket_event_same_content(&events[i], &again[i]));
		CHECK(events[i].source_no == again[i].source_no && events[i].source_offset == again[i].source_offset);
	}
	buf_release(&packed);
}

static void fold(const struct ticket_event *const *list, size_t n, struct arena *arena)
{
	const struct policy_set none = {.n_revisions = 0};
	const struct fold_rules rules = {&none, 7 * US_PER_DAY};
	const struct fold_pin pin = {NULL, TIME_NONE};
	struct ticket ticket;
	ticket_fold(list, n, &rules, &pin, TIME_FOR_EVER, NULL, arena, &ticket);
	CHECK(ticket.n_cycles == ticket.cycle);
}

static bool in_order(const struct ticket_event *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* Events from messages have times in this range; sums of other times are undefined. */
		if (list[i]->occurred_us < INT64_C(0) || list[i]->occurred_us > INT64_C(7290000000000000))
			return false;
		for (int j = 0; j < EVENT_N_TIMES; j++)
			if (list[i]->times[j] != TIME_NONE &&
			    (list[i]->times[j] < 0 || list[i]->times[j] > INT64_C(7290000000000000)))
				return false;
		if (i > 0 && ticket_event_order(list[i - 1], list[i]) >= 0)
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct text packed = fuzz_exact((struct text){(const char *)data, (uint32_t)n_bytes});
	struct ticket_event *events = NULL;
	size_t n = SIZE_MAX;
	struct arena arena;
	arena_init(&arena);
	int result = history_unpack(packed, TEXT("T"), &arena, &events, &n);
	if (result != 0) {
		CHECK(result == -EBADMSG && events == NULL && n == SIZE_MAX);
	} else {
		const struct ticket_event **list = arena_alloc(&arena, (n + 1) * sizeof(*list));
		for (size_t i = 0; i < n; i++) {
			check_values(&events[i]);
			list[i] = &events[i];
		}
		check_again(events, n, list, &arena);
		if (in_order(list, n))
			fold(list, n, &arena);
	}
	arena_release(&arena);
	free((char *)packed.ptr);
	return 0;
}
