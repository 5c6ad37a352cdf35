#include "app/metrics_database.h"

#include <event2/event.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

enum {
	READ_US = 15000000, /* between the beginnings of two readings */
	REST = 100          /* a reading that took t is followed by a pause of this many t */
};

struct metrics_database {
	struct event_base *base;
	const struct kpid_config *config;
	struct pg_session *session; /* NULL: nothing is being read */
	struct event *close_timer;  /* closes the session, which no callback of it may do */
	struct config_words projects;
	struct database_values values;
	int64_t asked_us, not_before_us; /* monotonic */
};

static void release_projects(struct database_values *values)
{
	for (size_t i = 0; i < values->n_projects; i++)
		free(values->projects[i].project);
	free(values->projects);
	values->projects = NULL;
	values->n_projects = 0;
}

/* ---- what was read ---- */

static struct clock_counts *clocks_of_project(struct database_values *values, struct text project)
{
	for (size_t i = 0; i < values->n_projects; i++)
		if (text_same(text_of(values->projects[i].project), project))
			return &values->projects[i].clocks;
	return NULL;
}

static void take_clocks(struct clock_counts *clocks, const PGresult *result, int row)
{
	int32_t target = pg_get_int4(result, row, METRICS_READ_TARGET),
	        state = pg_get_int4(result, row, METRICS_READ_STATE);
	if (clocks != NULL && target >= 0 && target < TARGET_N && state >= 0 && state < CLOCK_N_STATES)
		clocks->n[target][state] = pg_get_int8(result, row, METRICS_READ_N);
}

static void take_row(struct database_values *values, const PGresult *result, int row)
{
	struct text name = pg_get_text(result, row, METRICS_READ_NAME);
	int64_t n = pg_get_int8(result, row, METRICS_READ_N);
	if (text_same(name, TEXT("clocks"))) {
		take_clocks(&values->clocks, result, row);
	} else if (text_same(name, TEXT("project_clocks"))) {
		take_clocks(clocks_of_project(values, pg_get_text(result, row, METRICS_READ_PROJECT)), result, row);
	} else if (text_same(name, TEXT("outbox"))) {
		values->n_outbox = n;
		values->outbox_oldest_us = pg_get_time(result, row, METRICS_READ_AT);
	} else if (text_same(name, TEXT("unrouted"))) {
		values->n_unrouted = n;
		values->unrouted_oldest_us = pg_get_time(result, row, METRICS_READ_AT);
	} else if (text_same(name, TEXT("gaps"))) {
		values->n_gaps = n;
		values->read_us = pg_get_time(result, row, METRICS_READ_AT);
	} else if (text_same(name, TEXT("refused"))) {
		values->n_refused = n;
	} else if (text_same(name, TEXT("waiting"))) {
		values->n_waiting = n;
	}
}

static void on_read(void *context, PGresult *result)
{
	struct metrics_database *database = context;
	struct database_values *values = &database->values;
	if (!pg_result_ok(result))
		return;
	release_projects(values);
	*values = (struct database_values){.read_us = TIME_NONE};
	values->n_projects = database->projects.n;
	values->projects = mem_zalloc((values->n_projects + 1) * sizeof(*values->projects));
	for (size_t i = 0; i < values->n_projects; i++)
		values->projects[i].project = mem_strdup(database->projects.items[i]);
	for (int row = 0; row < PQntuples(result); row++)
		take_row(values, result, row);
}

/* ---- reading ---- */

static void close_soon(struct metrics_database *database)
{
	static const struct timeval now = {0, 0};
	evtimer_add(database->close_timer, &now);
}

static void on_close(evutil_socket_t fd, short what, void *context)
{
	struct metrics_database *database = context;
	(void)fd, (void)what;
	pg_session_free(database->session);
	database->session = NULL;
}

static void on_read_end(void *context, PGresult *result)
{
	struct metrics_database *database = context;
	int64_t now_us = monotonic_clock_us();
	(void)result;
	database->not_before_us = now_us + REST * (now_us - database->asked_us);
	close_soon(database);
}

static void on_ready(void *context)
{
	struct metrics_database *database = context;
	struct pg_array names = {.n = 0};
	pg_array_start(&names, PG_OID_TEXT);
	for (size_t i = 0; i < database->projects.n; i++)
		pg_array_text(&names, text_of(database->projects.items[i]));
	struct pg_param param = pg_array_param(&names);
	pg_session_query(database->session, "queries/metrics_read.sql", &param, 1, on_read, database);
	pg_session_sync(database->session, on_read_end, database);
	pg_array_release(&names);
}

static void on_lost(void *context, const char *reason)
{
	(void)reason;
	close_soon(context);
}

static void copy_projects(struct metrics_database *database, const struct kpid_config *config)
{
	config_words_release(&database->projects);
	for (size_t i = 0; i < config->metrics.projects.n; i++) {
		database->projects.items = mem_grow(database->projects.items, &database->projects.capacity,
		                                    database->projects.n + 1, sizeof(char *));
		database->projects.items[database->projects.n++] = mem_strdup(config->metrics.projects.items[i]);
	}
}

void metrics_database_refresh(struct metrics_database *database, const struct kpid_config *config)
{
	int64_t now_us = monotonic_clock_us();
	bool is_known = database->values.read_us != TIME_NONE;
	if (database->session != NULL || now_us < database->not_before_us ||
	    (is_known && now_us - database->asked_us < READ_US))
		return;
	database->asked_us = now_us;
	copy_projects(database, config);
	database->session = pg_session_new(database->base, &database->config->postgres, "metrics",
	                                   &(struct pg_session_events){on_ready, on_lost, database});
	pg_session_start(database->session);
}

/* ---- life ---- */

struct metrics_database *metrics_database_new(struct event_base *base, const struct kpid_config *config)
{
	struct metrics_database *database = mem_zalloc(sizeof(*database));
	database->base = base;
	database->config = config;
	database->values.read_us = TIME_NONE;
	database->close_timer = evtimer_new(base, on_close, database);
	return database;
}

void metrics_database_free(struct metrics_database *database)
{
	if (database == NULL)
		return;
	pg_session_free(database->session);
	event_free(database->close_timer);
	release_projects(&database->values);
	config_words_release(&database->projects);
	free(database);
}

const struct database_values *metrics_database_values(const struct metrics_database *database)
{
	return &database->values;
}
