/* Logs once per topic if all its messages have types that kpid does not know, with one of the types and the remedy.
 * Such messages are skipped (rule E4), so otherwise nobody would notice that no ticket ever arrives. */
#ifndef KPID_APP_UNKNOWN_TYPES_H
#define KPID_APP_UNKNOWN_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "adapters/pg/session.h"

struct event_base;
struct noted_topic;

struct unknown_types {
	struct pg_session *session;
	struct event *timer;
	struct noted_topic *topics;
	size_t n, capacity;
};

void unknown_types_init(struct unknown_types *types, struct event_base *base, struct pg_session *session);
void unknown_types_release(struct unknown_types *types);
/* A message of an unknown type from this topic was committed. Some seconds later the topic is checked, once. */
void unknown_types_note(struct unknown_types *types, const char *topic);
/* Checks the noted topics now. Queries sent on the session afterwards run after this one. */
void unknown_types_check(struct unknown_types *types);
/* Call when the session was lost: its query is sent again. */
void unknown_types_forget(struct unknown_types *types);

#endif
