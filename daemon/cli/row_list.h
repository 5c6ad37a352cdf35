/* Prints the rows of a query as a list: a table, or with --json an array of objects with a key for each column. The
 * columns may have the types integer, bigint, timestamptz and text. */
#ifndef KPID_CLI_ROW_LIST_H
#define KPID_CLI_ROW_LIST_H

#include "cli/pg_sync.h"
#include "cli/table.h"

struct row_list {
	const char *query; /* below sql/ */
	const char *none;  /* printed instead of a table without rows: "no gaps" */
	const struct table_column *columns;
	size_t n_columns;
	/* Adds the cells of a row. */
	void (*add_row)(struct table *table, const PGresult *rows, int row);
};

/* Runs the query and prints its rows. Returns an enum cli_status, and prints errors to stderr. */
int row_list_print(struct pg_sync *sync, const struct row_list *list, const struct pg_param *params, int n_params);
/* Prints the rows of a result that the caller keeps. */
void row_list_print_rows(const struct cli *cli, const struct row_list *list, const PGresult *rows);

#endif
