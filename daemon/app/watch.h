/* Watches deadlines: asks the database every tick for the next one and for how far the sources are complete,
 * and fires those that have passed. Deadlines are rows; nothing of them is held here. */
#ifndef KPID_APP_WATCH_H
#define KPID_APP_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "app/lane.h"

struct watch;

struct watch_events {
	/* A deadline has passed, but some source is not known to be complete up to it: find out, and tell the
	 * database (queries/source_seen.sql), then call watch_tick(). */
	void (*needs_completeness)(void *context, int64_t deadline_us);
	void *context;
};

struct watch *watch_new(struct lane_shared *shared, const struct watch_events *events);
void watch_free(struct watch *watch);
/* Begins to tick. */
void watch_start(struct watch *watch);
/* A tick out of turn. */
void watch_tick(struct watch *watch);
/* True when at the last tick no deadline was due, and nothing is being fired. Reset by watch_tick(). */
bool watch_is_quiet(const struct watch *watch);

#endif
