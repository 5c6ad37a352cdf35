/* --flat input: one JSON object with the fields of an event as its members. */
#include <stdio.h>

#include "kpid/core/flat.h"
#include "kpid/core/json_tokens.h"

enum { MOST_FIELDS = 32 }; /* more than any type has */

static enum flat_verdict reject(struct wire_rejection *rejection, enum dead_letter_reason reason, const char *text,
                                size_t at_byte)
{
	rejection->reason = reason;
	snprintf(rejection->detail, sizeof(rejection->detail), "record: at byte %zu: %s", at_byte, text);
	return FLAT_REJECTED;
}

static bool is_integer(struct text digits)
{
	for (uint32_t i = digits.ptr[0] == '-' ? 1 : 0; i < digits.len; i++)
		if ((unsigned)(digits.ptr[i] - '0') > 9)
			return false;
	return true;
}

static struct flat_value value_of(struct json_tokens *tokens, struct arena *arena)
{
	struct json_token token = json_tokens_next(tokens);
	switch (token.kind) {
	case JSON_NULL:
		return (struct flat_value){FLAT_NULL, TEXT_ABSENT};
	case JSON_FALSE:
		return (struct flat_value){FLAT_FALSE, TEXT_ABSENT};
	case JSON_TRUE:
		return (struct flat_value){FLAT_TRUE, TEXT_ABSENT};
	case JSON_NUMBER:
		return (struct flat_value){is_integer(token.text) ? FLAT_INTEGER : FLAT_NUMBER, token.text};
	case JSON_STRING:
		return (struct flat_value){FLAT_TEXT, json_token_string(&token, arena)};
	case JSON_BEGIN_OBJECT:
		return (struct flat_value){FLAT_OBJECT, json_tokens_skip(tokens, &token)};
	default:
		return (struct flat_value){FLAT_OTHER, json_tokens_skip(tokens, &token)};
	}
}

static bool is_object_text(struct text json, struct arena *arena, struct wire_rejection *rejection)
{
	const char *error;
	size_t at_byte;
	if (json.len > WIRE_MAX_BYTES)
		reject(rejection, DEAD_TOO_LARGE, "more than 65536 bytes; send less", WIRE_MAX_BYTES);
	else if (json_is_deeper(json, WIRE_MAX_LEVELS))
		reject(rejection, DEAD_TOO_DEEP, "more than 16 levels of brackets; send less nested data", 0);
	else if (!json_tokens_check(json, WIRE_MAX_LEVELS, arena, &error, &at_byte))
		reject(rejection, DEAD_NOT_JSON, error, at_byte);
	else
		return true;
	return false;
}

enum flat_verdict flat_json(const struct flat_rules *rules, struct text json, struct arena *arena,
                            struct flat_tally *tally, struct ticket_event *event_out,
                            struct wire_rejection *rejection_out)
{
	struct flat_field fields[MOST_FIELDS];
	size_t n = 0;
	if (!is_object_text(json, arena, rejection_out))
		return FLAT_REJECTED;
	struct json_tokens tokens = json_tokens_of(json);
	if (json_tokens_next(&tokens).kind != JSON_BEGIN_OBJECT)
		return reject(rejection_out, DEAD_NOT_AN_OBJECT, "not an object; write {\"type\": ...}", 0);
	for (;;) {
		struct json_token name = json_tokens_next(&tokens);
		if (name.kind != JSON_NAME)
			break;
		if (n == MOST_FIELDS)
			return reject(rejection_out, DEAD_BAD_VALUE, "more fields than any event has", 0);
		fields[n].name = json_token_string(&name, arena);
		fields[n++].value = value_of(&tokens, arena);
	}
	return flat_event(rules, fields, n, arena, tally, event_out, rejection_out);
}
