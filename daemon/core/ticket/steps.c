#include "steps.h"

#include <stdlib.h>

enum { MAX_DERIVED_PER_CLOSING = 2 };

/* ---- the plan ---- */

void step_plan_init(struct step_plan *plan, struct arena *arena)
{
	plan->arena = arena;
	plan->has_opened = false;
	plan->closings = plan->opening_closing = NULL;
	memset(plan->n_of, 0, sizeof(plan->n_of));
}

/* F1 for two derived steps, or two closings. */
static int compare_derived(const void *a, const void *b)
{
	const struct derived_step *x = a, *y = b;
	if (x->occurred_us != y->occurred_us)
		return x->occurred_us < y->occurred_us ? -1 : 1;
	int order = text_compare(x->closing->sequence, y->closing->sequence);
	if (order == 0)
		order = (x->type > y->type) - (x->type < y->type);
	if (order == 0)
		order = text_compare(x->closing->source, y->closing->source);
	return order != 0 ? order : text_compare(x->closing->id, y->closing->id);
}

/* F2: the earliest opened_at; of equal ones, the first closing. */
static bool opens_earlier(const struct closing *a, const struct closing *b)
{
	if (a->opened_us == TIME_NONE || b == NULL)
		return a->opened_us != TIME_NONE;
	if (a->opened_us != b->opened_us)
		return a->opened_us < b->opened_us;
	const struct derived_step x = {a->occurred_us, a, EVENT_CLOSED}, y = {b->occurred_us, b, EVENT_CLOSED};
	return compare_derived(&x, &y) < 0;
}

static void add_closing(struct step_plan *plan, const struct ticket_event *event)
{
	struct closing *closing = arena_alloc(plan->arena, sizeof(*closing));
	*closing = (struct closing){
	        .next = plan->closings,
	        .occurred_us = event->occurred_us,
	        .ticket_id = event->ticket_id,
	        .source = event->source,
	        .id = arena_text(plan->arena, event->id),
	        .sequence = event->sequence,
	        .agent_id = event->texts[EVENT_AGENT_ID],
	        .opened_us = event->times[EVENT_OPENED_AT],
	        .responded_us = event->times[EVENT_FIRST_RESPONSE_AT],
	        .resolved_us = event->times[EVENT_RESOLVED_AT],
	        .source_no = event->source_no,
	        .source_offset = event->source_offset,
	        .resolution = event->resolution,
	};
	plan->closings = closing;
	if (opens_earlier(closing, plan->opening_closing))
		plan->opening_closing = closing;
}

bool step_plan_needs(enum event_type type)
{
	return type == EVENT_OPENED || type == EVENT_CLOSED;
}

void step_plan_count(struct step_plan *plan, enum event_type type)
{
	plan->n_of[type]++;
}

void step_plan_add(struct step_plan *plan, const struct ticket_event *event)
{
	plan->n_of[event->type]++;
	if (event->type == EVENT_CLOSED) {
		add_closing(plan, event);
	} else if (event->type == EVENT_OPENED && (!plan->has_opened || ticket_event_order(event, &plan->opened) < 0)) {
		plan->opened = *event;
		plan->opened.id = arena_text(plan->arena, event->id);
		plan->has_opened = true;
	}
}

/* F3 */
static size_t derive_from_closing(const struct closing *closing, struct derived_step *out)
{
	size_t n = 0;
	int64_t responded_us = closing->responded_us, resolved_us = closing->resolved_us;
	if (responded_us != TIME_NONE && responded_us <= closing->occurred_us)
		out[n++] = (struct derived_step){responded_us, closing, EVENT_RESPONDED};
	if (resolved_us != TIME_NONE && resolved_us <= closing->occurred_us)
		out[n++] = (struct derived_step){resolved_us, closing, EVENT_RESOLVED};
	return n;
}

void step_plan_finish(struct step_plan *plan)
{
	memcpy(plan->n_steps_of, plan->n_of, sizeof(plan->n_of));
	plan->n_derived = 0;
	if (plan->n_of[EVENT_CLOSED] > 0) {
		size_t most = plan->n_of[EVENT_CLOSED] * MAX_DERIVED_PER_CLOSING, n = 0;
		struct derived_step *derived = arena_alloc(plan->arena, most * sizeof(*derived));
		for (const struct closing *closing = plan->closings; closing != NULL; closing = closing->next)
			n += derive_from_closing(closing, derived + n);
		if (n > 1)
			qsort(derived, n, sizeof(*derived), compare_derived);
		for (size_t i = 0; i < n; i++)
			plan->n_steps_of[derived[i].type]++;
		plan->derived = derived;
		plan->n_derived = n;
	}
	plan->opened_us = TIME_NONE;
	if (plan->has_opened) {
		plan->opened_us = plan->opened.occurred_us;
	} else if (plan->opening_closing != NULL) {
		plan->opened_us = plan->opening_closing->opened_us;
		plan->n_steps_of[EVENT_OPENED]++;
	}
	plan->n_steps = 0;
	for (int type = 0; type < EVENT_N_TYPES; type++)
		plan->n_steps += plan->n_steps_of[type];
}

/* ---- the steps ---- */

void step_cursor_begin(struct step_cursor *cursor, const struct step_plan *plan, struct event_stream *events)
{
	cursor->plan = plan;
	cursor->events = events;
	cursor->n_derived_taken = 0;
	cursor->opening_taken = cursor->opened_passed = cursor->event_is_read = cursor->derived_is_made = false;
}

/* An event of the closing's identity and sequence, with no fields but the closing's agent and, if resolved, its
 * resolution. */
static void make_derived(struct ticket_event *event, const struct closing *closing, enum event_type type,
                         int64_t occurred_us)
{
	ticket_event_init(event);
	event->ticket_id = closing->ticket_id;
	event->source = closing->source;
	event->id = closing->id;
	event->sequence = closing->sequence;
	event->type = type;
	event->occurred_us = occurred_us;
	event->texts[EVENT_AGENT_ID] = closing->agent_id;
	event->source_no = closing->source_no;
	event->source_offset = closing->source_offset;
	if (type == EVENT_RESOLVED)
		event->resolution = closing->resolution;
}

/* F2: the first ticket.opened, or else the closing that has the earliest opened_at. */
static bool take_opening(struct step_cursor *cursor, struct step *step_out)
{
	const struct step_plan *plan = cursor->plan;
	cursor->opening_taken = true;
	if (plan->opened_us == TIME_NONE)
		return false;
	*step_out = (struct step){&plan->opened, plan->opened_us, false};
	if (!plan->has_opened) {
		make_derived(&cursor->derived, plan->opening_closing, EVENT_OPENED, plan->opened_us);
		*step_out = (struct step){&cursor->derived, plan->opened_us, true};
	}
	return true;
}

static void read_event(struct step_cursor *cursor)
{
	cursor->event = event_stream_next(cursor->events);
	cursor->event_is_read = true;
	/* The first ticket.opened was the opening. */
	if (cursor->event != NULL && cursor->event->type == EVENT_OPENED && !cursor->opened_passed) {
		cursor->opened_passed = true;
		cursor->event = event_stream_next(cursor->events);
	}
}

bool step_cursor_next(struct step_cursor *cursor, struct step *step_out)
{
	const struct step_plan *plan = cursor->plan;
	if (!cursor->opening_taken && take_opening(cursor, step_out))
		return true;
	if (!cursor->event_is_read)
		read_event(cursor);
	bool more_derived = cursor->n_derived_taken < plan->n_derived;
	if (more_derived && !cursor->derived_is_made) {
		const struct derived_step *derived = &plan->derived[cursor->n_derived_taken];
		make_derived(&cursor->derived, derived->closing, derived->type, derived->occurred_us);
		cursor->derived_is_made = true;
	}
	if (!more_derived && cursor->event == NULL)
		return false;
	bool derived =
	        more_derived && (cursor->event == NULL || ticket_event_order(cursor->event, &cursor->derived) >= 0);
	*step_out = (struct step){derived ? &cursor->derived : cursor->event, 0, derived};
	if (derived) {
		cursor->n_derived_taken++;
		cursor->derived_is_made = false;
	} else {
		cursor->event_is_read = false;
	}
	int64_t at_us = step_out->event->occurred_us;
	step_out->at_us = at_us < plan->opened_us ? plan->opened_us : at_us;
	return true;
}
