#include "adapters/csv/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/memory.h"

enum { CHARACTER_BYTES = 16, PIECE_BYTES = 16 * 1024 };

struct encoding {
	iconv_t iconv;
	bool is_utf8;               /* passed on as it is; the reader of the text checks it */
	char rest[CHARACTER_BYTES]; /* of a character that continues in the next piece */
	size_t n_rest;
};

/* The length of a character of UTF-8 by its first byte; 0: no character begins with it. */
static size_t utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* True if the bytes are UTF-8 but for a character that is cut at the end. */
static bool is_utf8(const unsigned char *p, size_t n_bytes)
{
	const unsigned char *end = p + n_bytes;
	while (p < end) {
		size_t len = utf8_length(*p);
		if (len == 0)
			return false;
		for (size_t i = 1; i < len && p + i < end; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		p += len;
	}
	return true;
}

const char *encoding_guess(const char *sample, size_t n_bytes)
{
	if (n_bytes >= 3 && memcmp(sample, "\xef\xbb\xbf", 3) == 0)
		return "UTF-8";
	if (n_bytes >= 4 && memcmp(sample, "\x84\x31\x95\x33", 4) == 0)
		return "GB18030";
	if (n_bytes >= 2 && (memcmp(sample, "\xff\xfe", 2) == 0 || memcmp(sample, "\xfe\xff", 2) == 0))
		return "UTF-16";
	return is_utf8((const unsigned char *)sample, n_bytes) ? "UTF-8" : "GB18030";
}

struct encoding *encoding_new(const char *name)
{
	iconv_t opened = iconv_open("UTF-8", name);
	if (opened == (iconv_t)-1)
		return NULL;
	struct encoding *encoding = mem_zalloc(sizeof(*encoding));
	encoding->iconv = opened;
	encoding->is_utf8 = strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0;
	return encoding;
}

void encoding_free(struct encoding *encoding)
{
	if (encoding == NULL)
		return;
	iconv_close(encoding->iconv);
	free(encoding);
}

void encoding_reset(struct encoding *encoding)
{
	iconv(encoding->iconv, NULL, NULL, NULL, NULL);
	encoding->n_rest = 0;
}

/* Converts as much as it can. Returns the number of bytes at the end that are the start of a character. */
static size_t convert(struct encoding *encoding, char *bytes, size_t n_bytes, bool is_end, struct buf *out)
{
	while (n_bytes > 0) {
		char piece[PIECE_BYTES], *to = piece;
		size_t room = sizeof(piece);
		size_t result = iconv(encoding->iconv, &bytes, &n_bytes, &to, &room);
		int error = errno;
		buf_add(out, piece, (size_t)(to - piece));
		if (result != SIZE_MAX || error == E2BIG)
			continue;
		if (error == EINVAL && !is_end && n_bytes < CHARACTER_BYTES)
			return n_bytes;
		buf_add_char(out, '\xff');
		bytes++;
		n_bytes--;
	}
	return 0;
}

void encoding_decode(struct encoding *encoding, const char *bytes, size_t n_bytes, bool is_end, struct buf *out)
{
	if (encoding->is_utf8) {
		buf_add(out, bytes, n_bytes);
		return;
	}
	struct buf all = BUF_INIT;
	buf_add(&all, encoding->rest, encoding->n_rest);
	buf_add(&all, bytes, n_bytes);
	encoding->n_rest = convert(encoding, all.data, all.len_bytes, is_end, out);
	if (encoding->n_rest > 0)
		memcpy(encoding->rest, all.data + all.len_bytes - encoding->n_rest, encoding->n_rest);
	buf_release(&all);
}
