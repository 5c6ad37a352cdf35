#include "words.h"

void words_clear(struct words *words)
{
	words->len = 0;
	words->text[0] = '\0';
}

void words_add(struct words *words, struct text text)
{
	uint32_t room = (uint32_t)WORDS_BYTES - 1 - words->len;
	uint32_t len = text.len < room ? text.len : room;
	if (len > 0)
		memcpy(words->text + words->len, text.ptr, len);
	words->len += len;
	words->text[words->len] = '\0';
}

void words_next(struct words *words, const char *effect)
{
	if (words->len > 0)
		words_add(words, TEXT("; "));
	words_add(words, text_of(effect));
}
