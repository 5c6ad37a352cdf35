/* Stores the working hours of calendars in the database, for report.sla_live: the hours of each calendar that a running
 * clock uses, from the oldest clock to a year ahead. Uses a session of its own, so that nothing waits for it. */
#ifndef KPID_APP_CALENDAR_MATERIALIZER_H
#define KPID_APP_CALENDAR_MATERIALIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "app/policy_registry.h"
#include "kpid/base/arena.h"

struct event;
struct event_base;
struct kpid_config;
struct period_range;

struct calendar_materializer {
	struct event_base *base;
	const struct kpid_config *config;
	struct policy_registry *registry;
	void (*load_revisions)(void *context); /* loads revisions that the registry lacks */
	void *context;
	struct pg_session *session; /* NULL until a calendar is needed */
	struct event *timer;
	bool busy;
	int64_t check_us, recheck_us; /* monotonic; 0: not scheduled */
	/* of the current check */
	int64_t now_us;
	struct arena arena;
	struct period_range *ranges; /* still to be stored */
	size_t n_ranges;
};

/* The configuration and the registry must outlive the materializer. */
void calendar_materializer_init(struct calendar_materializer *materializer, struct event_base *base,
                                const struct kpid_config *config, struct policy_registry *registry,
                                void (*load_revisions)(void *context), void *context);
void calendar_materializer_release(struct calendar_materializer *materializer);

#endif
