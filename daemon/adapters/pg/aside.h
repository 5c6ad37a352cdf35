/* Tickets that a transaction cannot write, and stores for later together with their new events. */
#ifndef KPID_ADAPTERS_PG_ASIDE_H
#define KPID_ADAPTERS_PG_ASIDE_H

#include "adapters/pg/rows.h"
#include "adapters/pg/writer.h"
#include "kpid/core/batch.h"

struct pg_aside {
	struct pg_array event_tickets, event_sources, events;
	struct pg_array tickets, reasons, counts;
};

void pg_aside_release(struct pg_aside *aside);
void pg_aside_start(struct pg_aside *aside);
/* In the order of ticket ids. A ticket that waits already, and has no new event, needs nothing. */
void pg_aside_add(struct pg_aside *aside, const struct batch_ticket *ticket);
/* Why a ticket is set aside: what PostgreSQL said; if nothing, it was passed over because it is locked. */
struct text pg_aside_words(struct text refusal);
/* Logs that so many tickets were set aside now; nothing if there are none. */
void pg_aside_say(size_t n_tickets, struct text first_ticket_id, struct text refusal);
/* words: why, for those that are new. Sends nothing if there is nothing. */
void pg_aside_send(struct pg_aside *aside, struct pg_session *session, struct text words, pg_result_fn fn,
                   void *context);

enum parked_reason { PARKED_LOCKED, PARKED_REFUSED };

/* Tickets that could not be written this time either: says why, and when they are tried again. */
void pg_parked_later(struct pg_session *session, struct pg_array *tickets, enum parked_reason reason, struct text words,
                     pg_result_fn fn, void *context);
/* The parts of a WRITE_PARKED. The fence: fewer rows found than the batch has tickets mean that another instance tries
 * some of them. */
void pg_parked_lock(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context);
/* Takes the events of those tickets back that are written. Returns how many must be touched. */
size_t pg_parked_take(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context);
/* Those tickets are not set aside any more, but for events that have come meanwhile. */
void pg_parked_end(struct pg_session *session, const struct write_order *order, pg_result_fn fn, void *context);
/* Counts what became of a batch of events that were set aside, where they were read: duplicates, dead letters. */
void pg_parked_counted(struct pg_session *session, const struct batch *batch, pg_result_fn fn, void *context);

#endif
