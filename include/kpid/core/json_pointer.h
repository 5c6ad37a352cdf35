/* JSON pointers (RFC 6901), such as /ticket/id: a place in a JSON text. Pure. */
#ifndef KPID_CORE_JSON_POINTER_H
#define KPID_CORE_JSON_POINTER_H

#include "kpid/core/json_tokens.h"

/* Moves to the value that the pointer names, in a text that json_tokens_check() has accepted. True: *token_out is the
 * first token of the value. Of names that occur in the text, the arena holds those with escapes. */
bool json_pointer_find(const char *pointer, struct json_tokens *tokens, struct arena *arena,
                       struct json_token *token_out);

#endif
