/* The sessions of the daemon's parts: whether all of them are open, and which part does not run because its session is
 * missing. */
#ifndef KPID_APP_SESSION_WATCH_H
#define KPID_APP_SESSION_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "kpid/base/buf.h"

struct watched_session {
	const struct pg_session *session; /* borrowed */
	const char *part;                 /* what needs it: "judging deadlines". Static text */
	int64_t missing_since_us;         /* monotonic; 0: it is open */
	bool is_logged;
};

struct session_watch { /* zeroed: empty */
	struct watched_session *items;
	size_t n, capacity;
};

void session_watch_release(struct session_watch *watch);
void session_watch_add(struct session_watch *watch, const struct pg_session *session, const char *part);
/* Call before the session is freed. */
void session_watch_remove(struct session_watch *watch, const struct pg_session *session);
bool session_watch_all_open(const struct session_watch *watch);
/* Logs once if a part has had no session for 5 s, and when it runs again. Call it once a second while the server
 * accepts other sessions; without that, the log has its outage already. Returns the number of parts that were logged
 * now. */
size_t session_watch_check(struct session_watch *watch, int64_t now_us);
/* Appends "; judging deadlines does not run: REASON" for each session that is missing. */
void session_watch_describe(const struct session_watch *watch, struct buf *out);

#endif
