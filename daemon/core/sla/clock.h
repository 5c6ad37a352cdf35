/* One SLA clock while its ticket is folded (RULES S2-S6). The fold tells it what happens, in order of
 * time; it says when it is due and how it was judged. */
#ifndef KPID_CORE_SLA_CLOCK_H
#define KPID_CORE_SLA_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock_time.h"
#include "kpid/core/ticket.h"
#include "warnings.h"

/* What is known of a clock that runs, until a pause begins or ends, or its policy or promise becomes another. */
struct clock_view {
	bool known;
	int64_t due_us;   /* TIME_NONE: neither target nor promise, or it is in a listed pause without end */
	int64_t warns_us; /* before it no warning comes; TIME_NONE: none comes at all */
};

struct clock {
	enum sla_target target;
	uint32_t n, cycle;
	int64_t start_us;
	size_t first_pause;                  /* index of the first pause that can touch it */
	const struct ticket_event *evidence; /* the event that started it */
	const struct policy *policy;         /* in force; once breached, the one that judged it */
	int64_t promise_us;                  /* TIME_NONE: none; not before start_us */
	bool listed;                         /* had a target or a promise at some time */
	bool over;                           /* stopped, or ended with its cycle */
	bool lapsed;                         /* ended with its cycle as `none` (S5) */
	enum sla_verdict verdict;            /* once over */
	enum breach_cause cause;
	int64_t due_us;      /* once breached or over; before, it follows from the rest */
	int64_t breached_us; /* TIME_NONE: not known to be breached by a step so far */
	int64_t stopped_us;  /* once over */
	struct text met_by;
	struct warnings warnings;
	struct clock_view view;
};

/* Starts under the policy and promise (TIME_NONE: none) that are already set in *clock. */
void clock_start(struct clock *clock);
/* Nothing happens to the ticket before until_us: what warnings come up to there is for good (S8). */
void clock_pass(struct clock *clock, const struct clock_ground *ground, int64_t until_us, struct arena *arena);
/* At at_us a pause began or ended. */
void clock_ground_moved(struct clock *clock, int64_t at_us);
/* S6: at at_us the policy or the promise became another. No effect once breached or over. */
void clock_rejudge(struct clock *clock, const struct clock_ground *ground, const struct policy *policy,
                   int64_t promise_us, int64_t at_us);
/* For how long it has run from its start to at_us, what it brought along left out: by the calendar and the pauses
 * of the target that judges it, by the wall without a target or under a promise. at_us is not before its start. */
int64_t clock_ran(const struct clock *clock, const struct clock_ground *ground, int64_t at_us);
/* S4: what it waits for has happened, by whom (absent: nobody). */
void clock_stop(struct clock *clock, const struct clock_ground *ground, int64_t at_us, struct text by);
/* S5: its cycle has ended without that. */
void clock_end(struct clock *clock, const struct clock_ground *ground, int64_t at_us);
/* The clock as of as_of_us, without owner_at_breach and project_at_breach; agent_id only if met. */
void clock_settle(const struct clock *clock, const struct clock_ground *ground, int64_t as_of_us,
                  struct sla_clock *clock_out);

#endif
