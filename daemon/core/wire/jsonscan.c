#include "jsonscan.h"

#include <endian.h>
#include <string.h>

#include "decimal.h"
#include "member_names.h"

enum {
	MAX_PLAIN_DIGITS = 300, /* an integer with this many digits is a finite double */
	REPLACEMENT = 0xfffd
};

struct scanner {
	const char *end;
	unsigned max_levels;
	const struct jsonscan_wanted *wanted;
	struct arena *arena;
	const char *error;
	const char *error_at;
	struct name_stack names;
};

static const char *scan_value(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots,
                              struct jsonscan_value *out);

/* Every scan_ function returns where the text continues, or NULL after calling this. */
static const char *fail(struct scanner *s, const char *at, const char *error)
{
	s->error = error;
	s->error_at = at;
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

/* Length of the UTF-8 sequence at p, whose first byte is above 0x7f; 0 if it is not valid. */
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

/* Sets the top bit of the first of 8 bytes that needs a closer look: a control character, '"', '\' or a byte above
 * 0x7f. Bytes after the first may be marked wrongly. */
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

/* The value of four hexadecimal digits; UINT32_MAX if p does not start with four of them. */
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

/* True if the unit and the escape at p are the two halves of a character. */
static bool is_pair(uint32_t unit, const char *p, const char *end)
{
	return is_high_surrogate(unit) && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
	       is_low_surrogate(hex4(p + 2, end));
}

/* p is after "\u". */
static const char *scan_unicode_escape(struct scanner *s, const char *p)
{
	uint32_t unit = hex4(p, s->end);
	if (unit > 0xffff)
		return fail(s, p, "no four hexadecimal digits after \\u");
	if (unit == 0 && !s->wanted->is_lenient)
		return fail(s, p, "U+0000 in a string");
	p += 4;
	if (is_pair(unit, p, s->end))
		return p + 6;
	if ((is_high_surrogate(unit) || is_low_surrogate(unit)) && !s->wanted->is_lenient)
		return fail(s, p, "lone surrogate in an escape");
	return p;
}

/* p is at the backslash. */
static const char *scan_escape(struct scanner *s, const char *p)
{
	if (s->end - p < 2)
		return fail(s, p, "unterminated string");
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

/* p is after the opening quote. */
static const char *scan_string(struct scanner *s, const char *p, struct jsonscan_value *out)
{
	const char *first = p;
	bool is_escaped = false;
	for (;;) {
		p = skip_plain(p, s->end);
		if (p == s->end)
			return fail(s, p, "unterminated string");
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

/* Decodes one escape that was scanned. *p_io is at its backslash, and moves past the escape. What has no character in a
 * lenient text is U+FFFD. */
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
	if (!is_pair(unit, p + 4, end))
		return unit == 0 || is_high_surrogate(unit) || is_low_surrogate(unit) ? REPLACEMENT : unit;
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
	if ((has_exponent || number.len > MAX_PLAIN_DIGITS) && !s->wanted->is_lenient && decimal_beyond_double(number))
		return fail(s, first, "number beyond the range of a double");
	*out = (struct jsonscan_value){number.ptr, number.len, JSONSCAN_NUMBER, false};
	return p;
}

/* p is after the bracket; level is the level of the array. */
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

/* Scans the name of a member and its colon. */
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
	if (!name_set_add(&s->names, names, *name_out))
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

/* p is after the bracket; level is the level of the object. */
static const char *scan_object(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots)
{
	struct name_set names = name_set_open(&s->names);
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
			return name_set_close(&s->names, &names) ? p : fail(s, p, "duplicate key");
		p = skip_space(p, s->end);
	}
}

static const char *scan_brackets(struct scanner *s, const char *p, unsigned level, struct jsonscan_value *slots,
                                 struct jsonscan_value *out)
{
	bool is_object = *p == '{';
	if (level == s->max_levels)
		return fail(s, p, "too many levels");
	const char *after = is_object ? scan_object(s, p + 1, level + 1, slots) : scan_array(s, p + 1, level + 1);
	if (after == NULL)
		return NULL;
	*out = (struct jsonscan_value){p, (uint32_t)(after - p), is_object ? JSONSCAN_OBJECT : JSONSCAN_ARRAY, false};
	return after;
}

/* level: number of brackets around the value. slots: where the members go if it is an object; NULL: not wanted. */
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
                   struct jsonscan_value *root_out, struct jsonscan_error *error_out)
{
	struct scanner s; /* no initializer: it would clear the names, too */
	const char *first = json.ptr == NULL ? "" : json.ptr;
	s.end = first + json.len;
	s.max_levels = max_levels;
	s.wanted = wanted;
	s.arena = arena;
	name_stack_init(&s.names, arena);
	const char *p = scan_value(&s, skip_space(first, s.end), 0, wanted->outer, root_out);
	if (p != NULL) {
		p = skip_space(p, s.end);
		if (p == s.end)
			return true;
		fail(&s, p, "text after the end of the JSON");
	}
	*error_out = (struct jsonscan_error){s.error, (size_t)(s.error_at - first)};
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
