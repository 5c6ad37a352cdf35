#include "kpid/core/hook_key.h"

#include "kpid/core/json_pointer.h"

enum { MAX_LEVELS = 64 };

struct text hook_key(struct text body, const char *const *pointers, size_t n_pointers, struct arena *arena)
{
	const char *error;
	size_t at_byte;
	if (n_pointers == 0 || !json_tokens_check(body, MAX_LEVELS, arena, &error, &at_byte))
		return TEXT_ABSENT;
	for (size_t i = 0; i < n_pointers; i++) {
		struct json_tokens tokens = json_tokens_of(body);
		struct json_token token;
		if (!json_pointer_find(pointers[i], &tokens, arena, &token))
			continue;
		struct text value = token.kind == JSON_STRING   ? json_token_string(&token, arena)
		                    : token.kind == JSON_NUMBER ? token.text
		                                                : TEXT("");
		if (value.len > 0)
			return text_cut(value, HOOK_KEY_MAX_BYTES);
	}
	return TEXT_ABSENT;
}
