/* A borrowed run of bytes: UTF-8, not terminated. It never owns what it points to.
 * Absent is ptr == NULL; present but empty is ptr != NULL with len 0. */
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
/* Of a string literal only. */
#define TEXT(literal) ((struct text){(literal), (uint32_t)(sizeof(literal) - 1)})

static inline struct text text_of(const char *c_string)
{
	return c_string == NULL ? TEXT_ABSENT : (struct text){c_string, (uint32_t)strlen(c_string)};
}

static inline bool text_is_absent(struct text t)
{
	return t.ptr == NULL;
}

/* Absent or empty: what the rules call "nobody" or "cleared". */
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

/* Equal bytes, absent and empty being the same. */
static inline bool text_same(struct text a, struct text b)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what is not empty is somewhere */
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Order by unsigned bytes, the shorter first; absent counts as empty. */
static inline int text_compare(struct text a, struct text b)
{
	uint32_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

#endif
