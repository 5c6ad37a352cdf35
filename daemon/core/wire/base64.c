#include "base64.h"

#include <stdint.h>

enum { GROUP_CHARS = 4, GROUP_BYTES = 3, BITS_PER_CHAR = 6 };

/* 0 to 63; -1 for a character outside the alphabet. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static uint32_t count_padding(struct text text)
{
	uint32_t n = 0;
	while (n < 2 && n < text.len && text.ptr[text.len - 1 - n] == '=')
		n++;
	return n;
}

bool base64_decode(struct text text, struct arena *arena, struct text *bytes_out)
{
	if (text.len % GROUP_CHARS != 0)
		return false;
	uint32_t n_padding = count_padding(text);
	uint32_t n_chars = text.len - n_padding;
	uint32_t n_bytes = text.len / GROUP_CHARS * GROUP_BYTES - n_padding;
	char *bytes = arena_alloc(arena, n_bytes);
	uint32_t bits = 0, n_bits = 0, n_done = 0;
	for (uint32_t i = 0; i < n_chars; i++) {
		int value = value_of(text.ptr[i]);
		if (value < 0)
			return false;
		bits = bits << BITS_PER_CHAR | (uint32_t)value;
		n_bits += BITS_PER_CHAR;
		if (n_bits >= 8) {
			n_bits -= 8;
			bytes[n_done++] = (char)(bits >> n_bits & 0xff);
		}
	}
	*bytes_out = (struct text){bytes, n_bytes};
	return true;
}
