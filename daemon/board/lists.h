/* The lists behind the numbers: which query serves which path, and its parameters from a request. Pure. */
#ifndef KPID_BOARD_LISTS_H
#define KPID_BOARD_LISTS_H

#include <stdbool.h>

#include "board/tally.h"

enum {
	LIST_MOST_PARAMS = 14,
	LIST_MOST_ROWS = 200,
	LIST_MOST_FILE_ROWS = 100000,
	LIST_PAGE_ROWS = 2000,
	LIST_LOOK = 5000
};

enum list_format { LIST_JSON, LIST_JSON_FILE, LIST_CSV };

/* A list: of what the board has in memory, or of a query, which looks at a piece of the list. Its last columns say how
 * the list goes on. A row without a key says only this. */
struct list_kind {
	const char *name;                     /* of the path: /api/NAME */
	const char *file;                     /* NULL: in memory */
	const char *params[LIST_MOST_PARAMS]; /* names in the order of the query */
	int n_params;
	enum tally_name tally; /* if it is in memory */
};

/* LIST_KEY: the first column. The others from the last one on, see list_column(). */
enum list_column {
	LIST_KEY,
	LIST_IS_END,
	LIST_SEEN_KEY,
	LIST_SEEN_VALUE,
	LIST_TOTAL,
	LIST_SORT_VALUE,
	LIST_N_HIDDEN = LIST_SORT_VALUE
};
static inline int list_column(int n_columns, enum list_column column)
{
	return column == LIST_KEY ? 0 : n_columns - (int)column;
}

/* A request for a list. */
struct list_request {
	const struct list_kind *kind;
	enum list_format format;
	char *params[LIST_MOST_PARAMS]; /* in the order of the query; NULL: not given */
	int64_t limit;
};

/* Finds the list of "clocks", "clocks.csv" or "clocks.json"; NULL: there is none. */
const struct list_kind *list_find(struct text name, enum list_format *format_out);
/* Reads the parameters of a query string. False for malformed ones. list_request_release() must be called in both
 * cases. */
bool list_request_parse(struct list_request *request, const struct list_kind *kind, enum list_format format,
                        struct text query);
void list_request_release(struct list_request *request);
/* Sets a parameter if the query has it; value: NULL or copied. */
void list_request_set(struct list_request *request, const char *name, const char *value);
/* A parameter; NULL: not given, or the query has none of this name. Borrows from the request. */
const char *list_request_get(const struct list_request *request, const char *name);
/* The wish for a list in memory. Borrows from the request. */
struct tally_wish list_request_wish(const struct list_request *request);
/* Sets where the list continues, and how many rows are asked for. A query looks at LIST_LOOK rows. */
void list_request_page(struct list_request *request, const char *after_value, const char *after_key, int64_t most,
                       bool with_total);

#endif
