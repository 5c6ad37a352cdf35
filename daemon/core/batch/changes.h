/* What changes between two folds of a ticket, as rows to be put and deleted. */
#ifndef KPID_CORE_BATCH_CHANGES_H
#define KPID_CORE_BATCH_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "../ticket/folding.h"
#include "kpid/core/batch.h"

/* One fold of the ticket. */
struct changes_side {
	const struct ticket *ticket;
	const struct folding *folding; /* settled; NULL: the ticket was not known */
	size_t n_clocks;
	size_t at[TARGET_N]; /* where the next clock of each target is looked for */
};

struct changes {
	struct text ticket_id;
	struct changes_side before, after;
	size_t n_cycles_done, n_clocks_done;
	struct batch_tally *tally; /* counts breaches; NULL: nothing is counted */
};

void changes_begin(struct changes *changes, struct text ticket_id, const struct ticket *before,
                   const struct folding *before_folding, const struct ticket *after,
                   const struct folding *after_folding);
/* Hands changed rows of past cycles to the sink, and then those of clocks and alerts. Looks at *n_steps cycles and
 * clocks at most, and subtracts their number. True: there are more. */
bool changes_put(struct changes *changes, const struct batch_sink *sink, size_t *n_steps);

#endif
