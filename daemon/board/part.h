/* What a page shows, as values: parts that are one JSON value, and parts that are lists of rows. Each is made once,
 * never changes, and is shared by the states that have it. */
#ifndef KPID_BOARD_PART_H
#define KPID_BOARD_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"

/* In the order in which they are sent. */
enum board_part {
	PART_FRESH,
	PART_TOTALS,
	PART_COMPLIANCE,
	PART_DAY,
	PART_CLOCKS,
	PART_BREACHES,
	PART_AGENTS,
	PART_N_AGENTS,
	PART_PROJECTS,
	PART_TEAMS,
	PART_READ,
	PART_N
};

struct part_row {
	struct text key, json; /* json: the whole row as an object */
};

struct part {
	size_t refs;
	bool is_list;
	struct buf value; /* of a part that is no list: JSON */
	struct arena arena;
	struct part_row *rows; /* in their order; keys are unique */
	size_t n_rows, capacity;
};

/* All functions that return a part give the caller one reference. */
struct part *part_value(struct text json);
struct part *part_list(void);
void part_add(struct part *list, struct text key, struct text json); /* only before it is shared */
struct part *part_hold(struct part *part);
void part_release(struct part *part); /* part may be NULL */
bool part_equal(const struct part *a, const struct part *b);
bool part_is_list(enum board_part name);

/* When a state is sent. */
struct part_stamp {
	struct text boot; /* names the run of the server */
	uint64_t seq;     /* number of the delta; of a snapshot: of the last delta that it contains */
	int64_t now_us;
	int64_t as_of_us; /* when the database was read last; TIME_NONE: never */
};

/* Appends a state as one JSON object. parts: by enum board_part; NULL: unknown so far. */
void snapshot_write(struct buf *out, const struct part_stamp *stamp, struct part *const parts[PART_N]);
/* Appends what has changed as one JSON object: values whole; of lists the rows that are new or changed, the keys that
 * are gone, and all keys in order if that has changed. Returns whether anything but the stamp has changed. */
bool delta_write(struct buf *out, const struct part_stamp *stamp, struct part *const before[PART_N],
                 struct part *const after[PART_N]);

#endif
