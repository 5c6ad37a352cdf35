#include "kpid/core/receiver.h"

#include <stdlib.h>

#include "../sla/policy_check.h"
#include "kpid/base/memory.h"
#include "kpid/core/duration.h"

enum { MAX_RECEIVERS = 100 };

static const char *const types[RECEIVER_N_TYPES + 1] = {
        [RECEIVER_WEBHOOK] = "webhook",   [RECEIVER_ALERTMANAGER] = "alertmanager",
        [RECEIVER_DINGTALK] = "dingtalk", [RECEIVER_FEISHU] = "feishu",
        [RECEIVER_WECOM] = "wecom",       [RECEIVER_PAGERDUTY] = "pagerduty",
        [RECEIVER_N_TYPES] = NULL,
};

const char *receiver_type_name(enum receiver_type type)
{
	return types[type];
}

/* ---- reading ---- */

struct reading {
	struct policy_check check;
	struct arena *arena;
};

/* In the arena, ended by a NUL. */
static struct text keep(struct reading *reading, struct text text)
{
	char *copy = arena_alloc(reading->arena, text.len + 1);
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return (struct text){copy, text.len};
}

static void read_text(struct reading *reading, const struct policy_spot *object, const char *key, const char *instead,
                      struct text *out)
{
	struct policy_spot spot;
	struct text text;
	if (policy_member(object, key, &spot) && policy_is_name(&reading->check, &spot, instead, &text))
		*out = keep(reading, text);
}

static void read_patterns(struct reading *reading, const struct policy_spot *object, const char *key,
                          struct text_list *out)
{
	struct policy_spot list, item;
	if (!policy_member(object, key, &list) ||
	    !policy_is(&reading->check, &list, JSON_ARRAY, "a list of patterns, such as [\"tower-*\"]"))
		return;
	struct text *items = arena_alloc(reading->arena, (json_array_size(list.value) + 1) * sizeof(*items));
	size_t n = 0;
	for (bool ok = policy_first(&list, &item); ok; ok = policy_next(&list, &item)) {
		struct text text;
		if (policy_is_word(&reading->check, &item, "a pattern in quotes, such as \"tower-*\"", &text))
			items[n++] = keep(reading, text);
	}
	*out = (struct text_list){items, n};
}

static void read_number(struct reading *reading, const struct policy_spot *object, const char *key, int64_t min,
                        int64_t max, int64_t *out)
{
	struct policy_spot spot;
	if (!policy_member(object, key, &spot))
		return;
	if (!json_is_integer(spot.value) || json_integer_value(spot.value) < min ||
	    json_integer_value(spot.value) > max)
		policy_fault_add(&reading->check, spot.place, "is no whole number of %lld to %lld", (long long)min,
		                 (long long)max);
	else
		*out = json_integer_value(spot.value);
}

static void read_duration(struct reading *reading, const struct policy_spot *object, const char *key, int64_t *out)
{
	struct policy_spot spot;
	if (!policy_member(object, key, &spot) ||
	    !policy_is(&reading->check, &spot, JSON_STRING, "a duration in quotes, such as \"10s\""))
		return;
	struct text text = {json_string_value(spot.value), (uint32_t)json_string_length(spot.value)};
	enum duration_verdict verdict = duration_parse(text, 0, out);
	if (verdict != DURATION_OK)
		policy_fault_add(&reading->check, spot.place, "%s %s", policy_quote(&reading->check, text),
		                 duration_remedy(verdict));
}

static bool begins_with(struct text text, struct text beginning)
{
	return text.len >= beginning.len && memcmp(text.ptr, beginning.ptr, beginning.len) == 0;
}

/* The host, with a port or without. "localhost.example.com" is another machine, and so is "localhost:1@example.com". */
static bool is_host(struct text authority, struct text host)
{
	if (!begins_with(authority, host))
		return false;
	uint32_t i = host.len;
	if (i < authority.len && authority.ptr[i] == ':')
		for (i++; i < authority.len && authority.ptr[i] >= '0' && authority.ptr[i] <= '9';)
			i++;
	return i == authority.len;
}

bool receiver_is_url(struct text url)
{
	for (uint32_t i = 0; i < url.len; i++)
		if ((unsigned char)url.ptr[i] <= ' ' || (unsigned char)url.ptr[i] >= 127)
			return false;
	const struct text https = TEXT("https://"), http = TEXT("http://");
	if (begins_with(url, https))
		return url.len > https.len;
	if (!begins_with(url, http))
		return false;
	struct text authority = {url.ptr + http.len, 0};
	while (http.len + authority.len < url.len && strchr("/?#", authority.ptr[authority.len]) == NULL)
		authority.len++;
	return is_host(authority, TEXT("127.0.0.1")) || is_host(authority, TEXT("[::1]")) ||
	       is_host(authority, TEXT("localhost"));
}

static void read_url(struct reading *reading, const struct policy_spot *object, struct receiver *receiver)
{
	struct policy_spot spot;
	struct text text;
	read_text(reading, object, "url_file", "a path in quotes", &receiver->url_file);
	if (!policy_member(object, "url", &spot)) {
		if (text_is_absent(receiver->url_file))
			policy_fault_missing(&reading->check, object, "url",
			                     "write where to, or the file that says so as url_file");
		return;
	}
	if (!policy_is(&reading->check, &spot, JSON_STRING, "an address, such as \"https://example.com/kpid\""))
		return;
	text = (struct text){json_string_value(spot.value), (uint32_t)json_string_length(spot.value)};
	if (!text_is_absent(receiver->url_file))
		policy_fault_add(&reading->check, spot.place, "stands beside url_file; take one of the two out");
	else if (!receiver_is_url(text))
		policy_fault_add(&reading->check, spot.place, "%s", RECEIVER_NO_URL);
	else
		receiver->url = keep(reading, text);
}

static void read_secrets(struct reading *reading, const struct policy_spot *object, struct receiver *receiver)
{
	struct policy_spot list, item;
	if (!policy_member(object, "secret_files", &list))
		return;
	if (!policy_is(&reading->check, &list, JSON_ARRAY, "a list of paths, such as [\"webhook.secret\"]"))
		return;
	if (json_array_size(list.value) > RECEIVER_MAX_SECRETS) {
		policy_fault_add(&reading->check, list.place,
		                 "has more than two; while a secret changes there is a new one and "
		                 "an old one");
		return;
	}
	for (bool ok = policy_first(&list, &item); ok; ok = policy_next(&list, &item)) {
		struct text text;
		if (policy_is_name(&reading->check, &item, "a path in quotes", &text))
			receiver->secret_files[receiver->n_secrets++] = keep(reading, text);
	}
}

static void read_type(struct reading *reading, const struct policy_spot *object, struct receiver *receiver)
{
	struct policy_spot spot;
	struct text text;
	if (!policy_member(object, "type", &spot)) {
		policy_fault_missing(&reading->check, object, "type",
		                     "write webhook, alertmanager, dingtalk, feishu, wecom or pagerduty");
		return;
	}
	if (!policy_is_name(&reading->check, &spot, "the type of the receiver, such as \"webhook\"", &text))
		return;
	for (int type = 0; type < RECEIVER_N_TYPES; type++) {
		if (text_equal(text, text_of(types[type]))) {
			receiver->type = (enum receiver_type)type;
			return;
		}
	}
	policy_fault_add(&reading->check, spot.place,
	                 "is no type of receiver; write webhook, alertmanager, dingtalk, feishu, wecom or pagerduty");
}

static void set_defaults(struct receiver *receiver)
{
	bool robot = receiver->type == RECEIVER_DINGTALK || receiver->type == RECEIVER_FEISHU ||
	             receiver->type == RECEIVER_WECOM;
	receiver->group_at_least = robot ? 4 : receiver->type == RECEIVER_ALERTMANAGER ? 200 : 0;
	receiver->pause_us = robot ? 3 * US_PER_SECOND : 0; /* they take 20 messages a minute */
	receiver->timeout_us = 10 * US_PER_SECOND;
}

static void check_secrets(struct reading *reading, const struct policy_spot *object, const struct receiver *receiver)
{
	if (receiver->n_secrets > 1 && receiver->type != RECEIVER_WEBHOOK)
		policy_fault_add(&reading->check, object->place, "has two secrets; only a webhook signs with both");
	if (receiver->type == RECEIVER_PAGERDUTY && receiver->n_secrets == 0)
		policy_fault_missing(&reading->check, object, "secret_files",
		                     "write the file that holds the integration's routing key");
}

static void read_receiver(struct reading *reading, const struct policy_spot *spot, struct receiver *receiver)
{
	static const char *const known[] = {"name",      "type",           "url",      "url_file", "secret_files",
	                                    "ca_file",   "link",           "projects", "teams",    "targets",
	                                    "min_level", "group_at_least", "timeout",  "pause",    NULL};
	if (!policy_is_object(&reading->check, spot,
	                      "a receiver, such as {\"name\": \"ops\", \"type\": \"webhook\", ...}"))
		return;
	policy_check_keys(&reading->check, spot, "key of a receiver", known);
	struct policy_spot name;
	if (!policy_member(spot, "name", &name))
		policy_fault_missing(&reading->check, spot, "name", "give the receiver a name of its own");
	read_text(reading, spot, "name", "a name in quotes", &receiver->name);
	read_type(reading, spot, receiver);
	set_defaults(receiver);
	read_url(reading, spot, receiver);
	read_secrets(reading, spot, receiver);
	check_secrets(reading, spot, receiver);
	read_text(reading, spot, "ca_file", "a path in quotes", &receiver->ca_file);
	read_text(reading, spot, "link", "an address in quotes", &receiver->link);
	read_patterns(reading, spot, "projects", &receiver->projects);
	read_patterns(reading, spot, "teams", &receiver->teams);
	read_patterns(reading, spot, "targets", &receiver->targets);
	read_number(reading, spot, "min_level", -1, 100, &receiver->min_level);
	read_number(reading, spot, "group_at_least", 0, 10000, &receiver->group_at_least);
	read_duration(reading, spot, "timeout", &receiver->timeout_us);
	read_duration(reading, spot, "pause", &receiver->pause_us);
}

static void check_names(struct reading *reading, const struct policy_spot *list, const struct receiver_set *set)
{
	struct policy_spot spot;
	for (bool ok = policy_first(list, &spot); ok; ok = policy_next(list, &spot))
		for (size_t i = 0; i < spot.place->index; i++)
			if (!text_is_absent(set->items[i].name) &&
			    text_same(set->items[i].name, set->items[spot.place->index].name))
				policy_fault_add(&reading->check, spot.place,
				                 "has the name of receivers[%zu]; give it one of its own", i);
}

static void read_file(struct reading *reading, const struct policy_spot *root, struct receiver_set *set)
{
	static const char *const known[] = {"receivers", NULL};
	struct policy_spot list, spot;
	if (!policy_is_object(&reading->check, root, "{\"receivers\": [...]}"))
		return;
	policy_check_keys(&reading->check, root, "key of the file of receivers", known);
	if (!policy_member(root, "receivers", &list)) {
		policy_fault_missing(&reading->check, root, "receivers", "write a list of receivers; [] is none");
		return;
	}
	if (!policy_is(&reading->check, &list, JSON_ARRAY, "a list of receivers"))
		return;
	size_t n = json_array_size(list.value);
	if (n > MAX_RECEIVERS) {
		policy_fault_add(&reading->check, list.place, "has %zu items; at most %d are allowed", n,
		                 MAX_RECEIVERS);
		return;
	}
	set->items = arena_zalloc(reading->arena, (n + 1) * sizeof(*set->items));
	set->n = n;
	for (bool ok = policy_first(&list, &spot); ok; ok = policy_next(&list, &spot))
		read_receiver(reading, &spot, &set->items[spot.place->index]);
	check_names(reading, &list, set);
}

struct receiver_set *receiver_set_parse(struct text json, struct policy_faults *faults_out)
{
	struct receiver_set *set = mem_zalloc(sizeof(*set));
	*faults_out = (struct policy_faults){.items = NULL};
	arena_init(&faults_out->arena);
	arena_init(&set->arena);
	struct reading reading = {.check = {.faults = faults_out}, .arena = &set->arena};
	arena_init(&reading.check.scratch);
	json_error_t error;
	json_t *root = json_loadb(json.ptr, json.len, 0, &error);
	if (root == NULL) {
		const struct policy_place place = {.line = error.line < 0 ? 0 : error.line};
		policy_fault_add(&reading.check, &place, "is not JSON: %s", error.text);
	} else {
		struct policy_spot spot = {root, policy_scan(json, &reading.check.scratch)};
		read_file(&reading, &spot, set);
	}
	json_decref(root);
	arena_release(&reading.check.scratch);
	if (faults_out->n == 0)
		return set;
	receiver_set_free(set);
	return NULL;
}

void receiver_set_free(struct receiver_set *set)
{
	if (set == NULL)
		return;
	arena_release(&set->arena);
	free(set);
}

/* ---- routing ---- */

static bool list_holds(struct text_list patterns, struct text text)
{
	for (size_t i = 0; i < patterns.n; i++)
		if (policy_pattern_holds(patterns.items[i], text))
			return true;
	return patterns.n == 0;
}

bool receiver_wants(const struct receiver *receiver, const struct alert_route *route)
{
	int64_t level = route->warning ? -1 : route->level;
	return level >= receiver->min_level && list_holds(receiver->projects, route->project_id) &&
	       list_holds(receiver->teams, route->team_id) && list_holds(receiver->targets, route->target);
}

int64_t receiver_backoff_us(int32_t n_failures, double chance)
{
	static const int64_t longest_us = 300 * US_PER_SECOND;
	int64_t us = n_failures > 9 ? longest_us : US_PER_SECOND << (n_failures < 1 ? 0 : n_failures - 1);
	us = us > longest_us ? longest_us : us;
	return us - (int64_t)((double)us / 2 * chance);
}
