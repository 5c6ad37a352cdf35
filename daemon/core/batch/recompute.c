/* The rows of a stored ticket, from its history alone. */
#include <errno.h>
#include <stdlib.h>

#include "../ticket/folding.h"
#include "changes.h"
#include "find_pin.h"
#include "kpid/core/history.h"
#include "sums_sink.h"

/* ---- is it a history? ---- */

/* An event with its own copy of the id, which a stream overwrites. */
struct kept_event {
	struct ticket_event event;
	char id[HISTORY_ID_CHARS];
};

static void keep_event(struct kept_event *kept, const struct ticket_event *event)
{
	kept->event = *event;
	if (event->id.len <= HISTORY_ID_CHARS) /* longer ids are literals of the history */
		kept->event.id.ptr = memcpy(kept->id, event->id.ptr, event->id.len);
}

/* Adds all events to the plan. -EBADMSG: broken, or not in the order of F1. */
static int plan_in_order(struct text history, struct text ticket_id, struct step_plan *plan, size_t *n_out)
{
	struct history_stream stream;
	struct kept_event previous;
	size_t n = 0;
	history_stream_begin(&stream, history, ticket_id);
	for (const struct ticket_event *event; (event = event_stream_next(&stream.stream)) != NULL; n++) {
		if (n > 0 && ticket_event_order(&previous.event, event) > 0)
			return -EBADMSG;
		keep_event(&previous, event);
		step_plan_add(plan, event);
	}
	*n_out = n;
	return stream.result;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static int compare_identities(const void *a, const void *b)
{
	const struct ticket_event *x = a, *y = b;
	int order = text_compare(x->id, y->id);
	return order != 0 ? order : text_compare(x->source, y->source);
}

/* Exact, but it needs all events in memory. */
static bool has_identity_twice(struct text history, struct text ticket_id, struct arena *scratch)
{
	struct ticket_event *events;
	size_t n;
	if (history_unpack(history, ticket_id, scratch, &events, &n) != 0)
		return true;
	qsort(events, n, sizeof(*events), compare_identities);
	for (size_t i = 1; i < n; i++)
		if (ticket_event_same_identity(&events[i - 1], &events[i]))
			return true;
	return false;
}

static bool has_duplicates(struct text history, struct text ticket_id, size_t n, struct arena *scratch)
{
	struct history_stream stream;
	uint64_t *hashes = arena_alloc(scratch, n * sizeof(*hashes));
	history_stream_begin(&stream, history, ticket_id);
	for (size_t i = 0; i < n; i++)
		hashes[i] = ticket_event_identity_hash(event_stream_next(&stream.stream));
	if (n > 1)
		qsort(hashes, n, sizeof(*hashes), compare_hashes);
	for (size_t i = 1; i < n; i++)
		if (hashes[i - 1] == hashes[i])
			return has_identity_twice(history, ticket_id, scratch);
	return false;
}

/* ---- its rows ---- */

int batch_recompute(struct text ticket_id, const struct stored_ticket *stored, const struct batch_rules *rules,
                    struct arena *scratch, struct buf *packed, const struct batch_sink *sink, struct kpi_sums *sums,
                    int32_t *revision_no_out)
{
	struct fold_pin pin;
	struct step_plan plan;
	struct ticket ticket, none = {.state = TICKET_UNKNOWN};
	struct changes changes;
	size_t n, no_limit = SIZE_MAX;
	int result = find_pin(stored, rules, &pin, revision_no_out);
	if (result != BATCH_OK)
		return result;
	step_plan_init(&plan, scratch);
	result = plan_in_order(stored->history, ticket_id, &plan, &n);
	if (result == 0 && has_duplicates(stored->history, ticket_id, n, scratch))
		result = -EBADMSG;
	if (result != 0)
		return result;
	step_plan_finish(&plan);
	pin.opened_us = plan.opened_us; /* the stored column must not choose another revision */

	struct history_stream history;
	struct writing_stream stream;
	history_stream_begin(&history, stored->history, ticket_id);
	buf_clear(packed);
	writing_stream_begin(&stream, &history.stream, packed);
	struct folding *folding =
	        folding_begin(&plan, &stream.stream, &rules->fold, &pin, stored->as_of_us, NULL, scratch, &ticket);
	folding_take_steps(folding, &no_limit);
	struct sums_sink sums_sink;
	sums_sink_begin(&sums_sink, sums, 1);
	no_limit = SIZE_MAX;
	folding_settle(folding, &sums_sink.sink, &no_limit);
	sums_sink_finish(&sums_sink, &ticket);
	struct ticket_row row = {ticket_id, stored->rev, stored->as_of_us, &ticket, buf_text(packed)};
	sink->ticket(sink->context, &row);
	changes_begin(&changes, ticket_id, &none, NULL, &ticket, folding);
	no_limit = SIZE_MAX;
	changes_put(&changes, sink, &no_limit);
	return BATCH_OK;
}
