/* The statements about heartbeats: rows that vouch for partitions. */
#include "kpid/core/timestamp.h"
#include "queries.h"
#include "sql/queries.h"

struct cell source_complete(const struct cell *row, const struct transaction *transaction)
{
	const struct slot *slot = row[SP_HEARTBEAT].len < 0 ? NULL : table_find(HEARTBEATS, &row[SP_HEARTBEAT]);
	const struct cell *heartbeat = slot == NULL ? NULL : slot_row(slot, transaction);
	if (heartbeat == NULL)
		return row[SP_COMPLETE];
	if (heartbeat[H_EXCEPT_NOS].len < 0)
		return greatest(row[SP_COMPLETE], heartbeat[H_UNTIL]);
	struct elements nos = elements_of(heartbeat[H_EXCEPT_NOS]), untils = elements_of(heartbeat[H_EXCEPT_UNTIL]);
	for (size_t i = 0; i < nos.n; i++)
		if (cell_same(nos.items[i], row[SP_NO]))
			return greatest(row[SP_COMPLETE], untils.items[i]);
	return greatest(row[SP_COMPLETE], heartbeat[H_UNTIL]);
}

bool heartbeat_share(struct statement *s, const struct cell *source)
{
	struct slot *slot = source[SP_HEARTBEAT].len < 0 ? NULL : table_find(HEARTBEATS, &source[SP_HEARTBEAT]);
	return slot == NULL || slot_lock(s->transaction, slot);
}

bool heartbeat_start(struct statement *s)
{
	struct cell row[H_COLUMNS] = {cell_int8((int64_t)store[HEARTBEATS].n + 1), cell_time(TIME_NONE), cell_null(),
	                              cell_null()};
	struct slot *slot = table_place(HEARTBEATS, row);
	if (!slot_lock(s->transaction, slot))
		return false;
	slot_put(s->transaction, slot, row_copy(HEARTBEATS, row));
	add_row(s, &row[H_NO], HEARTBEAT_START_N_COLUMNS);
	return true;
}

bool heartbeat_beat(struct statement *s)
{
	struct slot *slot = table_find(HEARTBEATS, &s->params[HEARTBEAT_BEAT_PARAM_HEARTBEAT_NO]);
	if (slot == NULL || slot_row(slot, s->transaction) == NULL) {
		set_affected(s, 0);
		return true;
	}
	if (!slot_lock(s->transaction, slot))
		return false;
	s->transaction->has_sources = true;
	struct cell *row = row_copy(HEARTBEATS, slot_row(slot, s->transaction));
	row[H_UNTIL] = not_ahead(row[H_UNTIL], s->params[HEARTBEAT_BEAT_PARAM_COMPLETE_UNTIL]);
	row[H_EXCEPT_NOS] = s->params[HEARTBEAT_BEAT_PARAM_EXCEPT_NOS];
	row[H_EXCEPT_UNTIL] = s->params[HEARTBEAT_BEAT_PARAM_EXCEPT_UNTIL];
	slot_put(s->transaction, slot, row);
	set_affected(s, 1);
	return true;
}

static bool names(const struct cell *row, struct cell heartbeat_no)
{
	return row != NULL && cell_same(row[SP_HEARTBEAT], heartbeat_no);
}

static bool is_among(struct elements numbers, struct cell number)
{
	for (size_t i = 0; i < numbers.n; i++)
		if (cell_same(numbers.items[i], number))
			return true;
	return false;
}

bool heartbeat_leave(struct statement *s)
{
	struct elements numbers = elements_of(s->params[HEARTBEAT_LEAVE_PARAM_SOURCE_NOS]);
	for (size_t i = 0; i < numbers.n; i++) {
		struct slot *slot = source_by_no(cell_number(numbers.items[i]), s->transaction);
		if (slot == NULL || (slot->owner != NULL && slot->owner != s->transaction) ||
		    !names(slot_row(slot, s->transaction), s->params[HEARTBEAT_LEAVE_PARAM_HEARTBEAT_NO]))
			continue;
		slot_lock(s->transaction, slot);
		struct cell *row = row_copy(SOURCES, slot_row(slot, s->transaction));
		row[SP_COMPLETE] = source_complete(row, s->transaction);
		row[SP_SEEN] = greatest(row[SP_SEEN], row[SP_COMPLETE]);
		row[SP_HEARTBEAT] = cell_null();
		slot_put(s->transaction, slot, row);
	}
	return true;
}

bool heartbeat_check(struct statement *s)
{
	struct elements excepted = elements_of(s->params[HEARTBEAT_CHECK_PARAM_EXCEPT_NOS]);
	int64_t n = 0, epochs = 0, left = 0;
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = slot_row(store[SOURCES].slots[i], s->transaction);
		if (!names(row, s->params[HEARTBEAT_CHECK_PARAM_HEARTBEAT_NO]))
			continue;
		if (is_among(excepted, row[SP_NO])) {
			left++;
			continue;
		}
		n++;
		epochs += cell_number(row[SP_EPOCH]);
	}
	add_row(s,
	        (struct cell[]){[HEARTBEAT_CHECK_N_VOUCHED] = cell_int8(n),
	                        [HEARTBEAT_CHECK_EPOCHS] = cell_int8(epochs),
	                        [HEARTBEAT_CHECK_N_LEFT] = cell_int8(left),
	                        [HEARTBEAT_CHECK_NOW] = NOW},
	        HEARTBEAT_CHECK_N_COLUMNS);
	return true;
}
