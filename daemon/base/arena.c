#include "kpid/base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "kpid/base/memory.h"

enum { CHUNK_BYTES = 64 * 1024 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t capacity_bytes;
	max_align_t data[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){NULL, 0, 0};
}

void arena_release(struct arena *arena)
{
	arena_clear(arena, 0);
}

void arena_clear(struct arena *arena, size_t keep_bytes)
{
	struct arena_chunk *kept = NULL;
	for (struct arena_chunk *chunk = arena->head, *older; chunk != NULL; chunk = older) {
		older = chunk->older;
		if (kept == NULL && chunk->capacity_bytes <= keep_bytes) {
			kept = chunk;
			kept->older = NULL;
		} else {
			free(chunk);
		}
	}
	*arena = (struct arena){kept, 0, 0};
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
	size_t padded = (size_bytes + 7) & ~(size_t)7;
	if (arena->head == NULL || padded > arena->head->capacity_bytes - arena->used_bytes) {
		/* Chunks grow with the memory in use, so that a large batch needs few of them. */
		size_t capacity = arena->total_bytes / 2;
		capacity = capacity < CHUNK_BYTES        ? CHUNK_BYTES
		           : capacity > 16 * CHUNK_BYTES ? 16 * CHUNK_BYTES
		                                         : capacity;
		if (capacity < padded)
			capacity = padded;
		struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + capacity);
		chunk->older = arena->head;
		chunk->capacity_bytes = capacity;
		arena->head = chunk;
		arena->used_bytes = 0;
	}
	void *ptr = (char *)arena->head->data + arena->used_bytes;
	arena->used_bytes += padded;
	arena->total_bytes += padded;
	return ptr;
}

void *arena_zalloc(struct arena *arena, size_t size_bytes)
{
	return memset(arena_alloc(arena, size_bytes), 0, size_bytes);
}

struct text arena_text(struct arena *arena, struct text t)
{
	if (t.len == 0)
		return text_is_absent(t) ? TEXT_ABSENT : TEXT("");
	char *copy = arena_alloc(arena, t.len);
	memcpy(copy, t.ptr, t.len);
	return (struct text){copy, t.len};
}
