/* What a mapping finds: parts of Lua's libraries, read-only, and kpid's own functions (M9). */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "adapters/lua/machine.h"

enum { MOST_KEYS = 10000 };

/* ---- text of values ---- */

/* What has no text that is the same in each run. */
static bool has_text(lua_State *lua, int index)
{
	int type = lua_type(lua, index);
	return type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING ||
	       null_is(lua, index);
}

static int to_string(lua_State *lua)
{
	luaL_checkany(lua, 1);
	if (null_is(lua, 1))
		lua_pushliteral(lua, "null");
	else if (has_text(lua, 1))
		luaL_tolstring(lua, 1, NULL);
	else
		return luaL_error(lua, "tostring: a %s has no text", luaL_typename(lua, 1));
	return 1;
}

static int type_of(lua_State *lua)
{
	luaL_checkany(lua, 1);
	if (null_is(lua, 1))
		lua_pushliteral(lua, "null");
	else
		lua_pushstring(lua, luaL_typename(lua, 1));
	return 1;
}

/* True if the format has a conversion to an address. */
static bool has_address(const char *format)
{
	while ((format = strchr(format, '%')) != NULL) {
		format += 1 + strspn(format + 1, "-+ #0123456789.");
		if (*format == 'p')
			return true;
		if (*format != '\0')
			format++;
	}
	return false;
}

/* string.format, which is its upvalue, without addresses. */
static int format(lua_State *lua)
{
	int n = lua_gettop(lua);
	if (has_address(luaL_checkstring(lua, 1)))
		return luaL_error(lua, "string.format: %%p is not available");
	for (int i = 2; i <= n; i++) {
		if (!has_text(lua, i))
			return luaL_error(lua, "string.format: a %s has no text", luaL_typename(lua, i));
		if (null_is(lua, i)) {
			lua_pushliteral(lua, "null");
			lua_replace(lua, i);
		}
	}
	lua_pushvalue(lua, lua_upvalueindex(1));
	lua_insert(lua, 1);
	lua_call(lua, n, 1);
	return 1;
}

/* ---- pairs() in a fixed order ---- */

struct key {
	bool is_text;
	lua_Integer number;
	struct text text;
};

static int compare_keys(const void *left, const void *right)
{
	const struct key *a = left, *b = right;
	if (a->is_text != b->is_text)
		return a->is_text - b->is_text;
	if (a->is_text)
		return text_compare(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}

static size_t count_keys(lua_State *lua)
{
	size_t n = 0;
	for (lua_pushnil(lua); lua_next(lua, 1) != 0; lua_pop(lua, 1)) {
		if (lua_type(lua, -2) != LUA_TSTRING && !lua_isinteger(lua, -2))
			luaL_error(lua, "pairs: a key is neither an integer nor text");
		if (++n > MOST_KEYS)
			luaL_error(lua, "pairs: more than %d keys", MOST_KEYS);
	}
	return n;
}

static int next_pair(lua_State *lua)
{
	lua_Integer i = lua_tointeger(lua, lua_upvalueindex(3)) + 1;
	lua_pushinteger(lua, i);
	lua_replace(lua, lua_upvalueindex(3));
	if (lua_rawgeti(lua, lua_upvalueindex(2), i) == LUA_TNIL)
		return 1;
	lua_pushvalue(lua, -1);
	lua_rawget(lua, lua_upvalueindex(1));
	return 2;
}

/* Iterates over the keys that the table has now: integers, then texts by their bytes. */
static int ordered_pairs(lua_State *lua)
{
	luaL_checktype(lua, 1, LUA_TTABLE);
	lua_settop(lua, 1);
	size_t n = count_keys(lua), at = 0;
	struct key *keys = lua_newuserdatauv(lua, (n + 1) * sizeof(*keys), 0);
	for (lua_pushnil(lua); lua_next(lua, 1) != 0; lua_pop(lua, 1)) {
		size_t len = 0;
		bool is_text = lua_type(lua, -2) == LUA_TSTRING;
		const char *bytes = is_text ? lua_tolstring(lua, -2, &len) : NULL;
		keys[at++] = (struct key){is_text, is_text ? 0 : lua_tointeger(lua, -2), {bytes, (uint32_t)len}};
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	lua_pushvalue(lua, 1);
	lua_createtable(lua, (int)n, 0);
	for (size_t i = 0; i < n; i++) {
		if (keys[i].is_text)
			lua_pushlstring(lua, keys[i].text.ptr, keys[i].text.len);
		else
			lua_pushinteger(lua, keys[i].number);
		lua_rawseti(lua, -2, (lua_Integer)i + 1);
	}
	lua_pushinteger(lua, 0);
	lua_pushcclosure(lua, next_pair, 3);
	return 1;
}

/* ---- tables of functions ---- */

static int refuse_change(lua_State *lua)
{
	return luaL_error(lua, "libraries cannot be changed");
}

/* Replaces the table on top by an empty one that shows it, and cannot be changed. */
static void make_read_only(lua_State *lua)
{
	lua_newtable(lua);
	lua_createtable(lua, 0, 2);
	lua_pushvalue(lua, -3);
	lua_setfield(lua, -2, "__index");
	lua_pushcfunction(lua, refuse_change);
	lua_setfield(lua, -2, "__newindex");
	lua_setmetatable(lua, -2);
	lua_remove(lua, -2);
}

/* Removes from the table on top. */
static void drop(lua_State *lua, const char *const names[])
{
	for (size_t i = 0; names[i] != NULL; i++) {
		lua_pushnil(lua);
		lua_setfield(lua, -2, names[i]);
	}
}

/* Opens a library without what is unsafe, and adds it to the table below under its name. */
static void add_library(lua_State *lua, lua_CFunction open, const char *name, const char *const unsafe[])
{
	luaL_requiref(lua, name, open, 0);
	drop(lua, unsafe);
	lua_pushvalue(lua, -1);
	make_read_only(lua);
	lua_setfield(lua, -3, name);
}

static void add_string_library(lua_State *lua)
{
	/* A pattern such as ".-b" takes seconds without one step of the machine. */
	static const char *const unsafe[] = {"find", "match", "gmatch", "gsub", "rep", "dump", NULL};
	add_library(lua, luaopen_string, LUA_STRLIBNAME, unsafe); /* texts find their methods in the same table */
	lua_getfield(lua, -1, "format");
	lua_pushcclosure(lua, format, 1);
	lua_setfield(lua, -2, "format");
	lua_pop(lua, 1);
}

static void add_base(lua_State *lua)
{
	static const char *const safe[] = {"ipairs", "select", "tonumber", "error", NULL};
	luaL_requiref(lua, LUA_GNAME, luaopen_base, 0);
	for (size_t i = 0; safe[i] != NULL; i++) {
		lua_getfield(lua, -1, safe[i]);
		lua_setfield(lua, -3, safe[i]);
	}
	lua_pop(lua, 1);
	static const luaL_Reg own[] = {
	        {"pairs", ordered_pairs}, {"tostring", to_string}, {"type", type_of}, {NULL, NULL}};
	luaL_setfuncs(lua, own, 0);
}

void library_push(lua_State *lua)
{
	static const char *const unsafe_table[] = {"sort", "move", NULL};
	static const char *const unsafe_math[] = {"random", "randomseed", NULL};
	static const char *const unsafe_utf8[] = {NULL};
	lua_newtable(lua);
	add_base(lua);
	add_string_library(lua);
	add_library(lua, luaopen_table, LUA_TABLIBNAME, unsafe_table);
	lua_pop(lua, 1);
	add_library(lua, luaopen_math, LUA_MATHLIBNAME, unsafe_math);
	lua_pop(lua, 1);
	add_library(lua, luaopen_utf8, LUA_UTF8LIBNAME, unsafe_utf8);
	lua_pop(lua, 1);
	words_add(lua);
	emit_add(lua);
	null_push(lua);
	lua_setfield(lua, -2, "null");
}
