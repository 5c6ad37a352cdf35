#include "effect_text.h"

void effect_text_clear(struct effect_text *effect)
{
	effect->len = 0;
	effect->text[0] = '\0';
}

void effect_text_append(struct effect_text *effect, struct text text)
{
	uint32_t room = (uint32_t)EFFECT_TEXT_BYTES - 1 - effect->len;
	uint32_t len = text.len < room ? text.len : room;
	if (len > 0)
		memcpy(effect->text + effect->len, text.ptr, len);
	effect->len += len;
	effect->text[effect->len] = '\0';
}

void effect_text_begin(struct effect_text *effect, const char *phrase)
{
	if (effect->len > 0)
		effect_text_append(effect, TEXT("; "));
	effect_text_append(effect, text_of(phrase));
}
