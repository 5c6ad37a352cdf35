/* How a ticket came to its figures: its events folded again, step by step, beside what was recorded. */
#ifndef KPID_CLI_EXPLAIN_H
#define KPID_CLI_EXPLAIN_H

#include "cli/pg_sync.h"
#include "cli/term.h"
#include "kpid/core/batch.h"
#include "kpid/core/ticket.h"

struct explain_step {
	const struct ticket_event *event;
	int64_t at_us; /* the time as which it counts (RULES F2) */
	bool derived;  /* from what a closing tells (RULES F3) */
	struct text effect;
	enum ticket_state state; /* after it, as all below */
	uint32_t cycle;
	struct text owner_id, policy;
};

struct explain_source {
	int32_t source_no;
	struct text topic;
	int32_t partition;
};

struct explain_alert {
	struct text target, state, cause, owner_at_breach, project_id, policy, delivery;
	uint32_t n, level, revision;
	int64_t due_us, breached_us, detected_us, resolved_us;
	bool unconfirmed;
};

struct explain_conflict {
	struct text topic;
	int32_t partition;
	int64_t offset, read_us;
	struct text source, id, type, time;
};

/* Of a ticket of very many events so many are shown of each, and what lies between them is counted: a person reads no
 * more, and a program that wants all of them reads the tables. */
enum {
	EXPLAIN_FIRST = 1000,
	EXPLAIN_LAST = 1000,
	EXPLAIN_PIECES = 20000 /* of time lines, over all clocks */
};

/* Which of n are shown: the first and the last ones. */
static inline bool explain_shows(size_t i, size_t n)
{
	return i < EXPLAIN_FIRST || n - i <= EXPLAIN_LAST;
}

static inline size_t explain_n_cut(size_t n)
{
	return n > EXPLAIN_FIRST + EXPLAIN_LAST ? n - EXPLAIN_FIRST - EXPLAIN_LAST : 0;
}

struct explain_set_aside {          /* events that are not folded yet */
	struct text reason, detail; /* absent: there are none */
	int64_t n_events, since_us;
};

struct explanation {
	struct arena arena; /* owns all texts and arrays */
	struct text ticket_id;
	/* the row, as it was recorded */
	int32_t rev;
	int64_t as_of_us, revised_us;
	bool agrees; /* with what folding it again gives */
	/* folded again */
	struct policy_set *policies; /* the revision that judged it; an empty set: none */
	struct ticket_event *events;
	size_t n_events;
	struct explain_step *steps;
	size_t n_steps, steps_capacity;
	struct ticket ticket;
	struct kpi_sums sums;
	struct kpi_row **kpis; /* by bucket and agent */
	size_t n_kpis;
	/* recorded beside it */
	struct explain_source *sources;
	size_t n_sources;
	struct explain_alert *alerts; /* the last ones, if there are many */
	size_t n_alerts;
	struct explain_conflict *conflicts; /* likewise */
	size_t n_conflicts;
	int64_t n_alerts_cut, n_conflicts_cut;
	struct explain_set_aside set_aside;
};

void explanation_init(struct explanation *explanation);
void explanation_release(struct explanation *explanation);
/* Returns CLI_OK; CLI_FAILED for a ticket that is not there or cannot be read; CLI_NO_POSTGRES. What is wrong
 * was said. fcr_window_us is of the configuration, for a database that has none. */
int explanation_read(struct explanation *explanation, struct pg_sync *sync, struct text ticket_id,
                     int64_t fcr_window_us);

/* S1: how many policies of its revision stand before the one that matches, and do not match. */
size_t explanation_n_passed_over(const struct explanation *explanation);
/* How many pieces of the time line of each clock are shown, if no more than `most` make sense. */
size_t explanation_max_pieces(const struct explanation *explanation, size_t most);
/* NULL: the source is not known any more. */
const struct explain_source *explanation_source(const struct explanation *explanation, int32_t source_no);
/* The clock that an alert tells of; NULL: folding gives none (any more). */
const struct sla_clock *explanation_clock(const struct explanation *explanation, const struct explain_alert *alert);
/* The step that stopped a clock; NULL: none did. */
const struct explain_step *explanation_stop(const struct explanation *explanation, const struct sla_clock *clock);
/* Why a breach that was recorded is none. */
void explanation_add_void(const struct explanation *explanation, const struct explain_alert *alert, struct buf *out);
/* "is set aside with 2 events since 2026-01-05 08:00:00 (refused): 22003: …"; nothing if it is not. */
void explanation_add_set_aside(const struct explanation *explanation, struct buf *out);
/* "topic/partition @offset" */
void explanation_add_place(const struct explanation *explanation, int32_t source_no, int64_t offset, struct buf *out);

void explanation_write(const struct explanation *explanation, const struct term *term, struct buf *out);
void explanation_write_json(const struct explanation *explanation);

#endif
