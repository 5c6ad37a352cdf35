/* Splits one row of CSV into its cells, by libcsv in strict mode (M13). */
#ifndef KPID_ADAPTERS_CSV_CSV_ROW_H
#define KPID_ADAPTERS_CSV_CSV_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

struct csv_cells {
	struct text *items; /* in the arena */
	size_t n, capacity;
};

/* Splits the row, which has no line end outside quotes. False if it is not CSV: a quote where none may be, or one that
 * is not closed. A row without any text has no cells. */
bool csv_row_split(struct text row, char delimiter, struct arena *arena, struct csv_cells *cells_out);

/* Where a row ends, as its bytes arrive: line ends within quotes belong to it. Zeroed: at the start of a row. */
struct csv_end {
	bool in_quotes, in_cell, may_close;
};

/* Looks at bytes of a row. Returns the line end that ends it, or NULL if it goes on after them. */
const char *csv_end_find(struct csv_end *end, char delimiter, const char *bytes, size_t n_bytes);

/* Guesses the delimiter of a header: of `,` `;` tab and `|` the most frequent one outside quotes. */
char csv_delimiter_guess(struct text header);

#endif
