/* An arena: many small allocations with one lifetime. Memory from arena_alloc() lives until arena_clear() or
 * arena_release(), and is never freed alone. */
#ifndef KPID_BASE_ARENA_H
#define KPID_BASE_ARENA_H

#include <stddef.h>

#include "kpid/base/text.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *head; /* the current chunk; it links to older ones */
	size_t used_bytes;        /* in head */
	size_t total_bytes;       /* allocated since the last clear, over all chunks */
};

void arena_init(struct arena *arena);
/* Frees everything; the arena is then as after arena_init(). */
void arena_release(struct arena *arena);
/* Discards all allocations, and keeps up to keep_bytes of memory for reuse. */
void arena_clear(struct arena *arena, size_t keep_bytes);
/* Aligned to 8 bytes, uninitialised; never NULL (see base/memory.h). */
void *arena_alloc(struct arena *arena, size_t size_bytes);
void *arena_zalloc(struct arena *arena, size_t size_bytes);
/* Copies t into the arena. Absent stays absent, empty stays empty. */
struct text arena_text(struct arena *arena, struct text t);

#endif
