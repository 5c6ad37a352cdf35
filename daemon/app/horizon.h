/* Lays the hours of calendars out in the database for report.sla_live: for the calendars of clocks that run, from the
 * oldest of them to a year ahead. In a session of its own, one calendar after the other, so that nothing waits for it.
 */
#ifndef KPID_APP_HORIZON_H
#define KPID_APP_HORIZON_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "app/rules_book.h"
#include "kpid/base/arena.h"

struct event;
struct event_base;
struct kpid_config;
struct stretch;

struct horizon {
	struct event_base *base;
	const struct kpid_config *config;
	struct rules_book *book;
	void (*load_revisions)(void *context); /* those that the book was found to lack */
	void *context;
	struct pg_session *session; /* NULL: no calendar was needed so far */
	struct event *timer;
	bool looking;
	int64_t look_at_us, look_again_us; /* monotonic: when to look next; 0: not before a calendar is needed */
	/* of the look under way */
	int64_t now_us;
	struct arena arena;
	struct stretch *stretches; /* to be laid out yet */
	size_t n_stretches;
};

/* The configuration and the book outlive the horizon. */
void horizon_init(struct horizon *horizon, struct event_base *base, const struct kpid_config *config,
                  struct rules_book *book, void (*load_revisions)(void *context), void *context);
void horizon_release(struct horizon *horizon);

#endif
