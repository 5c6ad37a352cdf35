/* An HTTP request, parsed and checked as a value. Stricter than HTTP asks for: what browsers, proxies and Prometheus
 * never send is refused. */
#ifndef KPID_ADAPTERS_HTTP_REQUEST_H
#define KPID_ADAPTERS_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"
#include "kpid/base/text.h"
#include "kpid/core/wire.h"

enum { REQUEST_MAX_HEAD_BYTES = 8192, REQUEST_MAX_HEADERS = 64, REQUEST_MAX_BODY_BYTES = 8192 };

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_POST };

/* The header fields that are read. */
enum request_field {
	FIELD_ACCEPT,
	FIELD_HOST,
	FIELD_CONTENT_LENGTH,
	FIELD_CONTENT_TYPE,
	FIELD_TRANSFER_ENCODING,
	FIELD_IF_NONE_MATCH,
	FIELD_LAST_EVENT_ID,
	FIELD_ORIGIN,
	FIELD_CSRF,
	FIELD_N
};

struct request {
	enum request_method method;
	bool is_http10;
	struct text path;                                /* starts with '/'; not decoded */
	struct text query;                               /* after the '?', not decoded; empty: none */
	struct text fields[FIELD_N];                     /* absent: not sent */
	struct wire_header headers[REQUEST_MAX_HEADERS]; /* all, as sent */
	size_t n_headers;
	size_t body_bytes; /* announced; only a POST has one */
};

/* Finds the end of the head: the number of bytes up to and including its empty line. 0: it is not complete. */
size_t request_head_bytes(struct text received);

/* Parses a head that ends with its empty line. Returns 0, or the HTTP status of the refusal: 400 malformed, 405 for
 * other methods, 413 for a body of more than max_body_bytes (of a POST; others have none), 431 for too many headers,
 * 505 for other versions. The texts borrow from head. */
int request_parse(struct text head, size_t max_body_bytes, struct request *out);

/* Whether the Host field names one of the hosts: a name matches with every port, a name with a port only with that one.
 * Upper and lower case are equal. */
bool request_host_is_allowed(struct text host, const char *const *hosts, size_t n_hosts);

/* Decodes the value of a parameter of the query into value_out. Returns 1; 0 if it is not there; -1 if it is malformed:
 * a bad escape, a control character, no UTF-8, or the same name twice. */
int request_parameter(struct text query, const char *name, struct buf *value_out);
/* Decodes %XX, and + as a space if plus_is_space. False for a malformed text, as above. */
bool request_decode(struct text encoded, bool plus_is_space, struct buf *out);

/* The value of a header by its name in lower case; absent if it was not sent. */
struct text request_header(const struct request *request, const char *name);

#endif
