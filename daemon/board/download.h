/* Lists as files: CSV or JSON of up to LIST_MOST_FILE_ROWS rows. The database is asked for a page when the client has
 * taken the one before, so a large file takes no memory. */
#ifndef KPID_BOARD_DOWNLOAD_H
#define KPID_BOARD_DOWNLOAD_H

#include "adapters/http/server.h"
#include "board/asker.h"
#include "board/lists.h"
#include "board/poll.h"

/* Answers the request, whose parameters are moved. */
void download_begin(struct asker *asker, const struct poll *poll, struct http_connection *connection,
                    struct list_request *request);
/* The client has taken what was sent. tag: of the connection. */
void download_taken(void *tag);
/* The connection is gone. */
void download_gone(void *tag);

#endif
