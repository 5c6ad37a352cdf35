/* The board's own metrics and its health. */
#ifndef KPID_BOARD_METRICS_H
#define KPID_BOARD_METRICS_H

#include "board/board_internal.h"

/* Answers /metrics, /livez and /readyz. False: the path is another one. */
bool board_metrics_route(struct board *board, struct http_connection *connection, const struct request *request);

#endif
