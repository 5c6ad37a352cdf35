/* A lane: one connection, its source partitions, and its own transactions. It fills one batch while it writes another.
 * Lanes run in parallel and never share a batch. */
#ifndef KPID_APP_LANE_H
#define KPID_APP_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "adapters/pg/writer.h"
#include "app/completeness.h"
#include "app/policy_registry.h"
#include "app/source.h"
#include "app/unknown_types.h"
#include "kpid/config.h"
#include "kpid/core/backlog.h"
#include "kpid/core/batch.h"
#include "kpid/core/common_clock.h"
#include "kpid/core/wire.h"

struct event_base;
struct lane;

/* State that all lanes share. Owned by the application. */
struct lane_shared {
	struct event_base *base;
	struct kpid_config *config; /* in force; a batch being written holds its own */
	int64_t batch_bytes;        /* of one batch: see kpid_config_memory() */
	struct policy_registry *registry;
	struct sources *sources;
	struct unknown_types *unknown_types;
	struct completeness completeness; /* as last read from the database */
	struct common_clock clock;
	struct backlog backlog;
	int64_t n_committed;  /* messages, since the start */
	bool without_sources; /* without any running source, every deadline may fire: after a file was read */
	void *context;
	/* The lane has room again and should be fed. */
	void (*wants_more)(void *context, struct lane *lane);
	/* The lane no longer writes a batch: it was committed or dropped. Revoked partitions can be released. */
	void (*idle)(void *context, struct lane *lane);
	/* The database refuses what a lane writes, until somebody acts. NULL: the lane just retries. */
	void (*cannot_write)(void *load_context, enum sql_error fault);
	/* A batch needs policy revisions that the registry lacks: load them, then call lane_try_flush(). */
	void (*load_revisions)(void *load_context);
	/* A batch is being filled: its tickets will be judged as of `completeness`. */
	void (*batch_begun)(void *load_context);
	/* Committed rows give the deadline scheduler work at that time: see deadline_scheduler_wake(). */
	void (*work_written)(void *load_context, int64_t at_us);
	/* Acknowledgements or silences need attention at that time: see ack_silence_expiry_at(). */
	void (*actions_due)(void *load_context, int64_t at_us);
	/* Tickets that were set aside are due for a retry: see parked_wake(). */
	void (*parked_due)(void *load_context);
	/* The time up to which deadlines were fired last, and whether silent sources were ignored. Tickets that were
	 * set aside without events are judged as of then. TIME_NONE: none were fired yet. */
	int64_t fired_as_of_us;
	bool fired_unconfirmed;
	bool unsettled; /* as last read from the database: some ticket set aside may still be written */
	void *load_context;
};

struct lane *lane_new(struct lane_shared *shared, int index);
void lane_free(struct lane *lane);
void lane_start(struct lane *lane);
const struct pg_session *lane_session(const struct lane *lane);
/* Why PostgreSQL refuses the batch until somebody acts; SQL_TRANSIENT: it does not. */
enum sql_error lane_refusal(const struct lane *lane);

int lane_index(const struct lane *lane);
/* False while the batch being filled is full. */
bool lane_has_room(const struct lane *lane);
/* Parses a message of the source and adds the result to the batch being filled. Copies what it keeps. fingerprint: of
 * this message; appended_us: its timestamp in the log; TIME_FOR_EVER if it has none. Returns true if it is an array
 * with more records: then pass it to lane_feed_more(), in later turns of the event loop, and no other message
 * meanwhile. */
bool lane_feed(struct lane *lane, struct source *source, const struct wire_message *message, int64_t fingerprint,
               int64_t appended_us);
/* Whether a message is read in part. False after its source was dropped: then the message is to be forgotten. */
bool lane_is_amid(const struct lane *lane);
/* Goes on with the message of lane_feed(), whose bytes are where they were. Returns as lane_feed(). */
bool lane_feed_more(struct lane *lane, const struct wire_message *message);
/* Feeds all of a message that is in no log of Kafka. */
void lane_feed_whole(struct lane *lane, struct source *source, const struct wire_message *message, int64_t fingerprint);
/* Drops everything read from a source that is not in a transaction: reading resumes at the committed offset. */
void lane_drop(struct lane *lane, struct source *source);
/* Stops reading a source and drops what was read: another instance has claimed it, or (rolled_back) the database lost
 * commits, as after a fail-over, and has an older epoch or offset than this process. */
void lane_fence(struct lane *lane, struct source *source, bool rolled_back);
/* True while a batch with this source is being written, or waits for a retry. */
bool lane_is_writing(const struct lane *lane, const struct source *source);
/* True if any batch, being filled or written, has this source. */
bool lane_holds(const struct lane *lane, const struct source *source);
bool lane_is_idle(const struct lane *lane); /* no batch is being filled or written */
/* Writes the filled batch if the lane is free. flush: even if it could wait for more messages. */
void lane_try_flush(struct lane *lane, bool flush);
const struct write_parts *lane_parts(const struct lane *lane);

/* Now by PostgreSQL's clock, or by this machine's until that is known. */
int64_t lane_shared_now_us(const struct lane_shared *shared);

#endif
