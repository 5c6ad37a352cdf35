/* Refreshes the ledger (rules L) beside the batches: finds the tickets that have changed since the last refresh, folds
 * them from their histories, and writes their rows, a page of tickets in each transaction.
 *
 * One instance at a time does so by itself, under the lease "ledger" (adapters/pg/lease.h). Each transaction locks
 * kpid.ledger_state, so a command may refresh at the same time. A row never comes from a lower rev than the one before.
 */
#ifndef KPID_APP_LEDGER_REFRESH_H
#define KPID_APP_LEDGER_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "app/lane.h"

struct ledger_refresh;

struct ledger_report {
	int64_t n_tickets; /* folded and written */
	int64_t n_skipped; /* that could not be folded or written; the log has them */
	bool failed;       /* it could not come to its end */
};

/* A single refresh, for a command. */
struct ledger_once {
	bool all; /* all tickets are folded again */
	void (*done)(void *context, const struct ledger_report *report);
	void *context;
};

/* shared must outlive it. once NULL: refreshes as often as the configuration says. Otherwise *once is copied, and
 * done() is called when the refresh has ended. */
struct ledger_refresh *ledger_refresh_new(struct lane_shared *shared, const struct kpid_config *config,
                                          const struct ledger_once *once);
void ledger_refresh_free(struct ledger_refresh *refresh); /* NULL is allowed */
void ledger_refresh_start(struct ledger_refresh *refresh);
/* The configuration has changed, perhaps how often the ledger is refreshed. */
void ledger_refresh_reloaded(struct ledger_refresh *refresh);
const struct pg_session *ledger_refresh_session(const struct ledger_refresh *refresh);

#endif
