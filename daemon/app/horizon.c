#include "app/horizon.h"

#include <event2/event.h>

#include "adapters/pg/rows.h"
#include "app/lane.h"
#include "kpid/base/log.h"

enum { LOOK_EVERY_SECONDS = 3600 };

#define AHEAD_US       (400 * US_PER_DAY)
#define AT_LEAST_US    (380 * US_PER_DAY)
#define FIRST_EVENT_US (7305 * US_PER_DAY) /* 1990-01-01: no ticket is older (RULES E5) */

/* A batch of rows of kpid.calendar_span. */
struct spans {
	struct pg_array columns[5];
};

static void spans_start(struct spans *spans)
{
	static const unsigned oids[5] = {PG_OID_INT4, PG_OID_TEXT, PG_OID_TIMESTAMPTZ, PG_OID_TIMESTAMPTZ, PG_OID_INT8};
	*spans = (struct spans){.columns = {{.n = 0}}};
	for (int i = 0; i < 5; i++)
		pg_array_start(&spans->columns[i], oids[i]);
}

static void spans_release(struct spans *spans)
{
	for (int i = 0; i < 5; i++)
		pg_array_release(&spans->columns[i]);
}

static int64_t since_us(const struct policy_revision *revision)
{
	int64_t from_us = revision->effective_from_us;
	return (from_us > FIRST_EVENT_US ? from_us : FIRST_EVENT_US) - US_PER_DAY;
}

/* Where the known hours of a calendar end; TIME_NONE: nowhere. */
static int64_t known_until(const PGresult *known, int32_t revision_no, struct text calendar)
{
	for (int row = 0; row < PQntuples(known); row++)
		if (pg_get_int4(known, row, 0) == revision_no && text_same(pg_get_text(known, row, 1), calendar))
			return pg_get_time(known, row, 2);
	return TIME_NONE;
}

/* In a copy of the calendar: the one that judges need not hold all of these years. */
static void add_calendar(struct spans *spans, const struct policy_revision *revision,
                         const struct policy_calendar *calendar, int64_t known_us, int64_t until_us)
{
	struct calendar hours = {
	        .zone = calendar->hours->zone,
	        .dates = calendar->hours->dates,
	        .n_dates = calendar->hours->n_dates,
	};
	for (int i = 0; i < 7; i++)
		hours.weekly[i] = calendar->hours->weekly[i];
	int64_t first_us = since_us(revision);
	(void)calendar_worked_us(&hours, first_us, until_us); /* compiles them in one go */
	size_t i = calendar_span_at(&hours, first_us);
	if (known_us != TIME_NONE)
		i = calendar_span_at(&hours, known_us - 1);
	int64_t before_us = i < hours.n_spans ? calendar_worked_us(&hours, first_us, hours.spans[i].start_us) : 0;
	for (; i < hours.n_spans && hours.spans[i].start_us < until_us; i++) {
		const struct calendar_span *span = &hours.spans[i];
		int64_t start_us = span->start_us > first_us ? span->start_us : first_us;
		pg_array_int4(&spans->columns[0], revision->revision_no);
		pg_array_text(&spans->columns[1], calendar->name);
		pg_array_time(&spans->columns[2], start_us);
		pg_array_time(&spans->columns[3], span->end_us);
		pg_array_int8(&spans->columns[4], before_us, false);
		before_us += span->end_us - start_us;
	}
	calendar_release(&hours);
}

static void on_put(void *context, PGresult *result)
{
	(void)context;
	if (!pg_result_ok(result))
		log_warning("storing the hours of calendars: %s", PQresultErrorMessage(result));
}

static void put(struct horizon *horizon, struct spans *spans)
{
	struct pg_param params[5];
	if (spans->columns[0].n == 0)
		return;
	for (int i = 0; i < 5; i++)
		params[i] = pg_array_param(&spans->columns[i]);
	pg_session_query(horizon->session, "queries/calendar_put.sql", params, 5, on_put, horizon);
}

static void on_known(void *context, PGresult *result)
{
	struct horizon *horizon = context;
	if (!pg_result_ok(result)) {
		log_warning("asking for the hours of calendars: %s", PQresultErrorMessage(result));
		return;
	}
	const struct rules_view *view = horizon->book->view;
	for (size_t i = 0; i < view->n_stored; i++) {
		if (view->stored[i] == NULL)
			continue;
		const struct policy_set *set = view->stored[i]->set;
		for (const struct policy_calendar *c = set->revisions[0].calendars; c != NULL; c = c->next) {
			int64_t known_us = known_until(result, set->revisions[0].revision_no, c->name);
			if (c->always || known_us >= horizon->now_us + AT_LEAST_US)
				continue;
			struct spans spans;
			spans_start(&spans);
			add_calendar(&spans, &set->revisions[0], c, known_us, horizon->now_us + AHEAD_US);
			put(horizon, &spans);
			spans_release(&spans);
		}
	}
}

static void on_end(void *context, PGresult *result)
{
	(void)result;
	((struct horizon *)context)->looking = false;
}

static void on_asked(void *context, PGresult *result)
{
	struct horizon *horizon = context;
	(void)result;
	pg_session_sync(horizon->session, on_end, horizon);
}

void horizon_look(struct horizon *horizon)
{
	const struct timeval hour = {LOOK_EVERY_SECONDS, 0};
	evtimer_add(horizon->timer, &hour);
	if (horizon->looking || !pg_session_is_ready(horizon->session))
		return;
	horizon->looking = true;
	horizon->now_us = wall_clock_us();
	pg_session_query(horizon->session, "queries/calendar_horizon.sql", NULL, 0, on_known, horizon);
	pg_session_sync(horizon->session, on_asked, horizon);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	horizon_look(context);
}

void horizon_init(struct horizon *horizon, struct event_base *base, struct pg_session *session,
                  const struct rules_book *book)
{
	*horizon = (struct horizon){.session = session, .book = book};
	horizon->timer = evtimer_new(base, on_timer, horizon);
}

void horizon_release(struct horizon *horizon)
{
	event_free(horizon->timer);
}

void horizon_forget(struct horizon *horizon)
{
	horizon->looking = false;
}
