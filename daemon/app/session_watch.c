#include "app/session_watch.h"

#include <stdlib.h>

#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

#define PATIENCE_US (INT64_C(5) * US_PER_SECOND) /* a session that was closed is usually open again by then */

void session_watch_release(struct session_watch *watch)
{
	free(watch->items);
	*watch = (struct session_watch){.n = 0};
}

void session_watch_add(struct session_watch *watch, const struct pg_session *session, const char *part)
{
	watch->items = mem_grow(watch->items, &watch->capacity, watch->n + 1, sizeof(*watch->items));
	watch->items[watch->n++] = (struct watched_session){.session = session, .part = part};
}

void session_watch_remove(struct session_watch *watch, const struct pg_session *session)
{
	size_t n = 0;
	for (size_t i = 0; i < watch->n; i++)
		if (watch->items[i].session != session)
			watch->items[n++] = watch->items[i];
	watch->n = n;
}

bool session_watch_all_open(const struct session_watch *watch)
{
	for (size_t i = 0; i < watch->n; i++)
		if (!pg_session_is_ready(watch->items[i].session))
			return false;
	return true;
}

/* Returns true if it has logged that the part does not run. */
static bool check(struct watched_session *watched, int64_t now_us)
{
	if (pg_session_is_ready(watched->session)) {
		if (watched->is_logged)
			log_info("%s runs again", watched->part);
		watched->missing_since_us = 0;
		watched->is_logged = false;
		return false;
	}
	if (watched->missing_since_us == 0)
		watched->missing_since_us = now_us;
	if (watched->is_logged || now_us - watched->missing_since_us < PATIENCE_US)
		return false;
	const char *trouble = pg_session_trouble(watched->session);
	log_error("%s does not run, because its session cannot be opened: %s", watched->part,
	          trouble == NULL ? "PostgreSQL does not answer" : trouble);
	watched->is_logged = true;
	return true;
}

size_t session_watch_check(struct session_watch *watch, int64_t now_us)
{
	size_t n = 0;
	for (size_t i = 0; i < watch->n; i++)
		n += check(&watch->items[i], now_us);
	return n;
}

void session_watch_describe(const struct session_watch *watch, struct buf *out)
{
	for (size_t i = 0; i < watch->n; i++) {
		const struct watched_session *watched = &watch->items[i];
		const char *trouble = pg_session_trouble(watched->session);
		if (!pg_session_is_ready(watched->session) && trouble != NULL)
			buf_add_format(out, "; %s does not run: %s", watched->part, trouble);
	}
}
