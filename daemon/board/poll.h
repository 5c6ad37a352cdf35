/* Reads the state of the board from the database about once a second, for all pages together, and publishes it; what is
 * new among the breaches, twice a second. Parts that take the database long are read less often, so that the board
 * never costs it more than about a twentieth of its time. */
#ifndef KPID_BOARD_POLL_H
#define KPID_BOARD_POLL_H

#include "board/asker.h"
#include "board/live.h"
#include "board/tally.h"

struct event_base;
struct poll;

/* now: for what must be quick. slow: for what may wait, shared with other questions. Both are borrowed. published() is
 * called with each event for all streams. */
struct poll *poll_new(struct event_base *base, struct asker *now, struct asker *slow, struct live *live,
                      void (*published)(void *context, struct blob *event), void *context);
void poll_free(struct poll *poll);
void poll_start(struct poll *poll);
/* The time by the database's clock, as far as it is known. */
int64_t poll_now_us(const struct poll *poll);
/* The report's zone by its IANA name. Borrowed until the next event of the loop. */
const char *poll_time_zone(const struct poll *poll);
/* When the database was read last, monotonic; 0: never. */
int64_t poll_read_us(const struct poll *poll);
/* Agents, projects or teams. Borrowed; what it shows changes with the next event of the loop. */
const struct tally *poll_tally(const struct poll *poll, enum tally_name name);

#endif
