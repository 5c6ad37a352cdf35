/* Which answer belongs to which path. */
#include <stdlib.h>

#include "board/board_internal.h"
#include "board/metrics.h"

static void answer_blob(struct http_connection *connection, const char *type, struct blob *body)
{
	http_answer(connection, &(struct http_answer){200, type, NULL, body});
}

static void not_found(struct http_connection *connection)
{
	http_answer_error(connection, 404, "there is nothing at this address");
}

static void answer_asset(struct board *board, struct http_connection *connection, const struct request *request,
                         struct text name)
{
	struct buf headers = BUF_INIT;
	const struct asset *asset = assets_find(board->assets, name);
	if (asset == NULL) {
		not_found(connection);
		return;
	}
	bool is_known = asset_is_known(asset, request->fields[FIELD_IF_NONE_MATCH]);
	buf_add_format(&headers, "ETag: %s\r\nCache-Control: no-cache\r\n", asset->etag);
	http_answer(connection, &(struct http_answer){is_known ? 304 : 200, asset->type, headers.data,
	                                              is_known ? NULL : asset->body});
	buf_release(&headers);
}

static void add_member(struct buf *out, const char *name, const char *value)
{
	buf_add_format(out, "%s\"%s\":", out->len_bytes == 1 ? "" : ",", name);
	if (value == NULL)
		buf_add_str(out, "null");
	else
		buf_add_json_string(out, text_of(value));
}

static void answer_config(struct board *board, struct http_connection *connection, const struct request *request)
{
	char token[ACKS_TOKEN_BYTES];
	bool may_ack = acks_token(board->acks, connection, request, token);
	static const char *const languages[] = {"en", "zh"};
	struct buf json = BUF_INIT;
	buf_add_char(&json, '{');
	add_member(&json, "time_zone", poll_time_zone(board->poll));
	add_member(&json, "language", languages[board->config->report.language]);
	add_member(&json, "ticket_url", board->config->board.ticket_url);
	add_member(&json, "version", KPID_VERSION);
	add_member(&json, "instance", board->config->run.instance);
	add_member(&json, "csrf", may_ack ? token : NULL);
	buf_add_str(&json, may_ack ? ",\"ack\":true}" : ",\"ack\":false}");
	struct blob *body = blob_of(&json);
	answer_blob(connection, "application/json", body);
	blob_release(body);
}

static bool starts_with(struct text path, const char *start)
{
	size_t n = strlen(start);
	return path.len > n && memcmp(path.ptr, start, n) == 0;
}

static struct text after(struct text path, const char *start)
{
	uint32_t n = (uint32_t)strlen(start);
	return (struct text){path.ptr + n, path.len - n};
}

/* The paths of the page itself: the script decides what it shows. */
static bool is_page(struct text path)
{
	static const char *const pages[] = {"/",         "/clocks", "/breaches", "/agents",
	                                    "/projects", "/teams",  "/tickets",  "/counted"};
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (text_equal(path, text_of(pages[i])))
			return true;
	return starts_with(path, "/ticket/");
}

static void answer_ticket(struct board *board, struct http_connection *connection, struct text encoded)
{
	struct buf id = BUF_INIT;
	if (!request_decode(encoded, false, &id)) {
		http_answer_error(connection, 400, "the ticket's ID is malformed");
	} else {
		buf_add_char(&id, '\0');
		answers_ticket(board->answers, connection, id.data);
	}
	buf_release(&id);
}

static void route_api(struct board *board, struct http_connection *connection, const struct request *request,
                      struct text name)
{
	enum list_format format;
	const struct list_kind *list = list_find(name, &format);
	if (list != NULL)
		answers_list(board->answers, connection,
		             (struct text){
		                     request->path.ptr,
		                     (uint32_t)(request->query.len == 0
		                                        ? request->path.len
		                                        : request->query.ptr + request->query.len - request->path.ptr)},
		             list, format, request->query);
	else if (starts_with(name, "ticket/"))
		answer_ticket(board, connection, after(name, "ticket/"));
	else if (text_equal(name, TEXT("now")))
		answer_blob(connection, "application/json", live_snapshot(&board->live));
	else if (text_equal(name, TEXT("config")))
		answer_config(board, connection, request);
	else
		not_found(connection);
}

void route(struct board *board, struct http_connection *connection, const struct request *request, struct text body)
{
	struct text path = request->path;
	if (request->method == REQUEST_POST && text_equal(path, TEXT("/api/ack")) && board->acks != NULL)
		acks_request(board->acks, connection, request, body);
	else if (request->method == REQUEST_POST)
		http_answer_error(connection, 405, "only GET and HEAD are served here");
	else if (board_metrics_route(board, connection, request))
		return;
	else if (is_page(path))
		answer_asset(board, connection, request, TEXT("index.html"));
	else if (starts_with(path, "/assets/"))
		answer_asset(board, connection, request, after(path, "/assets/"));
	else if (starts_with(path, "/api/"))
		route_api(board, connection, request, after(path, "/api/"));
	else if (text_equal(path, TEXT("/events")) && request->method == REQUEST_GET)
		board_stream(board, connection, request->fields[FIELD_LAST_EVENT_ID]);
	else
		not_found(connection);
}
