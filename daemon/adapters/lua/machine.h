/* The parts of a mapping's Lua machine. Private to this folder. */
#ifndef KPID_ADAPTERS_LUA_MACHINE_H
#define KPID_ADAPTERS_LUA_MACHINE_H

#include <lua.h>

#include "adapters/lua/mapping.h"

struct mapping {
	struct mapping_order order;
	char version[SHA256_HEX_BYTES];
	lua_State *lua;
	/* what is held and was asked for, in bytes, and the limits of this record */
	size_t held, asked, most_held, most_asked;
	size_t floor; /* held after the last collection, when nothing of a record was left */
	unsigned n_refused;
	/* the record that is being mapped */
	const struct mapping_record *record;
	struct arena *arena;
	size_t arena_before; /* what the arena held at first; it counts as well */
	struct mapped *out;
	int64_t began_us, began_cpu_us;
	unsigned n_steps;
	const char *limit; /* the limit that ended the run; NULL: none */
	bool is_rejected;  /* an event is wrong by E5; out has the reason */
	bool was_skipped;
	struct buf scratch;
};

/* Registry keys are the addresses of these. */
extern const char machine_libraries, machine_chunk;

/* The mapping that the state belongs to. */
static inline struct mapping *machine_of(lua_State *lua)
{
	return *(struct mapping **)lua_getextraspace(lua);
}

/* machine.c: creates the state, with limits in force from then on. NULL: no memory. */
lua_State *machine_new(struct mapping *mapping);
void machine_limit(struct mapping *mapping, size_t n_record_bytes);
/* Ends the run because of a limit. Does not return. */
int machine_stop(lua_State *lua, const char *limit);
void machine_collect(struct mapping *mapping, bool always);

/* library.c: pushes the table of all names that a mapping finds. */
void library_push(lua_State *lua);
/* words.c: adds kpid's own functions on texts to the table on top. */
void words_add(lua_State *lua);
/* emit.c: adds event(), state() and skip(). */
void emit_add(lua_State *lua);
/* record.c: pushes the record as a table. */
void record_push(lua_State *lua, const struct mapping_record *record, struct arena *arena);

/* `null`: a light userdata, so that it is true in an `if`. */
void null_push(lua_State *lua);
bool null_is(lua_State *lua, int index);

/* Copies text into a field of the dead letter or of a reason, cut at a character, with bad UTF-8 and control characters
 * escaped. room: with the NUL. */
void machine_note(char *out, size_t room, struct text text);

#endif
