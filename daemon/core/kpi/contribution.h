/* What a folded ticket contributes to the KPIs (RULES K). */
#ifndef KPID_CORE_KPI_CONTRIBUTION_H
#define KPID_CORE_KPI_CONTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/ticket.h"

struct kpi_transfer {
	int64_t at_us;
	struct text agent_id; /* to whom it is charged */
};

/* A survey that counts (F14): the last of its kind in its cycle. */
struct kpi_survey {
	enum survey_kind kind; /* never absent */
	int64_t at_us;
	int64_t score_micros, scale_micros; /* the default scale of E6 is filled in */
	struct text agent_id;
};

/* What the fold saw and the ticket itself does not show. */
struct kpi_facts {
	struct text opened_by;
	int64_t first_response_start_us; /* start of the clock that the first response belongs to */
	bool *resolution_counts;         /* by cycle - 1: is it a resolution for K? (F11) */
	bool transfer_before_fix;        /* between the first response and the resolution of cycle 1 */
	struct kpi_transfer *transfers;
	size_t n_transfers;
	struct kpi_survey *surveys;
	size_t n_surveys;
};

/* Sets ticket->kpis and n_kpis from the rest of the ticket, whose clocks are settled. */
void kpi_contribute(struct ticket *ticket, const struct kpi_facts *facts, int64_t fcr_window_us, struct arena *arena);

#endif
