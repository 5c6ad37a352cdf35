#include "kpid/core/json_pointer.h"

/* True if the member's name is the next part of the pointer, which is then passed. */
static bool is_step(const char **pointer_io, struct text name)
{
	const char *p = *pointer_io + 1;
	uint32_t i = 0;
	for (; *p != '\0' && *p != '/'; i++, p++) {
		char c = *p;
		if (c == '~' && (p[1] == '0' || p[1] == '1'))
			c = *++p == '0' ? '~' : '/';
		if (i >= name.len || name.ptr[i] != c)
			return false;
	}
	if (i != name.len)
		return false;
	*pointer_io = p;
	return true;
}

static bool enter_object(const char **pointer_io, struct json_tokens *tokens, struct arena *arena,
                         struct json_token *value_out)
{
	for (;;) {
		struct json_token name = json_tokens_next(tokens);
		if (name.kind != JSON_NAME)
			return false;
		*value_out = json_tokens_next(tokens);
		if (is_step(pointer_io, json_token_string(&name, arena)))
			return true;
		json_tokens_skip(tokens, value_out);
	}
}

/* The next part is the index of an element: digits without a leading zero. */
static bool enter_array(const char **pointer_io, struct json_tokens *tokens, struct json_token *value_out)
{
	const char *p = *pointer_io + 1;
	size_t index = 0, n_digits = strspn(p, "0123456789");
	if (n_digits == 0 || n_digits > 7 || (n_digits > 1 && *p == '0') || (p[n_digits] != '\0' && p[n_digits] != '/'))
		return false;
	for (size_t i = 0; i < n_digits; i++)
		index = index * 10 + (size_t)(p[i] - '0');
	for (;; index--) {
		*value_out = json_tokens_next(tokens);
		if (value_out->kind == JSON_END_ARRAY)
			return false;
		if (index == 0)
			break;
		json_tokens_skip(tokens, value_out);
	}
	*pointer_io = p + n_digits;
	return true;
}

bool json_pointer_find(const char *pointer, struct json_tokens *tokens, struct arena *arena,
                       struct json_token *token_out)
{
	*token_out = json_tokens_next(tokens);
	while (*pointer != '\0') {
		bool is_there = token_out->kind == JSON_BEGIN_OBJECT  ? enter_object(&pointer, tokens, arena, token_out)
		                : token_out->kind == JSON_BEGIN_ARRAY ? enter_array(&pointer, tokens, token_out)
		                                                      : false;
		if (!is_there)
			return false;
	}
	return true;
}
