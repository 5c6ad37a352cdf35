/* event(), state() and skip(): what a mapping gives (M3, M4, M14). */
#include <lauxlib.h>

#include "adapters/lua/machine.h"
#include "kpid/core/json_tokens.h"

enum { MOST_FIELDS = 48 /* more than any type has, so that one of them is unknown */ };

struct fields {
	struct flat_field items[MOST_FIELDS];
	size_t n;
};

static struct text copy(struct mapping *mapping, const char *bytes, size_t len)
{
	/* What is too large anyway is not copied. */
	size_t most = len > WIRE_MAX_BYTES ? WIRE_MAX_BYTES + 1 : len;
	struct text text = arena_text(mapping->arena, (struct text){bytes, (uint32_t)most});
	if (mapping->held + mapping->arena->total_bytes - mapping->arena_before > mapping->most_held)
		machine_stop(mapping->lua, "too much memory");
	return text;
}

static struct text number_text(struct mapping *mapping, int index)
{
	size_t len;
	lua_pushvalue(mapping->lua, index); /* the conversion replaces the value */
	const char *bytes = lua_tolstring(mapping->lua, -1, &len);
	struct text text = copy(mapping, bytes, len);
	lua_pop(mapping->lua, 1);
	return text;
}

/* Items and their scores, as a JSON object. What is not one has no value that a field accepts. */
static struct flat_value object_value(struct mapping *mapping, int index)
{
	static const struct flat_value other = {FLAT_OTHER, {NULL, 0}};
	lua_State *lua = mapping->lua;
	struct buf *json = &mapping->scratch; /* outlives an error */
	int top = lua_gettop(lua);
	index = lua_absindex(lua, index);
	luaL_checkstack(lua, 4, "event");
	buf_clear(json);
	buf_add_char(json, '{');
	for (lua_pushnil(lua); lua_next(lua, index) != 0; lua_pop(lua, 1)) {
		size_t len = 0;
		bool is_item = lua_type(lua, -2) == LUA_TSTRING && lua_type(lua, -1) == LUA_TNUMBER;
		const char *name = is_item ? lua_tolstring(lua, -2, &len) : "";
		struct text number = is_item ? number_text(mapping, -1) : TEXT("nan");
		/* inf and nan end with a letter */
		if (number.ptr[number.len - 1] > '9' || json->len_bytes > WIRE_MAX_BYTES ||
		    !json_text_is_clean((struct text){name, (uint32_t)len})) {
			lua_settop(lua, top);
			return other;
		}
		if (json->len_bytes > 1)
			buf_add_char(json, ',');
		buf_add_json_string(json, (struct text){name, (uint32_t)len});
		buf_add_char(json, ':');
		buf_add_text(json, number);
	}
	buf_add_char(json, '}');
	return (struct flat_value){FLAT_OBJECT, copy(mapping, json->data, json->len_bytes)};
}

static struct flat_value value_at(struct mapping *mapping, int index)
{
	lua_State *lua = mapping->lua;
	size_t len;
	switch (lua_type(lua, index)) {
	case LUA_TBOOLEAN:
		return (struct flat_value){lua_toboolean(lua, index) ? FLAT_TRUE : FLAT_FALSE, TEXT_ABSENT};
	case LUA_TNUMBER:
		return (struct flat_value){lua_isinteger(lua, index) ? FLAT_INTEGER : FLAT_NUMBER,
		                           number_text(mapping, index)};
	case LUA_TSTRING: {
		const char *bytes = lua_tolstring(lua, index, &len);
		return (struct flat_value){FLAT_TEXT, copy(mapping, bytes, len)};
	}
	case LUA_TTABLE:
		return object_value(mapping, index);
	case LUA_TLIGHTUSERDATA:
		return (struct flat_value){FLAT_NULL, TEXT_ABSENT};
	default:
		return (struct flat_value){FLAT_OTHER, TEXT_ABSENT};
	}
}

static void set_field(lua_State *lua, struct fields *fields, struct text name, struct flat_value value)
{
	size_t i = 0;
	while (i < fields->n && !text_equal(fields->items[i].name, name))
		i++;
	if (i == MOST_FIELDS)
		luaL_error(lua, "\"%s\" is one field too many", name.ptr);
	fields->items[i] = (struct flat_field){name, value};
	fields->n += i == fields->n;
}

/* Merges the tables that are the arguments, from left to right. nil and false are passed over. */
static void take_fields(lua_State *lua, struct mapping *mapping, struct fields *fields)
{
	int n = lua_gettop(lua);
	fields->n = 0;
	luaL_checkstack(lua, 4, "event");
	for (int i = 1; i <= n; i++) {
		if (!lua_toboolean(lua, i))
			continue;
		luaL_checktype(lua, i, LUA_TTABLE);
		for (lua_pushnil(lua); lua_next(lua, i) != 0; lua_pop(lua, 1)) {
			size_t len;
			if (lua_type(lua, -2) != LUA_TSTRING)
				luaL_error(lua, "a field of an event has a name");
			const char *bytes = lua_tolstring(lua, -2, &len);
			struct text name = copy(mapping, bytes, len);
			set_field(lua, fields, name, value_at(mapping, -1));
		}
	}
}

/* Ends the run unless the event is one. Adds the position in the mapping. */
static void check(lua_State *lua, struct mapping *mapping, enum flat_verdict verdict,
                  const struct wire_rejection *rejection)
{
	if (verdict == FLAT_EVENT)
		return;
	if (verdict == FLAT_REJECTED) {
		mapping->is_rejected = true;
		mapping->out->reason = rejection->reason;
		luaL_error(lua, "event %d: %s", (int)mapping->out->n_events + 1, rejection->detail);
	}
	luaL_error(lua, "%s", rejection->detail);
}

static void add_event(lua_State *lua, struct mapping *mapping, const struct ticket_event *event)
{
	struct mapped *out = mapping->out;
	if (out->n_events == MAPPING_MAX_EVENTS)
		machine_stop(lua, "more than 100 events");
	if (flat_contradicts(out->events, out->n_events, event))
		luaL_error(lua, "event %d has the id of another event of this record, and other content",
		           (int)out->n_events + 1);
	out->events[out->n_events++] = *event;
}

static int event(lua_State *lua)
{
	struct mapping *mapping = machine_of(lua);
	struct fields fields;
	struct ticket_event made;
	struct wire_rejection rejection;
	take_fields(lua, mapping, &fields);
	check(lua, mapping,
	      flat_event(&mapping->order.rules, fields.items, fields.n, mapping->arena, &mapping->out->tally, &made,
	                 &rejection),
	      &rejection);
	add_event(lua, mapping, &made);
	return 0;
}

static int state(lua_State *lua)
{
	struct mapping *mapping = machine_of(lua);
	struct fields fields;
	struct ticket_event made[FLAT_MAX_STATE_EVENTS];
	size_t n;
	struct wire_rejection rejection;
	take_fields(lua, mapping, &fields);
	check(lua, mapping,
	      flat_state(&mapping->order.rules, fields.items, fields.n, mapping->arena, &mapping->out->tally, made, &n,
	                 &rejection),
	      &rejection);
	for (size_t i = 0; i < n; i++)
		add_event(lua, mapping, &made[i]);
	return 0;
}

/* skip(why): the record needs no event. It does not end the run. */
static int skip(lua_State *lua)
{
	struct mapping *mapping = machine_of(lua);
	size_t len = 0;
	const char *why = lua_isnoneornil(lua, 1) ? "" : luaL_checklstring(lua, 1, &len);
	if (!mapping->was_skipped)
		machine_note(mapping->out->skip_reason, MAPPING_SKIP_BYTES, (struct text){why, (uint32_t)len});
	mapping->was_skipped = true;
	return 0;
}

void emit_add(lua_State *lua)
{
	static const luaL_Reg functions[] = {{"event", event}, {"state", state}, {"skip", skip}, {NULL, NULL}};
	luaL_setfuncs(lua, functions, 0);
}
