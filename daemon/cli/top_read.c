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
	view->now_us = pg_get_int8(row, 0, TOP_SOURCES_NOW_US);
	view->n_messages = pg_get_int8(row, 0, TOP_SOURCES_N_MESSAGES);
	view->lag_messages = pg_get_int8_or(row, 0, TOP_SOURCES_LAG_MESSAGES, LAG_UNKNOWN);
	view->n_lag_unknown = pg_get_int8(row, 0, TOP_SOURCES_N_LAG_UNKNOWN);
	view->complete_us = pg_get_time(row, 0, TOP_SOURCES_COMPLETE_UNTIL);
	view->n_stopped = pg_get_int8(row, 0, TOP_SOURCES_N_STOPPED);
	view->n_running = pg_get_int8(row, 0, TOP_SOURCES_N_RUNNING);
	view->n_dead_letters = pg_get_int8(row, 0, TOP_SOURCES_N_DEAD_LETTERS);
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
		        .topic = keep(view, rows, row, TOP_PARTITIONS_TOPIC),
		        .partition = pg_get_int4(rows, row, TOP_PARTITIONS_PARTITION),
		        .state = keep(view, rows, row, TOP_PARTITIONS_STATE),
		        .state_reason = keep(view, rows, row, TOP_PARTITIONS_STATE_REASON),
		        .owner = keep(view, rows, row, TOP_PARTITIONS_OWNER),
		        .lag_messages = pg_get_int8_or(rows, row, TOP_PARTITIONS_LAG_MESSAGES, LAG_UNKNOWN),
		        .complete_us = pg_get_time(rows, row, TOP_PARTITIONS_COMPLETE_UNTIL),
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
			view->slas[pg_get_int4(rows, row, TOP_COMPLIANCE_TODAY)][target] = (struct top_sla){
			        pg_get_int8(rows, row, TOP_COMPLIANCE_FIRST_RESPONSE_MEASURED + 2 * target),
			        pg_get_int8(rows, row, TOP_COMPLIANCE_FIRST_RESPONSE_WITHIN_SLA + 2 * target)};
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
		        .agent_id = keep(view, rows, row, TOP_AGENTS_AGENT_ID),
		        .opened = pg_get_int8(rows, row, TOP_AGENTS_OPENED),
		        .responded = pg_get_int8(rows, row, TOP_AGENTS_RESPONDED),
		        .resolved = pg_get_int8(rows, row, TOP_AGENTS_RESOLVED),
		        .sla = {pg_get_int8(rows, row, TOP_AGENTS_MEASURED),
		                pg_get_int8(rows, row, TOP_AGENTS_WITHIN_SLA)},
		        .backlog = pg_get_int8(rows, row, TOP_AGENTS_BACKLOG),
		};
		view->n_agents = pg_get_int8(rows, row, TOP_AGENTS_N_AGENTS);
		view->n_open = pg_get_int8(rows, row, TOP_AGENTS_N_OPEN);
	}
	PQclear(rows);
	return true;
}

static bool read_clocks(struct top_view *view, struct pg_sync *sync)
{
	PGresult *row = pg_sync_query(sync, "queries/top_clocks.sql", NULL, 0);
	if (row == NULL)
		return false;
	view->n_breached = pg_get_int8(row, 0, TOP_CLOCKS_N_BREACHED);
	view->n_at_risk = pg_get_int8(row, 0, TOP_CLOCKS_N_AT_RISK);
	view->n_pending = pg_get_int8(row, 0, TOP_CLOCKS_N_PENDING);
	view->n_paused = pg_get_int8(row, 0, TOP_CLOCKS_N_PAUSED);
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
		        .ticket_id = keep(view, rows, row, TOP_DEADLINES_TICKET_ID),
		        .target = keep(view, rows, row, TOP_DEADLINES_TARGET),
		        .state = keep(view, rows, row, TOP_DEADLINES_STATE),
		        .due_us = pg_get_time(rows, row, TOP_DEADLINES_DUE_AT),
		        .left_us = pg_get_int8(rows, row, TOP_DEADLINES_LEFT_US),
		        .agent_id = keep(view, rows, row, TOP_DEADLINES_AGENT_ID),
		        .priority = keep(view, rows, row, TOP_DEADLINES_PRIORITY),
		        .category = keep(view, rows, row, TOP_DEADLINES_CATEGORY),
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
		        .ticket_id = keep(view, rows, row, TOP_ALERTS_TICKET_ID),
		        .target = keep(view, rows, row, TOP_ALERTS_TARGET),
		        .state = keep(view, rows, row, TOP_ALERTS_STATE),
		        .breached_us = pg_get_time(rows, row, TOP_ALERTS_BREACHED_AT),
		        .detected_us = pg_get_time(rows, row, TOP_ALERTS_DETECTED_AT),
		        .owner = keep(view, rows, row, TOP_ALERTS_OWNER_AT_BREACH),
		        .policy = keep(view, rows, row, TOP_ALERTS_POLICY),
		};
	PQclear(rows);
	return true;
}

static bool read_backlog(struct top_view *view, struct pg_sync *sync, const struct read_progress *before)
{
	struct catch_up_sample sample;
	if (!backlog_look(sync, &sample, &view->is_behind))
		return false;
	view->progress = *before;
	read_progress_note(&view->progress, &sample);
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
	bool ok = pg_sync_begin_snapshot(sync) && read_sources(&next, sync) &&
	          read_backlog(&next, sync, &view->progress) && read_partitions(&next, sync) &&
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
