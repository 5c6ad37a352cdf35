#include "app/unknown_types.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* So long others of the topic may follow before it is judged. */
static const struct timeval patience = {10, 0};

enum topic_state {
	TOPIC_WAITS, /* to be looked at */
	TOPIC_ASKED,
	TOPIC_SETTLED /* it brought events, or it was said that it did not */
};

struct noted_topic {
	char *name;
	enum topic_state state;
};

/* All topics of one state become of another. Returns how many. */
static size_t move_topics(struct unknown_types *types, enum topic_state from, enum topic_state to)
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

static void wait_for_others(struct unknown_types *types)
{
	if (!evtimer_pending(types->timer, NULL))
		evtimer_add(types->timer, &patience);
}

static void on_found(void *context, PGresult *result)
{
	struct unknown_types *types = context;
	if (!pg_result_ok(result)) {
		log_warning("looking for topics that bring no events: %s", PQresultErrorMessage(result));
		if (move_topics(types, TOPIC_ASKED, TOPIC_WAITS) > 0)
			wait_for_others(types);
		return;
	}
	for (int row = 0; row < PQntuples(result); row++) {
		struct text what = pg_get_text(result, row, 1), advice = pg_get_text(result, row, 2);
		log_warning("%.*s; %.*s", (int)what.len, what.ptr, (int)advice.len, advice.ptr);
	}
	move_topics(types, TOPIC_ASKED, TOPIC_SETTLED);
}

void unknown_types_look(struct unknown_types *types)
{
	struct pg_array names = {.n = 0};
	pg_array_start(&names, PG_OID_TEXT);
	for (size_t i = 0; i < types->n; i++)
		if (types->topics[i].state == TOPIC_WAITS)
			pg_array_text(&names, text_of(types->topics[i].name));
	if (names.n > 0 && pg_session_is_ready(types->session)) {
		move_topics(types, TOPIC_WAITS, TOPIC_ASKED);
		struct pg_param param = pg_array_param(&names);
		pg_session_query(types->session, "queries/unknown_types.sql", &param, 1, on_found, types);
		pg_session_sync(types->session, NULL, NULL);
	} else if (names.n > 0) {
		wait_for_others(types);
	}
	pg_array_release(&names);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	unknown_types_look(context);
}

void unknown_types_note(struct unknown_types *types, const char *topic)
{
	for (size_t i = 0; i < types->n; i++)
		if (strcmp(types->topics[i].name, topic) == 0)
			return;
	types->topics = mem_grow(types->topics, &types->capacity, types->n + 1, sizeof(*types->topics));
	types->topics[types->n++] = (struct noted_topic){mem_strdup(topic), TOPIC_WAITS};
	wait_for_others(types);
}

void unknown_types_forget(struct unknown_types *types)
{
	if (move_topics(types, TOPIC_ASKED, TOPIC_WAITS) > 0)
		wait_for_others(types);
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
