/* Up to when a source is complete: every event that happened before that instant has been read (RULES W).
 *
 * Two things show it. A look at where the source ended at an instant: once it has been read to there, it is complete
 * until then, whatever clocks the senders have. And, while there is a backlog, the events: but one sender whose clock
 * is ahead must not carry the others along. Senders that are behind make it rise late, which raises no false alarm. */
#ifndef KPID_CORE_WATERMARK_H
#define KPID_CORE_WATERMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"

enum {
	WATERMARK_RECENT = 32,    /* events of which the earliest counts */
	WATERMARK_SENDERS = 64,   /* those heard of last */
	WATERMARK_HEARD = 10000,  /* a sender is forgotten that brought none of so many events */
	WATERMARK_WARM_UP = 2000, /* so many events are read before they show anything */
	WATERMARK_ENDS = 16       /* looks that are kept until they are reached; then every other one */
};

struct watermark_sender {
	uint64_t hash;
	int64_t latest_us; /* of its events */
	uint64_t heard_no; /* the number of its last event */
};

struct watermark_end {
	int64_t offset, seen_us;
};

struct watermark {
	int64_t until_us;  /* TIME_NONE: not known */
	uint64_t n_events; /* since it was cleared */
	int64_t recent_us[WATERMARK_RECENT];
	struct watermark_sender senders[WATERMARK_SENDERS];
	size_t n_senders, last_sender;
	struct watermark_end ends[WATERMARK_ENDS]; /* by offset */
	size_t n_ends;
};

/* Nothing is known: the source was taken, or is read again from an earlier place. */
void watermark_clear(struct watermark *watermark);
/* The next event was read. appended_us: the time of its message, by its producer's or the broker's clock;
 * TIME_FOR_EVER: it has none. */
void watermark_event(struct watermark *watermark, struct text source, int64_t occurred_us, int64_t appended_us);
/* At seen_us it ended at that offset, which has not been read yet. Looks come in the order of their time. */
void watermark_end(struct watermark *watermark, int64_t offset, int64_t seen_us);
/* It has been read up to there. */
void watermark_read_to(struct watermark *watermark, int64_t offset);
/* Does a look at its end wait to be reached? */
bool watermark_waits(const struct watermark *watermark);

#endif
