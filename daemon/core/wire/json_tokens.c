#include "kpid/core/json_tokens.h"

#include "jsonscan.h"

static int nothing_wanted(struct text name)
{
	(void)name;
	return -1;
}

bool json_tokens_check(struct text json, unsigned max_levels, struct arena *arena, const char **error_out,
                       size_t *at_byte_out)
{
	const struct jsonscan_wanted wanted = {.find = nothing_wanted, .nested = -1, .is_lenient = true};
	struct jsonscan_value root;
	struct jsonscan_error error;
	if (jsonscan_read(json, max_levels, &wanted, arena, &root, &error))
		return true;
	*error_out = error.text;
	*at_byte_out = error.at_byte;
	return false;
}

bool json_is_deeper(struct text json, unsigned levels)
{
	return jsonscan_is_deeper(json, levels);
}

bool json_text_is_clean(struct text bytes)
{
	return jsonscan_is_clean(bytes);
}

struct json_tokens json_tokens_of(struct text json)
{
	return (struct json_tokens){json.ptr, json.len == 0 ? json.ptr : json.ptr + json.len};
}

static const char *skip_between(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t' || *p == ',' || *p == ':'))
		p++;
	return p;
}

/* p is after the opening quote. */
static const char *take_string(const char *p, const char *end, struct json_token *token)
{
	const char *first = p;
	while (*p != '"') {
		token->is_escaped = token->is_escaped || *p == '\\';
		p += *p == '\\' ? 2 : 1;
	}
	token->text = (struct text){first, (uint32_t)(p - first)};
	p++;
	const char *next = p;
	while (next < end && (*next == ' ' || *next == '\n' || *next == '\r' || *next == '\t'))
		next++;
	token->kind = next < end && *next == ':' ? JSON_NAME : JSON_STRING;
	return p;
}

static const char *take_scalar(const char *p, const char *end, struct json_token *token)
{
	const char *first = p;
	while (p < end && ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || *p == 'E' || *p == '.' ||
	                   *p == '-' || *p == '+'))
		p++;
	token->text = (struct text){first, (uint32_t)(p - first)};
	token->kind = *first == 'n' ? JSON_NULL : *first == 't' ? JSON_TRUE : *first == 'f' ? JSON_FALSE : JSON_NUMBER;
	return p;
}

struct json_token json_tokens_next(struct json_tokens *tokens)
{
	struct json_token token = {JSON_END, {tokens->end, 0}, false};
	const char *p = skip_between(tokens->at, tokens->end);
	if (p == tokens->end)
		return token;
	token.text = (struct text){p, 1};
	switch (*p) {
	case '"':
		p = take_string(p + 1, tokens->end, &token);
		break;
	case '[':
	case ']':
		token.kind = *p++ == '[' ? JSON_BEGIN_ARRAY : JSON_END_ARRAY;
		break;
	case '{':
	case '}':
		token.kind = *p++ == '{' ? JSON_BEGIN_OBJECT : JSON_END_OBJECT;
		break;
	default:
		p = take_scalar(p, tokens->end, &token);
		break;
	}
	tokens->at = p;
	return token;
}

struct text json_tokens_skip(struct json_tokens *tokens, const struct json_token *begin)
{
	const char *first = begin->text.ptr;
	if (begin->kind != JSON_BEGIN_ARRAY && begin->kind != JSON_BEGIN_OBJECT)
		return begin->text;
	for (unsigned depth = 1; depth > 0;) {
		enum json_token_kind kind = json_tokens_next(tokens).kind;
		if (kind == JSON_BEGIN_ARRAY || kind == JSON_BEGIN_OBJECT)
			depth++;
		else if (kind == JSON_END_ARRAY || kind == JSON_END_OBJECT)
			depth--;
	}
	return (struct text){first, (uint32_t)(tokens->at - first)};
}

struct text json_token_string(const struct json_token *token, struct arena *arena)
{
	const struct jsonscan_value value = {token->text.ptr, token->text.len, JSONSCAN_STRING, token->is_escaped};
	return jsonscan_string(&value, arena);
}
