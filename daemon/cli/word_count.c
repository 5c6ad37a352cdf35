#include "cli/word_count.h"

#include <stdlib.h>

#include "kpid/base/hash.h"
#include "kpid/base/memory.h"

void word_count_release(struct word_count *count)
{
	arena_release(&count->arena);
	free(count->slots);
}

static void grow(struct word_count *count)
{
	size_t n_slots = count->n_slots == 0 ? 64 : 2 * count->n_slots;
	struct word **slots = mem_zalloc(n_slots * sizeof(*slots));
	for (size_t i = 0; i < count->n_slots; i++) {
		for (struct word *word = count->slots[i], *next; word != NULL; word = next) {
			size_t slot = hash_text(word->text) & (n_slots - 1);
			next = word->next;
			word->next = slots[slot];
			slots[slot] = word;
		}
	}
	free(count->slots);
	count->slots = slots;
	count->n_slots = n_slots;
}

struct word *word_count_add(struct word_count *count, struct text text, int64_t n)
{
	if (count->n >= count->n_slots)
		grow(count);
	size_t slot = hash_text(text) & (count->n_slots - 1);
	struct word *word = count->slots[slot];
	while (word != NULL && !text_same(word->text, text))
		word = word->next;
	if (word == NULL) {
		word = arena_alloc(&count->arena, sizeof(*word));
		*word = (struct word){arena_text(&count->arena, text), 0, count->slots[slot]};
		count->slots[slot] = word;
		count->n++;
	}
	word->n += n;
	return word;
}

static int compare(const void *left, const void *right)
{
	const struct word *a = *(struct word *const *)left, *b = *(struct word *const *)right;
	if (a->n != b->n)
		return a->n < b->n ? 1 : -1;
	return text_compare(a->text, b->text);
}

struct word **word_count_sorted(const struct word_count *count)
{
	struct word **words = mem_alloc((count->n + 1) * sizeof(*words));
	size_t n = 0;
	for (size_t i = 0; i < count->n_slots; i++)
		for (struct word *word = count->slots[i]; word != NULL; word = word->next)
			words[n++] = word;
	qsort(words, n, sizeof(*words), compare);
	words[n] = NULL;
	return words;
}
