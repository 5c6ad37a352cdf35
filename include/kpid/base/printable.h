/* Makes untrusted text safe for terminals and logs: escapes invalid UTF-8 and characters that are invisible or change
 * the display of others. */
#ifndef KPID_BASE_PRINTABLE_H
#define KPID_BASE_PRINTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"

struct printable {
	char bytes[12]; /* not terminated */
	size_t len_bytes;
	uint32_t character; /* code point; 0: escaped in ASCII, as \x1b for a byte or \u202e for a character */
};

/* Takes the next character, or the next invalid byte, off the text, which must not be empty. */
void printable_next(struct text *rest, struct printable *out);

#endif
