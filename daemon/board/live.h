/* The state that all pages show, and its last changes: what a page gets when it comes, and when it comes back. */
#ifndef KPID_BOARD_LIVE_H
#define KPID_BOARD_LIVE_H

#include "adapters/http/blob.h"
#include "board/part.h"

enum { LIVE_RING = 120 /* deltas that are kept for pages that come back */ };

struct live {
	char boot[20];                /* names this run; seq counts from 0 in each */
	struct part_stamp stamp;      /* of the last publication */
	struct part *shown[PART_N];   /* as published; NULL: unknown */
	struct part *next[PART_N];    /* to be published */
	struct blob *ring[LIVE_RING]; /* events by seq % LIVE_RING */
	struct blob *snapshot;        /* of the last publication, as JSON; NULL: not asked for yet */
	struct blob *snapshot_event;
};

/* boot: different in each run. */
void live_init(struct live *live, uint64_t boot);
void live_release(struct live *live);
/* Sets a part of the next publication, and takes the reference. */
void live_set(struct live *live, enum board_part name, struct part *part);
/* Whether the part was set, and differs from what is published. */
bool live_has_news(const struct live *live, enum board_part name);
/* Publishes the parts that were set. Returns the event that takes a page from the previous publication to this one;
 * borrowed. */
struct blob *live_publish(struct live *live, int64_t now_us, int64_t as_of_us);
/* The state as one JSON object, and as an event; borrowed. */
struct blob *live_snapshot(struct live *live);
struct blob *live_snapshot_event(struct live *live);
/* Finds the events after the one with the id that a page saw last. Returns their number, and the first one's seq; -1 if
 * they are not all kept, or the id is of another run. */
int live_since(const struct live *live, struct text last_event_id, uint64_t *first_out);
struct blob *live_event(const struct live *live, uint64_t seq);

#endif
