#include "kpid/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/memory.h"

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *buf)
{
	buf->len_bytes = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void buf_keep(struct buf *buf, size_t most_bytes)
{
	if (buf->capacity_bytes > most_bytes)
		buf_release(buf);
	else
		buf_clear(buf);
}

void buf_grow(struct buf *buf, size_t n_bytes)
{
	buf->data = mem_grow(buf->data, &buf->capacity_bytes, buf->len_bytes + n_bytes + 1, 1);
}

void buf_add_str(struct buf *buf, const char *c_string)
{
	buf_add(buf, c_string, strlen(c_string));
}

void buf_add_format(struct buf *buf, const char *format, ...)
{
	char small[256];
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	if (len < 0)
		return;
	if ((size_t)len < sizeof(small)) {
		buf_add(buf, small, (size_t)len);
		return;
	}
	char *start = buf_extend(buf, (size_t)len);
	va_start(arguments, format);
	vsnprintf(start, (size_t)len + 1, format, arguments);
	va_end(arguments);
}

void buf_add_json_string(struct buf *buf, struct text t)
{
	buf_add_char(buf, '"');
	uint32_t plain_from = 0;
	for (uint32_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.ptr[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(buf, t.ptr + plain_from, i - plain_from);
		if (c < 0x20)
			buf_add_format(buf, "\\u%04x", c);
		else
			buf_add(buf, (char[]){'\\', (char)c}, 2);
		plain_from = i + 1;
	}
	if (t.len > plain_from)
		buf_add(buf, t.ptr + plain_from, t.len - plain_from);
	buf_add_char(buf, '"');
}
