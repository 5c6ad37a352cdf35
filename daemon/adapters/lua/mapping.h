/* A mapping: a Lua 5.4 program that makes events of one record, within limits (rules M1 to M9, M14). One Lua state per
 * mapping; nothing is kept between records. */
#ifndef KPID_ADAPTERS_LUA_MAPPING_H
#define KPID_ADAPTERS_LUA_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/base/digest.h"
#include "kpid/core/event.h"
#include "kpid/core/flat.h"
#include "kpid/core/wire.h"

enum {
	MAPPING_MAX_BYTES = 256 * 1024, /* of its text */
	MAPPING_MAX_RECORD = 1000000,   /* bytes of a record */
	MAPPING_MAX_LEVELS = 64,        /* of a record */
	MAPPING_MAX_EVENTS = 100,       /* of a record */
	MAPPING_MAX_STEPS = 200000,     /* of the Lua machine, for a record */
	MAPPING_MAX_CPU_US = 20000,     /* of the thread, for a record */
	MAPPING_DETAIL_BYTES = 500 + 1, /* of a message, with the NUL */
	MAPPING_SKIP_BYTES = 100 + 1,   /* of the reason to skip a record, with the NUL */
	MAPPING_TURN_US = 10000,        /* of mapping, then the event loop turns */
};

struct mapping_param {
	const char *name, *value;
};

/* Everything is borrowed, and must outlive the mapping, except text. */
struct mapping_order {
	const char *name; /* of the file, for messages: "zammad.lua" */
	struct text text;
	struct flat_rules rules; /* now_us is set for each record */
	const struct mapping_param *params;
	size_t n_params;
};

/* One record. */
struct mapping_record {
	struct text json;                 /* a JSON text; absent: the record is a row */
	const struct text *names, *cells; /* of a row of CSV */
	size_t n_cells;
	struct text key; /* may be absent */
	const struct wire_header *headers;
	size_t n_headers;
};

enum mapped_verdict {
	MAPPED_EVENTS,
	MAPPED_SKIPPED,   /* skip_reason says why */
	MAPPED_TOMBSTONE, /* an empty value, or null alone (M12) */
	MAPPED_REJECTED   /* reason and detail are set: one dead letter (M7) */
};

/* What a mapping made of a record. */
struct mapped {
	struct ticket_event events[MAPPING_MAX_EVENTS]; /* texts are in the arena */
	size_t n_events;
	struct flat_tally tally;
	enum dead_letter_reason reason;
	char detail[MAPPING_DETAIL_BYTES];
	char skip_reason[MAPPING_SKIP_BYTES];
};

struct mapping;

/* Returns NULL after appending "FILE:LINE: what is wrong". */
struct mapping *mapping_new(const struct mapping_order *order, struct buf *error_out);
void mapping_free(struct mapping *mapping);

/* Runs the mapping on a record. now_us: wall clock. */
enum mapped_verdict mapping_run(struct mapping *mapping, const struct mapping_record *record, int64_t now_us,
                                struct arena *arena, struct mapped *out);

/* SHA-256 of its text, in hexadecimal. */
const char *mapping_version(const struct mapping *mapping);

/* True if the name is a global that every mapping has; for members of libraries, "string.upper". */
bool mapping_knows(struct mapping *mapping, struct text name);

#endif
