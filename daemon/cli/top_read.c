#include <stdio.h>

#include "cli/top.h"

enum { N_AGENTS = 50, N_DEADLINES = 10, N_ALERTS = 8, N_PARTITIONS = 8 };

void top_view_init(struct top_view *view)
{
	*view = (struct top_view){.now_us = TIME_NONE, .per_second = -1};
	arena_init(&view->arena);
}

void top_view_release(struct top_view *view)
{
	arena_release(&view->arena);
}

static struct text keep(struct top_view *view, const PGresult *rows, int row, int column)
{
	return arena_text(&view->arena, pg_get_text(rows, row, column));
}

static PGresult *query_some(struct pg_sync *sync, const char *file, int limit)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", limit);
	const struct pg_param param = pg_param_c_string(text);
	return pg_sync_query(sync, file, &param, 1);
}

static bool read_sources(struct top_view *view, struct pg_sync *sync)
{
	PGresult *row = pg_sync_query(sync, "queries/top_sources.sql", NULL, 0);
	if (row == NULL)
		return false;
	view->now_us = pg_get_int8(row, 0, 0);
	view->n_messages = pg_get_int8(row, 0, 1);
	view->lag_messages = PQgetisnull(row, 0, 2) ? LAG_UNKNOWN : pg_get_int8(row, 0, 2);
	view->complete_us = pg_get_time(row, 0, 3);
	view->n_stopped = pg_get_int8(row, 0, 4);
	view->n_running = pg_get_int8(row, 0, 5);
	view->n_dead_letters = pg_get_int8(row, 0, 6);
	PQclear(row);
	return true;
}

static bool read_partitions(struct top_view *view, struct pg_sync *sync)
{
	PGresult *rows = query_some(sync, "queries/top_partitions.sql", N_PARTITIONS);
	if (rows == NULL)
		return false;
	view->n_partitions = (size_t)PQntuples(rows);
	view->partitions = arena_alloc(&view->arena, view->n_partitions * sizeof(*view->partitions));
	for (int row = 0; row < PQntuples(rows); row++)
		view->partitions[row] = (struct top_partition){
		        .topic = keep(view, rows, row, 0),
		        .partition = pg_get_int4(rows, row, 1),
		        .state = keep(view, rows, row, 2),
		        .state_reason = keep(view, rows, row, 3),
		        .owner = keep(view, rows, row, 4),
		        .lag_messages = PQgetisnull(rows, row, 5) ? LAG_UNKNOWN : pg_get_int8(rows, row, 5),
		        .complete_us = pg_get_time(rows, row, 6),
		};
	PQclear(rows);
	return true;
}

static bool read_compliance(struct top_view *view, struct pg_sync *sync, const char *time_zone)
{
	const struct pg_param param = pg_param_c_string(time_zone);
	PGresult *rows = pg_sync_query(sync, "queries/top_compliance.sql", &param, 1);
	if (rows == NULL)
		return false;
	for (int row = 0; row < PQntuples(rows); row++)
		for (int target = 0; target < TARGET_N; target++)
			view->slas[pg_get_int4(rows, row, 0)][target] = (struct top_sla){
			        pg_get_int8(rows, row, 1 + 2 * target), pg_get_int8(rows, row, 2 + 2 * target)};
	PQclear(rows);
	return true;
}

static bool read_agents(struct top_view *view, struct pg_sync *sync)
{
	PGresult *rows = query_some(sync, "queries/top_agents.sql", N_AGENTS);
	if (rows == NULL)
		return false;
	view->n_shown_agents = (size_t)PQntuples(rows);
	view->agents = arena_alloc(&view->arena, view->n_shown_agents * sizeof(*view->agents));
	view->n_agents = view->n_open = 0;
	for (int row = 0; row < PQntuples(rows); row++) {
		view->agents[row] = (struct top_agent){
		        .agent_id = keep(view, rows, row, 0),
		        .opened = pg_get_int8(rows, row, 1),
		        .responded = pg_get_int8(rows, row, 2),
		        .resolved = pg_get_int8(rows, row, 3),
		        .sla = {pg_get_int8(rows, row, 4), pg_get_int8(rows, row, 5)},
		        .backlog = pg_get_int8(rows, row, 6),
		};
		view->n_agents = pg_get_int8(rows, row, 7);
		view->n_open = pg_get_int8(rows, row, 8);
	}
	PQclear(rows);
	return true;
}

static bool read_clocks(struct top_view *view, struct pg_sync *sync)
{
	PGresult *row = pg_sync_query(sync, "queries/top_clocks.sql", NULL, 0);
	if (row == NULL)
		return false;
	view->n_breached = pg_get_int8(row, 0, 0);
	view->n_at_risk = pg_get_int8(row, 0, 1);
	view->n_pending = pg_get_int8(row, 0, 2);
	view->n_paused = pg_get_int8(row, 0, 3);
	PQclear(row);
	return true;
}

static bool read_deadlines(struct top_view *view, struct pg_sync *sync)
{
	PGresult *rows = query_some(sync, "queries/top_deadlines.sql", N_DEADLINES);
	if (rows == NULL)
		return false;
	view->n_deadlines = (size_t)PQntuples(rows);
	view->deadlines = arena_alloc(&view->arena, view->n_deadlines * sizeof(*view->deadlines));
	for (int row = 0; row < PQntuples(rows); row++)
		view->deadlines[row] = (struct top_deadline){
		        .ticket_id = keep(view, rows, row, 0),
		        .target = keep(view, rows, row, 1),
		        .state = keep(view, rows, row, 2),
		        .due_us = pg_get_time(rows, row, 3),
		        .left_us = pg_get_int8(rows, row, 4),
		        .agent_id = keep(view, rows, row, 5),
		        .priority = keep(view, rows, row, 6),
		        .category = keep(view, rows, row, 7),
		};
	PQclear(rows);
	return true;
}

static bool read_alerts(struct top_view *view, struct pg_sync *sync)
{
	PGresult *rows = query_some(sync, "queries/top_alerts.sql", N_ALERTS);
	if (rows == NULL)
		return false;
	view->n_alerts = (size_t)PQntuples(rows);
	view->alerts = arena_alloc(&view->arena, view->n_alerts * sizeof(*view->alerts));
	for (int row = 0; row < PQntuples(rows); row++)
		view->alerts[row] = (struct top_alert){
		        .ticket_id = keep(view, rows, row, 0),
		        .target = keep(view, rows, row, 1),
		        .state = keep(view, rows, row, 2),
		        .breached_us = pg_get_time(rows, row, 3),
		        .detected_us = pg_get_time(rows, row, 4),
		        .owner = keep(view, rows, row, 5),
		        .policy = keep(view, rows, row, 6),
		};
	PQclear(rows);
	return true;
}

static int64_t rate(const struct top_view *before, const struct top_view *now)
{
	if (before->now_us == TIME_NONE || before->now_us >= now->now_us || before->n_messages > now->n_messages)
		return -1;
	double seconds = (double)(now->now_us - before->now_us) / (double)US_PER_SECOND;
	return (int64_t)((double)(now->n_messages - before->n_messages) / seconds + 0.5);
}

bool top_view_read(struct top_view *view, struct pg_sync *sync, const char *time_zone)
{
	struct top_view next;
	top_view_init(&next);
	bool ok = pg_sync_begin_snapshot(sync) && read_sources(&next, sync) && read_partitions(&next, sync) &&
	          read_compliance(&next, sync, time_zone) && read_agents(&next, sync) && read_clocks(&next, sync) &&
	          read_deadlines(&next, sync) && read_alerts(&next, sync);
	pg_sync_end(sync);
	if (!ok) {
		top_view_release(&next);
		return false;
	}
	next.per_second = rate(view, &next);
	top_view_release(view);
	*view = next;
	return true;
}
