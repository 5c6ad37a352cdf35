/* kpid verify: recalculates every derived row from the stored histories, and compares it with the stored row. */
#ifndef KPID_CLI_VERIFY_H
#define KPID_CLI_VERIFY_H

#include <jansson.h>
#include <stdbool.h>

#include "adapters/pg/effects.h"
#include "app/policy_registry.h"
#include "cli/cli.h"
#include "cli/pg_sync.h"

struct verify_request {
	const char *ticket_id; /* only this ticket; NULL: all tickets, or a sample */
	int64_t sample;        /* number of random tickets; 0: all tickets */
	bool repair;
	const char *who, *why;
};

/* A ticket with a difference. */
struct verify_suspect {
	struct text ticket_id; /* in verify->arena */
	int32_t rev;           /* of its row, when it was compared */
	bool opened_differs;   /* opened_at differs, by which a daemon finds the policy revision (struct fold_pin) */
};

/* Columns of every verify_….sql that compares a table (tests/sql/test_sql_names.py checks that they are the same). */
enum verify_column {
	VERIFY_TABLE = VERIFY_TICKETS_TABLE_NAME,
	VERIFY_KEY = VERIFY_TICKETS_KEY,
	VERIFY_COLUMN = VERIFY_TICKETS_COLUMN_NAME,
	VERIFY_STORED = VERIFY_TICKETS_STORED_VALUE,
	VERIFY_EXPECTED = VERIFY_TICKETS_EXPECTED_VALUE,
	VERIFY_OWNER = VERIFY_TICKETS_OWNER,   /* ticket or agent */
	VERIFY_AT = VERIFY_TICKETS_AT,         /* bucket of a KPI sum */
	VERIFY_ALERT = VERIFY_TICKETS_ALERT_ID /* "put ID" or "void ID": how to repair the alert */
};

struct verify {
	struct pg_sync *sync;
	const struct kpid_config *config;
	const struct verify_request *request;
	unsigned row_types[PG_N_ROW_TYPES];
	struct policy_registry registry;
	struct batch_rules rules;
	struct write_order order;
	struct pg_effects effects; /* expected: the sums of all tickets, and the rows of one piece */
	struct kpi_sums missing;   /* expected minus stored sums */
	struct arena scratch, arena;
	struct buf packed;
	struct pg_array ids;             /* tickets of the piece */
	struct verify_suspect *suspects; /* tickets with a difference, by ticket_id, each once */
	size_t n_suspects, suspects_capacity;
	int64_t repair_epoch; /* of the lease of verify_repair_lock() */
	int64_t n_tickets, n_sums, n_agents, n_differences, n_broken, n_lost;
	bool ledger_differs; /* from the stored sums */
	int64_t n_set_aside; /* tickets that are set aside */
	int64_t n_waiting;   /* their waiting events, which no figure contains */
	json_t *differences; /* the first ones; with --json all of them */
};

void verify_init(struct verify *verify, struct pg_sync *sync, const struct kpid_config *config,
                 const struct verify_request *request);
void verify_release(struct verify *verify);
/* Discards the findings. */
void verify_clear(struct verify *verify);

/* Compares what the request names, in one snapshot. Returns an enum cli_status: CLI_OK also with differences. */
int verify_compare(struct verify *verify);
/* Takes the lease for repairs. Call it before verify_compare(). */
int verify_repair_lock(struct verify *verify);
/* Repairs the differences that verify_compare() found, in one transaction. *again_out is set if a daemon wrote a ticket
 * that other rows depend on meanwhile: then nothing was changed, compare again. */
int verify_repair(struct verify *verify, bool *again_out);

/* Calculates the expected rows of the tickets of a verify_read….sql result into effects, and their ids into ids.
 * for_write: with the values of rows that are written now. Returns false if some histories cannot be read, which is
 * noted. */
bool verify_expect(struct verify *verify, const PGresult *rows, bool for_write, struct kpi_sums *sums);
typedef bool (*verify_found_fn)(void *context, const PGresult *rows);
/* Compares the expected rows with the stored ones. Calls found for each result that has rows. */
bool verify_compare_piece(struct verify *verify, verify_found_fn found, void *context);

void verify_print(const struct verify *verify, bool repaired);

#endif
