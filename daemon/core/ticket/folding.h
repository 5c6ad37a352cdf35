/* The fold of one ticket in parts, without an array of all its events or all its settled clocks: a ticket may have
 * 100,000 of each. */
#ifndef KPID_CORE_TICKET_FOLDING_H
#define KPID_CORE_TICKET_FOLDING_H

#include "contribution.h"
#include "kpid/core/ticket.h"
#include "steps.h"

struct folding;

/* As ticket_fold(). plan: finished. events: those of the plan, in the order of F1. All arguments must outlive the
 * folding, which lives in the arena. */
struct folding *folding_begin(const struct step_plan *plan, struct event_stream *events, const struct fold_rules *rules,
                              const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                              struct arena *arena, struct ticket *ticket_out);
/* Takes steps and subtracts their number from *n_steps, until that is 0. True: there are more. */
bool folding_take_steps(struct folding *folding, size_t *n_steps);
/* After the last step, likewise for clocks: settles them, and hands all contributions of the ticket to the sink.
 * Afterwards *ticket_out is complete, except that clocks and kpis are NULL; n_clocks counts the clocks. */
bool folding_settle(struct folding *folding, struct kpi_sink *sink, size_t *n_clocks);

/* Clocks in order of start. Those of one target have ascending n; one that never had a target or a promise may be
 * missing. */
size_t folding_n_clocks(const struct folding *folding);
/* Which clock is the i-th. */
void folding_clock_key(const struct folding *folding, size_t i, enum sla_target *target_out, uint32_t *n_out);
/* The i-th clock as folding_settle() settled it, in *scratch or in the folding; NULL: it never had a target or a
 * promise. */
const struct sla_clock *folding_clock(const struct folding *folding, size_t i, struct sla_clock *scratch);
/* How much of its time the i-th clock had used at at_us, which is not before its start, nor after the step that stopped
 * it. False: it had neither a target nor a promise. */
bool folding_clock_use(const struct folding *folding, size_t i, int64_t at_us, struct clock_use *use_out);
/* Facts of the steps taken so far; borrowed. */
const struct kpi_facts *folding_facts(const struct folding *folding);

#endif
