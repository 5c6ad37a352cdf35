/* Allocation that never returns NULL: without memory the process prints one line and exits with status 71 (EX_OSERR).
 * That is safe at any point, because all effects of a batch and its offsets are one transaction in PostgreSQL: events
 * that were not committed are read again. */
#ifndef KPID_BASE_MEMORY_H
#define KPID_BASE_MEMORY_H

#include <stddef.h>

void *mem_alloc(size_t size_bytes);              /* uninitialised; free with free() */
void *mem_zalloc(size_t size_bytes);             /* zeroed; free with free() */
void *mem_realloc(void *ptr, size_t size_bytes); /* as realloc() */
/* Grows an array to at least n_needed items, and updates *capacity_io (in items). Returns the new array. */
void *mem_grow(void *array, size_t *capacity_io, size_t n_needed, size_t item_bytes);
char *mem_strdup(const char *c_string); /* NULL gives NULL; free with free() */

/* Exits because a library ran out of memory. size_bytes: 0 if unknown. */
_Noreturn void mem_exhausted(size_t size_bytes);

#endif
