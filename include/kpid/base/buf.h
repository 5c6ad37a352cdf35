/* A growing byte buffer. data is always followed by a NUL that len_bytes does not count. */
#ifndef KPID_BASE_BUF_H
#define KPID_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
/* Empties it and keeps its memory. */
void buf_clear(struct buf *buf);
/* Empties it, and keeps its memory only if that is at most so much. */
void buf_keep(struct buf *buf, size_t most_bytes);
/* Room for n_bytes more, uninitialised; returns where they start and counts them as written. */
char *buf_extend(struct buf *buf, size_t n_bytes);
void buf_add(struct buf *buf, const void *bytes, size_t n_bytes);
void buf_add_text(struct buf *buf, struct text t);
void buf_add_str(struct buf *buf, const char *c_string);
void buf_add_char(struct buf *buf, char c);
void buf_add_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes: only '"', '\' and characters below U+0020 are escaped (\u00xx). */
void buf_add_json_string(struct buf *buf, struct text t);
/* Big-endian integers, as PostgreSQL's binary formats have them. */
void buf_add_be16(struct buf *buf, uint16_t value);
void buf_add_be32(struct buf *buf, uint32_t value);
void buf_add_be64(struct buf *buf, uint64_t value);

static inline struct text buf_text(const struct buf *buf)
{
	return (struct text){buf->data == NULL ? "" : buf->data, (uint32_t)buf->len_bytes};
}

#endif
