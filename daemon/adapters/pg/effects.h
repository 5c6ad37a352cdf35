/* Collects the effects of a batch as rows in PostgreSQL's binary format, and sends them. */
#ifndef KPID_ADAPTERS_PG_EFFECTS_H
#define KPID_ADAPTERS_PG_EFFECTS_H

#include "adapters/pg/rows.h"
#include "adapters/pg/writer.h"
#include "kpid/core/batch.h"

struct pg_effects {
	struct pg_session *session; /* NULL: the caller sends the rows */
	const unsigned *row_types;  /* by enum pg_row_type */
	const struct write_order *order;
	struct kpi_sums sums;
	bool inserts;                /* rows that are new are inserted plainly */
	int64_t new_kpis_after_us;   /* KPI rows of later buckets are taken for new */
	bool ticket_is_new;          /* the ticket whose rows are being put has no row yet */
	struct pg_array tickets;     /* of one piece; callers that send it themselves start it */
	struct pg_array new_tickets; /* of one piece, and so to voided_alerts */
	struct pg_array new_alerts;  /* not to be sent */
	struct pg_array cycles;
	struct pg_array gone_cycles[CYCLE_DELETE_N_PARAMS];
	struct pg_array clocks, idle_clocks; /* with a pending deadline, and without */
	struct pg_array gone_clocks[CLOCK_DELETE_N_PARAMS];
	int64_t first_fires_us; /* the earliest deadline of all pieces; TIME_FOR_EVER: none */
	struct pg_array alerts, voided_alerts;
	struct pg_array dead_letters;
	struct pg_array rows; /* scratch for rows that are sent at once */
	struct buf json;
	struct kpi_row **kpis; /* sorted; NULL until the first piece is sent */
	size_t n_kpis, n_kpis_sent;
	bool beyond_columns; /* a count does not fit its column: roll back */
};

/* The ticket in a row of ticket_read….sql or verify_read….sql; row < 0: a ticket that is not stored. Borrows from
 * result. */
struct stored_ticket pg_stored_ticket(const PGresult *result, int row);

void pg_effects_init(struct pg_effects *effects);
void pg_effects_release(struct pg_effects *effects);
/* Clears everything and begins the batch of an order. new_kpis_after_us: see kpi_frontier_new_after_us(). inserts: rows
 * of new tickets, and of KPIs after that, are inserted plainly; false: all rows are upserted. */
void pg_effects_start(struct pg_effects *effects, struct pg_session *session, const struct write_order *order,
                      bool inserts, int64_t new_kpis_after_us);
/* For callers that send the rows themselves: clears the rows of one piece, including the tickets, and keeps the sums.
 * Does not read order->batch. */
void pg_effects_start_rows(struct pg_effects *effects, const unsigned *row_types, const struct write_order *order);
/* Adds a row of KPI sums or backlog to an array of its row type. False: a count exceeds the 32 bits of its column (it
 * would take two billion tickets of one agent in five minutes); do not send the row. */
bool pg_effects_put_kpi(struct pg_array *to, const struct kpi_row *row);
void pg_effects_put_backlog(struct pg_array *to, const struct batch_agent *agent);
struct batch_sink pg_effects_sink(struct pg_effects *effects);
/* Bytes that are gathered for pg_effects_send_piece(). */
size_t pg_effects_size(const struct pg_effects *effects);
/* The latest bucket of the KPI sums that were sent; TIME_NONE: there are none. */
int64_t pg_effects_latest_bucket_us(const struct pg_effects *effects);
/* Send the rows, in this order, so that all transactions lock in the same order: a piece of tickets (returns their
 * number), and after it the rows that belong to it; then the KPI sums piece by piece, until false; then the rest. fn
 * gets the results. */
size_t pg_effects_send_tickets(struct pg_effects *effects, pg_result_fn fn, void *context);
void pg_effects_send_piece(struct pg_effects *effects, pg_result_fn fn, void *context);
bool pg_effects_send_kpis(struct pg_effects *effects, pg_result_fn fn, void *context);
void pg_effects_send_rest(struct pg_effects *effects, pg_result_fn fn, void *context);

#endif
