/* The record's table (M2). */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/lua/machine.h"
#include "kpid/core/json_tokens.h"

enum { INTEGER_DIGITS = 18, NUMBER_BYTES = 64 };

static bool is_integer(struct text text)
{
	for (uint32_t i = text.ptr[0] == '-' ? 1 : 0; i < text.len; i++)
		if ((unsigned)(text.ptr[i] - '0') > 9)
			return false;
	return true;
}

/* Pushes an integer of 64 bits; returns false for any other number. */
static bool push_integer(lua_State *lua, struct text text)
{
	char digits[NUMBER_BYTES];
	if (!is_integer(text) || text.len > INTEGER_DIGITS + 2 || text_equal(text, TEXT("-0")))
		return false;
	memcpy(digits, text.ptr, text.len);
	digits[text.len] = '\0';
	errno = 0;
	long long number = strtoll(digits, NULL, 10);
	if (errno != 0)
		return false;
	lua_pushinteger(lua, number);
	return true;
}

/* Pushes a fraction that Lua would print digit for digit. */
static bool push_fraction(lua_State *lua, struct text text)
{
	char written[NUMBER_BYTES], printed[NUMBER_BYTES];
	if (text.len >= NUMBER_BYTES - 2 || is_integer(text))
		return false;
	memcpy(written, text.ptr, text.len);
	written[text.len] = '\0';
	double number = strtod(written, NULL);
	int len = snprintf(printed, sizeof(printed), LUA_NUMBER_FMT, number);
	if (strspn(printed, "-0123456789") == (size_t)len)
		memcpy(printed + len, ".0", sizeof(".0"));
	if (strcmp(written, printed) != 0)
		return false;
	lua_pushnumber(lua, number);
	return true;
}

static void push_string(lua_State *lua, const struct json_token *token, struct arena *arena)
{
	struct text text = json_token_string(token, arena);
	lua_pushlstring(lua, text.ptr, text.len);
}

static void push_value(lua_State *lua, struct json_tokens *tokens, struct json_token token, struct arena *arena);

static void push_array(lua_State *lua, struct json_tokens *tokens, struct arena *arena)
{
	lua_createtable(lua, 4, 0);
	for (lua_Integer i = 1;; i++) {
		struct json_token token = json_tokens_next(tokens);
		if (token.kind == JSON_END_ARRAY)
			return;
		if (token.kind == JSON_NULL)
			null_push(lua);
		else
			push_value(lua, tokens, token, arena);
		lua_rawseti(lua, -2, i);
	}
}

static void push_object(lua_State *lua, struct json_tokens *tokens, struct arena *arena)
{
	lua_createtable(lua, 0, 8);
	for (;;) {
		struct json_token name = json_tokens_next(tokens);
		if (name.kind != JSON_NAME)
			return;
		struct json_token value = json_tokens_next(tokens);
		if (value.kind == JSON_NULL)
			continue; /* a mapping cannot tell it from a missing member */
		push_string(lua, &name, arena);
		push_value(lua, tokens, value, arena);
		lua_rawset(lua, -3);
	}
}

/* The depth is bounded: the text was checked. */
static void push_value(lua_State *lua, struct json_tokens *tokens, struct json_token token, struct arena *arena)
{
	luaL_checkstack(lua, 4, "record");
	switch (token.kind) {
	case JSON_FALSE:
	case JSON_TRUE:
		lua_pushboolean(lua, token.kind == JSON_TRUE);
		break;
	case JSON_NUMBER:
		if (!push_integer(lua, token.text) && !push_fraction(lua, token.text))
			lua_pushlstring(lua, token.text.ptr, token.text.len);
		break;
	case JSON_STRING:
		push_string(lua, &token, arena);
		break;
	case JSON_BEGIN_ARRAY:
		push_array(lua, tokens, arena);
		break;
	case JSON_BEGIN_OBJECT:
		push_object(lua, tokens, arena);
		break;
	default:
		lua_pushnil(lua);
		break;
	}
}

void record_push(lua_State *lua, const struct mapping_record *record, struct arena *arena)
{
	if (!text_is_absent(record->json)) {
		struct json_tokens tokens = json_tokens_of(record->json);
		push_value(lua, &tokens, json_tokens_next(&tokens), arena);
		return;
	}
	lua_createtable(lua, 0, (int)record->n_cells);
	for (size_t i = 0; i < record->n_cells; i++) {
		if (record->names[i].len == 0)
			continue; /* a column without a name */
		lua_pushlstring(lua, record->names[i].ptr, record->names[i].len);
		lua_pushlstring(lua, record->cells[i].ptr, record->cells[i].len);
		lua_rawset(lua, -3);
	}
}
