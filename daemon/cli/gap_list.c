/* kpid gap list */
#include <stdio.h>

#include "cli/gap.h"
#include "cli/json_out.h"
#include "cli/table.h"

enum gap_column {
	GAP_NO,
	GAP_TOPIC,
	GAP_PARTITION,
	GAP_REASON,
	GAP_EXPECTED,
	GAP_LOW,
	GAP_HIGH,
	GAP_DETECTED_AT,
	GAP_ACCEPTED_AT,
	GAP_ACCEPTED_BY,
	GAP_RESUMED_AT
};

static json_t *json_of_offset(const PGresult *rows, int row, int column)
{
	return PQgetisnull(rows, row, column) ? json_null() : json_integer(pg_get_int8(rows, row, column));
}

static void print_json(const PGresult *rows)
{
	json_t *array = json_array();
	for (int row = 0; row < PQntuples(rows); row++) {
		json_t *object = json_object();
		json_object_set_new(object, "gap_no", json_of_offset(rows, row, GAP_NO));
		json_object_set_new(object, "topic", json_of_text(pg_get_text(rows, row, GAP_TOPIC)));
		json_object_set_new(object, "partition", json_integer(pg_get_int4(rows, row, GAP_PARTITION)));
		json_object_set_new(object, "reason", json_of_text(pg_get_text(rows, row, GAP_REASON)));
		json_object_set_new(object, "expected_offset", json_of_offset(rows, row, GAP_EXPECTED));
		json_object_set_new(object, "low_offset", json_of_offset(rows, row, GAP_LOW));
		json_object_set_new(object, "high_offset", json_of_offset(rows, row, GAP_HIGH));
		json_object_set_new(object, "detected_at", json_of_time(pg_get_time(rows, row, GAP_DETECTED_AT)));
		json_object_set_new(object, "accepted_at", json_of_time(pg_get_time(rows, row, GAP_ACCEPTED_AT)));
		json_object_set_new(object, "accepted_by", json_of_text(pg_get_text(rows, row, GAP_ACCEPTED_BY)));
		json_object_set_new(object, "resumed_at_offset", json_of_offset(rows, row, GAP_RESUMED_AT));
		json_array_append_new(array, object);
	}
	json_print(array);
}

static void add_offset(struct table *table, const PGresult *rows, int row, int column)
{
	if (PQgetisnull(rows, row, column))
		table_text(table, TERM_PLAIN, TEXT("–"));
	else
		table_format(table, TERM_PLAIN, "%lld", (long long)pg_get_int8(rows, row, column));
}

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text topic = pg_get_text(rows, row, GAP_TOPIC), by = pg_get_text(rows, row, GAP_ACCEPTED_BY);
	bool open = PQgetisnull(rows, row, GAP_ACCEPTED_AT);
	table_format(table, open ? TERM_RED : TERM_DIM, open ? "open" : "accepted");
	table_format(table, TERM_PLAIN, "%.*s/%d", (int)topic.len, topic.ptr,
	             (int)pg_get_int4(rows, row, GAP_PARTITION));
	add_offset(table, rows, row, GAP_EXPECTED);
	add_offset(table, rows, row, GAP_LOW);
	add_offset(table, rows, row, GAP_HIGH);
	table_time(table, TERM_PLAIN, pg_get_time(rows, row, GAP_DETECTED_AT) / US_PER_SECOND * US_PER_SECOND);
	add_offset(table, rows, row, GAP_RESUMED_AT);
	table_text(table, TERM_PLAIN, text_is_absent(by) ? TEXT("–") : by);
	table_text(table, TERM_PLAIN, pg_get_text(rows, row, GAP_REASON));
}

static void print_table(const PGresult *rows)
{
	static const struct table_column columns[] = {
	        {"gap", false, false},    {"partition", false, true},   {"expected", true, false},
	        {"first", true, false},   {"end", true, false},         {"found at (UTC)", false, false},
	        {"resumed", true, false}, {"accepted by", false, true}, {"what was found", false, true}};
	struct table table;
	if (PQntuples(rows) == 0) {
		puts("no gaps");
		return;
	}
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (int row = 0; row < PQntuples(rows); row++)
		add_row(&table, rows, row);
	table_print(&table);
}

int gap_list(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics)
{
	(void)request, (void)topics;
	PGresult *rows = pg_sync_query(sync, "queries/gap_list.sql", NULL, 0);
	if (rows == NULL)
		return pg_sync_failed(sync);
	if (sync->cli->json)
		print_json(rows);
	else
		print_table(rows);
	PQclear(rows);
	return CLI_OK;
}
