/* From a ticket's events to the steps of its fold, in order (rules F1-F3).
 *
 * A ticket may have 100,000 events, so they are never held in memory together: they are read twice. The first time, in
 * any order, a plan notes the opening and the closings, whose fields make extra steps. The second time, in the order
 * of F1, a cursor merges the events with those extra steps. */
#ifndef KPID_CORE_TICKET_STEPS_H
#define KPID_CORE_TICKET_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event_stream.h"
#include "kpid/base/arena.h"
#include "kpid/core/event.h"

/* What steps need to know of a closing. */
struct closing {
	const struct closing *next;
	int64_t occurred_us;
	struct text ticket_id, source, id, sequence, agent_id;
	int64_t opened_us, responded_us, resolved_us; /* TIME_NONE: the closing does not say */
	int32_t source_no;
	int64_t source_offset;
	uint8_t resolution;
};

/* An extra step of F3. */
struct derived_step {
	int64_t occurred_us;
	const struct closing *closing;
	enum event_type type;
};

struct step_plan {
	struct arena *arena;
	struct ticket_event opened; /* the first ticket.opened; has_opened */
	bool has_opened;
	const struct closing *closings;        /* all of them, in no order */
	const struct closing *opening_closing; /* the one with the earliest opened_at; NULL: none has one */
	size_t n_of[EVENT_N_TYPES];            /* events added */
	/* set by step_plan_finish() */
	const struct derived_step *derived; /* in the order of F1 */
	size_t n_derived;
	int64_t opened_us; /* TIME_NONE: no opening at all (F4) */
	size_t n_steps;
	size_t n_steps_of[EVENT_N_TYPES]; /* derived steps included */
};

void step_plan_init(struct step_plan *plan, struct arena *arena);
/* In any order. Texts of the event, except its id, must outlive the plan. */
void step_plan_add(struct step_plan *plan, const struct ticket_event *event);
/* True if step_plan_add() looks at more than the type of such events. For others step_plan_count() is enough. */
bool step_plan_needs(enum event_type type);
void step_plan_count(struct step_plan *plan, enum event_type type);
/* After the last event. More may be added afterwards; then it must be finished again. */
void step_plan_finish(struct step_plan *plan);

struct step {
	const struct ticket_event *event; /* if derived: made from a closing; only its derived fields are set */
	int64_t at_us;                    /* the time at which it counts (F2) */
	bool derived;                     /* an extra step of F3 */
};

struct step_cursor {
	const struct step_plan *plan;
	struct event_stream *events;
	const struct ticket_event *event; /* the next event, if event_is_read; NULL: there are no more */
	size_t n_derived_taken;
	bool opening_taken, opened_passed, event_is_read, derived_is_made;
	struct ticket_event derived; /* the next derived step, if derived_is_made */
};

/* events: exactly those that were added to the plan, in the order of F1. */
void step_cursor_begin(struct step_cursor *cursor, const struct step_plan *plan, struct event_stream *events);
/* The opening comes first, if there is one. step->event is valid until the next call. False: there are no more. */
bool step_cursor_next(struct step_cursor *cursor, struct step *step_out);

#endif
