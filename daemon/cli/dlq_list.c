/* kpid dlq list */
#include <stdio.h>

#include "cli/dlq.h"
#include "cli/json_out.h"
#include "cli/table.h"

static json_t *json_of_row(const PGresult *rows, int row)
{
	json_t *object = json_object();
	json_object_set_new(object, "topic", json_of_text(pg_get_text(rows, row, 0)));
	json_object_set_new(object, "partition", json_integer(pg_get_int4(rows, row, 1)));
	json_object_set_new(object, "offset", json_integer(pg_get_int8(rows, row, 2)));
	json_object_set_new(object, "reason", json_of_text(pg_get_text(rows, row, 3)));
	json_object_set_new(object, "detail", json_of_text(pg_get_text(rows, row, 4)));
	json_object_set_new(object, "first_bytes", json_of_text(pg_get_text(rows, row, 5)));
	json_object_set_new(object, "length_bytes", json_integer(pg_get_int4(rows, row, 6)));
	json_object_set_new(object, "read_at", json_of_time(pg_get_time(rows, row, 7)));
	json_object_set_new(object, "requeued_at", json_of_time(pg_get_time(rows, row, 8)));
	return object;
}

static void print_list_json(const PGresult *rows)
{
	json_t *array = json_array();
	for (int row = 0; row < PQntuples(rows); row++)
		json_array_append_new(array, json_of_row(rows, row));
	json_print(array);
}

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text topic = pg_get_text(rows, row, 0);
	table_format(table, TERM_PLAIN, "%.*s/%d/%lld", (int)topic.len, topic.ptr, (int)pg_get_int4(rows, row, 1),
	             (long long)pg_get_int8(rows, row, 2));
	table_text(table, TERM_YELLOW, pg_get_text(rows, row, 3));
	table_time(table, TERM_PLAIN, pg_get_time(rows, row, 7) / US_PER_SECOND * US_PER_SECOND);
	table_text(table, TERM_PLAIN, PQgetisnull(rows, row, 8) ? TEXT("") : TEXT("yes"));
	table_text(table, TERM_PLAIN, pg_get_text(rows, row, 4));
}

static void print_list(const PGresult *rows, int64_t n_all)
{
	static const struct table_column columns[] = {{"topic/partition/offset", false, true},
	                                              {"reason", false, false},
	                                              {"read at (UTC)", false, false},
	                                              {"requeued", false, false},
	                                              {"detail", false, true}};
	struct term term;
	struct table table;
	struct buf out = BUF_INIT;
	term_init(&term);
	term.columns = term.is_tty ? term.columns : 160; /* coordinates are to be copied */
	table_init(&table, columns, 5);
	for (int row = 0; row < PQntuples(rows); row++)
		add_row(&table, rows, row);
	if (PQntuples(rows) > 0)
		table_write(&table, &term, &out);
	else
		buf_add_str(&out, "no dead letters\n");
	if (n_all > PQntuples(rows)) {
		buf_add_str(&out, "  … the latest ");
		term_count(&out, PQntuples(rows));
		buf_add_str(&out, " of ");
		term_count(&out, n_all);
		buf_add_str(&out, "; --limit shows more\n");
	}
	fwrite(out.data, 1, out.len_bytes, stdout);
	buf_release(&out);
	table_release(&table);
}

int dlq_list(struct pg_sync *sync, const struct dlq_request *request)
{
	const struct pg_param params[] = {pg_param_c_string(request->reason), pg_param_c_string(request->topic),
	                                  pg_param_c_string(request->limit)};
	PGresult *rows = pg_sync_query(sync, "queries/dlq_list.sql", params, 3);
	PGresult *count = rows == NULL ? NULL : pg_sync_query(sync, "queries/dlq_count.sql", params, 2);
	if (count != NULL && sync->cli->json)
		print_list_json(rows);
	else if (count != NULL)
		print_list(rows, pg_get_int8(count, 0, 0));
	int status = count == NULL ? pg_sync_failed(sync) : CLI_OK;
	PQclear(count);
	PQclear(rows);
	return status;
}
