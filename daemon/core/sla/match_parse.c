/* Lists of texts in the policy file: reasons of a pause, and the patterns of `match` (rule P1). */
#include "policy_reading.h"

#define A_LIST_OF_REASONS  "a list of reasons, such as [\"awaiting_customer\"]"
#define A_LIST_OF_PATTERNS "a list of patterns, such as [\"repair/*\"]"

/* Reads one item of a list into *text_out; false if it has an error. */
typedef bool read_item(struct policy_reading *reading, const struct file_node *item, struct text *text_out);

static bool read_reason(struct policy_reading *reading, const struct file_node *item, struct text *text_out)
{
	return node_is_word(&reading->check, item, "a reason in quotes, such as \"awaiting_customer\"", text_out);
}

/* A whole number is read as its decimal text, as in events (rule E7). One beyond 64 bits never gets here: jansson
 * refuses the file, and the error asks for quotes. */
static bool read_pattern(struct policy_reading *reading, const struct file_node *item, struct text *text_out)
{
	if (!json_is_integer(item->value))
		return node_is_word(&reading->check, item, "a pattern in quotes, such as \"repair/*\"", text_out);
	struct buf decimal = BUF_INIT;
	buf_add_format(&decimal, "%lld", (long long)json_integer_value(item->value));
	*text_out = arena_text(&reading->check.scratch, buf_text(&decimal));
	buf_release(&decimal);
	return true;
}

static void read_list(struct policy_reading *reading, const struct file_node *node, const char *instead,
                      read_item *read, struct text_list *list_out)
{
	if (!node_is(&reading->check, node, JSON_ARRAY, instead))
		return;
	struct text *items = arena_alloc(reading->arena, json_array_size(node->value) * sizeof(*items));
	size_t n = 0;
	struct file_node item;
	for (bool ok = node_first(node, &item); ok; ok = node_next(node, &item)) {
		struct text text;
		if (read(reading, &item, &text))
			items[n++] = arena_text(reading->arena, text);
	}
	*list_out = (struct text_list){items, n};
}

void policy_read_reasons(struct policy_reading *reading, const struct file_node *object, const char *key,
                         struct text_list *list_out)
{
	struct file_node node;
	if (node_member(object, key, &node))
		read_list(reading, &node, A_LIST_OF_REASONS, read_reason, list_out);
}

static const char *const match_names[POLICY_N_MATCHES + 1] = {
        [EVENT_PROJECT_ID] = "project_id", [EVENT_CHANNEL] = "channel", [EVENT_CATEGORY] = "category",
        [EVENT_PRIORITY] = "priority",     [EVENT_TEAM_ID] = "team_id", [POLICY_N_MATCHES] = NULL,
};

void policy_read_match(struct policy_reading *reading, const struct file_node *policy, struct policy *policy_out)
{
	struct file_check *check = &reading->check;
	struct file_node match;
	if (!node_member(policy, "match", &match) ||
	    !node_is_object(check, &match, "an object, such as {\"category\": [\"repair/*\"]}"))
		return;
	if (match.place->first == NULL)
		file_error_add(check, match.place,
		               "names no attribute; remove `match` from a policy that always applies");
	node_check_keys(check, &match, "attribute to match", match_names);
	for (size_t i = 0; i < POLICY_N_MATCHES; i++) {
		struct file_node patterns;
		if (!node_member(&match, match_names[i], &patterns))
			continue;
		policy_out->match[i].present = true;
		read_list(reading, &patterns, A_LIST_OF_PATTERNS, read_pattern, &policy_out->match[i].patterns);
		if (json_is_array(patterns.value) && json_array_size(patterns.value) == 0)
			file_error_add(check, patterns.place,
			               "is an empty list, which matches no ticket; write a pattern, or remove `%s` "
			               "from `match`",
			               match_names[i]);
	}
}
