/* Answers that need a question to the database: lists and tickets. Equal questions within a second share one answer. */
#ifndef KPID_BOARD_ANSWERS_H
#define KPID_BOARD_ANSWERS_H

#include "adapters/http/server.h"
#include "board/asker.h"
#include "board/lists.h"
#include "board/poll.h"

struct answers;

struct answers *answers_new(struct asker *asker, const struct poll *poll);
void answers_free(struct answers *answers);

/* Answers a request for a list. key: what equal questions share, such as the path with the query. */
void answers_list(struct answers *answers, struct http_connection *connection, struct text key,
                  const struct list_kind *kind, enum list_format format, struct text query);
/* Answers a request for a ticket. */
void answers_ticket(struct answers *answers, struct http_connection *connection, const char *ticket_id);
/* A connection that waits for an answer is gone. tag: its own. */
void answers_gone(struct answers *answers, struct http_connection *connection, void *tag);

#endif
