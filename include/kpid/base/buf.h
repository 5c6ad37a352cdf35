/* A growing byte buffer. data is always followed by a NUL that len_bytes does not count. */
#ifndef KPID_BASE_BUF_H
#define KPID_BASE_BUF_H

#include <endian.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kpid/base/text.h"

struct buf {
	char *data; /* NULL before the first byte */
	size_t len_bytes;
	size_t capacity_bytes;
};

#define BUF_INIT                                                                                                       \
	{                                                                                                              \
		NULL, 0, 0                                                                                             \
	}

void buf_release(struct buf *buf);
/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *buf);
/* Empties the buffer, and frees its memory if it is larger than most_bytes. */
void buf_keep(struct buf *buf, size_t most_bytes);
/* Makes room for n_bytes more and the NUL. */
void buf_grow(struct buf *buf, size_t n_bytes);

/* Appends n_bytes uninitialised bytes, and returns a pointer to the first one. Inline, as are those that only append:
 * rows are built from pieces of a few bytes. */
static inline char *buf_extend(struct buf *buf, size_t n_bytes)
{
	if (__builtin_expect(buf->len_bytes + n_bytes >= buf->capacity_bytes, 0))
		buf_grow(buf, n_bytes);
	char *start = buf->data + buf->len_bytes;
	buf->len_bytes += n_bytes;
	buf->data[buf->len_bytes] = '\0';
	return start;
}

static inline void buf_add(struct buf *buf, const void *bytes, size_t n_bytes)
{
	char *start = buf_extend(buf, n_bytes);
	if (n_bytes != 0)
		memcpy(start, bytes, n_bytes);
}

static inline void buf_add_text(struct buf *buf, struct text t)
{
	buf_add(buf, t.ptr, t.len);
}

static inline void buf_add_char(struct buf *buf, char c)
{
	*buf_extend(buf, 1) = c;
}

void buf_add_str(struct buf *buf, const char *c_string);
void buf_add_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends a JSON string with its quotes. Escapes only '"', '\' and characters below U+0020 (as \u00xx). */
void buf_add_json_string(struct buf *buf, struct text t);
/* Append big-endian integers, as in PostgreSQL's binary formats. */
static inline void buf_add_be16(struct buf *buf, uint16_t value)
{
	value = htobe16(value);
	buf_add(buf, &value, sizeof(value));
}

static inline void buf_add_be32(struct buf *buf, uint32_t value)
{
	value = htobe32(value);
	buf_add(buf, &value, sizeof(value));
}

static inline void buf_add_be64(struct buf *buf, uint64_t value)
{
	value = htobe64(value);
	buf_add(buf, &value, sizeof(value));
}

static inline struct text buf_text(const struct buf *buf)
{
	return (struct text){buf->data == NULL ? "" : buf->data, (uint32_t)buf->len_bytes};
}

#endif
