/* Finds repeated member names in JSON objects. The names of all open objects are on one stack. */
#ifndef KPID_CORE_WIRE_MEMBER_NAMES_H
#define KPID_CORE_WIRE_MEMBER_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

enum { INLINE_NAMES = 64 }; /* the stack's size before it needs the arena */

/* A member name, unescaped. */
struct member_name {
	const char *ptr;
	uint32_t len;
	uint32_t tag; /* equal names have equal tags */
};

struct name_stack {
	struct arena *arena;
	struct member_name *names;
	uint32_t n, capacity;
	struct member_name inline_names[INLINE_NAMES];
};

/* The names of one open object, on top of those of the objects around it. A few names are compared with each other;
 * more go into a hash table. If an input makes names collide in it, they are sorted when the object ends, so that no
 * input costs quadratic time. */
struct name_set {
	uint32_t first;    /* index in the stack */
	uint32_t *buckets; /* 1 + index in the set; 0: free. NULL: no table */
	uint32_t mask;     /* number of buckets - 1 */
	uint64_t n_probes;
	bool sorts_at_end;
};

void name_stack_init(struct name_stack *stack, struct arena *arena);
/* An empty set, for an object that begins. */
struct name_set name_set_open(const struct name_stack *stack);
/* Adds a name, whose bytes must outlive the set. False if it is a repetition; it may also be found only at the end. */
bool name_set_add(struct name_stack *stack, struct name_set *set, struct text name);
/* Removes the set from the stack when its object ends. False if a name was repeated that name_set_add() did not find.
 */
bool name_set_close(struct name_stack *stack, const struct name_set *set);

/* The hash of the table. Public for the test that makes names collide. */
uint32_t member_name_hash(struct text name);

#endif
