/* The ledger (rules L): what one ticket contributes to each agent, in each project and team, from its stored history. A
 * pure function, as the fold. The days, and the measure `repeated`, which depends on other tickets, are left to SQL. */
#ifndef KPID_CORE_LEDGER_H
#define KPID_CORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/core/batch.h"

/* The measures of the ledger alone (L4), in the order of the columns of kpid.ledger. */
enum ledger_measure {
#define LEDGER_MEASURE(symbol, column, unit, comment) LEDGER_##symbol,
#include "kpid/core/ledger_measures.def"
#undef LEDGER_MEASURE
	LEDGER_N_MEASURES
};

/* All measures of a row: those of K, then those of L4. */
enum { LEDGER_N_COLUMNS = KPI_N_MEASURES + LEDGER_N_MEASURES };

/* A part of 100 % is a whole number of thousandths of a percent. */
enum { LEDGER_WHOLE = 100000 };

/* L5 */
struct ledger_rules {
	int64_t callback_within_us, parked_after_us;
	int32_t last_part, eased_after; /* 0 .. LEDGER_WHOLE */
};

/* What the ticket contributes in one 5-minute bucket to one agent in one project and team. Texts are never absent. */
struct ledger_row {
	int64_t bucket_us;
	struct text agent_id, project_id, team_id; /* empty: nobody, or not set */
	int64_t values[LEDGER_N_COLUMNS];
};

/* L6: the answer to one item of a survey that counts. Likewise. */
struct ledger_item {
	int64_t bucket_us;
	struct text agent_id, project_id, team_id, item;
	enum survey_kind kind;
	int64_t perceived_micros;
	bool paired;
	int64_t gap_micros; /* 0 unless paired */
};

/* A cycle that counts in `resolved`, as solved: `repeated` looks for it. */
struct ledger_solved {
	uint32_t cycle;
	int64_t resolved_us;
	struct text resolver_id; /* empty: nobody */
};

struct ledger {
	struct ticket ticket;          /* its clocks and kpis are not set */
	const struct ledger_row *rows; /* by (bucket, agent, project, team), each key once */
	size_t n_rows;
	const struct ledger_item *items; /* in the order of the surveys; a key may come more than once */
	size_t n_items;
	const struct ledger_solved *solved;
	size_t n_solved;
	struct text opened_project_id, opened_team_id; /* after all steps at or before the opening; never absent */
};

/* Folds a stored ticket under its stored revision, as of its stored as_of_us. Everything in *ledger_out lives in the
 * arena, or points into the history or the policies.
 * Returns as batch_recompute(): BATCH_OK; BATCH_UNKNOWN_REVISION with *revision_no_out; or -EBADMSG. */
int ledger_fold(struct text ticket_id, const struct stored_ticket *stored, const struct batch_rules *rules,
                const struct ledger_rules *ledger_rules, struct arena *arena, struct ledger *ledger_out,
                int32_t *revision_no_out);

#endif
