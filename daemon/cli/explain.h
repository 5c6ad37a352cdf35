/* kpid explain: folds a ticket's events again, step by step, and shows the stored rows beside the result. */
#ifndef KPID_CLI_EXPLAIN_H
#define KPID_CLI_EXPLAIN_H

#include "cli/pg_sync.h"
#include "cli/term.h"
#include "kpid/core/batch.h"
#include "kpid/core/ticket.h"

/* A step that is shown. */
struct explain_step {
	struct ticket_event event;
	int64_t at_us; /* the effective time (rule F2) */
	bool derived;  /* derived from a closing event (rule F3) */
	struct text effect;
	enum ticket_state state; /* after the step, as all fields below */
	uint32_t cycle;
	struct text owner_id, policy;
};

/* Kept for every step, because a ticket may have 100,000 steps. */
struct explain_mark {
	int64_t at_us;
	int64_t source_offset;
	int32_t source_no;
	enum event_type type;
	const struct explain_step *step; /* NULL: not shown */
};

struct explain_source {
	int32_t source_no;
	struct text topic;
	int32_t partition;
};

/* The mapping that made the events of a source, from an offset up to the next one of the source. */
struct explain_mapping {
	int32_t source_no;
	int64_t from_offset;
	struct text mapping, version;
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

/* Limits for tickets with very many events: only the first and the last items are shown, and those between them are
 * counted. A program that needs all of them reads the tables. */
enum {
	EXPLAIN_FIRST = 1000,
	EXPLAIN_LAST = 1000,
	EXPLAIN_PIECES = 20000 /* pieces of the time lines of all clocks together */
};

/* Whether item i of n is shown: it is among the first or the last ones. */
static inline bool explain_shows(size_t i, size_t n)
{
	return i < EXPLAIN_FIRST || n - i <= EXPLAIN_LAST;
}

static inline size_t explain_n_cut(size_t n)
{
	return n > EXPLAIN_FIRST + EXPLAIN_LAST ? n - EXPLAIN_FIRST - EXPLAIN_LAST : 0;
}

struct explain_set_aside {          /* events that are set aside, and not folded yet */
	struct text reason, detail; /* absent: none */
	int64_t n_events, since_us;
};

struct explanation {
	struct arena arena; /* owns all texts and arrays */
	struct text ticket_id;
	/* from the stored row */
	int32_t rev;
	int64_t as_of_us, revised_us;
	bool agrees; /* the stored row equals the result of folding again */
	/* the result of folding again */
	struct policy_set *policies; /* the revision that applies; empty: none */
	size_t n_events;
	struct explain_mark *marks; /* by step, in order */
	size_t n_steps, n_marks;    /* n_marks: of the steps taken so far */
	struct ticket ticket;
	struct kpi_sums sums;
	struct kpi_row **kpis; /* by bucket and agent */
	size_t n_kpis;
	/* from other tables */
	struct explain_source *sources;
	size_t n_sources;
	struct explain_mapping *mappings; /* by source and offset */
	size_t n_mappings;
	struct explain_alert *alerts; /* the latest ones, if there are many */
	size_t n_alerts;
	struct explain_conflict *conflicts; /* likewise */
	size_t n_conflicts;
	int64_t n_alerts_cut, n_conflicts_cut;
	struct explain_set_aside set_aside;
};

void explanation_init(struct explanation *explanation);
void explanation_release(struct explanation *explanation);
/* Returns CLI_OK, CLI_FAILED for an unknown or unreadable ticket, or CLI_NO_POSTGRES, and prints errors to stderr.
 * fcr_window_us: of the configuration, used if the database stores none. */
int explanation_read(struct explanation *explanation, struct pg_sync *sync, struct text ticket_id,
                     int64_t fcr_window_us);

/* Number of policies of its revision that come before the matching one (rule S1). */
size_t explanation_n_passed_over(const struct explanation *explanation);
/* Number of pieces to show of each clock's time line, at most `most`. */
size_t explanation_max_pieces(const struct explanation *explanation, size_t most);
/* Returns NULL for a source that is no longer stored. */
const struct explain_source *explanation_source(const struct explanation *explanation, int32_t source_no);
/* NULL: no mapping made the events of that message. */
const struct explain_mapping *explanation_mapping(const struct explanation *explanation, int32_t source_no,
                                                  int64_t offset);
/* The clock of an alert; NULL if folding gives no such clock. */
const struct sla_clock *explanation_clock(const struct explanation *explanation, const struct explain_alert *alert);
/* The step that stopped a clock; NULL: none. */
const struct explain_mark *explanation_stop(const struct explanation *explanation, const struct sla_clock *clock);
/* Appends why a recorded breach was voided. */
void explanation_add_void(const struct explanation *explanation, const struct explain_alert *alert, struct buf *out);
/* Appends "is set aside with 2 events since 2026-01-05 08:00:00 (refused): 22003: …"; nothing for other tickets. */
void explanation_add_set_aside(const struct explanation *explanation, struct buf *out);
/* Appends "topic/partition @offset". */
void explanation_add_place(const struct explanation *explanation, int32_t source_no, int64_t offset, struct buf *out);
/* Appends " by the mapping zammad 0123456789ab"; nothing if there is none. */
void explanation_add_mapping(const struct explanation *explanation, int32_t source_no, int64_t offset, struct buf *out);

void explanation_write(const struct explanation *explanation, const struct term *term, struct buf *out);
void explanation_write_json(const struct explanation *explanation);

#endif
