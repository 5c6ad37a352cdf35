/* The live page as a process: HTTP server, streams, and the questions to the database. */
#ifndef KPID_BOARD_BOARD_H
#define KPID_BOARD_BOARD_H

#include <stdbool.h>

#include "kpid/base/buf.h"
#include "kpid/config.h"

struct board;

/* Listens as the configuration says, or on what systemd passes. The configuration is borrowed. Returns NULL after
 * appending the reason to error_out, as "section.key: message". */
struct board *board_new(const struct kpid_config *config, struct buf *error_out);
void board_free(struct board *board);
/* Runs until SIGTERM or SIGINT. */
void board_run(struct board *board);

#endif
