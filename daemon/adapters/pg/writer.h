/* Writes a batch in one transaction: fence, read, evaluate, write, move the offsets, commit. Tickets are processed in
 * pieces, so that the server works on one piece while the next one is evaluated. */
#ifndef KPID_ADAPTERS_PG_WRITER_H
#define KPID_ADAPTERS_PG_WRITER_H

#include "adapters/pg/session.h"
#include "kpid/config.h"
#include "kpid/core/batch.h"

struct pg_writer;

enum write_outcome {
	WRITE_COMMITTED,
	WRITE_FENCED,           /* a partition has another owner or offset: nothing was written */
	WRITE_RACED,            /* another session has written a ticket: try again with lock_tickets */
	WRITE_UNKNOWN_REVISION, /* load the policy revisions, then try again */
	WRITE_FAILED            /* the server refused (logged): try again after a pause. See pg_writer_sqlstate(),
	                           pg_writer_fault() */
};

enum write_kind {
	WRITE_NEW,    /* new events and deadlines. Parks tickets that cannot be written, and writes the others */
	WRITE_PARKED, /* parked tickets with their events; at most one piece */
	WRITE_RECALC  /* all tickets or none; leaves parked ones out */
};

/* A parked event, for WRITE_PARKED. */
struct parked_event {
	struct text ticket_id;
	int64_t event_no;
};

/* A batch and how to write it. */
struct write_order {
	enum write_kind kind;
	const struct parked_event *parked; /* WRITE_PARKED: all events of the batch */
	size_t n_parked;
	struct batch *batch; /* sealed */
	const struct batch_rules *rules;
	int64_t now_us; /* wall clock: caps watermarks, and decides which alerts are too old to send */
	const struct kpid_config *config; /* alert and shadow options */
	bool unconfirmed;                 /* judged before all sources have confirmed the time */
	bool lock_tickets;
	bool backlog;    /* WRITE_NEW: a backlog is read, so rows that seem new are inserted plainly */
	int64_t drop_no; /* kpid.source_drop, to which the removed events are added (rules->removed_source); 0: none */
	/* Topic and partition of a source, for dead letters; false: unknown. */
	bool (*source_name)(void *context, int32_t source_no, struct text *topic_out, int32_t *partition_out);
	void *source_context;
};

struct write_parts { /* elapsed time by phase, in microseconds, and counts; sums of all batches */
	int64_t read_us, evaluate_us, write_us, commit_us;
	int64_t n_batches, n_tickets, n_events;
	/* When the last committed batch has work for the deadline scheduler: its earliest deadline; TIME_NONE: now,
	 * because it parked tickets; TIME_FOR_EVER: never. */
	int64_t next_work_us;
};

typedef void (*write_done_fn)(void *context, enum write_outcome outcome);

/* Writes one batch at a time. The caller owns the session, and calls pg_writer_abandon() when it is lost. Call
 * before the start of the session. */
struct pg_writer *pg_writer_new(struct pg_session *session, write_done_fn done, void *context);
void pg_writer_free(struct pg_writer *writer);
/* The order and everything it points to must stay valid until done() is called. */
void pg_writer_start(struct pg_writer *writer, const struct write_order *order);
/* The SQLSTATE with which the last batch was refused; "": not refused, or the connection was lost. */
const char *pg_writer_sqlstate(const struct pg_writer *writer);
bool pg_writer_is_busy(const struct pg_writer *writer);
/* Drops the batch without calling done(). */
void pg_writer_abandon(struct pg_writer *writer);
/* The kind of fault of the last batch, and its text: "22003: bigint out of range". */
enum batch_fault pg_writer_fault(const struct pg_writer *writer);
struct text pg_writer_error(const struct pg_writer *writer);
const struct write_parts *pg_writer_parts(const struct pg_writer *writer);

#endif
