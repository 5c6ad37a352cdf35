/* kpid source drop: removes all events of a source, as if they had never come (M11).
 *
 * 1. source_removal_run() takes the events out of all tickets, a page in each transaction.
 * 2. source_drop_sweep() deletes the tickets that have none left, and what the ledger knows of them.
 * 3. One transaction forgets how far their files were read and what mappings did, sets the topics back if that is
 *    wanted, and ends the record.
 *
 * A run that ends anywhere before leaves its record open, and the next one goes on with it. */
#ifndef KPID_CLI_SOURCE_DROP_H
#define KPID_CLI_SOURCE_DROP_H

#include "cli/pg_sync.h"

struct source_drop_request {
	const char *source, *who, *why;
	bool reread, dry_run;
};

/* Returns an enum cli_status, and prints errors to stderr. */
int source_drop(struct cli *cli, const struct source_drop_request *request);

/* Marks the tickets that have lost all events: from now on nobody can take them for what they were. *n_out: how many
 * there are. Returns an enum cli_status. */
int source_drop_mark(struct pg_sync *sync, size_t *n_out);
/* Deletes marked tickets without rows in the ledger, once all transactions have ended that may have read them
 * before. Returns an enum cli_status. */
int source_drop_sweep(struct pg_sync *sync);

/* ---- the topics of a source ---- */

/* Partitions and their oldest offsets, as the parameters of queries/source_drop_reread.sql. */
struct source_topics {
	struct pg_array topics, partitions, offsets;
	struct pg_array whole; /* topics whose events are all within the source */
};

void source_topics_release(struct source_topics *topics);
/* Fills in the topics that a mapping reads whose source is within this one. */
void source_topics_find_whole(struct source_topics *topics, const struct kpid_config *config, const char *source);
/* Asks the brokers for the oldest offsets of the topics that are mapped to the source, whole or in part. Fails if there
 * is none, or if one of their partitions is stopped. Returns an enum cli_status. */
int source_topics_ask(struct source_topics *topics, struct pg_sync *sync, const struct kpid_config *config,
                      const char *source);
/* Appends ": /a, /b": the sources of the mappings of the configuration. */
void source_topics_known(const struct kpid_config *config, struct buf *out);

#endif
