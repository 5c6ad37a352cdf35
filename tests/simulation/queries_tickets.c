/* The statements about deadlines, tickets, their cycles and clocks, and alerts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/core/kpi.h"
#include "kpid/core/timestamp.h"
#include "queries.h"
#include "sql/queries.h"

/* ---- deadlines ---- */

enum { CLOCK_FIRES = 6 };

bool tick(struct statement *s)
{
	struct cell next = cell_null(), now = NOW;
	struct cell parked_at = parked_next_at(s), unsettled = cell_bool(parked_is_unsettled(s));
	for (size_t i = 0; i < store[CLOCKS].n; i++) {
		const struct cell *row = slot_row(store[CLOCKS].slots[i], s->transaction);
		if (row != NULL && row[CLOCK_FIRES].len >= 0 && !is_parked(s, row[0]) &&
		    (next.len < 0 || cell_number(row[CLOCK_FIRES]) < cell_number(next)))
			next = row[CLOCK_FIRES];
	}
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = slot_row(store[SOURCES].slots[i], s->transaction);
		if (row == NULL || cell_is(row[SP_STATE], "finished"))
			continue;
		struct cell complete = source_complete(row, s->transaction);
		bool recently_seen = cell_number(greatest(row[SP_SEEN], complete)) >
		                     cell_number(now) - cell_number(s->params[TICK_PARAM_SILENCE_US]);
		add_row(s,
		        (struct cell[]){[TICK_NOW] = now,
		                        [TICK_NEXT_DEADLINE] = next,
		                        [TICK_SOURCE_NO] = row[SP_NO],
		                        [TICK_COMPLETE_UNTIL] = complete,
		                        [TICK_RECENTLY_SEEN] = cell_bool(recently_seen),
		                        [TICK_ACTIONS_AT] = cell_null(),
		                        [TICK_PARKED_AT] = parked_at,
		                        [TICK_PARKED_UNSETTLED] = unsettled},
		        TICK_N_COLUMNS);
	}
	if (s->result->n_rows == 0)
		add_row(s,
		        (struct cell[]){[TICK_NOW] = now,
		                        [TICK_NEXT_DEADLINE] = next,
		                        [TICK_SOURCE_NO] = cell_null(),
		                        [TICK_COMPLETE_UNTIL] = cell_null(),
		                        [TICK_RECENTLY_SEEN] = cell_null(),
		                        [TICK_ACTIONS_AT] = cell_null(),
		                        [TICK_PARKED_AT] = parked_at,
		                        [TICK_PARKED_UNSETTLED] = unsettled},
		        TICK_N_COLUMNS);
	return true;
}

static int compare_fires(const void *a, const void *b)
{
	int64_t x = cell_number((*(struct cell *const *)a)[CLOCK_FIRES]);
	int64_t y = cell_number((*(struct cell *const *)b)[CLOCK_FIRES]);
	return x < y ? -1 : x > y;
}

static bool is_locked_by_others(const struct slot *slot, const struct statement *s)
{
	return slot != NULL && slot->owner != NULL && slot->owner != s->transaction;
}

/* A transaction in progress has locked the ticket, the clock, or an alert of it. */
static bool is_passed_over(const struct statement *s, const struct slot *clock, const struct cell *row)
{
	if (is_locked_by_others(clock, s) || is_locked_by_others(table_find(TICKETS, row), s))
		return true;
	for (size_t i = 0; i < store[ALERTS].n; i++) {
		const struct cell *alert = store[ALERTS].slots[i]->committed;
		if (alert != NULL && cell_same(alert[1], row[0]) && is_locked_by_others(store[ALERTS].slots[i], s))
			return true;
	}
	return false;
}

/* Clocks that fire before an instant (NULL cell: any), the first to fire first. */
static struct rows clocks_before(struct statement *s, struct cell before)
{
	struct rows due = {sim_alloc((store[CLOCKS].n + 1) * sizeof(struct cell *)), 0};
	for (size_t i = 0; i < store[CLOCKS].n; i++) {
		struct cell *row = slot_row(store[CLOCKS].slots[i], s->transaction);
		if (row != NULL && row[CLOCK_FIRES].len >= 0 && !is_parked(s, row[0]) &&
		    (before.len < 0 || cell_number(row[CLOCK_FIRES]) < cell_number(before)) &&
		    !is_passed_over(s, store[CLOCKS].slots[i], row))
			due.items[due.n++] = row;
	}
	if (due.n > 1)
		qsort(due.items, due.n, sizeof(struct cell *), compare_fires);
	return due;
}

bool deadlines_due(struct statement *s)
{
	struct rows due = clocks_before(s, s->params[DEADLINES_DUE_PARAM_BEFORE]);
	for (size_t i = 0; i < due.n; i++)
		add_row(s, due.items[i], DEADLINES_DUE_N_COLUMNS);
	return true;
}

bool deadlines_next(struct statement *s)
{
	struct rows due = clocks_before(s, cell_null());
	if (due.n > 0)
		add_row(s, &due.items[0][CLOCK_FIRES], DEADLINES_NEXT_N_COLUMNS);
	return true;
}

/* ---- tickets, and what belongs to them ---- */

enum { TICKET_ID, TICKET_REV, TICKET_REVISION_NO, TICKET_AS_OF, TICKET_OPENED_AT, TICKET_HISTORY = 37 };

void add_ticket(struct statement *s, const struct cell *row)
{
	add_row(s,
	        (struct cell[]){[TICKET_READ_TICKET_ID] = row[TICKET_ID],
	                        [TICKET_READ_REV] = row[TICKET_REV],
	                        [TICKET_READ_AS_OF] = row[TICKET_AS_OF],
	                        [TICKET_READ_OPENED_AT] = row[TICKET_OPENED_AT],
	                        [TICKET_READ_REVISION_NO] = row[TICKET_REVISION_NO],
	                        [TICKET_READ_HISTORY] = row[TICKET_HISTORY]},
	        TICKET_READ_N_COLUMNS);
}

bool ticket_read(struct statement *s)
{
	struct elements ids = elements_of(s->params[TICKET_READ_PARAM_TICKET_IDS]);
	for (size_t i = 0; i < ids.n; i++) {
		const struct slot *slot = table_find(TICKETS, &ids.items[i]);
		const struct cell *row = slot == NULL ? NULL : slot_row(slot, s->transaction);
		if (row != NULL)
			add_ticket(s, row);
	}
	return true;
}

int compare_texts(const void *a, const void *b)
{
	return text_compare(cell_as_text(*(const struct cell *)a), cell_as_text(*(const struct cell *)b));
}

bool ticket_read_locked(struct statement *s)
{
	struct elements ids = elements_of(s->params[TICKET_READ_LOCKED_PARAM_TICKET_IDS]);
	if (ids.n > 1)
		qsort(ids.items, ids.n, sizeof(struct cell), compare_texts);
	for (size_t i = 0; i < ids.n; i++) {
		struct slot *slot = table_find(TICKETS, &ids.items[i]);
		/* Rows that another transaction has written and not committed are invisible, and not waited for. */
		if (slot == NULL || slot_row(slot, s->transaction) == NULL)
			continue;
		if (!slot_lock(s->transaction, slot))
			return false;
	}
	return ticket_read(s);
}

static bool write_tickets(struct statement *s, bool new_too)
{
	struct rows rows = rows_of(s->params[0], TICKETS);
	size_t n = 0;
	if (!lock_keys(s, TICKETS, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++)
		if (sim_refuses(cell_as_text(rows.items[i][0])))
			s->refused_sqlstate = "22003", s->refused_message = "value out of range";
	for (size_t i = 0; i < rows.n; i++) {
		struct slot *slot = table_find(TICKETS, rows.items[i]);
		const struct cell *old = slot_row(slot, s->transaction);
		if (old == NULL ? !new_too : cell_number(old[1]) != cell_number(rows.items[i][1]) - 1)
			continue;
		slot_put(s->transaction, slot, rows.items[i]);
		n++;
	}
	set_affected(s, n);
	return true;
}

bool ticket_write(struct statement *s)
{
	return write_tickets(s, true);
}

bool ticket_update(struct statement *s)
{
	return write_tickets(s, false);
}

static bool put_all(struct statement *s, enum store_table table)
{
	struct rows rows = rows_of(s->params[0], table);
	if (!lock_keys(s, table, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++)
		slot_put(s->transaction, table_find(table, rows.items[i]), rows.items[i]);
	set_affected(s, rows.n);
	return true;
}

bool cycle_put(struct statement *s)
{
	return put_all(s, CYCLES);
}

bool clock_put(struct statement *s)
{
	return put_all(s, CLOCKS);
}

static bool delete_all(struct statement *s, enum store_table table, int n_columns)
{
	struct elements columns[3] = {{NULL, 0}};
	for (int i = 0; i < n_columns; i++)
		columns[i] = elements_of(s->params[i]);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < columns[0].n; i++) {
			struct cell key[3] = {columns[0].items[i], columns[1].items[i], cell_null()};
			if (table == CLOCKS) { /* target is a smallint there */
				key[1] = (struct cell){columns[1].items[i].data + 2, 2};
				key[2] = columns[2].items[i];
			}
			struct slot *slot = table_find(table, key);
			if (slot == NULL || slot_row(slot, s->transaction) == NULL)
				continue;
			if (!slot_lock(s->transaction, slot))
				return false;
			if (pass == 1)
				slot_put(s->transaction, slot, NULL);
		}
	}
	return true;
}

bool cycle_delete(struct statement *s)
{
	return delete_all(s, CYCLES, 2);
}

bool clock_delete(struct statement *s)
{
	return delete_all(s, CLOCKS, 3);
}

/* ---- alerts ---- */

enum {
	A_REVISION = 4,
	A_STATE,
	A_LEVEL,
	A_DUE,
	A_BREACHED,
	A_CAUSE,
	A_OWNER,
	A_PROJECT,
	A_POLICY,
	A_VERSION,
	A_DETECTED,
	A_RESOLVED,
	A_UNCONFIRMED,
	A_DELIVERY,
	A_SOURCE,
	A_OFFSET,
	A_WARNED,
	A_WARNINGS
};

static void tell(struct statement *s, const struct cell *alert)
{
	if (!cell_is(alert[A_DELIVERY], "queued"))
		return;
	struct cell message[4] = {cell_int8((int64_t)store[OUTBOX].n + 1), alert[0], alert[A_REVISION], alert[A_STATE]};
	struct slot *slot = table_place(OUTBOX, message);
	slot_lock(s->transaction, slot); /* no other transaction can see it */
	slot_put(s->transaction, slot, row_copy(OUTBOX, message));
	s->transaction->has_alerts = true;
}

static bool is_one_of(struct cell cell, const char *one, const char *two, const char *three)
{
	return cell_is(cell, one) || (two != NULL && cell_is(cell, two)) || (three != NULL && cell_is(cell, three));
}

static struct cell delivery_of(const struct cell *a, const struct cell *excluded)
{
	if (is_one_of(excluded[A_DELIVERY], "shadow", "off", NULL))
		return excluded[A_DELIVERY];
	if (is_one_of(a[A_DELIVERY], "queued", "silenced", NULL))
		return a[A_DELIVERY];
	if (cell_is(a[A_DELIVERY], "shadow") || cell_is(a[A_STATE], "voided") ||
	    (is_one_of(a[A_STATE], "warning", "averted", NULL) && !cell_is(excluded[A_STATE], "averted")))
		return excluded[A_DELIVERY];
	return a[A_DELIVERY];
}

static struct cell *changed_alert(const struct cell *a, const struct cell *excluded)
{
	struct cell *row = row_copy(ALERTS, excluded);
	bool breaches = excluded[A_BREACHED].len >= 0;
	row[A_REVISION] = cell_int4(cell_number(a[A_REVISION]) + 1);
	if (cell_is(a[A_STATE], "acknowledged") && cell_is(excluded[A_STATE], "breached"))
		row[A_STATE] = a[A_STATE];
	if (!(breaches && is_one_of(a[A_STATE], "warning", "averted", "voided")))
		row[A_DETECTED] = a[A_DETECTED];
	if (!(breaches && is_one_of(a[A_STATE], "warning", "averted", NULL)))
		row[A_UNCONFIRMED] =
		        cell_bool(cell_number(a[A_UNCONFIRMED]) == 1 && cell_number(excluded[A_UNCONFIRMED]) == 1);
	row[A_DELIVERY] = delivery_of(a, excluded);
	return row;
}

static int compare_rows(const void *a, const void *b)
{
	return compare_texts(*(struct cell *const *)a, *(struct cell *const *)b);
}

bool alert_put(struct statement *s)
{
	struct rows rows = rows_of(s->params[ALERT_PUT_PARAM_ROWS], ALERTS);
	if (rows.n > 1)
		qsort(rows.items, rows.n, sizeof(struct cell *), compare_rows);
	if (!lock_keys(s, ALERTS, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		struct slot *slot = table_find(ALERTS, rows.items[i]);
		const struct cell *old = slot_row(slot, s->transaction);
		if (old != NULL && cell_is(old[A_STATE], "voided") && old[A_BREACHED].len >= 0 &&
		    rows.items[i][A_BREACHED].len < 0)
			continue;
		struct cell *row = old == NULL ? rows.items[i] : changed_alert(old, rows.items[i]);
		slot_put(s->transaction, slot, row);
		tell(s, row);
	}
	return true;
}

bool alert_void(struct statement *s)
{
	struct elements ids = elements_of(s->params[ALERT_VOID_PARAM_ALERT_IDS]);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ids.n; i++) {
			struct slot *slot = table_find(ALERTS, &ids.items[i]);
			const struct cell *old = slot == NULL ? NULL : slot_row(slot, s->transaction);
			if (old == NULL || cell_is(old[A_STATE], "voided"))
				continue;
			if (!slot_lock(s->transaction, slot))
				return false;
			if (pass == 0)
				continue;
			struct cell *row = row_copy(ALERTS, old);
			row[A_REVISION] = cell_int4(cell_number(old[A_REVISION]) + 1);
			row[A_STATE] = cell_text(TEXT("voided"));
			row[A_RESOLVED] = cell_null();
			slot_put(s->transaction, slot, row);
			tell(s, row);
		}
	}
	return true;
}
