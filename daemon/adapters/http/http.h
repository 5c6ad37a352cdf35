/* HTTP requests on the event loop: POST, one answer, nothing else. libcurl's multi interface, woken by libevent.
 *
 * TLS is verified; no redirect is followed, so that nothing goes to a host that was not named; answers are cut at
 * HTTP_ANSWER_BYTES; only https, and http where the address says so. */
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
	int64_t timeout_us;  /* of all of it */
	const char *ca_file; /* NULL: the machine's own authorities */
};

/* status: 0: there was no answer, and error says why. Called once, never from within http_post(). */
typedef void (*http_answer_fn)(void *context, long status, struct text body, const char *error);

struct http *http_new(struct event_base *base);
/* What is under way ends without an answer. */
void http_free(struct http *http);
/* Copies what it needs. */
void http_post(struct http *http, const struct http_request *request, http_answer_fn fn, void *context);

#endif
