#include "member_names.h"

#include <stdlib.h>
#include <string.h>

enum {
	FEW_NAMES = 16,       /* up to this many are compared with each other, without a table */
	FIRST_BUCKETS = 64,   /* a power of two */
	PROBES_PER_NAME = 16, /* above this average, the table is abandoned */
};

void name_stack_init(struct name_stack *stack, struct arena *arena)
{
	stack->arena = arena; /* inline_names stay uninitialized: clearing them would cost more than a small message */
	stack->names = stack->inline_names;
	stack->n = 0;
	stack->capacity = INLINE_NAMES;
}

struct name_set name_set_open(const struct name_stack *stack)
{
	return (struct name_set){.first = stack->n};
}

uint32_t member_name_hash(struct text name)
{
	uint64_t hash = name.len;
	for (uint32_t i = 0; i < name.len; i += 8) {
		uint64_t eight = 0;
		memcpy(&eight, name.ptr + i, name.len - i < 8 ? name.len - i : 8);
		hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash ^ hash >> 32);
}

/* Cheaper than the hash, and good enough for a few names. */
static uint32_t quick_tag(const char *ptr, uint32_t len)
{
	if (len == 0)
		return 0;
	return len ^ (uint32_t)(unsigned char)ptr[0] << 24 ^ (uint32_t)(unsigned char)ptr[len - 1] << 16 ^
	       (uint32_t)(unsigned char)ptr[len / 2] << 8;
}

static bool same_name(const struct member_name *a, const struct member_name *b)
{
	return a->tag == b->tag && a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0;
}

/* Any total order will do. This one compares lengths first. */
static int compare_names(const void *left, const void *right)
{
	const struct member_name *a = left;
	const struct member_name *b = right;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->ptr, b->ptr, a->len);
}

static void push_name(struct name_stack *stack, struct member_name name)
{
	if (stack->n == stack->capacity) {
		struct member_name *more = arena_alloc(stack->arena, 2 * (size_t)stack->capacity * sizeof(*more));
		memcpy(more, stack->names, stack->n * sizeof(*more));
		stack->names = more;
		stack->capacity *= 2;
	}
	stack->names[stack->n++] = name;
}

/* Inserts the name at an index of the set into the table; false if an equal name is there. */
static bool insert(const struct member_name *names, uint32_t index, struct name_set *set)
{
	uint32_t bucket = names[index].tag & set->mask;
	for (; set->buckets[bucket] != 0; bucket = (bucket + 1) & set->mask) {
		if (same_name(&names[set->buckets[bucket] - 1], &names[index]))
			return false;
		set->n_probes++;
	}
	set->buckets[bucket] = index + 1;
	return true;
}

/* Replaces the table by one of twice the size and inserts the first n_names names of the set. */
static void grow_table(struct name_stack *stack, struct name_set *set, uint32_t n_names)
{
	uint32_t n_buckets = set->buckets == NULL ? FIRST_BUCKETS : 2 * (set->mask + 1);
	struct member_name *names = stack->names + set->first;
	if (set->buckets == NULL) {
		for (uint32_t i = 0; i < n_names; i++)
			names[i].tag = member_name_hash((struct text){names[i].ptr, names[i].len});
	}
	set->buckets = arena_zalloc(stack->arena, n_buckets * sizeof(*set->buckets));
	set->mask = n_buckets - 1;
	for (uint32_t i = 0; i < n_names; i++)
		insert(names, i, set);
}

static bool add_to_table(struct name_stack *stack, struct name_set *set, struct text text)
{
	uint32_t n_names = stack->n - set->first;
	if (set->sorts_at_end) {
		push_name(stack, (struct member_name){text.ptr, text.len, 0});
		return true;
	}
	if (set->buckets == NULL || 2 * n_names > set->mask)
		grow_table(stack, set, n_names);
	push_name(stack, (struct member_name){text.ptr, text.len, member_name_hash(text)});
	if (!insert(stack->names + set->first, n_names, set))
		return false;
	set->sorts_at_end = set->n_probes > (uint64_t)PROBES_PER_NAME * n_names;
	return true;
}

bool name_set_add(struct name_stack *stack, struct name_set *set, struct text text)
{
	if (stack->n - set->first >= FEW_NAMES)
		return add_to_table(stack, set, text);
	struct member_name name = {text.ptr, text.len, quick_tag(text.ptr, text.len)};
	for (uint32_t i = set->first; i < stack->n; i++) {
		if (same_name(&stack->names[i], &name))
			return false;
	}
	push_name(stack, name);
	return true;
}

bool name_set_close(struct name_stack *stack, const struct name_set *set)
{
	uint32_t n_names = stack->n - set->first;
	struct member_name *names = stack->names + set->first;
	stack->n = set->first;
	if (!set->sorts_at_end)
		return true;
	qsort(names, n_names, sizeof(*names), compare_names);
	for (uint32_t i = 1; i < n_names; i++) {
		if (compare_names(&names[i - 1], &names[i]) == 0)
			return false;
	}
	return true;
}
