/* From a ticket's events to the steps of its fold, in order (RULES F1-F3). */
#ifndef KPID_CORE_TICKET_STEPS_H
#define KPID_CORE_TICKET_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/event.h"

struct step {
	const struct ticket_event *event; /* if derived: made from a closing, and only its derived fields set */
	int64_t at_us;                    /* the time as which it counts (F2) */
	bool derived;                     /* an extra step of F3 */
};

struct steps {
	struct step *items; /* the opening first, if there is one */
	size_t n;
	int64_t opened_us; /* TIME_NONE: no opening at all (F4) */
	size_t n_of[EVENT_N_TYPES];
};

/* events: sorted by ticket_event_order(), no two of one identity. */
void steps_of_events(const struct ticket_event *const *events, size_t n_events, struct arena *arena,
                     struct steps *steps_out);

#endif
