#include "kpid/core/ticket.h"

const char *ticket_state_name(enum ticket_state state)
{
	static const char *const names[] = {
	        [TICKET_UNKNOWN] = "unknown",   [TICKET_OPEN] = "open",     [TICKET_PAUSED] = "paused",
	        [TICKET_RESOLVED] = "resolved", [TICKET_CLOSED] = "closed",
	};
	return names[state];
}
