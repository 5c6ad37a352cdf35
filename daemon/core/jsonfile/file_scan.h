/* The place of each value in a JSON text: line and path. jansson does not keep these. */
#ifndef KPID_CORE_JSONFILE_FILE_SCAN_H
#define KPID_CORE_JSONFILE_FILE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/base/text.h"

struct file_place {
	struct file_place *parent;              /* NULL: the root */
	struct file_place *first, *last, *next; /* its members or items, and its own next sibling */
	struct text key;                        /* of a member, decoded; absent: an item of a list, or the root */
	size_t index;                           /* among its siblings, from 0 */
	int line;                               /* of its key, or of its value if it has no key; from 1 */
	int twin_line;                          /* line of an earlier member with the same key; 0: none */
	bool is_object;
	bool shadowed; /* a later member has the same key, and jansson kept only that one */
};

/* The tree of places. json must have been accepted by jansson. NULL if the text has no value. */
struct file_place *file_scan(struct text json, struct arena *arena);
/* Appends the path from the root: revisions[0].policies[1].targets. The root's own path is empty. */
void file_place_path(const struct file_place *place, struct buf *out);
/* Appends one key to a path: .key, or ["odd key"]. No dot if out is empty. */
void file_path_add_key(struct buf *out, struct text key);

#endif
