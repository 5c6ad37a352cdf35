/* Parks tickets that a transaction cannot write, with their new events, and ends the parking of tickets. */
#ifndef KPID_ADAPTERS_PG_PARKING_H
#define KPID_ADAPTERS_PG_PARKING_H

#include "adapters/pg/rows.h"
#include "adapters/pg/writer.h"
#include "kpid/core/batch.h"

struct pg_parking {
	struct pg_array event_tickets, event_sources, events;
	struct pg_array tickets, reasons, counts;
};

/* The statement that limits how long a try waits for each lock. A large batch of a backlog takes up to 2 s
 * (batch_pace), and longer on a slow machine. */
const char *pg_parking_lock_timeout(enum lock_care locks, bool backlog);
/* The kind of fault of a refused statement on tickets or their rows. skip_locked: the try skips locked tickets. */
enum batch_fault pg_parking_fault(const PGresult *result, bool skip_locked);
void pg_parking_release(struct pg_parking *parking);
void pg_parking_start(struct pg_parking *parking);
/* Adds a ticket that this try leaves out; call it in the order of ticket ids. WRITE_NEW: with its events, and not if it
 * is parked already and has none. WRITE_RECALC: does nothing. */
void pg_parking_add(struct pg_parking *parking, enum write_kind kind, const struct batch_ticket *ticket);
/* Logs that n_tickets were parked; does nothing for 0. */
void pg_parking_log(size_t n_tickets, struct text first_ticket_id, struct text refusal);
/* Sends the added tickets, if any: parks them, or postpones their retry. refusal: the error of
 * PostgreSQL; empty: the tickets are locked. */
void pg_parking_send(struct pg_parking *parking, struct pg_session *session, enum write_kind kind, struct text refusal,
                     pg_result_fn fn, void *context);

enum parked_reason { PARKED_LOCKED, PARKED_REFUSED };

/* Postpones the retry of tickets that could not be written again. */
void pg_parked_later(struct pg_session *session, struct pg_array *tickets, enum parked_reason reason,
                     struct text detail, pg_result_fn fn, void *context);
/* The parts of a WRITE_PARKED. The fence: if fn gets fewer rows than the batch has tickets, another instance retries
 * some of them. */
void pg_parked_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context);
/* Removes the parked events of tickets that are written. Returns how many rows must be affected. */
size_t pg_parked_take(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context);
/* Unparks the tickets that are written, unless more events have come. */
void pg_parked_end(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context);
/* Adds the duplicates and dead letters among parked events to the counts of their partitions. */
void pg_parked_counted(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context);

#endif
