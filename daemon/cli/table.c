#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

#define INDENT      2
#define GAP         2
#define MIN_COLUMN  8
#define MAX_COLUMNS 16

void table_init(struct table *table, const struct table_column *columns, size_t n_columns)
{
	*table = (struct table){.columns = columns, .n_columns = n_columns};
	arena_init(&table->arena);
}

void table_release(struct table *table)
{
	free(table->cells);
	arena_release(&table->arena);
}

void table_text(struct table *table, enum term_style style, struct text t)
{
	table->cells = mem_grow(table->cells, &table->capacity, table->n + 1, sizeof(*table->cells));
	table->cells[table->n++] = (struct table_cell){arena_text(&table->arena, t), style};
}

/* Releases buf. */
static void add_buf(struct table *table, enum term_style style, struct buf *buf)
{
	table_text(table, style, buf_text(buf));
	buf_release(buf);
}

void table_name(struct table *table, struct text name)
{
	table_text(table, TERM_PLAIN, text_is_empty(name) ? TEXT("–") : name);
}

void table_format(struct table *table, enum term_style style, const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	table_text(table, style, text_of(line));
}

void table_count(struct table *table, enum term_style style, int64_t n)
{
	struct buf buf = BUF_INIT;
	term_count(&buf, n);
	add_buf(table, style, &buf);
}

void table_seconds(struct table *table, enum term_style style, int64_t us)
{
	struct buf buf = BUF_INIT;
	term_time(&buf, us == TIME_NONE ? us : us / US_PER_SECOND * US_PER_SECOND);
	add_buf(table, style, &buf);
}

static size_t max_width(const struct table *table, size_t column)
{
	size_t width = term_width(text_of(table->columns[column].heading));
	for (size_t i = column; i < table->n; i += table->n_columns) {
		size_t cell = term_width(table->cells[i].text);
		width = cell > width ? cell : width;
	}
	return width;
}

/* Narrows the widest flexible column step by step, until the table fits or no column can shrink further. */
static void fit(const struct table *table, size_t columns, size_t *widths)
{
	size_t total = INDENT;
	for (size_t i = 0; i < table->n_columns; i++)
		total += widths[i] + (i > 0 ? GAP : 0);
	while (total > columns) {
		size_t widest = table->n_columns;
		for (size_t i = 0; i < table->n_columns; i++)
			if (table->columns[i].flexible && widths[i] > MIN_COLUMN &&
			    (widest == table->n_columns || widths[i] > widths[widest]))
				widest = i;
		if (widest == table->n_columns)
			return;
		widths[widest]--;
		total--;
	}
}

static void end_line(struct buf *out)
{
	while (out->len_bytes > 0 && out->data[out->len_bytes - 1] == ' ')
		out->data[--out->len_bytes] = '\0';
	buf_add_char(out, '\n');
}

static void write_cell(const struct table *table, const struct term *term, size_t column, size_t width,
                       enum term_style style, struct text t, struct buf *out)
{
	term_spaces(out, column == 0 ? INDENT : GAP); /* NOLINT(bugprone-branch-clone): both widths happen to be 2 */
	if (style != TERM_PLAIN)
		term_style(out, term, style);
	term_field(out, t, width, table->columns[column].right);
	if (style != TERM_PLAIN)
		term_style(out, term, TERM_PLAIN);
}

void table_write(const struct table *table, const struct term *term, struct buf *out)
{
	size_t widths[MAX_COLUMNS], n = table->n_columns;
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		widths[i] = max_width(table, i);
	fit(table, term->columns, widths);
	for (size_t i = 0; i < n; i++)
		write_cell(table, term, i, widths[i], TERM_DIM, text_of(table->columns[i].heading), out);
	end_line(out);
	for (size_t i = 0; i < table->n; i++) {
		const struct table_cell *cell = &table->cells[i];
		write_cell(table, term, i % n, widths[i % n], cell->style, cell->text, out);
		if (i % n == n - 1)
			end_line(out);
	}
}

void table_print(struct table *table)
{
	struct term term;
	struct buf out = BUF_INIT;
	term_init(&term);
	term.columns = term.is_tty ? term.columns : 160;
	table_write(table, &term, &out);
	fwrite(out.data, 1, out.len_bytes, stdout);
	table_release(table);
	buf_release(&out);
}
