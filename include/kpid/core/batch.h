/* A batch: messages that are committed in one transaction, and their effects.
 *
 * It is filled event by event, sealed, then evaluated ticket by ticket in the order of ticket ids, which is the order
 * in which rows are locked. Evaluation has no side effects: it hands every effect to a sink as a value. After a failed
 * transaction the batch may be evaluated again; the same rows give the same effects. */
#ifndef KPID_CORE_BATCH_H
#define KPID_CORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/core/alert.h"
#include "kpid/core/arrivals.h"
#include "kpid/core/event.h"
#include "kpid/core/kpi.h"
#include "kpid/core/ticket.h"
#include "kpid/core/wire.h"

#define OFFSET_NONE INT64_MIN /* no offset: the partition was never read */

/* A message that was read from a source partition. */
struct known_message {
	int64_t offset; /* OFFSET_NONE: no message */
	int64_t fingerprint;
};

/* What this batch has read from one source partition. */
struct batch_source {
	int32_t source_no;
	int64_t epoch;                /* of the claim under which it was read; 0: not fenced */
	int64_t begin_offset;         /* first offset of this batch; may be OFFSET_NONE */
	int64_t next_offset;          /* first offset of the next batch */
	int64_t fingerprint;          /* of the last message read */
	struct known_message checked; /* see struct source */
	int64_t last_event_us;        /* greatest occurred_us of this batch; TIME_NONE: no event */
	int64_t watermark_us;         /* event-time watermark once this batch is committed; TIME_NONE: unknown */
	int64_t high_offset;          /* latest known high watermark; -1: unknown */
	int64_t vouched_until_us;     /* see struct vouch; TIME_NONE */
	int64_t end_seen_us;          /* when the brokers were asked for high_offset; TIME_NONE: unknown */
	int64_t n_messages, n_tombstones, n_unknown_type, n_dead_letters;
	int64_t n_passed_over;            /* of the tickets of other shards */
	int64_t n_duplicates, n_too_many; /* set by the evaluation */
	struct text unknown_type;         /* an example, in the batch's arena; absent: none */
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
	struct text mapping, mapping_version; /* that rejected it, and its SHA-256; absent: none */
};

/* What a mapping did with the records of a source (M7, M10). */
struct batch_mapping {
	int32_t source_no;
	struct text mapping, version; /* its name, and the SHA-256 of its text in hexadecimal */
	int64_t from_offset;          /* of the first of them */
	int64_t n_records, n_events, n_skipped, n_tombstones, n_rejected;
	int64_t n_failed_in_row; /* of its records in this process, after the last of them */
};

/* Records that a mapping passed over, for one reason. */
struct batch_skip {
	int32_t source_no;
	struct text mapping, reason;
	int64_t n;
};

/* A breach that the batch finds. */
struct batch_breach {
	enum sla_target target;
	int64_t at_us; /* the deadline */
};

/* Events from one source partition that were removed from histories (M11). */
struct batch_removal {
	int32_t source_no;
	int64_t n_events;
};

/* What an evaluation has found, for the metrics and for the record of removed events. */
struct batch_tally {
	struct batch_breach *breaches; /* that were not breaches before */
	size_t n_breaches, breaches_capacity;
	size_t n_voided[TARGET_N];      /* breaches that late events have disproved */
	size_t n_conflicts;             /* dead letters for an event with other content under the same identity */
	struct batch_removal *removals; /* one for each source partition */
	size_t n_removals, removals_capacity;
	size_t n_reduced, n_emptied; /* tickets that lost events; those among them that have none left */
};

struct batch_event;
struct batch_agent;
struct kpi_row;

/* Why a ticket is not written with its batch. Its events are stored in kpid.parked_event and folded later. */
enum batch_aside {
	ASIDE_NOT,     /* it is written */
	ASIDE_WAITING, /* an earlier transaction set it aside */
	ASIDE_LOCKED,  /* another session holds a lock on its row */
	ASIDE_UNTRIED  /* some ticket of its batch cannot be written; which one is not known yet */
};

/* One ticket of the batch. */
struct batch_ticket {
	struct text ticket_id;
	struct batch_event *first, *last; /* its new events in order of arrival; NULL: it is only judged again */
	struct batch_ticket *next_in_slot;
	uint64_t hash;
	int stored_row;         /* used by the writer: row number in its query result; -1: no row */
	enum batch_aside aside; /* used by the writer */
};

struct batch {
	struct arena arena;
	struct batch_source *sources;
	size_t n_sources, sources_capacity;
	size_t last_source; /* index of the source found last; messages come in runs */
	struct batch_dead_letter *dead_letters;
	size_t n_dead_letters, dead_letters_capacity;
	struct batch_mapping *mappings;
	size_t n_mappings, mappings_capacity;
	struct batch_skip *skips;
	size_t n_skips, skips_capacity;
	struct batch_ticket **tickets; /* sorted by ticket_id once sealed */
	size_t n_tickets, tickets_capacity;
	struct batch_ticket **slots;
	size_t n_slots;
	size_t n_events;
	size_t n_rejudged;        /* tickets judged under another revision; set by the evaluation (see rejudge_under) */
	struct batch_tally tally; /* of the last evaluation; see batch_tally_clear() */
	struct arrivals arrivals; /* of its events */
	struct buf packed;        /* scratch */
};

void batch_init(struct batch *batch);
void batch_release(struct batch *batch);
/* Makes the batch empty. Keeps up to 1 MiB for reuse. */
void batch_clear(struct batch *batch);
bool batch_is_empty(const struct batch *batch); /* neither sources nor tickets */

/* Memory that the batch takes up. */
size_t batch_size_bytes(const struct batch *batch);

/* The progress of a source, which is added with begin_offset if it is new. Valid until the next call. */
struct batch_source *batch_source(struct batch *batch, int32_t source_no, int64_t begin_offset);
/* The event-time watermark of a source with this batch, at most now_us. TIME_NONE: unknown. */
int64_t batch_source_event_time_watermark(const struct batch_source *source, int64_t now_us);
/* Counts a message of an unknown type. type: from wire_parse(); it is copied. */
void batch_add_unknown_type(struct batch *batch, struct batch_source *source, struct text type);
/* Both copy their argument. */
void batch_add_event(struct batch *batch, const struct ticket_event *event);
void batch_add_dead_letter(struct batch *batch, const struct batch_dead_letter *dead_letter);
/* Adds up what a mapping did. Both copy their texts. */
void batch_add_mapping(struct batch *batch, const struct batch_mapping *use);
void batch_add_skip(struct batch *batch, int32_t source_no, struct text mapping, struct text reason);
/* Adds an event that batch_next_event() returned. packed is copied. */
void batch_add_packed(struct batch *batch, struct text ticket_id, int32_t source_no, struct text packed);
/* The event of the ticket after `at`, or the first one if `at` is NULL. NULL: there are no more. */
const struct batch_event *batch_next_event(const struct batch_ticket *ticket, const struct batch_event *at,
                                           int32_t *source_no_out, struct text *packed_out);
/* Adds a ticket without events, to be judged again as of a later time. */
void batch_add_ticket(struct batch *batch, struct text ticket_id);
/* Removes everything that was read from a source, because its partition was revoked. Unsealed batches only. */
void batch_drop_source(struct batch *batch, int32_t source_no);
/* NULL: the ticket is not in the batch. */
struct batch_ticket *batch_find_ticket(const struct batch *batch, struct text ticket_id);
/* Sorts the tickets. Nothing may be added afterwards. */
void batch_seal(struct batch *batch);
/* Call before the tickets of a batch are evaluated again. */
void batch_tally_clear(struct batch *batch);
void batch_tally_removal(struct batch_tally *tally, int32_t source_no);

/* ---- retries that set tickets aside ---- */

enum batch_fault {
	FAULT_OTHER, /* transient, or not caused by a ticket */
	FAULT_LOCK,  /* a lock on a row of some ticket timed out */
	FAULT_BUSY,  /* the same, while another session writes a batch: the lock may be its lock */
	FAULT_DATA   /* the server refuses a row of some ticket, and would refuse it again */
};

/* What a try does about locked rows. */
enum lock_care {
	LOCKS_WAIT,      /* waits for them, for a moment */
	LOCKS_WAIT_LONG, /* waits for another batch to end */
	LOCKS_SKIP       /* sets locked tickets aside at once */
};

/* How the next try writes a batch. */
struct batch_care {
	enum lock_care locks;
	bool has_waited; /* LOCKS_WAIT_LONG, which is tried once */
	size_t n_kept;   /* tickets from this index on are set aside untried */
};

struct batch_care batch_care_first(void);
/* Decides about the next try after a failed one: to wait for another batch, to skip locked tickets, or to narrow it to
 * a quarter of its tickets. So a batch with a ticket that cannot be written is done after a few tries. The tickets set
 * aside are retried in pieces, until the bad one is alone. False: setting tickets aside does not help. */
bool batch_care_narrow(struct batch_care *care, enum batch_fault fault, size_t n_tickets);

/* ---- how large batches may grow ---- */

/* With a backlog, batches grow as long as a transaction stays short: others wait for its locks (lock_care). They never
 * become smaller than the first one may be. */
struct batch_pace {
	size_t most_events; /* of the next batch */
};

struct batch_pace batch_pace_first(void);
/* After a batch of n_events was committed. took_us: its whole transaction. */
void batch_pace_note(struct batch_pace *pace, size_t n_events, int64_t took_us);

/* ---- rows that are probably new ---- */

/* While a backlog is read, rows that seem new are inserted plainly, which costs half of an upsert: those of a ticket
 * that has no row, and KPI rows of buckets after all that were written, because events come roughly in the order of
 * time. If one exists after all, because another writer was there first, the batch is written again with upserts, and
 * so are the next ones: more of them after each collision. */
struct kpi_frontier {
	int64_t until_us;   /* the latest bucket written; TIME_NONE: none yet */
	uint32_t n_careful; /* batches to be written without guessing */
	uint32_t caution;   /* n_careful after the next collision */
};

struct kpi_frontier kpi_frontier_first(void);
/* A collision was not long ago: nothing is taken for new. */
bool kpi_frontier_is_careful(const struct kpi_frontier *frontier);
/* Buckets after this one are taken for new; INT64_MAX: no bucket is. */
int64_t kpi_frontier_new_after_us(const struct kpi_frontier *frontier);
/* A batch was committed. latest_us: its latest bucket; TIME_NONE: it had none. */
void kpi_frontier_committed(struct kpi_frontier *frontier, int64_t latest_us);
void kpi_frontier_collided(struct kpi_frontier *frontier);

/* ---- evaluating ---- */

/* The stored row of a ticket. rev is 0 if there is no row. */
struct stored_ticket {
	int32_t rev;
	int64_t as_of_us;
	int64_t opened_us;   /* TIME_NONE: not opened */
	int32_t revision_no; /* 0: none */
	struct text history;
};

/* The row of a ticket that must be written. */
struct ticket_row {
	struct text ticket_id;
	int32_t rev;
	int64_t as_of_us;
	const struct ticket *ticket;
	struct text history;
};

struct conflict_letter {
	const struct ticket_event *event; /* the content that does not count */
	struct text canonical;            /* its canonical content (E2) */
};

/* Receives effects. Every pointer is valid only during the call. Of each ticket the row of kpid.ticket comes before its
 * other rows. */
struct batch_sink {
	void *context;
	void (*ticket)(void *context, const struct ticket_row *row);
	void (*cycle_put)(void *context, struct text ticket_id, const struct ticket_cycle *cycle);
	void (*cycle_delete)(void *context, struct text ticket_id, uint32_t cycle);
	void (*clock_put)(void *context, struct text ticket_id, const struct sla_clock *clock);
	/* Also called before clock_put if the clock moves between the active table, whose clocks have fires_us, and
	 * the idle table. */
	void (*clock_delete)(void *context, struct text ticket_id, enum sla_target target, uint32_t n);
	void (*alert_put)(void *context, const struct alert *alert);
	void (*alert_void)(void *context, struct text ticket_id, enum sla_target target, uint32_t n);
	void (*conflict)(void *context, const struct conflict_letter *letter);
	/* E5: the ticket already has ticket_max_events events. */
	void (*too_many)(void *context, const struct ticket_event *event);
};

/* Changes of KPI sums and of the backlog, over all tickets of a batch. */
struct kpi_sums {
	struct arena arena;
	struct kpi_row **slots;
	size_t n_slots, n_rows;
	struct batch_agent **agent_slots;
	size_t n_agent_slots, n_agents;
};

/* Read its sums with kpi_row_sum(). Few measures of a row change, so only those take room. */
struct kpi_row {
	struct text agent_id;
	int64_t bucket_us;
	int64_t *low;   /* the sums modulo 2^64 of the measures that are held, in their order */
	int32_t *wraps; /* multiples of 2^64 by enum kpi_time; NULL: all are 0 */
	struct kpi_row *next_in_slot;
	uint32_t held; /* one bit for each measure */
	uint32_t capacity;
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
/* Adds a sum of any size. */
void kpi_sums_add_sum(struct kpi_sums *sums, struct text agent_id, int64_t bucket_us, enum kpi_measure measure,
                      kpi_sum sum);
kpi_sum kpi_row_sum(const struct kpi_row *row, enum kpi_measure measure);
/* False: the sum is 0. */
static inline bool kpi_row_holds(const struct kpi_row *row, enum kpi_measure measure)
{
	return (row->held >> measure & 1) != 0;
}
void kpi_sums_add_backlog(struct kpi_sums *sums, struct text agent_id, int64_t change);
/* Rows by (bucket, agent), without rows of zeros. The array lives in the arena of the sums. */
struct kpi_row **kpi_sums_sorted(struct kpi_sums *sums, size_t *n_rows_out);
/* Changes of the backlog by agent, without zeros. Likewise. */
struct batch_agent **kpi_sums_backlog(struct kpi_sums *sums, size_t *n_agents_out);

struct batch_rules {
	struct fold_rules fold;
	int64_t as_of_us; /* the event-time watermark of all sources */
	/* NULL: no such revision is known. */
	const struct policy_revision *(*revision_by_no)(void *context, int32_t revision_no);
	void *context;
	/* If not NULL, tickets without new events are pinned to the revision that these policies have for the time of
	 * their opening. Its revisions must be numbered. A ticket that was opened before all of them keeps its own. */
	const struct policy_set *rejudge_under;
	size_t ticket_max_events; /* E5, too_many; 0: no limit */
	/* The common clock; 0: unknown. A row that is stored as of a later time was judged by a clock that has been
	 * put back since. */
	int64_t now_us;
	/* M11: the stored events that come from within this source are removed from tickets without new events. A
	 * ticket that loses all of them keeps a row, with an empty history. Absent: none. */
	struct text removed_source;
};

enum batch_verdict { BATCH_OK = 0, BATCH_UNKNOWN_REVISION = 1, BATCH_MORE = 2 };

/* Adds the new events of a ticket to its history, folds the ticket before and after, and hands the difference to the
 * sink and the sums. Counts duplicates in their sources. Clears scratch first.
 * Returns BATCH_OK; BATCH_UNKNOWN_REVISION if revision_by_no() does not know the revision of the row (*revision_no_out
 * is set, and there were no effects); or -EBADMSG if the history is broken (likewise). */
int batch_evaluate(struct batch *batch, const struct batch_ticket *ticket, const struct stored_ticket *stored,
                   const struct batch_rules *rules, struct arena *scratch, const struct batch_sink *sink,
                   struct kpi_sums *sums, int32_t *revision_no_out);

/* The same in parts, so that an event loop is not blocked: a ticket may have 100,000 events. All arguments must outlive
 * the evaluation, which lives in scratch.
 * batch_evaluation_go_on() takes up to n_steps (> 0) steps, each about as expensive as one event. It returns BATCH_MORE
 * until all is done. Effects of a ticket that does not end with BATCH_OK must be discarded. */
struct batch_evaluation;
struct batch_evaluation *batch_evaluation_begin(struct batch *batch, const struct batch_ticket *ticket,
                                                const struct stored_ticket *stored, const struct batch_rules *rules,
                                                struct arena *scratch, const struct batch_sink *sink,
                                                struct kpi_sums *sums);
int batch_evaluation_go_on(struct batch_evaluation *evaluation, size_t n_steps, int32_t *revision_no_out);

/* Computes all rows of a stored ticket from its history alone: as of the stored as_of_us and under the stored revision.
 * Hands all of them to the sink and the sums, as if nothing else were stored; rev is that of the stored row. packed is
 * scratch memory for the rewritten history.
 * Returns as batch_evaluate(). -EBADMSG also if the history is out of order or contains an event twice. */
int batch_recompute(struct text ticket_id, const struct stored_ticket *stored, const struct batch_rules *rules,
                    struct arena *scratch, struct buf *packed, const struct batch_sink *sink, struct kpi_sums *sums,
                    int32_t *revision_no_out);

#endif
