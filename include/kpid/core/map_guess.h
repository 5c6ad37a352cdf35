/* Guesses a first mapping from records: values in, the text of a Lua mapping out (`kpid map guess`). Deterministic, and
 * its memory is bounded whatever the records are. Pure. */
#ifndef KPID_CORE_MAP_GUESS_H
#define KPID_CORE_MAP_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"
#include "kpid/base/text.h"

enum {
	MAP_GUESS_RECORDS = 10000, /* later records are passed over */
	MAP_GUESS_COLUMNS = 256,   /* so are further columns, or members of JSON */
};

struct map_guess;

/* How the records were read, for the comments of the mapping. */
struct map_guess_order {
	struct text file;    /* its name; may hold any bytes */
	struct text options; /* of `kpid ingest`, such as " --format csv"; may be empty */
	bool is_whole;       /* all records of the file were given */
};

struct map_guess *map_guess_new(void);
void map_guess_free(struct map_guess *guess);

/* Takes a row of CSV. Columns without a name are passed over. */
void map_guess_row(struct map_guess *guess, const struct text *names, const struct text *cells, size_t n_cells);
/* Takes a record of JSON: members of its objects down to three levels. What is no object is counted only. */
void map_guess_json(struct map_guess *guess, struct text json);
/* True once further records change nothing. */
bool map_guess_is_full(const struct map_guess *guess);

/* Appends the text of a mapping. Returns NULL, or why the mapping skips every record, such as "no column looks like a
 * time" (static). */
const char *map_guess_write(struct map_guess *guess, const struct map_guess_order *order, struct buf *out);

#endif
