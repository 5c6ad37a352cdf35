/* Keeps the hours of calendars in the database some way ahead of now, for the views that reckon with them. */
#ifndef KPID_APP_HORIZON_H
#define KPID_APP_HORIZON_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "app/rules_book.h"

struct event;
struct event_base;

struct horizon {
	struct pg_session *session;
	const struct rules_book *book;
	struct event *timer;
	int64_t now_us; /* of the look under way */
	bool looking;
};

void horizon_init(struct horizon *horizon, struct event_base *base, struct pg_session *session,
                  const struct rules_book *book);
void horizon_release(struct horizon *horizon);
/* Looks, and adds what is missing: now, because revisions may have come, and then every hour. */
void horizon_look(struct horizon *horizon);
/* The session was lost: what was under way is forgotten. */
void horizon_forget(struct horizon *horizon);

#endif
