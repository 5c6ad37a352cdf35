/* The policy file: from JSON to a set of revisions, or to all of its errors at once (rules P). */
#include <stdlib.h>

#include "../jsonfile/file_load.h"
#include "../jsonfile/file_revisions.h"
#include "calendar_parse.h"
#include "policy_reading.h"

enum { MAX_REVISIONS = 1000, MAX_POLICIES = 10000 };

/* ---- calendars ---- */

static void read_calendars(struct policy_reading *reading, const struct file_node *revision,
                           struct policy_revision *revision_out)
{
	reading->calendars = NULL;
	reading->calendars_unreadable = false;
	struct file_node calendars, node;
	if (!node_member(revision, "calendars", &calendars))
		return;
	if (!node_is_object(&reading->check, &calendars, "an object, such as {\"always\": {\"always\": true}}")) {
		reading->calendars_unreadable = true;
		return;
	}
	struct policy_calendar **end = &revision_out->calendars;
	for (bool ok = node_first(&calendars, &node); ok; ok = node_next(&calendars, &node)) {
		*end = calendar_parse(&reading->check, reading->arena, &node, reading->find_zone);
		end = &(*end)->next;
	}
	reading->calendars = revision_out->calendars;
}

/* ---- policies ---- */

static void read_policy(struct policy_reading *reading, const struct file_node *node, struct policy *policy_out)
{
	static const char *const known[] = {"name", "match", "targets", NULL};
	struct file_check *check = &reading->check;
	if (!node_is_object(check, node, "a policy, such as {\"name\": \"other\", \"targets\": {...}}"))
		return;
	node_check_keys(check, node, "key of a policy", known);
	struct file_node member;
	if (!node_member(node, "name", &member))
		file_error_missing(check, node, "name",
		                   "give the policy a name, such as \"name\": \"emergency repair\"");
	else if (node_is_name(check, &member, "a name in quotes, such as \"emergency repair\"", &policy_out->name))
		policy_out->name = arena_text(reading->arena, policy_out->name);
	policy_read_match(reading, node, policy_out);
	policy_read_targets(reading, node, policy_out);
}

/* Adds an error for a name that an earlier policy has. first_by_name: name -> index of its first policy. */
static void check_policy_name(struct policy_reading *reading, const struct file_node *policy, json_t *first_by_name)
{
	struct file_node name;
	if (!json_is_object(policy->value) || !node_member(policy, "name", &name) || !json_is_string(name.value))
		return;
	const char *word = json_string_value(name.value);
	const json_t *first = json_object_get(first_by_name, word);
	if (first == NULL)
		json_object_set_new(first_by_name, word, json_integer((json_int_t)policy->place->index));
	else
		file_error_add(&reading->check, name.place,
		               "is already the name of policies[%lld]; give each policy of a revision its own name",
		               (long long)json_integer_value(first));
}

/* Adds an error for each policy after one without `match`. */
static void check_after_catch_all(struct policy_reading *reading, const struct file_node *policies)
{
	const struct file_place *catch_all = NULL;
	struct file_node policy, match;
	for (bool ok = node_first(policies, &policy); ok; ok = node_next(policies, &policy)) {
		if (catch_all != NULL)
			file_error_add(&reading->check, policy.place,
			               "is never reached, because policies[%zu] has no `match` and applies to every "
			               "ticket; move that policy to the end of the list, or give it a `match`",
			               catch_all->index);
		else if (json_is_object(policy.value) && !node_member(&policy, "match", &match))
			catch_all = policy.place;
	}
}

/* Adds an error for each policy whose tickets are all matched by an earlier policy that has a `match`. */
static void check_shadowed(struct policy_reading *reading, const struct file_node *policies, const struct policy *read)
{
	struct file_node node;
	for (bool ok = node_first(policies, &node); ok; ok = node_next(policies, &node)) {
		size_t n = node.place->index, i = 0;
		while (i < n && !policy_covers(&read[i], &read[n]))
			i++;
		if (i < n)
			file_error_add(&reading->check, node.place,
			               "is never reached, because policies[%zu] matches every ticket that this policy "
			               "matches; move it before that one, or remove it",
			               i);
	}
}

static void read_policies(struct policy_reading *reading, const struct file_node *revision,
                          struct policy_revision *revision_out)
{
	struct file_node list, node;
	if (!node_has_list(&reading->check, revision, "policies",
	                   "a list of policies, such as [{\"name\": \"other\", \"targets\": {}}]", MAX_POLICIES, &list))
		return;
	size_t n = json_array_size(list.value);
	struct policy *policies = arena_zalloc(reading->arena, n * sizeof(*policies));
	json_t *first_by_name = json_object();
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node)) {
		read_policy(reading, &node, &policies[node.place->index]);
		check_policy_name(reading, &node, first_by_name);
	}
	json_decref(first_by_name);
	size_t n_errors = reading->check.errors->n;
	check_after_catch_all(reading, &list);
	if (reading->strict && reading->check.errors->n == n_errors)
		check_shadowed(reading, &list, policies);
	revision_out->policies = policies;
	revision_out->n_policies = n;
}

/* ---- revisions ---- */

static void read_effective_from(struct policy_reading *reading, const struct file_node *revision, int64_t *us_out)
{
	struct file_node node;
	struct text text;
	*us_out = INT64_MIN;
	if (!node_member(revision, "effective_from", &node) ||
	    !node_is_string(
	            &reading->check, &node,
	            "a time in quotes, such as \"2026-01-01T00:00:00+08:00\", or leave it out if the revision has no "
	            "start",
	            &text))
		return;
	if (!timestamp_parse(text, us_out))
		file_error_add(
		        &reading->check, node.place,
		        "%s is not a time with a zone between 1990 and 2200; write it as \"2026-01-01T00:00:00+08:00\"",
		        file_quote(&reading->check, text));
}

static void read_revision(struct policy_reading *reading, const struct file_node *node,
                          struct policy_revision *revision_out)
{
	static const char *const known[] = {"id", "effective_from", "resume_on_reply", "calendars", "policies", NULL};
	struct file_check *check = &reading->check;
	*revision_out = (struct policy_revision){.effective_from_us = INT64_MIN};
	if (!node_is_object(check, node, "a revision, such as {\"id\": \"2026-01\", \"policies\": [...]}"))
		return;
	node_check_keys(check, node, "key of a revision", known);
	struct file_node id;
	if (!node_member(node, "id", &id))
		file_error_missing(check, node, "id", "give the revision its own id, such as \"id\": \"2026-01\"");
	else if (node_is_name(check, &id, "a name in quotes, such as \"2026-01\"", &revision_out->id))
		revision_out->id = arena_text(reading->arena, revision_out->id);
	read_effective_from(reading, node, &revision_out->effective_from_us);
	policy_read_reasons(reading, node, "resume_on_reply", &revision_out->resume_on_reply);
	read_calendars(reading, node, revision_out);
	read_policies(reading, node, revision_out);
	if (check->errors->n == 0)
		revision_out->json = json_compact(node->value, reading->arena);
}

static int by_effective_from(const void *a, const void *b)
{
	const struct policy_revision *left = a, *right = b;
	return (left->effective_from_us > right->effective_from_us) -
	       (left->effective_from_us < right->effective_from_us);
}

static void read_file(struct policy_reading *reading, const struct file_node *root, struct policy_set *set)
{
	static const char *const known[] = {"revisions", NULL};
	struct file_node list, node;
	if (!node_is_object(&reading->check, root, "{\"revisions\": [...]}"))
		return;
	node_check_keys(&reading->check, root, "key of the policy file", known);
	if (!node_has_list(&reading->check, root, "revisions",
	                   "a list of revisions, such as [{\"id\": \"2026-01\", \"policies\": [...]}]", MAX_REVISIONS,
	                   &list))
		return;
	set->n_revisions = json_array_size(list.value);
	set->revisions = arena_zalloc(reading->arena, set->n_revisions * sizeof(*set->revisions));
	struct file_revision *found = arena_zalloc(&reading->check.scratch, set->n_revisions * sizeof(*found));
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node)) {
		struct policy_revision *revision = &set->revisions[node.place->index];
		read_revision(reading, &node, revision);
		found[node.place->index] = (struct file_revision){node, revision->id, revision->effective_from_us};
	}
	file_revisions_check_distinct(&reading->check, found, set->n_revisions);
	qsort(set->revisions, set->n_revisions, sizeof(*set->revisions), by_effective_from);
}

static void read_single_revision(struct policy_reading *reading, const struct file_node *root, struct policy_set *set)
{
	set->n_revisions = 1;
	set->revisions = arena_zalloc(reading->arena, sizeof(*set->revisions));
	read_revision(reading, root, &set->revisions[0]);
}

/* ---- the text ---- */

static struct policy_set *parse(struct text json, zone_find_fn *find_zone, bool strict, struct file_errors *errors_out,
                                void (*read_root)(struct policy_reading *, const struct file_node *,
                                                  struct policy_set *))
{
	*errors_out = (struct file_errors){.items = NULL};
	arena_init(&errors_out->arena);
	struct policy_set *set = policy_set_empty();
	struct policy_reading reading = {
	        .check = {.errors = errors_out}, .arena = &set->arena, .find_zone = find_zone, .strict = strict};
	reading.stored = read_root == read_single_revision;
	arena_init(&reading.check.scratch);
	json_t *root = file_load(&reading.check, &json,
	                         "{\"revisions\": [{\"id\": \"2026-01\", \"policies\": [{\"name\": \"other\", "
	                         "\"targets\": {}}]}]}");
	if (root != NULL) {
		struct file_node node = {root, file_scan(json, &reading.check.scratch)};
		read_root(&reading, &node, set);
	}
	json_decref(root);
	arena_release(&reading.check.scratch);
	if (errors_out->n == 0)
		return set;
	policy_set_free(set);
	return NULL;
}

struct policy_set *policy_set_parse(struct text json, zone_find_fn *find_zone, struct file_errors *errors_out)
{
	return parse(json, find_zone, false, errors_out, read_file);
}

struct policy_set *policy_revision_parse(struct text json, zone_find_fn *find_zone, struct file_errors *errors_out)
{
	return parse(json, find_zone, false, errors_out, read_single_revision);
}

struct policy_set *policy_set_check(struct text json, zone_find_fn *find_zone, struct file_errors *errors_out)
{
	return parse(json, find_zone, true, errors_out, read_file);
}
