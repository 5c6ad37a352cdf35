#include "jsonscan.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"

enum {
	FEW_NAMES = 16,         /* up to here each new name is compared with all before it */
	INLINE_NAMES = 64,      /* of all open objects together, before the arena is needed */
	FIRST_BUCKETS = 64,     /* of a hash table; a power of two */
	MAX_PLAIN_DIGITS = 300, /* an integer of so many digits is a finite double */
	STEPS_PER_NAME = 16,    /* of probing, on average, before the table is given up */
};

/* A member name, unescaped. */
struct name {
	const char *ptr;
	uint32_t len;
	uint32_t tag; /* equal names have equal tags */
};

/* The names of one open object, on top of those of the objects around it. A few are compared one by
 * one; more go into a hash table; and where the names were made to collide in it, the object's names
 * are sorted at its end instead, so that no input costs quadratic time. */
struct name_set {
	uint32_t first;    /* in scanner.names */
	uint32_t *buckets; /* 1 + place in the set, 0: free; NULL: no table */
	uint32_t mask;     /* number of buckets - 1 */
	uint64_t n_steps;
	bool sorts_at_end;
};

struct scanner {
	const char *end;
	unsigned max_levels;
	const struct jsonscan_wanted *wanted;
	struct arena *arena;
	struct name *names; /* a stack */
	uint32_t n_names, n_names_room;
	const char *fault_words;
	const char *fault_at;
	struct name inline_names[INLINE_NAMES];
};

static const char *scan_value(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots,
                              struct jsonscan_value *out);

/* Every scan_ function gives where the text goes on, or NULL after this. */
static const char *fail(struct scanner *s, const char *at, const char *words)
{
	s->fault_words = words;
	s->fault_at = at;
	return NULL;
}

static bool is_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* --- characters --- */

/* Length of the valid UTF-8 sequence that starts here with a byte above 0x7f; 0 if there is none. */
static unsigned utf8_length(const unsigned char *p, size_t room)
{
	unsigned char lowest = 0x80, highest = 0xbf;
	unsigned len;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		if (p[0] == 0xe0)
			lowest = 0xa0; /* else overlong */
		else if (p[0] == 0xed)
			highest = 0x9f; /* else a surrogate */
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		if (p[0] == 0xf0)
			lowest = 0x90; /* else overlong */
		else if (p[0] == 0xf4)
			highest = 0x8f; /* else above U+10FFFF */
	} else {
		return 0;
	}
	if (room < len || p[1] < lowest || p[1] > highest)
		return 0;
	for (unsigned i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

static uint64_t repeat_byte(unsigned char byte)
{
	return byte * UINT64_C(0x0101010101010101);
}

/* Non-zero in the top bit of the first of 8 bytes that cannot be copied as it stands: a control
 * character, '"', '\' or one above 0x7f. Bytes behind the first may be marked wrongly. */
static uint64_t special_bytes(uint64_t eight)
{
	uint64_t quote = eight ^ repeat_byte('"');
	uint64_t backslash = eight ^ repeat_byte('\\');
	uint64_t control = (eight - repeat_byte(0x20)) & ~eight;
	uint64_t marks =
	        control | ((quote - repeat_byte(1)) & ~quote) | ((backslash - repeat_byte(1)) & ~backslash) | eight;
	return marks & repeat_byte(0x80);
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static const char *skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t eight;
		memcpy(&eight, p, sizeof(eight));
		uint64_t special = special_bytes(le64toh(eight));
		if (special != 0)
			return p + __builtin_ctzll(special) / 8;
		p += 8;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

/* The value of four hexadecimal digits; above 0xffff if they are not. */
static uint32_t hex4(const char *p, const char *end)
{
	uint32_t value = 0;
	if (end - p < 4)
		return UINT32_MAX;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		uint32_t digit = is_digit(c)            ? (uint32_t)(c - '0')
		                 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
		                 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
		                                        : UINT32_MAX;
		if (digit == UINT32_MAX)
			return UINT32_MAX;
		value = value << 4 | digit;
	}
	return value;
}

static bool is_high_surrogate(uint32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(uint32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* p is behind "\u". */
static const char *scan_unicode_escape(struct scanner *s, const char *p)
{
	uint32_t unit = hex4(p, s->end);
	if (unit > 0xffff)
		return fail(s, p, "no four hexadecimal digits after \\u");
	if (unit == 0)
		return fail(s, p, "U+0000 in a string");
	p += 4;
	if (is_low_surrogate(unit))
		return fail(s, p, "lone surrogate in an escape");
	if (!is_high_surrogate(unit))
		return p;
	if (s->end - p < 2 || p[0] != '\\' || p[1] != 'u' || !is_low_surrogate(hex4(p + 2, s->end)))
		return fail(s, p, "lone surrogate in an escape");
	return p + 6;
}

/* p is at the backslash. */
static const char *scan_escape(struct scanner *s, const char *p)
{
	if (s->end - p < 2)
		return fail(s, p, "string without an end");
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		return scan_unicode_escape(s, p + 2);
	default:
		return fail(s, p, "unknown escape in a string");
	}
}

/* p is behind the first quote. */
static const char *scan_string(struct scanner *s, const char *p, struct jsonscan_value *out)
{
	const char *first = p;
	bool is_escaped = false;
	for (;;) {
		p = skip_plain(p, s->end);
		if (p == s->end)
			return fail(s, p, "string without an end");
		unsigned char c = (unsigned char)*p;
		if (c == '"')
			break;
		if (c == '\\') {
			is_escaped = true;
			p = scan_escape(s, p);
			if (p == NULL)
				return NULL;
		} else if (c < 0x20) {
			return fail(s, p, c == 0 ? "NUL" : "control character in a string; write \\n or \\u00xx");
		} else {
			unsigned len = utf8_length((const unsigned char *)p, (size_t)(s->end - p));
			if (len == 0)
				return fail(s, p, "not UTF-8");
			p += len;
		}
	}
	*out = (struct jsonscan_value){first, (uint32_t)(p - first), JSONSCAN_STRING, is_escaped};
	return p + 1;
}

static char *put_utf8(char *to, uint32_t character)
{
	if (character < 0x80) {
		*to++ = (char)character;
	} else if (character < 0x800) {
		*to++ = (char)(0xc0 | character >> 6);
		*to++ = (char)(0x80 | (character & 0x3f));
	} else if (character < 0x10000) {
		*to++ = (char)(0xe0 | character >> 12);
		*to++ = (char)(0x80 | (character >> 6 & 0x3f));
		*to++ = (char)(0x80 | (character & 0x3f));
	} else {
		*to++ = (char)(0xf0 | character >> 18);
		*to++ = (char)(0x80 | (character >> 12 & 0x3f));
		*to++ = (char)(0x80 | (character >> 6 & 0x3f));
		*to++ = (char)(0x80 | (character & 0x3f));
	}
	return to;
}

/* One escape, known to be valid; *p_io is at its backslash and moves behind it. */
static uint32_t read_escape(const char **p_io, const char *end)
{
	const char *p = *p_io + 2;
	*p_io = p;
	switch (p[-1]) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'u':
		break;
	default:
		return (unsigned char)p[-1];
	}
	uint32_t unit = hex4(p, end);
	*p_io = p + 4;
	if (!is_high_surrogate(unit))
		return unit;
	*p_io = p + 10;
	return 0x10000 + ((unit - 0xd800) << 10) + (hex4(p + 6, end) - 0xdc00);
}

struct text jsonscan_string(const struct jsonscan_value *value, struct arena *arena)
{
	if (!value->is_escaped)
		return (struct text){value->ptr, value->len};
	const char *p = value->ptr;
	const char *end = p + value->len;
	char *unescaped = arena_alloc(arena, value->len); /* an escape is never shorter than its character */
	char *to = unescaped;
	while (p < end) {
		if (*p == '\\')
			to = put_utf8(to, read_escape(&p, end));
		else
			*to++ = *p++;
	}
	return (struct text){unescaped, (uint32_t)(to - unescaped)};
}

/* --- names: no two alike in an object --- */

uint32_t jsonscan_hash(struct text name)
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

/* Cheaper than a hash, and enough to tell a few names apart. */
static uint32_t mark_name(const char *ptr, uint32_t len)
{
	if (len == 0)
		return 0;
	return len ^ (uint32_t)(unsigned char)ptr[0] << 24 ^ (uint32_t)(unsigned char)ptr[len - 1] << 16 ^
	       (uint32_t)(unsigned char)ptr[len / 2] << 8;
}

static bool same_name(const struct name *a, const struct name *b)
{
	return a->tag == b->tag && a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0;
}

/* By length first: any order will do. */
static int compare_names(const void *left, const void *right)
{
	const struct name *a = left;
	const struct name *b = right;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->ptr, b->ptr, a->len);
}

static void push_name(struct scanner *s, struct name name)
{
	if (s->n_names == s->n_names_room) {
		struct name *more = arena_alloc(s->arena, 2 * (size_t)s->n_names_room * sizeof(*more));
		memcpy(more, s->names, s->n_names * sizeof(*more));
		s->names = more;
		s->n_names_room *= 2;
	}
	s->names[s->n_names++] = name;
}

/* Puts the set's place-th name into the table; false if its like is there. */
static bool put_in_table(const struct name *names, uint32_t place, struct name_set *set)
{
	uint32_t bucket = names[place].tag & set->mask;
	for (; set->buckets[bucket] != 0; bucket = (bucket + 1) & set->mask) {
		if (same_name(&names[set->buckets[bucket] - 1], &names[place]))
			return false;
		set->n_steps++;
	}
	set->buckets[bucket] = place + 1;
	return true;
}

/* A table twice the size, with the first n_names of the set in it. */
static void grow_table(struct scanner *s, struct name_set *set, uint32_t n_names)
{
	uint32_t n_buckets = set->buckets == NULL ? FIRST_BUCKETS : 2 * (set->mask + 1);
	struct name *names = s->names + set->first;
	if (set->buckets == NULL) {
		for (uint32_t i = 0; i < n_names; i++)
			names[i].tag = jsonscan_hash((struct text){names[i].ptr, names[i].len});
	}
	set->buckets = arena_zalloc(s->arena, n_buckets * sizeof(*set->buckets));
	set->mask = n_buckets - 1;
	for (uint32_t i = 0; i < n_names; i++)
		put_in_table(names, i, set);
}

static bool is_new_in_table(struct scanner *s, struct name_set *set, struct text text)
{
	uint32_t n_names = s->n_names - set->first;
	if (set->sorts_at_end) {
		push_name(s, (struct name){text.ptr, text.len, 0});
		return true;
	}
	if (set->buckets == NULL || 2 * n_names > set->mask)
		grow_table(s, set, n_names);
	push_name(s, (struct name){text.ptr, text.len, jsonscan_hash(text)});
	if (!put_in_table(s->names + set->first, n_names, set))
		return false;
	set->sorts_at_end = set->n_steps > (uint64_t)STEPS_PER_NAME * n_names;
	return true;
}

/* Adds the name to the set; false if its like is there. */
static bool is_new_name(struct scanner *s, struct name_set *set, struct text text)
{
	if (s->n_names - set->first >= FEW_NAMES)
		return is_new_in_table(s, set, text);
	struct name name = {text.ptr, text.len, mark_name(text.ptr, text.len)};
	for (uint32_t i = set->first; i < s->n_names; i++) {
		if (same_name(&s->names[i], &name))
			return false;
	}
	push_name(s, name);
	return true;
}

/* Forgets the set; false if it was left unchecked and two names are alike. */
static bool close_names(struct scanner *s, struct name_set *set)
{
	uint32_t n_names = s->n_names - set->first;
	struct name *names = s->names + set->first;
	s->n_names = set->first;
	if (!set->sorts_at_end)
		return true;
	qsort(names, n_names, sizeof(*names), compare_names);
	for (uint32_t i = 1; i < n_names; i++) {
		if (compare_names(&names[i - 1], &names[i]) == 0)
			return false;
	}
	return true;
}

/* --- values --- */

static const char *scan_literal(struct scanner *s, const char *p, const char *word, uint32_t len,
                                enum jsonscan_kind kind, struct jsonscan_value *out)
{
	if (s->end - p < (ptrdiff_t)len || memcmp(p, word, len) != 0)
		return fail(s, p, "not a JSON value");
	*out = (struct jsonscan_value){p, len, (uint8_t)kind, false};
	return p + len;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

static const char *scan_number(struct scanner *s, const char *p, struct jsonscan_value *out)
{
	const char *first = p;
	const char *digits = p += *p == '-';
	bool has_exponent = false;
	p = skip_digits(p, s->end);
	if (p == digits || (*digits == '0' && p > digits + 1))
		return fail(s, first, "not a JSON number");
	if (p < s->end && *p == '.') {
		const char *fraction = ++p;
		p = skip_digits(p, s->end);
		if (p == fraction)
			return fail(s, first, "not a JSON number");
	}
	if (p < s->end && (*p == 'e' || *p == 'E')) {
		has_exponent = true;
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		const char *exponent = p;
		p = skip_digits(p, s->end);
		if (p == exponent)
			return fail(s, first, "not a JSON number");
	}
	struct text number = {first, (uint32_t)(p - first)};
	if ((has_exponent || number.len > MAX_PLAIN_DIGITS) && decimal_beyond_double(number))
		return fail(s, first, "number beyond the range of a double");
	*out = (struct jsonscan_value){number.ptr, number.len, JSONSCAN_NUMBER, false};
	return p;
}

/* p is behind the bracket, level is that of the array. */
static const char *scan_array(struct scanner *s, const char *p, unsigned level)
{
	struct jsonscan_value item;
	p = skip_space(p, s->end);
	if (p < s->end && *p == ']')
		return p + 1;
	for (;;) {
		p = scan_value(s, p, level, NULL, &item);
		if (p == NULL)
			return NULL;
		p = skip_space(p, s->end);
		if (p == s->end || (*p != ',' && *p != ']'))
			return fail(s, p, "no comma or end of the array");
		if (*p++ == ']')
			return p;
		p = skip_space(p, s->end);
	}
}

/* The name of a member and its colon. */
static const char *scan_name(struct scanner *s, const char *p, struct name_set *names, struct text *name_out)
{
	struct jsonscan_value name;
	if (p == s->end || *p != '"')
		return fail(s, p, "no name of a member");
	const char *at = p;
	p = scan_string(s, p + 1, &name);
	if (p == NULL)
		return NULL;
	*name_out = jsonscan_string(&name, s->arena);
	if (!is_new_name(s, names, *name_out))
		return fail(s, at, "duplicate key");
	p = skip_space(p, s->end);
	if (p == s->end || *p != ':')
		return fail(s, p, "no colon after a name");
	return skip_space(p + 1, s->end);
}

static const char *scan_member(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots,
                               struct name_set *names)
{
	struct text name;
	struct jsonscan_value unwanted;
	p = scan_name(s, p, names, &name);
	if (p == NULL)
		return NULL;
	int slot = slots == NULL ? -1 : s->wanted->find(name);
	if (slot < 0)
		return scan_value(s, p, level, NULL, &unwanted);
	bool is_nested = slots == s->wanted->outer && slot == s->wanted->nested;
	return scan_value(s, p, level, is_nested ? s->wanted->inner : NULL, &slots[slot]);
}

/* p is behind the bracket, level is that of the object. */
static const char *scan_object(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots)
{
	struct name_set names = {.first = s->n_names};
	p = skip_space(p, s->end);
	if (p < s->end && *p == '}')
		return p + 1;
	for (;;) {
		p = scan_member(s, p, level, slots, &names);
		if (p == NULL)
			return NULL;
		p = skip_space(p, s->end);
		if (p == s->end || (*p != ',' && *p != '}'))
			return fail(s, p, "no comma or end of the object");
		if (*p++ == '}')
			return close_names(s, &names) ? p : fail(s, p, "duplicate key");
		p = skip_space(p, s->end);
	}
}

static const char *scan_brackets(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots,
                                 struct jsonscan_value *out)
{
	bool is_object = *p == '{';
	if (level == s->max_levels)
		return fail(s, p, "too many levels");
	const char *behind = is_object ? scan_object(s, p + 1, level + 1, slots) : scan_array(s, p + 1, level + 1);
	if (behind == NULL)
		return NULL;
	*out = (struct jsonscan_value){p, (uint32_t)(behind - p), is_object ? JSONSCAN_OBJECT : JSONSCAN_ARRAY, false};
	return behind;
}

/* level counts the brackets around the value; slots take its members if it is an object, NULL: unwanted. */
static const char *scan_value(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots,
                              struct jsonscan_value *out)
{
	if (p == s->end)
		return fail(s, p, "ends too early");
	switch (*p) {
	case '"':
		return scan_string(s, p + 1, out);
	case '{':
	case '[':
		return scan_brackets(s, p, level, slots, out);
	case 't':
		return scan_literal(s, p, "true", 4, JSONSCAN_TRUE, out);
	case 'f':
		return scan_literal(s, p, "false", 5, JSONSCAN_FALSE, out);
	case 'n':
		return scan_literal(s, p, "null", 4, JSONSCAN_NULL, out);
	default:
		if (*p == '-' || is_digit(*p))
			return scan_number(s, p, out);
		return fail(s, p, *p == '\0' ? "NUL" : "not a JSON value");
	}
}

bool jsonscan_read(struct text json, unsigned max_levels, const struct jsonscan_wanted *wanted, struct arena *arena,
                   struct jsonscan_value *root_out, struct jsonscan_fault *fault_out)
{
	struct scanner s; /* not initialised as a whole: the names need not be */
	const char *first = json.ptr == NULL ? "" : json.ptr;
	s.end = first + json.len;
	s.max_levels = max_levels;
	s.wanted = wanted;
	s.arena = arena;
	s.names = s.inline_names;
	s.n_names = 0;
	s.n_names_room = INLINE_NAMES;
	const char *p = scan_value(&s, skip_space(first, s.end), 0, wanted->outer, root_out);
	if (p != NULL) {
		p = skip_space(p, s.end);
		if (p == s.end)
			return true;
		fail(&s, p, "text after the end of the JSON");
	}
	*fault_out = (struct jsonscan_fault){s.fault_words, (size_t)(s.fault_at - first)};
	return false;
}

bool jsonscan_is_deeper(struct text bytes, unsigned levels)
{
	unsigned level = 0;
	bool in_string = false;
	for (uint32_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];
		if (c == '"')
			in_string = !in_string;
		else if (in_string && c == '\\')
			i++;
		else if (!in_string && (c == '{' || c == '[') && ++level > levels)
			return true;
		else if (!in_string && (c == '}' || c == ']') && level > 0)
			level--;
	}
	return false;
}

void jsonscan_walk_init(struct jsonscan_walk *walk, const struct jsonscan_value *object)
{
	walk->at = object->ptr + 1;
}

static const char *skip_space_and(const char *p, char c)
{
	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t' || *p == c)
		p++;
	return p;
}

/* A string that was found valid before; p is behind its first quote. */
static const char *walk_string(const char *p, struct jsonscan_value *out)
{
	const char *first = p;
	bool is_escaped = false;
	for (; *p != '"'; p++) {
		if (*p == '\\') {
			is_escaped = true;
			p++;
		}
	}
	*out = (struct jsonscan_value){first, (uint32_t)(p - first), JSONSCAN_STRING, is_escaped};
	return p + 1;
}

/* A number or a word that was found valid before. */
static const char *walk_plain(const char *p, struct jsonscan_value *out)
{
	enum jsonscan_kind kind = *p == 'n'   ? JSONSCAN_NULL
	                          : *p == 't' ? JSONSCAN_TRUE
	                          : *p == 'f' ? JSONSCAN_FALSE
	                                      : JSONSCAN_NUMBER;
	const char *first = p;
	while (is_digit(*p) || (*p >= 'a' && *p <= 'z') || *p == 'E' || *p == '.' || *p == '-' || *p == '+')
		p++;
	*out = (struct jsonscan_value){first, (uint32_t)(p - first), (uint8_t)kind, false};
	return p;
}

bool jsonscan_walk_next(struct jsonscan_walk *walk, struct jsonscan_value *name_out, struct jsonscan_value *value_out)
{
	const char *p = walk->at == NULL ? "}" : skip_space_and(walk->at, ',');
	if (*p == '}')
		return false;
	p = skip_space_and(walk_string(p + 1, name_out), ':');
	if (*p == '"') {
		walk->at = walk_string(p + 1, value_out);
	} else if (*p == '{' || *p == '[') {
		*value_out = (struct jsonscan_value){p, 0, *p == '{' ? JSONSCAN_OBJECT : JSONSCAN_ARRAY, false};
		walk->at = NULL;
	} else {
		walk->at = walk_plain(p, value_out);
	}
	return true;
}

bool jsonscan_is_clean(struct text bytes)
{
	uint32_t i = 0;
	while (i < bytes.len) {
		const unsigned char *p = (const unsigned char *)bytes.ptr + i;
		unsigned len = *p == 0 ? 0 : *p < 0x80 ? 1 : utf8_length(p, bytes.len - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}
