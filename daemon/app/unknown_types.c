#include "app/unknown_types.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* The time for known types to follow before a topic is checked. */
static const struct timeval delay = {10, 0};

enum topic_state {
	TOPIC_WAITS, /* to be checked */
	TOPIC_QUERIED,
	TOPIC_SETTLED /* it has events, or the warning was logged */
};

struct noted_topic {
	char *name;
	enum topic_state state;
};

/* Changes all topics of one state. Returns their number. */
static size_t change_state(struct unknown_types *types, enum topic_state from, enum topic_state to)
{
	size_t n = 0;
	for (size_t i = 0; i < types->n; i++) {
		if (types->topics[i].state != from)
			continue;
		types->topics[i].state = to;
		n++;
	}
	return n;
}

static void check_later(struct unknown_types *types)
{
	if (!evtimer_pending(types->timer, NULL))
		evtimer_add(types->timer, &delay);
}

static void on_found(void *context, PGresult *result)
{
	struct unknown_types *types = context;
	if (!pg_result_ok(result)) {
		log_warning("checking for topics without events failed: %s", PQresultErrorMessage(result));
		if (change_state(types, TOPIC_QUERIED, TOPIC_WAITS) > 0)
			check_later(types);
		return;
	}
	for (int row = 0; row < PQntuples(result); row++) {
		struct text what = pg_get_text(result, row, UNKNOWN_TYPES_WHAT),
		            advice = pg_get_text(result, row, UNKNOWN_TYPES_ADVICE);
		log_warning("%.*s; %.*s", (int)what.len, what.ptr, (int)advice.len, advice.ptr);
	}
	change_state(types, TOPIC_QUERIED, TOPIC_SETTLED);
}

void unknown_types_check(struct unknown_types *types)
{
	struct pg_array names = {.n = 0};
	pg_array_start(&names, PG_OID_TEXT);
	for (size_t i = 0; i < types->n; i++)
		if (types->topics[i].state == TOPIC_WAITS)
			pg_array_text(&names, text_of(types->topics[i].name));
	if (names.n > 0 && pg_session_is_ready(types->session)) {
		change_state(types, TOPIC_WAITS, TOPIC_QUERIED);
		struct pg_param param = pg_array_param(&names);
		pg_session_query(types->session, "queries/unknown_types.sql", &param, 1, on_found, types);
		pg_session_sync(types->session, NULL, NULL);
	} else if (names.n > 0) {
		check_later(types);
	}
	pg_array_release(&names);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	unknown_types_check(context);
}

void unknown_types_note(struct unknown_types *types, const char *topic)
{
	for (size_t i = 0; i < types->n; i++)
		if (strcmp(types->topics[i].name, topic) == 0)
			return;
	types->topics = mem_grow(types->topics, &types->capacity, types->n + 1, sizeof(*types->topics));
	types->topics[types->n++] = (struct noted_topic){mem_strdup(topic), TOPIC_WAITS};
	check_later(types);
}

void unknown_types_forget(struct unknown_types *types)
{
	if (change_state(types, TOPIC_QUERIED, TOPIC_WAITS) > 0)
		check_later(types);
}

void unknown_types_init(struct unknown_types *types, struct event_base *base, struct pg_session *session)
{
	*types = (struct unknown_types){.session = session};
	types->timer = evtimer_new(base, on_timer, types);
}

void unknown_types_release(struct unknown_types *types)
{
	event_free(types->timer);
	for (size_t i = 0; i < types->n; i++)
		free(types->topics[i].name);
	free(types->topics);
}
