/* The policies in force: those of the file for new tickets, and every stored revision for the tickets that it
 * once judged. */
#ifndef KPID_APP_RULES_BOOK_H
#define KPID_APP_RULES_BOOK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

struct rules_book {
	struct policy_set *current; /* of the file; an empty one without a file */
	struct policy_set **stored; /* one revision each, by revision_no; NULL where there is none */
	size_t n_stored, stored_capacity;
	struct policy_set **retired; /* replaced, but batches under way may still point into them */
	size_t n_retired, retired_capacity;
};

void rules_book_init(struct rules_book *book);
void rules_book_release(struct rules_book *book);
/* Reads and checks a policy file (NULL: none). Returns the set, or NULL after logging every fault. */
struct policy_set *rules_file_load(const char *path);
/* Adds the stored revisions of a result of queries/policy_load.sql (binary). A revision of next that is stored
 * under its id with other content is a fault: false, and it was logged. Otherwise next (NULL: keep the current
 * one) has its numbers and is current. */
bool rules_book_update(struct rules_book *book, struct policy_set *next, const PGresult *stored);
/* For struct batch_rules; context is the book. */
const struct policy_revision *rules_book_by_no(void *context, int32_t revision_no);

#endif
