/* The effects of a batch, gathered as rows in PostgreSQL's binary format until they are sent. */
#ifndef KPID_ADAPTERS_PG_EFFECTS_H
#define KPID_ADAPTERS_PG_EFFECTS_H

#include "adapters/pg/rows.h"
#include "adapters/pg/writer.h"
#include "kpid/core/batch.h"

struct pg_effects {
	struct pg_session *session; /* NULL: who takes the rows sends them */
	const unsigned *row_types;  /* by enum pg_row_type */
	const struct write_order *order;
	struct kpi_sums sums;
	struct pg_array tickets; /* of one piece; started by who evaluates a piece */
	struct pg_array cycles, gone_cycle_tickets, gone_cycle_numbers; /* of one piece, and so to voided_alerts */
	struct pg_array clocks, idle_clocks; /* of which something is to fall due by time alone, and nothing */
	struct pg_array gone_clock_tickets, gone_clock_targets, gone_clock_numbers;
	struct pg_array alerts, voided_alerts;
	struct pg_array dead_letters;
	struct pg_array rows; /* scratch for what is encoded and sent at once */
	struct buf json;
	struct kpi_row **kpis; /* once the first piece is asked for: sorted, and how many are sent */
	size_t n_kpis, n_kpis_sent;
	bool beyond_columns; /* a count of them does not fit its column: the transaction must not be committed */
};

void pg_effects_init(struct pg_effects *effects);
void pg_effects_release(struct pg_effects *effects);
/* Empty, for the batch of an order. */
void pg_effects_start(struct pg_effects *effects, struct pg_session *session, const struct write_order *order);
/* The same for who sends what is gathered by other means: all rows of one piece, the tickets among them, are begun
 * anew. The sums stay; order->batch is not read. */
void pg_effects_start_rows(struct pg_effects *effects, const unsigned *row_types, const struct write_order *order);
/* A row of the sums or of the backlog, for an array of its row type. False: a count is beyond the 32 bits that its
 * column has, which takes two thousand million tickets of one agent in five minutes; the row must not be used. */
bool pg_effects_put_kpi(struct pg_array *to, const struct kpi_row *row);
void pg_effects_put_backlog(struct pg_array *to, const struct batch_agent *agent);
struct batch_sink pg_effects_sink(struct pg_effects *effects);
/* What is sent after the tickets, in this order, so that locks are taken in the same order by all. Results go
 * to fn. After each piece of tickets what belongs to them, so that it does not pile up; then the sums, in pieces
 * as well, which is most of what a batch sends: false once all are sent; then the rest. */
void pg_effects_send_piece(struct pg_effects *effects, pg_result_fn fn, void *context);
bool pg_effects_send_kpis(struct pg_effects *effects, pg_result_fn fn, void *context);
void pg_effects_send_rest(struct pg_effects *effects, pg_result_fn fn, void *context);

#endif
