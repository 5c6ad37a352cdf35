/* A strict reader of one JSON text (RFC 8259) that keeps only the wanted members. It makes one pass without copying:
 * values are slices of the text. It checks everything: grammar, UTF-8, surrogate escapes, NUL, duplicate names in every
 * object, numbers beyond a double's range. */
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
	const char *ptr; /* into the text; for a string, after its opening quote */
	uint32_t len;    /* bytes; a string without its quotes, an object or array with its brackets */
	uint8_t kind;    /* enum jsonscan_kind */
	bool is_escaped; /* a string that contains escapes; see jsonscan_string() */
};

/* Which members are kept: of the outermost object, and of an object in one of its members. */
struct jsonscan_wanted {
	int (*find)(struct text name); /* returns a slot; negative: not wanted */
	int nested;                    /* slot of the member whose own members go to inner */
	struct jsonscan_value *outer;  /* by slot; the caller sets all to JSONSCAN_ABSENT */
	struct jsonscan_value *inner;
	/* Records of other systems (M2): U+0000 and lone surrogates in escapes are read as U+FFFD, and numbers may have
	 * any size. */
	bool is_lenient;
};

struct jsonscan_error {
	const char *text; /* ASCII, static */
	size_t at_byte;
};

/* False with *error_out set if json is not one JSON text, or is nested deeper than max_levels. */
bool jsonscan_read(struct text json, unsigned max_levels, const struct jsonscan_wanted *wanted, struct arena *arena,
                   struct jsonscan_value *root_out, struct jsonscan_error *error_out);

/* True if more than `levels` brackets are open at one place. bytes need not be JSON: brackets in strings do not count,
 * and a closing bracket closes the last open one of either form, if any. */
bool jsonscan_is_deeper(struct text bytes, unsigned levels);

/* The characters of a string value: a slice of the text, or unescaped in the arena. Never absent. */
struct text jsonscan_string(const struct jsonscan_value *value, struct arena *arena);

/* Iterates over the members of an object that jsonscan_read() has accepted. */
struct jsonscan_walk {
	const char *at;
};

void jsonscan_walk_init(struct jsonscan_walk *walk, const struct jsonscan_value *object);
/* False after the last member. An object or array as value has len 0 and is the last member that is returned. */
bool jsonscan_walk_next(struct jsonscan_walk *walk, struct jsonscan_value *name_out, struct jsonscan_value *value_out);

/* True if the bytes are UTF-8 without NUL. */
bool jsonscan_is_clean(struct text bytes);

#endif
