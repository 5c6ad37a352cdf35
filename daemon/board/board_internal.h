/* Shared by board.c (life, streams) and the files that answer requests. */
#ifndef KPID_BOARD_BOARD_INTERNAL_H
#define KPID_BOARD_BOARD_INTERNAL_H

#include "adapters/http/server.h"
#include "board/acks.h"
#include "board/answers.h"
#include "board/asker.h"
#include "board/assets.h"
#include "board/board.h"
#include "board/live.h"
#include "board/poll.h"
#include "board/tag.h"

struct event;
struct event_base;

/* A page that is sent each event. */
struct stream {
	struct tag tag;
	struct stream *next, *prev;
	struct http_connection *connection;
};

struct board {
	struct event_base *base;
	const struct kpid_config *config;
	struct http_server *http;
	struct asker *now, *lists;
	struct live live;
	struct poll *poll;
	struct acks *acks; /* NULL: off */
	struct answers *answers;
	struct assets *assets;
	struct stream *streams;
	struct event *on_term, *on_int, *stop_timer, *watchdog;
	bool is_stopping;
};

/* route.c: answers a request that passed the guards. */
void route(struct board *board, struct http_connection *connection, const struct request *request, struct text body);
/* board.c: begins a stream with what the page lacks since the event that it saw last. */
void board_stream(struct board *board, struct http_connection *connection, struct text last_event_id);

#endif
