#include "board/download.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "board/rows.h"
#include "board/tag.h"
#include "kpid/base/memory.h"

struct download {
	struct tag tag;
	struct asker *asker;
	const struct poll *poll;
	struct http_connection *connection; /* NULL: gone; the last answer ends the download */
	struct list_request request;
	int64_t n_rows;
	bool is_begun, is_asking, has_more;
};

static void ask(struct download *download);

static void download_free(struct download *download)
{
	list_request_release(&download->request);
	free(download);
}

static bool is_csv(const struct download *download)
{
	return download->request.format == LIST_CSV;
}

static void begin_file(struct download *download)
{
	char headers[128];
	snprintf(headers, sizeof(headers),
	         "Content-Disposition: attachment; filename=\"kpid-%s.%s\"\r\nCache-Control: no-store\r\n",
	         download->request.kind->name, is_csv(download) ? "csv" : "json");
	http_file_begin(download->connection, is_csv(download) ? "text/csv; charset=utf-8" : "application/json",
	                headers);
	download->is_begun = true;
}

/* Excel takes a file without the mark at its start for another encoding. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Before each row of a JSON file. is_first: of the file. */
static void begin_json_row(struct buf *out, bool is_first)
{
	buf_add_str(out, is_first ? "[\n" : ",\n");
}

static void end_json(const struct download *download, struct buf *out)
{
	if (!download->has_more)
		buf_add_str(out, download->n_rows == 0 ? "[]\n" : "\n]\n");
}

/* The page is counted already. */
static void write_rows(struct download *download, const PGresult *rows, int n_rows, struct buf *out)
{
	int end = PQnfields(rows) - LIST_N_HIDDEN;
	if (is_csv(download)) {
		if (!download->is_begun) {
			buf_add_str(out, BYTE_ORDER_MARK);
			rows_csv_names(out, rows, 0, end);
		}
		for (int row = 0; row < n_rows; row++)
			rows_csv_row(out, rows, row, 0, end);
		return;
	}
	for (int row = 0; row < n_rows; row++) {
		begin_json_row(out, download->n_rows == n_rows && row == 0);
		rows_object(out, rows, row, 0, end);
	}
	end_json(download, out);
}

static void write_tally(struct download *download, const struct tally *tally, const struct tally_found *found, size_t n,
                        struct buf *out)
{
	if (is_csv(download)) {
		if (!download->is_begun) {
			buf_add_str(out, BYTE_ORDER_MARK);
			tally_csv_names(tally, out);
		}
		for (size_t i = 0; i < n; i++)
			tally_csv(tally, found[i].row, out);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		begin_json_row(out, download->n_rows == (int64_t)n && i == 0);
		tally_json(tally, found[i].row, out);
	}
	end_json(download, out);
}

static void next_page(struct download *download, int64_t sort_value, struct text key)
{
	char value[24];
	char *after_key = mem_zalloc((size_t)key.len + 1);
	int64_t left = download->request.limit - download->n_rows;
	memcpy(after_key, key.ptr, key.len);
	snprintf(value, sizeof(value), "%" PRId64, sort_value);
	list_request_page(&download->request, value, after_key, left < LIST_PAGE_ROWS ? left : LIST_PAGE_ROWS, false);
	free(after_key);
}

static void send_page(struct download *download, struct buf *page)
{
	if (!download->is_begun)
		begin_file(download);
	struct blob *blob = blob_of(page);
	http_file_send(download->connection, blob);
	blob_release(blob);
	if (!download->has_more) {
		http_file_end(download->connection);
		download_free(download);
	}
}

/* Counts the rows of a page that was asked for. is_end: the list ends with them. */
static void count_page(struct download *download, int64_t n_rows, bool is_end)
{
	download->n_rows += n_rows;
	download->has_more = !is_end && download->n_rows < download->request.limit;
}

static int64_t asked_rows(const struct download *download)
{
	return strtoll(list_request_get(&download->request, "most"), NULL, 10);
}

/* The rows at the start that are rows: a piece without any has one that says only how the list goes on. */
static int n_rows_of(const PGresult *rows)
{
	return PQntuples(rows) == 1 && PQgetisnull(rows, 0, LIST_KEY) ? 0 : PQntuples(rows);
}

static void send_rows(struct download *download, const PGresult *rows)
{
	struct buf page = BUF_INIT;
	int n = n_rows_of(rows), n_columns = PQnfields(rows);
	bool is_full = n == asked_rows(download);
	bool is_all = PQntuples(rows) == 0 || pg_get_bool(rows, 0, list_column(n_columns, LIST_IS_END));
	count_page(download, n, is_all && !is_full);
	if (download->has_more && is_full)
		next_page(download, pg_get_int8(rows, n - 1, list_column(n_columns, LIST_SORT_VALUE)),
		          pg_get_text(rows, n - 1, LIST_KEY));
	else if (download->has_more)
		next_page(download, pg_get_int8(rows, 0, list_column(n_columns, LIST_SEEN_VALUE)),
		          pg_get_text(rows, 0, list_column(n_columns, LIST_SEEN_KEY)));
	write_rows(download, rows, n, &page);
	bool is_silent = page.len_bytes == 0 && download->has_more;
	send_page(download, &page);
	if (is_silent) /* there is nothing that the client could take first */
		ask(download);
}

static void send_tally(struct download *download)
{
	const struct tally *tally = poll_tally(download->poll, download->request.kind->tally);
	struct tally_wish wish = list_request_wish(&download->request);
	struct tally_found *found = mem_alloc(LIST_PAGE_ROWS * sizeof(*found));
	struct buf page = BUF_INIT;
	size_t total, n = tally_find(tally, &wish, found, &total);
	count_page(download, (int64_t)n, n < wish.most);
	if (download->has_more)
		next_page(download, found[n - 1].sort_value, tally_key(found[n - 1].row));
	write_tally(download, tally, found, n, &page);
	free(found);
	send_page(download, &page);
}

static void on_page(void *context, PGresult *rows, int64_t took_us)
{
	struct download *download = context;
	(void)took_us;
	download->is_asking = false;
	if (download->connection == NULL) {
		download_free(download);
	} else if (rows != NULL) {
		send_rows(download, rows);
	} else if (download->is_begun) {
		http_file_abort(download->connection);
		download_free(download);
	} else {
		http_answer_error(download->connection, 503, "the database is away, or the question takes it too long");
		download_free(download);
	}
}

static void ask(struct download *download)
{
	if (download->request.kind->file == NULL) {
		send_tally(download);
		return;
	}
	download->is_asking = true;
	asker_ask(download->asker, download->request.kind->file, (const char *const *)download->request.params,
	          download->request.kind->n_params, on_page, download);
}

void download_begin(struct asker *asker, const struct poll *poll, struct http_connection *connection,
                    struct list_request *request)
{
	if (request->kind->file == NULL && !tally_is_known(poll_tally(poll, request->kind->tally))) {
		http_answer_error(connection, 503, "these figures have not been read yet");
		return;
	}
	struct download *download = mem_zalloc(sizeof(*download));
	*download = (struct download){.tag = {TAG_DOWNLOAD}, .asker = asker, .poll = poll, .connection = connection};
	download->request = *request;
	*request = (struct list_request){.kind = request->kind};
	int64_t most = download->request.limit < LIST_PAGE_ROWS ? download->request.limit : LIST_PAGE_ROWS;
	char number[24];
	snprintf(number, sizeof(number), "%" PRId64, most);
	list_request_set(&download->request, "most", number);
	list_request_set(&download->request, "with_total", "false");
	http_wait(connection, download);
	ask(download);
}

void download_taken(void *tag)
{
	struct download *download = tag;
	if (!download->is_asking && download->has_more)
		ask(download);
}

void download_gone(void *tag)
{
	struct download *download = tag;
	download->connection = NULL;
	if (!download->is_asking)
		download_free(download);
}
