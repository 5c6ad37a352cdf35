/* kpid alerts list */
#include <stdio.h>

#include "cli/alerts.h"
#include "cli/json_out.h"
#include "cli/table.h"

enum alert_column {
	ALERT_ID,
	ALERT_TICKET,
	ALERT_TARGET,
	ALERT_N,
	ALERT_STATE,
	ALERT_LEVEL,
	ALERT_WARNINGS,
	ALERT_DUE,
	ALERT_SINCE,
	ALERT_OWNER,
	ALERT_PROJECT,
	ALERT_POLICY,
	ALERT_DELIVERY,
	ALERT_ACK_BY,
	ALERT_ACK_WHY,
	ALERT_AGAIN
};

static void print_json(const PGresult *rows)
{
	static const struct {
		const char *name;
		int column;
	} texts[] = {{"alert_id", ALERT_ID},   {"ticket_id", ALERT_TICKET},      {"target", ALERT_TARGET},
	             {"state", ALERT_STATE},   {"owner_at_breach", ALERT_OWNER}, {"project_id", ALERT_PROJECT},
	             {"policy", ALERT_POLICY}, {"delivery", ALERT_DELIVERY},     {"acknowledged_by", ALERT_ACK_BY},
	             {"why", ALERT_ACK_WHY}};
	json_t *array = json_array();
	for (int row = 0; row < PQntuples(rows); row++) {
		json_t *object = json_object();
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			json_object_set_new(object, texts[i].name,
			                    json_of_text(pg_get_text(rows, row, texts[i].column)));
		json_object_set_new(object, "n", json_integer(pg_get_int4(rows, row, ALERT_N)));
		json_object_set_new(object, "level", json_integer(pg_get_int4(rows, row, ALERT_LEVEL)));
		json_object_set_new(object, "warnings", json_integer(pg_get_int4(rows, row, ALERT_WARNINGS)));
		json_object_set_new(object, "due_at", json_of_time(pg_get_time(rows, row, ALERT_DUE)));
		json_object_set_new(object, "since", json_of_time(pg_get_time(rows, row, ALERT_SINCE)));
		json_object_set_new(object, "fires_again_at", json_of_time(pg_get_time(rows, row, ALERT_AGAIN)));
		json_array_append_new(array, object);
	}
	json_print(array);
}

static enum term_style style_of(struct text state)
{
	if (text_equal(state, TEXT("breached")))
		return TERM_RED;
	return text_equal(state, TEXT("warning")) ? TERM_YELLOW : TERM_PLAIN;
}

static void add_name(struct table *table, const PGresult *rows, int row, int column)
{
	struct text name = pg_get_text(rows, row, column);
	table_text(table, TERM_PLAIN, text_is_empty(name) ? TEXT("–") : name);
}

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text ticket = pg_get_text(rows, row, ALERT_TICKET), target = pg_get_text(rows, row, ALERT_TARGET);
	struct text state = pg_get_text(rows, row, ALERT_STATE);
	int64_t due_us = pg_get_time(rows, row, ALERT_DUE);
	bool warns = text_equal(state, TEXT("warning"));
	table_text(table, style_of(state), state);
	table_format(table, TERM_PLAIN, "%d", (int)pg_get_int4(rows, row, warns ? ALERT_WARNINGS : ALERT_LEVEL));
	table_format(table, TERM_PLAIN, "%.*s/%.*s/%d", (int)ticket.len, ticket.ptr, (int)target.len, target.ptr,
	             (int)pg_get_int4(rows, row, ALERT_N));
	table_time(table, TERM_PLAIN, due_us == TIME_NONE ? due_us : due_us / US_PER_SECOND * US_PER_SECOND);
	add_name(table, rows, row, ALERT_OWNER);
	add_name(table, rows, row, ALERT_PROJECT);
	add_name(table, rows, row, ALERT_ACK_BY);
	add_name(table, rows, row, ALERT_ACK_WHY);
}

static void print_table(const PGresult *rows)
{
	static const struct table_column columns[] = {{"state", false, false},      {"level", true, false},
	                                              {"alert", false, true},       {"due (UTC)", false, false},
	                                              {"owner then", false, true},  {"project", false, true},
	                                              {"taken on by", false, true}, {"why", false, true}};
	struct table table;
	if (PQntuples(rows) == 0) {
		puts("no alerts");
		return;
	}
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (int row = 0; row < PQntuples(rows); row++)
		add_row(&table, rows, row);
	table_print(&table);
}

int alerts_list(struct pg_sync *sync, const struct alerts_request *request)
{
	const struct pg_param params[] = {pg_param_c_string(request->all ? "true" : "false"),
	                                  pg_param_c_string(request->state), pg_param_c_string(request->project),
	                                  pg_param_c_string(request->target)};
	PGresult *rows = pg_sync_query(sync, "queries/alert_list.sql", params, 4);
	if (rows == NULL)
		return pg_sync_failed(sync);
	if (sync->cli->json)
		print_json(rows);
	else
		print_table(rows);
	PQclear(rows);
	return CLI_OK;
}
