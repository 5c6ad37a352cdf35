/* Reads any JSON text token by token, for records of other systems (M2). More lenient than what events must be: U+0000
 * and lone surrogates in escapes are read as U+FFFD, and numbers may have any size. */
#ifndef KPID_CORE_JSON_TOKENS_H
#define KPID_CORE_JSON_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/text.h"

enum json_token_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_NAME, /* of a member; its value follows */
	JSON_BEGIN_ARRAY,
	JSON_END_ARRAY,
	JSON_BEGIN_OBJECT,
	JSON_END_OBJECT,
	JSON_END
};

struct json_token {
	enum json_token_kind kind;
	struct text text; /* as written; strings and names without quotes */
	bool is_escaped;  /* a string or name with escapes; see json_token_string() */
};

/* A position in a text that json_tokens_check() has accepted. Starts at the text's first byte. */
struct json_tokens {
	const char *at, *end;
};

/* True if the text is one JSON text of at most max_levels, without duplicate names in an object. Otherwise *error_out
 * is what is wrong (static, ASCII), and *at_byte_out where. The arena holds names while they are compared. */
bool json_tokens_check(struct text json, unsigned max_levels, struct arena *arena, const char **error_out,
                       size_t *at_byte_out);
/* True if the text is nested deeper than that, whatever else is wrong with it. */
bool json_is_deeper(struct text json, unsigned levels);

/* True if the bytes are UTF-8 without NUL. */
bool json_text_is_clean(struct text bytes);

struct json_tokens json_tokens_of(struct text json);
/* The next token; JSON_END at the end, however often it is called. */
struct json_token json_tokens_next(struct json_tokens *tokens);
/* Moves past the value that begins with the token. Returns the whole value as written. */
struct text json_tokens_skip(struct json_tokens *tokens, const struct json_token *begin);

/* The characters of a string or name: a slice of the text, or unescaped in the arena. Never absent. */
struct text json_token_string(const struct json_token *token, struct arena *arena);

#endif
