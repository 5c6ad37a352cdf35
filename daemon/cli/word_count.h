/* Counts how often each of many texts occurs. */
#ifndef KPID_CLI_WORD_COUNT_H
#define KPID_CLI_WORD_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

struct word {
	struct text text;
	int64_t n;
	struct word *next;
};

/* Zeroed: empty. */
struct word_count {
	struct arena arena;
	struct word **slots;
	size_t n_slots, n;
};

void word_count_release(struct word_count *count);
/* Adds n to the count of a text. Returns its word, which lives as long as the counts. */
struct word *word_count_add(struct word_count *count, struct text text, int64_t n);
/* All words, the most frequent first, then by their bytes. The caller frees the array. */
struct word **word_count_sorted(const struct word_count *count);

#endif
