/* An HTTP server on the event loop: one request per connection, then it is closed, except for streams of server-sent
 * events. All limits of time, size and number are here.
 *
 * Not evhttp, because that hides what must be refused: it cuts headers at a NUL, and accepts two Host fields and
 * absolute URIs. */
#ifndef KPID_ADAPTERS_HTTP_SERVER_H
#define KPID_ADAPTERS_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/http/blob.h"
#include "adapters/http/request.h"

struct event_base;
struct http_connection;
struct http_server;

struct http_limits {
	size_t max_connections, max_streams;
	size_t max_per_address;   /* 0: no limit */
	size_t max_body_bytes;    /* of a POST; at most 100 MB */
	size_t max_unread_bytes;  /* of all requests that are not whole, together; beyond: 503. 0: no limit */
	int64_t answer_within_us; /* from accept to the answer; 0: HTTP_REQUEST_S and then HTTP_WAIT_S */
	int retry_after_s;        /* in answers 503; 0: only if there are too many connections */
	const char *methods;      /* in answers 405 */
	const char *late;         /* what the answer 503 says if a handler is late */
	const char *hosts_option; /* what sets the allowed names: "[board] allow_hosts" */
};

enum {
	HTTP_REQUEST_S = 5,                  /* from accept to the last byte of the request */
	HTTP_ANSWER_S = 10,                  /* to take the whole answer */
	HTTP_WAIT_S = 15,                    /* for a handler that waits, such as for the database */
	HTTP_LINGER_S = 2,                   /* for the client to close after the answer */
	HTTP_STREAM_MAX_BYTES = 1024 * 1024, /* that a stream has not taken yet */
};

/* Counts since the start, except n_open and n_streams. */
struct http_counts {
	size_t n_open, n_streams;
	uint64_t n_accepted, n_answered, n_refused, n_timed_out, n_streams_dropped;
	uint64_t n_sent_bytes;
};

struct http_events {
	/* A request that passed the guards. It must be answered: now, or later after http_wait(). The request and body
	 * are borrowed until the return. */
	void (*request)(void *context, struct http_connection *connection, const struct request *request,
	                struct text body);
	/* The client has taken the parts of a file that were sent. */
	void (*taken)(void *context, void *tag);
	/* A connection that waits, takes a file or streams is gone. tag: as set by http_wait() or http_stream(). */
	void (*gone)(void *context, struct http_connection *connection, void *tag);
	void *context;
};

/* hosts: allowed names, borrowed; none: every name is allowed. */
struct http_server *http_server_new(struct event_base *base, const struct http_limits *limits, const char *const *hosts,
                                    size_t n_hosts, const struct http_events *events);
/* Closes everything at once. */
void http_server_free(struct http_server *server);
/* Accepts connections on a listening, non-blocking socket, which the server closes. */
void http_server_listen(struct http_server *server, int fd);
/* Stops accepting, and closes streams and connections that have no request yet. Answers go on. */
void http_server_stop(struct http_server *server);
/* Accepts what has connected, and stops accepting. Requests go on, also those that are not whole yet. */
void http_server_drain(struct http_server *server);
/* Nothing is left after a stop. */
bool http_server_is_idle(const struct http_server *server);
const struct http_counts *http_server_counts(const struct http_server *server);

struct http_answer {
	int status;
	const char *type;    /* content type */
	const char *headers; /* more header lines, each with CR LF; NULL: none */
	struct blob *body;   /* the answer takes a reference of its own; NULL: none */
};

/* Sends the answer and closes. A HEAD gets the same without the body. */
void http_answer(struct http_connection *connection, const struct http_answer *answer);
/* Sends {"error": message}. */
void http_answer_error(struct http_connection *connection, int status, const char *message);
/* The answer follows in time (see struct http_limits), else it is a 503. */
void http_wait(struct http_connection *connection, void *tag);

/* A file of unknown length, after http_wait(): begin, send a part whenever the events' taken() is called, end. abort
 * closes so that the client notices that the file is not complete. */
void http_file_begin(struct http_connection *connection, const char *type, const char *headers);
void http_file_send(struct http_connection *connection, struct blob *part);
void http_file_end(struct http_connection *connection);
void http_file_abort(struct http_connection *connection);

/* Begins a stream of server-sent events. False after answering 503 because there are too many. */
bool http_stream(struct http_connection *connection, void *tag);
/* Sends to a stream. False if it was dropped because it does not read. */
bool http_stream_send(struct http_connection *connection, struct blob *bytes);
/* Whether the peer is on this machine: loopback or a unix socket. */
bool http_is_local(const struct http_connection *connection);
/* The peer's address as text; "unix" for a unix socket. */
void http_peer(const struct http_connection *connection, char *out, size_t n_bytes);

#endif
