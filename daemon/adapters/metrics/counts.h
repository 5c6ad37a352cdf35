/* What this process has done since its start, for its metrics. Like the log, it is one for the process, because all
 * parts count. Only the thread of the event loop may use it.
 *
 * Batches are counted once their commit is known. What this process cannot know, such as whether a commit happened
 * after which its connection was lost at once, the tables of the database say (schema report). */
#ifndef KPID_ADAPTERS_METRICS_COUNTS_H
#define KPID_ADAPTERS_METRICS_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/sqlstate.h"
#include "kpid/core/batch.h"
#include "kpid/core/histogram.h"
#include "kpid/core/message.h"
#include "kpid/core/wire.h"

enum event_outcome {
	OUTCOME_NEW,
	OUTCOME_DUPLICATE,
	OUTCOME_TOMBSTONE,
	OUTCOME_UNKNOWN_TYPE,
	OUTCOME_DEAD_LETTER,
	OUTCOME_PASSED_OVER,
	OUTCOME_N
};

enum rebalance_kind { REBALANCE_ASSIGNED, REBALANCE_REVOKED, REBALANCE_LOST, REBALANCE_N };

enum { COUNTS_N_BATCH_OUTCOMES = 5 /* of enum write_outcome */, COUNTS_MOST_SQLSTATES = 64 };

struct counts_of_receiver {
	char *name;
	uint64_t answers[ANSWER_N];
};

struct counts {
	uint64_t events[OUTCOME_N];
	uint64_t batches[COUNTS_N_BATCH_OUTCOMES];
	uint64_t dead_letters[DEAD_N_REASONS];
	uint64_t breaches[TARGET_N], voided[TARGET_N];
	struct histogram event_to_commit, deadline_to_row;
	struct {
		char sqlstate[SQLSTATE_BYTES];
		uint64_t n;
	} retries[COUNTS_MOST_SQLSTATES]; /* the last row counts all SQLSTATEs that have no row */
	size_t n_retries;
	uint64_t rebalances[REBALANCE_N];
	uint64_t gaps;
	uint64_t outbox_delivered, outbox_failed;
	struct counts_of_receiver *receivers;
	size_t n_receivers, receivers_capacity;
	int64_t sessions_ready; /* now */
	uint64_t sessions_lost;
};

extern struct counts counts;

/* The effects of the batch are committed, at now_us by the common clock. */
void counts_committed(const struct batch *batch, int64_t now_us);
/* A transaction was refused and is retried. sqlstate: "": not by PostgreSQL. */
void counts_retry(const char *sqlstate);
/* The counts of a receiver, which are 0 if it is new. Valid until the next call with a new name. */
struct counts_of_receiver *counts_receiver(const char *name);

#endif
