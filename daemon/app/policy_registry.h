/* The policies in force: the revisions of the file, for new tickets, and the stored revisions that other tickets use.
 */
#ifndef KPID_APP_POLICY_REGISTRY_H
#define KPID_APP_POLICY_REGISTRY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"
#include "kpid/core/policy.h"

/* A stored revision, shared by snapshots and freed with the last one. */
struct stored_revision {
	struct policy_set *set; /* of one revision */
	size_t n_snapshots;
};

/* The policies at one time. Immutable: what is judged by it stays valid as long as it is held. */
struct policy_snapshot {
	struct policy_set *current;      /* for new tickets, by effective_from; borrows its revisions from stored */
	struct stored_revision **stored; /* by revision_no; NULL if not loaded */
	size_t n_stored;
	size_t n_holders; /* counts the registry while the snapshot is in force */
	struct policy_registry *registry;
};

struct policy_registry {
	struct policy_snapshot *snapshot; /* in force */
	int32_t *missing;                 /* revisions that were requested since the last update and not found */
	size_t n_missing, missing_capacity;
};

void policy_registry_init(struct policy_registry *registry);
/* All snapshots that others hold must have been dropped. */
void policy_registry_release(struct policy_registry *registry);
/* Reads and checks a policy file. path NULL: returns an empty set. Returns NULL after logging every error. */
struct policy_set *rules_file_load(const char *path);
/* Appends the ids of all revisions, as instances compare them: "2026-01, 2026-06". */
void rules_add_ids(const struct policy_set *set, struct buf *out);

/* Sets the numbers of the revisions that are among the rows of queries/policy_load.sql. Returns false after logging
 * each revision that is stored with other content under the same id. */
bool rules_number(struct policy_set *set, const PGresult *stored);
/* Loads the rows of such a result. next NULL: the current revisions stay. Otherwise the revisions of next, which must
 * all be among the rows, become current; next is freed; and other revisions are dropped until a ticket needs them.
 * Returns false after logging why: then nothing has changed, and the caller still owns next. */
bool policy_registry_update(struct policy_registry *registry, struct policy_set *next, const PGresult *stored);

/* Returns the snapshot in force, for the caller to drop. */
struct policy_snapshot *policy_registry_hold(struct policy_registry *registry);
void policy_snapshot_drop(struct policy_snapshot *snapshot); /* NULL is allowed */

/* Callbacks for struct batch_rules. context: a snapshot, or the registry for the snapshot in force. A revision that is
 * not loaded is noted as missing. */
const struct policy_revision *policy_snapshot_by_no(void *context, int32_t revision_no);
const struct policy_revision *policy_registry_by_no(void *context, int32_t revision_no);

#endif
