/* kpid source drop: deletes the tickets that have lost all events. */
#include <stdio.h>
#include <time.h>

#include "cli/source_drop.h"
#include "kpid/base/clock.h"

enum { LOOK_NS = 20000000 };

#define PATIENCE_US (60 * US_PER_SECOND)

/* Calls fn for each page of tickets without events. *n_out: how many there are. */
static bool for_each_page(struct pg_sync *sync, bool (*fn)(struct pg_sync *sync, const struct pg_param *ids),
                          size_t *n_out)
{
	struct buf last = BUF_INIT;
	struct pg_array ids = {.n = 0};
	int n_rows = 1;
	*n_out = 0;
	buf_add_str(&last, "");
	while (n_rows > 0) {
		const struct pg_param after = pg_param_text(buf_text(&last));
		PGresult *rows = pg_sync_query(sync, "queries/source_drop_emptied.sql", &after, 1);
		n_rows = rows == NULL ? -1 : PQntuples(rows);
		pg_array_start(&ids, PG_OID_TEXT);
		for (int row = 0; row < n_rows; row++) {
			struct text ticket_id = pg_get_text(rows, row, SOURCE_DROP_EMPTIED_TICKET_ID);
			pg_array_text(&ids, ticket_id);
			buf_clear(&last);
			buf_add_text(&last, ticket_id);
		}
		PQclear(rows);
		*n_out += ids.n;
		const struct pg_param page = pg_array_param(&ids);
		if (n_rows > 0 && !fn(sync, &page))
			n_rows = -1;
	}
	pg_array_release(&ids);
	buf_release(&last);
	return n_rows == 0;
}

static bool run(struct pg_sync *sync, const char *file, const struct pg_param *params, int n_params)
{
	PGresult *result = pg_sync_query(sync, file, params, n_params);
	PQclear(result);
	return result != NULL;
}

static bool mark_page(struct pg_sync *sync, const struct pg_param *ids)
{
	return run(sync, "queries/source_drop_mark.sql", ids, 1);
}

/* One transaction. The refresh of the ledger locks its state too, so it writes no row of a ticket that is gone. */
static bool delete_page(struct pg_sync *sync, const struct pg_param *ids)
{
	const struct pg_param any_generation = {.value = NULL};
	if (pg_sync_command(sync, "BEGIN") && run(sync, "queries/ledger_lock.sql", &any_generation, 1) &&
	    run(sync, "queries/source_drop_sweep.sql", ids, 1) && pg_sync_command(sync, "COMMIT"))
		return true;
	pg_sync_end(sync);
	return false;
}

/* The row of a transaction; -1: it has ended. */
static int find_row(const PGresult *rows, struct text id)
{
	for (int row = 0; row < PQntuples(rows); row++)
		if (text_same(pg_get_text(rows, row, SOURCE_DROP_WAITS_ID), id))
			return row;
	return -1;
}

/* The first row of `waits` whose transaction is among the present ones; -1: all have ended. */
static int first_left(const PGresult *waits, const PGresult *present)
{
	for (int row = 0; row < PQntuples(waits); row++)
		if (find_row(present, pg_get_text(waits, row, SOURCE_DROP_WAITS_ID)) >= 0)
			return row;
	return -1;
}

/* Waits until all transactions have ended that may have read a ticket before it was marked: they might write it as it
 * was. */
static int wait_for_others(struct pg_sync *sync)
{
	static const struct timespec pause = {0, LOOK_NS};
	int64_t until_us = monotonic_clock_us() + PATIENCE_US;
	PGresult *waits = pg_sync_query(sync, "queries/source_drop_waits.sql", NULL, 0);
	int left = waits == NULL ? -1 : 0;
	bool ok = waits != NULL;
	while (ok && left >= 0) {
		PGresult *present = pg_sync_query(sync, "queries/source_drop_waits.sql", NULL, 0);
		ok = present != NULL;
		left = ok ? first_left(waits, present) : -1;
		PQclear(present);
		if (left >= 0 && monotonic_clock_us() > until_us)
			break;
		if (left >= 0)
			nanosleep(&pause, NULL);
	}
	int status = ok ? CLI_OK : pg_sync_failed(sync);
	if (left >= 0) {
		struct text who = pg_get_text(waits, left, SOURCE_DROP_WAITS_WHO);
		pg_sync_print_error(sync,
		                    "%.*s has read tickets, and its transaction has not ended for a minute; end it, "
		                    "then run the same command again",
		                    (int)who.len, who.ptr);
		status = CLI_FAILED;
	}
	PQclear(waits);
	return status;
}

int source_drop_mark(struct pg_sync *sync, size_t *n_out)
{
	return for_each_page(sync, mark_page, n_out) ? CLI_OK : pg_sync_failed(sync);
}

int source_drop_sweep(struct pg_sync *sync)
{
	size_t n;
	int status = wait_for_others(sync);
	if (status == CLI_OK && !for_each_page(sync, delete_page, &n))
		status = pg_sync_failed(sync);
	return status;
}
