/* A ticket as a pure function of the set of its events (RULES F, S, K): fold, clocks, contributions.
 * Nothing here knows the order of arrival, a wall clock or a database. */
#ifndef KPID_CORE_TICKET_H
#define KPID_CORE_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/event.h"
#include "kpid/core/kpi.h"
#include "kpid/core/policy.h"

/* Of the rules that turn events into figures, as this program has them. A ticket's change is what it gives now
 * less what it gave before, so both must be reckoned alike: raise it with any change that gives other figures
 * for the same events. A database made under another version is refused. */
#define TICKET_RULES_VERSION "3"

enum ticket_state { TICKET_UNKNOWN, TICKET_OPEN, TICKET_PAUSED, TICKET_RESOLVED, TICKET_CLOSED };
enum sla_verdict { VERDICT_NONE, VERDICT_PENDING, VERDICT_MET, VERDICT_BREACHED };
enum breach_cause { CAUSE_DEADLINE, CAUSE_POLICY_CHANGE };

const char *ticket_state_name(enum ticket_state state); /* "open" */
const char *sla_verdict_name(enum sla_verdict verdict); /* "met" */
const char *breach_cause_name(enum breach_cause cause); /* "deadline" */

/* One clock that has a target or a promise (RULES S2). */
struct sla_clock {
	enum sla_target target;
	uint32_t n;               /* A1: cycle; number of the next response; 1, 2, … for the other two */
	uint32_t cycle;           /* in which it started */
	enum sla_verdict verdict; /* as of as_of_us */
	bool promised;            /* due_us is a promise made elsewhere */
	bool stopped;             /* by what it waits for, or ended with its cycle (S5) */
	bool paused;              /* not stopped, and standing in a listed pause that has no end yet */
	bool deferred;            /* breached by a stop that came too late by what is known, but as_of_us does not reach
	                           * the deadline yet: an event that stopped it in time may still come */
	enum breach_cause cause;  /* of a breach */
	int64_t start_us;
	int64_t within_us;      /* TIME_NONE for a promise without a target */
	struct text calendar;   /* in whose hours it runs; absent: always, or by the wall under a promise */
	int64_t due_us;         /* TIME_NONE: stands in a pause (S3) */
	int64_t stopped_us;     /* TIME_NONE while not stopped */
	int64_t breached_us;    /* TIME_NONE unless VERDICT_BREACHED */
	int64_t fires_us;       /* the next instant, not before as_of_us, at which time alone makes something of it due:
	                         * a warning, its breach, an escalation; TIME_NONE: none is known */
	int64_t warned_us;      /* the first warning that is due; TIME_NONE: none */
	int64_t warned_last_us; /* the latest that is */
	uint32_t n_warnings;    /* that are due */
	uint32_t level;         /* escalations that are due; 0 unless VERDICT_BREACHED */
	int64_t left_us;        /* while paused: what is left to run; otherwise due_us - (a given now) says it */
	int64_t zero_us;    /* not stopped, not paused: S9's seconds_left at `now` is zero_us - now. It is due_us, and
	                     * later where the clock has stood after its breach. Else TIME_NONE */
	int64_t at_risk_us; /* not stopped: from this instant on S9 calls it at_risk, if neither breached nor
	                     * paused. TIME_NONE: not before the end of a pause that has none yet, or unless
	                     * something else happens */
	struct text
	        agent_id; /* K: to whom the measure goes: met: who responded …; breached: owner then; absent: nobody */
	struct text owner_at_breach;    /* absent unless breached, or nobody */
	struct text project_at_breach;  /* likewise */
	struct text owner_at_warning;   /* at the first warning that is due; absent: none is, or nobody */
	struct text project_at_warning; /* likewise */
	const struct policy
	        *policy; /* A4: that judged the breach, else the one in force; NULL for a promise without one */
	int32_t evidence_source_no; /* the event that started the clock */
	int64_t evidence_offset;
};

/* One cycle: from the opening or a reopening (RULES F15). */
struct ticket_cycle {
	uint32_t cycle;
	int64_t started_us, resolved_us, closed_us; /* TIME_NONE: not (yet) */
	struct text resolver_id, closer_id;         /* absent: nobody */
	int64_t working_us;         /* for which its clock ran until then, where that is a resolution for
	                             * K; TIME_NONE: it is none */
	enum resolution resolution; /* RESOLUTION_ABSENT: not resolved */
	int64_t due_us;             /* of its resolution clock; TIME_NONE */
	enum sla_verdict verdict;
};

/* One stay in the state paused. Of one ticket they are in order and do not overlap. */
struct pause {
	int64_t start_us, end_us; /* end_us TIME_FOR_EVER: no end yet */
	struct text reason;       /* never absent */
};

struct ticket {
	enum ticket_state state;
	uint32_t cycle, reopen_count, transfer_count;
	struct text attributes[EVENT_N_ATTRIBUTES];                        /* absent: not set. By enum event_text */
	struct text owner_id, first_owner_id, responder_id, arrived_by_id; /* absent: nobody */
	int64_t opened_us, first_response_us, arrived_us;
	int64_t first_response_working_us;                /* for which its clock ran until then; TIME_NONE */
	int64_t first_response_due_us, resolution_due_us; /* F15; TIME_NONE */
	enum sla_verdict first_response_verdict, resolution_verdict;
	int64_t csat_score_micros, csat_scale_micros; /* SCORE_ABSENT */
	const struct policy_revision *revision;       /* NULL: none applies, or not opened */
	const struct policy *policy;                  /* that the attributes match now; NULL */
	const struct ticket_cycle *cycles;            /* 1 .. cycle, ascending */
	size_t n_cycles;                              /* == cycle */
	const struct pause *pauses;                   /* all of its life */
	size_t n_pauses;
	const struct sla_clock *clocks; /* every clock of its life, in order of start */
	size_t n_clocks;
	const struct kpi_entry *kpis; /* what it contributes (K); not merged, any order */
	size_t n_kpis;
};

struct fold_rules {
	const struct policy_set *policies;
	int64_t fcr_window_us; /* K: 7 days unless configured */
};

/* What the ticket was judged under before: it keeps its revision as long as its opening stays the same. */
struct fold_pin {
	const struct policy_revision *revision; /* may be NULL: judged under none */
	int64_t opened_us;                      /* TIME_NONE: never judged, S1 chooses */
};

/* Hears of each step in order while folding, for `kpid explain`. All pointers live as long as the call.
 * after: state, cycle, owner, attributes and policy as the step leaves them; cycles, clocks and sums are not set. */
struct fold_observer {
	void (*step)(void *context, const struct ticket_event *event, int64_t effective_us, bool derived,
	             const char *effect, const struct ticket *after);
	void *context;
};

/* events: sorted by ticket_event_order(), no two of one identity. as_of_us: K4, S4.
 * Everything in *ticket_out points into the events, the policies or the arena. */
void ticket_fold(const struct ticket_event *const *events, size_t n_events, const struct fold_rules *rules,
                 const struct fold_pin *pin, int64_t as_of_us, const struct fold_observer *observer,
                 struct arena *arena, struct ticket *ticket_out);

/* The same in parts, for who has something else to do in between. All that was given must stay until the end. inner:
 * for what is not needed any more once *ticket_out is set, but for its clocks and kpis. */
struct ticket_folding;
struct ticket_folding *ticket_fold_begin(const struct ticket_event *const *events, size_t n_events,
                                         const struct fold_rules *rules, const struct fold_pin *pin, int64_t as_of_us,
                                         const struct fold_observer *observer, struct arena *arena, struct arena *inner,
                                         struct ticket *ticket_out);
/* Takes at most so many steps off *n_steps. True: there are more; false: *ticket_out is set. */
bool ticket_fold_some(struct ticket_folding *folding, size_t *n_steps);

#endif
