/* A page of a list, read piece by piece: each question looks at LIST_LOOK rows, however few of them match. Pure. */
#ifndef KPID_BOARD_PAGE_OF_LIST_H
#define KPID_BOARD_PAGE_OF_LIST_H

#include <libpq-fe.h>

#include "board/lists.h"

struct page {
	struct list_request request; /* asks for the next piece */
	struct buf rows;             /* JSON */
	struct buf cursor;           /* after which the next page begins, if has_more */
	int64_t n_rows;
	int64_t total; /* of those that were looked at */
	int64_t known; /* how many rows the list has, from elsewhere; -1: unknown */
	bool wants_total, has_more, is_end;
};

/* Takes over the request. */
void page_init(struct page *page, struct list_request *request, int64_t known);
void page_release(struct page *page);
/* Takes the rows of a piece. may_look: there is time for more pieces. True: ask the request again. */
bool page_take(struct page *page, const PGresult *rows, bool may_look);
/* Appends rows, next and total as members of an object. total is null if it was not asked for or not counted to the
 * end; then at_least has what was counted. */
void page_write(const struct page *page, struct buf *out);

/* Appends the member next; cursor: NULL if there is no more. */
void page_write_next(struct buf *out, const struct buf *cursor);
void page_set_cursor(struct buf *cursor, int64_t sort_value, struct text key);

#endif
