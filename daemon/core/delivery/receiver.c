#include "kpid/core/receiver.h"

#include <stdio.h>
#include <stdlib.h>

#include "../jsonfile/file_load.h"
#include "kinds.h"
#include "kpid/base/memory.h"
#include "kpid/core/duration.h"

enum { MAX_RECEIVERS = 100 };

/* ---- reading ---- */

struct reading {
	struct file_check check;
	struct arena *arena;
};

/* Copies the text into the arena and adds a NUL. */
static struct text keep(struct reading *reading, struct text text)
{
	char *copy = arena_alloc(reading->arena, text.len + 1);
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return (struct text){copy, text.len};
}

static void read_text(struct reading *reading, const struct file_node *object, const char *key, const char *instead,
                      struct text *out)
{
	struct file_node node;
	struct text text;
	if (node_member(object, key, &node) && node_is_name(&reading->check, &node, instead, &text))
		*out = keep(reading, text);
}

static void read_patterns(struct reading *reading, const struct file_node *object, const char *key,
                          struct text_list *out)
{
	struct file_node list, item;
	if (!node_member(object, key, &list) ||
	    !node_is(&reading->check, &list, JSON_ARRAY, "a list of patterns, such as [\"tower-*\"]"))
		return;
	struct text *items = arena_alloc(reading->arena, (json_array_size(list.value) + 1) * sizeof(*items));
	size_t n = 0;
	for (bool ok = node_first(&list, &item); ok; ok = node_next(&list, &item)) {
		struct text text;
		if (node_is_word(&reading->check, &item, "a pattern in quotes, such as \"tower-*\"", &text))
			items[n++] = keep(reading, text);
	}
	*out = (struct text_list){items, n};
}

static void read_number(struct reading *reading, const struct file_node *object, const char *key, int64_t min,
                        int64_t max, int64_t *out)
{
	struct file_node node;
	if (!node_member(object, key, &node))
		return;
	if (!json_is_integer(node.value) || json_integer_value(node.value) < min ||
	    json_integer_value(node.value) > max)
		file_error_add(&reading->check, node.place, "must be a whole number from %lld to %lld", (long long)min,
		               (long long)max);
	else
		*out = json_integer_value(node.value);
}

static void read_duration(struct reading *reading, const struct file_node *object, const char *key, int64_t *out)
{
	struct file_node node;
	struct text text;
	if (!node_member(object, key, &node) ||
	    !node_is_string(&reading->check, &node, "a duration in quotes, such as \"10s\"", &text))
		return;
	enum duration_verdict verdict = duration_parse(text, 0, out);
	if (verdict != DURATION_OK)
		file_error_add(&reading->check, node.place, "%s %s", file_quote(&reading->check, text),
		               duration_remedy(verdict));
}

static bool starts_with(struct text text, struct text prefix)
{
	return text.len >= prefix.len && memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

/* True if the authority is the host, with or without a port. "localhost.example.com" is another machine, and so is
 * "localhost:1@example.com". */
static bool is_host(struct text authority, struct text host)
{
	if (!starts_with(authority, host))
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
	if (starts_with(url, https))
		return url.len > https.len;
	if (!starts_with(url, http))
		return false;
	struct text authority = {url.ptr + http.len, 0};
	while (http.len + authority.len < url.len && strchr("/?#", authority.ptr[authority.len]) == NULL)
		authority.len++;
	return is_host(authority, TEXT("127.0.0.1")) || is_host(authority, TEXT("[::1]")) ||
	       is_host(authority, TEXT("localhost"));
}

static void read_url(struct reading *reading, const struct file_node *object, struct receiver *receiver)
{
	struct file_node node;
	struct text text;
	read_text(reading, object, "url_file", "a path in quotes", &receiver->url_file);
	if (!node_member(object, "url", &node)) {
		if (text_is_absent(receiver->url_file))
			file_error_missing(&reading->check, object, "url",
			                   "write the address, or a file that contains it as url_file");
		return;
	}
	if (!node_is_string(&reading->check, &node, "an address, such as \"https://example.com/kpid\"", &text))
		return;
	if (!text_is_absent(receiver->url_file))
		file_error_add(&reading->check, node.place, "is given as well as url_file; remove one of the two");
	else if (!receiver_is_url(text))
		file_error_add(&reading->check, node.place, "%s", RECEIVER_NO_URL);
	else
		receiver->url = keep(reading, text);
}

static void read_secrets(struct reading *reading, const struct file_node *object, struct receiver *receiver)
{
	struct file_node list, item;
	if (!node_member(object, "secret_files", &list))
		return;
	if (!node_is(&reading->check, &list, JSON_ARRAY, "a list of paths, such as [\"webhook.secret\"]"))
		return;
	if (json_array_size(list.value) > RECEIVER_MAX_SECRETS) {
		file_error_add(&reading->check, list.place,
		               "has more than two; list the new secret, and the old one while it is being replaced");
		return;
	}
	for (bool ok = node_first(&list, &item); ok; ok = node_next(&list, &item)) {
		struct text text;
		if (node_is_name(&reading->check, &item, "a path in quotes", &text))
			receiver->secret_files[receiver->n_secrets++] = keep(reading, text);
	}
}

static void read_kind(struct reading *reading, const struct file_node *object, struct receiver *receiver)
{
	struct file_node node;
	struct text text;
	char names[RECEIVER_KIND_NAMES_BYTES], remedy[RECEIVER_KIND_NAMES_BYTES + 8];
	snprintf(remedy, sizeof(remedy), "write %s", receiver_kind_names(names));
	if (!node_member(object, "type", &node)) {
		file_error_missing(&reading->check, object, "type", remedy);
		return;
	}
	if (!node_is_name(&reading->check, &node, "the type of the receiver, such as \"webhook\"", &text))
		return;
	receiver->kind = receiver_kind_find(text);
	if (receiver->kind == NULL)
		file_error_add(&reading->check, node.place, "is not a type of receiver; %s", remedy);
}

static void set_defaults(struct receiver *receiver)
{
	receiver->timeout_us = 10 * US_PER_SECOND;
	if (receiver->kind == NULL)
		return;
	receiver->group_at_least = receiver->kind->group_at_least;
	receiver->pause_us = receiver->kind->pause_us;
}

static void check_secrets(struct reading *reading, const struct file_node *object, const struct receiver *receiver)
{
	const struct receiver_kind *kind = receiver->kind;
	if (kind == NULL)
		return;
	if (receiver->n_secrets > kind->max_secrets)
		file_error_add(&reading->check, object->place, "has %zu secrets; %s uses at most %zu",
		               receiver->n_secrets, kind->name, kind->max_secrets);
	if (receiver->n_secrets == 0 && kind->secret_use != NULL)
		file_error_missing(&reading->check, object, "secret_files", kind->secret_use);
}

static void read_group(struct reading *reading, const struct file_node *object, struct receiver *receiver)
{
	struct file_node node;
	if (receiver->kind != NULL && receiver->kind->grouping == GROUP_NEVER &&
	    node_member(object, "group_at_least", &node))
		file_error_add(&reading->check, node.place, "is not allowed: %s takes one alert per message; remove it",
		               receiver->kind->name);
	else
		read_number(reading, object, "group_at_least", 0, 10000, &receiver->group_at_least);
}

static void read_receiver(struct reading *reading, const struct file_node *node, struct receiver *receiver)
{
	static const char *const known[] = {"name",      "type",           "url",      "url_file", "secret_files",
	                                    "ca_file",   "link",           "projects", "teams",    "targets",
	                                    "min_level", "group_at_least", "timeout",  "pause",    NULL};
	if (!node_is_object(&reading->check, node,
	                    "a receiver, such as {\"name\": \"ops\", \"type\": \"webhook\", ...}"))
		return;
	node_check_keys(&reading->check, node, "key of a receiver", known);
	struct file_node name;
	if (!node_member(node, "name", &name))
		file_error_missing(&reading->check, node, "name", "give the receiver a unique name");
	read_text(reading, node, "name", "a name in quotes", &receiver->name);
	read_kind(reading, node, receiver);
	set_defaults(receiver);
	read_url(reading, node, receiver);
	read_secrets(reading, node, receiver);
	check_secrets(reading, node, receiver);
	read_text(reading, node, "ca_file", "a path in quotes", &receiver->ca_file);
	read_text(reading, node, "link", "an address in quotes", &receiver->link);
	read_patterns(reading, node, "projects", &receiver->projects);
	read_patterns(reading, node, "teams", &receiver->teams);
	read_patterns(reading, node, "targets", &receiver->targets);
	read_number(reading, node, "min_level", -1, 100, &receiver->min_level);
	read_group(reading, node, receiver);
	read_duration(reading, node, "timeout", &receiver->timeout_us);
	read_duration(reading, node, "pause", &receiver->pause_us);
}

static void check_names(struct reading *reading, const struct file_node *list, const struct receiver_set *set)
{
	struct file_node node;
	for (bool ok = node_first(list, &node); ok; ok = node_next(list, &node))
		for (size_t i = 0; i < node.place->index; i++)
			if (!text_is_absent(set->items[i].name) &&
			    text_same(set->items[i].name, set->items[node.place->index].name))
				file_error_add(&reading->check, node.place,
				               "has the same name as receivers[%zu]; names must be unique", i);
}

static void read_file(struct reading *reading, const struct file_node *root, struct receiver_set *set)
{
	static const char *const known[] = {"receivers", NULL};
	struct file_node list, node;
	if (!node_is_object(&reading->check, root, "{\"receivers\": [...]}"))
		return;
	node_check_keys(&reading->check, root, "key of the file of receivers", known);
	if (!node_member(root, "receivers", &list)) {
		file_error_missing(&reading->check, root, "receivers", "write a list of receivers; [] for none");
		return;
	}
	if (!node_is(&reading->check, &list, JSON_ARRAY, "a list of receivers"))
		return;
	size_t n = json_array_size(list.value);
	if (n > MAX_RECEIVERS) {
		file_error_add(&reading->check, list.place, "has %zu items; at most %d are allowed", n, MAX_RECEIVERS);
		return;
	}
	set->items = arena_zalloc(reading->arena, (n + 1) * sizeof(*set->items));
	set->n = n;
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node))
		read_receiver(reading, &node, &set->items[node.place->index]);
	check_names(reading, &list, set);
}

struct receiver_set *receiver_set_parse(struct text json, struct file_errors *errors_out)
{
	struct receiver_set *set = mem_zalloc(sizeof(*set));
	*errors_out = (struct file_errors){.items = NULL};
	arena_init(&errors_out->arena);
	arena_init(&set->arena);
	struct reading reading = {.check = {.errors = errors_out}, .arena = &set->arena};
	arena_init(&reading.check.scratch);
	json_t *root = file_load(&reading.check, &json, "{\"receivers\": []}");
	if (root != NULL) {
		struct file_node node = {root, file_scan(json, &reading.check.scratch)};
		read_file(&reading, &node, set);
	}
	json_decref(root);
	arena_release(&reading.check.scratch);
	if (errors_out->n == 0)
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

/* ---- sending ---- */

/* More than one message ever holds. */
enum { MAX_DUE = 10000 };

bool receiver_sends_singly(const struct receiver *receiver)
{
	return receiver->group_at_least == 0;
}

int64_t receiver_max_due(const struct receiver *receiver)
{
	if (receiver_sends_singly(receiver))
		return 1;
	return receiver->kind->grouping == GROUP_AS_LIST ? receiver->group_at_least : MAX_DUE;
}

int receiver_group_size(const struct receiver *receiver, int n_due)
{
	if (receiver->kind->grouping == GROUP_AS_LIST)
		return n_due;
	return !receiver_sends_singly(receiver) && n_due >= receiver->group_at_least ? n_due : 1;
}

int64_t receiver_resend_us(const struct receiver *receiver)
{
	return receiver->kind->resend_us;
}

int64_t receiver_backoff_us(int32_t n_failures, double chance)
{
	static const int64_t longest_us = 300 * US_PER_SECOND;
	int64_t us = n_failures > 9 ? longest_us : US_PER_SECOND << (n_failures < 1 ? 0 : n_failures - 1);
	us = us > longest_us ? longest_us : us;
	return us - (int64_t)((double)us / 2 * chance);
}
