/* The effects of a batch, gathered as rows in PostgreSQL's binary format until they are sent. */
#ifndef KPID_ADAPTERS_PG_EFFECTS_H
#define KPID_ADAPTERS_PG_EFFECTS_H

#include "adapters/pg/rows.h"
#include "adapters/pg/writer.h"
#include "kpid/core/batch.h"

struct pg_effects {
	struct pg_session *session;
	const struct write_order *order;
	struct kpi_sums sums;
	struct pg_array tickets; /* of one piece; started by who evaluates a piece */
	struct pg_array cycles, gone_cycle_tickets, gone_cycle_numbers;
	struct pg_array clocks, gone_clock_tickets, gone_clock_targets, gone_clock_numbers;
	struct pg_array alerts, voided_alerts;
	struct pg_array dead_letters;
	struct pg_array rows; /* scratch for what is encoded and sent at once */
	struct buf json;
};

void pg_effects_init(struct pg_effects *effects);
void pg_effects_release(struct pg_effects *effects);
/* Empty, for the batch of an order. */
void pg_effects_start(struct pg_effects *effects, struct pg_session *session, const struct write_order *order);
struct batch_sink pg_effects_sink(struct pg_effects *effects);
/* Sends everything but the tickets: cycles, clocks, sums, backlog, alerts with their messages, dead letters.
 * Results go to fn. */
void pg_effects_send(struct pg_effects *effects, pg_result_fn fn, void *context);

#endif
