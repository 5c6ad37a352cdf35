/* Describes the effect of one step in words, for a fold_observer. */
#ifndef KPID_CORE_TICKET_EFFECT_TEXT_H
#define KPID_CORE_TICKET_EFFECT_TEXT_H

#include <stdint.h>

#include "kpid/base/text.h"

enum { EFFECT_TEXT_BYTES = 2048 };

struct effect_text {
	uint32_t len;
	char text[EFFECT_TEXT_BYTES]; /* ends with a NUL; longer text is cut */
};

void effect_text_clear(struct effect_text *effect);
/* Begins the next effect: "a; b". phrase must be a C string. */
void effect_text_begin(struct effect_text *effect, const char *phrase);
void effect_text_append(struct effect_text *effect, struct text text);

#endif
