/* The plan file: from JSON to a set of revisions, or to all of its errors at once (rules I). */
#include <stdlib.h>

#include "../jsonfile/file_revisions.h"
#include "appraisal_reading.h"
#include "kpid/base/memory.h"
#include "kpid/core/duration.h"
#include "kpid/core/timestamp.h"

enum { MAX_REVISIONS = 1000, MAX_PLANS = 1000 };

static const char *const cycles[] = {"month", "quarter", "year", NULL};
static const char *const levels[] = {"agent", "team", "project", NULL};

/* ---- plans ---- */

/* A duration above 0 of a plan; *us_io keeps its default otherwise. */
static bool read_duration(struct appraisal_reading *reading, const struct file_node *plan, const char *key,
                          int64_t *us_io)
{
	struct file_check *check = &reading->check;
	struct file_node node;
	struct text text;
	if (!node_member(plan, key, &node) ||
	    !node_is_string(check, &node, "a duration in quotes, such as \"7d\"", &text))
		return false;
	enum duration_verdict verdict = duration_parse(text, 0, us_io);
	if (verdict != DURATION_OK)
		file_error_add(check, node.place, "%s %s", file_quote(check, text), duration_remedy(verdict));
	return verdict == DURATION_OK;
}

static void read_settle(struct appraisal_reading *reading, const struct file_node *plan)
{
	const struct appraisal_limits *limits = &reading->limits;
	bool fcr_is_longer = limits->fcr_window_us >= limits->callback_within_us;
	int64_t least_us = fcr_is_longer ? limits->fcr_window_us : limits->callback_within_us;
	int64_t settle_us = 7 * US_PER_DAY;
	struct file_node node;
	read_duration(reading, plan, "settle", &settle_us);
	if (settle_us < least_us)
		file_error_add(
		        &reading->check, node_member(plan, "settle", &node) ? node.place : plan->place,
		        "`settle` is shorter than %s, so figures of the period would change after it; write at least "
		        "\"%llds\"",
		        fcr_is_longer ? "kpi.fcr_window" : "callback_within",
		        (long long)((least_us + US_PER_SECOND - 1) / US_PER_SECOND));
}

static void read_points(struct appraisal_reading *reading, const struct file_node *plan, const char *key)
{
	struct file_node node;
	int64_t number;
	if (appraisal_member_number(reading, plan, key, &number) && node_member(plan, key, &node) &&
	    (number < 0 || number > 100 * APPRAISAL_NUMBER_ONE))
		file_error_add(&reading->check, node.place, "is outside 0 to 100; write a number within it");
}

/* What an earlier plan leaves to later ones: bits of cycles. */
struct plan_reach {
	unsigned cycles, taken;
};

static void read_plan(struct appraisal_reading *reading, const struct file_node *list, const struct file_node *node,
                      struct plan_reach *reach_io)
{
	static const char *const known[] = {"name",          "match",         "roles",      "cycles",
	                                    "levels",        "min_n",         "min_weight", "settle",
	                                    "appeal_within", "answer_within", "max_hand",   "dimensions",
	                                    "indicators",    "grades",        "flags",      NULL};
	struct file_check *check = &reading->check;
	struct file_node member;
	unsigned chosen;
	int64_t us;
	node_check_keys(check, node, "key of a plan", known);
	appraisal_read_name(reading, list, node, "front desk");
	appraisal_read_match(reading, node, "match");
	appraisal_read_words(reading, node, "roles", "\"frontdesk\"", true);
	appraisal_read_choices(reading, node, "cycles", cycles, &reach_io->cycles);
	if (node_member(node, "levels", &member))
		appraisal_read_choices(reading, node, "levels", levels, &chosen);
	read_points(reading, node, "min_weight");
	read_points(reading, node, "max_hand");
	read_settle(reading, node);
	read_duration(reading, node, "appeal_within", &us);
	read_duration(reading, node, "answer_within", &us);
	appraisal_read_words(reading, node, "dimensions", "\"timeliness\"", false);
	reading->has_dimensions =
	        node_member(node, "dimensions", &reading->dimensions) && json_is_array(reading->dimensions.value);
	appraisal_read_indicators(reading, node);
	appraisal_read_grades(reading, node);
	appraisal_read_flags(reading, node);
	if (reach_io->cycles != 0 && (reach_io->cycles & ~reach_io->taken) == 0)
		file_error_add(
		        check, node->place,
		        "is never reached, because earlier plans without `match` and `roles` take everybody in all its "
		        "cycles; move it before them");
	if (!node_member(node, "match", &member) && !node_member(node, "roles", &member))
		reach_io->taken |= reach_io->cycles;
}

static void read_plans(struct appraisal_reading *reading, const struct file_node *revision)
{
	struct file_node list, node;
	struct plan_reach reach = {0};
	if (!node_has_list(&reading->check, revision, "plans",
	                   "a list of plans, such as [{\"name\": \"front desk\", ...}]", MAX_PLANS, &list))
		return;
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node))
		if (node_is_object(&reading->check, &node, "a plan, such as {\"name\": \"front desk\", ...}"))
			read_plan(reading, &list, &node, &reach);
}

/* ---- revisions ---- */

/* Each item belongs to one dimension. */
static void read_servqual(struct appraisal_reading *reading, const struct file_node *revision)
{
	struct file_check *check = &reading->check;
	struct file_node dimension, item;
	json_t *dimension_of = json_object();
	reading->has_servqual =
	        node_member(revision, "servqual", &reading->servqual) &&
	        node_is_object(check, &reading->servqual, "an object, such as {\"reliability\": [\"kept_word\"]}");
	for (bool ok = reading->has_servqual && node_first(&reading->servqual, &dimension); ok;
	     ok = node_next(&reading->servqual, &dimension)) {
		struct text name = dimension.place->key;
		node_check_key_length(check, &dimension);
		if (memchr(name.ptr, '(', name.len) != NULL || memchr(name.ptr, ')', name.len) != NULL)
			file_error_add(check, dimension.place, "has a parenthesis in its name; leave it out");
		if (!node_is(check, &dimension, JSON_ARRAY, "a list of survey items, such as [\"kept_word\"]"))
			continue;
		for (bool more = node_first(&dimension, &item); more; more = node_next(&dimension, &item)) {
			struct text word;
			if (!node_is_name(check, &item, "a survey item in quotes", &word))
				continue;
			const json_t *other = json_object_getn(dimension_of, word.ptr, word.len);
			if (other != NULL)
				file_error_add(check, item.place,
				               "is already an item of %s; remove it from one of them",
				               file_quote(check, text_of(json_string_value(other))));
			else
				json_object_setn_new(dimension_of, word.ptr, word.len,
				                     json_stringn(name.ptr, name.len));
		}
	}
	json_decref(dimension_of);
}

static void read_effective_from(struct appraisal_reading *reading, const struct file_node *revision, int64_t *us_out)
{
	static const char *const a_time =
	        "a time in quotes, such as \"2026-01-01T00:00:00+08:00\", or leave it out if the "
	        "revision has no start";
	struct file_node node;
	struct text text;
	*us_out = INT64_MIN;
	if (node_member(revision, "effective_from", &node) && node_is_string(&reading->check, &node, a_time, &text) &&
	    !timestamp_parse(text, us_out))
		file_error_add(&reading->check, node.place,
		               "%s is not a time with a zone between 1990 and 2200; write it as "
		               "\"2026-01-01T00:00:00+08:00\"",
		               file_quote(&reading->check, text));
}

static void read_revision(struct appraisal_reading *reading, const struct file_node *node,
                          struct appraisal_revision *revision_out)
{
	static const char *const known[] = {"id", "effective_from", "servqual", "plans", NULL};
	struct file_check *check = &reading->check;
	struct file_node id;
	*revision_out = (struct appraisal_revision){.effective_from_us = INT64_MIN};
	if (!node_is_object(check, node, "a revision, such as {\"id\": \"2026-Q1\", \"plans\": [...]}"))
		return;
	node_check_keys(check, node, "key of a revision", known);
	if (!node_member(node, "id", &id))
		file_error_missing(check, node, "id", "give the revision its own id, such as \"id\": \"2026-Q1\"");
	else if (node_is_name(check, &id, "a name in quotes, such as \"2026-Q1\"", &revision_out->id))
		revision_out->id = arena_text(reading->arena, revision_out->id);
	read_effective_from(reading, node, &revision_out->effective_from_us);
	read_servqual(reading, node);
	read_plans(reading, node);
	if (check->errors->n == 0)
		revision_out->json = json_compact(node->value, reading->arena);
}

static int by_effective_from(const void *a, const void *b)
{
	const struct appraisal_revision *left = a, *right = b;
	return (left->effective_from_us > right->effective_from_us) -
	       (left->effective_from_us < right->effective_from_us);
}

static void read_file(struct appraisal_reading *reading, const struct file_node *root, struct appraisal_set *set)
{
	static const char *const known[] = {"revisions", NULL};
	struct file_node list, node;
	if (!node_is_object(&reading->check, root, "{\"revisions\": [...]}"))
		return;
	node_check_keys(&reading->check, root, "key of the plan file", known);
	if (!node_has_list(&reading->check, root, "revisions",
	                   "a list of revisions, such as [{\"id\": \"2026-Q1\", \"plans\": [...]}]", MAX_REVISIONS,
	                   &list))
		return;
	set->n_revisions = json_array_size(list.value);
	set->revisions = arena_zalloc(reading->arena, set->n_revisions * sizeof(*set->revisions));
	struct file_revision *found = arena_zalloc(&reading->check.scratch, set->n_revisions * sizeof(*found));
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node)) {
		struct appraisal_revision *revision = &set->revisions[node.place->index];
		read_revision(reading, &node, revision);
		found[node.place->index] = (struct file_revision){node, revision->id, revision->effective_from_us};
	}
	file_revisions_check_distinct(&reading->check, found, set->n_revisions);
	qsort(set->revisions, set->n_revisions, sizeof(*set->revisions), by_effective_from);
}

struct appraisal_set *appraisal_set_parse(struct text json, const struct appraisal_limits *limits,
                                          struct file_errors *errors_out)
{
	*errors_out = (struct file_errors){.items = NULL};
	arena_init(&errors_out->arena);
	struct appraisal_set *set = mem_zalloc(sizeof(*set));
	arena_init(&set->arena);
	struct appraisal_reading reading = {.check = {.errors = errors_out}, .arena = &set->arena, .limits = *limits};
	arena_init(&reading.check.scratch);
	json_t *root = file_load(&reading.check, &json, "{\"revisions\": [{\"id\": \"2026-Q1\", \"plans\": [...]}]}");
	if (root != NULL) {
		struct file_node node = {root, file_scan(json, &reading.check.scratch)};
		read_file(&reading, &node, set);
	}
	json_decref(root);
	arena_release(&reading.check.scratch);
	if (errors_out->n == 0)
		return set;
	appraisal_set_free(set);
	return NULL;
}

void appraisal_set_free(struct appraisal_set *set)
{
	if (set == NULL)
		return;
	arena_release(&set->arena);
	free(set);
}
