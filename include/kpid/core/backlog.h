/* What a backlog is, and whether the watch for deadlines holds back. While a lane reads a backlog, its large
 * transactions and those of the watch wait for each other's rows, and most deadlines are of tickets whose next events
 * are about to be read. The batches of the lane judge those, too. All times are monotonic. */
#ifndef KPID_CORE_BACKLOG_H
#define KPID_CORE_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKLOG_LEAST = 5000 /* events */, BACKLOG_SHORT_US = 10000000 };

struct backlog {
	int64_t until_us; /* a lane is taken to read a backlog until then; 0: none does */
	int64_t read_us;  /* when a lane last began to write a part of a backlog; 0: none did */
};

/* Whether a batch is so large that it is part of a backlog. full: it has no room. */
bool backlog_is_part(size_t n_events, bool full);
/* Whether a backlog is read, for people: n_left messages are left to read, and at least BACKLOG_LEAST were for
 * lasts_us. A short one is read before anybody looks. */
bool backlog_is_read(int64_t n_left, int64_t lasts_us);
/* A lane begins to write a batch. part: see backlog_is_part(). */
void backlog_note_batch(struct backlog *backlog, bool part, int64_t now_us);
/* The batch was committed. The next one shows whether there is more. */
void backlog_note_commit(struct backlog *backlog);
/* fired_us: when the watch last looked for deadlines. A backlog that lasts does not hold it back for long. */
bool backlog_holds_back(const struct backlog *backlog, int64_t now_us, int64_t fired_us);
/* due_us: when a refresh of the ledger was due. It would fold the tickets of a backlog once more for each of its
 * batches, and takes PostgreSQL longer than those. So it waits for the end of the backlog, but not forever. */
bool backlog_delays_ledger(const struct backlog *backlog, int64_t now_us, int64_t due_us);

#endif
