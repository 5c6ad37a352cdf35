/* Whether the heartbeat of this instance vouches for a partition: the row of kpid.heartbeat then says that the
 * partition is complete, and the partition's own row is not written. The owner must never let it vouch for a partition
 * that it did not see at its end. A statement may fail or skip a locked row, so what was asked for is not what is. */
#ifndef KPID_CORE_VOUCH_H
#define KPID_CORE_VOUCH_H

#include <stdbool.h>
#include <stdint.h>

enum vouch_state {
	VOUCH_NONE,    /* the heartbeat does not vouch for it */
	VOUCH_ASKED,   /* a statement that makes it vouch was sent: it may */
	VOUCH_WRITTEN, /* the statement wrote the row, and its transaction may still fail */
	VOUCH_GIVEN,   /* the heartbeat vouches for it, as long as its row stays at the place */
	VOUCH_ENDING, /* it may still vouch: until that is ruled out, each heartbeat names the partition as an exception
	               */
	VOUCH_N_STATES
};

/* What the row of the partition says. */
struct vouch_place {
	int64_t epoch, next_offset, high_offset, read_to;
};

struct vouch {
	enum vouch_state state;
	struct vouch_place place; /* unless VOUCH_NONE */
	int64_t until_us;         /* the latest time that was vouched for under the current claim; TIME_NONE: none */
};

/* The partition was claimed: the claim has ended what was vouched for. */
void vouch_clear(struct vouch *vouch);
/* The heartbeat is gone, or another one will replace it. What it said about this partition stays true. */
void vouch_forget(struct vouch *vouch);

/* The partition is at its end. Returns true if the heartbeat vouches for it already. Otherwise the caller writes its
 * row so that it does. */
bool vouch_enter(struct vouch *vouch, const struct vouch_place *place);
/* The partition is not at its end, or was not seen. Returns true if the next heartbeat must name it as an exception. */
bool vouch_leave(struct vouch *vouch);
/* The next heartbeat vouches for it until then. */
void vouch_extend(struct vouch *vouch, int64_t until_us);

/* The row that makes it vouch was written. */
void vouch_written(struct vouch *vouch);
/* What was written is committed. */
void vouch_confirm(struct vouch *vouch);
/* No exception of the last heartbeat is left. */
void vouch_left(struct vouch *vouch);
/* Whether the row of the partition names the heartbeat, as read after the last heartbeat. If it does though it should
 * not, each heartbeat names the partition as an exception from now on. */
void vouch_verify(struct vouch *vouch, bool is_named);
/* Whether the database should have it as given, at this place. */
bool vouch_is_given(const struct vouch *vouch, int64_t epoch, int64_t next_offset);

#endif
