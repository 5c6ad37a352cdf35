/* One SLA clock while its ticket is folded (rules S2-S6). The fold reports what happens, in order of time; the clock
 * knows when it is due and its verdict. */
#ifndef KPID_CORE_SLA_CLOCK_RUN_H
#define KPID_CORE_SLA_CLOCK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock_time.h"
#include "kpid/core/sla_clock.h"
#include "warnings.h"

/* Cached times of a running clock. Valid until a pause begins or ends, or until its policy or promise changes. */
struct clock_view {
	int64_t due_us;   /* TIME_NONE: neither target nor promise, or in a listed pause that has not ended */
	int64_t warns_us; /* no warning before this; TIME_NONE: no warning at all */
};

/* A ticket may have 100,000 clocks, so the members are ordered to leave few gaps. */
struct clock {
	int64_t start_us;
	const struct policy *policy; /* in force; once breached, the one that decided the breach */
	int64_t promise_us;          /* TIME_NONE: none; not before start_us */
	int64_t due_us;              /* set once breached or over; computed until then */
	int64_t breached_us;         /* TIME_NONE: no step so far has shown a breach */
	int64_t stopped_us;          /* once over */
	struct text met_by;
	struct warnings warnings;
	struct clock_view view;  /* if view_is_known */
	int64_t evidence_offset; /* of the event that started it */
	int32_t evidence_source_no;
	uint32_t n, cycle;
	uint32_t first_pause; /* index of the first pause that can affect it */
	enum sla_target target : 8;
	enum sla_verdict verdict : 8; /* once over */
	enum breach_cause cause : 8;
	bool view_is_known;
	bool listed; /* had a target or a promise at some point */
	bool over;   /* stopped, or ended with its cycle */
	bool lapsed; /* ended with its cycle, with verdict `none` (S5) */
};

/* Starts the clock. The caller has set target, n, cycle, start_us, first_pause, evidence, policy and promise_us. */
void clock_start(struct clock *clock);
/* Nothing happens to the ticket before until_us, so warnings up to then are final (S8). */
void clock_pass(struct clock *clock, const struct clock_context *context, int64_t until_us, struct arena *arena);
/* A pause began or ended at at_us. */
void clock_context_changed(struct clock *clock, int64_t at_us);
/* S6: the policy or the promise changed at at_us. No effect once breached or over. */
void clock_rejudge(struct clock *clock, const struct clock_context *context, const struct policy *policy,
                   int64_t promise_us, int64_t at_us);
/* How long the clock has run from its start to at_us (not before its start), in microseconds, without the time carried
 * over from earlier cycles. Counted by the calendar and pauses of its target; in wall-clock time if it has no target or
 * is promised. */
int64_t clock_ran(const struct clock *clock, const struct clock_context *context, int64_t at_us);
/* How much of its time it has used by at_us. False: it has neither a target nor a promise. */
bool clock_use(const struct clock *clock, const struct clock_context *context, int64_t at_us,
               struct clock_use *use_out);
/* How it looks at at_us, while it is not over. */
void clock_outlook(const struct clock *clock, const struct clock_context *context, int64_t at_us,
                   struct clock_outlook *outlook_out);
/* S4: what the clock waits for has happened. by: the agent; absent: nobody. */
void clock_stop(struct clock *clock, const struct clock_context *context, int64_t at_us, struct text by);
/* S5: its cycle has ended before that happened. */
void clock_end(struct clock *clock, const struct clock_context *context, int64_t at_us);
/* Writes the state of the clock as of as_of_us, except owner_at_breach and project_at_breach; sets agent_id only if
 * met. */
void clock_settle(const struct clock *clock, const struct clock_context *context, int64_t as_of_us,
                  struct sla_clock *clock_out);

#endif
