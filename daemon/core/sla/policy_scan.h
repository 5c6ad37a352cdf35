/* Where each value of a JSON text stands: line, and way from the root. What jansson does not keep. */
#ifndef KPID_CORE_SLA_POLICY_SCAN_H
#define KPID_CORE_SLA_POLICY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/base/text.h"

struct policy_place {
	struct policy_place *parent;              /* NULL: the root */
	struct policy_place *first, *last, *next; /* its members or items, and its own next sibling */
	struct text key;                          /* of a member, decoded; absent: an item of a list, or the root */
	size_t index;                             /* among its siblings, from 0 */
	int line;                                 /* where its key, or else its value, begins; from 1 */
	int twin_line;                            /* the line of an earlier member with the same key; 0: none */
	bool is_object;
	bool shadowed; /* a later member has the same key: jansson kept that one */
};

/* The tree of places of a text that jansson has accepted; NULL for a text without any value. */
struct policy_place *policy_scan(struct text json, struct arena *arena);
/* Appends the way from the root: revisions[0].policies[1].targets; of the root itself nothing. */
void policy_place_path(const struct policy_place *place, struct buf *out);
/* Appends one step by a key: .key, or ["odd key"]; without the point where out is empty. */
void policy_path_add_key(struct buf *out, struct text key);

#endif
