/* A source: a partition of a Kafka topic, or a file that `kpid ingest` reads as one. */
#ifndef KPID_APP_SOURCE_H
#define KPID_APP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/core/batch.h"
#include "kpid/core/partition.h"
#include "kpid/core/vouch.h"
#include "kpid/core/watermark.h"

/* What the log and kpid.gap say about a gap. */
struct source_gap {
	const char *reason; /* static text */
	int64_t low_offset, high_offset;
};

struct intake;

struct source {
	char *topic;
	int32_t partition;
	enum event_type topic_type; /* type of events in bare JSON; EVENT_TYPE_NONE: no bare JSON */
	struct intake *intake;      /* how records become events; NULL: messages are events. Borrowed */
	int lane;
	int32_t source_no; /* 0 before the first claim */
	int64_t epoch;
	int64_t next_offset;      /* of the first message that is in no batch; OFFSET_NONE: nothing was read */
	int64_t committed_offset; /* next_offset in the database */
	int64_t asked_offset;     /* committed_offset when the database was asked who owns the source */
	int64_t group_offset;     /* committed to the consumer group, for tools that show lag */
	bool owner_asked;         /* it was asked, and the source was not claimed since */
	int64_t fingerprint;      /* of the message before committed_offset, in the database */
	/* If the message at `checked` still matches, the topic has not been recreated. */
	struct known_message checked, read; /* the latest message that was found again; the last message read */
	struct known_message asked;         /* `read` at the time of the question about `checked`; none: not asked */
	struct known_message first;         /* the first message, while its log may be a new one (FIRST_UNSURE) */
	enum partition_state state;         /* changed by source_step() only */
	struct source_gap gap;              /* while a gap is measured or recorded */
	int64_t fenced_us;                  /* monotonic: when it was fenced last */
	uint64_t claim_no;                  /* of the claim that is on its way in the state RECLAIMING */
	bool knows_fingerprint; /* fingerprint is that of the message before committed_offset, as of the last claim */
	int64_t end_offset;     /* where the end was met, which may be after a transaction's marker; OFFSET_NONE */
	int64_t low_offset;     /* the partition's first offset when it was located; 0 */
	int64_t high_offset;    /* high watermark as of the last probe; -1: unknown */
	int64_t high_asked_us;  /* monotonic: when the brokers were asked for it; 0: never */
	struct watermark watermark; /* of the messages before next_offset */
	struct vouch vouch;         /* whether our heartbeat vouches for it */
	uint64_t vouch_round;       /* the last round in which it does */
	int64_t more_since_us;      /* monotonic: since when messages follow the end that was met; 0 */
	int64_t held_since_us;      /* monotonic: since when an open transaction hides messages; 0 */
	bool held_logged;
	int64_t waits_since_us; /* monotonic: since when nothing is delivered despite lag; 0 */
	int n_waits;            /* reassignments in a row because of that */
};

struct sources {
	struct source **items;
	size_t n, capacity;
};

/* Up to which offset the source was read. May be after next_offset, because transactions leave markers in the log.
 * OFFSET_NONE: unknown. */
int64_t source_read_to(const struct source *source);

/* How many messages are to be read and committed; -1: unknown, as where the end is was not seen lately. now_us:
 * monotonic. */
int64_t source_left(const struct source *source, int64_t now_us);

/* Moves to the next state and returns the action that the caller must perform. Ends the process if the event is
 * impossible in the current state. */
enum partition_action source_step(struct source *source, enum partition_event event);

void sources_release(struct sources *sources);
/* Finds the source, or adds it with nothing known yet. Owned by sources. */
struct source *sources_get(struct sources *sources, const char *topic, int32_t partition);
/* Returns NULL if there is none. */
struct source *sources_find_no(const struct sources *sources, int32_t source_no);
/* The source_name of a struct write_order; its context is a struct sources. */
bool sources_name(void *context, int32_t source_no, struct text *topic_out, int32_t *partition_out);

#endif
