#include "app/policy_registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "adapters/zone/zone.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* ---- snapshots ---- */

static struct policy_snapshot *snapshot_new(struct policy_registry *registry, size_t n_stored)
{
	struct policy_snapshot *snapshot = mem_zalloc(sizeof(*snapshot));
	snapshot->registry = registry;
	snapshot->n_holders = 1;
	snapshot->n_stored = n_stored;
	snapshot->stored = mem_zalloc((n_stored + 1) * sizeof(struct stored_revision *));
	return snapshot;
}

static void share(struct policy_snapshot *snapshot, int32_t revision_no, struct stored_revision *rules)
{
	snapshot->stored[revision_no] = rules;
	rules->n_snapshots++;
}

struct policy_snapshot *policy_registry_hold(struct policy_registry *registry)
{
	registry->snapshot->n_holders++;
	return registry->snapshot;
}

void policy_snapshot_drop(struct policy_snapshot *snapshot)
{
	if (snapshot == NULL || --snapshot->n_holders > 0)
		return;
	for (size_t i = 0; i < snapshot->n_stored; i++) {
		struct stored_revision *rules = snapshot->stored[i];
		if (rules == NULL || --rules->n_snapshots > 0)
			continue;
		policy_set_free(rules->set);
		free(rules);
	}
	policy_set_free(snapshot->current);
	free(snapshot->stored);
	free(snapshot);
}

void policy_registry_init(struct policy_registry *registry)
{
	*registry = (struct policy_registry){.missing = NULL};
	registry->snapshot = snapshot_new(registry, 0);
	registry->snapshot->current = policy_set_empty();
}

void policy_registry_release(struct policy_registry *registry)
{
	policy_snapshot_drop(registry->snapshot);
	free(registry->missing);
	*registry = (struct policy_registry){.snapshot = NULL};
}

/* ---- the file ---- */

static bool read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return false;
	char piece[16384];
	size_t n;
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(out, piece, n);
	bool ok = ferror(file) == 0;
	fclose(file);
	return ok;
}

struct policy_set *rules_file_load(const char *path)
{
	if (path == NULL)
		return policy_set_empty();
	struct buf json = BUF_INIT;
	if (!read_file(path, &json)) {
		log_error("policy file %s: %s", path, strerror(errno));
		buf_release(&json);
		return NULL;
	}
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(buf_text(&json), zone_find, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("%s:%d: %.*s: %.*s", path, errors.items[i].line, (int)errors.items[i].path.len,
		          errors.items[i].path.ptr, (int)errors.items[i].message.len, errors.items[i].message.ptr);
	for (size_t i = 0; set != NULL && i < errors.n_warnings; i++)
		log_warning("%s:%d: %.*s: %.*s", path, errors.warnings[i].line, (int)errors.warnings[i].path.len,
		            errors.warnings[i].path.ptr, (int)errors.warnings[i].message.len,
		            errors.warnings[i].message.ptr);
	file_errors_release(&errors);
	buf_release(&json);
	return set;
}

void rules_add_ids(const struct policy_set *set, struct buf *out)
{
	for (size_t i = 0; i < set->n_revisions; i++) {
		buf_add_str(out, i == 0 ? "" : ", ");
		buf_add_text(out, set->revisions[i].id);
	}
}

/* ---- revisions by number ---- */

static void note_missing(struct policy_registry *registry, int32_t revision_no)
{
	for (size_t i = 0; i < registry->n_missing; i++)
		if (registry->missing[i] == revision_no)
			return;
	registry->missing = mem_grow(registry->missing, &registry->missing_capacity, registry->n_missing + 1,
	                             sizeof(*registry->missing));
	registry->missing[registry->n_missing++] = revision_no;
}

static struct stored_revision *find_stored(const struct policy_snapshot *snapshot, int32_t revision_no)
{
	return revision_no < 0 || (size_t)revision_no >= snapshot->n_stored ? NULL : snapshot->stored[revision_no];
}

const struct policy_revision *policy_snapshot_by_no(void *context, int32_t revision_no)
{
	const struct policy_snapshot *snapshot = context;
	const struct stored_revision *rules = find_stored(snapshot, revision_no);
	if (rules == NULL)
		note_missing(snapshot->registry, revision_no);
	return rules == NULL ? NULL : &rules->set->revisions[0];
}

const struct policy_revision *policy_registry_by_no(void *context, int32_t revision_no)
{
	return policy_snapshot_by_no(((struct policy_registry *)context)->snapshot, revision_no);
}

/* ---- updates ---- */

bool rules_number(struct policy_set *set, const PGresult *stored)
{
	bool ok = true;
	for (int row = 0; row < PQntuples(stored); row++) {
		struct text id = pg_get_text(stored, row, POLICY_LOAD_ID),
		            json = pg_get_text(stored, row, POLICY_LOAD_JSON);
		for (size_t i = 0; i < set->n_revisions; i++) {
			struct policy_revision *revision = &set->revisions[i];
			if (!text_same(revision->id, id))
				continue;
			revision->revision_no = pg_get_int4(stored, row, POLICY_LOAD_REVISION_NO);
			if (text_same(revision->json, json))
				continue;
			log_error(
			        "policy revision \"%.*s\" is stored with other content; give the changed one a new id "
			        "and effective_from",
			        (int)id.len, id.ptr);
			ok = false;
		}
	}
	return ok;
}

static struct stored_revision *read_stored(int32_t revision_no, struct text json)
{
	struct file_errors errors;
	struct policy_set *set = policy_revision_parse(json, zone_find, &errors);
	file_errors_release(&errors);
	if (set == NULL) {
		log_error("policy revision number %d in the database cannot be read by this version of kpid",
		          (int)revision_no);
		return NULL;
	}
	set->revisions[0].revision_no = revision_no;
	struct stored_revision *rules = mem_zalloc(sizeof(*rules));
	rules->set = set;
	return rules;
}

static bool is_in(const struct policy_set *set, int32_t revision_no)
{
	for (size_t i = 0; i < set->n_revisions; i++)
		if (set->revisions[i].revision_no == revision_no)
			return true;
	return false;
}

/* Keeps the loaded revisions: all of them, or those that are also in next. */
static void keep_stored(struct policy_snapshot *snapshot, const struct policy_snapshot *before,
                        const struct policy_set *next)
{
	for (size_t i = 0; i < before->n_stored; i++)
		if (before->stored[i] != NULL && (next == NULL || is_in(next, (int32_t)i)))
			share(snapshot, (int32_t)i, before->stored[i]);
}

static bool add_rows(struct policy_snapshot *snapshot, const PGresult *stored)
{
	bool ok = true;
	for (int row = 0; row < PQntuples(stored); row++) {
		int32_t revision_no = pg_get_int4(stored, row, POLICY_LOAD_REVISION_NO);
		if (find_stored(snapshot, revision_no) != NULL)
			continue;
		struct stored_revision *rules = read_stored(revision_no, pg_get_text(stored, row, POLICY_LOAD_JSON));
		if (rules != NULL)
			share(snapshot, revision_no, rules);
		ok = ok && rules != NULL;
	}
	return ok;
}

/* Makes the stored copies of the revisions of set current. Returns false after logging one that is not stored. */
static bool make_current(struct policy_snapshot *snapshot, const struct policy_set *set)
{
	snapshot->current = policy_set_of(set->n_revisions);
	for (size_t i = 0; i < set->n_revisions; i++) {
		const struct stored_revision *rules = find_stored(snapshot, set->revisions[i].revision_no);
		if (rules == NULL) {
			log_error("policy revision \"%.*s\" was not stored", (int)set->revisions[i].id.len,
			          set->revisions[i].id.ptr);
			return false;
		}
		snapshot->current->revisions[i] = rules->set->revisions[0];
	}
	return true;
}

bool policy_registry_update(struct policy_registry *registry, struct policy_set *next, const PGresult *stored)
{
	size_t n_stored = registry->snapshot->n_stored;
	if (next != NULL && !rules_number(next, stored))
		return false;
	for (int row = 0; row < PQntuples(stored); row++) {
		size_t revision_no = (size_t)pg_get_int4(stored, row, POLICY_LOAD_REVISION_NO);
		n_stored = revision_no >= n_stored ? revision_no + 1 : n_stored;
	}
	struct policy_snapshot *snapshot = snapshot_new(registry, n_stored);
	keep_stored(snapshot, registry->snapshot, next);
	if (!add_rows(snapshot, stored) || !make_current(snapshot, next == NULL ? registry->snapshot->current : next)) {
		policy_snapshot_drop(snapshot);
		return false;
	}
	policy_snapshot_drop(registry->snapshot);
	registry->snapshot = snapshot;
	registry->n_missing = 0;
	policy_set_free(next);
	return true;
}
