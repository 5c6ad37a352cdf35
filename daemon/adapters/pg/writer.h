/* Takes a batch through its one transaction: fence, read, evaluate, write, move the offsets, commit.
 * Tickets go through in pieces, so that the server works on one while the next is evaluated. */
#ifndef KPID_ADAPTERS_PG_WRITER_H
#define KPID_ADAPTERS_PG_WRITER_H

#include "adapters/pg/session.h"
#include "kpid/config.h"
#include "kpid/core/batch.h"

struct pg_writer;

enum write_outcome {
	WRITE_COMMITTED,
	WRITE_FENCED,           /* a partition has another owner, or stands elsewhere: nothing was written */
	WRITE_RACED,            /* a ticket was written by somebody else meanwhile: try again with lock_tickets */
	WRITE_UNKNOWN_REVISION, /* load the policy revisions, then try again */
	WRITE_FAILED            /* the server refused (logged): try again after a pause. See pg_writer_sqlstate(),
	                           pg_writer_fault() */
};

enum write_kind {
	WRITE_NEW,    /* what was read, and deadlines. Tickets that cannot be written are set aside, the rest goes on */
	WRITE_PARKED, /* tickets that were set aside, at most as many as one piece has, each with its events */
	WRITE_RECALC  /* all tickets, or nothing: those that were set aside are left out */
};

/* An event that was set aside, for WRITE_PARKED. */
struct parked_event {
	struct text ticket_id;
	int64_t event_no;
};

/* What a batch may write as, beside its own content. */
struct write_order {
	enum write_kind kind;
	const struct parked_event *parked; /* WRITE_PARKED: all events of the batch */
	size_t n_parked;
	struct batch *batch; /* sealed */
	const struct batch_rules *rules;
	int64_t now_us;                   /* wall clock: caps what is complete, decides what is too old to send */
	const struct kpid_config *config; /* alert and shadow options */
	bool unconfirmed;                 /* judged as of a time that silent sources have not confirmed */
	bool lock_tickets;
	/* Topic and partition of a source, for conflicts; false if it is not known. */
	bool (*source_name)(void *context, int32_t source_no, struct text *topic_out, int32_t *partition_out);
	void *source_context;
};

struct write_parts { /* where the time of a batch went, in microseconds of the wall clock; n of all batches */
	int64_t read_us, evaluate_us, write_us, commit_us;
	int64_t n_batches, n_tickets, n_events;
};

typedef void (*write_done_fn)(void *context, enum write_outcome outcome);

/* One batch at a time. The session belongs to the caller; when it is lost, call pg_writer_abandon(). */
struct pg_writer *pg_writer_new(struct pg_session *session, write_done_fn done, void *context);
void pg_writer_free(struct pg_writer *writer);
/* The order, and all it points to, must stay until done() is called. */
void pg_writer_start(struct pg_writer *writer, const struct write_order *order);
/* The SQLSTATE for which the latest batch was refused; "": it was not, or the connection was lost. */
const char *pg_writer_sqlstate(const struct pg_writer *writer);
bool pg_writer_is_busy(const struct pg_writer *writer);
/* Forgets the batch without calling done(). */
void pg_writer_abandon(struct pg_writer *writer);
/* Why the last batch has failed, if that was because of a ticket in it; and in words, "22003: bigint out of range". */
enum batch_fault pg_writer_fault(const struct pg_writer *writer);
struct text pg_writer_words(const struct pg_writer *writer);
const struct write_parts *pg_writer_parts(const struct pg_writer *writer);

#endif
