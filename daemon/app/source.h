/* One source partition: of a Kafka topic, or a file that is read in its place. */
#ifndef KPID_APP_SOURCE_H
#define KPID_APP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/core/batch.h"
#include "kpid/core/watermark.h"

struct source {
	char *topic;
	int32_t partition;
	enum event_type topic_type; /* of bare JSON; EVENT_TYPE_NONE */
	int lane;
	int32_t source_no; /* 0 before the first claim */
	int64_t epoch;
	int64_t next_offset;      /* where reading goes on: of the first message not in a batch; OFFSET_NONE */
	int64_t committed_offset; /* next_offset as the database has it */
	int64_t fingerprint;      /* of the message before committed_offset, as the database has it */
	/* The log that is read is the one that it was when `checked` was read, as long as that is in its place. */
	struct known_message checked, read; /* the latest that was found in its place again; the last read */
	struct known_message asked;         /* `read` as it was when `checked` was asked for; else none */
	struct known_message first;         /* came first of it, of which nothing had been read; none */
	bool assigned;                      /* ours, as far as Kafka says */
	bool reading;                       /* messages are wanted */
	bool stopped;                       /* stands: at a gap, or until it is looked at again */
	bool paused;                        /* as librdkafka was told, which keeps to it beyond a rebalance */
	const char *gap_reason;  /* a gap was met, and where the partition begins and ends is being asked; NULL */
	bool reclaiming;         /* it is stopped, and is being claimed to go on */
	bool fenced;             /* the database knows it otherwise than we do: somebody else has claimed it, or … */
	bool rolled_back;        /* … has lost commits (a fail-over, a restored backup). Then nobody else has it */
	int64_t fenced_us;       /* since when; monotonic */
	bool verify_fingerprint; /* the message before next_offset comes first and must be the one we know */
	int64_t end_offset;      /* position at which its end was met: may be past the last message's; OFFSET_NONE */
	int64_t low_offset;      /* where the partition began when it was looked where to begin; 0 */
	int64_t high_offset;     /* end of the partition as last heard; -1 */
	struct watermark watermark; /* of what was read: next_offset */
	int64_t more_since_us;      /* monotonic: since when its end has been met and more is there; 0 */
	int64_t held_since_us;      /* monotonic: since when an open transaction keeps messages from being read; 0 */
	bool held_was_said;
	int64_t waits_since_us; /* monotonic: since when nothing came though the brokers have more; 0 */
	int n_waits;            /* so often that was for too long, one after the other */
};

struct sources {
	struct source **items;
	size_t n, capacity;
};

/* Up to where it was read, which may be past next_offset: transactions leave places that are no messages. OFFSET_NONE:
 * not known. */
int64_t source_read_to(const struct source *source);

void sources_release(struct sources *sources);
/* Finds it, or adds it with nothing known yet. */
struct source *sources_get(struct sources *sources, const char *topic, int32_t partition);
struct source *sources_find_no(const struct sources *sources, int32_t source_no);
/* The source_name of a struct write_order; its context is a struct sources. */
bool sources_name(void *context, int32_t source_no, struct text *topic_out, int32_t *partition_out);

#endif
