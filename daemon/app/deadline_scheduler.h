/* Fires deadlines: each tick reads the next one and the event-time watermarks of the sources from the database, and
 * fires the deadlines that have passed. Deadlines are rows of the database; none are kept in memory. */
#ifndef KPID_APP_DEADLINE_SCHEDULER_H
#define KPID_APP_DEADLINE_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/lane.h"

struct deadline_scheduler;

struct deadline_scheduler_events {
	/* A deadline has passed, but the watermark of some source is older: observe the sources, store that in the
	 * database (queries/source_observed.sql), then call deadline_scheduler_tick(). NULL: this process has no
	 * sources. */
	void (*needs_completeness)(void *context, int64_t deadline_us);
	void *context;
};

struct deadline_scheduler *deadline_scheduler_new(struct lane_shared *shared,
                                                  const struct deadline_scheduler_events *events);
void deadline_scheduler_free(struct deadline_scheduler *scheduler);
/* Starts the ticks: one when the next deadline is due, then every sla.tick until it has fired; otherwise every 10 s. */
void deadline_scheduler_start(struct deadline_scheduler *scheduler);
const struct pg_session *deadline_scheduler_session(const struct deadline_scheduler *scheduler);
/* Ticks at once. */
void deadline_scheduler_tick(struct deadline_scheduler *scheduler);
/* Ticks at that time at the latest, by PostgreSQL's clock: a deadline was committed. TIME_NONE: at once. */
void deadline_scheduler_wake(struct deadline_scheduler *scheduler, int64_t at_us);
/* Ticks at once, unless the last tick was less than sla.tick ago: shared->completeness is about to be used. */
void deadline_scheduler_refresh(struct deadline_scheduler *scheduler);
/* True if no deadline was due at the last tick and none is being fired. deadline_scheduler_tick() resets it. */
bool deadline_scheduler_is_quiet(const struct deadline_scheduler *scheduler);
/* For how many microseconds a tick has been due without an answer; TIME_FOR_EVER: none was ever answered. */
int64_t deadline_scheduler_overdue_us(const struct deadline_scheduler *scheduler);

#endif
