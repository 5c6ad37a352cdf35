/* The key under which the body of a webhook is written to Kafka, so that the records of a ticket stay in order. Pure.
 */
#ifndef KPID_CORE_HOOK_KEY_H
#define KPID_CORE_HOOK_KEY_H

#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

enum { HOOK_KEY_MAX_BYTES = 1000 };

/* The value of the first pointer (RFC 6901) that leads to a text that is not empty or to a number, cut at
 * HOOK_KEY_MAX_BYTES. Absent if there is none, or if the body is not JSON. The text points into the body or the arena.
 */
struct text hook_key(struct text body, const char *const *pointers, size_t n_pointers, struct arena *arena);

#endif
