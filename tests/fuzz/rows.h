/* A database in memory for what batches give: the rows of all tables as texts under a key, and the tickets that are
 * read again. So two ways to the same events can be compared row by row. */
#ifndef KPID_TESTS_FUZZ_ROWS_H
#define KPID_TESTS_FUZZ_ROWS_H

#include "kpid/core/batch.h"

struct row;

struct rows {
	struct row **slots;
	size_t n_slots, n_rows;
	const struct policy_set *policies;
	int64_t n_tickets_written, n_conflicts; /* contents put aside, each time that they were */
	int64_t n_duplicates;
	struct arena scratch;
	struct kpi_sums sums;
};

void rows_init(struct rows *rows, const struct policy_set *policies);
void rows_release(struct rows *rows);
/* Seals, evaluates and clears the batch. */
void rows_commit(struct rows *rows, struct batch *batch, int64_t as_of_us);
/* The history of a ticket; absent: there is no row. Borrowed. */
struct text rows_history(const struct rows *rows, struct text ticket_id);
/* Calls with the id and the history of each ticket, in any order. */
void rows_each_ticket(const struct rows *rows, void (*take)(void *context, struct text ticket_id, struct text history),
                      void *context);
/* Every row but averted alerts and undone ones, which hang on what was recorded before (A3), zeros, and what of a
 * ticket's row tells how often it was written; sorted. */
void rows_print(const struct rows *rows, struct buf *out);

#endif
