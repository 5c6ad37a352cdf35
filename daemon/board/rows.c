#include "board/rows.h"

#include "board/json.h"

static struct json_cell cell_of(const PGresult *rows, int row, int column)
{
	struct json_cell cell = {.oid = PQftype(rows, column), .bytes = TEXT_ABSENT};
	if (!PQgetisnull(rows, row, column))
		cell.bytes = (struct text){PQgetvalue(rows, row, column), (uint32_t)PQgetlength(rows, row, column)};
	return cell;
}

void rows_object(struct buf *out, const PGresult *rows, int row, int first, int end)
{
	buf_add_char(out, '{');
	for (int column = first; column < end; column++) {
		buf_add_format(out, "%s\"%s\":", column == first ? "" : ",", PQfname(rows, column));
		json_cell(out, cell_of(rows, row, column));
	}
	buf_add_char(out, '}');
}

void rows_value(struct buf *out, const PGresult *rows, int row, int column)
{
	json_cell(out, cell_of(rows, row, column));
}

struct part *rows_list(const PGresult *rows, int n_columns)
{
	struct part *list = part_list();
	struct buf json = BUF_INIT;
	for (int row = 0; row < PQntuples(rows); row++) {
		struct json_cell key = cell_of(rows, row, 0);
		buf_clear(&json);
		rows_object(&json, rows, row, 0, n_columns);
		part_add(list, key.bytes, buf_text(&json));
	}
	buf_release(&json);
	return list;
}

void rows_csv_names(struct buf *out, const PGresult *rows, int first, int end)
{
	for (int column = first; column < end; column++)
		buf_add_format(out, "%s%s", column == first ? "" : ",", PQfname(rows, column));
	buf_add_str(out, "\r\n");
}

void rows_csv_row(struct buf *out, const PGresult *rows, int row, int first, int end)
{
	for (int column = first; column < end; column++) {
		if (column > first)
			buf_add_char(out, ',');
		csv_cell(out, cell_of(rows, row, column));
	}
	buf_add_str(out, "\r\n");
}
