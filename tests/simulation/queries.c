/* The statements of sql/queries/ that the daemon's decision path issues, each by the words of its file. A statement
 * first locks all its rows in the order in which its file does, and changes nothing before it has them: one that has to
 * wait is run again from its beginning, and sees what was committed meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/core/kpi.h"
#include "kpid/core/timestamp.h"
#include "queries.h"

#define NOW cell_time(sim_now_us())

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

struct rows {
	struct cell **items;
	size_t n;
};

/* A numeric without decimal places, which the store keeps as 64 bits: no seed sums up that much. */
static struct cell cell_of_numeric(struct cell numeric)
{
	enum { HEADER_BYTES = 8, NEGATIVE = 0x4000 };
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

/* Of an array of a table's row type. */
static struct rows rows_of(struct cell array, enum store_table table)
{
	struct elements elements = elements_of(array);
	struct rows rows = {sim_alloc(elements.n * sizeof(struct cell *)), elements.n};
	for (size_t i = 0; i < rows.n; i++) {
		const char *at = elements.items[i].data + 4;
		int n_columns = (int)be32(elements.items[i].data);
		if (n_columns != store[table].n_columns) {
			sim_fail("a row of %s has %d columns", store[table].name, n_columns);
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

static bool lock_keys(struct statement *s, enum store_table table, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (!slot_lock(s->transaction, table_place(table, rows->items[i])))
			return false;
	return true;
}

/* ---- sources ---- */

struct slot *source_by_no(int64_t source_no, const struct transaction *transaction)
{
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = slot_row(store[SOURCES].slots[i], transaction);
		if (row != NULL && cell_number(row[SP_NO]) == source_no)
			return store[SOURCES].slots[i];
	}
	return NULL;
}

bool source_has_fingerprint(int topic, int partition)
{
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = store[SOURCES].slots[i]->committed;
		if (row != NULL && kafka_topic_no(cell_as_text(row[SP_TOPIC])) == topic &&
		    cell_number(row[SP_PARTITION]) == partition)
			return row[SP_NEXT].len < 0 || row[SP_FINGERPRINT].len >= 0;
	}
	return true;
}

static bool is_at(const struct cell *row, struct cell epoch, struct cell offset)
{
	return row != NULL && cell_same(row[SP_EPOCH], epoch) && cell_same(row[SP_NEXT], offset);
}

static int64_t next_source_no(void)
{
	int64_t last = 0;
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct slot *slot = store[SOURCES].slots[i];
		const struct cell *rows[] = {slot->committed, slot->pending};
		for (int j = 0; j < 2; j++)
			if (rows[j] != NULL && cell_number(rows[j][SP_NO]) > last)
				last = cell_number(rows[j][SP_NO]);
	}
	return last + 1;
}

static struct cell *new_source(struct cell topic, struct cell partition, int64_t epoch, struct cell owner)
{
	struct cell row[SP_COLUMNS] = {topic,
	                               partition,
	                               cell_int4(next_source_no()),
	                               cell_int8(epoch),
	                               owner,
	                               cell_null(),
	                               cell_null(),
	                               cell_null(),
	                               cell_time(TIME_NONE),
	                               NOW,
	                               cell_text(TEXT("running")),
	                               cell_int8(0),
	                               cell_int8(0),
	                               cell_null(),
	                               cell_null(),
	                               cell_null()};
	return row_copy(SOURCES, row);
}

static int compare_claims(const void *a, const void *b)
{
	struct cell *const *x = a, *const *y = b;
	const struct slot *known_x = table_find(SOURCES, *x), *known_y = table_find(SOURCES, *y);
	int64_t no_x =
	        known_x == NULL || known_x->committed == NULL ? INT64_MAX : cell_number(known_x->committed[SP_NO]);
	int64_t no_y =
	        known_y == NULL || known_y->committed == NULL ? INT64_MAX : cell_number(known_y->committed[SP_NO]);
	if (no_x != no_y)
		return no_x < no_y ? -1 : 1;
	int order = text_compare(cell_as_text((*x)[0]), cell_as_text((*y)[0]));
	if (order != 0)
		return order;
	return cell_number((*x)[1]) < cell_number((*y)[1]) ? -1 : cell_number((*x)[1]) > cell_number((*y)[1]);
}

/* Keys (topic, partition) in the order in which the files lock. */
static struct rows partitions_of(const struct statement *s)
{
	struct elements topics = elements_of(s->params[0]), partitions = elements_of(s->params[1]);
	struct rows keys = {sim_alloc(topics.n * sizeof(struct cell *)), topics.n};
	for (size_t i = 0; i < keys.n; i++) {
		keys.items[i] = sim_alloc(2 * sizeof(struct cell));
		keys.items[i][0] = topics.items[i];
		keys.items[i][1] = partitions.items[i];
	}
	if (keys.n > 1)
		qsort(keys.items, keys.n, sizeof(struct cell *), compare_claims);
	return keys;
}

static struct cell checked_offset(const struct cell *row)
{
	if (row[SP_CHECKED].len >= 0 || row[SP_NEXT].len < 0)
		return row[SP_CHECKED];
	return cell_int8(cell_number(row[SP_NEXT]) - 1);
}

static bool source_claim(struct statement *s)
{
	struct rows keys = partitions_of(s);
	if (!lock_keys(s, SOURCES, &keys))
		return false;
	for (size_t i = 0; i < keys.n; i++) {
		struct slot *slot = table_find(SOURCES, keys.items[i]);
		const struct cell *old = slot_row(slot, s->transaction);
		struct cell *row;
		if (old == NULL) {
			row = new_source(keys.items[i][0], keys.items[i][1], 1, s->params[2]);
		} else {
			row = row_copy(SOURCES, old);
			row[SP_EPOCH] = cell_int8(cell_number(old[SP_EPOCH]) + 1);
			row[SP_OWNER] = s->params[2];
			row[SP_SEEN] = NOW;
			if (cell_is(row[SP_STATE], "finished"))
				row[SP_STATE] = cell_text(TEXT("running"));
		}
		slot_put(s->transaction, slot, row);
		add_row(s,
		        (struct cell[]){row[SP_TOPIC], row[SP_PARTITION], row[SP_NO], row[SP_EPOCH], row[SP_NEXT],
		                        row[SP_FINGERPRINT], row[SP_STATE], cell_null(), checked_offset(row),
		                        row[row[SP_CHECKED].len < 0 ? SP_FINGERPRINT : SP_CHECKED_FINGERPRINT]},
		        10);
	}
	return true;
}

static bool source_introduce(struct statement *s)
{
	struct rows keys = partitions_of(s);
	for (size_t i = 0; i < keys.n; i++) {
		struct slot *slot = table_place(SOURCES, keys.items[i]);
		if (slot_row(slot, s->transaction) != NULL)
			continue;
		if (!slot_lock(s->transaction, slot))
			return false;
		slot_put(s->transaction, slot, new_source(keys.items[i][0], keys.items[i][1], 0, cell_text(TEXT(""))));
	}
	return true;
}

static int compare_by_no(const void *a, const void *b)
{
	const struct cell *x = (*(struct slot *const *)a)->committed, *y = (*(struct slot *const *)b)->committed;
	return cell_number(x[SP_NO]) < cell_number(y[SP_NO]) ? -1 : 1;
}

/* Those that stand where they are expected, in the order of source_no; locked, as they are then. */
static struct rows lock_sources(struct statement *s, bool skip_locked, size_t **which_out, bool *waits_out)
{
	struct elements numbers = elements_of(s->params[0]), epochs = elements_of(s->params[1]);
	struct elements offsets = elements_of(s->params[2]);
	struct slot **slots = sim_alloc(numbers.n * sizeof(struct slot *));
	struct rows found = {sim_alloc(numbers.n * sizeof(struct cell *)), 0};
	size_t n = 0;
	*which_out = sim_alloc(numbers.n * sizeof(size_t));
	*waits_out = false;
	for (size_t i = 0; i < numbers.n; i++) {
		struct slot *slot = source_by_no(cell_number(numbers.items[i]), s->transaction);
		if (slot != NULL && is_at(slot_row(slot, s->transaction), epochs.items[i], offsets.items[i]) &&
		    !(skip_locked && slot->owner != NULL && slot->owner != s->transaction))
			slots[n++] = slot;
	}
	if (n > 1)
		qsort(slots, n, sizeof(struct slot *), compare_by_no);
	for (size_t j = 0; j < n; j++) {
		if (!slot_lock(s->transaction, slots[j])) {
			*waits_out = true;
			return found;
		}
		struct cell *row = slot_row(slots[j], s->transaction);
		for (size_t i = 0; i < numbers.n; i++) {
			if (row == NULL || cell_number(row[SP_NO]) != cell_number(numbers.items[i]))
				continue;
			(*which_out)[found.n] = i;
			found.items[found.n++] = row;
		}
	}
	return found;
}

static bool offset_lock(struct statement *s)
{
	size_t *which;
	bool waits;
	struct rows rows = lock_sources(s, false, &which, &waits);
	if (waits)
		return false;
	for (size_t i = 0; i < rows.n; i++)
		add_row(s, &rows.items[i][SP_NO], 1);
	return true;
}

static struct cell greatest(struct cell a, struct cell b)
{
	return cell_number(b) > cell_number(a) ? b : a;
}

/* The clock of the database is the true one, and never put back. */
static struct cell not_ahead(struct cell stored, struct cell shown)
{
	struct cell until = greatest(stored, shown);
	return cell_us(until) > sim_now_us() ? NOW : until;
}

static struct cell sum(struct cell a, struct cell b)
{
	return cell_int8(cell_number(a) + cell_number(b));
}

static bool offset_move(struct statement *s)
{
	enum {
		NEXT = 3,
		FINGERPRINT,
		HIGH,
		COMPLETE,
		MESSAGES = 8,
		LETTERS_COUNT = 12,
		CHECKED,
		CHECKED_FINGERPRINT,
		UNKNOWN_TYPE, /* shown to people alone */
		N
	};
	size_t *which;
	bool waits;
	struct elements mine[N];
	struct rows rows = lock_sources(s, false, &which, &waits);
	if (waits)
		return false;
	for (int i = 0; i < N; i++)
		mine[i] = elements_of(s->params[i]);
	for (size_t i = 0; i < rows.n; i++) {
		size_t at = which[i];
		struct cell *row = row_copy(SOURCES, rows.items[i]);
		row[SP_NEXT] = mine[NEXT].items[at];
		row[SP_FINGERPRINT] = mine[FINGERPRINT].items[at];
		row[SP_CHECKED] = mine[CHECKED].items[at];
		row[SP_CHECKED_FINGERPRINT] = mine[CHECKED_FINGERPRINT].items[at];
		if (mine[HIGH].items[at].len >= 0)
			row[SP_HIGH] = mine[HIGH].items[at];
		row[SP_COMPLETE] = not_ahead(row[SP_COMPLETE], mine[COMPLETE].items[at]);
		row[SP_SEEN] = NOW;
		row[SP_MESSAGES] = sum(row[SP_MESSAGES], mine[MESSAGES].items[at]);
		row[SP_LETTERS] = sum(row[SP_LETTERS], mine[LETTERS_COUNT].items[at]);
		slot_put(s->transaction, table_find(SOURCES, row), row);
	}
	set_affected(s, rows.n);
	return true;
}

static bool source_seen(struct statement *s)
{
	size_t *which;
	bool waits;
	struct elements at_end = elements_of(s->params[3]), high = elements_of(s->params[4]);
	struct elements read_to = elements_of(s->params[5]), heard = elements_of(s->params[6]);
	struct rows rows = lock_sources(s, true, &which, &waits);
	for (size_t i = 0; i < rows.n; i++) {
		struct cell *row = row_copy(SOURCES, rows.items[i]);
		row[SP_COMPLETE] = not_ahead(row[SP_COMPLETE], at_end.items[which[i]]);
		row[SP_HIGH] = high.items[which[i]];
		if (read_to.items[which[i]].len >= 0)
			row[SP_READ_TO] = read_to.items[which[i]];
		if (cell_number(heard.items[which[i]]) == 1)
			row[SP_SEEN] = NOW;
		slot_put(s->transaction, table_find(SOURCES, row), row);
	}
	set_affected(s, rows.n);
	return !waits;
}

static bool source_verify(struct statement *s)
{
	struct elements numbers = elements_of(s->params[0]);
	for (size_t i = 0; i < numbers.n; i++) {
		const struct slot *slot = source_by_no(cell_number(numbers.items[i]), s->transaction);
		if (slot == NULL)
			continue;
		const struct cell *row = slot_row(slot, s->transaction);
		add_row(s, (struct cell[]){row[SP_NO], row[SP_EPOCH], row[SP_NEXT], row[SP_STATE]}, 4);
	}
	return true;
}

/* The row of source_no $1 under the epoch $2. */
static bool lock_mine(struct statement *s, struct cell **row_out)
{
	struct slot *slot = source_by_no(cell_number(s->params[0]), s->transaction);
	*row_out = NULL;
	if (slot == NULL)
		return true;
	if (!slot_lock(s->transaction, slot))
		return false;
	struct cell *row = slot_row(slot, s->transaction);
	if (row != NULL && cell_same(row[SP_EPOCH], s->params[1]))
		*row_out = row_copy(SOURCES, row);
	return true;
}

static bool source_begin(struct statement *s)
{
	struct cell *row;
	if (!lock_mine(s, &row))
		return false;
	if (row != NULL && row[SP_NEXT].len < 0) {
		row[SP_NEXT] = s->params[2];
		slot_put(s->transaction, table_find(SOURCES, row), row);
	}
	return true;
}

static bool source_stop(struct statement *s)
{
	struct cell *row;
	if (!lock_mine(s, &row))
		return false;
	if (row == NULL || !cell_is(row[SP_STATE], "running"))
		return true;
	row[SP_STATE] = cell_text(TEXT("stopped"));
	slot_put(s->transaction, table_find(SOURCES, row), row);
	struct cell gap[5] = {cell_int8((int64_t)store[GAPS].n + 1), row[SP_TOPIC], row[SP_PARTITION], s->params[3],
	                      cell_bool(false)};
	struct slot *slot = table_place(GAPS, gap);
	if (!slot_lock(s->transaction, slot))
		return false;
	slot_put(s->transaction, slot, row_copy(GAPS, gap));
	sim_counts.gaps++;
	return true;
}

static bool standing_end(struct statement *s)
{
	for (int n = sessions_end_standing(s->transaction->connection); n > 0; n--)
		add_row(s, (struct cell[]){cell_text(TEXT("somebody")), cell_bool(true)}, 2);
	return true;
}

static bool orphans(struct statement *s)
{
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = slot_row(store[SOURCES].slots[i], s->transaction);
		if (row == NULL || !cell_is(row[SP_STATE], "running") || cell_same(row[SP_OWNER], s->params[1]) ||
		    cell_number(row[SP_COMPLETE]) >= cell_number(s->params[0]) ||
		    sim_now_us() <= cell_us(s->params[0]) + 300000)
			continue;
		add_row(s,
		        (struct cell[]){row[SP_NO], row[SP_TOPIC], row[SP_PARTITION], row[SP_EPOCH], row[SP_NEXT],
		                        greatest(row[SP_NEXT], row[SP_READ_TO])},
		        6);
	}
	return true;
}

/* ---- deadlines ---- */

enum { CLOCK_FIRES = 6 };

static bool tick(struct statement *s)
{
	struct cell next = cell_null(), now = NOW;
	struct cell due = cell_bool(parked_is_due(s)), unsettled = cell_bool(parked_is_unsettled(s));
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
		bool heard = cell_number(row[SP_SEEN]) > cell_number(now) - cell_number(s->params[0]);
		add_row(s,
		        (struct cell[]){now, next, row[SP_NO], row[SP_COMPLETE], cell_bool(heard), cell_bool(false),
		                        due, unsettled},
		        8);
	}
	if (s->result->n_rows == 0)
		add_row(s,
		        (struct cell[]){now, next, cell_null(), cell_null(), cell_null(), cell_bool(false), due,
		                        unsettled},
		        8);
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

/* A transaction under way has its ticket, the clock itself, or an alert of it. */
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

/* Clocks that fire before an instant (NULL cell: ever), by that, the first ones first. */
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

static bool deadlines_due(struct statement *s)
{
	struct rows due = clocks_before(s, s->params[0]);
	for (size_t i = 0; i < due.n; i++)
		add_row(s, due.items[i], 1);
	return true;
}

static bool deadlines_next(struct statement *s)
{
	struct rows due = clocks_before(s, cell_null());
	if (due.n > 0)
		add_row(s, &due.items[0][CLOCK_FIRES], 1);
	return true;
}

/* ---- tickets, and what belongs to them ---- */

void add_ticket(struct statement *s, const struct cell *row)
{
	add_row(s, (struct cell[]){row[0], row[1], row[3], row[4], row[2], row[37]}, 6);
}

static bool ticket_read(struct statement *s)
{
	struct elements ids = elements_of(s->params[0]);
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

static bool ticket_read_locked(struct statement *s)
{
	struct elements ids = elements_of(s->params[0]);
	if (ids.n > 1)
		qsort(ids.items, ids.n, sizeof(struct cell), compare_texts);
	for (size_t i = 0; i < ids.n; i++) {
		struct slot *slot = table_find(TICKETS, &ids.items[i]);
		/* What another has written and not committed is not there yet, and not waited for. */
		if (slot == NULL || slot_row(slot, s->transaction) == NULL)
			continue;
		if (!slot_lock(s->transaction, slot))
			return false;
	}
	return ticket_read(s);
}

static bool ticket_write(struct statement *s)
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
		if (old != NULL && cell_number(old[1]) != cell_number(rows.items[i][1]) - 1)
			continue;
		slot_put(s->transaction, slot, rows.items[i]);
		n++;
	}
	set_affected(s, n);
	return true;
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

static bool cycle_put(struct statement *s)
{
	return put_all(s, CYCLES);
}

static bool clock_put(struct statement *s)
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

static bool cycle_delete(struct statement *s)
{
	return delete_all(s, CYCLES, 2);
}

static bool clock_delete(struct statement *s)
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
	slot_lock(s->transaction, slot); /* nobody else knows it */
	slot_put(s->transaction, slot, row_copy(OUTBOX, message));
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

static bool alert_put(struct statement *s)
{
	struct rows rows = rows_of(s->params[0], ALERTS);
	if (rows.n > 1)
		qsort(rows.items, rows.n, sizeof(struct cell *), compare_rows);
	if (!lock_keys(s, ALERTS, &rows))
		return false;
	for (size_t i = 0; i < rows.n; i++) {
		struct slot *slot = table_find(ALERTS, rows.items[i]);
		const struct cell *old = slot_row(slot, s->transaction);
		if (old != NULL && cell_is(old[A_STATE], "voided") && rows.items[i][A_BREACHED].len < 0)
			continue;
		struct cell *row = old == NULL ? rows.items[i] : changed_alert(old, rows.items[i]);
		slot_put(s->transaction, slot, row);
		tell(s, row);
	}
	return true;
}

static bool alert_void(struct statement *s)
{
	struct elements ids = elements_of(s->params[0]);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ids.n; i++) {
			struct slot *slot = table_find(ALERTS, &ids.items[i]);
			const struct cell *old = slot == NULL ? NULL : slot_row(slot, s->transaction);
			if (old == NULL || is_one_of(old[A_STATE], "voided", "averted", NULL))
				continue;
			if (!slot_lock(s->transaction, slot))
				return false;
			if (pass == 0)
				continue;
			struct cell *row = row_copy(ALERTS, old);
			row[A_REVISION] = cell_int4(cell_number(old[A_REVISION]) + 1);
			row[A_STATE] = cell_text(cell_is(old[A_STATE], "warning") ? TEXT("averted") : TEXT("voided"));
			row[A_RESOLVED] = cell_null();
			slot_put(s->transaction, slot, row);
			tell(s, row);
		}
	}
	return true;
}

/* ---- sums ---- */

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
				row[column] = sum(old[column], row[column]);
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
	struct rows rows = rows_of(s->params[0], LETTERS);
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
	struct cell keys[2] = {cell_text(TEXT("kpi.fcr_window_us")), cell_text(TEXT("rules.version"))};
	for (int i = 0; i < 2; i++)
		if (!slot_lock(s->transaction, table_place(SETTINGS, &keys[i])))
			return false;
	for (int i = 0; i < 2; i++) {
		struct slot *slot = table_find(SETTINGS, &keys[i]);
		struct cell row[2] = {keys[i], s->params[i]};
		if (slot_row(slot, s->transaction) == NULL)
			slot_put(s->transaction, slot, row_copy(SETTINGS, row));
		add_row(s, (struct cell[]){keys[i], slot_row(slot, s->transaction)[1], s->params[i]}, 3);
	}
	return true;
}

static bool policy_store(struct statement *s)
{
	struct elements ids = elements_of(s->params[0]), texts = elements_of(s->params[2]);
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
	struct elements numbers = elements_of(s->params[0]), ids = elements_of(s->params[1]);
	for (size_t i = 0; i < store[REVISIONS].n; i++) {
		const struct cell *row = slot_row(store[REVISIONS].slots[i], s->transaction);
		if (row != NULL && (is_element(&numbers, &row[1]) || is_element(&ids, &row[0])))
			add_row(s, (struct cell[]){row[1], row[0], row[2]}, 3);
	}
	return true;
}

/* Of what the simulation has none: acknowledgements and silences, calendars with hours, topics without any event. */
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
	        {"source_seen", source_seen, true},
	        {"source_verify", source_verify, true},
	        {"source_claim", source_claim, true},
	        {"source_introduce", source_introduce, true},
	        {"source_stop", source_stop, true},
	        {"source_begin", source_begin, true},
	        {"standing_end", standing_end, false},
	        {"orphans", orphans, true},
	        {"settings_agree", settings_agree, false},
	        {"settings_policies", nothing, false},
	        {"policy_store", policy_store, false},
	        {"policy_load", policy_load, false},
	        {"lease_take", lease_take_run, false},
	        {"lease_hold", lease_hold_run, false},
	        {"outbox_read", outbox_read_run, false},
	        {"outbox_delete", outbox_delete_run, false},
	        {"outbox_late", outbox_late_run, false},
	        {"alert_attend", nothing, false},
	        {"silence_attend", nothing, false},
	        {"calendar_asked", nothing, false},
	        {"calendar_link", nothing, false},
	        {"calendar_put", nothing, false},
	        {"unknown_types", nothing, false},
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
	sim_fail("the simulation does not know %s", statement->file);
	return true;
}
