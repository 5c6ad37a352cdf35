#include "kpid/base/printable.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct range {
	uint32_t first, last;
};

/* C1 controls, and characters that are invisible or change the order of others. */
static bool is_unsafe(uint32_t c)
{
	static const struct range ranges[] = {{0x80, 0x9f},     {0xad, 0xad},      {0x61c, 0x61c},   {0x180e, 0x180e},
	                                      {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f}, {0xfeff, 0xfeff},
	                                      {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Returns the length in bytes of the first character, and its code point; 0 for invalid UTF-8. */
static uint32_t decode(struct text t, uint32_t *c_out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)t.ptr[0];
	uint32_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
	if (n == 0 || n > t.len)
		return 0;
	uint32_t c = n == 1 ? first : first & (0x7fu >> n);
	for (uint32_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)t.ptr[i];
		if ((next & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (next & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*c_out = c;
	return n;
}

void printable_next(struct text *rest, struct printable *out)
{
	uint32_t c = 0, n = decode(*rest, &c);
	int spelled = 0;
	if (n == 0 || c < 0x20 || c == 0x7f)
		spelled = snprintf(out->bytes, sizeof(out->bytes), "\\x%02x", (unsigned char)rest->ptr[0]);
	else if (is_unsafe(c))
		spelled = snprintf(out->bytes, sizeof(out->bytes), "\\u%04x", (unsigned)c);
	else
		memcpy(out->bytes, rest->ptr, n);
	out->len_bytes = spelled > 0 ? (size_t)spelled : n;
	out->character = spelled > 0 ? 0 : c;
	rest->ptr += n == 0 ? 1 : n;
	rest->len -= n == 0 ? 1 : n;
}
