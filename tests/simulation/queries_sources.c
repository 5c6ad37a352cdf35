/* The statements about sources: claims, offsets, watermarks, stalled sessions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/core/kpi.h"
#include "kpid/core/timestamp.h"
#include "queries.h"
#include "sql/queries.h"

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

static const struct cell *committed_row(int topic, int partition)
{
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = store[SOURCES].slots[i]->committed;
		if (row != NULL && kafka_topic_no(cell_as_text(row[SP_TOPIC])) == topic &&
		    cell_number(row[SP_PARTITION]) == partition)
			return row;
	}
	return NULL;
}

bool source_is_unread(int topic, int partition)
{
	const struct cell *row = committed_row(topic, partition);
	return row == NULL || row[SP_NEXT].len < 0;
}

bool source_has_fingerprint(int topic, int partition)
{
	return source_is_unread(topic, partition) || committed_row(topic, partition)[SP_FINGERPRINT].len >= 0;
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

/* Keys (topic, partition) in the order in which the files lock them. */
static struct rows partitions_of(const struct statement *s)
{
	struct elements topics = elements_of(s->params[SOURCE_CLAIM_PARAM_TOPICS]),
	                partitions = elements_of(s->params[SOURCE_CLAIM_PARAM_PARTITIONS]);
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

bool source_claim(struct statement *s)
{
	struct rows keys = partitions_of(s);
	if (!lock_keys(s, SOURCES, &keys))
		return false;
	for (size_t i = 0; i < keys.n; i++) {
		const struct cell *row = slot_row(table_find(SOURCES, keys.items[i]), s->transaction);
		if (row != NULL && !heartbeat_share(s, row))
			return false;
	}
	for (size_t i = 0; i < keys.n; i++) {
		struct slot *slot = table_find(SOURCES, keys.items[i]);
		const struct cell *old = slot_row(slot, s->transaction);
		struct cell *row;
		if (old == NULL) {
			row = new_source(keys.items[i][0], keys.items[i][1], 1, s->params[SOURCE_CLAIM_PARAM_OWNER]);
		} else {
			row = row_copy(SOURCES, old);
			row[SP_EPOCH] = cell_int8(cell_number(old[SP_EPOCH]) + 1);
			row[SP_OWNER] = s->params[SOURCE_CLAIM_PARAM_OWNER];
			row[SP_SEEN] = NOW;
			row[SP_COMPLETE] = source_complete(old, s->transaction);
			row[SP_HEARTBEAT] = cell_null();
			if (cell_is(row[SP_STATE], "finished"))
				row[SP_STATE] = cell_text(TEXT("running"));
		}
		slot_put(s->transaction, slot, row);
		add_row(s,
		        (struct cell[]){[SOURCE_CLAIM_TOPIC] = row[SP_TOPIC],
		                        [SOURCE_CLAIM_PARTITION] = row[SP_PARTITION],
		                        [SOURCE_CLAIM_SOURCE_NO] = row[SP_NO],
		                        [SOURCE_CLAIM_EPOCH] = row[SP_EPOCH],
		                        [SOURCE_CLAIM_NEXT_OFFSET] = row[SP_NEXT],
		                        [SOURCE_CLAIM_LAST_FINGERPRINT] = row[SP_FINGERPRINT],
		                        [SOURCE_CLAIM_STATE] = row[SP_STATE],
		                        [SOURCE_CLAIM_STATE_REASON] = cell_null(),
		                        [SOURCE_CLAIM_CHECKED_OFFSET] = checked_offset(row),
		                        [SOURCE_CLAIM_CHECKED_FINGERPRINT] =
		                                row[row[SP_CHECKED].len < 0 ? SP_FINGERPRINT : SP_CHECKED_FINGERPRINT]},
		        SOURCE_CLAIM_N_COLUMNS);
	}
	return true;
}

bool source_introduce(struct statement *s)
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

struct rows lock_sources(struct statement *s, bool skip_locked, size_t **which_out, bool *waits_out)
{
	struct elements numbers = elements_of(s->params[OFFSET_LOCK_PARAM_SOURCE_NOS]),
	                epochs = elements_of(s->params[OFFSET_LOCK_PARAM_EPOCHS]);
	struct elements offsets = elements_of(s->params[OFFSET_LOCK_PARAM_BEGIN_OFFSETS]);
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

bool offset_lock(struct statement *s)
{
	size_t *which;
	bool waits;
	struct rows rows = lock_sources(s, false, &which, &waits);
	if (waits)
		return false;
	for (size_t i = 0; i < rows.n; i++)
		add_row(s, &rows.items[i][SP_NO], OFFSET_LOCK_N_COLUMNS);
	return true;
}

struct cell greatest(struct cell a, struct cell b)
{
	return cell_number(b) > cell_number(a) ? b : a;
}

/* The clock of the database is the true one, and is never set back. */
struct cell not_ahead(struct cell stored, struct cell shown)
{
	struct cell until = greatest(stored, shown);
	return cell_us(until) > sim_now_us() ? NOW : until;
}

struct cell cell_sum(struct cell a, struct cell b)
{
	return cell_int8(cell_number(a) + cell_number(b));
}

bool offset_move(struct statement *s)
{
	size_t *which;
	bool waits;
	struct elements mine[OFFSET_MOVE_N_PARAMS];
	struct rows rows = lock_sources(s, false, &which, &waits);
	if (waits)
		return false;
	for (int i = 0; i < OFFSET_MOVE_N_PARAMS; i++)
		mine[i] = elements_of(s->params[i]);
	for (size_t i = 0; i < rows.n; i++) {
		size_t at = which[i];
		struct cell *row = row_copy(SOURCES, rows.items[i]);
		row[SP_NEXT] = mine[OFFSET_MOVE_PARAM_NEXT_OFFSETS].items[at];
		row[SP_FINGERPRINT] = mine[OFFSET_MOVE_PARAM_FINGERPRINTS].items[at];
		row[SP_READ_TO] = cell_null();
		row[SP_CHECKED] = mine[OFFSET_MOVE_PARAM_CHECKED_OFFSETS].items[at];
		row[SP_CHECKED_FINGERPRINT] = mine[OFFSET_MOVE_PARAM_CHECKED_FINGERPRINTS].items[at];
		if (mine[OFFSET_MOVE_PARAM_HIGH_OFFSETS].items[at].len >= 0)
			row[SP_HIGH] = mine[OFFSET_MOVE_PARAM_HIGH_OFFSETS].items[at];
		row[SP_COMPLETE] =
		        not_ahead(greatest(row[SP_COMPLETE], mine[OFFSET_MOVE_PARAM_VOUCHED_UNTIL].items[at]),
		                  mine[OFFSET_MOVE_PARAM_COMPLETE_UNTIL].items[at]);
		row[SP_HEARTBEAT] = cell_null();
		row[SP_SEEN] = NOW;
		row[SP_MESSAGES] = cell_sum(row[SP_MESSAGES], mine[OFFSET_MOVE_PARAM_N_MESSAGES].items[at]);
		row[SP_LETTERS] = cell_sum(row[SP_LETTERS], mine[OFFSET_MOVE_PARAM_N_DEAD_LETTERS].items[at]);
		slot_put(s->transaction, table_find(SOURCES, row), row);
	}
	set_affected(s, rows.n);
	return true;
}

/* The row holds a later answer of the brokers, and not one from before the clock was set back. */
static bool is_older_answer(struct cell asked, struct cell stored)
{
	return asked.len >= 0 && stored.len >= 0 && cell_us(asked) < cell_us(stored) &&
	       cell_us(stored) <= sim_now_us() + US_PER_SECOND;
}

bool source_observed(struct statement *s)
{
	size_t *which;
	bool waits;
	struct elements at_end = elements_of(s->params[SOURCE_OBSERVED_PARAM_AT_END]),
	                high = elements_of(s->params[SOURCE_OBSERVED_PARAM_HIGH_OFFSETS]);
	struct elements read_to = elements_of(s->params[SOURCE_OBSERVED_PARAM_READ_TO]),
	                recently_seen = elements_of(s->params[SOURCE_OBSERVED_PARAM_RECENTLY_SEEN]),
	                heartbeats = elements_of(s->params[SOURCE_OBSERVED_PARAM_HEARTBEAT_NOS]),
	                asked = elements_of(s->params[SOURCE_OBSERVED_PARAM_ASKED_AT]);
	struct rows rows = lock_sources(s, true, &which, &waits);
	size_t n = 0;
	for (size_t i = 0; i < rows.n; i++) {
		struct cell *row = row_copy(SOURCES, rows.items[i]), *at = &asked.items[which[i]];
		if (is_older_answer(*at, row[SP_ASKED]))
			continue;
		row[SP_ASKED] = not_ahead(row[SP_ASKED], *at);
		row[SP_COMPLETE] = not_ahead(row[SP_COMPLETE], at_end.items[which[i]]);
		row[SP_HIGH] = high.items[which[i]];
		if (read_to.items[which[i]].len >= 0)
			row[SP_READ_TO] = read_to.items[which[i]];
		if (cell_number(recently_seen.items[which[i]]) == 1)
			row[SP_SEEN] = NOW;
		row[SP_HEARTBEAT] = greatest(row[SP_HEARTBEAT], heartbeats.items[which[i]]);
		slot_put(s->transaction, table_find(SOURCES, row), row);
		add_row(s, &row[SP_NO], SOURCE_OBSERVED_N_COLUMNS);
		n++;
	}
	set_affected(s, n);
	return !waits;
}

bool source_verify(struct statement *s)
{
	struct elements numbers = elements_of(s->params[SOURCE_VERIFY_PARAM_SOURCE_NOS]);
	for (size_t i = 0; i < numbers.n; i++) {
		const struct slot *slot = source_by_no(cell_number(numbers.items[i]), s->transaction);
		if (slot == NULL)
			continue;
		const struct cell *row = slot_row(slot, s->transaction);
		add_row(s,
		        (struct cell[]){[SOURCE_VERIFY_SOURCE_NO] = row[SP_NO],
		                        [SOURCE_VERIFY_EPOCH] = row[SP_EPOCH],
		                        [SOURCE_VERIFY_NEXT_OFFSET] = row[SP_NEXT],
		                        [SOURCE_VERIFY_STATE] = row[SP_STATE],
		                        [SOURCE_VERIFY_HEARTBEAT_NO] = row[SP_HEARTBEAT]},
		        SOURCE_VERIFY_N_COLUMNS);
	}
	return true;
}

/* The store keeps no time of release: only reports show it. */
bool source_release(struct statement *s)
{
	set_affected(s, 0);
	return true;
}

/* The row of source_no $1 under the epoch $2. */
static bool lock_mine(struct statement *s, struct cell **row_out)
{
	struct slot *slot = source_by_no(cell_number(s->params[SOURCE_STOP_PARAM_SOURCE_NO]), s->transaction);
	*row_out = NULL;
	if (slot == NULL)
		return true;
	if (!slot_lock(s->transaction, slot))
		return false;
	struct cell *row = slot_row(slot, s->transaction);
	if (row != NULL && cell_same(row[SP_EPOCH], s->params[SOURCE_STOP_PARAM_EPOCH]))
		*row_out = row_copy(SOURCES, row);
	return true;
}

bool source_begin(struct statement *s)
{
	struct cell *row;
	if (!lock_mine(s, &row))
		return false;
	if (row != NULL && row[SP_NEXT].len < 0) {
		row[SP_NEXT] = s->params[SOURCE_BEGIN_PARAM_NEXT_OFFSET];
		row[SP_READ_TO] = cell_null();
		slot_put(s->transaction, table_find(SOURCES, row), row);
	}
	return true;
}

bool source_stop(struct statement *s)
{
	struct cell *row;
	if (!lock_mine(s, &row))
		return false;
	if (row == NULL || !cell_is(row[SP_STATE], "running"))
		return true;
	row[SP_STATE] = cell_text(TEXT("stopped"));
	slot_put(s->transaction, table_find(SOURCES, row), row);
	struct cell gap[5] = {cell_int8((int64_t)store[GAPS].n + 1), row[SP_TOPIC], row[SP_PARTITION],
	                      s->params[SOURCE_STOP_PARAM_EXPECTED_OFFSET], cell_bool(false)};
	struct slot *slot = table_place(GAPS, gap);
	if (!slot_lock(s->transaction, slot))
		return false;
	slot_put(s->transaction, slot, row_copy(GAPS, gap));
	sim_counts.gaps++;
	return true;
}

bool terminate_stalled(struct statement *s)
{
	for (int n = sessions_terminate_stalled(s->transaction->connection); n > 0; n--)
		add_row(s,
		        (struct cell[]){[TERMINATE_STALLED_WHO] = cell_text(TEXT("somebody")),
		                        [TERMINATE_STALLED_ENDED] = cell_bool(true)},
		        TERMINATE_STALLED_N_COLUMNS);
	return true;
}

bool batch_elsewhere(struct statement *s)
{
	bool written = sessions_write_elsewhere(s->transaction->connection);
	add_row(s, (struct cell[]){[BATCH_ELSEWHERE_IS_WRITTEN] = cell_bool(written)}, BATCH_ELSEWHERE_N_COLUMNS);
	return true;
}

bool deadline_wake(struct statement *s)
{
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = slot_row(store[SOURCES].slots[i], s->transaction);
		s->transaction->has_deadline |= row != NULL && cell_is(row[SP_STATE], "running") &&
		                                !cell_same(row[SP_OWNER], s->params[DEADLINE_WAKE_PARAM_INSTANCE]);
	}
	return true;
}

bool unowned_partitions(struct statement *s)
{
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		const struct cell *row = slot_row(store[SOURCES].slots[i], s->transaction);
		if (row == NULL || !cell_is(row[SP_STATE], "running") ||
		    cell_same(row[SP_OWNER], s->params[UNOWNED_PARTITIONS_PARAM_INSTANCE]) ||
		    cell_number(source_complete(row, s->transaction)) >=
		            cell_number(s->params[UNOWNED_PARTITIONS_PARAM_DEADLINE]) ||
		    sim_now_us() <= cell_us(s->params[UNOWNED_PARTITIONS_PARAM_DEADLINE]) + 300000)
			continue;
		add_row(s,
		        (struct cell[]){[UNOWNED_PARTITIONS_SOURCE_NO] = row[SP_NO],
		                        [UNOWNED_PARTITIONS_TOPIC] = row[SP_TOPIC],
		                        [UNOWNED_PARTITIONS_PARTITION] = row[SP_PARTITION],
		                        [UNOWNED_PARTITIONS_EPOCH] = row[SP_EPOCH],
		                        [UNOWNED_PARTITIONS_NEXT_OFFSET] = row[SP_NEXT],
		                        [UNOWNED_PARTITIONS_READ_TO] = greatest(row[SP_NEXT], row[SP_READ_TO])},
		        UNOWNED_PARTITIONS_N_COLUMNS);
	}
	return true;
}
