/* An in-memory database for the results of batches: the rows of all tables as texts by key, and the tickets that
 * are read again. Two ways of processing the same events can be compared row by row. */
#ifndef KPID_TESTS_FUZZ_ROWS_H
#define KPID_TESTS_FUZZ_ROWS_H

#include "kpid/core/batch.h"

struct row;

struct rows {
	struct row **slots;
	size_t n_slots, n_rows;
	const struct policy_set *policies;
	int64_t n_tickets_written, n_conflicts; /* contents that lost a conflict, once for each time */
	int64_t n_duplicates;
	struct arena scratch;
	struct kpi_sums sums;
};

void rows_init(struct rows *rows, const struct policy_set *policies);
void rows_release(struct rows *rows);
/* Seals, evaluates and clears the batch. */
void rows_commit(struct rows *rows, struct batch *batch, int64_t as_of_us);
/* The history of a ticket; absent if there is no row. Borrowed. */
struct text rows_history(const struct rows *rows, struct text ticket_id);
/* Calls `fn` with the id and the history of each ticket, in any order. */
void rows_each_ticket(const struct rows *rows, void (*take)(void *context, struct text ticket_id, struct text history),
                      void *context);
/* All rows, sorted. Without averted and voided alerts, which depend on what was recorded before (A3), without
 * zeros, and without columns that count how often a ticket's row was written. */
void rows_print(const struct rows *rows, struct buf *out);

#endif
