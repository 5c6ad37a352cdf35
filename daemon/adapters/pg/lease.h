/* A lease: one instance at a time does something, such as sending alerts. It is a row of kpid.lease with a holder, an
 * epoch and an end by PostgreSQL's clock. Only kpid's roles can take one, and it ends by itself: a holder that is
 * frozen, or cut off from the server, is succeeded once it has not renewed for LEASE_US; one whose session has ended,
 * at once.
 *
 * What is guaranteed. Each write of the holder begins with lease_fence() in its transaction, and fails under an epoch
 * that is not the newest. What reaches others than PostgreSQL cannot be fenced by it: so the holder asks
 * lease_is_held() before it sends, by a clock that goes on while it is frozen, and sends nothing that it read before.
 * What had left it by then may still arrive, once more, after its successor has sent the same. */
#ifndef KPID_ADAPTERS_PG_LEASE_H
#define KPID_ADAPTERS_PG_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"

#define SQLSTATE_LEASE_LOST "KL001" /* raised by kpid.hold_lease() */

struct lease_times {      /* in microseconds */
	int64_t long_us;  /* from a renewal to the end */
	int64_t renew_us; /* between renewals */
	int64_t take_us;  /* between attempts to take it */
};

extern const struct lease_times lease_times;

struct lease_task {
	const char *name; /* of the lease */
	const char *what; /* is waiting when nobody does it, for the log: "messages about alerts" */
	/* A query with one row if something has waited too long: for how many seconds; who holds the lease, the process
	 * of the server and whether that is still there (all three NULL: nobody). */
	const char *late_query;
	void (*lost)(void *context); /* no longer held: what is under way is to be given up */
	void *context;
};

struct lease {
	struct lease_task task;
	struct pg_session *session;
	char *holder;           /* the name of this instance */
	int64_t epoch;          /* 0: not held */
	int64_t valid_until_us; /* by the clock of lease_now_us() */
	int64_t asked_us;       /* when it was asked for last, or renewed */
	int64_t said_us;        /* when the log named what waits; 0: nothing waits too long */
	bool asking;
};

/* The session belongs to the caller, who calls lease_forget() when it is lost. */
void lease_init(struct lease *lease, struct pg_session *session, const char *holder, const struct lease_task *task);
void lease_release(struct lease *lease);
/* Takes it or renews it, and looks at what waits, when it is time to. Call it several times a second; only while the
 * session is ready. */
void lease_look(struct lease *lease);
bool lease_is_held(const struct lease *lease);
/* Queues the fence: first in each transaction that writes as the holder. */
void lease_fence(struct lease *lease);
/* The session was lost, and with it the lease. Does not call lost(). */
void lease_forget(struct lease *lease);
/* A clock that goes on while the process, or the machine, is stopped. */
int64_t lease_now_us(void);

#endif
