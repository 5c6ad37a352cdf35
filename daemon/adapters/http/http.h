/* HTTP POST requests on the event loop, by libcurl's multi interface and libevent.
 *
 * Verifies TLS. Follows no redirects, so that nothing is sent to a host that was not configured. Fails if a response is
 * longer than HTTP_ANSWER_BYTES. Uses plain HTTP only for http:// addresses. */
#ifndef KPID_ADAPTERS_HTTP_H
#define KPID_ADAPTERS_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"

#define HTTP_ANSWER_BYTES 65536

struct event_base;
struct http;

struct http_request {
	const char *url;
	const char *const *headers; /* "name: value" */
	size_t n_headers;
	struct text body;
	int64_t timeout_us;  /* of the whole exchange */
	const char *ca_file; /* NULL: the certificate authorities of the system */
};

/* status 0: there was no response, and error has the reason; otherwise error is NULL. Called once, and never by
 * http_post() itself. */
typedef void (*http_answer_fn)(void *context, long status, struct text body, const char *error);

struct http *http_new(struct event_base *base);
/* Aborts running requests without calling their functions. */
void http_free(struct http *http);
/* Copies the request. */
void http_post(struct http *http, const struct http_request *request, http_answer_fn fn, void *context);

#endif
