/* A table for a terminal: as wide as its cells, or as the terminal, whichever is less. */
#ifndef KPID_CLI_TABLE_H
#define KPID_CLI_TABLE_H

#include "cli/term.h"
#include "kpid/base/arena.h"

struct table_column {
	const char *heading;
	bool right;    /* numbers */
	bool flexible; /* is cut where there is no room for all */
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
/* The next cell. Copies the text; it is escaped when written. */
void table_text(struct table *table, enum term_style style, struct text t);
void table_format(struct table *table, enum term_style style, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void table_count(struct table *table, enum term_style style, int64_t n);
void table_time(struct table *table, enum term_style style, int64_t us);
/* Writes it to standard output, as wide as the terminal or 160 columns, and releases it. */
void table_print(struct table *table);
/* Headings and rows, each indented by two columns. */
void table_write(const struct table *table, const struct term *term, struct buf *out);

#endif
