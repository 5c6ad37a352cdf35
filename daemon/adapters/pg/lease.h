/* A lease lets one instance at a time do a task, such as sending alerts. It is a row of kpid.lease with a holder, an
 * epoch, and an expiry by PostgreSQL's clock. A holder that is frozen or disconnected loses the lease when it expires;
 * one whose session has ended loses it at once.
 *
 * Guarantees: each transaction of the holder begins with lease_fence(), which fails unless the epoch is the newest.
 * PostgreSQL cannot fence messages to other systems. So the holder checks lease_is_held() before it sends, by a clock
 * that goes on while the process is frozen, and then sends nothing that it read before. Messages that were on their way
 * may still arrive after the next holder has sent the same ones. */
#ifndef KPID_ADAPTERS_PG_LEASE_H
#define KPID_ADAPTERS_PG_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "kpid/base/buf.h"

struct lease_times {      /* in microseconds */
	int64_t long_us;  /* from a renewal to the expiry */
	int64_t renew_us; /* between renewals while there is work */
	int64_t take_us;  /* between attempts to take the lease while there is work */
	int64_t idle_us;  /* between both while there is none; less than long_us */
	int64_t spare_us; /* between attempts to take a lease for which nothing ever waits */
};

extern const struct lease_times lease_times;

struct lease_task {
	const char *name; /* kpid.lease.name */
	const char *what; /* what waits while nobody holds it, for the log: "messages about alerts" */
	/* A query that returns a row, with the columns of outbox_oldest.sql, if something waits. NULL: nothing ever
	 * waits. */
	const char *oldest_query;
	void (*looked)(void *context); /* after each look: the lease is held or not, and waits is up to date */
	void (*lost)(void *context);   /* another instance has taken over: drop unfinished work */
	void *context;
};

struct lease {
	struct lease_task task;
	struct pg_session *session;
	char *holder;           /* name of this instance */
	int64_t epoch;          /* 0: not held */
	int64_t valid_until_us; /* by boot_clock_us(), as the others */
	int64_t asked_us;       /* of the last request to take or renew it */
	struct buf late;        /* who ought to send what has waited too long; empty: nothing has */
	int64_t late_logged_us; /* of the last log line about a delay; 0: no delay */
	bool asking;
	bool waits; /* at the last look, something waited, for this instance or another one */
};

/* The caller owns the session, and calls lease_forget() when it is lost. */
void lease_init(struct lease *lease, struct pg_session *session, const char *holder, const struct lease_task *task);
void lease_release(struct lease *lease);
/* Takes or renews the lease and logs delays, if it is time to. busy: there may be work, for this instance or for
 * another holder. Call it after lease_wait_us() while the session is ready, and whenever busy becomes true. Returns
 * whether it looks now: then looked() follows, unless the session is lost. */
bool lease_look(struct lease *lease, bool busy);
/* Microseconds until the next look is due. */
int64_t lease_wait_us(const struct lease *lease, bool busy);
bool lease_is_held(const struct lease *lease);
/* Appends "; … wait: …" for the status, if something has waited too long. */
void lease_describe_delay(const struct lease *lease, struct buf *out);
/* Queues the fence; call it first in each transaction of the holder. */
void lease_fence(struct lease *lease);
/* The session was lost, and the lease with it. Does not call lost(). */
void lease_forget(struct lease *lease);

#endif
