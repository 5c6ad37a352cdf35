#include "adapters/http/response.h"

/* Scripts, styles and data come from this server alone, and no other page may frame this one or read from it. Images
 * may be data: the page draws its icon. */
#define SAFETY_HEADERS                                                                                                 \
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "       \
	"img-src 'self' data:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "          \
	"frame-ancestors 'none'\r\n"                                                                                   \
	"X-Content-Type-Options: nosniff\r\n"                                                                          \
	"Referrer-Policy: no-referrer\r\n"                                                                             \
	"Cross-Origin-Opener-Policy: same-origin\r\n"                                                                  \
	"Cross-Origin-Resource-Policy: same-origin\r\n"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
        {200, "OK"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
};

const char *response_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

void response_head(struct buf *out, int status, const char *type, const char *headers, size_t len_bytes)
{
	buf_add_format(out,
	               "HTTP/1.1 %d %s\r\n"
	               "Content-Type: %s\r\n"
	               "Content-Length: %zu\r\n"
	               "Connection: close\r\n",
	               status, response_reason(status), type, len_bytes);
	buf_add_str(out, SAFETY_HEADERS);
	if (headers == NULL || status >= 400)
		buf_add_str(out, "Cache-Control: no-store\r\n");
	if (headers != NULL)
		buf_add_str(out, headers);
	buf_add_str(out, "\r\n");
}

void response_file_head(struct buf *out, const char *type, const char *headers, bool chunked)
{
	buf_add_format(out, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n%s", type,
	               chunked ? "Transfer-Encoding: chunked\r\n" : "");
	buf_add_str(out, SAFETY_HEADERS);
	buf_add_str(out, headers);
	buf_add_str(out, "\r\n");
}

void response_stream_head(struct buf *out)
{
	buf_add_str(out, "HTTP/1.1 200 OK\r\n"
	                 "Content-Type: text/event-stream\r\n"
	                 "Cache-Control: no-store\r\n"
	                 "X-Accel-Buffering: no\r\n");
	buf_add_str(out, SAFETY_HEADERS "\r\n");
}
