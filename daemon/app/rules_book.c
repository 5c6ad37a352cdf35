#include "app/rules_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "adapters/zone/zone.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

void rules_book_init(struct rules_book *book)
{
	*book = (struct rules_book){.current = policy_set_empty()};
}

void rules_book_release(struct rules_book *book)
{
	policy_set_free(book->current);
	for (size_t i = 0; i < book->n_stored; i++)
		policy_set_free(book->stored[i]);
	for (size_t i = 0; i < book->n_retired; i++)
		policy_set_free(book->retired[i]);
	free(book->stored);
	free(book->retired);
	*book = (struct rules_book){.current = NULL};
}

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

const struct policy_revision *rules_book_by_no(void *context, int32_t revision_no)
{
	const struct rules_book *book = context;
	if (revision_no < 0 || (size_t)revision_no >= book->n_stored || book->stored[revision_no] == NULL)
		return NULL;
	return &book->stored[revision_no]->revisions[0];
}

static bool add_stored(struct rules_book *book, int32_t revision_no, struct text json)
{
	size_t n = (size_t)revision_no + 1, before = book->stored_capacity;
	book->stored = mem_grow(book->stored, &book->stored_capacity, n, sizeof(*book->stored));
	if (book->stored_capacity > before)
		memset(book->stored + before, 0, (book->stored_capacity - before) * sizeof(*book->stored));
	if (book->n_stored < n)
		book->n_stored = n;
	if (book->stored[revision_no] != NULL)
		return true;
	struct policy_faults faults;
	struct policy_set *set = policy_revision_parse(json, zone_find, &faults);
	policy_faults_release(&faults);
	if (set == NULL) {
		log_error("policy revision number %d in the database cannot be read by this version of kpid",
		          (int)revision_no);
		return false;
	}
	set->revisions[0].revision_no = revision_no;
	book->stored[revision_no] = set;
	return true;
}

static bool number_revision(struct policy_set *next, int32_t revision_no, struct text id, struct text json)
{
	for (size_t i = 0; next != NULL && i < next->n_revisions; i++) {
		struct policy_revision *revision = &next->revisions[i];
		if (!text_same(revision->id, id))
			continue;
		if (!text_same(revision->json, json)) {
			log_error("policy revision \"%.*s\" is in force with other content; give the changed one a new "
			          "id "
			          "and effective_from",
			          (int)id.len, id.ptr);
			return false;
		}
		revision->revision_no = revision_no;
	}
	return true;
}

bool rules_book_update(struct rules_book *book, struct policy_set *next, const PGresult *stored)
{
	bool ok = true;
	for (int row = 0; row < PQntuples(stored); row++) {
		int32_t revision_no = pg_get_int4(stored, row, 0);
		struct text id = pg_get_text(stored, row, 1), json = pg_get_text(stored, row, 2);
		ok = add_stored(book, revision_no, json) && ok;
		ok = number_revision(next, revision_no, id, json) && ok;
	}
	if (!ok || next == NULL)
		return ok;
	book->retired = mem_grow(book->retired, &book->retired_capacity, book->n_retired + 1, sizeof(*book->retired));
	book->retired[book->n_retired++] = book->current;
	book->current = next;
	return true;
}
