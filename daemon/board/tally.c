#include "board/tally.h"

#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>

#include "board/json.h"
#include "kpid/base/arena.h"
#include "kpid/base/hash.h"
#include "kpid/base/memory.h"

struct tally_row {
	struct text key;
	int32_t spark[TALLY_SPARK];
	int64_t numbers[]; /* as many as the kind has */
};

/* Sorts by one number, or by the millionths of part / whole; rows without a whole come before 0. */
struct column {
	const char *name;
	int part, whole; /* whole < 0: part alone */
};

struct tally_kind {
	size_t n_numbers, n_of_round; /* those from n_of_round on, and the spark, are of the hour */
	const char *names[TALLY_MOST_NUMBERS];
	struct column more[2]; /* names of the sort beside those of the numbers */
	int breached;
	/* The order of the overview, less the keys. */
	int (*compare)(const int64_t *a, const int64_t *b);
};

/* Rows of a round, with open addressing by key. */
struct round {
	struct arena arena;
	struct tally_row **rows;
	size_t n, capacity;
	uint32_t *slots; /* row + 1; 0: free */
	size_t n_slots;
};

struct tally {
	const struct tally_kind *kind;
	struct round shown, next;
	struct round hour, next_hour;
	bool is_known;
};

/* ---- kinds ---- */

static int larger_first(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

static int64_t work_of(const int64_t *n)
{
	return n[AGENT_OPENED] + n[AGENT_RESPONDED] + n[AGENT_RESOLVED];
}

static int compare_agents(const int64_t *a, const int64_t *b)
{
	int order = larger_first(a[AGENT_BREACHED], b[AGENT_BREACHED]);
	if (order == 0)
		order = larger_first(work_of(a), work_of(b));
	return order != 0 ? order : larger_first(a[AGENT_BACKLOG], b[AGENT_BACKLOG]);
}

static int compare_groups(const int64_t *a, const int64_t *b)
{
	int order = larger_first(a[GROUP_BREACHED], b[GROUP_BREACHED]);
	if (order == 0)
		order = larger_first(a[GROUP_AT_RISK], b[GROUP_AT_RISK]);
	return order != 0 ? order : larger_first(a[GROUP_OPEN], b[GROUP_OPEN]);
}

static const struct tally_kind agents = {
        .n_numbers = AGENT_N,
        .n_of_round = AGENT_N,
        .names = {"opened", "breached", "responded", "resolved", "within", "measured", "csat_micros", "csat_n",
                  "backlog"},
        .more = {{"sla", AGENT_WITHIN, AGENT_MEASURED}, {"csat", AGENT_CSAT_MICROS, AGENT_CSAT_N}},
        .breached = AGENT_BREACHED,
        .compare = compare_agents,
};
static const struct tally_kind groups = {
        .n_numbers = GROUP_N,
        .n_of_round = GROUP_N_OF_ROUND,
        .names = {"open", "pending", "at_risk", "breached", "paused", "opened", "responded", "resolved", "within",
                  "measured", "missed", "csat_micros", "csat_n"},
        .more = {{"sla", GROUP_WITHIN, GROUP_MEASURED}, {"csat", GROUP_CSAT_MICROS, GROUP_CSAT_N}},
        .breached = GROUP_BREACHED,
        .compare = compare_groups,
};

/* ---- rounds ---- */

static void round_release(struct round *round)
{
	arena_release(&round->arena);
	free(round->rows);
	free(round->slots);
	*round = (struct round){.n = 0};
	arena_init(&round->arena);
}

/* Afterwards, next is empty. */
static void replace(struct round *round, struct round *next)
{
	round_release(round);
	*round = *next;
	*next = (struct round){.n = 0};
	arena_init(&next->arena);
}

static uint32_t *slot_of(const struct round *round, struct text key)
{
	size_t mask = round->n_slots - 1, at = (size_t)hash_text(key) & mask;
	while (round->slots[at] != 0 && !text_equal(round->rows[round->slots[at] - 1]->key, key))
		at = (at + 1) & mask;
	return &round->slots[at];
}

static void make_room(struct round *round)
{
	if (2 * (round->n + 1) <= round->n_slots)
		return;
	free(round->slots);
	round->n_slots = round->n_slots == 0 ? 64 : 2 * round->n_slots;
	round->slots = mem_zalloc(round->n_slots * sizeof(*round->slots));
	for (size_t i = 0; i < round->n; i++)
		*slot_of(round, round->rows[i]->key) = (uint32_t)i + 1;
}

struct tally *tally_new(enum tally_name name)
{
	struct tally *tally = mem_zalloc(sizeof(*tally));
	tally->kind = name == TALLY_AGENTS ? &agents : &groups;
	arena_init(&tally->shown.arena);
	arena_init(&tally->next.arena);
	arena_init(&tally->hour.arena);
	arena_init(&tally->next_hour.arena);
	return tally;
}

void tally_free(struct tally *tally)
{
	if (tally == NULL)
		return;
	round_release(&tally->shown);
	round_release(&tally->next);
	round_release(&tally->hour);
	round_release(&tally->next_hour);
	free(tally);
}

/* The row of a key; a new one has zeros. */
static struct tally_row *row_of(const struct tally *tally, struct round *round, struct text key)
{
	make_room(round);
	uint32_t *slot = slot_of(round, key);
	if (*slot == 0) {
		struct tally_row *row;
		row = arena_zalloc(&round->arena, sizeof(*row) + tally->kind->n_numbers * sizeof(row->numbers[0]));
		row->key = arena_text(&round->arena, key);
		round->rows = mem_grow(round->rows, &round->capacity, round->n + 1, sizeof(struct tally_row *));
		round->rows[round->n++] = row;
		*slot = (uint32_t)round->n;
	}
	return round->rows[*slot - 1];
}

static void add_sums(const struct tally *tally, struct tally_row *row, const int64_t *numbers, const int32_t *spark)
{
	for (size_t i = 0; i < tally->kind->n_numbers; i++)
		row->numbers[i] += numbers[i];
	for (size_t i = 0; i < TALLY_SPARK; i++)
		row->spark[i] += spark[i];
}

void tally_add(struct tally *tally, struct text key, const struct tally_sums *sums)
{
	add_sums(tally, row_of(tally, &tally->next, key), sums->numbers, sums->spark);
}

/* Adds the hour to the round that is shown. A key of the hour alone has no clock that runs. */
static void merge_hour(struct tally *tally)
{
	for (size_t i = 0; i < tally->hour.n; i++) {
		const struct tally_row *row = tally->hour.rows[i];
		add_sums(tally, row_of(tally, &tally->shown, row->key), row->numbers, row->spark);
	}
}

void tally_show(struct tally *tally)
{
	replace(&tally->shown, &tally->next);
	tally->is_known = true;
	merge_hour(tally);
}

void tally_hour_begin(struct tally *tally)
{
	round_release(&tally->next_hour);
}

void tally_hour_add(struct tally *tally, struct text key, const struct tally_sums *sums)
{
	add_sums(tally, row_of(tally, &tally->next_hour, key), sums->numbers, sums->spark);
}

void tally_hour_show(struct tally *tally)
{
	const struct tally_kind *kind = tally->kind;
	replace(&tally->hour, &tally->next_hour);
	for (size_t i = 0; i < tally->shown.n; i++) {
		struct tally_row *row = tally->shown.rows[i];
		memset(&row->numbers[kind->n_of_round], 0,
		       (kind->n_numbers - kind->n_of_round) * sizeof(row->numbers[0]));
		memset(row->spark, 0, sizeof(row->spark));
	}
	if (tally->is_known)
		merge_hour(tally);
}

bool tally_is_known(const struct tally *tally)
{
	return tally->is_known;
}

size_t tally_n_rows(const struct tally *tally)
{
	return tally->shown.n;
}

/* ---- finding ---- */

static int64_t ratio(const int64_t *numbers, const struct column *column)
{
	if (column->whole < 0)
		return numbers[column->part];
	return numbers[column->whole] == 0 ? -1 : numbers[column->part] * 1000000 / numbers[column->whole];
}

/* The column of a name; by key alone: part < 0. */
static struct column column_of(const struct tally_kind *kind, const char *name)
{
	if (strcmp(name, "key") == 0)
		return (struct column){name, -1, -1};
	for (int i = 0; i < (int)kind->n_numbers; i++)
		if (strcmp(name, kind->names[i]) == 0)
			return (struct column){name, i, -1};
	for (size_t i = 0; i < sizeof(kind->more) / sizeof(kind->more[0]); i++)
		if (kind->more[i].name != NULL && strcmp(name, kind->more[i].name) == 0)
			return kind->more[i];
	return (struct column){name, kind->breached, -1};
}

/* In lower case, for comparing without case. Free with g_free(). */
static char *lowered(struct text t)
{
	return g_utf8_strdown(t.ptr, (gssize)t.len);
}

static bool matches(struct text key, const struct tally_wish *wish, const char *part)
{
	if (wish->key != NULL && !text_equal(key, text_of(wish->key)))
		return false;
	if (part == NULL)
		return true;
	char *lower = lowered(key);
	bool has = strstr(lower, part) != NULL;
	g_free(lower);
	return has;
}

static int compare_found(const void *a, const void *b)
{
	const struct tally_found *one = a, *other = b;
	int order = (one->sort_value > other->sort_value) - (one->sort_value < other->sort_value);
	return order != 0 ? order : text_compare(one->row->key, other->row->key);
}

static size_t take_first(struct tally_found *found, size_t n, struct tally_found *found_out, size_t most)
{
	n = n < most ? n : most;
	memcpy(found_out, found, n * sizeof(*found));
	free(found);
	return n;
}

static struct tally_found *place_for(size_t n)
{
	return mem_alloc((n == 0 ? 1 : n) * sizeof(struct tally_found));
}

size_t tally_find(const struct tally *tally, const struct tally_wish *wish, struct tally_found *found_out,
                  size_t *total_out)
{
	bool is_largest_first = wish->sort == NULL || wish->sort[0] == '-';
	struct column column = column_of(tally->kind, wish->sort == NULL ? "" : wish->sort + is_largest_first);
	struct tally_found *found = place_for(tally->shown.n);
	struct tally_row after = {.key = text_of(wish->after_key)};
	const struct tally_found edge = {&after, wish->after_value};
	char *part = wish->part == NULL ? NULL : lowered(text_of(wish->part));
	size_t n = 0;
	*total_out = 0;
	for (size_t i = 0; i < tally->shown.n; i++) {
		const struct tally_row *row = tally->shown.rows[i];
		if (!matches(row->key, wish, part))
			continue;
		++*total_out;
		int64_t value = column.part < 0 ? 0 : ratio(row->numbers, &column);
		found[n] = (struct tally_found){row, is_largest_first ? -value : value};
		if (!wish->is_after || compare_found(&edge, &found[n]) < 0)
			n++;
	}
	g_free(part);
	qsort(found, n, sizeof(*found), compare_found);
	return take_first(found, n, found_out, wish->most);
}

int64_t tally_sum(const struct tally *tally, const char *key, int number)
{
	int64_t sum = 0;
	for (size_t i = 0; i < tally->shown.n; i++)
		if (key == NULL || text_equal(tally->shown.rows[i]->key, text_of(key)))
			sum += tally->shown.rows[i]->numbers[number];
	return sum;
}

int64_t tally_clocks(const struct tally *tally, const char *key, const char *state)
{
	int64_t n = state == NULL ? 0 : -1;
	for (int i = GROUP_PENDING; i < GROUP_N_OF_ROUND; i++) {
		if (state == NULL)
			n += tally_sum(tally, key, i);
		else if (strcmp(state, tally->kind->names[i]) == 0)
			return tally_sum(tally, key, i);
	}
	return n;
}

static int compare_rows(const void *a, const void *b, void *kind)
{
	const struct tally_row *one = ((const struct tally_found *)a)->row,
	                       *other = ((const struct tally_found *)b)->row;
	int order = ((const struct tally_kind *)kind)->compare(one->numbers, other->numbers);
	return order != 0 ? order : text_compare(one->key, other->key);
}

size_t tally_first(const struct tally *tally, struct tally_found *found_out, size_t most)
{
	struct tally_found *found = place_for(tally->shown.n);
	for (size_t i = 0; i < tally->shown.n; i++)
		found[i] = (struct tally_found){tally->shown.rows[i], 0};
	qsort_r(found, tally->shown.n, sizeof(*found), compare_rows, (void *)tally->kind);
	return take_first(found, tally->shown.n, found_out, most);
}

/* ---- writing ---- */

struct text tally_key(const struct tally_row *row)
{
	return row->key;
}

static void add_spark(struct buf *out, const struct tally_row *row)
{
	for (int i = 0; i < TALLY_SPARK; i++)
		buf_add_format(out, "%s%" PRId32, i == 0 ? "[" : ",", row->spark[i]);
	buf_add_char(out, ']');
}

void tally_json(const struct tally *tally, const struct tally_row *row, struct buf *out)
{
	buf_add_str(out, "{\"key\":");
	buf_add_json_string(out, row->key);
	for (size_t i = 0; i < tally->kind->n_numbers; i++)
		buf_add_format(out, ",\"%s\":%" PRId64, tally->kind->names[i], row->numbers[i]);
	buf_add_str(out, ",\"spark\":");
	add_spark(out, row);
	buf_add_char(out, '}');
}

void tally_csv_names(const struct tally *tally, struct buf *out)
{
	buf_add_str(out, "key");
	for (size_t i = 0; i < tally->kind->n_numbers; i++)
		buf_add_format(out, ",%s", tally->kind->names[i]);
	buf_add_str(out, ",spark\r\n");
}

void tally_csv(const struct tally *tally, const struct tally_row *row, struct buf *out)
{
	csv_cell(out, (struct json_cell){JSON_OID_TEXT, row->key});
	for (size_t i = 0; i < tally->kind->n_numbers; i++)
		buf_add_format(out, ",%" PRId64, row->numbers[i]);
	buf_add_str(out, ",\"");
	add_spark(out, row);
	buf_add_str(out, "\"\r\n");
}
