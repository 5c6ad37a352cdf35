#include "app/rules_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "adapters/zone/zone.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* ---- views ---- */

static struct rules_view *view_new(struct rules_book *book, size_t n_stored)
{
	struct rules_view *view = mem_zalloc(sizeof(*view));
	view->book = book;
	view->n_holders = 1;
	view->n_stored = n_stored;
	view->stored = mem_zalloc((n_stored + 1) * sizeof(struct stored_rules *));
	return view;
}

static void share(struct rules_view *view, int32_t revision_no, struct stored_rules *rules)
{
	view->stored[revision_no] = rules;
	rules->n_views++;
}

struct rules_view *rules_book_hold(struct rules_book *book)
{
	book->view->n_holders++;
	return book->view;
}

void rules_view_drop(struct rules_view *view)
{
	if (view == NULL || --view->n_holders > 0)
		return;
	for (size_t i = 0; i < view->n_stored; i++) {
		struct stored_rules *rules = view->stored[i];
		if (rules == NULL || --rules->n_views > 0)
			continue;
		policy_set_free(rules->set);
		free(rules);
	}
	policy_set_free(view->current);
	free(view->stored);
	free(view);
}

void rules_book_init(struct rules_book *book)
{
	*book = (struct rules_book){.missing = NULL};
	book->view = view_new(book, 0);
	book->view->current = policy_set_empty();
}

void rules_book_release(struct rules_book *book)
{
	rules_view_drop(book->view);
	free(book->missing);
	*book = (struct rules_book){.view = NULL};
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
	struct policy_faults faults;
	struct policy_set *set = policy_set_parse(buf_text(&json), zone_find, &faults);
	for (size_t i = 0; i < faults.n; i++)
		log_error("%s:%d: %.*s: %.*s", path, faults.items[i].line, (int)faults.items[i].path.len,
		          faults.items[i].path.ptr, (int)faults.items[i].message.len, faults.items[i].message.ptr);
	for (size_t i = 0; set != NULL && i < faults.n_warnings; i++)
		log_warning("%s:%d: %.*s: %.*s", path, faults.warnings[i].line, (int)faults.warnings[i].path.len,
		            faults.warnings[i].path.ptr, (int)faults.warnings[i].message.len,
		            faults.warnings[i].message.ptr);
	policy_faults_release(&faults);
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

static void note_missing(struct rules_book *book, int32_t revision_no)
{
	for (size_t i = 0; i < book->n_missing; i++)
		if (book->missing[i] == revision_no)
			return;
	book->missing = mem_grow(book->missing, &book->missing_capacity, book->n_missing + 1, sizeof(*book->missing));
	book->missing[book->n_missing++] = revision_no;
}

static struct stored_rules *find_stored(const struct rules_view *view, int32_t revision_no)
{
	return revision_no < 0 || (size_t)revision_no >= view->n_stored ? NULL : view->stored[revision_no];
}

const struct policy_revision *rules_view_by_no(void *context, int32_t revision_no)
{
	const struct rules_view *view = context;
	const struct stored_rules *rules = find_stored(view, revision_no);
	if (rules == NULL)
		note_missing(view->book, revision_no);
	return rules == NULL ? NULL : &rules->set->revisions[0];
}

const struct policy_revision *rules_book_by_no(void *context, int32_t revision_no)
{
	return rules_view_by_no(((struct rules_book *)context)->view, revision_no);
}

/* ---- updates ---- */

bool rules_number(struct policy_set *set, const PGresult *stored)
{
	bool ok = true;
	for (int row = 0; row < PQntuples(stored); row++) {
		struct text id = pg_get_text(stored, row, 1), json = pg_get_text(stored, row, 2);
		for (size_t i = 0; i < set->n_revisions; i++) {
			struct policy_revision *revision = &set->revisions[i];
			if (!text_same(revision->id, id))
				continue;
			revision->revision_no = pg_get_int4(stored, row, 0);
			if (text_same(revision->json, json))
				continue;
			log_error("policy revision \"%.*s\" is in force with other content; give the changed one a new "
			          "id "
			          "and effective_from",
			          (int)id.len, id.ptr);
			ok = false;
		}
	}
	return ok;
}

static struct stored_rules *read_stored(int32_t revision_no, struct text json)
{
	struct policy_faults faults;
	struct policy_set *set = policy_revision_parse(json, zone_find, &faults);
	policy_faults_release(&faults);
	if (set == NULL) {
		log_error("policy revision number %d in the database cannot be read by this version of kpid",
		          (int)revision_no);
		return NULL;
	}
	set->revisions[0].revision_no = revision_no;
	struct stored_rules *rules = mem_zalloc(sizeof(*rules));
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

/* What goes on being loaded: all of it, or what the next file has as well. */
static void keep_stored(struct rules_view *view, const struct rules_view *before, const struct policy_set *next)
{
	for (size_t i = 0; i < before->n_stored; i++)
		if (before->stored[i] != NULL && (next == NULL || is_in(next, (int32_t)i)))
			share(view, (int32_t)i, before->stored[i]);
}

static bool add_rows(struct rules_view *view, const PGresult *stored)
{
	bool ok = true;
	for (int row = 0; row < PQntuples(stored); row++) {
		int32_t revision_no = pg_get_int4(stored, row, 0);
		if (find_stored(view, revision_no) != NULL)
			continue;
		struct stored_rules *rules = read_stored(revision_no, pg_get_text(stored, row, 2));
		if (rules != NULL)
			share(view, revision_no, rules);
		ok = ok && rules != NULL;
	}
	return ok;
}

/* The same revisions as in a set, as they are stored. False after logging it if one is not. */
static bool make_current(struct rules_view *view, const struct policy_set *set)
{
	view->current = policy_set_of(set->n_revisions);
	for (size_t i = 0; i < set->n_revisions; i++) {
		const struct stored_rules *rules = find_stored(view, set->revisions[i].revision_no);
		if (rules == NULL) {
			log_error("policy revision \"%.*s\" was not stored", (int)set->revisions[i].id.len,
			          set->revisions[i].id.ptr);
			return false;
		}
		view->current->revisions[i] = rules->set->revisions[0];
	}
	return true;
}

bool rules_book_update(struct rules_book *book, struct policy_set *next, const PGresult *stored)
{
	size_t n_stored = book->view->n_stored;
	if (next != NULL && !rules_number(next, stored))
		return false;
	for (int row = 0; row < PQntuples(stored); row++) {
		size_t revision_no = (size_t)pg_get_int4(stored, row, 0);
		n_stored = revision_no >= n_stored ? revision_no + 1 : n_stored;
	}
	struct rules_view *view = view_new(book, n_stored);
	keep_stored(view, book->view, next);
	if (!add_rows(view, stored) || !make_current(view, next == NULL ? book->view->current : next)) {
		rules_view_drop(view);
		return false;
	}
	rules_view_drop(book->view);
	book->view = view;
	book->n_missing = 0;
	policy_set_free(next);
	return true;
}
