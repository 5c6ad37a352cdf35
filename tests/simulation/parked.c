/* The statements about parked tickets and events. */
#include <stdlib.h>
#include <string.h>

#include "kpid/core/timestamp.h"
#include "queries.h"
#include "sql/queries.h"

static struct cell *row_of_ticket(const struct statement *s, struct cell ticket_id)
{
	const struct slot *slot = table_find(PARKED_TICKETS, &ticket_id);
	return slot == NULL ? NULL : slot_row(slot, s->transaction);
}

bool is_parked(const struct statement *s, struct cell ticket_id)
{
	return row_of_ticket(s, ticket_id) != NULL;
}

static bool is_due(const struct cell *row)
{
	return row != NULL && cell_us(row[PT_NEXT]) <= sim_now_us();
}

struct cell parked_next_at(const struct statement *s)
{
	struct cell next = cell_null();
	for (size_t i = 0; i < store[PARKED_TICKETS].n; i++) {
		const struct cell *row = slot_row(store[PARKED_TICKETS].slots[i], s->transaction);
		if (row != NULL && (next.len < 0 || cell_us(row[PT_NEXT]) < cell_us(next)))
			next = row[PT_NEXT];
	}
	return next;
}

bool parked_is_unsettled(const struct statement *s)
{
	for (size_t i = 0; i < store[PARKED_TICKETS].n; i++) {
		const struct cell *row = slot_row(store[PARKED_TICKETS].slots[i], s->transaction);
		if (row != NULL && !cell_is(row[PT_REASON], "refused"))
			return true;
	}
	return false;
}

bool parked_among(struct statement *s)
{
	struct elements ids = elements_of(s->params[PARKED_AMONG_PARAM_TICKET_IDS]);
	for (size_t i = 0; i < ids.n; i++)
		if (is_parked(s, ids.items[i]))
			add_row(s, &ids.items[i], PARKED_AMONG_N_COLUMNS);
	return true;
}

/* ---- parking ---- */

static bool put_event(struct statement *s, struct cell ticket_id, struct cell source_no, struct cell event)
{
	struct cell row[PE_COLUMNS] = {cell_int8((int64_t)store[PARKED_EVENTS].n + 1), ticket_id, source_no, event};
	struct slot *slot = table_place(PARKED_EVENTS, row);
	if (!slot_lock(s->transaction, slot))
		return false;
	for (int i = 0; i < PE_COLUMNS; i++) /* the parameters do not outlive the call */
		row[i] = row[i].len < 0 ? row[i] : cell_text(cell_as_text(row[i]));
	slot_put(s->transaction, slot, row_copy(PARKED_EVENTS, row));
	return true;
}

bool parked_put(struct statement *s)
{
	struct elements of[PARKED_PUT_PARAM_DETAIL]; /* the arrays before it */
	for (int i = 0; i < PARKED_PUT_PARAM_DETAIL; i++)
		of[i] = elements_of(s->params[i]);
	for (size_t i = 0; i < of[PARKED_PUT_PARAM_TICKET_IDS].n; i++)
		if (!slot_lock(s->transaction, table_place(PARKED_TICKETS, &of[PARKED_PUT_PARAM_TICKET_IDS].items[i])))
			return false;
	for (size_t i = 0; i < of[PARKED_PUT_PARAM_EVENTS].n; i++)
		if (!put_event(s, of[PARKED_PUT_PARAM_EVENT_TICKET_IDS].items[i],
		               of[PARKED_PUT_PARAM_EVENT_SOURCE_NOS].items[i], of[PARKED_PUT_PARAM_EVENTS].items[i]))
			return false;
	for (size_t i = 0; i < of[PARKED_PUT_PARAM_TICKET_IDS].n; i++) {
		struct slot *slot = table_find(PARKED_TICKETS, &of[PARKED_PUT_PARAM_TICKET_IDS].items[i]);
		const struct cell *old = slot_row(slot, s->transaction);
		struct cell row[PT_COLUMNS] = {
		        [PT_TICKET] = cell_text(cell_as_text(of[PARKED_PUT_PARAM_TICKET_IDS].items[i])),
		        [PT_REASON] = cell_text(cell_as_text(of[PARKED_PUT_PARAM_REASONS].items[i])),
		        [PT_ATTEMPTS] = cell_int4(0),
		        [PT_NEXT] = cell_time(sim_now_us()),
		};
		int64_t n = cell_number(of[PARKED_PUT_PARAM_N_EVENTS].items[i]);
		if (old != NULL)
			memcpy(row, old, sizeof(row));
		row[PT_EVENTS] = cell_int8(n + (old == NULL ? 0 : cell_number(old[PT_EVENTS])));
		slot_put(s->transaction, slot, row_copy(PARKED_TICKETS, row));
		sim_counts.parked += old == NULL;
	}
	return true;
}

/* ---- retries ---- */

static int compare_due(const void *a, const void *b)
{
	const struct cell *x = *(const struct cell *const *)a, *y = *(const struct cell *const *)b;
	int64_t x_us = cell_us(x[PT_NEXT]), y_us = cell_us(y[PT_NEXT]);
	return x_us != y_us ? (x_us < y_us ? -1 : 1) : compare_texts(&x[PT_TICKET], &y[PT_TICKET]);
}

static int compare_keys(const void *a, const void *b)
{
	return compare_texts(*(const struct cell *const *)a, *(const struct cell *const *)b);
}

/* In the order of their numbers, which is the order in which they were parked. */
static void add_events(struct statement *s, struct cell ticket_id)
{
	size_t n = 0;
	for (size_t i = 0; i < store[PARKED_EVENTS].n; i++) {
		const struct cell *event = slot_row(store[PARKED_EVENTS].slots[i], s->transaction);
		if (event == NULL || !cell_same(event[PE_TICKET], ticket_id))
			continue;
		add_row(s,
		        (struct cell[]){[PARKED_DUE_TICKET_ID] = ticket_id,
		                        [PARKED_DUE_EVENT_NO] = event[PE_NO],
		                        [PARKED_DUE_SOURCE_NO] = event[PE_SOURCE],
		                        [PARKED_DUE_EVENT] = event[PE_EVENT]},
		        PARKED_DUE_N_COLUMNS);
		n++;
	}
	if (n == 0)
		add_row(s,
		        (struct cell[]){[PARKED_DUE_TICKET_ID] = ticket_id,
		                        [PARKED_DUE_EVENT_NO] = cell_null(),
		                        [PARKED_DUE_SOURCE_NO] = cell_null(),
		                        [PARKED_DUE_EVENT] = cell_null()},
		        PARKED_DUE_N_COLUMNS);
}

bool parked_due(struct statement *s)
{
	struct cell **due = sim_alloc((store[PARKED_TICKETS].n + 1) * sizeof(*due));
	size_t n = 0, most = (size_t)cell_number(s->params[PARKED_DUE_PARAM_LIMIT]);
	for (size_t i = 0; i < store[PARKED_TICKETS].n; i++) {
		struct cell *row = slot_row(store[PARKED_TICKETS].slots[i], s->transaction);
		if (is_due(row))
			due[n++] = row;
	}
	if (n > 1)
		qsort(due, n, sizeof(*due), compare_due);
	n = n < most ? n : most;
	if (n > 1)
		qsort(due, n, sizeof(*due), compare_keys);
	for (size_t i = 0; i < n; i++)
		add_events(s, due[i][PT_TICKET]);
	return true;
}

bool parked_lock(struct statement *s)
{
	struct elements sources = elements_of(s->params[PARKED_LOCK_PARAM_SOURCE_NOS]),
	                ids = elements_of(s->params[PARKED_LOCK_PARAM_TICKET_IDS]);
	for (size_t i = 0; i < sources.n; i++) {
		struct slot *slot = source_by_no(cell_number(sources.items[i]), s->transaction);
		if (slot != NULL && !slot_lock(s->transaction, slot))
			return false;
	}
	for (size_t i = 0; i < ids.n; i++) {
		struct slot *slot = table_find(PARKED_TICKETS, &ids.items[i]);
		if (slot == NULL || (slot->owner != NULL && slot->owner != s->transaction) ||
		    slot_row(slot, s->transaction) == NULL)
			continue;
		slot_lock(s->transaction, slot);
		add_row(s, &ids.items[i], PARKED_LOCK_N_COLUMNS);
	}
	return true;
}

bool parked_take(struct statement *s)
{
	struct elements numbers = elements_of(s->params[PARKED_TAKE_PARAM_EVENT_NOS]);
	size_t n = 0;
	for (size_t i = 0; i < numbers.n; i++) {
		struct slot *slot = table_find(PARKED_EVENTS, &numbers.items[i]);
		if (slot == NULL || slot_row(slot, s->transaction) == NULL)
			continue;
		if (!slot_lock(s->transaction, slot))
			return false;
		slot_put(s->transaction, slot, NULL);
		n++;
	}
	set_affected(s, n);
	return true;
}

bool parked_end(struct statement *s)
{
	struct elements ids = elements_of(s->params[PARKED_END_PARAM_TICKET_IDS]),
	                counts = elements_of(s->params[PARKED_END_PARAM_N_EVENTS]);
	for (size_t i = 0; i < ids.n; i++) {
		struct slot *slot = table_find(PARKED_TICKETS, &ids.items[i]);
		struct cell *row = row_copy(PARKED_TICKETS, slot_row(slot, s->transaction));
		int64_t left = cell_number(row[PT_EVENTS]) - cell_number(counts.items[i]);
		row[PT_EVENTS] = cell_int8(left);
		row[PT_NEXT] = cell_time(sim_now_us());
		slot_put(s->transaction, slot, left == 0 ? NULL : row);
	}
	return true;
}

bool parked_later(struct statement *s)
{
	struct elements ids = elements_of(s->params[PARKED_LATER_PARAM_TICKET_IDS]);
	for (size_t i = 0; i < ids.n; i++) {
		struct slot *slot = table_find(PARKED_TICKETS, &ids.items[i]);
		if (slot == NULL || slot_row(slot, s->transaction) == NULL)
			continue;
		if (!slot_lock(s->transaction, slot))
			return false;
		struct cell *row = row_copy(PARKED_TICKETS, slot_row(slot, s->transaction));
		int64_t attempts = cell_same(row[PT_REASON], s->params[PARKED_LATER_PARAM_REASON])
		                           ? cell_number(row[PT_ATTEMPTS]) + 1
		                           : 1;
		int64_t pause_us = cell_number(s->params[PARKED_LATER_PARAM_FIRST_US])
		                   << (attempts < 40 ? attempts : 40);
		int64_t longest_us = cell_number(s->params[PARKED_LATER_PARAM_LONGEST_US]);
		row[PT_REASON] = cell_text(cell_as_text(s->params[PARKED_LATER_PARAM_REASON]));
		row[PT_ATTEMPTS] = cell_int4(attempts);
		row[PT_NEXT] = cell_time(sim_now_us() + (pause_us < longest_us ? pause_us : longest_us));
		slot_put(s->transaction, slot, row);
	}
	return true;
}

bool parked_count(struct statement *s)
{
	int64_t n = 0, n_refused = 0;
	for (size_t i = 0; i < store[PARKED_TICKETS].n; i++) {
		const struct cell *row = slot_row(store[PARKED_TICKETS].slots[i], s->transaction);
		n += row != NULL;
		n_refused += row != NULL && cell_is(row[PT_REASON], "refused");
	}
	add_row(s,
	        (struct cell[]){
	                [PARKED_COUNT_N_PARKED] = cell_int8(n), [PARKED_COUNT_N_REFUSED] = cell_int8(n_refused)},
	        PARKED_COUNT_N_COLUMNS);
	return true;
}

bool parked_counted(struct statement *s)
{
	(void)s; /* the store does not count them */
	return true;
}

bool ticket_read_skip(struct statement *s)
{
	struct elements ids = elements_of(s->params[TICKET_READ_PARAM_TICKET_IDS]);
	if (ids.n > 1)
		qsort(ids.items, ids.n, sizeof(struct cell), compare_texts);
	for (size_t i = 0; i < ids.n; i++) {
		struct slot *slot = table_find(TICKETS, &ids.items[i]);
		const struct cell *row = slot == NULL ? NULL : slot_row(slot, s->transaction);
		if (row == NULL)
			continue;
		if (slot->owner == NULL || slot->owner == s->transaction) {
			slot_lock(s->transaction, slot);
			add_ticket(s, slot_row(slot, s->transaction));
		} else {
			add_row(s,
			        (struct cell[]){[TICKET_READ_TICKET_ID] = row[0],
			                        [TICKET_READ_REV] = cell_null(),
			                        [TICKET_READ_AS_OF] = cell_null(),
			                        [TICKET_READ_OPENED_AT] = cell_null(),
			                        [TICKET_READ_REVISION_NO] = cell_null(),
			                        [TICKET_READ_HISTORY] = cell_null()},
			        TICKET_READ_N_COLUMNS);
		}
	}
	return true;
}
