/* A Lua state with limits on memory, steps and CPU time (M8). */
#include "adapters/lua/machine.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <time.h>

#include "kpid/base/clock.h"
#include "kpid/base/printable.h"

enum {
	STEPS_PER_HOOK = 10,
	HELD_BYTES = 4 * 1024 * 1024, /* and 8 times the record */
	GARBAGE_BYTES = 512 * 1024,   /* of former records, before it is collected */
	MOST_REFUSED = 16             /* allocations; each costs a collection */
};

const char machine_libraries, machine_chunk;

/* ---- memory ---- */

/* Lua collects its garbage and asks again before it gives up. */
static bool is_refused(struct mapping *mapping, size_t more)
{
	size_t events = mapping->arena == NULL ? 0 : mapping->arena->total_bytes - mapping->arena_before;
	bool is = mapping->n_refused > MOST_REFUSED || mapping->held + events + more > mapping->most_held ||
	          mapping->asked + more > mapping->most_asked;
	mapping->n_refused += is;
	return is;
}

static void *allocate(void *context, void *ptr, size_t old_bytes, size_t new_bytes)
{
	struct mapping *mapping = context;
	size_t had = ptr == NULL ? 0 : old_bytes; /* without a pointer, it is the kind of the object */
	if (new_bytes == 0) {
		free(ptr);
		mapping->held -= had;
		return NULL;
	}
	if (new_bytes > had && is_refused(mapping, new_bytes - had))
		return NULL;
	void *result = realloc(ptr, new_bytes);
	if (result == NULL)
		return NULL;
	mapping->held += new_bytes - had;
	mapping->asked += new_bytes > had ? new_bytes - had : 0;
	return result;
}

void machine_collect(struct mapping *mapping, bool always)
{
	if (!always && mapping->held < mapping->floor + GARBAGE_BYTES)
		return;
	lua_gc(mapping->lua, LUA_GCCOLLECT);
	mapping->floor = mapping->held;
}

/* ---- steps and time ---- */

static int64_t cpu_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int machine_stop(lua_State *lua, const char *limit)
{
	machine_of(lua)->limit = limit;
	lua_pushnil(lua); /* no memory is needed; nothing in a mapping can catch it */
	return lua_error(lua);
}

static void on_steps(lua_State *lua, lua_Debug *where)
{
	struct mapping *mapping = machine_of(lua);
	(void)where;
	mapping->n_steps += STEPS_PER_HOOK;
	if (mapping->n_steps >= MAPPING_MAX_STEPS)
		machine_stop(lua, "more than 200000 steps");
	/* CPU time is never more than real time, which is cheaper to read. */
	if (monotonic_clock_us() - mapping->began_us >= MAPPING_MAX_CPU_US &&
	    cpu_us() - mapping->began_cpu_us >= MAPPING_MAX_CPU_US)
		machine_stop(lua, "more than 20 ms of CPU time");
}

void machine_limit(struct mapping *mapping, size_t n_record_bytes)
{
	size_t limit = HELD_BYTES + 8 * n_record_bytes;
	mapping->most_held = mapping->floor + limit;
	mapping->most_asked = 2 * limit;
	mapping->asked = 0;
	mapping->n_refused = 0;
	mapping->n_steps = 0;
	mapping->limit = NULL;
	mapping->began_us = monotonic_clock_us();
	mapping->began_cpu_us = cpu_us();
	lua_sethook(mapping->lua, on_steps, LUA_MASKCOUNT, STEPS_PER_HOOK);
}

/* ---- life ---- */

lua_State *machine_new(struct mapping *mapping)
{
	mapping->most_held = mapping->most_asked = HELD_BYTES;
	lua_State *lua = lua_newstate(allocate, mapping);
	if (lua == NULL)
		return NULL;
	*(struct mapping **)lua_getextraspace(lua) = mapping;
	/* So that what a record may hold does not depend on the records before it. */
	lua_gc(lua, LUA_GCSTOP);
	return lua;
}

void null_push(lua_State *lua)
{
	static char null;
	lua_pushlightuserdata(lua, &null);
}

bool null_is(lua_State *lua, int index)
{
	return lua_islightuserdata(lua, index);
}

void machine_note(char *out, size_t room, struct text text)
{
	size_t len = 0;
	while (text.len > 0) {
		struct printable next;
		printable_next(&text, &next);
		if (len + next.len_bytes >= room)
			break;
		memcpy(out + len, next.bytes, next.len_bytes);
		len += next.len_bytes;
	}
	out[len] = '\0';
}
