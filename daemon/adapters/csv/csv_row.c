#include "adapters/csv/csv_row.h"

#include <csv.h>

#include "kpid/base/memory.h"

struct splitting {
	struct arena *arena;
	struct csv_cells *cells;
	size_t n_rows;
};

static void on_cell(void *bytes, size_t n_bytes, void *context)
{
	struct splitting *splitting = context;
	struct csv_cells *cells = splitting->cells;
	if (cells->n == cells->capacity) {
		size_t capacity = cells->capacity == 0 ? 32 : 2 * cells->capacity;
		struct text *items = arena_alloc(splitting->arena, capacity * sizeof(*items));
		if (cells->n > 0)
			memcpy(items, cells->items, cells->n * sizeof(*items));
		cells->items = items;
		cells->capacity = capacity;
	}
	struct text cell = {n_bytes == 0 ? "" : bytes, (uint32_t)n_bytes};
	cells->items[cells->n++] = arena_text(splitting->arena, cell);
}

static void on_row(int terminator, void *context)
{
	(void)terminator;
	((struct splitting *)context)->n_rows++;
}

bool csv_row_split(struct text row, char delimiter, struct arena *arena, struct csv_cells *cells_out)
{
	struct splitting splitting = {.arena = arena, .cells = cells_out};
	struct csv_parser parser;
	*cells_out = (struct csv_cells){NULL, 0, 0};
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		mem_exhausted(0);
	csv_set_delim(&parser, (unsigned char)delimiter);
	bool is_good = csv_parse(&parser, row.ptr, row.len, on_cell, on_row, &splitting) == row.len &&
	               csv_fini(&parser, on_cell, on_row, &splitting) == 0 && splitting.n_rows <= 1;
	csv_free(&parser);
	return is_good;
}

const char *csv_end_find(struct csv_end *end, char delimiter, const char *bytes, size_t n_bytes)
{
	for (const char *p = bytes; p < bytes + n_bytes; p++) {
		if (end->in_quotes) {
			if (*p == '"') {
				end->may_close = !end->may_close; /* two quotes are one */
				continue;
			}
			if (!end->may_close)
				continue;
			end->in_quotes = end->may_close = false;
		}
		if (*p == '\n') {
			*end = (struct csv_end){false, false, false};
			return p;
		}
		if (*p == delimiter) {
			end->in_cell = false;
		} else if (*p == '"' && !end->in_cell) {
			end->in_cell = end->in_quotes = true;
		} else if (*p != ' ' && *p != '\t') {
			end->in_cell = true;
		}
	}
	return NULL;
}

char csv_delimiter_guess(struct text header)
{
	static const char delimiters[] = {',', ';', '\t', '|'};
	size_t n[sizeof(delimiters)] = {0}, best = 0;
	bool in_quotes = false;
	for (uint32_t i = 0; i < header.len; i++) {
		in_quotes ^= header.ptr[i] == '"';
		for (size_t d = 0; d < sizeof(delimiters); d++)
			n[d] += !in_quotes && header.ptr[i] == delimiters[d];
	}
	for (size_t d = 1; d < sizeof(delimiters); d++)
		best = n[d] > n[best] ? d : best;
	return delimiters[best];
}
