/* Rows of PostgreSQL as JSON, CSV and lists: each column has the name that the page sees. */
#ifndef KPID_BOARD_ROWS_H
#define KPID_BOARD_ROWS_H

#include <libpq-fe.h>

#include "board/part.h"
#include "kpid/base/buf.h"

/* Appends a row as an object: the columns first .. end - 1. */
void rows_object(struct buf *out, const PGresult *rows, int row, int first, int end);
/* Appends one value. */
void rows_value(struct buf *out, const PGresult *rows, int row, int column);
/* The rows as a list; their first column is the key. The caller has a reference. */
struct part *rows_list(const PGresult *rows, int n_columns);
/* Append a line of CSV with the names of the columns, or with a row; ended by CR LF. */
void rows_csv_names(struct buf *out, const PGresult *rows, int first, int end);
void rows_csv_row(struct buf *out, const PGresult *rows, int row, int first, int end);

#endif
