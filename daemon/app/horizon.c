#include "app/horizon.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "app/lane.h"
#include "kpid/base/digest.h"
#include "kpid/base/log.h"
#include "kpid/config.h"

/* A row of kpid.calendar_hours holds the hours of 28 days, counted from 1970-01-01 UTC. */
#define PERIOD_US      (28 * US_PER_DAY)
#define AHEAD_US       (366 * US_PER_DAY)
#define LOOK_AFTER_US  US_PER_SECOND        /* what a batch asked for is committed by then, */
#define LOOK_AGAIN_US  (30 * US_PER_SECOND) /* or by then */
#define LOOK_EVERY_US  (3600 * US_PER_SECOND)
#define HOURS_ID_BYTES 33 /* 32 hexadecimal digits of a uuid, and the NUL */

/* What is to be laid out of a calendar: the periods first .. last but those of known_first .. known_last. */
struct stretch {
	int32_t revision_no;
	struct text calendar;
	int64_t first, last;
	int64_t known_first, known_last; /* known_last < known_first: none */
};

static int64_t period_of(int64_t at_us)
{
	return at_us / PERIOD_US - (at_us % PERIOD_US < 0);
}

/* ---- calendars ---- */

static void add_hours(struct buf *out, const struct calendar_day *day)
{
	for (size_t i = 0; i < day->n; i++)
		buf_add_format(out, " %d-%d%s", day->hours[i].start_minute, day->hours[i].end_minute,
		               day->hours[i].ends_next_day ? "+" : "");
	buf_add_char(out, '\n');
}

/* Equal for calendars with equal hours, whatever their names and revisions. */
static void hours_id(const struct policy_calendar *calendar, char out[HOURS_ID_BYTES])
{
	struct buf text = BUF_INIT;
	unsigned char digest[SHA256_BYTES];
	const struct calendar *hours = calendar->hours;
	buf_add_text(&text, calendar->time_zone);
	buf_add_char(&text, '\n');
	for (int i = 0; i < 7; i++)
		add_hours(&text, &hours->weekly[i]);
	for (size_t i = 0; i < hours->n_dates; i++) {
		buf_add_format(&text, "%d %d", hours->dates[i].first_day, hours->dates[i].last_day);
		add_hours(&text, &hours->dates[i].hours);
	}
	for (size_t i = 0; i < hours->n_yearly; i++) {
		buf_add_format(&text, "%d-%d", hours->yearly[i].month, hours->yearly[i].month_day);
		add_hours(&text, &hours->yearly[i].hours);
	}
	sha256_digest(buf_text(&text), digest);
	for (int i = 0; i < HOURS_ID_BYTES / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	buf_release(&text);
}

/* NULL: its revision is not loaded. */
static const struct policy_calendar *find_calendar(const struct horizon *horizon, int32_t revision_no, struct text name)
{
	const struct policy_revision *revision = rules_book_by_no(horizon->book, revision_no);
	const struct policy_calendar *calendar = revision == NULL ? NULL : revision->calendars;
	while (calendar != NULL && !text_same(calendar->name, name))
		calendar = calendar->next;
	return calendar != NULL && calendar->hours != NULL ? calendar : NULL;
}

/* ---- laying out ---- */

struct rows {
	struct pg_array periods, spans, worked;
};

/* One period: its spans as the text of an int8multirange, and how much is worked in them. */
static void add_period(struct rows *rows, struct calendar *hours, int64_t period)
{
	int64_t from_us = period * PERIOD_US, until_us = from_us + PERIOD_US;
	struct buf text = BUF_INIT;
	buf_add_char(&text, '{');
	for (size_t i = calendar_span_at(hours, from_us); i < hours->n_spans && hours->spans[i].start_us < until_us;
	     i++) {
		int64_t start_us = hours->spans[i].start_us, end_us = hours->spans[i].end_us;
		buf_add_format(&text, "%s[%lld,%lld)", text.len_bytes > 1 ? "," : "",
		               (long long)(start_us > from_us ? start_us : from_us),
		               (long long)(end_us < until_us ? end_us : until_us));
	}
	buf_add_char(&text, '}');
	pg_array_int4(&rows->periods, (int32_t)period);
	pg_array_text(&rows->spans, buf_text(&text));
	pg_array_int8(&rows->worked, calendar_worked_us(hours, from_us, until_us), false);
	buf_release(&text);
}

/* In a copy of the calendar: the one that judges need not hold all of these days. */
static void add_periods(struct rows *rows, const struct calendar *calendar, const struct stretch *stretch)
{
	struct calendar hours = *calendar;
	hours.spans = NULL;
	hours.n_spans = hours.capacity = 0;
	hours.first_day = hours.end_day = 0;
	(void)calendar_worked_us(&hours, stretch->first * PERIOD_US, (stretch->last + 1) * PERIOD_US); /* in one go */
	for (int64_t period = stretch->first; period <= stretch->last; period++)
		if (period < stretch->known_first || period > stretch->known_last)
			add_period(rows, &hours, period);
	calendar_release(&hours);
}

static void lay_out_next(struct horizon *horizon);

static void on_put(void *context, PGresult *result)
{
	(void)context, (void)result; /* a refusal was logged by the session, and is tried again */
}

static void on_put_end(void *context, PGresult *result)
{
	(void)result;
	lay_out_next(context);
}

static void put(struct horizon *horizon, const struct policy_calendar *calendar, const struct stretch *stretch)
{
	char id[HOURS_ID_BYTES];
	struct rows rows = {.periods = {.n = 0}};
	pg_array_start(&rows.periods, PG_OID_INT4);
	pg_array_start(&rows.spans, PG_OID_TEXT);
	pg_array_start(&rows.worked, PG_OID_INT8);
	hours_id(calendar, id);
	add_periods(&rows, calendar->hours, stretch);
	struct pg_param params[4] = {pg_param_c_string(id), pg_array_param(&rows.periods), pg_array_param(&rows.spans),
	                             pg_array_param(&rows.worked)};
	pg_session_query(horizon->session, "queries/calendar_put.sql", params, 4, on_put, horizon);
	pg_session_sync(horizon->session, on_put_end, horizon);
	pg_array_release(&rows.periods);
	pg_array_release(&rows.spans);
	pg_array_release(&rows.worked);
}

static void end_look(struct horizon *horizon)
{
	horizon->looking = false;
	horizon->n_stretches = 0;
	arena_clear(&horizon->arena, 0);
}

/* One calendar at a time, so that the loop is held for a moment only. */
static void lay_out_next(struct horizon *horizon)
{
	while (horizon->n_stretches > 0) {
		const struct stretch *stretch = &horizon->stretches[--horizon->n_stretches];
		const struct policy_calendar *calendar =
		        find_calendar(horizon, stretch->revision_no, stretch->calendar);
		if (calendar == NULL) /* forgotten by a reload meanwhile */
			continue;
		put(horizon, calendar, stretch);
		return;
	}
	end_look(horizon);
}

/* ---- looking ---- */

static void look(struct horizon *horizon);

static void on_linked(void *context, PGresult *result)
{
	struct horizon *horizon = context;
	if (pg_result_ok(result))
		horizon->look_again_us = monotonic_clock_us(); /* for what equal hours have already */
}

static void on_link_end(void *context, PGresult *result)
{
	(void)result;
	end_look(context);
}

static void link_calendars(struct horizon *horizon, const PGresult *asked)
{
	struct pg_array columns[3] = {{.n = 0}, {.n = 0}, {.n = 0}};
	static const unsigned oids[3] = {PG_OID_INT4, PG_OID_TEXT, PG_OID_TEXT};
	for (int i = 0; i < 3; i++)
		pg_array_start(&columns[i], oids[i]);
	for (int row = 0; row < PQntuples(asked); row++) {
		char id[HOURS_ID_BYTES];
		int32_t revision_no = pg_get_int4(asked, row, 0);
		struct text name = pg_get_text(asked, row, 1);
		const struct policy_calendar *calendar = find_calendar(horizon, revision_no, name);
		if (!pg_get_bool(asked, row, 2) || calendar == NULL)
			continue;
		hours_id(calendar, id);
		pg_array_int4(&columns[0], revision_no);
		pg_array_text(&columns[1], name);
		pg_array_text(&columns[2], text_of(id));
	}
	if (columns[0].n > 0) {
		struct pg_param params[3];
		for (int i = 0; i < 3; i++)
			params[i] = pg_array_param(&columns[i]);
		pg_session_query(horizon->session, "queries/calendar_link.sql", params, 3, on_linked, horizon);
	}
	for (int i = 0; i < 3; i++)
		pg_array_release(&columns[i]);
}

/* A row says which calendar, whether it is not linked to hours yet, the first and last instant that is asked for, and
 * which periods are there. */
static void take_stretch(struct horizon *horizon, const PGresult *asked, int row)
{
	int64_t first_us = pg_get_time(asked, row, 3), last_us = pg_get_time(asked, row, 4);
	int64_t until_us = horizon->now_us + AHEAD_US;
	bool known = !PQgetisnull(asked, row, 5);
	struct stretch stretch = {
	        .revision_no = pg_get_int4(asked, row, 0),
	        .calendar = arena_text(&horizon->arena, pg_get_text(asked, row, 1)),
	        .first = period_of(first_us < horizon->now_us ? first_us : horizon->now_us),
	        .last = period_of(last_us > until_us ? last_us : until_us),
	        .known_first = known ? pg_get_int4(asked, row, 5) : 0,
	        .known_last = known ? pg_get_int4(asked, row, 6) : -1,
	};
	if (known && stretch.first > stretch.known_last) /* so that no gap is left */
		stretch.first = stretch.known_last + 1;
	if (known && stretch.last < stretch.known_first)
		stretch.last = stretch.known_first - 1;
	horizon->stretches[horizon->n_stretches++] = stretch;
}

static void on_asked(void *context, PGresult *result)
{
	struct horizon *horizon = context;
	bool unlinked = false, unloaded = false;
	if (!pg_result_ok(result))
		return;
	horizon->stretches = arena_alloc(&horizon->arena, ((size_t)PQntuples(result) + 1) * sizeof(struct stretch));
	for (int row = 0; row < PQntuples(result); row++) {
		unlinked |= pg_get_bool(result, row, 2);
		if (find_calendar(horizon, pg_get_int4(result, row, 0), pg_get_text(result, row, 1)) == NULL)
			unloaded = true;
		else if (!pg_get_bool(result, row, 2))
			take_stretch(horizon, result, row);
	}
	if (unlinked)
		link_calendars(horizon, result);
	if (unloaded && horizon->book->n_missing > 0) {
		horizon->load_revisions(horizon->context);
		horizon->look_again_us = monotonic_clock_us() + LOOK_AFTER_US;
	}
}

static void on_asked_end(void *context, PGresult *result)
{
	struct horizon *horizon = context;
	(void)result;
	if (horizon->n_stretches > 0)
		lay_out_next(horizon);
	else
		pg_session_sync(horizon->session, on_link_end, horizon);
}

static void look(struct horizon *horizon)
{
	char buffer[8];
	horizon->looking = true;
	horizon->now_us = wall_clock_us();
	struct pg_param param = pg_param_int8(PERIOD_US, buffer);
	pg_session_query(horizon->session, "queries/calendar_asked.sql", &param, 1, on_asked, horizon);
	pg_session_sync(horizon->session, on_asked_end, horizon);
}

/* ---- when to look ---- */

/* Takes what clocks have asked for since the last time; true if that is anything. */
static bool take_asked(const struct rules_view *view, int64_t now_us)
{
	bool any = false;
	for (size_t i = 0; i < view->n_stored; i++) {
		if (view->stored[i] == NULL)
			continue;
		for (const struct policy_calendar *c = view->stored[i]->set->revisions[0].calendars; c != NULL;
		     c = c->next)
			if (c->hours != NULL && calendar_take_asked(c->hours, now_us, now_us + AHEAD_US / 2))
				any = true;
	}
	return any;
}

static void on_ready(void *context)
{
	(void)context; /* the timer goes on by itself */
}

static void on_lost(void *context, const char *reason)
{
	struct horizon *horizon = context;
	(void)reason;
	if (horizon->looking)
		horizon->look_again_us = monotonic_clock_us();
	end_look(horizon);
}

static void need_session(struct horizon *horizon)
{
	if (horizon->session != NULL)
		return;
	horizon->session = pg_session_new(horizon->base, &horizon->config->postgres, "calendars",
	                                  &(struct pg_session_events){on_ready, on_lost, horizon});
	pg_session_start(horizon->session);
}

static bool is_due(int64_t at_us, int64_t now_us)
{
	return at_us != 0 && at_us <= now_us;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval second = {1, 0};
	struct horizon *horizon = context;
	(void)fd, (void)what;
	evtimer_add(horizon->timer, &second);
	int64_t now_us = monotonic_clock_us();
	if (take_asked(horizon->book->view, wall_clock_us())) {
		need_session(horizon);
		horizon->look_at_us = now_us + LOOK_AFTER_US;
		horizon->look_again_us = now_us + LOOK_AGAIN_US;
	}
	if (horizon->session == NULL || horizon->looking || !pg_session_is_ready(horizon->session))
		return;
	bool again = is_due(horizon->look_again_us, now_us);
	if (!again && !is_due(horizon->look_at_us, now_us))
		return;
	horizon->look_at_us = now_us + LOOK_EVERY_US;
	if (again)
		horizon->look_again_us = 0;
	look(horizon);
}

/* ---- life ---- */

void horizon_init(struct horizon *horizon, struct event_base *base, const struct kpid_config *config,
                  struct rules_book *book, void (*load_revisions)(void *context), void *context)
{
	*horizon = (struct horizon){
	        .base = base, .config = config, .book = book, .load_revisions = load_revisions, .context = context};
	arena_init(&horizon->arena);
	horizon->timer = evtimer_new(base, on_timer, horizon);
	on_timer(-1, 0, horizon);
}

void horizon_release(struct horizon *horizon)
{
	if (horizon->session != NULL)
		pg_session_free(horizon->session);
	event_free(horizon->timer);
	arena_release(&horizon->arena);
}
