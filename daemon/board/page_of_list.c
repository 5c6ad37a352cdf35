#include "board/page_of_list.h"

#include <inttypes.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "board/rows.h"
#include "kpid/base/memory.h"

void page_init(struct page *page, struct list_request *request, int64_t known)
{
	const char *with_total = list_request_get(request, "with_total");
	*page = (struct page){.request = *request, .known = known};
	page->wants_total = with_total != NULL && strcmp(with_total, "true") == 0;
	*request = (struct list_request){.kind = request->kind};
}

void page_release(struct page *page)
{
	list_request_release(&page->request);
	buf_release(&page->rows);
	buf_release(&page->cursor);
}

void page_set_cursor(struct buf *cursor, int64_t sort_value, struct text key)
{
	buf_clear(cursor);
	buf_add_format(cursor, "%" PRId64 ".", sort_value);
	buf_add_text(cursor, key);
}

/* One row beyond the limit only shows that there is more. */
static void take_rows(struct page *page, const PGresult *rows)
{
	int n_columns = PQnfields(rows);
	for (int row = 0; row < PQntuples(rows) && !PQgetisnull(rows, row, LIST_KEY); row++) {
		page->has_more = page->n_rows == page->request.limit;
		if (page->has_more)
			return;
		buf_add_str(&page->rows, page->n_rows++ == 0 ? "" : ",");
		rows_object(&page->rows, rows, row, 0, n_columns - LIST_N_HIDDEN);
		page_set_cursor(&page->cursor, pg_get_int8(rows, row, list_column(n_columns, LIST_SORT_VALUE)),
		                pg_get_text(rows, row, LIST_KEY));
	}
}

static void ask_after(struct page *page, int64_t value, struct text key)
{
	char number[24];
	char *after_key = mem_zalloc((size_t)key.len + 1);
	memcpy(after_key, key.ptr, key.len);
	snprintf(number, sizeof(number), "%" PRId64, value);
	list_request_page(&page->request, number, after_key,
	                  page->has_more ? 0 : page->request.limit + 1 - page->n_rows, page->wants_total);
	free(after_key);
}

bool page_take(struct page *page, const PGresult *rows, bool may_look)
{
	int n_columns = PQnfields(rows);
	if (!page->has_more)
		take_rows(page, rows);
	if (PQntuples(rows) == 0) {
		page->is_end = true;
		return false;
	}
	page->is_end = pg_get_bool(rows, 0, list_column(n_columns, LIST_IS_END));
	if (page->wants_total)
		page->total += pg_get_int8(rows, 0, list_column(n_columns, LIST_TOTAL));
	bool counts = page->wants_total && page->known < 0;
	if (page->is_end || (page->has_more && !counts))
		return false;
	int64_t value = pg_get_int8(rows, 0, list_column(n_columns, LIST_SEEN_VALUE));
	struct text key = pg_get_text(rows, 0, list_column(n_columns, LIST_SEEN_KEY));
	if (may_look) {
		ask_after(page, value, key);
		return true;
	}
	if (!page->has_more) {
		/* There may be more beyond what was looked at. */
		page->has_more = true;
		page_set_cursor(&page->cursor, value, key);
	}
	return false;
}

void page_write_next(struct buf *out, const struct buf *cursor)
{
	buf_add_str(out, ",\"next\":");
	if (cursor != NULL)
		buf_add_json_string(out, buf_text(cursor));
	else
		buf_add_str(out, "null");
}

void page_write(const struct page *page, struct buf *out)
{
	int64_t total = page->is_end ? page->total : page->known;
	buf_add_str(out, ",\"rows\":[");
	buf_add_text(out, buf_text(&page->rows));
	buf_add_char(out, ']');
	page_write_next(out, page->has_more ? &page->cursor : NULL);
	if (!page->wants_total)
		buf_add_str(out, ",\"total\":null");
	else if (total >= 0)
		buf_add_format(out, ",\"total\":%" PRId64, total);
	else
		buf_add_format(out, ",\"total\":null,\"at_least\":%" PRId64, page->total);
}
