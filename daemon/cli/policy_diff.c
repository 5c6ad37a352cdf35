#include "cli/policy_diff.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/term.h"

/* The way to a value, as it is told: revision "2026-01", policy "other", targets.resolution.within. */
struct way {
	const struct way *before;
	const char *joint; /* what stands before the name */
	const char *name;
	bool quoted;
};

static void add_way(struct buf *out, const struct way *way)
{
	if (way == NULL)
		return;
	add_way(out, way->before);
	buf_add_str(out, way->joint);
	buf_add_str(out, way->quoted ? "\"" : "");
	term_escape(out, text_of(way->name));
	buf_add_str(out, way->quoted ? "\"" : "");
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

static void tell_added(struct buf *out, const struct way *way, const json_t *value)
{
	add_way(out, way);
	buf_add_str(out, " is new: ");
	add_value(out, value);
	buf_add_char(out, '\n');
}

static void tell_gone(struct buf *out, const struct way *way)
{
	add_way(out, way);
	buf_add_str(out, " is gone\n");
}

static void diff_values(struct buf *out, const struct way *way, json_t *before, json_t *after);

static void diff_objects(struct buf *out, const struct way *way, json_t *before, json_t *after)
{
	const char *key;
	json_t *value;
	json_object_foreach(before, key, value)
	{
		struct way next = {way, way->quoted ? ", " : ".", key, false};
		json_t *other = json_object_get(after, key);
		if (other == NULL)
			tell_gone(out, &next);
		else
			diff_values(out, &next, value, other);
	}
	json_object_foreach(after, key, value)
	{
		struct way next = {way, way->quoted ? ", " : ".", key, false};
		if (json_object_get(before, key) == NULL)
			tell_added(out, &next, value);
	}
}

static json_t *find_policy(const json_t *policies, const char *name)
{
	size_t i;
	json_t *policy;
	json_array_foreach(policies, i, policy) if (strcmp(json_string_value(json_object_get(policy, "name")), name) ==
	                                            0) return policy;
	return NULL;
}

/* Those that both have, in the same order? The first whose match holds applies. */
static bool same_order(const json_t *before, const json_t *after)
{
	size_t i, at = 0;
	json_t *policy;
	json_array_foreach(before, i, policy)
	{
		const char *name = json_string_value(json_object_get(policy, "name"));
		if (find_policy(after, name) == NULL)
			continue;
		while (at < json_array_size(after) &&
		       strcmp(json_string_value(json_object_get(json_array_get(after, at), "name")), name) != 0)
			at++;
		if (at++ >= json_array_size(after))
			return false;
	}
	return true;
}

/* By their names, whatever their places. */
static void diff_policies(struct buf *out, const struct way *way, const json_t *before, const json_t *after)
{
	size_t i;
	json_t *policy;
	json_array_foreach(before, i, policy)
	{
		struct way next = {way, ", policy ", json_string_value(json_object_get(policy, "name")), true};
		json_t *other = find_policy(after, next.name);
		if (other == NULL)
			tell_gone(out, &next);
		else
			diff_objects(out, &next, policy, other);
	}
	json_array_foreach(after, i, policy)
	{
		struct way next = {way, ", policy ", json_string_value(json_object_get(policy, "name")), true};
		if (find_policy(before, next.name) == NULL)
			tell_added(out, &next, policy);
	}
	if (!same_order(before, after)) {
		add_way(out, way);
		buf_add_str(out, ": the policies stand in another order, and the first that matches applies\n");
	}
}

static void diff_values(struct buf *out, const struct way *way, json_t *before, json_t *after)
{
	if (json_equal(before, after))
		return;
	if (strcmp(way->name, "policies") == 0 && json_is_array(before) && json_is_array(after)) {
		diff_policies(out, way->before, before, after);
	} else if (json_is_object(before) && json_is_object(after)) {
		diff_objects(out, way, before, after);
	} else {
		add_way(out, way);
		buf_add_str(out, ": ");
		add_value(out, before);
		buf_add_str(out, " → ");
		add_value(out, after);
		buf_add_char(out, '\n');
	}
}

static const struct policy_revision *find_revision(const struct policy_set *set, struct text id)
{
	for (size_t i = 0; i < set->n_revisions; i++)
		if (text_same(set->revisions[i].id, id))
			return &set->revisions[i];
	return NULL;
}

static json_t *json_of(const struct policy_revision *revision)
{
	return json_loadb(revision->json.ptr, revision->json.len, 0, NULL);
}

void policy_diff(const struct policy_set *old_set, const struct policy_set *new_set, struct buf *out)
{
	for (size_t i = 0; i < old_set->n_revisions; i++) {
		json_t *before = json_of(&old_set->revisions[i]);
		struct way way = {NULL, "revision ", json_string_value(json_object_get(before, "id")), true};
		const struct policy_revision *other = find_revision(new_set, old_set->revisions[i].id);
		if (other == NULL) {
			tell_gone(out, &way);
		} else {
			json_t *after = json_of(other);
			diff_objects(out, &way, before, after);
			json_decref(after);
		}
		json_decref(before);
	}
	for (size_t i = 0; i < new_set->n_revisions; i++) {
		json_t *after = json_of(&new_set->revisions[i]);
		struct way way = {NULL, "revision ", json_string_value(json_object_get(after, "id")), true};
		if (find_revision(old_set, new_set->revisions[i].id) == NULL)
			tell_added(out, &way, after);
		json_decref(after);
	}
}
