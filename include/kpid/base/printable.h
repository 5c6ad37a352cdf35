/* What strangers wrote, made fit for a terminal and for a log: whatever would not be seen, would change what is seen,
 * or is no UTF-8, is spelled out. */
#ifndef KPID_BASE_PRINTABLE_H
#define KPID_BASE_PRINTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"

struct printable {
	char bytes[12]; /* without an end */
	size_t len_bytes;
	uint32_t character; /* of Unicode; 0: it is spelled out, in ASCII: \x1b for a byte, \u202e for a character */
};

/* Takes one character, or one byte that belongs to none, off the text, which is not empty. */
void printable_next(struct text *rest, struct printable *out);

#endif
