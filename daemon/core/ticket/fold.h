/* The state of a fold between two steps. */
#ifndef KPID_CORE_TICKET_FOLD_H
#define KPID_CORE_TICKET_FOLD_H

#include "../sla/clock.h"
#include "contribution.h"
#include "effect_text.h"
#include "kpid/core/ticket.h"
#include "steps.h"

/* Owner and project from at_us until the next moment. */
struct moment {
	int64_t at_us;
	struct text owner_id, project_id;
};

struct fold {
	struct ticket *ticket;        /* its current state; fold.c sets cycles, clocks and kpis at the end */
	struct text last_owner_id;    /* the latest agent who owned it (F6) */
	struct text last_resolver_id; /* the latest agent who resolved a cycle (F14) */
	int64_t replied_us;           /* the latest reply since the cycle ended (F13); TIME_NONE: none */
	struct ticket_cycle *cycles;  /* ticket->n_cycles of them */
	struct pause *pauses;
	size_t n_pauses;      /* the last one has not ended while the ticket is paused */
	struct clock *clocks; /* in order of start, without those that were dropped */
	size_t n_clocks;
	struct clock dropped[TARGET_N]; /* the latest one that was dropped */
	struct clock *latest[TARGET_N]; /* NULL before the first */
	uint32_t n_of_target[TARGET_N]; /* clocks started so far */
	int64_t promise_us[TARGET_N];   /* for cycle 1; TIME_NONE */
	struct moment *moments;         /* by time; one for each time at which owner or project changed */
	size_t n_moments;
	struct kpi_survey *latest_survey[SURVEY_CES + 1]; /* of this cycle; NULL: none */
	struct kpi_facts facts;
	struct clock_sums *sums;
	struct arena *arena;
	const struct fold_observer *observer; /* NULL: there is none */
	struct effect_text *effect;           /* NULL: no observer wants it */
};

/* Takes one step. The opening must be the first one, if there is one. */
void apply_step(struct fold *fold, const struct step *step);

static inline struct clock_context fold_clock_context(const struct fold *fold)
{
	return (struct clock_context){fold->pauses, fold->n_pauses, fold->cycles, fold->sums};
}

#endif
