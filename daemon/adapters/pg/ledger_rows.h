/* A page of tickets of the ledger, as the parameters of its queries. */
#ifndef KPID_ADAPTERS_PG_LEDGER_ROWS_H
#define KPID_ADAPTERS_PG_LEDGER_ROWS_H

#include "adapters/pg/rows.h"
#include "kpid/core/ledger.h"

struct pg_ledger_rows {                                          /* zeroed: empty */
	struct pg_array tickets[LEDGER_TICKET_PUT_N_PARAMS - 1]; /* the last parameter is not an array */
	struct pg_array rows;
	struct pg_array items[LEDGER_ITEM_PUT_N_PARAMS];
	struct pg_array solved[LEDGER_SOLVED_PUT_N_PARAMS];
};

void pg_ledger_rows_release(struct pg_ledger_rows *rows);
/* Empties them. row_types: of the session. */
void pg_ledger_rows_start(struct pg_ledger_rows *rows, const unsigned *row_types);
/* Copies a folded ticket. */
void pg_ledger_rows_add(struct pg_ledger_rows *rows, struct text ticket_id, int32_t rev, const struct ledger *ledger);

/* Queues the statements that come first: they write what the ledger knows of the tickets. put: gets the result of
 * queries/ledger_ticket_put.sql, which affects fewer rows than pg_ledger_rows_n() if a later rev is there. */
void pg_ledger_rows_send_tickets(struct pg_ledger_rows *rows, struct pg_session *session, int32_t generation,
                                 int64_t repeat_within_us, pg_result_fn put, void *context);
/* Queues the other statements of the transaction. */
void pg_ledger_rows_send_rest(struct pg_ledger_rows *rows, struct pg_session *session, int64_t repeat_within_us);
/* Queues the statements that add what these transactions noted to the sums per month. Lock kpid.ledger_state first. */
void pg_ledger_months_merge(struct pg_session *session);
size_t pg_ledger_rows_n(const struct pg_ledger_rows *rows); /* tickets */

#endif
