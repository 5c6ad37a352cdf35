/* The statements of sql/queries/ that the daemon's decision path issues, reimplemented from their files. A
 * statement first locks all its rows, in the order in which its file does, and changes nothing before it has them.
 * If it has to wait, it is run again from the beginning and sees what was committed meanwhile.
 *
 * Here are parameters, results, sums, dead letters, settings and policies, and the table of all statements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/sqlstate.h"
#include "kpid/core/kpi.h"
#include "kpid/core/timestamp.h"
#include "queries.h"
#include "sql/queries.h"

/* ---- parameters ---- */

static uint32_t be32(const char *at)
{
	const unsigned char *bytes = (const unsigned char *)at;
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static struct cell take(const char **at)
{
	struct cell cell = {*at + 4, (int32_t)be32(*at)};
	*at += 4 + (cell.len < 0 ? 0 : cell.len);
	return cell;
}

struct elements elements_of(struct cell array)
{
	struct elements elements = {NULL, 0};
	if (be32(array.data) == 0)
		return elements;
	elements.n = be32(array.data + 12);
	elements.items = sim_alloc(elements.n * sizeof(struct cell));
	const char *at = array.data + 20;
	for (size_t i = 0; i < elements.n; i++)
		elements.items[i] = take(&at);
	return elements;
}

enum { NUMERIC_OID = 1700 };

static bool is_element(const struct elements *elements, const struct cell *cell)
{
	for (size_t i = 0; i < elements->n; i++)
		if (elements->items[i].len == cell->len &&
		    memcmp(elements->items[i].data, cell->data, (size_t)cell->len) == 0)
			return true;
	return false;
}

/* A numeric without decimal places. The store keeps it in 64 bits, which no seed exceeds. */
static struct cell cell_of_numeric(struct cell numeric)
{
	enum { HEADER_BYTES = 8, NEGATIVE = 0x4000 };
	if (numeric.len < 0)
		return numeric;
	const unsigned char *at = (const unsigned char *)numeric.data;
	int n_digits = at[0] << 8 | at[1], weight = at[2] << 8 | at[3];
	bool negative = (at[4] << 8 | at[5]) == NEGATIVE;
	int64_t value = 0;
	for (int i = 0; i <= weight && n_digits > 0; i++) {
		const unsigned char *digit = at + HEADER_BYTES + (ptrdiff_t)i * 2;
		int64_t next = i < n_digits ? digit[0] << 8 | digit[1] : 0;
		if (__builtin_mul_overflow(value, 10000, &value) || __builtin_add_overflow(value, next, &value))
			sim_fail("a numeric is beyond 64 bits");
	}
	return cell_int8(negative ? -value : value);
}

/* An array of a table's row type. */
struct rows rows_of(struct cell array, enum store_table table)
{
	struct elements elements = elements_of(array);
	struct rows rows = {sim_alloc(elements.n * sizeof(struct cell *)), elements.n};
	for (size_t i = 0; i < rows.n; i++) {
		const char *at = elements.items[i].data + 4;
		int n_columns = (int)be32(elements.items[i].data);
		if (n_columns != store[table].n_columns) {
			sim_fail("a row of %s with %d columns", store[table].name, n_columns);
			return (struct rows){NULL, 0};
		}
		rows.items[i] = sim_alloc((size_t)n_columns * sizeof(struct cell));
		for (int column = 0; column < n_columns; column++) {
			uint32_t oid = be32(at);
			at += 4;
			struct cell cell = take(&at);
			rows.items[i][column] = oid == NUMERIC_OID ? cell_of_numeric(cell) : cell;
		}
	}
	return rows;
}

/* ---- results ---- */

void add_row(struct statement *s, const struct cell *cells, int n)
{
	PGresult *result = s->result;
	struct cell *grown = sim_alloc((size_t)((result->n_rows + 1) * n) * sizeof(*grown));
	if (result->n_rows > 0)
		memcpy(grown, result->cells, (size_t)(result->n_rows * n) * sizeof(*grown));
	memcpy(grown + result->n_rows * n, cells, (size_t)n * sizeof(*grown));
	result->cells = grown;
	result->n_columns = n;
	result->n_rows++;
}

void statement_add_row(struct statement *s, const struct cell *cells, int n)
{
	add_row(s, cells, n);
}

const struct cell *statement_elements(struct cell array, size_t *n_out)
{
	struct elements elements = elements_of(array);
	*n_out = elements.n;
	return elements.items;
}

void set_affected(struct statement *s, size_t n)
{
	snprintf(s->result->affected, sizeof(s->result->affected), "%zu", n);
}

bool lock_keys(struct statement *s, enum store_table table, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (!slot_lock(s->transaction, table_place(table, rows->items[i])))
			return false;
	return true;
}

/* As a plain INSERT: waits for others that insert the same keys, and then fails if they exist. */
static bool insert_all(struct statement *s, enum store_table table)
{
	struct rows rows = rows_of(s->params[0], table);
	if (!lock_keys(s, table, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		if (table == TICKETS && sim_refuses(cell_as_text(rows.items[i][0])))
			s->refused_sqlstate = "22003", s->refused_message = "value out of range";
		else if (s->refused_sqlstate == NULL &&
		         slot_row(table_find(table, rows.items[i]), s->transaction) != NULL)
			s->refused_sqlstate = SQLSTATE_NOT_UNIQUE, s->refused_message = "duplicate key";
	}
	if (s->refused_sqlstate != NULL) {
		sim_counts.collisions += strcmp(s->refused_sqlstate, SQLSTATE_NOT_UNIQUE) == 0;
		return true;
	}
	for (size_t i = 0; i < rows.n; i++)
		slot_put(s->transaction, table_find(table, rows.items[i]), rows.items[i]);
	set_affected(s, rows.n);
	sim_counts.inserted += rows.n;
	return true;
}

static bool ticket_insert(struct statement *s)
{
	return insert_all(s, TICKETS);
}

static bool kpi_insert(struct statement *s)
{
	return insert_all(s, KPIS);
}

static bool alert_insert(struct statement *s)
{
	return insert_all(s, ALERTS);
}

/* ---- sums ---- */

/* NULL is 0. */
static struct cell sum_of_measure(struct cell old, struct cell change)
{
	if (change.len < 0)
		return old;
	int64_t sum = (old.len < 0 ? 0 : cell_number(old)) + cell_number(change);
	return sum == 0 ? cell_null() : cell_int8(sum);
}

static bool add_all(struct statement *s, enum store_table table)
{
	struct rows rows = rows_of(s->params[0], table);
	if (!lock_keys(s, table, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		struct slot *slot = table_find(table, rows.items[i]);
		const struct cell *old = slot_row(slot, s->transaction);
		struct cell *row = rows.items[i];
		for (int column = store[table].n_keys; column < store[table].n_columns; column++)
			if (old != NULL)
				row[column] = sum_of_measure(old[column], row[column]);
		slot_put(s->transaction, slot, row);
	}
	return true;
}

static bool kpi_add(struct statement *s)
{
	return add_all(s, KPIS);
}

static bool backlog_add(struct statement *s)
{
	return add_all(s, BACKLOG);
}

/* ---- dead letters ---- */

static bool dead_letter_put(struct statement *s)
{
	enum { VALUE = 5, SHA = 7 };
	struct rows rows = rows_of(s->params[DEAD_LETTER_PUT_PARAM_ROWS], LETTERS);
	for (size_t i = 0; i < rows.n; i++) {
		struct cell *row = rows.items[i];
		const struct slot *source = source_by_no(cell_number(row[1]), s->transaction);
		if (cell_is(row[0], "?") && source != NULL) {
			const struct cell *known = slot_row(source, s->transaction);
			row[0] = known[SP_TOPIC];
			row[1] = known[SP_PARTITION];
		}
		const struct cell key[] = {row[0], row[1], row[2], row[VALUE]};
		struct slot *slot = table_place(LETTERS, key);
		struct slot *conflict = row[SHA].len < 0 ? NULL : table_place(CONFLICTS, &row[SHA]);
		if (!slot_lock(s->transaction, slot) || (conflict != NULL && !slot_lock(s->transaction, conflict)))
			return false;
		if (slot_row(slot, s->transaction) != NULL ||
		    (conflict != NULL && slot_row(conflict, s->transaction) != NULL))
			continue;
		slot_put(s->transaction, slot, row);
		if (conflict != NULL)
			slot_put(s->transaction, conflict, row_copy(CONFLICTS, &row[SHA]));
	}
	return true;
}

/* ---- settings and policies ---- */

static bool settings_agree(struct statement *s)
{
	const struct cell keys[2] = {cell_text(TEXT("kpi.fcr_window_us")), cell_text(TEXT("rules.version"))};
	/* The first two of those that are given; the others never differ here. */
	struct elements given = elements_of(s->params[SETTINGS_AGREE_PARAM_SETTINGS]);
	const struct cell ours[2] = {given.items[0], given.items[1]};
	for (int i = 0; i < 2; i++)
		if (!slot_lock(s->transaction, table_place(SETTINGS, &keys[i])))
			return false;
	for (int i = 0; i < 2; i++) {
		struct slot *slot = table_find(SETTINGS, &keys[i]);
		struct cell row[2] = {keys[i], ours[i]};
		if (slot_row(slot, s->transaction) == NULL)
			slot_put(s->transaction, slot, row_copy(SETTINGS, row));
		add_row(s,
		        (struct cell[]){[SETTINGS_AGREE_NAME] = keys[i],
		                        [SETTINGS_AGREE_STORED] = slot_row(slot, s->transaction)[1],
		                        [SETTINGS_AGREE_OURS] = ours[i],
		                        [SETTINGS_AGREE_PUT] = cell_bool(false)},
		        SETTINGS_AGREE_N_COLUMNS);
	}
	return true;
}

static bool policy_store(struct statement *s)
{
	struct elements ids = elements_of(s->params[POLICY_STORE_PARAM_IDS]),
	                texts = elements_of(s->params[POLICY_STORE_PARAM_JSONS]);
	for (size_t i = 0; i < ids.n; i++) {
		struct slot *slot = table_place(REVISIONS, &ids.items[i]);
		if (!slot_lock(s->transaction, slot))
			return false;
		struct cell row[3] = {ids.items[i], cell_int4((int64_t)store[REVISIONS].n), texts.items[i]};
		if (slot_row(slot, s->transaction) == NULL)
			slot_put(s->transaction, slot, row_copy(REVISIONS, row));
	}
	return true;
}

static bool policy_load(struct statement *s)
{
	struct elements numbers = elements_of(s->params[POLICY_LOAD_PARAM_REVISION_NOS]),
	                ids = elements_of(s->params[POLICY_LOAD_PARAM_IDS]);
	for (size_t i = 0; i < store[REVISIONS].n; i++) {
		const struct cell *row = slot_row(store[REVISIONS].slots[i], s->transaction);
		if (row != NULL && (is_element(&numbers, &row[1]) || is_element(&ids, &row[0])))
			add_row(s,
			        (struct cell[]){[POLICY_LOAD_REVISION_NO] = row[1],
			                        [POLICY_LOAD_ID] = row[0],
			                        [POLICY_LOAD_JSON] = row[2]},
			        POLICY_LOAD_N_COLUMNS);
	}
	return true;
}

/* ---- mappings ---- */

/* The row of a source that begins last, at or before an offset. */
static const struct cell *mapping_use_before(const struct statement *s, const struct cell *source_no, int64_t offset)
{
	const struct cell *last = NULL;
	for (size_t i = 0; i < store[MAPPING_USES].n; i++) {
		const struct cell *row = slot_row(store[MAPPING_USES].slots[i], s->transaction);
		if (row != NULL && cell_same(row[MU_SOURCE], *source_no) && cell_number(row[MU_FROM]) <= offset &&
		    (last == NULL || cell_number(row[MU_FROM]) > cell_number(last[MU_FROM])))
			last = row;
	}
	return last;
}

static bool mapping_use_put(struct statement *s)
{
	enum { FIRST_COUNT = MU_RECORDS, N_COUNTS = MU_COLUMNS - MU_RECORDS };
	static const int params[MU_COLUMNS] = {
	        [MU_SOURCE] = MAPPING_USE_PUT_PARAM_SOURCE_NOS,
	        [MU_FROM] = MAPPING_USE_PUT_PARAM_FROM_OFFSETS,
	        [MU_MAPPING] = MAPPING_USE_PUT_PARAM_MAPPINGS,
	        [MU_VERSION] = MAPPING_USE_PUT_PARAM_VERSIONS,
	        [MU_RECORDS] = MAPPING_USE_PUT_PARAM_NS_RECORDS,
	        [MU_EVENTS] = MAPPING_USE_PUT_PARAM_NS_EVENTS,
	        [MU_SKIPPED] = MAPPING_USE_PUT_PARAM_NS_SKIPPED,
	        [MU_TOMBSTONES] = MAPPING_USE_PUT_PARAM_NS_TOMBSTONES,
	        [MU_REJECTED] = MAPPING_USE_PUT_PARAM_NS_REJECTED,
	};
	struct elements given[MU_COLUMNS];
	for (int column = 0; column < MU_COLUMNS; column++)
		given[column] = elements_of(s->params[params[column]]);
	for (size_t i = 0; i < given[0].n; i++) {
		struct cell row[MU_COLUMNS];
		for (int column = 0; column < MU_COLUMNS; column++)
			row[column] = given[column].items[i];
		const struct cell *last = mapping_use_before(s, &row[MU_SOURCE], cell_number(row[MU_FROM]));
		if (last != NULL && cell_same(last[MU_MAPPING], row[MU_MAPPING]) &&
		    cell_same(last[MU_VERSION], row[MU_VERSION]))
			row[MU_FROM] = last[MU_FROM];
		struct slot *slot = table_place(MAPPING_USES, row);
		if (!slot_lock(s->transaction, slot))
			return false;
		const struct cell *old = slot_row(slot, s->transaction);
		for (int column = FIRST_COUNT; old != NULL && column < FIRST_COUNT + N_COUNTS; column++)
			row[column] = cell_int8(cell_number(old[column]) + cell_number(row[column]));
		slot_put(s->transaction, slot, row_copy(MAPPING_USES, row));
	}
	return true;
}

/* Only letters of mapped topics expire, after more days than a seed lasts. */
static bool dead_letters_expire(struct statement *s)
{
	add_row(s, (struct cell[]){[DEAD_LETTERS_EXPIRE_N] = cell_int8(0)}, DEAD_LETTERS_EXPIRE_N_COLUMNS);
	return true;
}

/* Features that the simulation does not have: acknowledgements, silences, calendars with hours, topics without
 * events. */
static bool nothing(struct statement *s)
{
	(void)s;
	return true;
}

bool statement_run(struct statement *statement)
{
	static const struct {
		const char *name;
		bool (*run)(struct statement *s);
		bool touches_sources;
	} statements[] = {
	        {"tick", tick, false},
	        {"offset_lock", offset_lock, true},
	        {"offset_move", offset_move, true},
	        {"ticket_read", ticket_read, false},
	        {"ticket_read_locked", ticket_read_locked, false},
	        {"ticket_read_skip", ticket_read_skip, false},
	        {"parked_among", parked_among, false},
	        {"parked_put", parked_put, false},
	        {"parked_due", parked_due, false},
	        {"parked_lock", parked_lock, true},
	        {"parked_take", parked_take, false},
	        {"parked_end", parked_end, false},
	        {"parked_later", parked_later, false},
	        {"parked_count", parked_count, false},
	        {"parked_counted", parked_counted, true},
	        {"ticket_write", ticket_write, false},
	        {"ticket_update", ticket_update, false},
	        {"ticket_insert", ticket_insert, false},
	        {"alert_insert", alert_insert, false},
	        {"kpi_insert", kpi_insert, false},
	        {"cycle_delete", cycle_delete, false},
	        {"cycle_put", cycle_put, false},
	        {"clock_delete", clock_delete, false},
	        {"clock_put", clock_put, false},
	        {"clock_put_idle", clock_put, false},
	        {"alert_put", alert_put, false},
	        {"alert_void", alert_void, false},
	        {"kpi_add", kpi_add, false},
	        {"backlog_add", backlog_add, false},
	        {"dead_letter_put", dead_letter_put, false},
	        {"deadlines_due", deadlines_due, false},
	        {"deadlines_next", deadlines_next, false},
	        {"deadline_wake", deadline_wake, true},
	        {"source_observed", source_observed, true},
	        {"heartbeat_start", heartbeat_start, false},
	        {"heartbeat_beat", heartbeat_beat, false},
	        {"heartbeat_leave", heartbeat_leave, true},
	        {"heartbeat_check", heartbeat_check, true},
	        {"source_verify", source_verify, true},
	        {"source_release", source_release, true},
	        {"source_claim", source_claim, true},
	        {"source_introduce", source_introduce, true},
	        {"source_stop", source_stop, true},
	        {"source_begin", source_begin, true},
	        {"terminate_stalled", terminate_stalled, false},
	        {"batch_elsewhere", batch_elsewhere, false},
	        {"unowned_partitions", unowned_partitions, true},
	        {"settings_agree", settings_agree, false},
	        {"settings_list", nothing, false},
	        {"policy_store", policy_store, false},
	        {"policy_load", policy_load, false},
	        {"lease_take", lease_take_run, false},
	        {"lease_hold", lease_hold_run, false},
	        {"outbox_read", outbox_read_run, false},
	        {"outbox_delete", outbox_delete_run, false},
	        {"outbox_oldest", outbox_oldest_run, false},
	        {"alert_apply_acks", nothing, false},
	        {"silence_expire", nothing, false},
	        {"calendar_asked", nothing, false},
	        {"calendar_link", nothing, false},
	        {"calendar_put", nothing, false},
	        {"unknown_types", nothing, false},
	        {"mapping_use_put", mapping_use_put, false},
	        {"mapping_skip_put", nothing, false},
	        {"dead_letters_expire", dead_letters_expire, false},
	};
	const char *name = strrchr(statement->file, '/') + 1;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		size_t len = strlen(statements[i].name);
		if (strncmp(name, statements[i].name, len) != 0 || strcmp(name + len, ".sql") != 0)
			continue;
		if (statements[i].touches_sources)
			statement->transaction->has_sources = true;
		statement->transaction->waits_for = NULL;
		statement->result->n_rows = 0;
		return statements[i].run(statement);
	}
	sim_fail("the simulation does not implement %s", statement->file);
	return true;
}
