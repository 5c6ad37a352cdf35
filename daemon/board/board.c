#include "board/board.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/http/sockets.h"
#include "adapters/timer.h"
#include "app/notify.h"
#include "board/board_internal.h"
#include "board/download.h"
#include "kpid/base/clock.h"
#include "kpid/base/hash.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* NOW_TIMEOUT_MS: of the questions of every second. LISTS_TIMEOUT_MS: of lists and other slow ones; less than
 * HTTP_WAIT_S. */
enum { NOW_TIMEOUT_MS = 5000, LISTS_TIMEOUT_MS = 10000, STOP_S = 3 };

/* ---- streams ---- */

static void stream_free(struct board *board, struct stream *stream)
{
	if (stream->prev != NULL)
		stream->prev->next = stream->next;
	else
		board->streams = stream->next;
	if (stream->next != NULL)
		stream->next->prev = stream->prev;
	free(stream);
}

static void on_published(void *context, struct blob *event)
{
	struct board *board = context;
	for (struct stream *at = board->streams, *next; at != NULL; at = next) {
		next = at->next;
		if (!http_stream_send(at->connection, event))
			stream_free(board, at);
	}
}

static struct blob *retry_line(void)
{
	struct buf line = BUF_INIT;
	buf_add_str(&line, "retry: 1000\n\n");
	return blob_of(&line);
}

void board_stream(struct board *board, struct http_connection *connection, struct text last_event_id)
{
	uint64_t first;
	struct stream *stream = mem_zalloc(sizeof(*stream));
	if (!http_stream(connection, stream)) {
		free(stream);
		return;
	}
	stream->tag.kind = TAG_STREAM;
	stream->connection = connection;
	stream->next = board->streams;
	if (board->streams != NULL)
		board->streams->prev = stream;
	board->streams = stream;
	struct blob *retry = retry_line();
	/* A new stream has room for all of this: it cannot be dropped. */
	(void)http_stream_send(connection, retry);
	blob_release(retry);
	int n = text_is_absent(last_event_id) ? -1 : live_since(&board->live, last_event_id, &first);
	if (n < 0)
		(void)http_stream_send(connection, live_snapshot_event(&board->live));
	for (int i = 0; i < n; i++)
		if (!http_stream_send(connection, live_event(&board->live, first + (uint64_t)i))) {
			stream_free(board, stream);
			return;
		}
}

/* ---- requests ---- */

static void on_request(void *context, struct http_connection *connection, const struct request *request,
                       struct text body)
{
	route(context, connection, request, body);
}

static void on_gone(void *context, struct http_connection *connection, void *tag)
{
	struct board *board = context;
	switch (((const struct tag *)tag)->kind) {
	case TAG_STREAM:
		stream_free(board, tag);
		break;
	case TAG_ANSWER:
		answers_gone(board->answers, connection, tag);
		break;
	case TAG_ACK:
		acks_gone(tag);
		break;
	case TAG_DOWNLOAD:
		download_gone(tag);
		break;
	}
}

static void on_taken(void *context, void *tag)
{
	(void)context;
	download_taken(tag);
}

/* ---- life ---- */

static void on_stop_deadline(evutil_socket_t fd, short what, void *context)
{
	struct board *board = context;
	static int n_left = STOP_S * 10;
	(void)fd, (void)what;
	if (http_server_is_idle(board->http) || n_left-- <= 0)
		event_base_loopbreak(board->base);
	else
		timer_start(board->stop_timer, 100000);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	struct board *board = context;
	if (board->is_stopping) {
		event_base_loopbreak(board->base);
		return;
	}
	board->is_stopping = true;
	log_info("stopping");
	notify_stopping();
	http_server_stop(board->http);
	on_stop_deadline(fd, what, board);
}

static void make_server(struct board *board)
{
	static const char *const local_hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	const struct kpid_config *config = board->config;
	const struct http_limits limits = {.max_connections = (size_t)config->board.max_connections,
	                                   .max_streams = (size_t)config->board.max_streams,
	                                   .max_per_address = (size_t)config->board.max_per_address,
	                                   .max_body_bytes = REQUEST_MAX_BODY_BYTES,
	                                   .methods = "GET, HEAD",
	                                   .late = "the database did not answer in time",
	                                   .hosts_option = "[board] allow_hosts"};
	const struct http_events events = {on_request, on_taken, on_gone, board};
	const char *const *hosts = (const char *const *)config->board.allow_hosts.items;
	size_t n_hosts = config->board.allow_hosts.n;
	if (n_hosts == 0) {
		hosts = local_hosts;
		n_hosts = sizeof(local_hosts) / sizeof(local_hosts[0]);
	}
	board->http = http_server_new(board->base, &limits, hosts, n_hosts, &events);
}

struct board *board_new(const struct kpid_config *config, struct buf *error_out)
{
	static const bool begun = true;
	struct sockets sockets;
	if (!sockets_make_room("board", (size_t)config->board.max_connections, error_out) ||
	    !sockets_open("board", config->board.listen, config->board.allow_hosts.n > 0, &sockets, error_out))
		return NULL;
	uint64_t seed = (uint64_t)wall_clock_us() ^ (uint64_t)getpid() << 32;
	hash_seed(seed);
	srandom((unsigned)seed);
	signal(SIGPIPE, SIG_IGN);
	struct board *board = mem_zalloc(sizeof(*board));
	board->config = config;
	board->base = event_base_new();
	board->assets = assets_new();
	live_init(&board->live, hash_mix(seed));
	make_server(board);
	for (size_t i = 0; i < sockets.n; i++)
		http_server_listen(board->http, sockets.fds[i]);
	board->now = asker_new(board->base, &config->postgres, "board", NOW_TIMEOUT_MS, false);
	board->lists = asker_new(board->base, &config->postgres, "board lists", LISTS_TIMEOUT_MS, false);
	board->poll = poll_new(board->base, board->now, board->lists, &board->live, on_published, board);
	board->acks = acks_new(board->base, config);
	board->answers = answers_new(board->lists, board->poll);
	board->on_term = evsignal_new(board->base, SIGTERM, on_stop, board);
	board->on_int = evsignal_new(board->base, SIGINT, on_stop, board);
	board->stop_timer = evtimer_new(board->base, on_stop_deadline, board);
	evsignal_add(board->on_term, NULL);
	evsignal_add(board->on_int, NULL);
	board->watchdog = notify_watchdog(board->base, &begun);
	sockets_log(&sockets, "the board");
	return board;
}

void board_run(struct board *board)
{
	asker_start(board->now);
	asker_start(board->lists);
	acks_start(board->acks);
	poll_start(board->poll);
	notify_ready();
	notify_status("serving");
	event_base_dispatch(board->base);
}

void board_free(struct board *board)
{
	if (board == NULL)
		return;
	http_server_free(board->http);
	asker_free(board->now);
	asker_free(board->lists);
	acks_free(board->acks);
	answers_free(board->answers);
	poll_free(board->poll);
	live_release(&board->live);
	assets_free(board->assets);
	event_free(board->on_term);
	event_free(board->on_int);
	event_free(board->stop_timer);
	if (board->watchdog != NULL)
		event_free(board->watchdog);
	event_base_free(board->base);
	free(board);
}
