#include "adapters/http/request.h"

#include <strings.h>

static const char *const field_names[FIELD_N] = {
        [FIELD_ACCEPT] = "accept",
        [FIELD_HOST] = "host",
        [FIELD_CONTENT_LENGTH] = "content-length",
        [FIELD_CONTENT_TYPE] = "content-type",
        [FIELD_TRANSFER_ENCODING] = "transfer-encoding",
        [FIELD_IF_NONE_MATCH] = "if-none-match",
        [FIELD_LAST_EVENT_ID] = "last-event-id",
        [FIELD_ORIGIN] = "origin",
        [FIELD_CSRF] = "x-kpid-csrf",
};

static bool same_name(struct text a, struct text b)
{
	return a.len == b.len && a.len > 0 && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool is_token(struct text t)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!plain && (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return t.len > 0;
}

/* Takes the text up to the first separator. False if there is none. */
static bool take_until(struct text *rest, char separator, struct text *out)
{
	const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, separator, rest->len);
	if (at == NULL)
		return false;
	*out = (struct text){rest->ptr, (uint32_t)(at - rest->ptr)};
	rest->ptr = at + 1;
	rest->len -= out->len + 1;
	return true;
}

/* Takes a line that ends with CR LF. */
static bool take_line(struct text *rest, struct text *line_out)
{
	if (!take_until(rest, '\n', line_out) || line_out->len == 0 || line_out->ptr[line_out->len - 1] != '\r')
		return false;
	line_out->len--;
	return true;
}

size_t request_head_bytes(struct text received)
{
	const char *end = received.len == 0 ? NULL : memmem(received.ptr, received.len, "\r\n\r\n", 4);
	return end == NULL ? 0 : (size_t)(end - received.ptr) + 4;
}

static int parse_method(struct text method, enum request_method *out)
{
	static const char *const names[] = {[REQUEST_GET] = "GET", [REQUEST_HEAD] = "HEAD", [REQUEST_POST] = "POST"};
	if (!is_token(method))
		return 400;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		*out = (enum request_method)i;
		if (text_equal(method, text_of(names[i])))
			return 0;
	}
	return 405;
}

/* Only a path, with an optional query: an absolute URI would name a host of its own. */
static bool parse_target(struct text target, struct request *out)
{
	struct text path;
	for (uint32_t i = 0; i < target.len; i++)
		if (target.ptr[i] <= ' ' || target.ptr[i] > '~' || target.ptr[i] == '#')
			return false;
	if (target.len == 0 || target.ptr[0] != '/' || (target.len > 1 && target.ptr[1] == '/'))
		return false;
	out->query = TEXT("");
	if (take_until(&target, '?', &path)) {
		out->path = path;
		out->query = target;
	} else {
		out->path = target;
	}
	return true;
}

static int parse_request_line(struct text line, struct request *out)
{
	struct text method, target;
	if (!take_until(&line, ' ', &method) || !take_until(&line, ' ', &target))
		return 400;
	if (!text_equal(line, TEXT("HTTP/1.1")) && !text_equal(line, TEXT("HTTP/1.0")))
		return line.len == 8 && memcmp(line.ptr, "HTTP/", 5) == 0 ? 505 : 400;
	out->is_http10 = text_equal(line, TEXT("HTTP/1.0"));
	if (!parse_target(target, out))
		return 400;
	return parse_method(method, &out->method);
}

static struct text trimmed(struct text t)
{
	while (t.len > 0 && (t.ptr[0] == ' ' || t.ptr[0] == '\t'))
		t.ptr++, t.len--;
	while (t.len > 0 && (t.ptr[t.len - 1] == ' ' || t.ptr[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* One field, once: two of a name could mean one thing to a proxy and another here. */
static int add_header(struct text line, struct request *out)
{
	struct text name;
	if (!take_until(&line, ':', &name) || !is_token(name))
		return 400;
	for (uint32_t i = 0; i < line.len; i++)
		if (((unsigned char)line.ptr[i] < ' ' && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
			return 400;
	for (size_t i = 0; i < out->n_headers; i++)
		if (same_name(out->headers[i].name, name))
			return 400;
	if (out->n_headers == REQUEST_MAX_HEADERS)
		return 431;
	struct text value = trimmed(line);
	out->headers[out->n_headers].name = name;
	out->headers[out->n_headers++].value = value;
	for (int i = 0; i < FIELD_N; i++)
		if (same_name(name, text_of(field_names[i])))
			out->fields[i] = value;
	return 0;
}

enum { MAX_LENGTH_DIGITS = 9 };

/* Only a POST has a body, of a known length. */
static int check_body(struct request *out, size_t max_body_bytes)
{
	struct text length = out->fields[FIELD_CONTENT_LENGTH];
	if (!text_is_absent(out->fields[FIELD_TRANSFER_ENCODING]))
		return 413;
	if (text_is_absent(length))
		return 0;
	if (length.len == 0 || length.len > MAX_LENGTH_DIGITS)
		return length.len == 0 ? 400 : 413;
	for (uint32_t i = 0; i < length.len; i++) {
		if (length.ptr[i] < '0' || length.ptr[i] > '9')
			return 400;
		out->body_bytes = out->body_bytes * 10 + (size_t)(length.ptr[i] - '0');
	}
	return out->body_bytes > (out->method == REQUEST_POST ? max_body_bytes : 0) ? 413 : 0;
}

int request_parse(struct text head, size_t max_body_bytes, struct request *out)
{
	struct text line;
	*out = (struct request){.n_headers = 0};
	if (memchr(head.ptr, '\0', head.len) != NULL || !take_line(&head, &line))
		return 400;
	int refusal = parse_request_line(line, out);
	if (refusal != 0)
		return refusal;
	for (;;) {
		if (!take_line(&head, &line))
			return 400;
		if (line.len == 0)
			break;
		refusal = add_header(line, out);
		if (refusal != 0)
			return refusal;
	}
	if (head.len > 0 || text_is_empty(out->fields[FIELD_HOST]))
		return 400;
	return check_body(out, max_body_bytes);
}

/* The length of a host without its port. */
static uint32_t name_bytes(struct text host)
{
	uint32_t n = host.len;
	if (n > 0 && host.ptr[0] == '[') {
		const char *end = memchr(host.ptr, ']', n);
		return end == NULL ? n : (uint32_t)(end - host.ptr) + 1;
	}
	for (uint32_t i = n; i > 0; i--)
		if (host.ptr[i - 1] == ':')
			return i - 1;
	return n;
}

bool request_host_is_allowed(struct text host, const char *const *hosts, size_t n_hosts)
{
	struct text name = {host.ptr, name_bytes(host)};
	for (size_t i = 0; i < n_hosts; i++) {
		struct text allowed = text_of(hosts[i]);
		if (same_name(allowed, host) || (name_bytes(allowed) == allowed.len && same_name(allowed, name)))
			return true;
	}
	return false;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* The bytes of the character at the start, 0 for invalid UTF-8. */
static uint32_t character_bytes(struct text t)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)t.ptr[0];
	uint32_t n = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
	uint32_t value = first & (n == 1 ? 0x7f : 0xffu >> (n + 1));
	if (n > t.len || first > 0xf4 || (n == 4 && first < 0xf0))
		return 0;
	for (uint32_t i = 1; i < n; i++) {
		if (((unsigned char)t.ptr[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | ((unsigned char)t.ptr[i] & 0x3f);
	}
	return value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0 : n;
}

/* Valid UTF-8 without control characters. */
static bool is_plain_text(struct text t)
{
	while (t.len > 0) {
		uint32_t n = (unsigned char)t.ptr[0] < ' ' || t.ptr[0] == 0x7f ? 0 : character_bytes(t);
		if (n == 0)
			return false;
		t.ptr += n;
		t.len -= n;
	}
	return true;
}

bool request_decode(struct text encoded, bool plus_is_space, struct buf *out)
{
	size_t start = out->len_bytes;
	for (uint32_t i = 0; i < encoded.len; i++) {
		char c = encoded.ptr[i];
		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < encoded.len ? hex_digit(encoded.ptr[i + 1]) : -1;
			int low = i + 2 < encoded.len ? hex_digit(encoded.ptr[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		buf_add_char(out, c);
	}
	struct text decoded = {buf_text(out).ptr + start, (uint32_t)(out->len_bytes - start)};
	return is_plain_text(decoded);
}

int request_parameter(struct text query, const char *name, struct buf *value_out)
{
	int found = 0;
	while (query.len > 0) {
		struct text pair, key;
		if (!take_until(&query, '&', &pair)) {
			pair = query;
			query.len = 0;
		}
		if (!take_until(&pair, '=', &key) || !text_equal(key, text_of(name)))
			continue;
		if (found != 0 || !request_decode(pair, true, value_out))
			return -1;
		found = 1;
	}
	return found;
}

struct text request_header(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->n_headers; i++)
		if (same_name(request->headers[i].name, text_of(name)))
			return request->headers[i].value;
	return TEXT_ABSENT;
}
