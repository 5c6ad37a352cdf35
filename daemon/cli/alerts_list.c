/* kpid alerts list */
#include "cli/alerts.h"
#include "cli/row_list.h"

static enum term_style style_of(struct text state)
{
	if (text_equal(state, TEXT("breached")))
		return TERM_RED;
	return text_equal(state, TEXT("warning")) ? TERM_YELLOW : TERM_PLAIN;
}

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text ticket = pg_get_text(rows, row, ALERT_LIST_TICKET_ID),
	            target = pg_get_text(rows, row, ALERT_LIST_TARGET);
	struct text state = pg_get_text(rows, row, ALERT_LIST_STATE);
	bool warns = text_equal(state, TEXT("warning"));
	table_text(table, style_of(state), state);
	table_format(table, TERM_PLAIN, "%d",
	             (int)pg_get_int4(rows, row, warns ? ALERT_LIST_WARNINGS : ALERT_LIST_LEVEL));
	table_format(table, TERM_PLAIN, "%.*s/%.*s/%d", (int)ticket.len, ticket.ptr, (int)target.len, target.ptr,
	             (int)pg_get_int4(rows, row, ALERT_LIST_N));
	table_seconds(table, TERM_PLAIN, pg_get_time(rows, row, ALERT_LIST_DUE_AT));
	table_name(table, pg_get_text(rows, row, ALERT_LIST_OWNER_AT_BREACH));
	table_name(table, pg_get_text(rows, row, ALERT_LIST_PROJECT_ID));
	table_name(table, pg_get_text(rows, row, ALERT_LIST_ACKNOWLEDGED_BY));
	table_name(table, pg_get_text(rows, row, ALERT_LIST_WHY));
}

static const struct table_column columns[] = {{"state", false, false},          {"level", true, false},
                                              {"alert", false, true},           {"due (UTC)", false, false},
                                              {"owner then", false, true},      {"project", false, true},
                                              {"acknowledged by", false, true}, {"why", false, true}};

static const struct row_list list = {"queries/alert_list.sql", "no alerts", columns,
                                     sizeof(columns) / sizeof(columns[0]), add_row};

int alerts_list(struct pg_sync *sync, const struct alerts_request *request)
{
	const struct pg_param params[ALERT_LIST_N_PARAMS] = {
	        [ALERT_LIST_PARAM_ALL] = pg_param_c_string(request->all ? "true" : "false"),
	        [ALERT_LIST_PARAM_STATE] = pg_param_c_string(request->state),
	        [ALERT_LIST_PARAM_PROJECT_ID] = pg_param_c_string(request->project),
	        [ALERT_LIST_PARAM_TARGET] = pg_param_c_string(request->target),
	};
	return row_list_print(sync, &list, params, ALERT_LIST_N_PARAMS);
}
