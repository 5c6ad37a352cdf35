/* A ticket as a pure function of the set of its events (rules F, S, K): fold, clocks, contributions to KPIs.
 * It does not depend on the order of arrival, the wall clock or the database. */
#ifndef KPID_CORE_TICKET_H
#define KPID_CORE_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/event.h"
#include "kpid/core/kpi.h"
#include "kpid/core/policy.h"
#include "kpid/core/sla_clock.h"

/* Version of the rules that turn events into figures. A change of a ticket adds its new figures and subtracts its
 * former ones, so both must follow the same rules: raise the version whenever the same events give other figures. A
 * database of another version is refused. */
#define TICKET_RULES_VERSION "4"

enum ticket_state { TICKET_UNKNOWN, TICKET_OPEN, TICKET_PAUSED, TICKET_RESOLVED, TICKET_CLOSED };

const char *ticket_state_name(enum ticket_state state); /* "open" */

struct ticket {
	enum ticket_state state;
	uint32_t cycle, reopen_count, transfer_count;
	struct text attributes[EVENT_N_ATTRIBUTES];                        /* absent: not set. By enum event_text */
	struct text owner_id, first_owner_id, responder_id, arrived_by_id; /* absent: nobody */
	int64_t opened_us, first_response_us, arrived_us;
	int64_t first_response_working_us;                /* working time until the response; TIME_NONE */
	int64_t first_response_due_us, resolution_due_us; /* F15; TIME_NONE */
	enum sla_verdict first_response_verdict, resolution_verdict;
	int64_t csat_score_micros, csat_scale_micros; /* SCORE_ABSENT */
	const struct policy_revision *revision;       /* NULL: none applies, or not opened */
	const struct policy *policy;                  /* that the attributes match now; NULL: none */
	const struct ticket_cycle *cycles;            /* 1 .. cycle, ascending */
	size_t n_cycles;                              /* == cycle */
	const struct pause *pauses;                   /* all of its life */
	size_t n_pauses;
	/* All that ever had a target or a promise, in order of start. NULL in a ticket_row, where n_clocks counts them
	 * all the same: a ticket may have too many. */
	const struct sla_clock *clocks;
	size_t n_clocks;
	const struct kpi_entry *kpis; /* what it contributes (K); not merged, any order. NULL in a ticket_row */
	size_t n_kpis;
};

struct fold_rules {
	const struct policy_set *policies;
	int64_t fcr_window_us; /* K: 7 days unless configured */
};

/* How the ticket was judged before. It keeps its revision unless its opening changes. */
struct fold_pin {
	const struct policy_revision *revision; /* NULL: judged under none */
	int64_t opened_us;                      /* TIME_NONE: never judged, so S1 chooses */
};

/* Observes each step of a fold in order, for `kpid explain` and for the ledger. Pointers are valid only during the
 * call; texts of the event, except its id, as long as the events. after: state, cycle, owner, attributes and policy
 * after the step. Its cycles, clocks and kpis are not set. */
struct fold_observer {
	bool wants_effects;                           /* else effect is NULL, which saves time */
	void (*begin)(void *context, size_t n_steps); /* before the first step; may be NULL */
	/* Within a step that changes the policy or a promise, for each clock that has not stopped; may be NULL.
	 * owner_id: the owner after the step; absent: nobody. */
	void (*rejudged)(void *context, int64_t at_us, struct text owner_id, const struct clock_outlook *before,
	                 const struct clock_outlook *after);
	void (*step)(void *context, const struct ticket_event *event, int64_t effective_us, bool derived,
	             const char *effect, const struct ticket *after);
	void *context;
};

/* events: sorted by ticket_event_order(), no two of one identity. as_of_us: K4, S4.
 * Everything in *ticket_out points into the events, the policies or the arena. */
void ticket_fold(const struct ticket_event *const *events, size_t n_events, const struct fold_rules *rules,
                 const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                 struct arena *arena, struct ticket *ticket_out);

/* The same for a packed history, which must be in the order of F1 and outlive *ticket_out.
 * Returns 0, or -EBADMSG if it is not a history (*ticket_out is not set then). */
int ticket_fold_history(struct text history, struct text ticket_id, const struct fold_rules *rules,
                        const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                        struct arena *arena, struct ticket *ticket_out);

#endif
