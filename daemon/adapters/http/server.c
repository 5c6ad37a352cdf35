#include "adapters/http/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "adapters/http/peer.h"
#include "adapters/http/response.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

enum {
	SWEEP_US = 250000,
	SEND_BUFFER_BYTES = 128 * 1024, /* in the kernel: what is beyond is counted here */
	DRAIN_MAX_BYTES = 64 * 1024,    /* read and thrown away after the request, and DRAIN_FACTOR bodies */
	DRAIN_FACTOR = 4,
	ACCEPT_AT_ONCE = 64,
	MAX_BACKLOG = 4096,
	AWAY_S = 5,      /* Retry-After of a connection that is turned away */
	HELD_FACTOR = 2, /* connections of an address that wait, per one that is served */
};

/* Only while there are connections. */
static const struct timeval sweep_every = {0, SWEEP_US};

enum connection_state {
	CONNECTION_READING,   /* the request is not complete */
	CONNECTION_WAITING,   /* for its handler */
	CONNECTION_SENDING,   /* a file, in parts */
	CONNECTION_ANSWERING, /* the answer, or the end of a file, is being sent */
	CONNECTION_STREAMING,
	CONNECTION_LINGERING, /* sent; the client has not closed yet */
	CONNECTION_N_STATES
};

#define BIT(state) (1u << (state))
/* The states that may follow. Every state may also end with the connection. */
static const unsigned next_states[CONNECTION_N_STATES] = {
        [CONNECTION_READING] = BIT(CONNECTION_WAITING) | BIT(CONNECTION_ANSWERING) | BIT(CONNECTION_STREAMING),
        [CONNECTION_WAITING] = BIT(CONNECTION_ANSWERING) | BIT(CONNECTION_SENDING),
        [CONNECTION_SENDING] = BIT(CONNECTION_SENDING) | BIT(CONNECTION_ANSWERING),
        [CONNECTION_ANSWERING] = BIT(CONNECTION_LINGERING),
        [CONNECTION_STREAMING] = 0,
        [CONNECTION_LINGERING] = 0,
};

struct http_connection {
	struct http_server *server;
	struct http_connection *next, *prev;
	struct bufferevent *io;
	enum connection_state state;
	struct peer peer;
	int64_t accepted_us;             /* monotonic */
	int64_t deadline_us;             /* monotonic; INT64_MAX: none */
	size_t head_bytes, needed_bytes; /* of the head and of the whole request; 0: the head is not complete */
	size_t n_unread_bytes;           /* of a request that is not whole */
	size_t n_drained_bytes;
	bool head_only, is_http10;
	bool is_held; /* not read from until another connection of its address is done */
	void *tag;
};

struct listener {
	struct listener *next;
	struct event *event;
	int fd;
};

struct http_server {
	struct event_base *base;
	struct http_limits limits;
	const char *const *hosts;
	size_t n_hosts;
	struct http_events events;
	struct listener *listeners;
	struct http_connection *connections;
	struct event *sweep;
	size_t n_unread_bytes; /* of all connections */
	struct http_counts counts;
};

/* ---- life of a connection ---- */

static void count_unread(struct http_connection *connection, size_t n_bytes)
{
	connection->server->n_unread_bytes += n_bytes - connection->n_unread_bytes;
	connection->n_unread_bytes = n_bytes;
}

static void enter(struct http_connection *connection, enum connection_state state, int64_t within_s)
{
	KPID_CHECK((next_states[connection->state] & BIT(state)) != 0);
	count_unread(connection, 0);
	connection->state = state;
	connection->deadline_us = within_s == 0 ? INT64_MAX : monotonic_clock_us() + within_s * US_PER_SECOND;
}

/* Whether it counts for the limit per address: not while it is held, or once its answer is sent. */
static bool is_counted(const struct http_connection *connection)
{
	return !connection->is_held && connection->state != CONNECTION_LINGERING;
}

static size_t n_of_peer(const struct http_server *server, const struct peer *peer, bool held)
{
	size_t n = 0;
	for (const struct http_connection *at = server->connections; at != NULL; at = at->next)
		n += (held ? at->is_held : is_counted(at)) && peer_shares_limit(&at->peer, peer);
	return n;
}

/* Reads from the connection that was held longest, if its address has room. */
static void release_held(struct http_server *server, const struct peer *peer)
{
	struct http_connection *oldest = NULL;
	if (server->limits.max_per_address == 0)
		return;
	for (struct http_connection *at = server->connections; at != NULL; at = at->next)
		if (at->is_held && peer_shares_limit(&at->peer, peer))
			oldest = at; /* new ones are at the front */
	if (oldest == NULL || n_of_peer(server, peer, false) >= server->limits.max_per_address)
		return;
	oldest->is_held = false;
	bufferevent_enable(oldest->io, EV_READ);
}

static void connection_free(struct http_connection *connection, bool notify)
{
	struct http_server *server = connection->server;
	bool is_known = connection->state == CONNECTION_WAITING || connection->state == CONNECTION_SENDING ||
	                connection->state == CONNECTION_STREAMING;
	if (connection->prev != NULL)
		connection->prev->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->next != NULL)
		connection->next->prev = connection->prev;
	server->counts.n_open--;
	count_unread(connection, 0);
	release_held(server, &connection->peer);
	if (connection->state == CONNECTION_STREAMING)
		server->counts.n_streams--;
	bufferevent_free(connection->io);
	if (notify && is_known)
		server->events.gone(server->events.context, connection, connection->tag);
	free(connection);
}

/* ---- answers ---- */

static void write_bytes(struct http_connection *connection, struct text bytes)
{
	if (bufferevent_write(connection->io, bytes.ptr, bytes.len) != 0)
		mem_exhausted(0);
}

static void send_bytes(struct http_connection *connection, struct blob *bytes)
{
	blob_add_to(bytes, bufferevent_get_output(connection->io));
	connection->server->counts.n_sent_bytes += bytes->bytes.len_bytes;
}

void http_answer(struct http_connection *connection, const struct http_answer *answer)
{
	struct buf head = BUF_INIT;
	enter(connection, CONNECTION_ANSWERING, HTTP_ANSWER_S);
	response_head(&head, answer->status, answer->type, answer->headers,
	              answer->body == NULL ? 0 : answer->body->bytes.len_bytes);
	write_bytes(connection, buf_text(&head));
	buf_release(&head);
	if (answer->body != NULL && !connection->head_only)
		send_bytes(connection, answer->body);
	if (answer->status >= 400)
		connection->server->counts.n_refused++;
	else
		connection->server->counts.n_answered++;
}

void http_answer_error(struct http_connection *connection, int status, const char *message)
{
	const struct http_limits *limits = &connection->server->limits;
	struct buf body = BUF_INIT, headers = BUF_INIT;
	buf_add_str(&body, "{\"error\": ");
	buf_add_json_string(&body, text_of(message));
	buf_add_str(&body, "}\n");
	if (status == 405)
		buf_add_format(&headers, "Allow: %s\r\n", limits->methods);
	if (status == 503 && limits->retry_after_s > 0)
		buf_add_format(&headers, "Retry-After: %d\r\n", limits->retry_after_s);
	struct blob *blob = blob_of(&body);
	http_answer(connection, &(struct http_answer){status, "application/json", headers.data, blob});
	blob_release(blob);
	buf_release(&headers);
}

void http_wait(struct http_connection *connection, void *tag)
{
	int64_t within_us = connection->server->limits.answer_within_us;
	connection->tag = tag;
	enter(connection, CONNECTION_WAITING, HTTP_WAIT_S);
	if (within_us > 0)
		connection->deadline_us = connection->accepted_us + within_us;
}

void http_file_begin(struct http_connection *connection, const char *type, const char *headers)
{
	struct buf head = BUF_INIT;
	enter(connection, CONNECTION_SENDING, HTTP_ANSWER_S);
	response_file_head(&head, type, headers, !connection->is_http10);
	write_bytes(connection, buf_text(&head));
	buf_release(&head);
	connection->server->counts.n_answered++;
}

void http_file_send(struct http_connection *connection, struct blob *part)
{
	char size[24];
	enter(connection, CONNECTION_SENDING, HTTP_ANSWER_S);
	if (connection->head_only || part->bytes.len_bytes == 0)
		return;
	snprintf(size, sizeof(size), "%zx\r\n", part->bytes.len_bytes);
	if (!connection->is_http10)
		write_bytes(connection, text_of(size));
	send_bytes(connection, part);
	if (!connection->is_http10)
		write_bytes(connection, TEXT("\r\n"));
}

void http_file_end(struct http_connection *connection)
{
	enter(connection, CONNECTION_ANSWERING, HTTP_ANSWER_S);
	if (!connection->is_http10 && !connection->head_only)
		write_bytes(connection, TEXT("0\r\n\r\n"));
}

void http_file_abort(struct http_connection *connection)
{
	connection_free(connection, false);
}

bool http_stream(struct http_connection *connection, void *tag)
{
	struct http_server *server = connection->server;
	struct buf head = BUF_INIT;
	if (server->counts.n_streams >= server->limits.max_streams) {
		http_answer_error(connection, 503, "there are too many live pages");
		return false;
	}
	enter(connection, CONNECTION_STREAMING, 0);
	connection->tag = tag;
	server->counts.n_streams++;
	server->counts.n_answered++;
	response_stream_head(&head);
	write_bytes(connection, buf_text(&head));
	buf_release(&head);
	return true;
}

bool http_stream_send(struct http_connection *connection, struct blob *bytes)
{
	if (evbuffer_get_length(bufferevent_get_output(connection->io)) > HTTP_STREAM_MAX_BYTES) {
		connection->server->counts.n_streams_dropped++;
		connection_free(connection, false);
		return false;
	}
	send_bytes(connection, bytes);
	return true;
}

bool http_is_local(const struct http_connection *connection)
{
	return peer_is_local(&connection->peer);
}

void http_peer(const struct http_connection *connection, char *out, size_t n_bytes)
{
	char text[PEER_TEXT_BYTES];
	peer_format(&connection->peer, text);
	snprintf(out, n_bytes, "%s", text);
}

/* ---- reading ---- */

static void refuse_host(struct http_connection *connection)
{
	struct buf words = BUF_INIT;
	buf_add_format(&words, "this name is not served here: see %s", connection->server->limits.hosts_option);
	http_answer_error(connection, 421, words.data);
	buf_release(&words);
}

/* Reads the head. False if it is not complete, or if the request was refused. */
static bool read_head(struct http_connection *connection, struct evbuffer *input, struct request *out)
{
	struct http_server *server = connection->server;
	size_t n_bytes = evbuffer_get_length(input),
	       n_head = n_bytes < REQUEST_MAX_HEAD_BYTES ? n_bytes : REQUEST_MAX_HEAD_BYTES;
	struct text received = {(const char *)evbuffer_pullup(input, (ev_ssize_t)n_head), (uint32_t)n_head};
	size_t head_bytes = request_head_bytes(received);
	if (head_bytes == 0) {
		if (n_bytes >= REQUEST_MAX_HEAD_BYTES)
			http_answer_error(connection, 431, "the head of the request is too long");
		return false;
	}
	int refusal =
	        request_parse((struct text){received.ptr, (uint32_t)head_bytes}, server->limits.max_body_bytes, out);
	connection->head_only = out->method == REQUEST_HEAD;
	connection->is_http10 = out->is_http10;
	connection->head_bytes = head_bytes;
	connection->needed_bytes = head_bytes + out->body_bytes;
	if (refusal != 0)
		http_answer_error(connection, refusal, response_reason(refusal));
	else if (server->n_hosts > 0 &&
	         !request_host_is_allowed(out->fields[FIELD_HOST], server->hosts, server->n_hosts))
		refuse_host(connection);
	return connection->state == CONNECTION_READING;
}

/* The body follows only after this answer. */
static void go_on(struct http_connection *connection, const struct request *request)
{
	struct text expect = request_header(request, "expect");
	if (!connection->is_http10 && expect.len == 12 && strncasecmp(expect.ptr, "100-continue", expect.len) == 0)
		write_bytes(connection, TEXT("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* The request is whole. */
static void hand_over(struct http_connection *connection, struct evbuffer *input)
{
	struct http_server *server = connection->server;
	struct text whole = {(const char *)evbuffer_pullup(input, (ev_ssize_t)connection->needed_bytes),
	                     (uint32_t)connection->needed_bytes};
	struct request request;
	/* Again, because the bytes may have moved. */
	(void)request_parse((struct text){whole.ptr, (uint32_t)connection->head_bytes}, server->limits.max_body_bytes,
	                    &request);
	struct text body = {whole.ptr + connection->head_bytes, (uint32_t)request.body_bytes};
	server->events.request(server->events.context, connection, &request, body);
	KPID_CHECK(connection->state != CONNECTION_READING);
}

static void dispatch(struct http_connection *connection, struct evbuffer *input)
{
	struct http_server *server = connection->server;
	struct request request;
	size_t n_bytes = evbuffer_get_length(input);
	if (connection->needed_bytes == 0 && read_head(connection, input, &request) &&
	    n_bytes < connection->needed_bytes)
		go_on(connection, &request);
	if (connection->state != CONNECTION_READING)
		return;
	if (connection->needed_bytes > 0 && n_bytes >= connection->needed_bytes) {
		hand_over(connection, input);
		return;
	}
	count_unread(connection, n_bytes);
	if (server->limits.max_unread_bytes > 0 && server->n_unread_bytes > server->limits.max_unread_bytes)
		http_answer_error(connection, 503, "too many requests arrive at once");
}

static void on_read(struct bufferevent *io, void *context)
{
	struct http_connection *connection = context;
	struct evbuffer *input = bufferevent_get_input(io);
	if (connection->state == CONNECTION_READING)
		dispatch(connection, input);
	if (connection->state == CONNECTION_READING)
		return;
	/* Nothing more is read from this client; what it sends is thrown away, up to a limit. */
	size_t n_bytes = evbuffer_get_length(input);
	evbuffer_drain(input, n_bytes);
	connection->n_drained_bytes += n_bytes;
	if (connection->n_drained_bytes > DRAIN_MAX_BYTES + DRAIN_FACTOR * connection->server->limits.max_body_bytes)
		bufferevent_disable(io, EV_READ);
}

/* All bytes are sent. */
static void on_written(struct bufferevent *io, void *context)
{
	struct http_connection *connection = context;
	if (connection->state == CONNECTION_SENDING) {
		enter(connection, CONNECTION_SENDING, HTTP_WAIT_S);
		connection->server->events.taken(connection->server->events.context, connection->tag);
		return; /* the connection may be gone */
	}
	if (connection->state != CONNECTION_ANSWERING)
		return;
	/* Closing with unread bytes would reset the connection and lose the answer. */
	shutdown(bufferevent_getfd(io), SHUT_WR);
	enter(connection, CONNECTION_LINGERING, HTTP_LINGER_S);
	release_held(connection->server, &connection->peer);
}

static void on_end(struct bufferevent *io, short what, void *context)
{
	struct http_connection *connection = context;
	bool half_closed = (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0;
	(void)io;
	if (half_closed && (connection->state == CONNECTION_WAITING || connection->state == CONNECTION_ANSWERING))
		return;
	connection_free(connection, true);
}

/* ---- accepting ---- */

/* Closes a connection without reading from it. */
static void turn_away(struct http_server *server, int fd, int status)
{
	char retry[40];
	struct buf head = BUF_INIT;
	snprintf(retry, sizeof(retry), "Retry-After: %d\r\n",
	         server->limits.retry_after_s > 0 ? server->limits.retry_after_s : AWAY_S);
	response_head(&head, status, "text/plain", retry, 0);
	/* A fresh socket has room for it; if not, closing is answer enough. */
	(void)!send(fd, head.data, head.len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_release(&head);
	close(fd);
	server->counts.n_refused++;
}

static void set_socket_options(int fd)
{
	const int on = 1, buffer = SEND_BUFFER_BYTES, dead_after_ms = 30000;
	/* Not for unix sockets, and nothing depends on them. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_after_ms, sizeof(dead_after_ms));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
}

static void open_connection(struct http_server *server, int fd, const struct peer *peer, bool is_held)
{
	struct http_connection *connection = mem_zalloc(sizeof(*connection));
	const struct http_limits *limits = &server->limits;
	int64_t now_us = monotonic_clock_us(), within_us = HTTP_REQUEST_S * US_PER_SECOND;
	if (limits->answer_within_us > 0 && limits->answer_within_us < within_us)
		within_us = limits->answer_within_us;
	set_socket_options(fd);
	*connection = (struct http_connection){
	        .server = server,
	        .next = server->connections,
	        .io = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE),
	        .state = CONNECTION_READING,
	        .peer = *peer,
	        .is_held = is_held,
	        .accepted_us = now_us,
	        .deadline_us = now_us + within_us,
	};
	if (connection->io == NULL)
		mem_exhausted(0);
	if (server->connections != NULL)
		server->connections->prev = connection;
	server->connections = connection;
	server->counts.n_open++;
	if (!event_pending(server->sweep, EV_TIMEOUT, NULL))
		event_add(server->sweep, &sweep_every);
	bufferevent_setcb(connection->io, on_read, on_written, on_end, connection);
	bufferevent_setwatermark(connection->io, EV_READ, 0, REQUEST_MAX_HEAD_BYTES + limits->max_body_bytes);
	bufferevent_enable(connection->io, is_held ? EV_WRITE : EV_READ | EV_WRITE);
}

/* A browser opens several connections at once: beyond the limit, some wait for their turn. */
static void admit(struct http_server *server, int fd, const struct peer *peer)
{
	size_t most = server->limits.max_per_address;
	bool is_full = most > 0 && n_of_peer(server, peer, false) >= most;
	if (is_full && n_of_peer(server, peer, true) >= HELD_FACTOR * most)
		turn_away(server, fd, 429);
	else
		open_connection(server, fd, peer, is_full);
}

static void on_accept(evutil_socket_t listening, short what, void *context)
{
	struct http_server *server = context;
	(void)what;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage address = {.ss_family = AF_UNIX};
		socklen_t n_bytes = sizeof(address);
		int fd = accept4(listening, (struct sockaddr *)&address, &n_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return; /* EAGAIN; or no descriptor is free, which the sweep ends */
		struct peer peer = peer_of((struct sockaddr *)&address);
		server->counts.n_accepted++;
		if (server->counts.n_open >= server->limits.max_connections)
			turn_away(server, fd, 503);
		else
			admit(server, fd, &peer);
	}
}

/* ---- time ---- */

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;
	int64_t now_us = monotonic_clock_us();
	(void)fd, (void)what;
	for (struct http_connection *at = server->connections, *next; at != NULL; at = next) {
		next = at->next;
		if (at->deadline_us > now_us)
			continue;
		server->counts.n_timed_out += at->state != CONNECTION_LINGERING;
		if (at->state == CONNECTION_WAITING) {
			server->events.gone(server->events.context, at, at->tag);
			http_answer_error(at, 503, server->limits.late);
		} else {
			connection_free(at, true);
		}
	}
	if (server->connections == NULL)
		event_del(server->sweep);
}

/* ---- life of the server ---- */

struct http_server *http_server_new(struct event_base *base, const struct http_limits *limits, const char *const *hosts,
                                    size_t n_hosts, const struct http_events *events)
{
	struct http_server *server = mem_zalloc(sizeof(*server));
	server->base = base;
	server->limits = *limits;
	server->hosts = hosts;
	server->n_hosts = n_hosts;
	server->events = *events;
	server->sweep = event_new(base, -1, EV_PERSIST, on_sweep, server);
	return server;
}

void http_server_listen(struct http_server *server, int fd)
{
	struct listener *listener = mem_zalloc(sizeof(*listener));
	listener->fd = fd;
	listener->next = server->listeners;
	listener->event = event_new(server->base, fd, EV_READ | EV_PERSIST, on_accept, server);
	event_add(listener->event, NULL);
	server->listeners = listener;
}

static void stop_listening(struct http_server *server)
{
	for (struct listener *at = server->listeners, *next; at != NULL; at = next) {
		next = at->next;
		event_free(at->event);
		close(at->fd);
		free(at);
	}
	server->listeners = NULL;
}

void http_server_stop(struct http_server *server)
{
	stop_listening(server);
	for (struct http_connection *at = server->connections, *next; at != NULL; at = next) {
		next = at->next;
		if (at->state == CONNECTION_READING || at->state == CONNECTION_STREAMING)
			connection_free(at, true);
	}
}

void http_server_drain(struct http_server *server)
{
	for (int i = 0; i < MAX_BACKLOG / ACCEPT_AT_ONCE; i++)
		for (struct listener *at = server->listeners; at != NULL; at = at->next)
			on_accept(at->fd, EV_READ, server);
	stop_listening(server);
}

bool http_server_is_idle(const struct http_server *server)
{
	return server->counts.n_open == 0;
}

const struct http_counts *http_server_counts(const struct http_server *server)
{
	return &server->counts;
}

void http_server_free(struct http_server *server)
{
	if (server == NULL)
		return;
	stop_listening(server);
	for (struct http_connection *at = server->connections, *next; at != NULL; at = next) {
		next = at->next;
		connection_free(at, true);
	}
	event_free(server->sweep);
	free(server);
}
