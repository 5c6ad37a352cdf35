/* Allocation that never returns NULL: when the machine has no memory left the process prints one
 * line and ends with status 71 (EX_OSERR). That is safe at any point, because every effect of a
 * batch and its offsets are one transaction in PostgreSQL: what was not committed is read again. */
#ifndef KPID_BASE_MEMORY_H
#define KPID_BASE_MEMORY_H

#include <stddef.h>

void *mem_alloc(size_t size_bytes);              /* uninitialised; free with free() */
void *mem_zalloc(size_t size_bytes);             /* zeroed; free with free() */
void *mem_realloc(void *ptr, size_t size_bytes); /* as realloc() */
void *mem_grow(void *array, size_t *capacity_io, size_t n_needed, size_t item_bytes);
char *mem_strdup(const char *c_string); /* NULL gives NULL; free with free() */

/* For what a library could not get; size_bytes: 0 if that is not known. */
_Noreturn void mem_exhausted(size_t size_bytes);

#endif
