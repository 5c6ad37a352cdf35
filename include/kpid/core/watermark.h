/* The event-time watermark of a source: every event that happened before it has been read (rules W).
 *
 * It rises for two reasons. First, a high watermark of the partition, observed at a known time: once reading has
 * reached it, the source is complete up to that time, whatever the senders' clocks show. Second, during catch-up, the
 * events themselves; one sender whose clock is fast must not move it for the others. A sender whose clock is slow only
 * delays it, which causes no false alarm. */
#ifndef KPID_CORE_WATERMARK_H
#define KPID_CORE_WATERMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"

enum {
	WATERMARK_RECENT = 32,    /* last events; the earliest of them counts */
	WATERMARK_SENDERS = 64,   /* most recent senders */
	WATERMARK_HEARD = 10000,  /* a sender with none of this many last events is forgotten */
	WATERMARK_WARM_UP = 2000, /* events to read before they can move the watermark */
	WATERMARK_ENDS = 16       /* observed ends to keep; when full, every other one is dropped */
};

struct watermark_sender {
	uint64_t hash;
	int64_t latest_us; /* time of its latest event */
	uint64_t heard_no; /* n_events when its last event was read */
};

struct watermark_end {
	int64_t offset, seen_us;
};

struct watermark {
	int64_t until_us;  /* the watermark; TIME_NONE: not known */
	uint64_t n_events; /* since it was cleared */
	int64_t recent_us[WATERMARK_RECENT];
	struct watermark_sender senders[WATERMARK_SENDERS];
	size_t n_senders, last_sender;
	struct watermark_end ends[WATERMARK_ENDS]; /* by offset */
	size_t n_ends;
};

/* Forgets everything: the source was assigned, or is read again from an earlier offset. */
void watermark_clear(struct watermark *watermark);
/* The next event was read. appended_us: timestamp of its message, from the producer's or the broker's clock;
 * TIME_FOR_EVER: it has none. */
void watermark_event(struct watermark *watermark, struct text source, int64_t occurred_us, int64_t appended_us);
/* The source ended at `offset`, not read yet, at seen_us. Calls come in order of time. */
void watermark_end(struct watermark *watermark, int64_t offset, int64_t seen_us);
/* Everything before `offset` has been read. */
void watermark_read_to(struct watermark *watermark, int64_t offset);
/* True if an observed end has not been reached yet. */
bool watermark_waits(const struct watermark *watermark);

#endif
