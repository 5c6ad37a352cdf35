/* What people see of a ticket that differs between two folds of it, by the columns of report.ticket. */
#ifndef KPID_CORE_TICKET_DIFFERENCE_H
#define KPID_CORE_TICKET_DIFFERENCE_H

#include "kpid/base/arena.h"
#include "kpid/core/ticket.h"

struct ticket_difference {
	const char *column;
	struct text before, after; /* absent: NULL */
};

enum { TICKET_MOST_DIFFERENCES = 10 + EVENT_N_ATTRIBUTES };

/* State, owner, times, verdicts and attributes that differ. out: room for TICKET_MOST_DIFFERENCES. Returns their
 * number. Their texts belong to the tickets or to the arena. */
size_t ticket_differences(const struct ticket *before, const struct ticket *after, struct arena *arena,
                          struct ticket_difference *out);

#endif
