#include "app/attend.h"

#include <event2/event.h>

#include "kpid/base/log.h"

static void on_attended(void *context, PGresult *result)
{
	(void)context;
	if (!pg_result_ok(result))
		log_warning("attending to alerts: %s", PQresultErrorMessage(result));
}

static void on_end(void *context, PGresult *result)
{
	(void)result;
	((struct attend *)context)->asking = false;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval second = {1, 0};
	struct attend *attend = context;
	(void)fd, (void)what;
	evtimer_add(attend->timer, &second);
	if (attend->asking || !pg_session_is_ready(attend->session))
		return;
	attend->asking = true;
	pg_session_query(attend->session, "queries/alert_attend.sql", NULL, 0, on_attended, attend);
	pg_session_sync(attend->session, on_end, attend);
}

void attend_init(struct attend *attend, struct event_base *base, struct pg_session *session)
{
	*attend = (struct attend){.session = session};
	attend->timer = evtimer_new(base, on_timer, attend);
}

void attend_start(struct attend *attend)
{
	on_timer(-1, 0, attend);
}

void attend_release(struct attend *attend)
{
	event_free(attend->timer);
}

void attend_forget(struct attend *attend)
{
	attend->asking = false;
}
