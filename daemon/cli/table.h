/* A table for a terminal: as wide as its cells, but not wider than the terminal. */
#ifndef KPID_CLI_TABLE_H
#define KPID_CLI_TABLE_H

#include "cli/term.h"
#include "kpid/base/arena.h"

struct table_column {
	const char *heading;
	bool right;    /* aligns right, for numbers */
	bool flexible; /* cells are cut if the table is too wide */
};

struct table_cell {
	struct text text;
	enum term_style style;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct table_cell *cells; /* row by row */
	size_t n, capacity;
	struct arena arena;
};

void table_init(struct table *table, const struct table_column *columns, size_t n_columns);
void table_release(struct table *table);
/* Adds the next cell. Copies the text, which is escaped when it is written. */
void table_text(struct table *table, enum term_style style, struct text t);
void table_format(struct table *table, enum term_style style, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void table_count(struct table *table, enum term_style style, int64_t n);
/* A name; "–" if it is empty. */
void table_name(struct table *table, struct text name);
/* A time, rounded down to seconds; "–" for TIME_NONE. */
void table_seconds(struct table *table, enum term_style style, int64_t us);
/* Writes the table to standard output, at most as wide as the terminal (160 columns otherwise), and releases it. */
void table_print(struct table *table);
/* Appends headings and rows, each indented by two columns. */
void table_write(const struct table *table, const struct term *term, struct buf *out);

#endif
