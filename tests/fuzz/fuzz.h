/* Shared by the fuzz targets: checks that abort, so that libFuzzer keeps the input, and numbers taken from the
 * bytes of an input. */
#ifndef KPID_TESTS_FUZZ_H
#define KPID_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/text.h"

/* Active in every build, unlike assert(). */
#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

struct fuzz_input {
	const uint8_t *at, *end;
};

/* 0 once the input has ended. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static inline uint64_t fuzz_number(struct fuzz_input *input, int n_bytes)
{
	uint64_t number = 0;
	for (int i = 0; i < n_bytes; i++)
		number = number << 8 | fuzz_byte(input);
	return number;
}

/* The bytes up to the next zero byte or the end. */
static inline struct text fuzz_text(struct fuzz_input *input)
{
	struct text text = {(const char *)input->at, 0};
	while (input->at < input->end && *input->at != '\0') {
		input->at++;
		text.len++;
	}
	fuzz_byte(input);
	return text;
}

/* A heap block of exactly that size, so that a sanitizer detects a read beyond it; the caller frees it. */
static inline struct text fuzz_exact(struct text bytes)
{
	char *exact = malloc(bytes.len == 0 ? 1 : bytes.len);
	CHECK(exact != NULL);
	if (bytes.len > 0)
		memcpy(exact, bytes.ptr, bytes.len);
	return (struct text){exact, bytes.len};
}

#endif
