/* The effect of one step in plain words, for a fold_observer. */
#ifndef KPID_CORE_TICKET_WORDS_H
#define KPID_CORE_TICKET_WORDS_H

#include <stdint.h>

#include "kpid/base/text.h"

enum { WORDS_BYTES = 2048 };

struct words {
	uint32_t len;
	char text[WORDS_BYTES]; /* always ended by a NUL; what does not fit is cut off */
};

void words_clear(struct words *words);
/* Begins another effect: "a; b". */
void words_next(struct words *words, const char *effect);
void words_add(struct words *words, struct text text);

#endif
