/* The state of a fold between two steps. */
#ifndef KPID_CORE_TICKET_FOLD_H
#define KPID_CORE_TICKET_FOLD_H

#include "../kpi/contribution.h"
#include "../sla/clock.h"
#include "kpid/core/ticket.h"
#include "steps.h"
#include "words.h"

/* From this time on, until the next moment. */
struct moment {
	int64_t at_us;
	struct text owner_id, project_id;
};

struct fold {
	struct ticket *ticket;        /* as it stands, but for cycles, clocks and kpis, which fold.c sets at the end */
	struct text last_owner_id;    /* the last agent who owned it (F6) */
	struct text last_resolver_id; /* the last agent who resolved any cycle (F14) */
	struct ticket_cycle *cycles;  /* ticket->n_cycles of them */
	struct pause *pauses;
	size_t n_pauses; /* the last has no end while the ticket is paused */
	struct clock *clocks;
	size_t n_clocks;
	struct clock *latest[TARGET_N]; /* NULL before the first */
	uint32_t n_of_target[TARGET_N]; /* how many have started */
	int64_t promise_us[TARGET_N];   /* for cycle 1; TIME_NONE */
	struct moment *moments;         /* by time, one for each time at which owner or project changed */
	size_t n_moments;
	struct kpi_survey *latest_survey[SURVEY_CES + 1]; /* of this cycle; NULL: none */
	struct kpi_facts facts;
	struct clock_sums sums;
	struct arena *arena;
	struct words *words; /* NULL: nobody asks */
};

/* Takes one step. The opening is the first of all, if there is one. */
void fold_move(struct fold *fold, const struct step *step);

static inline struct clock_ground fold_ground(struct fold *fold)
{
	return (struct clock_ground){fold->pauses, fold->n_pauses, fold->cycles, &fold->sums};
}

#endif
