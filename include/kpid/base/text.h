/* A borrowed UTF-8 string, not terminated. Absent: ptr is NULL. Empty: ptr is not NULL and len is 0. */
#ifndef KPID_BASE_TEXT_H
#define KPID_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct text {
	const char *ptr;
	uint32_t len; /* bytes */
};

#define TEXT_ABSENT ((struct text){NULL, 0})
/* For string literals only. */
#define TEXT(literal) ((struct text){(literal), (uint32_t)(sizeof(literal) - 1)})

static inline struct text text_of(const char *c_string)
{
	return c_string == NULL ? TEXT_ABSENT : (struct text){c_string, (uint32_t)strlen(c_string)};
}

static inline bool text_is_absent(struct text t)
{
	return t.ptr == NULL;
}

/* Absent or empty: "nobody" or "cleared" in the rules. */
static inline bool text_is_empty(struct text t)
{
	return t.len == 0;
}

/* Equal bytes. Absent equals only absent. */
static inline bool text_equal(struct text a, struct text b)
{
	if (a.len != b.len || (a.ptr == NULL) != (b.ptr == NULL))
		return false;
	return a.ptr == NULL || memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* Equal bytes. Absent equals empty. */
static inline bool text_same(struct text a, struct text b)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a text with a length has a pointer */
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Compares by unsigned bytes; a prefix comes first, and absent counts as empty. */
static inline int text_compare(struct text a, struct text b)
{
	uint32_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

/* The first max_bytes at most, without cutting a UTF-8 character. */
static inline struct text text_cut(struct text t, uint32_t max_bytes)
{
	if (t.len <= max_bytes)
		return t;
	t.len = max_bytes;
	while (t.len > 0 && ((unsigned char)t.ptr[t.len] & 0xc0) == 0x80)
		t.len--;
	return t;
}

#endif
