/* In-memory tables with what the SQL relies on: read committed, one writer per row, rows visible to others at
 * commit. */
#include <endian.h>
#include <string.h>

#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"
#include "sim.h"

#define PG_EPOCH_US (INT64_C(946684800) * US_PER_SECOND)

struct table store[N_TABLES];

void store_start(void)
{
	static const struct table empty[N_TABLES] = {
	        [SETTINGS] = {"setting", 2, 1, NULL, 0, 0},
	        [REVISIONS] = {"policy_revision", 3, 1, NULL, 0, 0}, /* id, revision_no, json */
	        [SOURCES] = {"source_partition", SP_COLUMNS, 2, NULL, 0, 0},
	        [HEARTBEATS] = {"heartbeat", H_COLUMNS, 1, NULL, 0, 0},
	        [GAPS] = {"gap", 5, 1, NULL, 0, 0}, /* gap_no, topic, partition, expected_offset, accepted */
	        [TICKETS] = {"ticket", 40, 1, NULL, 0, 0},
	        [CYCLES] = {"past_cycle", 11, 2, NULL, 0, 0},
	        [KPIS] = {"agent_kpi_5m", 30, 2, NULL, 0, 0},
	        [BACKLOG] = {"agent_backlog", 2, 1, NULL, 0, 0},
	        [CLOCKS] = {"sla_clock", 14, 3, NULL, 0, 0},
	        [ALERTS] = {"alert", 22, 1, NULL, 0, 0},
	        [OUTBOX] = {"outbox", 4, 1, NULL, 0, 0}, /* seq, alert_id, revision, state */
	        [LEASES] = {"lease", L_COLUMNS, 1, NULL, 0, 0},
	        [LETTERS] = {"dead_letter", 13, 4, NULL, 0, 0}, /* the fourth key is the value */
	        [CONFLICTS] = {"dead_letter_conflict", 1, 1, NULL, 0, 0},
	        [PARKED_TICKETS] = {"parked_ticket", PT_COLUMNS, 1, NULL, 0, 0},
	        [PARKED_EVENTS] = {"parked_event", PE_COLUMNS, 1, NULL, 0, 0},
	        [MAPPING_USES] = {"mapping_use", MU_COLUMNS, 2, NULL, 0, 0},
	};
	memcpy(store, empty, sizeof(store));
}

/* ---- cells ---- */

struct cell cell_null(void)
{
	return (struct cell){NULL, -1};
}

static struct cell cell_of(const void *bytes, int32_t len)
{
	char *copy = sim_alloc((size_t)len + 1);
	if (len > 0)
		memcpy(copy, bytes, (size_t)len);
	return (struct cell){copy, len};
}

struct cell cell_int4(int64_t value)
{
	uint32_t big_endian = htobe32((uint32_t)value);
	return cell_of(&big_endian, 4);
}

struct cell cell_int8(int64_t value)
{
	uint64_t big_endian = htobe64((uint64_t)value);
	return cell_of(&big_endian, 8);
}

struct cell cell_bool(bool value)
{
	return (struct cell){value ? "\1" : "\0", 1};
}

struct cell cell_text(struct text text)
{
	return text_is_absent(text) ? cell_null() : cell_of(text.ptr, (int32_t)text.len);
}

struct cell cell_time(int64_t us)
{
	return cell_int8(us == INT64_MIN || us == INT64_MAX ? us : us - PG_EPOCH_US);
}

int64_t cell_number(struct cell cell)
{
	if (cell.len < 0)
		return INT64_MIN;
	uint64_t value = cell.len > 0 && cell.data[0] < 0 && cell.len < 8 ? UINT64_MAX : 0;
	for (int32_t i = 0; i < cell.len; i++)
		value = value << 8 | (unsigned char)cell.data[i];
	return (int64_t)value;
}

int64_t cell_us(struct cell cell)
{
	int64_t us = cell_number(cell);
	return us == INT64_MIN || us == INT64_MAX ? us : us + PG_EPOCH_US;
}

struct text cell_as_text(struct cell cell)
{
	return cell.len < 0 ? TEXT_ABSENT : (struct text){cell.data, (uint32_t)cell.len};
}

bool cell_same(struct cell a, struct cell b)
{
	return a.len == b.len && (a.len <= 0 || memcmp(a.data, b.data, (size_t)a.len) == 0);
}

bool cell_is(struct cell cell, const char *word)
{
	return text_equal(cell_as_text(cell), text_of(word));
}

/* ---- rows ---- */

struct cell *slot_row(const struct slot *slot, const struct transaction *transaction)
{
	return slot->written && slot->owner == transaction ? slot->pending : slot->committed;
}

static const struct cell *key_of(const struct slot *slot)
{
	return (const struct cell *)(slot + 1);
}

struct slot *table_find(enum store_table number, const struct cell *key)
{
	const struct table *table = &store[number];
	for (size_t i = 0; i < table->n; i++) {
		const struct cell *have = key_of(table->slots[i]);
		int column = 0;
		while (column < table->n_keys && cell_same(have[column], key[column]))
			column++;
		if (column == table->n_keys)
			return table->slots[i];
	}
	return NULL;
}

struct slot *table_place(enum store_table number, const struct cell *key)
{
	struct table *table = &store[number];
	struct slot *slot = table_find(number, key);
	if (slot != NULL)
		return slot;
	size_t key_bytes = (size_t)table->n_keys * sizeof(*key);
	slot = sim_alloc(sizeof(*slot) + key_bytes);
	memcpy(slot + 1, key, key_bytes);
	if (table->n == table->capacity) {
		struct slot **old = table->slots;
		table->capacity = table->capacity == 0 ? 16 : table->capacity * 2;
		table->slots = sim_alloc(table->capacity * sizeof(struct slot *));
		if (table->n > 0)
			memcpy(table->slots, old, table->n * sizeof(struct slot *));
	}
	table->slots[table->n++] = slot;
	return slot;
}

bool slot_lock(struct transaction *transaction, struct slot *slot)
{
	if (slot->owner == transaction)
		return true;
	if (slot->owner != NULL) {
		transaction->waits_for = slot;
		return false;
	}
	slot->owner = transaction;
	if (transaction->n == transaction->capacity) {
		struct slot **old = transaction->locked;
		transaction->capacity = transaction->capacity == 0 ? 16 : transaction->capacity * 2;
		transaction->locked = sim_alloc(transaction->capacity * sizeof(struct slot *));
		if (transaction->n > 0)
			memcpy(transaction->locked, old, transaction->n * sizeof(struct slot *));
	}
	transaction->locked[transaction->n++] = slot;
	return true;
}

void slot_put(struct transaction *transaction, struct slot *slot, struct cell *row)
{
	if (slot->owner != transaction)
		sim_fail("the simulation writes a row without locking it");
	slot->pending = row;
	slot->written = true;
}

struct cell *row_copy(enum store_table table, const struct cell *row)
{
	size_t bytes = (size_t)store[table].n_columns * sizeof(*row);
	struct cell *copy = sim_alloc(bytes);
	memcpy(copy, row, bytes);
	return copy;
}

void transaction_end(struct transaction *transaction, bool commit)
{
	if (commit)
		check_commit_invariants(transaction);
	for (size_t i = 0; i < transaction->n; i++) {
		struct slot *slot = transaction->locked[i];
		if (commit && slot->written)
			slot->committed = slot->pending;
		slot->pending = NULL;
		slot->written = false;
		slot->owner = NULL;
	}
	transaction->n = 0;
	transaction->waits_for = NULL;
	transaction->has_sources = transaction->has_alerts = transaction->has_deadline = false;
	sessions_wake();
}
