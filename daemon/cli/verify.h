/* kpid verify: what every derived row must be, reckoned anew from the stored histories, against what is stored. */
#ifndef KPID_CLI_VERIFY_H
#define KPID_CLI_VERIFY_H

#include <jansson.h>
#include <stdbool.h>

#include "adapters/pg/effects.h"
#include "app/rules_book.h"
#include "cli/cli.h"
#include "cli/pg_sync.h"

struct verify_request {
	const char *ticket_id; /* this one only; NULL: all, or a sample */
	int64_t sample;        /* so many tickets by chance; 0: all */
	bool repair;
	const char *who, *why;
};

/* A ticket with a difference. */
struct verify_suspect {
	struct text ticket_id; /* in the arena of the verification */
	int32_t rev;           /* of its row, when it was looked at */
	bool opened_differs;   /* the column by which a daemon finds the revision again (struct fold_pin) */
};

/* Where the result of a verify_….sql has what. */
enum verify_column {
	VERIFY_TABLE,
	VERIFY_KEY,
	VERIFY_COLUMN,
	VERIFY_STORED,
	VERIFY_EXPECTED,
	VERIFY_OWNER, /* the ticket or the agent */
	VERIFY_AT,    /* of a sum */
	VERIFY_ALERT  /* "put ID" or "void ID": what mends it */
};

struct verify {
	struct pg_sync *sync;
	const struct kpid_config *config;
	const struct verify_request *request;
	unsigned row_types[PG_N_ROW_TYPES];
	struct rules_book book;
	struct batch_rules rules;
	struct write_order order;
	struct pg_effects effects; /* what must be: its sums of all tickets, its rows of one piece */
	struct kpi_sums missing;   /* what must be less what is stored */
	struct arena scratch, arena;
	struct buf packed;
	struct pg_array ids;             /* of the piece */
	struct verify_suspect *suspects; /* by ticket_id, each once */
	size_t n_suspects, suspects_capacity;
	int64_t repair_epoch; /* of the lease of verify_repair_lock() */
	int64_t n_tickets, n_sums, n_agents, n_differences, n_broken, n_lost;
	int64_t n_set_aside, n_waiting; /* tickets that are set aside, and their events: no figure shows those */
	json_t *differences;            /* the first, or all of them */
};

void verify_init(struct verify *verify, struct pg_sync *sync, const struct kpid_config *config,
                 const struct verify_request *request);
void verify_release(struct verify *verify);
/* Forgets what was found. */
void verify_clear(struct verify *verify);

/* Looks at all that is asked for, in one snapshot. Returns an enum cli_status: CLI_OK also with differences. */
int verify_look(struct verify *verify);
/* Mends what verify_look() found, in one transaction. *again_out: somebody wrote a ticket on which the rest hangs
 * meanwhile, nothing was changed: look again. Under the lease of verify_repair_lock(), taken before looking. */
int verify_repair_lock(struct verify *verify);
int verify_repair(struct verify *verify, bool *again_out);

/* For both. The rows that must be of the tickets of a result of verify_read….sql are then in effects, their ids in ids.
 * for_write: as rows to be written now. False: of some they are not known, which was noted. */
bool verify_expect(struct verify *verify, const PGresult *rows, bool for_write, struct kpi_sums *sums);
typedef bool (*verify_found_fn)(void *context, const PGresult *rows);
/* Compares the rows of that piece with what is stored; found is told of each result that has rows. */
bool verify_compare_piece(struct verify *verify, verify_found_fn found, void *context);

void verify_print(const struct verify *verify, bool repaired);

#endif
