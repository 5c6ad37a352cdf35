#include "board/part.h"

#include <stdlib.h>

#include "board/json.h"
#include "kpid/base/hash.h"
#include "kpid/base/memory.h"

static const struct {
	const char *name;
	bool is_list;
} kinds[PART_N] = {
        [PART_FRESH] = {"fresh", false},
        [PART_TOTALS] = {"totals", false},
        [PART_COMPLIANCE] = {"compliance", false},
        [PART_DAY] = {"day", false},
        [PART_CLOCKS] = {"clocks", true},
        [PART_BREACHES] = {"breaches", true},
        [PART_AGENTS] = {"agents", true},
        [PART_N_AGENTS] = {"n_agents", false},
        [PART_PROJECTS] = {"projects", true},
        [PART_TEAMS] = {"teams", true},
        [PART_READ] = {"read", false},
};

/* ---- life ---- */

bool part_is_list(enum board_part name)
{
	return kinds[name].is_list;
}

static struct part *part_new(bool is_list)
{
	struct part *part = mem_zalloc(sizeof(*part));
	part->refs = 1;
	part->is_list = is_list;
	arena_init(&part->arena);
	return part;
}

struct part *part_value(struct text json)
{
	struct part *part = part_new(false);
	buf_add_text(&part->value, json);
	return part;
}

struct part *part_list(void)
{
	return part_new(true);
}

void part_add(struct part *list, struct text key, struct text json)
{
	list->rows = mem_grow(list->rows, &list->capacity, list->n_rows + 1, sizeof(*list->rows));
	list->rows[list->n_rows++] = (struct part_row){arena_text(&list->arena, key), arena_text(&list->arena, json)};
}

struct part *part_hold(struct part *part)
{
	part->refs++;
	return part;
}

void part_release(struct part *part)
{
	if (part == NULL || --part->refs > 0)
		return;
	buf_release(&part->value);
	arena_release(&part->arena);
	free(part->rows);
	free(part);
}

static bool same_row(const struct part_row *a, const struct part_row *b)
{
	return text_equal(a->key, b->key) && text_equal(a->json, b->json);
}

bool part_equal(const struct part *a, const struct part *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL || !text_same(buf_text(&a->value), buf_text(&b->value)) || a->n_rows != b->n_rows)
		return false;
	for (size_t i = 0; i < a->n_rows; i++)
		if (!same_row(&a->rows[i], &b->rows[i]))
			return false;
	return true;
}

/* ---- keys ---- */

/* Rows by key, with open addressing. */
struct key_index {
	const struct part *list;
	size_t *slots; /* row + 1; 0: free */
	size_t mask;
};

static size_t *slot_of(const struct key_index *index, struct text key)
{
	size_t at = (size_t)hash_text(key) & index->mask;
	while (index->slots[at] != 0 && !text_equal(index->list->rows[index->slots[at] - 1].key, key))
		at = (at + 1) & index->mask;
	return &index->slots[at];
}

static void key_index_init(struct key_index *index, const struct part *list)
{
	size_t n_slots = 8;
	while (n_slots < 2 * list->n_rows)
		n_slots *= 2;
	*index = (struct key_index){list, mem_zalloc(n_slots * sizeof(size_t)), n_slots - 1};
	for (size_t i = 0; i < list->n_rows; i++)
		*slot_of(index, list->rows[i].key) = i + 1;
}

/* NULL: there is none. */
static const struct part_row *key_index_find(const struct key_index *index, struct text key)
{
	size_t slot = *slot_of(index, key);
	return slot == 0 ? NULL : &index->list->rows[slot - 1];
}

/* ---- writing ---- */

static void write_stamp(struct buf *out, const struct part_stamp *stamp)
{
	buf_add_format(out, "\"seq\":%llu,\"now\":", (unsigned long long)stamp->seq);
	json_time(out, stamp->now_us);
	buf_add_str(out, ",\"as_of\":");
	json_time(out, stamp->as_of_us);
}

static void write_name(struct buf *out, const char *name)
{
	buf_add_format(out, ",\"%s\":", name);
}

static void write_rows(struct buf *out, const struct part *list)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < list->n_rows; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		buf_add_text(out, list->rows[i].json);
	}
	buf_add_char(out, ']');
}

void snapshot_write(struct buf *out, const struct part_stamp *stamp, struct part *const parts[PART_N])
{
	buf_add_str(out, "{\"boot\":");
	buf_add_json_string(out, stamp->boot);
	buf_add_char(out, ',');
	write_stamp(out, stamp);
	for (int i = 0; i < PART_N; i++) {
		write_name(out, kinds[i].name);
		if (parts[i] == NULL)
			buf_add_str(out, kinds[i].is_list ? "[]" : "null");
		else if (parts[i]->is_list)
			write_rows(out, parts[i]);
		else
			buf_add_text(out, buf_text(&parts[i]->value));
	}
	buf_add_char(out, '}');
}

/* Writes the items of an array between write_items_begin() and _end(), and nothing at all if there are none. */
static void add_item(struct buf *out, const char *name, size_t *n_io)
{
	if ((*n_io)++ > 0)
		buf_add_char(out, ',');
	else
		buf_add_format(out, "\"%s\":[", name);
}

static void end_items(struct buf *out, size_t n)
{
	if (n > 0)
		buf_add_str(out, "],");
}

static bool same_order(const struct part *before, const struct part *after)
{
	if (before->n_rows != after->n_rows)
		return false;
	for (size_t i = 0; i < after->n_rows; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list with rows has an array */
		if (!text_equal(before->rows[i].key, after->rows[i].key))
			return false;
	return true;
}

static void write_list_changes(struct buf *out, const struct part *before, const struct part *after)
{
	struct key_index old_keys, new_keys;
	size_t n_set = 0, n_del = 0, n_order = 0;
	key_index_init(&old_keys, before);
	key_index_init(&new_keys, after);
	for (size_t i = 0; i < after->n_rows; i++) {
		const struct part_row *old = key_index_find(&old_keys, after->rows[i].key);
		if (old != NULL && text_equal(old->json, after->rows[i].json))
			continue;
		add_item(out, "set", &n_set);
		buf_add_text(out, after->rows[i].json);
	}
	end_items(out, n_set);
	for (size_t i = 0; i < before->n_rows; i++) {
		if (key_index_find(&new_keys, before->rows[i].key) != NULL)
			continue;
		add_item(out, "del", &n_del);
		buf_add_json_string(out, before->rows[i].key);
	}
	end_items(out, n_del);
	for (size_t i = 0; !same_order(before, after) && i < after->n_rows; i++) {
		add_item(out, "order", &n_order);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list with rows has an array */
		buf_add_json_string(out, after->rows[i].key);
	}
	end_items(out, n_order);
	free(old_keys.slots);
	free(new_keys.slots);
}

static void write_change(struct buf *out, enum board_part name, const struct part *before, const struct part *after)
{
	static const struct part nothing = {.is_list = true};
	write_name(out, kinds[name].name);
	if (!after->is_list) {
		buf_add_text(out, buf_text(&after->value));
		return;
	}
	buf_add_char(out, '{');
	write_list_changes(out, before == NULL ? &nothing : before, after);
	if (out->data[out->len_bytes - 1] == ',')
		out->len_bytes--;
	buf_add_char(out, '}');
}

bool delta_write(struct buf *out, const struct part_stamp *stamp, struct part *const before[PART_N],
                 struct part *const after[PART_N])
{
	bool any = false;
	buf_add_char(out, '{');
	write_stamp(out, stamp);
	for (int i = 0; i < PART_N; i++) {
		if (after[i] == NULL || part_equal(before[i], after[i]))
			continue;
		write_change(out, (enum board_part)i, before[i], after[i]);
		any = true;
	}
	buf_add_char(out, '}');
	return any;
}
