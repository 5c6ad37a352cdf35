/* What a folded ticket contributes to the KPIs (rules K). */
#ifndef KPID_CORE_TICKET_CONTRIBUTION_H
#define KPID_CORE_TICKET_CONTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/core/ticket.h"

struct kpi_transfer {
	int64_t at_us;
	struct text agent_id; /* the agent to which it is charged */
};

/* A survey that counts (F14): the last of its kind in its cycle. */
struct kpi_survey {
	enum survey_kind kind; /* never absent */
	int64_t at_us;
	int64_t score_micros, scale_micros; /* millionths; the scale is set, by default as in E6 */
	struct text agent_id;
	struct text answers, expected; /* EVENT_ANSWERS, EVENT_EXPECTED */
	int64_t answers_scale_micros;  /* SCORE_ABSENT: that of the survey */
};

/* Facts from the fold that the ticket itself does not hold. */
struct kpi_facts {
	struct text opened_by;
	int64_t first_response_start_us; /* start of the clock that the first response belongs to */
	bool *resolution_counts;         /* [cycle - 1]: its resolution counts for the KPIs (F11) */
	bool transfer_before_fix;        /* between the first response and the resolution of cycle 1 */
	struct kpi_transfer *transfers;
	size_t n_transfers;
	struct kpi_survey *surveys;
	size_t n_surveys;
};

/* Where contributions go. */
struct kpi_sink {
	struct kpi_entry *entries;
	size_t n, capacity;
	void (*flush)(struct kpi_sink *sink); /* must set n to 0; NULL: there is room for all */
};

/* Contributions of one settled clock. */
void kpi_contribute_clock(const struct sla_clock *clock, struct kpi_sink *sink);
/* All other contributions of a ticket, once its cycles are complete. Its clocks are not looked at. */
void kpi_contribute_ticket(const struct ticket *ticket, const struct kpi_facts *facts, int64_t fcr_window_us,
                           struct kpi_sink *sink);
/* Upper bound of the entries that a ticket with n_clocks clocks contributes, clocks included. */
size_t kpi_max_entries(const struct ticket *ticket, const struct kpi_facts *facts, size_t n_clocks);

#endif
