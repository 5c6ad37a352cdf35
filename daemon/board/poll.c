#include "board/poll.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "board/figures.h"
#include "board/json.h"
#include "board/pace.h"
#include "board/rounds.h"
#include "board/rows.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"

/* TICK_US: a little less than a second, so that what is committed now is on its way within a second; the newest
 * breaches are asked for twice in it. LEDGER_US: between two looks at what the ledger has, which is refreshed every
 * minute. */
enum {
	TICK_US = 900000,
	LEDGER_US = 5000000,
	MOST_BREACHES = 100,
	MOST_CLOCKS = 200,
	MOST_BREACHED_CLOCKS = 100,
	MOST_ROWS = 200
};

struct poll;

/* A question, and what its answer becomes. */
struct topic {
	const char *file;
	enum pace pace;
	bool is_slow;
	void (*take)(struct poll *poll, PGresult *rows);
	void (*params)(struct poll *poll, const char **params_out);
	int n_params;
	int64_t every_us;                                 /* at most once in this time; 0: with each tick */
	void (*took)(struct poll *poll, int64_t took_us); /* how long the answer took; NULL: does not matter */
};

enum topic_name {
	TOPIC_FRESH,    /* the first: others use its time */
	TOPIC_BREACHES, /* before the sums, which take longer */
	TOPIC_CLOCKS,
	TOPIC_NEWEST,
	TOPIC_TOTALS,
	TOPIC_AGENTS,
	TOPIC_GROUPS,
	TOPIC_GROUP_KPIS,
	TOPIC_BACKLOG,
	TOPIC_LOOK,
	TOPIC_N
};

struct asked {
	struct poll *poll;
	int topic;
	bool is_asked;  /* and not answered yet */
	int64_t due_us; /* monotonic: not before */
};

struct poll {
	struct event *tick;
	struct asker *now, *slow;
	struct live *live;
	void (*published)(void *context, struct blob *event);
	void *context;
	struct asked asked[TOPIC_N];
	int n_quick;     /* quick questions that are not answered yet */
	bool is_half;    /* the latest tick was one between two others */
	bool is_behind;  /* the events are not complete up to now */
	bool is_between; /* the questions are those between two ticks: published is only what is new */
	struct rounds *rounds;
	struct figures figures;
	struct figures_range newest, look;
	char params[4][48];
	char time_zone[64];
	int64_t db_now_us,
	        read_us; /* the database's clock, and the monotonic one when it was read; TIME_NONE, 0: never */
};

int64_t poll_now_us(const struct poll *poll)
{
	if (poll->db_now_us == TIME_NONE)
		return wall_clock_us();
	return poll->db_now_us + monotonic_clock_us() - poll->read_us;
}

const char *poll_time_zone(const struct poll *poll)
{
	return poll->time_zone;
}

int64_t poll_read_us(const struct poll *poll)
{
	return poll->read_us;
}

const struct tally *poll_tally(const struct poll *poll, enum tally_name name)
{
	return rounds_tally(poll->rounds, name);
}

/* ---- parts from rows ---- */

static void set_value(struct poll *poll, enum board_part name, const struct buf *json)
{
	live_set(poll->live, name, part_value(buf_text(json)));
}

static void set_row(struct poll *poll, enum board_part name, const PGresult *rows, int first_column)
{
	struct buf json = BUF_INIT;
	rows_object(&json, rows, 0, first_column, PQnfields(rows));
	set_value(poll, name, &json);
	buf_release(&json);
}

static void set_list(struct poll *poll, enum board_part name, const PGresult *rows, int n_columns)
{
	live_set(poll->live, name, rows_list(rows, n_columns));
}

static void take_fresh(struct poll *poll, PGresult *rows)
{
	poll->db_now_us = pg_get_time(rows, 0, BOARD_FRESH_NOW);
	poll->read_us = monotonic_clock_us();
	struct text zone = pg_get_text(rows, 0, BOARD_FRESH_TIME_ZONE);
	snprintf(poll->time_zone, sizeof(poll->time_zone), "%.*s", (int)zone.len, zone.ptr);
	figures_set_day(&poll->figures, pg_get_time(rows, 0, BOARD_FRESH_MIDNIGHT));
	poll->is_behind = !text_equal(pg_get_text(rows, 0, BOARD_FRESH_STATE), TEXT("ok"));
	set_row(poll, PART_FRESH, rows, BOARD_FRESH_COMPLETE_UNTIL);
}

static void take_totals(struct poll *poll, PGresult *rows)
{
	figures_put_backlog(&poll->figures, poll->db_now_us, pg_get_int8(rows, 0, BOARD_TOTALS_OPEN));
	set_row(poll, PART_TOTALS, rows, 0);
}

static void take_breaches(struct poll *poll, PGresult *rows)
{
	set_list(poll, PART_BREACHES, rows, PQnfields(rows));
}

static void take_clocks(struct poll *poll, PGresult *rows)
{
	set_list(poll, PART_CLOCKS, rows, PQnfields(rows));
}

static void set_tally(struct poll *poll, enum board_part name, enum tally_name tally_name)
{
	const struct tally *tally = rounds_tally(poll->rounds, tally_name);
	struct tally_found found[MOST_ROWS];
	struct part *list = part_list();
	struct buf json = BUF_INIT;
	size_t n = tally_first(tally, found, MOST_ROWS);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&json);
		tally_json(tally, found[i].row, &json);
		part_add(list, tally_key(found[i].row), buf_text(&json));
	}
	buf_release(&json);
	live_set(poll->live, name, list);
}

/* Of when the agents, the clocks of projects and teams, and their last hour are. */
static void set_read(struct poll *poll)
{
	const struct {
		const char *name;
		int64_t at_us;
	} times[] = {{"agents", rounds_shown_us(poll->rounds, ROUND_AGENTS)},
	             {"groups", rounds_shown_us(poll->rounds, ROUND_GROUPS)},
	             {"ledger", rounds_ledger_us(poll->rounds)}};
	struct buf json = BUF_INIT;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		buf_add_format(&json, "%s\"%s\":", i == 0 ? "{" : ",", times[i].name);
		json_time(&json, times[i].at_us);
	}
	buf_add_char(&json, '}');
	set_value(poll, PART_READ, &json);
	buf_release(&json);
}

static void take_agents(struct poll *poll, PGresult *rows)
{
	struct buf n = BUF_INIT;
	if (!rounds_take_agents(poll->rounds, rows))
		return;
	buf_add_format(&n, "%zu", tally_n_rows(rounds_tally(poll->rounds, TALLY_AGENTS)));
	set_value(poll, PART_N_AGENTS, &n);
	buf_release(&n);
	set_tally(poll, PART_AGENTS, TALLY_AGENTS);
	set_read(poll);
}

static void set_groups(struct poll *poll)
{
	if (!tally_is_known(rounds_tally(poll->rounds, TALLY_PROJECTS)))
		return;
	set_tally(poll, PART_PROJECTS, TALLY_PROJECTS);
	set_tally(poll, PART_TEAMS, TALLY_TEAMS);
	set_read(poll);
}

static void take_groups(struct poll *poll, PGresult *rows)
{
	if (rounds_take_groups(poll->rounds, rows))
		set_groups(poll);
}

static void take_group_kpis(struct poll *poll, PGresult *rows)
{
	if (rounds_take_group_kpis(poll->rounds, rows))
		set_groups(poll);
}

/* ---- the figures of the day ---- */

static void take_buckets(struct poll *poll, const struct figures_range *range, const PGresult *rows)
{
	figures_begin(&poll->figures, *range);
	for (int row = 0; row < PQntuples(rows); row++) {
		struct figures_sums sums;
		for (int target = 0; target < TARGET_N; target++) {
			sums.within[target] = pg_get_int8(rows, row, BOARD_BUCKETS_FIRST_RESPONSE_WITHIN + target);
			sums.measured[target] = pg_get_int8(rows, row, BOARD_BUCKETS_FIRST_RESPONSE_MEASURED + target);
		}
		figures_put(&poll->figures, pg_get_time(rows, row, BOARD_BUCKETS_BUCKET), &sums);
	}
}

static void take_newest(struct poll *poll, PGresult *rows)
{
	take_buckets(poll, &poll->newest, rows);
}

static void take_look(struct poll *poll, PGresult *rows)
{
	take_buckets(poll, &poll->look, rows);
}

static void take_backlog(struct poll *poll, PGresult *rows)
{
	if (PQntuples(rows) == 0 || poll->figures.midnight_us == TIME_NONE)
		return;
	figures_begin_backlog(&poll->figures, pg_get_time(rows, 0, BOARD_BACKLOG_REFRESHED_AT));
	for (int row = 0; row < PQntuples(rows); row++)
		figures_add_backlog(&poll->figures, pg_get_time(rows, row, BOARD_BACKLOG_UNTIL),
		                    pg_get_int8(rows, row, BOARD_BACKLOG_BACKLOG));
}

static void set_figures(struct poll *poll)
{
	struct buf json = BUF_INIT;
	if (poll->figures.midnight_us == TIME_NONE)
		return;
	figures_write_compliance(&poll->figures, poll->db_now_us, &json);
	set_value(poll, PART_COMPLIANCE, &json);
	buf_clear(&json);
	figures_write_day(&poll->figures, poll->db_now_us, &json);
	set_value(poll, PART_DAY, &json);
	buf_release(&json);
}

/* ---- parameters ---- */

static const char *number(struct poll *poll, int i, int64_t value)
{
	snprintf(poll->params[i], sizeof(poll->params[i]), "%" PRId64, value);
	return poll->params[i];
}

static void range_params(struct poll *poll, const struct figures_range *range, const char **params_out)
{
	const int64_t times[] = {range->from_us, range->until_us};
	for (int i = 0; i < 2; i++) {
		timestamp_format(times[i], poll->params[i]);
		params_out[i] = poll->params[i];
	}
}

static void params_newest(struct poll *poll, const char **params_out)
{
	poll->newest = figures_newest(&poll->figures, poll_now_us(poll));
	range_params(poll, &poll->newest, params_out);
}

static void params_look(struct poll *poll, const char **params_out)
{
	poll->look = figures_next_look(&poll->figures, poll_now_us(poll));
	range_params(poll, &poll->look, params_out);
}

static void params_group_kpis(struct poll *poll, const char **params_out)
{
	const struct figures_range piece = rounds_hour_piece(poll->rounds, poll_now_us(poll));
	range_params(poll, &piece, params_out);
}

static void params_clocks(struct poll *poll, const char **params_out)
{
	params_out[BOARD_CLOCKS_PARAM_MOST] = number(poll, 0, MOST_CLOCKS);
	params_out[BOARD_CLOCKS_PARAM_MOST_BREACHED] = number(poll, 1, MOST_BREACHED_CLOCKS);
}

static void params_breaches(struct poll *poll, const char **params_out)
{
	params_out[0] = number(poll, 0, MOST_BREACHES);
}

static void params_agents(struct poll *poll, const char **params_out)
{
	rounds_asked(poll->rounds, ROUND_AGENTS, poll_now_us(poll));
	params_out[BOARD_AGENTS_PARAM_AFTER] = rounds_after(poll->rounds, ROUND_AGENTS);
	params_out[BOARD_AGENTS_PARAM_MOST] = number(poll, 0, rounds_most(poll->rounds, ROUND_AGENTS));
}

static void params_groups(struct poll *poll, const char **params_out)
{
	rounds_asked(poll->rounds, ROUND_GROUPS, poll_now_us(poll));
	params_out[BOARD_GROUPS_PARAM_AFTER] = rounds_after(poll->rounds, ROUND_GROUPS);
	params_out[BOARD_GROUPS_PARAM_MOST] = number(poll, 0, rounds_most(poll->rounds, ROUND_GROUPS));
}

static void took_agents(struct poll *poll, int64_t took_us)
{
	rounds_took(poll->rounds, ROUND_AGENTS, took_us);
}

static void took_groups(struct poll *poll, int64_t took_us)
{
	rounds_took(poll->rounds, ROUND_GROUPS, took_us);
}

static void took_look(struct poll *poll, int64_t took_us)
{
	figures_took(&poll->figures, took_us);
}

static const struct topic topics[TOPIC_N] = {
        [TOPIC_FRESH] = {.file = "queries/board_fresh.sql", .pace = PACE_ROWS, .take = take_fresh},
        [TOPIC_NEWEST] = {.file = "queries/board_buckets.sql",
                          .pace = PACE_SUM,
                          .take = take_newest,
                          .params = params_newest,
                          .n_params = BOARD_BUCKETS_N_PARAMS},
        [TOPIC_TOTALS] = {.file = "queries/board_totals.sql", .pace = PACE_SUM, .take = take_totals},
        [TOPIC_BREACHES] = {.file = "queries/board_breaches.sql",
                            .pace = PACE_ROWS,
                            .take = take_breaches,
                            .params = params_breaches,
                            .n_params = BOARD_BREACHES_N_PARAMS},
        [TOPIC_CLOCKS] = {.file = "queries/board_clocks.sql",
                          .pace = PACE_ROWS,
                          .take = take_clocks,
                          .params = params_clocks,
                          .n_params = BOARD_CLOCKS_N_PARAMS},
        [TOPIC_AGENTS] = {.file = "queries/board_agents.sql",
                          .pace = PACE_ROUND,
                          .is_slow = true,
                          .take = take_agents,
                          .params = params_agents,
                          .n_params = BOARD_AGENTS_N_PARAMS,
                          .took = took_agents},
        [TOPIC_GROUPS] = {.file = "queries/board_groups.sql",
                          .pace = PACE_ROUND,
                          .is_slow = true,
                          .take = take_groups,
                          .params = params_groups,
                          .n_params = BOARD_GROUPS_N_PARAMS,
                          .took = took_groups},
        [TOPIC_GROUP_KPIS] = {.file = "queries/board_group_kpis.sql",
                              .pace = PACE_SUM,
                              .is_slow = true,
                              .take = take_group_kpis,
                              .params = params_group_kpis,
                              .n_params = BOARD_GROUP_KPIS_N_PARAMS,
                              .every_us = LEDGER_US},
        [TOPIC_BACKLOG] = {.file = "queries/board_backlog.sql",
                           .pace = PACE_SUM,
                           .is_slow = true,
                           .take = take_backlog,
                           .every_us = LEDGER_US},
        [TOPIC_LOOK] = {.file = "queries/board_buckets.sql",
                        .pace = PACE_SUM,
                        .is_slow = true,
                        .take = take_look,
                        .params = params_look,
                        .n_params = BOARD_BUCKETS_N_PARAMS,
                        .took = took_look},
};

/* ---- asking ---- */

static void publish(struct poll *poll)
{
	bool is_away = poll->read_us == 0 || !asker_is_ready(poll->now);
	if (is_away)
		live_set(poll->live, PART_FRESH,
		         part_value(
		                 TEXT("{\"complete_until\":null,\"state\":\"away\",\"stopped\":0,\"lag_messages\":null,"
		                      "\"lag_unknown\":0}")));
	else
		set_figures(poll);
	poll->published(poll->context, live_publish(poll->live, poll_now_us(poll), poll->db_now_us));
}

/* All quick questions are answered. */
static void quick_done(struct poll *poll)
{
	if (!poll->is_between || live_has_news(poll->live, PART_BREACHES))
		publish(poll);
}

/* The first round goes on at once, and so does an hour that is begun. */
static enum pace pace_of(const struct poll *poll, int topic)
{
	enum tally_name name = topic == TOPIC_AGENTS ? TALLY_AGENTS : TALLY_PROJECTS;
	if (topic == TOPIC_GROUP_KPIS && rounds_hour_is_begun(poll->rounds))
		return PACE_AT_ONCE;
	if (topics[topic].pace == PACE_ROUND && !tally_is_known(rounds_tally(poll->rounds, name)))
		return PACE_AT_ONCE;
	return topics[topic].pace;
}

static void ask(struct poll *poll, int name);

static void on_answer(void *context, PGresult *rows, int64_t took_us)
{
	struct asked *asked = context;
	struct poll *poll = asked->poll;
	const struct topic *topic = &topics[asked->topic];
	asked->is_asked = false;
	if (rows != NULL)
		topic->take(poll, rows);
	enum pace pace = pace_of(poll, asked->topic);
	int64_t pause_us = pace_rest_us(pace, took_us, poll->is_behind);
	asked->due_us = monotonic_clock_us() + (pause_us > topic->every_us ? pause_us : topic->every_us);
	if (topic->took != NULL)
		topic->took(poll, took_us);
	if (!topic->is_slow && --poll->n_quick == 0)
		quick_done(poll);
	else if (asked->topic == TOPIC_BREACHES && live_has_news(poll->live, PART_BREACHES))
		publish(poll); /* a new breach does not wait for the sums */
	if (rows != NULL && pace == PACE_AT_ONCE)
		ask(poll, asked->topic);
}

static void ask(struct poll *poll, int name)
{
	const char *params[PG_MOST_PARAMS] = {NULL};
	const struct topic *topic = &topics[name];
	if (topic->params != NULL)
		topic->params(poll, params);
	poll->asked[name].is_asked = true;
	poll->n_quick += !topic->is_slow;
	asker_ask(topic->is_slow ? poll->slow : poll->now, topic->file, params, topic->n_params, on_answer,
	          &poll->asked[name]);
}

static bool is_due(const struct poll *poll, int name)
{
	const struct asked *asked = &poll->asked[name];
	if (asked->is_asked || !asker_is_ready(topics[name].is_slow ? poll->slow : poll->now))
		return false;
	if (name == TOPIC_LOOK && poll->figures.midnight_us == TIME_NONE)
		return false;
	/* What is due before the next tick is asked now: the time is read first, always. */
	return name == TOPIC_FRESH || asked->due_us < monotonic_clock_us() + TICK_US / 2;
}

/* Asks for what is due. */
static void ask_all(struct poll *poll, int first, int end)
{
	poll->n_quick = 1; /* until all are asked, answers do not publish */
	for (int name = first; name < end; name++)
		if (is_due(poll, name))
			ask(poll, name);
	if (--poll->n_quick == 0)
		quick_done(poll);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct poll *poll = context;
	bool is_busy = poll->n_quick > 0 || !asker_is_ready(poll->now);
	(void)fd, (void)what;
	poll->is_half = !poll->is_half;
	if (!is_busy)
		poll->is_between = poll->is_half;
	if (is_busy && !poll->is_half)
		publish(poll); /* the pages hear that the server is there */
	else if (!is_busy && poll->is_half)
		ask_all(poll, TOPIC_BREACHES, TOPIC_BREACHES + 1);
	else if (!is_busy)
		ask_all(poll, 0, TOPIC_N);
}

struct poll *poll_new(struct event_base *base, struct asker *now, struct asker *slow, struct live *live,
                      void (*published)(void *context, struct blob *event), void *context)
{
	struct poll *poll = mem_zalloc(sizeof(*poll));
	*poll = (struct poll){.now = now, .slow = slow, .live = live, .published = published, .context = context};
	poll->db_now_us = TIME_NONE;
	poll->is_half = true;
	snprintf(poll->time_zone, sizeof(poll->time_zone), "UTC");
	figures_init(&poll->figures);
	poll->rounds = rounds_new();
	for (int i = 0; i < TOPIC_N; i++)
		poll->asked[i] = (struct asked){.poll = poll, .topic = i};
	poll->tick = event_new(base, -1, EV_PERSIST, on_tick, poll);
	return poll;
}

void poll_start(struct poll *poll)
{
	static const struct timeval every = {0, TICK_US / 2};
	event_add(poll->tick, &every);
}

void poll_free(struct poll *poll)
{
	if (poll == NULL)
		return;
	event_free(poll->tick);
	rounds_free(poll->rounds);
	free(poll);
}
