/* Text of any encoding as UTF-8, by iconv, in pieces (M13). */
#ifndef KPID_ADAPTERS_CSV_ENCODING_H
#define KPID_ADAPTERS_CSV_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"

enum { ENCODING_SAMPLE_BYTES = 1024 * 1024 };

/* The encoding of a text by its first bytes: by a byte-order mark, else UTF-8, else GB18030. A character that is cut at
 * the end of the sample does not count. The result is static. */
const char *encoding_guess(const char *sample, size_t n_bytes);

struct encoding;

/* Returns NULL for a name that iconv does not know. */
struct encoding *encoding_new(const char *name);
void encoding_free(struct encoding *encoding);
/* Starts over. */
void encoding_reset(struct encoding *encoding);
/* Appends the bytes as UTF-8. Bytes that do not decode become the byte 0xff, which is never UTF-8. is_end: no bytes
 * follow. */
void encoding_decode(struct encoding *encoding, const char *bytes, size_t n_bytes, bool is_end, struct buf *out);

#endif
