/* The policy file: from JSON to a set of revisions, or to all of its faults. */
#include <stdlib.h>

#include "calendar_parse.h"
#include "kpid/base/memory.h"
#include "kpid/core/duration.h"
#include "kpid/core/policy.h"
#include "policy_check.h"
#include "warning_parse.h"

enum { MAX_REVISIONS = 1000, MAX_POLICIES = 10000, MAX_FILE_BYTES = 16 * 1024 * 1024 };

#define A_LIST_OF_REASONS  "a list of reasons, such as [\"awaiting_customer\"]"
#define A_LIST_OF_PATTERNS "a list of patterns, such as [\"repair/*\"]"
#define A_TARGET           "a target, such as {\"within\": \"30m\", \"calendar\": \"always\"}"

struct reading {
	struct policy_check check;
	struct arena *arena; /* the set's */
	zone_find_fn *find_zone;
	bool strict;
	bool stored;                             /* it was read, and is to be readable for ever */
	const struct policy_calendar *calendars; /* of the revision being read */
	bool calendars_unreadable;               /* so that no name can be said to be unknown */
};

/* Takes the items of a list one by one into *texts_out; false for an item that is at fault. */
typedef bool read_item(struct reading *reading, const struct policy_spot *item, struct text *text_out);

static bool read_reason(struct reading *reading, const struct policy_spot *item, struct text *text_out)
{
	return policy_is_word(&reading->check, item, "a reason in quotes, such as \"awaiting_customer\"", text_out);
}

/* A whole number is its decimal text, as in events (RULES E7). One beyond 64 bits is refused as JSON before this. */
static bool read_pattern(struct reading *reading, const struct policy_spot *item, struct text *text_out)
{
	if (!json_is_integer(item->value))
		return policy_is_word(&reading->check, item, "a pattern in quotes, such as \"repair/*\"", text_out);
	struct buf decimal = BUF_INIT;
	buf_add_format(&decimal, "%lld", (long long)json_integer_value(item->value));
	*text_out = arena_text(&reading->check.scratch, buf_text(&decimal));
	buf_release(&decimal);
	return true;
}

static void read_list(struct reading *reading, const struct policy_spot *spot, const char *instead, read_item *read,
                      struct text_list *list_out)
{
	if (!policy_is(&reading->check, spot, JSON_ARRAY, instead))
		return;
	struct text *items = arena_alloc(reading->arena, json_array_size(spot->value) * sizeof(*items));
	size_t n = 0;
	struct policy_spot item;
	for (bool ok = policy_first(spot, &item); ok; ok = policy_next(spot, &item)) {
		struct text text;
		if (read(reading, &item, &text))
			items[n++] = arena_text(reading->arena, text);
	}
	*list_out = (struct text_list){items, n};
}

/* The member by that name, if there, as a list of reasons. An empty list says: none. */
static void read_reasons(struct reading *reading, const struct policy_spot *object, const char *key,
                         struct text_list *list_out)
{
	struct policy_spot spot;
	if (policy_member(object, key, &spot))
		read_list(reading, &spot, A_LIST_OF_REASONS, read_reason, list_out);
}

/* ---- calendars ---- */

static void read_calendars(struct reading *reading, const struct policy_spot *revision,
                           struct policy_revision *revision_out)
{
	reading->calendars = NULL;
	reading->calendars_unreadable = false;
	struct policy_spot calendars, spot;
	if (!policy_member(revision, "calendars", &calendars))
		return;
	if (!policy_is_object(&reading->check, &calendars, "an object, such as {\"always\": {\"always\": true}}")) {
		reading->calendars_unreadable = true;
		return;
	}
	struct policy_calendar **end = &revision_out->calendars;
	for (bool ok = policy_first(&calendars, &spot); ok; ok = policy_next(&calendars, &spot)) {
		*end = calendar_parse(&reading->check, reading->arena, &spot, reading->find_zone);
		end = &(*end)->next;
	}
	reading->calendars = revision_out->calendars;
}

static const struct policy_calendar *find_calendar(const struct reading *reading, struct text name)
{
	const struct policy_calendar *calendar = reading->calendars;
	while (calendar != NULL && !text_same(calendar->name, name))
		calendar = calendar->next;
	return calendar;
}

static void hint_calendars(const struct reading *reading, struct policy_hint *hint)
{
	policy_hint_consider(hint, TEXT("always"));
	for (const struct policy_calendar *calendar = reading->calendars; calendar != NULL; calendar = calendar->next)
		policy_hint_consider(hint, calendar->name);
}

/* False if the calendar could not be told, so that nothing can be said of what depends on it. */
static bool read_calendar_name(struct reading *reading, const struct policy_spot *spot,
                               const struct policy_calendar **calendar_out)
{
	struct policy_check *check = &reading->check;
	struct text name;
	if (!policy_is_name(check, spot, "the name of a calendar, such as \"always\"", &name))
		return false;
	*calendar_out = find_calendar(reading, name);
	if (*calendar_out != NULL || text_equal(name, TEXT("always")))
		return true;
	if (reading->calendars_unreadable)
		return false;
	struct policy_hint hint;
	policy_hint_init(&hint, name);
	hint_calendars(reading, &hint);
	const char *quoted = policy_quote(check, name);
	if (text_is_absent(hint.best))
		policy_fault_add(
		        check, spot->place,
		        "names the calendar %s, which this revision does not define; define it in `calendars`, or "
		        "write \"always\"",
		        quoted);
	else
		policy_fault_add(check, spot->place,
		                 "names the calendar %s, which this revision does not define; did you mean %s?", quoted,
		                 policy_quote(check, hint.best));
	return false;
}

/* ---- targets ---- */

static bool has_days(struct text duration)
{
	for (uint32_t i = 0; i < duration.len; i++)
		if (duration.ptr[i] == 'd' && (i == 0 || duration.ptr[i - 1] != 'w'))
			return true;
	return false;
}

static bool rests(const struct target_rule *rule)
{
	return target_hours(rule) != NULL;
}

/* A clock that would never fall due. Stored revisions stay readable, whatever they say. */
static void check_reached(struct reading *reading, const struct policy_spot *spot, struct text within,
                          const struct target_rule *rule)
{
	struct calendar *hours = target_hours(rule);
	if (reading->stored || hours == NULL || rule->calendar->faulty)
		return;
	if (!calendar_reaches(hours, rule->within_us))
		policy_fault_add(
		        &reading->check, spot->place,
		        "%s of work never pass by the calendar %s, which works too little for it, so that the clock "
		        "would never fall due; write a shorter time or more hours",
		        policy_quote(&reading->check, within), policy_quote(&reading->check, rule->calendar->name));
}

/* calendar_known: rule_io->calendar is the one that the target names (P2). */
static void read_within(struct reading *reading, const struct policy_spot *target, bool calendar_known,
                        struct target_rule *rule_io)
{
	struct policy_check *check = &reading->check;
	struct policy_spot spot;
	if (!policy_member(target, "within", &spot)) {
		policy_fault_missing(check, target, "within",
		                     "write how long the target allows, such as \"within\": \"30m\"");
		return;
	}
	if (!policy_is(check, &spot, JSON_STRING, "a duration in quotes, such as \"30m\" or \"1h30m\""))
		return;
	struct text text = {json_string_value(spot.value), (uint32_t)json_string_length(spot.value)};
	int64_t working_day_us = rule_io->calendar == NULL ? 0 : rule_io->calendar->working_day_us;
	if (!calendar_known)
		working_day_us = 1;
	enum duration_verdict verdict = duration_parse(text, working_day_us, &rule_io->within_us);
	if (verdict != DURATION_OK)
		policy_fault_add(check, spot.place, "%s %s", policy_quote(check, text), duration_remedy(verdict));
	else if (rests(rule_io) && has_days(text))
		policy_fault_add(check, spot.place,
		                 "%s counts days of 24 hours, on a calendar that rests; write working days, such as "
		                 "\"2wd\", or hours of work",
		                 policy_quote(check, text));
	else
		check_reached(reading, &spot, text, rule_io);
}

static void read_reopen(struct reading *reading, const struct policy_spot *target, enum sla_target which,
                        struct target_rule *rule_out)
{
	struct policy_check *check = &reading->check;
	struct policy_spot spot;
	if (!policy_member(target, "reopen", &spot))
		return;
	if (which != TARGET_RESOLUTION) {
		policy_fault_add(check, spot.place, "has a meaning for `resolution` only; take it out of `%s`",
		                 sla_target_name(which));
		return;
	}
	if (!policy_is(check, &spot, JSON_STRING, "\"restart\" or \"continue\""))
		return;
	struct text word = {json_string_value(spot.value), (uint32_t)json_string_length(spot.value)};
	rule_out->reopen_continue = text_equal(word, TEXT("continue"));
	if (!rule_out->reopen_continue && !text_equal(word, TEXT("restart")))
		policy_fault_add(check, spot.place, "is %s; write \"restart\" or \"continue\"",
		                 policy_quote(check, word));
}

static void read_target(struct reading *reading, const struct policy_spot *spot, enum sla_target which,
                        struct target_rule *rule_out)
{
	static const char *const known[] = {"within",  "calendar",       "pause_on", "reopen",
	                                    "warn_at", "escalate_after", NULL};
	struct policy_check *check = &reading->check;
	if (!policy_is_object(check, spot, A_TARGET))
		return;
	rule_out->present = true;
	policy_check_keys(check, spot, "key of a target", known);
	struct policy_spot calendar;
	bool calendar_known = false;
	if (policy_member(spot, "calendar", &calendar))
		calendar_known = read_calendar_name(reading, &calendar, &rule_out->calendar);
	else
		policy_fault_missing(check, spot, "calendar",
		                     "write \"calendar\": \"always\" for a clock that runs day and night");
	read_within(reading, spot, calendar_known, rule_out);
	read_reasons(reading, spot, "pause_on", &rule_out->pause_on);
	read_reopen(reading, spot, which, rule_out);
	warnings_parse(&reading->check, reading->arena, spot, rule_out);
}

static void read_targets(struct reading *reading, const struct policy_spot *policy, struct policy *policy_out)
{
	struct policy_spot targets, target;
	if (!policy_member(policy, "targets", &targets)) {
		policy_fault_missing(&reading->check, policy, "targets",
		                     "write \"targets\": {} if these tickets are to have no target");
		return;
	}
	if (!policy_is_object(&reading->check, &targets, "an object, such as {\"resolution\": {...}}"))
		return;
	const char *known[TARGET_N + 1] = {NULL};
	for (int i = 0; i < TARGET_N; i++)
		known[i] = sla_target_name((enum sla_target)i);
	policy_check_keys(&reading->check, &targets, "target", known);
	for (int i = 0; i < TARGET_N; i++)
		if (policy_member(&targets, known[i], &target))
			read_target(reading, &target, (enum sla_target)i, &policy_out->targets[i]);
}

/* ---- policies ---- */

static const char *const match_names[POLICY_N_MATCHES + 1] = {
        [EVENT_PROJECT_ID] = "project_id", [EVENT_CHANNEL] = "channel", [EVENT_CATEGORY] = "category",
        [EVENT_PRIORITY] = "priority",     [EVENT_TEAM_ID] = "team_id", [POLICY_N_MATCHES] = NULL,
};

static void read_match(struct reading *reading, const struct policy_spot *spot, struct policy *policy_out)
{
	struct policy_check *check = &reading->check;
	if (!policy_is_object(check, spot, "an object, such as {\"category\": [\"repair/*\"]}"))
		return;
	if (spot->place->first == NULL)
		policy_fault_add(check, spot->place,
		                 "names no attribute; take `match` out of a policy that always holds");
	policy_check_keys(check, spot, "attribute to match", match_names);
	for (size_t i = 0; i < POLICY_N_MATCHES; i++) {
		struct policy_spot patterns;
		if (!policy_member(spot, match_names[i], &patterns))
			continue;
		policy_out->match[i].present = true;
		read_list(reading, &patterns, A_LIST_OF_PATTERNS, read_pattern, &policy_out->match[i].patterns);
		if (json_is_array(patterns.value) && json_array_size(patterns.value) == 0)
			policy_fault_add(
			        check, patterns.place,
			        "is an empty list, which never holds; write a pattern, or take `%s` out of `match`",
			        match_names[i]);
	}
}

static void read_policy(struct reading *reading, const struct policy_spot *spot, struct policy *policy_out)
{
	static const char *const known[] = {"name", "match", "targets", NULL};
	struct policy_check *check = &reading->check;
	if (!policy_is_object(check, spot, "a policy, such as {\"name\": \"other\", \"targets\": {...}}"))
		return;
	policy_check_keys(check, spot, "key of a policy", known);
	struct policy_spot member;
	if (!policy_member(spot, "name", &member))
		policy_fault_missing(check, spot, "name",
		                     "give the policy a name, such as \"name\": \"emergency repair\"");
	else if (policy_is_name(check, &member, "a name in quotes, such as \"emergency repair\"", &policy_out->name))
		policy_out->name = arena_text(reading->arena, policy_out->name);
	if (policy_member(spot, "match", &member))
		read_match(reading, &member, policy_out);
	read_targets(reading, spot, policy_out);
}

/* Two policies of one name. first_by_name: name -> its place in the list. */
static void check_policy_name(struct reading *reading, const struct policy_spot *policy, json_t *first_by_name)
{
	struct policy_spot name;
	if (!json_is_object(policy->value) || !policy_member(policy, "name", &name) || !json_is_string(name.value))
		return;
	const char *word = json_string_value(name.value);
	const json_t *first = json_object_get(first_by_name, word);
	if (first == NULL)
		json_object_set_new(first_by_name, word, json_integer((json_int_t)policy->place->index));
	else
		policy_fault_add(
		        &reading->check, name.place,
		        "is the name of policies[%lld] already; give each policy of a revision a name of its own",
		        (long long)json_integer_value(first));
}

/* Policies behind one that always holds. */
static void check_reachable(struct reading *reading, const struct policy_spot *policies)
{
	const struct policy_place *always_holds = NULL;
	struct policy_spot policy, match;
	for (bool ok = policy_first(policies, &policy); ok; ok = policy_next(policies, &policy)) {
		if (always_holds != NULL)
			policy_fault_add(
			        &reading->check, policy.place,
			        "is never reached, because policies[%zu] before it has no `match` and so takes every "
			        "ticket; move that one to the end of the list, or give it a `match`",
			        always_holds->index);
		else if (json_is_object(policy.value) && !policy_member(&policy, "match", &match))
			always_holds = policy.place;
	}
}

/* True if the member is a list of 1..max items. */
static bool member_is_list(struct reading *reading, const struct policy_spot *object, const char *key,
                           const char *instead, size_t max, struct policy_spot *list_out)
{
	struct policy_check *check = &reading->check;
	if (!policy_member(object, key, list_out)) {
		struct buf remedy = BUF_INIT;
		buf_add_format(&remedy, "write %s", instead);
		policy_fault_missing(check, object, key, remedy.data);
		buf_release(&remedy);
		return false;
	}
	if (!policy_is(check, list_out, JSON_ARRAY, instead))
		return false;
	size_t n = json_array_size(list_out->value);
	if (n == 0)
		policy_fault_add(check, list_out->place, "is an empty list; write %s", instead);
	if (n > max)
		policy_fault_add(check, list_out->place,
		                 "has %zu items; at most %zu are allowed: take out what is no longer "
		                 "needed",
		                 n, max);
	return n > 0 && n <= max;
}

/* Policies that the one before them leaves nothing, though it has a `match`. */
static void check_shadows(struct reading *reading, const struct policy_spot *policies, const struct policy *read)
{
	struct policy_spot spot;
	for (bool ok = policy_first(policies, &spot); ok; ok = policy_next(policies, &spot)) {
		size_t n = spot.place->index, i = 0;
		while (i < n && !policy_covers(&read[i], &read[n]))
			i++;
		if (i < n)
			policy_fault_add(
			        &reading->check, spot.place,
			        "is never reached, because policies[%zu] before it matches all that it does; move it "
			        "before that one, or take it out",
			        i);
	}
}

static void read_policies(struct reading *reading, const struct policy_spot *revision,
                          struct policy_revision *revision_out)
{
	struct policy_spot list, spot;
	if (!member_is_list(reading, revision, "policies",
	                    "a list of policies, such as [{\"name\": \"other\", \"targets\": {}}]", MAX_POLICIES,
	                    &list))
		return;
	size_t n = json_array_size(list.value);
	struct policy *policies = arena_zalloc(reading->arena, n * sizeof(*policies));
	json_t *first_by_name = json_object();
	for (bool ok = policy_first(&list, &spot); ok; ok = policy_next(&list, &spot)) {
		read_policy(reading, &spot, &policies[spot.place->index]);
		check_policy_name(reading, &spot, first_by_name);
	}
	json_decref(first_by_name);
	size_t n_faults = reading->check.faults->n;
	check_reachable(reading, &list);
	if (reading->strict && reading->check.faults->n == n_faults)
		check_shadows(reading, &list, policies);
	revision_out->policies = policies;
	revision_out->n_policies = n;
}

/* ---- revisions ---- */

static void read_effective_from(struct reading *reading, const struct policy_spot *revision, int64_t *us_out)
{
	struct policy_spot spot;
	*us_out = INT64_MIN;
	if (!policy_member(revision, "effective_from", &spot) ||
	    !policy_is(
	            &reading->check, &spot, JSON_STRING,
	            "a time in quotes, such as \"2026-01-01T00:00:00+08:00\", or leave it out to reach back for ever"))
		return;
	struct text text = {json_string_value(spot.value), (uint32_t)json_string_length(spot.value)};
	if (!timestamp_parse(text, us_out))
		policy_fault_add(
		        &reading->check, spot.place,
		        "%s is no time with a zone between 1990 and 2200; write it as \"2026-01-01T00:00:00+08:00\"",
		        policy_quote(&reading->check, text));
}

static struct text compact_json(const json_t *value, struct arena *arena)
{
	size_t flags = JSON_COMPACT | JSON_SORT_KEYS;
	size_t len_bytes = json_dumpb(value, NULL, 0, flags);
	char *bytes = arena_alloc(arena, len_bytes);
	json_dumpb(value, bytes, len_bytes, flags);
	return (struct text){bytes, (uint32_t)len_bytes};
}

static void read_revision(struct reading *reading, const struct policy_spot *spot, struct policy_revision *revision_out)
{
	static const char *const known[] = {"id", "effective_from", "resume_on_reply", "calendars", "policies", NULL};
	struct policy_check *check = &reading->check;
	*revision_out = (struct policy_revision){.effective_from_us = INT64_MIN};
	if (!policy_is_object(check, spot, "a revision, such as {\"id\": \"2026-01\", \"policies\": [...]}"))
		return;
	policy_check_keys(check, spot, "key of a revision", known);
	struct policy_spot id;
	if (!policy_member(spot, "id", &id))
		policy_fault_missing(check, spot, "id",
		                     "give the revision a name of its own, such as \"id\": \"2026-01\"");
	else if (policy_is_name(check, &id, "a name in quotes, such as \"2026-01\"", &revision_out->id))
		revision_out->id = arena_text(reading->arena, revision_out->id);
	read_effective_from(reading, spot, &revision_out->effective_from_us);
	read_reasons(reading, spot, "resume_on_reply", &revision_out->resume_on_reply);
	read_calendars(reading, spot, revision_out);
	read_policies(reading, spot, revision_out);
	if (check->faults->n == 0)
		revision_out->json = compact_json(spot->value, reading->arena);
}

/* True if the revision has an effective_from that could be read, or plainly none. */
static bool has_instant(const struct policy_spot *spot, const struct policy_revision *revision)
{
	struct policy_spot member;
	return json_is_object(spot->value) &&
	       (revision->effective_from_us != INT64_MIN || !policy_member(spot, "effective_from", &member));
}

static void fault_same_instant(struct reading *reading, const struct policy_spot *revision, size_t first)
{
	struct policy_spot instant;
	if (policy_member(revision, "effective_from", &instant))
		policy_fault_add(
		        &reading->check, instant.place,
		        "is the same instant as that of revisions[%zu]; let each revision begin at a time of its own",
		        first);
	else
		policy_fault_missing(
		        &reading->check, revision, "effective_from",
		        "only one revision can reach back for ever, and one before it does already; write the time "
		        "from which this one holds");
}

/* Each revision against the first that shares its id, and the first that shares its instant. */
static void check_twins(struct reading *reading, const struct policy_spot *spots,
                        const struct policy_revision *revisions, size_t n)
{
	for (size_t b = 1; b < n; b++) {
		struct policy_spot id;
		size_t same_id = 0, same_instant = 0;
		while (same_id < b && !text_same(revisions[same_id].id, revisions[b].id))
			same_id++;
		if (same_id < b && !text_is_empty(revisions[b].id) && policy_member(&spots[b], "id", &id))
			policy_fault_add(&reading->check, id.place,
			                 "is the id of revisions[%zu] already; give each revision an id of its own",
			                 same_id);
		while (same_instant < b &&
		       (!has_instant(&spots[same_instant], &revisions[same_instant]) ||
		        revisions[same_instant].effective_from_us != revisions[b].effective_from_us))
			same_instant++;
		if (same_instant < b && has_instant(&spots[b], &revisions[b]))
			fault_same_instant(reading, &spots[b], same_instant);
	}
}

static int order_by_instant(const void *a, const void *b)
{
	const struct policy_revision *left = a, *right = b;
	return (left->effective_from_us > right->effective_from_us) -
	       (left->effective_from_us < right->effective_from_us);
}

static void read_file(struct reading *reading, const struct policy_spot *root, struct policy_set *set)
{
	static const char *const known[] = {"revisions", NULL};
	struct policy_spot list, spot;
	if (!policy_is_object(&reading->check, root, "{\"revisions\": [...]}"))
		return;
	policy_check_keys(&reading->check, root, "key of the policy file", known);
	if (!member_is_list(reading, root, "revisions",
	                    "a list of revisions, such as [{\"id\": \"2026-01\", \"policies\": [...]}]", MAX_REVISIONS,
	                    &list))
		return;
	set->n_revisions = json_array_size(list.value);
	set->revisions = arena_zalloc(reading->arena, set->n_revisions * sizeof(*set->revisions));
	struct policy_spot *spots = arena_zalloc(&reading->check.scratch, set->n_revisions * sizeof(*spots));
	for (bool ok = policy_first(&list, &spot); ok; ok = policy_next(&list, &spot)) {
		spots[spot.place->index] = spot;
		read_revision(reading, &spot, &set->revisions[spot.place->index]);
	}
	check_twins(reading, spots, set->revisions, set->n_revisions);
	qsort(set->revisions, set->n_revisions, sizeof(*set->revisions), order_by_instant);
}

static void read_lone_revision(struct reading *reading, const struct policy_spot *root, struct policy_set *set)
{
	set->n_revisions = 1;
	set->revisions = arena_zalloc(reading->arena, sizeof(*set->revisions));
	read_revision(reading, root, &set->revisions[0]);
}

/* ---- the text ---- */

static bool is_blank(struct text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (strchr(" \t\r\n", text.ptr[i]) == NULL || text.ptr[i] == '\0')
			return false;
	return true;
}

/* jansson overlooks a NUL behind a number, so it is looked for here. */
static bool has_nul(struct policy_check *check, struct text json)
{
	const char *nul = memchr(json.ptr, '\0', json.len);
	if (nul == NULL)
		return false;
	struct policy_place place = {.line = 1};
	for (const char *at = json.ptr; at < nul; at++)
		place.line += *at == '\n';
	policy_fault_add(check, &place, "is not JSON: it holds a NUL byte; save it as plain UTF-8 text");
	return true;
}

/* NULL with a fault if the text is no JSON. */
static json_t *load_json(struct policy_check *check, struct text json)
{
	if (json.len > MAX_FILE_BYTES) {
		policy_fault_add(check, NULL,
		                 "is %u bytes long; at most %d are allowed: take out revisions that no open "
		                 "ticket needs",
		                 (unsigned)json.len, MAX_FILE_BYTES);
		return NULL;
	}
	if (is_blank(json)) {
		policy_fault_add(check, NULL,
		                 "is empty; write at least {\"revisions\": [{\"id\": \"2026-01\", \"policies\": "
		                 "[{\"name\": \"other\", \"targets\": {}}]}]}");
		return NULL;
	}
	if (has_nul(check, json))
		return NULL;
	json_error_t error;
	json_t *root = json_loadb(json.ptr, json.len, JSON_DECODE_ANY, &error);
	if (root == NULL) {
		const struct policy_place place = {.line = error.line < 0 ? 0 : error.line};
		if (json_error_code(&error) == json_error_numeric_overflow)
			policy_fault_add(check, &place, "has a number that is too large (%s); write it in quotes",
			                 error.text);
		else
			policy_fault_add(check, &place,
			                 "is not JSON: %s; correct it there (JSON has no comments, and no comma after "
			                 "the last item)",
			                 error.text);
	}
	return root;
}

static struct text skip_byte_order_mark(struct text json)
{
	if (json.len >= 3 && memcmp(json.ptr, "\xEF\xBB\xBF", 3) == 0)
		return (struct text){json.ptr + 3, json.len - 3};
	return json;
}

static struct policy_set *parse(struct text json, zone_find_fn *find_zone, bool strict,
                                struct policy_faults *faults_out,
                                void (*read_root)(struct reading *, const struct policy_spot *, struct policy_set *))
{
	*faults_out = (struct policy_faults){.items = NULL};
	arena_init(&faults_out->arena);
	struct policy_set *set = policy_set_empty();
	struct reading reading = {
	        .check = {.faults = faults_out}, .arena = &set->arena, .find_zone = find_zone, .strict = strict};
	reading.stored = read_root == read_lone_revision;
	arena_init(&reading.check.scratch);
	json = skip_byte_order_mark(json);
	json_t *root = load_json(&reading.check, json);
	if (root != NULL) {
		struct policy_spot spot = {root, policy_scan(json, &reading.check.scratch)};
		read_root(&reading, &spot, set);
	}
	json_decref(root);
	arena_release(&reading.check.scratch);
	if (faults_out->n == 0)
		return set;
	policy_set_free(set);
	return NULL;
}

struct policy_set *policy_set_parse(struct text json, zone_find_fn *find_zone, struct policy_faults *faults_out)
{
	return parse(json, find_zone, false, faults_out, read_file);
}

struct policy_set *policy_revision_parse(struct text json, zone_find_fn *find_zone, struct policy_faults *faults_out)
{
	return parse(json, find_zone, false, faults_out, read_lone_revision);
}

struct policy_set *policy_set_check(struct text json, zone_find_fn *find_zone, struct policy_faults *faults_out)
{
	return parse(json, find_zone, true, faults_out, read_file);
}
