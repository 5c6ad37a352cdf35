/* A lane: one connection with its source partitions and its own transactions. While one batch is in its
 * transaction the next is filled; lanes run side by side and never share a batch. */
#ifndef KPID_APP_LANE_H
#define KPID_APP_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "adapters/pg/writer.h"
#include "app/completeness.h"
#include "app/rules_book.h"
#include "app/source.h"
#include "app/unknown_types.h"
#include "kpid/config.h"
#include "kpid/core/batch.h"
#include "kpid/core/common_clock.h"
#include "kpid/core/wire.h"

struct event_base;
struct lane;

/* What the lanes share. Owned by the application. */
struct lane_shared {
	struct event_base *base;
	struct kpid_config *config; /* in force; a batch on its way holds its own */
	struct rules_book *book;
	struct sources *sources;
	struct unknown_types *unknown_types;
	struct completeness completeness; /* as last heard from the database */
	struct common_clock clock;
	bool without_sources; /* where no source is running everything is complete: after a file was read */
	void *context;
	/* The lane has room again: feed it. */
	void (*wants_more)(void *context, struct lane *lane);
	/* A batch of it was committed; offsets of its sources have moved. */
	void (*committed)(void *context, struct lane *lane);
	/* A batch is not under way any more, committed or given up (for who waits to give partitions away). */
	void (*idle)(void *context, struct lane *lane);
	/* The database is there and refuses what a lane writes, until somebody acts. NULL: the lane goes on trying. */
	void (*cannot_write)(void *load_context, enum sql_fault fault);
	/* A batch needs revisions that the book does not have: load them, then call lane_poke(). */
	void (*load_revisions)(void *load_context);
	/* Somebody has acted on an alert: see attend_now(). */
	void (*attend)(void *load_context);
	/* Some of what was set aside is to be tried again: see parked_wake(). */
	void (*parked_due)(void *load_context);
	/* Up to where deadlines were fired last, and whether silent sources were left out: tickets that were set aside
	 * with their deadlines alone are judged as of then. TIME_NONE: none were fired yet. */
	int64_t fired_as_of_us;
	bool fired_unconfirmed;
	bool unsettled; /* as last heard from the database: something set aside is not known to be refused */
	void *load_context;
};

struct lane *lane_new(struct lane_shared *shared, int index);
void lane_free(struct lane *lane);
void lane_start(struct lane *lane);

int lane_index(const struct lane *lane);
/* May another message be fed? False while the batch that is filled is full. */
bool lane_has_room(const struct lane *lane);
/* Parses one message of the source and puts what it is into the batch that is filled. value and headers may
 * go away afterwards. fingerprint: of this message; appended_us: its time in the log, TIME_FOR_EVER: it has none. */
void lane_feed(struct lane *lane, struct source *source, const struct wire_message *message, int64_t fingerprint,
               int64_t appended_us);
/* Forgets what was read of a source and is not in a transaction: reading goes on where the database stands. */
void lane_drop(struct lane *lane, struct source *source);
/* The source is not read any more, and what was read of it is dropped: another instance has claimed it, or
 * (rolled_back) the database has lost commits, as after a fail-over, and knows an earlier epoch or offset than we do.
 */
void lane_fence(struct lane *lane, struct source *source, bool rolled_back);
/* Is a batch with this source in its transaction (or waiting to be tried again)? */
bool lane_is_writing(const struct lane *lane, const struct source *source);
/* Is anything of it in a batch, be that filled or in its transaction? */
bool lane_holds(const struct lane *lane, const struct source *source);
bool lane_is_idle(const struct lane *lane); /* nothing is filled or under way */
/* Starts the filled batch if it may start; flush: even if it could wait for company. */
void lane_poke(struct lane *lane, bool flush);
const struct write_parts *lane_parts(const struct lane *lane);

/* By the common clock; by the machine's, as long as that is not known. */
int64_t lane_shared_now_us(const struct lane_shared *shared);
int64_t wall_clock_us(void);
int64_t monotonic_clock_us(void);

#endif
