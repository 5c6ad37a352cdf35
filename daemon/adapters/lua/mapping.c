#include "adapters/lua/mapping.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/lua/machine.h"
#include "kpid/base/memory.h"
#include "kpid/core/json_tokens.h"

enum { MARK_BYTES = 3 };

/* ---- loading ---- */

/* Compiles the text and keeps it with the libraries in the registry. The mapping is the argument. */
static int load(lua_State *lua)
{
	const struct mapping *mapping = machine_of(lua);
	struct text text = mapping->order.text;
	char name[200];
	snprintf(name, sizeof(name), "@%s", mapping->order.name);
	if (text.len >= MARK_BYTES && memcmp(text.ptr, "\xef\xbb\xbf", MARK_BYTES) == 0) {
		text.ptr += MARK_BYTES;
		text.len -= MARK_BYTES;
	}
	/* Bytecode is not checked by Lua, so only text is read. */
	if (luaL_loadbufferx(lua, text.ptr, text.len, name, "t") != LUA_OK)
		return lua_error(lua);
	lua_rawsetp(lua, LUA_REGISTRYINDEX, &machine_chunk);
	library_push(lua);
	lua_createtable(lua, 0, 1);
	lua_insert(lua, -2);
	lua_setfield(lua, -2, "__index");
	lua_rawsetp(lua, LUA_REGISTRYINDEX, &machine_libraries);
	return 0;
}

struct mapping *mapping_new(const struct mapping_order *order, struct buf *error_out)
{
	if (order->text.len > MAPPING_MAX_BYTES) {
		buf_add_format(error_out, "%s:1: a mapping has at most 256 KiB", order->name);
		return NULL;
	}
	struct mapping *mapping = mem_zalloc(sizeof(*mapping));
	mapping->order = *order;
	sha256_hex(order->text, mapping->version);
	mapping->lua = machine_new(mapping);
	if (mapping->lua == NULL)
		mem_exhausted(0);
	lua_pushcfunction(mapping->lua, load);
	if (lua_pcall(mapping->lua, 0, 0, 0) != LUA_OK) {
		const char *message = lua_tostring(mapping->lua, -1);
		size_t n = strlen(order->name);
		if (message == NULL || strncmp(message, order->name, n) != 0)
			buf_add_format(error_out, "%s:1: ", order->name);
		buf_add_str(error_out, message == NULL ? "not enough memory" : message);
		mapping_free(mapping);
		return NULL;
	}
	mapping->order.text = TEXT_ABSENT; /* not needed any longer */
	machine_collect(mapping, true);
	return mapping;
}

void mapping_free(struct mapping *mapping)
{
	if (mapping == NULL)
		return;
	if (mapping->lua != NULL)
		lua_close(mapping->lua);
	buf_release(&mapping->scratch);
	free(mapping);
}

const char *mapping_version(const struct mapping *mapping)
{
	return mapping->version;
}

/* ---- one record ---- */

static void lower(char *to, struct text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		to[i] = (char)(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? text.ptr[i] + 32 : text.ptr[i]);
}

static void push_headers(lua_State *lua, const struct mapping_record *record)
{
	lua_createtable(lua, 0, (int)record->n_headers);
	for (size_t i = 0; i < record->n_headers; i++) {
		const struct wire_header *header = &record->headers[i];
		if (!json_text_is_clean(header->name) || text_is_absent(header->value) ||
		    !json_text_is_clean(header->value))
			continue;
		lower(lua_newuserdatauv(lua, header->name.len + 1, 0), header->name);
		lua_pushlstring(lua, lua_touserdata(lua, -1), header->name.len);
		lua_remove(lua, -2);
		lua_pushlstring(lua, header->value.ptr, header->value.len);
		lua_rawset(lua, -3);
	}
}

static void push_params(lua_State *lua, const struct mapping_order *order)
{
	lua_createtable(lua, 0, (int)order->n_params);
	for (size_t i = 0; i < order->n_params; i++) {
		lua_pushstring(lua, order->params[i].value);
		lua_setfield(lua, -2, order->params[i].name);
	}
}

/* The globals of one record, over the libraries. */
static void push_globals(lua_State *lua, const struct mapping *mapping)
{
	const struct mapping_record *record = mapping->record;
	lua_createtable(lua, 0, 8);
	lua_rawgetp(lua, LUA_REGISTRYINDEX, &machine_libraries);
	lua_setmetatable(lua, -2);
	record_push(lua, record, mapping->arena);
	lua_setfield(lua, -2, "record");
	push_headers(lua, record);
	lua_setfield(lua, -2, "headers");
	push_params(lua, &mapping->order);
	lua_setfield(lua, -2, "param");
	if (!text_is_absent(record->key) && json_text_is_clean(record->key)) {
		lua_pushlstring(lua, record->key.ptr, record->key.len);
		lua_setfield(lua, -2, "key");
	}
}

static int run(lua_State *lua)
{
	lua_rawgetp(lua, LUA_REGISTRYINDEX, &machine_chunk);
	push_globals(lua, machine_of(lua));
	lua_setupvalue(lua, -2, 1); /* _ENV */
	lua_call(lua, 0, 0);
	return 0;
}

/* Puts the place in the mapping before a message without one: that of an error within a function of a library. */
static int add_place(lua_State *lua)
{
	const char *name = machine_of(lua)->order.name;
	lua_Debug place;
	if (lua_type(lua, 1) != LUA_TSTRING || strncmp(lua_tostring(lua, 1), name, strlen(name)) == 0)
		return 1;
	for (int level = 0; lua_getstack(lua, level, &place) != 0; level++) {
		lua_getinfo(lua, "Sl", &place);
		if (place.currentline <= 0)
			continue;
		lua_pushfstring(lua, "%s:%d: %s", place.short_src, place.currentline, lua_tostring(lua, 1));
		break;
	}
	return 1;
}

static enum mapped_verdict reject(struct mapped *out, enum dead_letter_reason reason, struct text detail)
{
	out->n_events = 0;
	out->reason = reason;
	machine_note(out->detail, MAPPING_DETAIL_BYTES, detail);
	return MAPPED_REJECTED;
}

static enum mapped_verdict failed(struct mapping *mapping, int status, struct mapped *out)
{
	if (status == LUA_ERRMEM)
		mapping->limit = "too much memory";
	if (mapping->limit != NULL) {
		char text[128];
		snprintf(text, sizeof(text), "%s: %s", mapping->order.name, mapping->limit);
		return reject(out, DEAD_MAP_LIMIT, text_of(text));
	}
	size_t len = 0;
	const char *message = lua_type(mapping->lua, -1) == LUA_TSTRING ? lua_tolstring(mapping->lua, -1, &len) : NULL;
	struct text detail = message == NULL ? TEXT("the error has no text") : (struct text){message, (uint32_t)len};
	return reject(out, mapping->is_rejected ? out->reason : DEAD_MAP_ERROR, detail);
}

static struct text without_leading_space(struct text json)
{
	while (json.len > 0 &&
	       (json.ptr[0] == ' ' || json.ptr[0] == '\t' || json.ptr[0] == '\r' || json.ptr[0] == '\n')) {
		json.ptr++;
		json.len--;
	}
	return json;
}

/* True for white space, alone or around null. */
static bool is_tombstone(struct text json)
{
	if (json.len >= 4 && memcmp(json.ptr, "null", 4) == 0)
		json = without_leading_space((struct text){json.ptr + 4, json.len - 4});
	return json.len == 0;
}

/* False if the record cannot be mapped; *verdict_out is then set. */
static bool is_readable(const struct mapping_record *record, struct arena *arena, struct mapped *out,
                        enum mapped_verdict *verdict_out)
{
	const char *error;
	size_t at_byte;
	char text[128];
	if (text_is_absent(record->json))
		return true;
	struct text json = without_leading_space(record->json);
	if (is_tombstone(json)) {
		*verdict_out = MAPPED_TOMBSTONE;
		return false;
	}
	if (record->json.len > MAPPING_MAX_RECORD)
		*verdict_out = reject(out, DEAD_TOO_LARGE, TEXT("record: more than 1000000 bytes"));
	else if (json_is_deeper(json, MAPPING_MAX_LEVELS))
		*verdict_out = reject(out, DEAD_TOO_DEEP, TEXT("record: more than 64 levels of brackets"));
	else if (!json_tokens_check(record->json, MAPPING_MAX_LEVELS, arena, &error, &at_byte)) {
		snprintf(text, sizeof(text), "record: at byte %zu: %s", at_byte, error);
		*verdict_out = reject(out, DEAD_NOT_JSON, text_of(text));
	} else if (json.ptr[0] != '{' && json.ptr[0] != '[')
		*verdict_out = reject(out, DEAD_NOT_AN_OBJECT, TEXT("record: neither an object nor an array"));
	else
		return true;
	return false;
}

static size_t record_bytes(const struct mapping_record *record)
{
	size_t n = text_is_absent(record->json) ? 0 : record->json.len;
	for (size_t i = 0; i < record->n_cells; i++)
		n += record->names[i].len + record->cells[i].len;
	return n;
}

enum mapped_verdict mapping_run(struct mapping *mapping, const struct mapping_record *record, int64_t now_us,
                                struct arena *arena, struct mapped *out)
{
	enum mapped_verdict verdict;
	out->n_events = 0;
	out->tally = (struct flat_tally){0, 0};
	if (!is_readable(record, arena, out, &verdict))
		return verdict;
	mapping->order.rules.now_us = now_us;
	mapping->record = record;
	mapping->arena = arena;
	mapping->arena_before = arena->total_bytes;
	mapping->out = out;
	mapping->is_rejected = mapping->was_skipped = false;
	machine_limit(mapping, record_bytes(record));
	lua_pushcfunction(mapping->lua, add_place);
	lua_pushcfunction(mapping->lua, run);
	int status = lua_pcall(mapping->lua, 0, 0, 1);
	if (status != LUA_OK)
		verdict = failed(mapping, status, out);
	else if (out->n_events > 0)
		verdict = MAPPED_EVENTS;
	else if (mapping->was_skipped)
		verdict = MAPPED_SKIPPED;
	else
		verdict = reject(out, DEAD_MAP_NOTHING, TEXT("the mapping called none of event, state and skip"));
	lua_sethook(mapping->lua, NULL, 0, 0);
	lua_settop(mapping->lua, 0);
	/* What the mapping needs of its own to clean up is no longer limited. */
	mapping->most_held = mapping->most_asked = SIZE_MAX;
	mapping->arena = NULL;
	machine_collect(mapping, false);
	return verdict;
}

/* ---- names ---- */

static int find_name(lua_State *lua)
{
	struct text name = *(const struct text *)lua_touserdata(lua, 1);
	lua_settop(lua, 0);
	lua_rawgetp(lua, LUA_REGISTRYINDEX, &machine_libraries);
	lua_getfield(lua, 1, "__index");
	const char *dot = memchr(name.ptr, '.', name.len);
	uint32_t first = dot == NULL ? name.len : (uint32_t)(dot - name.ptr);
	lua_pushlstring(lua, name.ptr, first);
	lua_gettable(lua, -2);
	if (dot != NULL && lua_istable(lua, -1)) {
		lua_pushlstring(lua, dot + 1, name.len - first - 1);
		lua_gettable(lua, -2);
	}
	lua_pushboolean(lua, !lua_isnil(lua, -1));
	return 1;
}

bool mapping_knows(struct mapping *mapping, struct text name)
{
	static const char *const of_record[] = {"record", "key", "headers", "param", "_ENV", NULL};
	for (size_t i = 0; of_record[i] != NULL; i++)
		if (text_equal(name, text_of(of_record[i])))
			return true;
	mapping->most_held = mapping->most_asked = SIZE_MAX;
	lua_pushcfunction(mapping->lua, find_name);
	lua_pushlightuserdata(mapping->lua, &name);
	bool knows = lua_pcall(mapping->lua, 1, 1, 0) == LUA_OK && lua_toboolean(mapping->lua, -1);
	lua_settop(mapping->lua, 0);
	return knows;
}
