#include "cli/json_diff.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/term.h"

/* The printed path of a value: revision "2026-01", policy "other", targets.resolution.within. */
struct value_path {
	const struct value_path *before;
	const char *separator; /* printed before the name */
	const char *name;
	bool quoted;
};

static void add_path(struct buf *out, const struct value_path *path)
{
	if (path == NULL)
		return;
	add_path(out, path->before);
	buf_add_str(out, path->separator);
	buf_add_str(out, path->quoted ? "\"" : "");
	term_escape(out, text_of(path->name));
	buf_add_str(out, path->quoted ? "\"" : "");
}

static void add_value(struct buf *out, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	struct text shown = text_of(text == NULL ? "?" : text);
	bool is_long = shown.len > 160;
	shown.len = is_long ? 160 : shown.len;
	term_escape(out, shown);
	buf_add_str(out, is_long ? "…" : "");
	free(text);
}

static void add_new(struct buf *out, const struct value_path *path, const json_t *value)
{
	add_path(out, path);
	buf_add_str(out, " is new: ");
	add_value(out, value);
	buf_add_char(out, '\n');
}

static void add_removed(struct buf *out, const struct value_path *path)
{
	add_path(out, path);
	buf_add_str(out, " was removed\n");
}

static void diff_values(struct buf *out, const struct value_path *path, json_t *before, json_t *after);

static void diff_objects(struct buf *out, const struct value_path *path, json_t *before, json_t *after)
{
	const char *key;
	json_t *value;
	json_object_foreach(before, key, value)
	{
		struct value_path next = {path, path->quoted ? ", " : ".", key, false};
		json_t *other = json_object_get(after, key);
		if (other == NULL)
			add_removed(out, &next);
		else
			diff_values(out, &next, value, other);
	}
	json_object_foreach(after, key, value)
	{
		struct value_path next = {path, path->quoted ? ", " : ".", key, false};
		if (json_object_get(before, key) == NULL)
			add_new(out, &next, value);
	}
}

static json_t *find_named(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i,
	                   item) if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0) return item;
	return NULL;
}

/* Whether the items of both files come in the same order. */
static bool same_order(const json_t *before, const json_t *after)
{
	size_t i, at = 0;
	json_t *item;
	json_array_foreach(before, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		if (find_named(after, name) == NULL)
			continue;
		while (at < json_array_size(after) &&
		       strcmp(json_string_value(json_object_get(json_array_get(after, at), "name")), name) != 0)
			at++;
		if (at++ >= json_array_size(after))
			return false;
	}
	return true;
}

/* Lists whose items have names, by which they are compared. */
static const struct named_list {
	const char *key, *separator; /* the separator is printed before the name of an item */
	const char *reordered;
} named_lists[] = {
        {"policies", ", policy ", ": the policies are in another order, and the first that matches applies\n"},
        {"plans", ", plan ", ": the plans are in another order, and the first that matches applies\n"},
        {"indicators", ", indicator ", ": the indicators are in another order\n"},
        {"grades", ", grade ", ": the grades are in another order\n"},
        {"flags", ", flag ", ": the flags are in another order\n"},
};

static const struct named_list *named_list_of(const char *key)
{
	for (size_t i = 0; i < sizeof(named_lists) / sizeof(named_lists[0]); i++)
		if (strcmp(named_lists[i].key, key) == 0)
			return &named_lists[i];
	return NULL;
}

static void diff_named(struct buf *out, const struct value_path *path, const struct named_list *list,
                       const json_t *before, const json_t *after)
{
	size_t i;
	json_t *item;
	json_array_foreach(before, i, item)
	{
		struct value_path next = {path, list->separator, json_string_value(json_object_get(item, "name")),
		                          true};
		json_t *other = find_named(after, next.name);
		if (other == NULL)
			add_removed(out, &next);
		else
			diff_objects(out, &next, item, other);
	}
	json_array_foreach(after, i, item)
	{
		struct value_path next = {path, list->separator, json_string_value(json_object_get(item, "name")),
		                          true};
		if (find_named(before, next.name) == NULL)
			add_new(out, &next, item);
	}
	if (!same_order(before, after)) {
		add_path(out, path);
		buf_add_str(out, list->reordered);
	}
}

static void diff_values(struct buf *out, const struct value_path *path, json_t *before, json_t *after)
{
	const struct named_list *list = named_list_of(path->name);
	if (json_equal(before, after))
		return;
	if (list != NULL && json_is_array(before) && json_is_array(after)) {
		diff_named(out, path->before, list, before, after);
	} else if (json_is_object(before) && json_is_object(after)) {
		diff_objects(out, path, before, after);
	} else {
		add_path(out, path);
		buf_add_str(out, ": ");
		add_value(out, before);
		buf_add_str(out, " → ");
		add_value(out, after);
		buf_add_char(out, '\n');
	}
}

static const struct json_revision *find_revision(const struct json_revision *revisions, size_t n, struct text id)
{
	for (size_t i = 0; i < n; i++)
		if (text_same(revisions[i].id, id))
			return &revisions[i];
	return NULL;
}

static json_t *json_of(const struct json_revision *revision)
{
	return json_loadb(revision->json.ptr, revision->json.len, 0, NULL);
}

void json_diff_revisions(const struct json_revision *old_list, size_t n_old, const struct json_revision *new_list,
                         size_t n_new, struct buf *out)
{
	for (size_t i = 0; i < n_old; i++) {
		json_t *before = json_of(&old_list[i]);
		struct value_path path = {NULL, "revision ", json_string_value(json_object_get(before, "id")), true};
		const struct json_revision *other = find_revision(new_list, n_new, old_list[i].id);
		if (other == NULL) {
			add_removed(out, &path);
		} else {
			json_t *after = json_of(other);
			diff_objects(out, &path, before, after);
			json_decref(after);
		}
		json_decref(before);
	}
	for (size_t i = 0; i < n_new; i++) {
		json_t *after = json_of(&new_list[i]);
		struct value_path path = {NULL, "revision ", json_string_value(json_object_get(after, "id")), true};
		if (find_revision(old_list, n_old, new_list[i].id) == NULL)
			add_new(out, &path, after);
		json_decref(after);
	}
}
