/* A batch: what was read from the sources and goes into one transaction, and what follows from it.
 *
 * Filled event by event, sealed, then evaluated ticket by ticket in the order of ticket ids (the order in
 * which rows are locked). Evaluating changes nothing outside: every effect is handed to a sink as a value.
 * A batch may be evaluated again after a transaction failed; it gives the same effects for the same rows. */
#ifndef KPID_CORE_BATCH_H
#define KPID_CORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/core/alert.h"
#include "kpid/core/event.h"
#include "kpid/core/kpi.h"
#include "kpid/core/ticket.h"
#include "kpid/core/wire.h"

#define OFFSET_NONE INT64_MIN /* nothing read yet: where a partition that was never read begins */

/* A message of a source partition, as it was read. */
struct known_message {
	int64_t offset; /* OFFSET_NONE: there is none */
	int64_t fingerprint;
};

/* What this batch has read from one source partition. */
struct batch_source {
	int32_t source_no;
	int64_t epoch;                /* of the claim under which all of it was read; 0 where nothing is fenced */
	int64_t begin_offset;         /* where this batch began; OFFSET_NONE */
	int64_t next_offset;          /* where the next one begins */
	int64_t fingerprint;          /* of the last message read */
	struct known_message checked; /* see struct source */
	int64_t last_event_us;        /* greatest occurred_us of this batch; TIME_NONE */
	int64_t complete_us;          /* up to when it is complete with this batch; TIME_NONE: not known */
	int64_t high_offset;          /* end of the partition as last heard; -1: not known */
	int64_t n_messages, n_tombstones, n_unknown_type, n_dead_letters;
	int64_t n_duplicates, n_too_many; /* known after evaluating */
	struct text
	        unknown_type; /* an example of those counted in n_unknown_type, in the batch's arena; absent: none */
};

struct batch_dead_letter {
	int32_t source_no;
	struct text topic;
	int32_t partition;
	int64_t offset;
	enum dead_letter_reason reason;
	const char *detail;
	struct text value;
	const struct wire_header *headers;
	size_t n_headers;
};

struct batch_event;
struct batch_agent;
struct kpi_row;

/* Why a ticket is not written, though the rest of its batch is: its events are stored for later (kpid.parked_event). */
enum batch_aside {
	ASIDE_NOT,     /* it is written */
	ASIDE_WAITING, /* it was set aside by an earlier transaction */
	ASIDE_LOCKED,  /* somebody else holds its row */
	ASIDE_UNTRIED  /* some ticket of its batch could not be written; which one is found out later */
};

/* One ticket of the batch. */
struct batch_ticket {
	struct text ticket_id;
	struct batch_event *first, *last; /* its new events in the order of arrival; none: only to be judged again */
	struct batch_ticket *next_in_slot;
	uint64_t hash;
	int stored_row;         /* for who reads the rows: where in the result; -1: no row */
	enum batch_aside aside; /* for who writes the rows */
};

struct batch {
	struct arena arena;
	struct batch_source *sources;
	size_t n_sources, sources_capacity;
	size_t last_source; /* found last: messages come in runs */
	struct batch_dead_letter *dead_letters;
	size_t n_dead_letters, dead_letters_capacity;
	struct batch_ticket **tickets; /* by ticket_id, once sealed */
	size_t n_tickets, tickets_capacity;
	struct batch_ticket **slots;
	size_t n_slots;
	size_t n_events;
	size_t n_judged_anew; /* known after evaluating; 0 before: see struct batch_rules */
	struct buf packed;    /* scratch */
	struct arena folding; /* scratch */
};

void batch_init(struct batch *batch);
void batch_release(struct batch *batch);
/* Empty again; keeps some memory. */
void batch_clear(struct batch *batch);
bool batch_is_empty(const struct batch *batch); /* no source has moved and no ticket is in it */

/* The progress of a source; begins at begin_offset if the batch has not met it. Valid until the next call. */
struct batch_source *batch_source(struct batch *batch, int32_t source_no, int64_t begin_offset);
/* Up to when a source is complete with this batch, never ahead of the clock. TIME_NONE: not known. */
int64_t batch_source_complete_until(const struct batch_source *source, int64_t now_us);
/* Counts a message of a type that is not known; type: as wire_parse() gives it. */
void batch_add_unknown_type(struct batch *batch, struct batch_source *source, struct text type);
/* Copies what it needs. */
void batch_add_event(struct batch *batch, const struct ticket_event *event);
void batch_add_dead_letter(struct batch *batch, const struct batch_dead_letter *dead_letter);
/* An event as batch_next_event() gave it. */
void batch_add_packed(struct batch *batch, struct text ticket_id, int32_t source_no, struct text packed);
/* The event after at; NULL: the first. NULL: there is none more. */
const struct batch_event *batch_next_event(const struct batch_ticket *ticket, const struct batch_event *at,
                                           int32_t *source_no_out, struct text *packed_out);
/* A ticket to judge again as of a later time, without new events. */
void batch_add_ticket(struct batch *batch, struct text ticket_id);
/* Forgets what came from a source that is not ours any more. Unsealed batches only. */
void batch_drop_source(struct batch *batch, int32_t source_no);
/* The ticket of that id, NULL if it is not in the batch. */
struct batch_ticket *batch_find_ticket(const struct batch *batch, struct text ticket_id);
/* Sorts the tickets; nothing may be added after. */
void batch_seal(struct batch *batch);

/* ---- what to set aside when a batch could not be written ---- */

enum batch_fault {
	FAULT_OTHER, /* passes, or concerns everything */
	FAULT_LOCK,  /* a row of some ticket was waited for in vain */
	FAULT_DATA   /* a row of some ticket is refused whenever it is sent */
};

/* How a batch is written next. */
struct batch_care {
	bool skip_locked; /* tickets that are locked are not waited for, and set aside */
	size_t n_kept;    /* tickets from this place on are set aside untried */
};

struct batch_care batch_care_first(void);
/* After a try that ended with that fault: writes a quarter of what it wrote then. So a batch that holds a ticket which
 * cannot be written is through after a few tries, and what was set aside is tried again piece by piece, until that
 * ticket is alone. False: there is nothing to set aside that would help. */
bool batch_care_narrow(struct batch_care *care, enum batch_fault fault, size_t n_tickets);

/* ---- evaluating ---- */

/* A ticket's row as it was read; absent rows have rev 0. */
struct stored_ticket {
	int32_t rev;
	int64_t as_of_us;
	int64_t opened_us;   /* TIME_NONE */
	int32_t revision_no; /* 0: none */
	struct text history;
};

/* A ticket's row as it is to be written. */
struct ticket_row {
	struct text ticket_id;
	int32_t rev;
	int64_t as_of_us;
	const struct ticket *ticket;
	struct text history;
};

struct conflict_letter {
	const struct ticket_event *event; /* the content that is put aside */
	struct text canonical;            /* its canonical content (E2) */
};

/* Where effects go. Every pointer is valid during the call only. */
struct batch_sink {
	void *context;
	void (*ticket)(void *context, const struct ticket_row *row);
	void (*cycle_put)(void *context, struct text ticket_id, const struct ticket_cycle *cycle);
	void (*cycle_delete)(void *context, struct text ticket_id, uint32_t cycle);
	void (*clock_put)(void *context, struct text ticket_id, const struct sla_clock *clock);
	/* Before the put as well, where something was to fall due of the clock and nothing is (fires_us), or the
	 * reverse: such clocks are kept apart. */
	void (*clock_delete)(void *context, struct text ticket_id, enum sla_target target, uint32_t n);
	void (*alert_put)(void *context, const struct alert *alert);
	void (*alert_void)(void *context, struct text ticket_id, enum sla_target target, uint32_t n);
	void (*conflict)(void *context, const struct conflict_letter *letter);
	/* E5: its ticket has as many events as it may have. */
	void (*too_many)(void *context, const struct ticket_event *event);
};

/* Sums of KPI changes and changes of backlog over the tickets of a batch. */
struct kpi_sums {
	struct arena arena;
	struct kpi_row **slots;
	size_t n_slots, n_rows;
	struct batch_agent **agent_slots;
	size_t n_agent_slots, n_agents;
};

struct kpi_row { /* its sums: kpi_row_sum() */
	struct text agent_id;
	int64_t bucket_us;
	int64_t low[KPI_N_MEASURES]; /* the sum less its wraps */
	int32_t wraps[KPI_N_TIMES];  /* how often 2^64 was carried over; 128-bit sums would make every row half as large
	                                again */
	struct kpi_row *next_in_slot;
};

struct batch_agent {
	struct text agent_id;
	uint64_t hash;
	int64_t backlog;
	struct batch_agent *next_in_slot;
};

void kpi_sums_init(struct kpi_sums *sums);
void kpi_sums_release(struct kpi_sums *sums);
void kpi_sums_clear(struct kpi_sums *sums);
void kpi_sums_add(struct kpi_sums *sums, const struct kpi_entry *entries, size_t n_entries, int64_t sign);
/* A sum of any size, as verify finds it to be missing. */
void kpi_sums_add_sum(struct kpi_sums *sums, struct text agent_id, int64_t bucket_us, enum kpi_measure measure,
                      kpi_sum sum);
kpi_sum kpi_row_sum(const struct kpi_row *row, enum kpi_measure measure);
void kpi_sums_add_backlog(struct kpi_sums *sums, struct text agent_id, int64_t change);
/* By (bucket, agent), without rows that are all zero; an array in the sums' arena. */
struct kpi_row **kpi_sums_sorted(struct kpi_sums *sums, size_t *n_rows_out);
/* By agent, without zeros. */
struct batch_agent **kpi_sums_backlog(struct kpi_sums *sums, size_t *n_agents_out);

struct batch_rules {
	struct fold_rules fold;
	int64_t as_of_us; /* how far the sources are complete */
	/* The revision of that number; NULL if it is not known. */
	const struct policy_revision *(*revision_by_no)(void *context, int32_t revision_no);
	void *context;
	/* On purpose: tickets without new events are pinned anew to what is in force here at their opening, its
	 * revisions being numbered. A ticket that was opened before all of them stays as it is. NULL: they keep what
	 * they have. */
	const struct policy_set *judge_anew;
	size_t ticket_max_events; /* E5, too_many; 0: no limit */
	/* By the common clock; 0: not known. What is stored as of later was judged by a clock that was put back since.
	 */
	int64_t now_us;
};

enum batch_verdict { BATCH_OK = 0, BATCH_UNKNOWN_REVISION = 1, BATCH_MORE = 2 };

/* One ticket: adds its events to its history, folds before and after, hands the difference to the sink and
 * the sums, and counts duplicates with their sources. scratch is cleared first.
 * Returns BATCH_OK; BATCH_UNKNOWN_REVISION (*revision_no_out is set, nothing was handed over) when the row
 * was judged under a revision that revision_by_no() does not know; or -EBADMSG for a broken history. */
int batch_evaluate(struct batch *batch, const struct batch_ticket *ticket, const struct stored_ticket *stored,
                   const struct batch_rules *rules, struct arena *scratch, const struct batch_sink *sink,
                   struct kpi_sums *sums, int32_t *revision_no_out);

/* The same in parts, for who has something else to do in between: a ticket may have 100,000 events. All that was given
 * must stay until the end, and the scratch, in which the evaluation lies, is its own.
 * go_on: takes some n_steps (> 0) steps, each of the cost of an event, and returns BATCH_MORE until all is done; what
 * was handed over of a ticket that ends as anything but BATCH_OK is of no use. */
struct batch_evaluation;
struct batch_evaluation *batch_evaluation_begin(struct batch *batch, const struct batch_ticket *ticket,
                                                const struct stored_ticket *stored, const struct batch_rules *rules,
                                                struct arena *scratch, const struct batch_sink *sink,
                                                struct kpi_sums *sums);
int batch_evaluation_go_on(struct batch_evaluation *evaluation, size_t n_steps, int32_t *revision_no_out);

/* What the rows of a stored ticket must be, from its history alone: judged as of when its row was, under the revision
 * that its row names, and all of it handed to the sink and the sums as if nothing else were stored. The row has the
 * revision number of the stored one. packed is scratch, for the history written anew.
 * Returns as batch_evaluate(); -EBADMSG also for a history that is out of order or has an event twice. */
int batch_recompute(struct text ticket_id, const struct stored_ticket *stored, const struct batch_rules *rules,
                    struct arena *scratch, struct buf *packed, const struct batch_sink *sink, struct kpi_sums *sums,
                    int32_t *revision_no_out);

#endif
