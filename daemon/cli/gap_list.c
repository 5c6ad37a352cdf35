/* kpid gap list */
#include "cli/gap.h"
#include "cli/row_list.h"

static void add_offset(struct table *table, const PGresult *rows, int row, int column)
{
	if (PQgetisnull(rows, row, column))
		table_text(table, TERM_PLAIN, TEXT("–"));
	else
		table_format(table, TERM_PLAIN, "%lld", (long long)pg_get_int8(rows, row, column));
}

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text topic = pg_get_text(rows, row, GAP_LIST_TOPIC);
	bool open = PQgetisnull(rows, row, GAP_LIST_ACCEPTED_AT);
	table_format(table, open ? TERM_RED : TERM_DIM, open ? "open" : "accepted");
	table_format(table, TERM_PLAIN, "%.*s/%d", (int)topic.len, topic.ptr,
	             (int)pg_get_int4(rows, row, GAP_LIST_PARTITION));
	add_offset(table, rows, row, GAP_LIST_EXPECTED_OFFSET);
	add_offset(table, rows, row, GAP_LIST_LOW_OFFSET);
	add_offset(table, rows, row, GAP_LIST_HIGH_OFFSET);
	table_seconds(table, TERM_PLAIN, pg_get_time(rows, row, GAP_LIST_DETECTED_AT));
	add_offset(table, rows, row, GAP_LIST_RESUMED_AT_OFFSET);
	table_name(table, pg_get_text(rows, row, GAP_LIST_ACCEPTED_BY));
	table_text(table, TERM_PLAIN, pg_get_text(rows, row, GAP_LIST_REASON));
}

static const struct table_column columns[] = {
        {"gap", false, false},    {"partition", false, true},   {"expected", true, false},
        {"first", true, false},   {"end", true, false},         {"found at (UTC)", false, false},
        {"resumed", true, false}, {"accepted by", false, true}, {"reason", false, true}};

static const struct row_list list = {"queries/gap_list.sql", "no gaps", columns, sizeof(columns) / sizeof(columns[0]),
                                     add_row};

int gap_list(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics)
{
	(void)request, (void)topics;
	return row_list_print(sync, &list, NULL, 0);
}
