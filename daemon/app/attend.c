#include "app/attend.h"

#include <event2/event.h>

#include "adapters/pg/rows.h"

/* Alerts that a silence keeps back may be many, and are looked at when one has ended. The batch of a moment before may
 * put one more, and a row may be locked: so a few times more, and now and then anyway. */
enum { LOOKS_AFTER_END = 5, LOOKS_BETWEEN = 60 };

static void on_silences(void *context, PGresult *result)
{
	struct attend *attend = context;
	if (pg_result_ok(result) && PQntuples(result) == 1 && pg_get_bool(result, 0, 0))
		attend->n_looks_at_all = LOOKS_AFTER_END;
}

static void on_end(void *context, PGresult *result)
{
	(void)result;
	((struct attend *)context)->asking = false;
}

static void ask_about_silences(struct attend *attend)
{
	bool all = attend->n_looks_at_all > 0 || attend->n_until_all == 0;
	char byte = all ? 1 : 0;
	struct pg_param param = {&byte, 1, true};
	attend->n_looks_at_all -= attend->n_looks_at_all > 0;
	attend->n_until_all = attend->n_until_all == 0 ? LOOKS_BETWEEN : attend->n_until_all - 1;
	pg_session_query(attend->session, "queries/silence_attend.sql", &param, 1, on_silences, attend);
}

static void look(struct attend *attend, bool at_silences)
{
	if (attend->asking || !pg_session_is_ready(attend->session))
		return;
	attend->asking = true;
	pg_session_query(attend->session, "queries/alert_attend.sql", NULL, 0, NULL, NULL);
	if (at_silences) {
		pg_session_sync(attend->session, NULL, NULL);
		ask_about_silences(attend);
	}
	pg_session_sync(attend->session, on_end, attend);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval second = {1, 0};
	struct attend *attend = context;
	(void)fd, (void)what;
	evtimer_add(attend->timer, &second);
	look(attend, true);
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

void attend_now(struct attend *attend)
{
	look(attend, false);
}

void attend_forget(struct attend *attend)
{
	attend->asking = false;
}
