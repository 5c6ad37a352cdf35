/* The policies in force: those of the file for new tickets, and the stored revisions that tickets need. */
#ifndef KPID_APP_RULES_BOOK_H
#define KPID_APP_RULES_BOOK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

/* A stored revision. It is freed with the last view that has it. */
struct stored_rules {
	struct policy_set *set; /* of one revision */
	size_t n_views;
};

/* The policies at one time. A view never changes, so what is judged by it stays valid while somebody holds it. */
struct rules_view {
	struct policy_set *current;   /* for new tickets, by effective_from; its revisions are those of stored */
	struct stored_rules **stored; /* by revision_no; NULL where it is not loaded, or there is none */
	size_t n_stored;
	size_t n_holders; /* the book is one while the view is in force */
	struct rules_book *book;
};

struct rules_book {
	struct rules_view *view; /* in force */
	int32_t *missing;        /* revisions that were asked for in vain since the last update */
	size_t n_missing, missing_capacity;
};

void rules_book_init(struct rules_book *book);
/* The views that others hold are theirs to drop first. */
void rules_book_release(struct rules_book *book);
/* Reads and checks a policy file (NULL: none). Returns the set, or NULL after logging every fault. */
struct policy_set *rules_file_load(const char *path);
/* Appends the ids of all revisions, as instances compare them: "2026-01, 2026-06". */
void rules_add_ids(const struct policy_set *set, struct buf *out);

/* Numbers the revisions of a file that are among the rows of a result of queries/policy_load.sql (binary). False after
 * logging it if one is stored under its id with other content. */
bool rules_number(struct policy_set *set, const PGresult *stored);
/* Takes the rows of such a result in. next NULL: what is current stays. Otherwise all revisions of next must be among
 * the rows: they are current from now on, next is freed, and revisions that are not in it are forgotten until a ticket
 * needs them. False after logging why: nothing has changed, and next remains the caller's. */
bool rules_book_update(struct rules_book *book, struct policy_set *next, const PGresult *stored);

/* The view in force, until rules_view_drop(). */
struct rules_view *rules_book_hold(struct rules_book *book);
void rules_view_drop(struct rules_view *view); /* NULL is fine */

/* For struct batch_rules; context is a view, or the book for its view in force. A revision that is not loaded is noted
 * as missing. */
const struct policy_revision *rules_view_by_no(void *context, int32_t revision_no);
const struct policy_revision *rules_book_by_no(void *context, int32_t revision_no);

#endif
