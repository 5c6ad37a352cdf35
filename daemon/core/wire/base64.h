/* Strict base64 (RFC 4648, section 4): standard alphabet, padded, no other characters. */
#ifndef KPID_CORE_WIRE_BASE64_H
#define KPID_CORE_WIRE_BASE64_H

#include <stdbool.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

/* False if the text is not base64. *bytes_out is allocated in the arena, and never absent. */
bool base64_decode(struct text text, struct arena *arena, struct text *bytes_out);

#endif
