#include "app/calendar_materializer.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "kpid/base/clock.h"
#include "kpid/base/digest.h"
#include "kpid/base/log.h"
#include "kpid/config.h"

/* A row of kpid.calendar_hours holds the hours of 28 days, counted from 1970-01-01 UTC. */
#define PERIOD_US         (28 * US_PER_DAY)
#define AHEAD_US          (366 * US_PER_DAY)
#define FIRST_CHECK_US    US_PER_SECOND /* after a clock asked for hours: its batch is usually committed by then */
#define SECOND_CHECK_US   (30 * US_PER_SECOND) /* in case it was not */
#define CHECK_INTERVAL_US (3600 * US_PER_SECOND)
#define HOURS_ID_BYTES    33 /* 32 hexadecimal digits of a uuid, and the NUL */

/* The periods of a calendar to store: first..last without known_first..known_last, which are stored already. */
struct period_range {
	int32_t revision_no;
	struct text calendar;
	int64_t first, last;
	int64_t known_first, known_last; /* none if known_last < known_first */
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

/* Calendars with the same hours get the same id, whatever their names and revisions are. */
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

/* Returns NULL if its revision is not loaded. */
static const struct policy_calendar *find_calendar(const struct calendar_materializer *materializer,
                                                   int32_t revision_no, struct text name)
{
	const struct policy_revision *revision = policy_registry_by_no(materializer->registry, revision_no);
	const struct policy_calendar *calendar = revision == NULL ? NULL : revision->calendars;
	while (calendar != NULL && !text_same(calendar->name, name))
		calendar = calendar->next;
	return calendar != NULL && calendar->hours != NULL ? calendar : NULL;
}

/* ---- storing ---- */

struct rows {
	struct pg_array periods, spans, worked;
};

/* Adds the spans of a period as the text of an int8multirange, and the working time in them. */
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

/* Works on a copy, so that the calendar used for judging does not cache all of these days. */
static void add_periods(struct rows *rows, const struct calendar *calendar, const struct period_range *range)
{
	struct calendar hours = *calendar;
	hours.spans = NULL;
	hours.n_spans = hours.capacity = 0;
	hours.first_day = hours.end_day = 0;
	(void)calendar_worked_us(&hours, range->first * PERIOD_US,
	                         (range->last + 1) * PERIOD_US); /* computes all spans at once */
	for (int64_t period = range->first; period <= range->last; period++)
		if (period < range->known_first || period > range->known_last)
			add_period(rows, &hours, period);
	calendar_release(&hours);
}

static void store_next(struct calendar_materializer *materializer);

static void on_stored(void *context, PGresult *result)
{
	(void)context, (void)result; /* the session logs errors; a later check retries */
}

static void on_store_end(void *context, PGresult *result)
{
	(void)result;
	store_next(context);
}

static void store(struct calendar_materializer *materializer, const struct policy_calendar *calendar,
                  const struct period_range *range)
{
	char id[HOURS_ID_BYTES];
	struct rows rows = {.periods = {.n = 0}};
	pg_array_start(&rows.periods, PG_OID_INT4);
	pg_array_start(&rows.spans, PG_OID_TEXT);
	pg_array_start(&rows.worked, PG_OID_INT8);
	hours_id(calendar, id);
	add_periods(&rows, calendar->hours, range);
	struct pg_param params[CALENDAR_PUT_N_PARAMS] = {
	        [CALENDAR_PUT_PARAM_HOURS_ID] = pg_param_c_string(id),
	        [CALENDAR_PUT_PARAM_PERIODS] = pg_array_param(&rows.periods),
	        [CALENDAR_PUT_PARAM_SPANS] = pg_array_param(&rows.spans),
	        [CALENDAR_PUT_PARAM_WORKED_US] = pg_array_param(&rows.worked),
	};
	pg_session_query(materializer->session, "queries/calendar_put.sql", params, CALENDAR_PUT_N_PARAMS, on_stored,
	                 materializer);
	pg_session_sync(materializer->session, on_store_end, materializer);
	pg_array_release(&rows.periods);
	pg_array_release(&rows.spans);
	pg_array_release(&rows.worked);
}

static void end_check(struct calendar_materializer *materializer)
{
	materializer->busy = false;
	materializer->n_ranges = 0;
	arena_clear(&materializer->arena, 0);
}

/* One calendar at a time, so as not to block the event loop. */
static void store_next(struct calendar_materializer *materializer)
{
	while (materializer->n_ranges > 0) {
		const struct period_range *range = &materializer->ranges[--materializer->n_ranges];
		const struct policy_calendar *calendar =
		        find_calendar(materializer, range->revision_no, range->calendar);
		if (calendar == NULL) /* a reload has dropped it since */
			continue;
		store(materializer, calendar, range);
		return;
	}
	end_check(materializer);
}

/* ---- checking ---- */

static void start_check(struct calendar_materializer *materializer);

static void on_linked(void *context, PGresult *result)
{
	struct calendar_materializer *materializer = context;
	if (pg_result_ok(result))
		materializer->recheck_us =
		        monotonic_clock_us(); /* other calendars with the same hours may have stored them */
}

static void on_link_end(void *context, PGresult *result)
{
	(void)result;
	end_check(context);
}

static void link_calendars(struct calendar_materializer *materializer, const PGresult *asked)
{
	static const unsigned types[CALENDAR_LINK_N_PARAMS] = {[CALENDAR_LINK_PARAM_REVISION_NOS] = PG_OID_INT4,
	                                                       [CALENDAR_LINK_PARAM_CALENDARS] = PG_OID_TEXT,
	                                                       [CALENDAR_LINK_PARAM_HOURS_IDS] = PG_OID_TEXT};
	struct pg_array arrays[CALENDAR_LINK_N_PARAMS] = {0};
	pg_arrays_start(arrays, types, CALENDAR_LINK_N_PARAMS);
	for (int row = 0; row < PQntuples(asked); row++) {
		char id[HOURS_ID_BYTES];
		int32_t revision_no = pg_get_int4(asked, row, CALENDAR_ASKED_REVISION_NO);
		struct text name = pg_get_text(asked, row, CALENDAR_ASKED_CALENDAR);
		const struct policy_calendar *calendar = find_calendar(materializer, revision_no, name);
		if (!pg_get_bool(asked, row, CALENDAR_ASKED_UNLINKED) || calendar == NULL)
			continue;
		hours_id(calendar, id);
		pg_array_int4(&arrays[CALENDAR_LINK_PARAM_REVISION_NOS], revision_no);
		pg_array_text(&arrays[CALENDAR_LINK_PARAM_CALENDARS], name);
		pg_array_text(&arrays[CALENDAR_LINK_PARAM_HOURS_IDS], text_of(id));
	}
	if (arrays[0].n > 0)
		pg_arrays_query(materializer->session, "queries/calendar_link.sql", arrays, CALENDAR_LINK_N_PARAMS,
		                on_linked, materializer);
	pg_arrays_release(arrays, CALENDAR_LINK_N_PARAMS);
}

/* A row of calendar_asked.sql names a calendar, the first and last instant requested, and the periods stored so far. */
static void add_range(struct calendar_materializer *materializer, const PGresult *asked, int row)
{
	int64_t first_us = pg_get_time(asked, row, CALENDAR_ASKED_FIRST_AT),
	        last_us = pg_get_time(asked, row, CALENDAR_ASKED_LAST_AT);
	int64_t until_us = materializer->now_us + AHEAD_US;
	bool known = !PQgetisnull(asked, row, CALENDAR_ASKED_FIRST_PERIOD);
	struct period_range range = {
	        .revision_no = pg_get_int4(asked, row, CALENDAR_ASKED_REVISION_NO),
	        .calendar = arena_text(&materializer->arena, pg_get_text(asked, row, CALENDAR_ASKED_CALENDAR)),
	        .first = period_of(first_us < materializer->now_us ? first_us : materializer->now_us),
	        .last = period_of(last_us > until_us ? last_us : until_us),
	        .known_first = known ? pg_get_int4(asked, row, CALENDAR_ASKED_FIRST_PERIOD) : 0,
	        .known_last = known ? pg_get_int4(asked, row, CALENDAR_ASKED_LAST_PERIOD) : -1,
	};
	if (known && range.first > range.known_last) /* leave no gap between stored periods */
		range.first = range.known_last + 1;
	if (known && range.last < range.known_first)
		range.last = range.known_first - 1;
	materializer->ranges[materializer->n_ranges++] = range;
}

static void on_requests(void *context, PGresult *result)
{
	struct calendar_materializer *materializer = context;
	bool unlinked = false, unloaded = false;
	if (!pg_result_ok(result))
		return;
	materializer->ranges =
	        arena_alloc(&materializer->arena, ((size_t)PQntuples(result) + 1) * sizeof(struct period_range));
	for (int row = 0; row < PQntuples(result); row++) {
		unlinked |= pg_get_bool(result, row, CALENDAR_ASKED_UNLINKED);
		if (find_calendar(materializer, pg_get_int4(result, row, CALENDAR_ASKED_REVISION_NO),
		                  pg_get_text(result, row, CALENDAR_ASKED_CALENDAR)) == NULL)
			unloaded = true;
		else if (!pg_get_bool(result, row, CALENDAR_ASKED_UNLINKED))
			add_range(materializer, result, row);
	}
	if (unlinked)
		link_calendars(materializer, result);
	if (unloaded && materializer->registry->n_missing > 0) {
		materializer->load_revisions(materializer->context);
		materializer->recheck_us = monotonic_clock_us() + FIRST_CHECK_US;
	}
}

static void on_requests_end(void *context, PGresult *result)
{
	struct calendar_materializer *materializer = context;
	(void)result;
	if (materializer->n_ranges > 0)
		store_next(materializer);
	else
		pg_session_sync(materializer->session, on_link_end, materializer);
}

static void start_check(struct calendar_materializer *materializer)
{
	char buffer[8];
	materializer->busy = true;
	materializer->now_us = wall_clock_us();
	struct pg_param param = pg_param_int8(PERIOD_US, buffer);
	pg_session_query(materializer->session, "queries/calendar_asked.sql", &param, 1, on_requests, materializer);
	pg_session_sync(materializer->session, on_requests_end, materializer);
}

/* ---- when to check ---- */

/* Returns whether clocks have requested hours since the last call. */
static bool take_requests(const struct policy_snapshot *view, int64_t now_us)
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
	(void)context; /* the timer starts the next check */
}

static void on_lost(void *context, const char *reason)
{
	struct calendar_materializer *materializer = context;
	(void)reason;
	if (materializer->busy)
		materializer->recheck_us = monotonic_clock_us();
	end_check(materializer);
}

static void open_session(struct calendar_materializer *materializer)
{
	if (materializer->session != NULL)
		return;
	materializer->session = pg_session_new(materializer->base, &materializer->config->postgres, "calendars",
	                                       &(struct pg_session_events){on_ready, on_lost, materializer});
	pg_session_start(materializer->session);
}

static bool is_due(int64_t at_us, int64_t now_us)
{
	return at_us != 0 && at_us <= now_us;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval second = {1, 0};
	struct calendar_materializer *materializer = context;
	(void)fd, (void)what;
	evtimer_add(materializer->timer, &second);
	int64_t now_us = monotonic_clock_us();
	if (take_requests(materializer->registry->snapshot, wall_clock_us())) {
		open_session(materializer);
		materializer->check_us = now_us + FIRST_CHECK_US;
		materializer->recheck_us = now_us + SECOND_CHECK_US;
	}
	if (materializer->session == NULL || materializer->busy || !pg_session_is_ready(materializer->session))
		return;
	bool again = is_due(materializer->recheck_us, now_us);
	if (!again && !is_due(materializer->check_us, now_us))
		return;
	materializer->check_us = now_us + CHECK_INTERVAL_US;
	if (again)
		materializer->recheck_us = 0;
	start_check(materializer);
}

/* ---- life ---- */

void calendar_materializer_init(struct calendar_materializer *materializer, struct event_base *base,
                                const struct kpid_config *config, struct policy_registry *registry,
                                void (*load_revisions)(void *context), void *context)
{
	*materializer = (struct calendar_materializer){.base = base,
	                                               .config = config,
	                                               .registry = registry,
	                                               .load_revisions = load_revisions,
	                                               .context = context};
	arena_init(&materializer->arena);
	materializer->timer = evtimer_new(base, on_timer, materializer);
	on_timer(-1, 0, materializer);
}

void calendar_materializer_release(struct calendar_materializer *materializer)
{
	if (materializer->session != NULL)
		pg_session_free(materializer->session);
	event_free(materializer->timer);
	arena_release(&materializer->arena);
}
