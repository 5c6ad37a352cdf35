/* Attends to alerts beside their deadlines: writes to their rows what people have done about them, and what comes of it
 * when time is up: acknowledgements that end, silences that are over. */
#ifndef KPID_APP_ATTEND_H
#define KPID_APP_ATTEND_H

#include <stdbool.h>

#include "adapters/pg/session.h"

struct event;
struct event_base;

struct attend {
	struct pg_session *session;
	struct event *timer;
	bool asking;
	int n_looks_at_all; /* so many looks more are at every alert that a silence keeps back */
	int n_until_all;    /* looks until the next of that kind, whatever has ended */
};

/* Looks every second, whenever the session is ready. */
void attend_init(struct attend *attend, struct event_base *base, struct pg_session *session);
void attend_start(struct attend *attend);
void attend_release(struct attend *attend);
/* Somebody has acted on an alert: looks at once. */
void attend_now(struct attend *attend);
/* The session was lost: what was under way is forgotten. */
void attend_forget(struct attend *attend);

#endif
