/* The backlog of all instances, as the database shows it. */
#ifndef KPID_CLI_BACKLOG_H
#define KPID_CLI_BACKLOG_H

#include "cli/pg_sync.h"
#include "kpid/core/catch_up.h"

/* Reads what is left to read, by PostgreSQL's clock. *is_read_out: whether that is a backlog (backlog_is_read()).
 * Returns false on an error, with the reason in sync->error. */
bool backlog_look(struct pg_sync *sync, struct catch_up_sample *sample_out, bool *is_read_out);

#endif
