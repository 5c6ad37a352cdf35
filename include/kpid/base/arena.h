/* An arena: many small allocations that end together.
 * What arena_alloc() returns lives until arena_clear() or arena_release(); it is never freed alone. */
#ifndef KPID_BASE_ARENA_H
#define KPID_BASE_ARENA_H

#include <stddef.h>

#include "kpid/base/text.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *head; /* the chunk in use; older ones behind it */
	size_t used_bytes;        /* in head */
	size_t total_bytes;       /* handed out since the last clear, over all chunks */
};

void arena_init(struct arena *arena);
/* Frees everything and leaves the arena as after arena_init(). */
void arena_release(struct arena *arena);
/* Forgets everything and keeps up to keep_bytes of memory for the next use. */
void arena_clear(struct arena *arena, size_t keep_bytes);
/* Aligned to 8 bytes, uninitialised; never NULL (see base/memory.h). */
void *arena_alloc(struct arena *arena, size_t size_bytes);
void *arena_zalloc(struct arena *arena, size_t size_bytes);
/* A copy of t's bytes in the arena; absent stays absent, empty stays empty. */
struct text arena_text(struct arena *arena, struct text t);

#endif
