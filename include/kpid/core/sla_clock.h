/* A settled SLA clock, and what clocks need to know of their ticket: its cycles and pauses. */
#ifndef KPID_CORE_SLA_CLOCK_H
#define KPID_CORE_SLA_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/core/event.h"
#include "kpid/core/policy.h"

enum sla_verdict { VERDICT_NONE, VERDICT_PENDING, VERDICT_MET, VERDICT_BREACHED };
enum breach_cause { CAUSE_DEADLINE, CAUSE_POLICY_CHANGE };

const char *sla_verdict_name(enum sla_verdict verdict); /* "met" */
const char *breach_cause_name(enum breach_cause cause); /* "deadline" */

/* One cycle: from the opening or a reopening until the next reopening (rule F15). */
struct ticket_cycle {
	uint32_t cycle;
	int64_t started_us, resolved_us, closed_us; /* TIME_NONE: not (yet) */
	struct text resolver_id, closer_id;         /* absent: nobody */
	int64_t working_us; /* working time until resolved_us, if that is a resolution for K; TIME_NONE: it is not */
	enum resolution resolution; /* RESOLUTION_ABSENT: not resolved */
	int64_t due_us;             /* of its resolution clock; TIME_NONE */
	enum sla_verdict verdict;   /* likewise */
};

/* One stay in the state paused. The pauses of a ticket are in order and do not overlap. */
struct pause {
	int64_t start_us, end_us; /* end_us TIME_FOR_EVER: it has not ended */
	struct text reason;       /* never absent */
};

/* A clock that has, or once had, a target or a promise (rule S2), as of some instant as_of_us. */
struct sla_clock {
	enum sla_target target;
	uint32_t n;     /* A1: the cycle; for next responses their number; 1, 2, … for the other two */
	uint32_t cycle; /* in which it started */
	enum sla_verdict verdict;
	bool promised;           /* due_us is a promise made elsewhere */
	bool stopped;            /* by the event that it waits for, or ended with its cycle (S5) */
	bool paused;             /* not stopped, and in a listed pause that has not ended */
	bool deferred;           /* breached because it stopped too late, but as_of_us is not past the deadline yet: an
	                          * event that stopped it in time may still arrive */
	enum breach_cause cause; /* of a breach */
	int64_t start_us;
	int64_t within_us;      /* TIME_NONE for a promise without a target */
	struct text calendar;   /* whose hours it counts; absent: it counts all time */
	int64_t due_us;         /* TIME_NONE: not known during a pause (S3) */
	int64_t stopped_us;     /* TIME_NONE while not stopped */
	int64_t breached_us;    /* TIME_NONE unless VERDICT_BREACHED */
	int64_t fires_us;       /* the next instant, not before as_of_us, at which time alone causes a warning, a breach
	                         * or an escalation; TIME_NONE: none is known */
	int64_t warned_us;      /* the first warning that is due; TIME_NONE: none */
	int64_t warned_last_us; /* the latest warning that is due */
	uint32_t n_warnings;    /* that are due */
	uint32_t level;         /* escalations that are due; 0 unless VERDICT_BREACHED */
	int64_t left_us;        /* remaining time, while paused */
	int64_t countdown_zero_us; /* neither stopped nor paused: S9's seconds_left at `now` is countdown_zero_us - now.
	                            * Equal to due_us, or later if the clock was paused after its breach. Else TIME_NONE
	                            */
	int64_t at_risk_us;        /* not stopped: S9 calls it at_risk from this instant on, if neither breached nor
	                            * paused. TIME_NONE: not before an open pause ends, or unless something else happens */
	struct text agent_id;      /* K: whose measure it counts in. Met: who responded …; breached: the owner then;
	                            * absent: nobody */
	struct text owner_at_breach;    /* absent: nobody, or not breached */
	struct text project_at_breach;  /* likewise */
	struct text owner_at_warning;   /* at the first warning that is due; absent: nobody, or no warning is due */
	struct text project_at_warning; /* likewise */
	const struct policy *policy;    /* A4: that judged the breach, else the one in force; NULL for a promise without
	                                 * one */
	int32_t evidence_source_no;     /* where the event that started the clock was read */
	int64_t evidence_offset;
};

/* How much of its time a clock has used. */
struct clock_use {
	int64_t used_us;  /* as it runs, with what it started with (S2); for a promise by the wall */
	int64_t whole_us; /* within; for a promise, from the start to the due time */
};

/* A clock just before or just after a step that changes its policy or promise (S6). */
struct clock_outlook {
	bool is_judged;       /* it has a target or a promise */
	bool is_breached;     /* by the time of the step */
	int64_t due_us;       /* TIME_NONE: neither, or not known during a pause (S3) */
	struct clock_use use; /* set if is_judged */
};

#endif
