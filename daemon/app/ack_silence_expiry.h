/* Updates alerts outside of their deadlines: applies acknowledgements and silences that people added, and ends those
 * whose time is up. */
#ifndef KPID_APP_ACK_SILENCE_EXPIRY_H
#define KPID_APP_ACK_SILENCE_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"

struct event;
struct event_base;

struct ack_silence_expiry {
	struct pg_session *session;
	struct event *timer;
	void (*checked)(void *context);
	void *context;
	int64_t checked_us, checked_all_us; /* monotonic: the last check, and the last one of every silenced alert */
	int64_t next_us;                    /* monotonic: the next check */
	bool started, busy;
	bool again;        /* something happened during a check */
	int n_full_checks; /* the next n checks read every silenced alert */
};

/* checked() is called after each check: there may be another time to wait for, see ack_silence_expiry_at(). */
void ack_silence_expiry_init(struct ack_silence_expiry *expiry, struct event_base *base, struct pg_session *session,
                             void (*checked)(void *context), void *context);
/* Starts with a check. Later ones come when they are asked for, and every minute. */
void ack_silence_expiry_start(struct ack_silence_expiry *expiry);
void ack_silence_expiry_release(struct ack_silence_expiry *expiry);
/* Somebody has acted on alerts: checks at once. */
void ack_silence_expiry_now(struct ack_silence_expiry *expiry);
/* Checks in wait_us microseconds, and at most once a second. */
void ack_silence_expiry_at(struct ack_silence_expiry *expiry, int64_t wait_us);
/* Call when the session was lost: its query will not be answered. */
void ack_silence_expiry_forget(struct ack_silence_expiry *expiry);

#endif
