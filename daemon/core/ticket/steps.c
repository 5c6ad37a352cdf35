#include "steps.h"

#include <stdlib.h>

enum { MAX_DERIVED_PER_CLOSING = 2 };

static bool by_order(const struct ticket_event *a, const struct ticket_event *b)
{
	return ticket_event_order(a, b) < 0;
}

static int compare_steps(const void *a, const void *b)
{
	return ticket_event_order(((const struct step *)a)->event, ((const struct step *)b)->event);
}

/* An event of the closing's identity and sequence, with no fields but the closing's agent. */
static struct ticket_event *derive(const struct ticket_event *closing, enum event_type type, int64_t at_us,
                                   struct arena *arena)
{
	struct ticket_event *event = arena_alloc(arena, sizeof(*event));
	ticket_event_init(event);
	event->ticket_id = closing->ticket_id;
	event->source = closing->source;
	event->id = closing->id;
	event->sequence = closing->sequence;
	event->type = type;
	event->occurred_us = at_us;
	event->texts[EVENT_AGENT_ID] = closing->texts[EVENT_AGENT_ID];
	event->source_no = closing->source_no;
	event->source_offset = closing->source_offset;
	return event;
}

static size_t derive_from_closing(const struct ticket_event *closing, struct arena *arena, struct step *out)
{
	size_t n = 0;
	int64_t responded_us = closing->times[EVENT_FIRST_RESPONSE_AT];
	if (responded_us != TIME_NONE && responded_us <= closing->occurred_us)
		out[n++] = (struct step){derive(closing, EVENT_RESPONDED, responded_us, arena), 0, true};
	int64_t resolved_us = closing->times[EVENT_RESOLVED_AT];
	if (resolved_us != TIME_NONE && resolved_us <= closing->occurred_us) {
		struct ticket_event *resolved = derive(closing, EVENT_RESOLVED, resolved_us, arena);
		resolved->resolution = closing->resolution;
		out[n++] = (struct step){resolved, 0, true};
	}
	return n;
}

/* The extra steps of all closings, sorted. */
static struct step *derive_steps(const struct ticket_event *const *events, size_t n_events, size_t n_closings,
                                 struct arena *arena, size_t *n_out)
{
	struct step *derived = arena_alloc(arena, n_closings * MAX_DERIVED_PER_CLOSING * sizeof(*derived));
	size_t n = 0;
	for (size_t i = 0; i < n_events; i++)
		if (events[i]->type == EVENT_CLOSED)
			n += derive_from_closing(events[i], arena, derived + n);
	if (n > 1)
		qsort(derived, n, sizeof(*derived), compare_steps);
	*n_out = n;
	return derived;
}

/* F2, F3: the first ticket.opened, or else the closing that tells the earliest opened_at. */
static struct step find_opening(const struct ticket_event *const *events, size_t n_events, struct arena *arena)
{
	const struct ticket_event *closing = NULL;
	for (size_t i = 0; i < n_events; i++) {
		const struct ticket_event *event = events[i];
		if (event->type == EVENT_OPENED)
			return (struct step){event, 0, false};
		if (event->type == EVENT_CLOSED && event->times[EVENT_OPENED_AT] != TIME_NONE &&
		    (closing == NULL || event->times[EVENT_OPENED_AT] < closing->times[EVENT_OPENED_AT]))
			closing = event;
	}
	if (closing == NULL)
		return (struct step){NULL, 0, false};
	return (struct step){derive(closing, EVENT_OPENED, closing->times[EVENT_OPENED_AT], arena), 0, true};
}

void steps_of_events(const struct ticket_event *const *events, size_t n_events, struct arena *arena,
                     struct steps *steps_out)
{
	size_t n_closings = 0, n_derived = 0;
	for (size_t i = 0; i < n_events; i++)
		n_closings += events[i]->type == EVENT_CLOSED;
	const struct step *derived = NULL;
	if (n_closings > 0)
		derived = derive_steps(events, n_events, n_closings, arena, &n_derived);

	*steps_out = (struct steps){.opened_us = TIME_NONE};
	struct step *items = arena_alloc(arena, (n_events + n_derived + 1) * sizeof(*items));
	struct step opening = find_opening(events, n_events, arena);
	size_t n = 0;
	if (opening.event != NULL) {
		steps_out->opened_us = opening.event->occurred_us;
		items[n++] = opening;
	}
	for (size_t i = 0, j = 0; i < n_events || j < n_derived;) {
		if (j == n_derived || (i < n_events && by_order(events[i], derived[j].event))) {
			if (events[i] != opening.event)
				items[n++] = (struct step){events[i], 0, false};
			i++;
		} else {
			items[n++] = derived[j++];
		}
	}
	for (size_t i = 0; i < n; i++) {
		int64_t at_us = items[i].event->occurred_us;
		items[i].at_us = at_us < steps_out->opened_us ? steps_out->opened_us : at_us;
		steps_out->n_of[items[i].event->type]++;
	}
	steps_out->items = items;
	steps_out->n = n;
}
