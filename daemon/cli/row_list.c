#include "cli/row_list.h"

#include <stdio.h>

#include "cli/json_out.h"

static json_t *json_of_value(const PGresult *rows, int row, int column)
{
	if (PQgetisnull(rows, row, column))
		return json_null();
	switch (PQftype(rows, column)) {
	case PG_OID_INT4:
		return json_integer(pg_get_int4(rows, row, column));
	case PG_OID_INT8:
		return json_integer(pg_get_int8(rows, row, column));
	case PG_OID_TIMESTAMPTZ:
		return json_of_time(pg_get_time(rows, row, column));
	default:
		return json_of_text(pg_get_text(rows, row, column));
	}
}

static json_t *json_of_row(const PGresult *rows, int row)
{
	json_t *object = json_object();
	for (int column = 0; column < PQnfields(rows); column++)
		json_object_set_new(object, PQfname(rows, column), json_of_value(rows, row, column));
	return object;
}

static void print_json(const PGresult *rows)
{
	json_t *array = json_array();
	for (int row = 0; row < PQntuples(rows); row++)
		json_array_append_new(array, json_of_row(rows, row));
	json_print(array);
}

static void print_table(const struct row_list *list, const PGresult *rows)
{
	struct table table;
	if (PQntuples(rows) == 0) {
		puts(list->none);
		return;
	}
	table_init(&table, list->columns, list->n_columns);
	for (int row = 0; row < PQntuples(rows); row++)
		list->add_row(&table, rows, row);
	table_print(&table);
}

void row_list_print_rows(const struct cli *cli, const struct row_list *list, const PGresult *rows)
{
	if (cli->json)
		print_json(rows);
	else
		print_table(list, rows);
}

int row_list_print(struct pg_sync *sync, const struct row_list *list, const struct pg_param *params, int n_params)
{
	PGresult *rows = pg_sync_query(sync, list->query, params, n_params);
	if (rows == NULL)
		return pg_sync_failed(sync);
	row_list_print_rows(sync->cli, list, rows);
	PQclear(rows);
	return CLI_OK;
}
