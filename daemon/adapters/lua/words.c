/* kpid's own functions on texts (M9). All give nil for nil. */
#include <lauxlib.h>

#include "adapters/lua/machine.h"

enum { MOST_DIGITS = 16 };

static struct text text_at(lua_State *lua, int index)
{
	size_t len;
	const char *bytes = luaL_checklstring(lua, index, &len);
	return (struct text){bytes, (uint32_t)len};
}

static int return_text(lua_State *lua, struct text text)
{
	lua_pushlstring(lua, text.ptr, text.len);
	return 1;
}

static int nothing(lua_State *lua)
{
	lua_pushnil(lua);
	return 1;
}

/* word(table, value, what): the entry of the table for the value; it may be false. */
static int word(lua_State *lua)
{
	luaL_checktype(lua, 1, LUA_TTABLE);
	if (lua_isnoneornil(lua, 2))
		return nothing(lua);
	lua_settop(lua, 3);
	lua_pushvalue(lua, 2);
	if (lua_rawget(lua, 1) != LUA_TNIL)
		return 1;
	const char *what = lua_isnil(lua, 3) ? "word" : luaL_checkstring(lua, 3);
	if (lua_type(lua, 2) == LUA_TSTRING)
		return luaL_error(lua, "%s: \"%s\" is not in the table", what, lua_tostring(lua, 2));
	if (lua_type(lua, 2) == LUA_TNUMBER)
		return luaL_error(lua, "%s: %s is not in the table", what, lua_tostring(lua, 2));
	return luaL_error(lua, "%s: a %s is not in the table", what, luaL_typename(lua, 2));
}

static int or_null(lua_State *lua)
{
	if (lua_isnoneornil(lua, 1))
		null_push(lua);
	else
		lua_settop(lua, 1);
	return 1;
}

/* The length of the white space that the text begins with, or, from_end, ends with; 0: none. */
static uint32_t space(struct text text, bool from_end)
{
	static const struct text spaces[] = {{" ", 1},        {"\t", 1},           {"\n", 1},
	                                     {"\r", 1},       {"\v", 1},           {"\f", 1},
	                                     {"\xc2\xa0", 2}, {"\xe3\x80\x80", 3}, {"\xef\xbb\xbf", 3}};
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		uint32_t len = spaces[i].len;
		if (text.len >= len && memcmp(from_end ? text.ptr + text.len - len : text.ptr, spaces[i].ptr, len) == 0)
			return len;
	}
	return 0;
}

/* nil if nothing is left. */
static int trim(lua_State *lua)
{
	uint32_t len;
	if (lua_isnoneornil(lua, 1))
		return nothing(lua);
	struct text text = text_at(lua, 1);
	while ((len = space(text, false)) > 0) {
		text.ptr += len;
		text.len -= len;
	}
	while ((len = space(text, true)) > 0)
		text.len -= len;
	return text.len == 0 ? nothing(lua) : return_text(lua, text);
}

/* prefix(x, p): what follows p, or nil. */
static int prefix(lua_State *lua)
{
	struct text p = text_at(lua, 2);
	if (lua_isnoneornil(lua, 1))
		return nothing(lua);
	struct text text = text_at(lua, 1);
	if (text.len < p.len || memcmp(text.ptr, p.ptr, p.len) != 0)
		return nothing(lua);
	return return_text(lua, (struct text){text.ptr + p.len, text.len - p.len});
}

static int split(lua_State *lua)
{
	struct text separator = text_at(lua, 2);
	if (separator.len == 0)
		return luaL_error(lua, "split: the separator is empty");
	if (lua_isnoneornil(lua, 1))
		return nothing(lua);
	struct text text = text_at(lua, 1);
	lua_newtable(lua);
	for (lua_Integer n = 1;; n++) {
		const char *end = text.len == 0 ? NULL : memmem(text.ptr, text.len, separator.ptr, separator.len);
		uint32_t len = end == NULL ? text.len : (uint32_t)(end - text.ptr);
		lua_pushlstring(lua, text.ptr, len);
		lua_rawseti(lua, -2, n);
		if (end == NULL)
			return 1;
		text.ptr += len + separator.len;
		text.len -= len + separator.len;
	}
}

/* The whole numbers in a text, up to 16, one result for each. */
static int digits(lua_State *lua)
{
	int n = 0;
	if (lua_isnoneornil(lua, 1))
		return nothing(lua);
	struct text text = text_at(lua, 1);
	luaL_checkstack(lua, MOST_DIGITS, "digits");
	for (uint32_t i = 0; i < text.len && n < MOST_DIGITS;) {
		lua_Unsigned number = 0;
		uint32_t first = i;
		for (; i < text.len && (unsigned)(text.ptr[i] - '0') <= 9; i++) {
			if (i - first == 18)
				return luaL_error(lua, "digits: a number of more than 18 digits");
			number = number * 10 + (lua_Unsigned)(text.ptr[i] - '0');
		}
		if (i > first) {
			lua_pushinteger(lua, (lua_Integer)number);
			n++;
		} else {
			i++;
		}
	}
	return n;
}

static int date(lua_State *lua, enum flat_date order, const char *name)
{
	char out[FLAT_DATE_BYTES];
	if (lua_isnoneornil(lua, 1))
		return nothing(lua);
	struct text text = text_at(lua, 1);
	if (!flat_date_write(order, text, out))
		return luaL_error(lua, "%s: \"%s\" is no such date", name, text.ptr);
	lua_pushstring(lua, out);
	return 1;
}

static int dmy(lua_State *lua)
{
	return date(lua, FLAT_DMY, "dmy");
}

static int mdy(lua_State *lua)
{
	return date(lua, FLAT_MDY, "mdy");
}

static int ymd(lua_State *lua)
{
	return date(lua, FLAT_YMD, "ymd");
}

static int excel(lua_State *lua)
{
	return date(lua, FLAT_EXCEL, "excel");
}

static int wall_ms(lua_State *lua)
{
	return date(lua, FLAT_WALL_MS, "wall_ms");
}

void words_add(lua_State *lua)
{
	static const luaL_Reg words[] = {{"word", word},     {"or_null", or_null}, {"trim", trim},
	                                 {"prefix", prefix}, {"split", split},     {"digits", digits},
	                                 {"dmy", dmy},       {"mdy", mdy},         {"ymd", ymd},
	                                 {"excel", excel},   {"wall_ms", wall_ms}, {NULL, NULL}};
	luaL_setfuncs(lua, words, 0);
}
