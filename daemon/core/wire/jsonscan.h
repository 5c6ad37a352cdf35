/* A strict reader of one JSON text (RFC 8259) that keeps only the members it is asked for.
 * One pass, in place: what it hands out are slices of the text. It checks everything: grammar, UTF-8,
 * surrogate escapes, NUL, duplicate names in every object, numbers beyond a double's range. */
#ifndef KPID_CORE_WIRE_JSONSCAN_H
#define KPID_CORE_WIRE_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

enum jsonscan_kind {
	JSONSCAN_ABSENT,
	JSONSCAN_NULL,
	JSONSCAN_FALSE,
	JSONSCAN_TRUE,
	JSONSCAN_NUMBER,
	JSONSCAN_STRING,
	JSONSCAN_ARRAY,
	JSONSCAN_OBJECT
};

struct jsonscan_value {
	const char *ptr; /* in the text; of a string behind its first quote */
	uint32_t len;    /* of a string without its quotes, of an object or array with its brackets */
	uint8_t kind;    /* enum jsonscan_kind */
	bool is_escaped; /* a string in which escapes stand; see jsonscan_string() */
};

/* Which members are kept: those of the outermost object, and those of the object in one of its members. */
struct jsonscan_wanted {
	int (*find)(struct text name); /* gives a slot; negative: not wanted */
	int nested;                    /* slot of the member whose own members go to inner */
	struct jsonscan_value *outer;  /* by slot; the caller sets all to JSONSCAN_ABSENT */
	struct jsonscan_value *inner;
};

struct jsonscan_fault {
	const char *words; /* plain ASCII */
	size_t at_byte;
};

/* False, with *fault_out set, if json is not one JSON text or deeper than max_levels. */
bool jsonscan_read(struct text json, unsigned max_levels, const struct jsonscan_wanted *wanted, struct arena *arena,
                   struct jsonscan_value *root_out, struct jsonscan_fault *fault_out);

/* Do more than so many brackets stand open anywhere? Of any bytes: brackets in strings do not count,
 * a closing one counts for the last opened one of either form, and for nothing if none is open. */
bool jsonscan_is_deeper(struct text bytes, unsigned levels);

/* The characters that a string value stands for: a slice of the text, or unescaped into the arena. Never absent. */
struct text jsonscan_string(const struct jsonscan_value *value, struct arena *arena);

/* Walks over the members of an object that jsonscan_read() has passed. */
struct jsonscan_walk {
	const char *at;
};

void jsonscan_walk_init(struct jsonscan_walk *walk, const struct jsonscan_value *object);
/* False when no member is left. A value that is an object or array has no len, and ends the walk. */
bool jsonscan_walk_next(struct jsonscan_walk *walk, struct jsonscan_value *name_out, struct jsonscan_value *value_out);

/* The hash by which names of large objects are told apart; tests make names collide in it. */
uint32_t jsonscan_hash(struct text name);

/* Valid UTF-8 without NUL? */
bool jsonscan_is_clean(struct text bytes);

#endif
