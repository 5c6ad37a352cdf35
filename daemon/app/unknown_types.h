/* Says once in the log that a topic brings nothing but types that kpid does not know, with one of them and the remedy.
 * Such messages are passed over (RULES E4), so without this nobody would notice that no ticket ever comes. */
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
/* A message of an unknown type of this topic was committed. What else the topic brought is looked at some seconds
 * later, once per topic. */
void unknown_types_note(struct unknown_types *types, const char *topic);
/* Looks now at the topics that were noted and not looked at yet. What is sent on the session next runs after it. */
void unknown_types_look(struct unknown_types *types);
/* The session was lost: what was asked is asked again. */
void unknown_types_forget(struct unknown_types *types);

#endif
