#include "kpid/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn void mem_exhausted(size_t size_bytes)
{
	fprintf(stderr, "kpid: out of memory (requested %zu bytes); nothing committed is lost\n", size_bytes);
	_exit(EX_OSERR);
}

void *mem_alloc(size_t size_bytes)
{
	void *ptr = malloc(size_bytes == 0 ? 1 : size_bytes);
	if (ptr == NULL)
		mem_exhausted(size_bytes);
	return ptr;
}

void *mem_zalloc(size_t size_bytes)
{
	void *ptr = calloc(1, size_bytes == 0 ? 1 : size_bytes);
	if (ptr == NULL)
		mem_exhausted(size_bytes);
	return ptr;
}

void *mem_realloc(void *ptr, size_t size_bytes)
{
	void *grown = realloc(ptr, size_bytes == 0 ? 1 : size_bytes);
	if (grown == NULL)
		mem_exhausted(size_bytes);
	return grown;
}

void *mem_grow(void *array, size_t *capacity_io, size_t n_needed, size_t item_bytes)
{
	if (n_needed <= *capacity_io)
		return array;
	size_t capacity = *capacity_io == 0 ? 16 : *capacity_io;
	while (capacity < n_needed)
		capacity *= 2;
	size_t size_bytes;
	if (__builtin_mul_overflow(capacity, item_bytes, &size_bytes))
		mem_exhausted(SIZE_MAX);
	*capacity_io = capacity;
	return mem_realloc(array, size_bytes);
}

char *mem_strdup(const char *c_string)
{
	if (c_string == NULL)
		return NULL;
	size_t size_bytes = strlen(c_string) + 1;
	return memcpy(mem_alloc(size_bytes), c_string, size_bytes);
}
