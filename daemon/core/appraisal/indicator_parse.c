/* The indicators of a plan (rules I3 to I6, J2). */
#include "appraisal_reading.h"

enum { MAX_INDICATORS = 100 };

static bool need_word(struct appraisal_reading *reading, const struct file_node *object, const char *key,
                      const char *remedy, struct file_node *node_out)
{
	if (node_member(object, key, node_out))
		return true;
	file_error_missing(&reading->check, object, key, remedy);
	return false;
}

static void read_title(struct appraisal_reading *reading, const struct file_node *indicator)
{
	static const char *const known[] = {"zh", "en", NULL};
	struct file_node title, member;
	struct text text;
	if (!node_member(indicator, "title", &title) ||
	    !node_is_object(&reading->check, &title, "an object, such as {\"zh\": \"满意率\"}"))
		return;
	node_check_keys(&reading->check, &title, "language", known);
	for (bool ok = node_first(&title, &member); ok; ok = node_next(&title, &member))
		(void)node_is_name(&reading->check, &member, "a title in quotes", &text);
}

static void read_dimension(struct appraisal_reading *reading, const struct file_node *indicator)
{
	struct file_node node, item;
	struct text name;
	if (!node_member(indicator, "dimension", &node) ||
	    !node_is_name(&reading->check, &node, "a dimension in quotes", &name))
		return;
	for (bool ok = reading->has_dimensions && node_first(&reading->dimensions, &item); ok;
	     ok = node_next(&reading->dimensions, &item))
		if (json_is_string(item.value) && text_equal(text_of(json_string_value(item.value)), name))
			return;
	file_error_add(&reading->check, node.place, "%s is not listed in `dimensions` of the plan; add it there",
	               file_quote(&reading->check, name));
}

/* "category:2" and the five attributes. */
static bool is_stratum(struct text word)
{
	static const struct text parts = TEXT("category:");
	for (size_t i = 0; appraisal_attributes[i] != NULL; i++)
		if (text_equal(word, text_of(appraisal_attributes[i])))
			return true;
	if (word.len <= parts.len || word.len > parts.len + 2 || memcmp(word.ptr, parts.ptr, parts.len) != 0 ||
	    word.ptr[parts.len] == '0')
		return false;
	for (uint32_t i = parts.len; i < word.len; i++)
		if (word.ptr[i] < '0' || word.ptr[i] > '9')
			return false;
	return true;
}

static void read_adjust(struct appraisal_reading *reading, const struct file_node *indicator,
                        const struct appraisal_value *value)
{
	struct file_check *check = &reading->check;
	struct file_node list, item;
	struct text word;
	if (!node_member(indicator, "adjust", &list))
		return;
	appraisal_read_words(reading, indicator, "adjust", "\"category:1\"", false);
	for (bool ok = json_is_array(list.value) && node_first(&list, &item); ok; ok = node_next(&list, &item)) {
		if (!json_is_string(item.value))
			continue;
		word = (struct text){json_string_value(item.value), (uint32_t)json_string_length(item.value)};
		if (word.len > 0 && !is_stratum(word))
			file_error_add(
			        check, item.place,
			        "%s is no attribute; write project_id, channel, category, category:1 to category:99, "
			        "priority or team_id",
			        file_quote(check, word));
	}
	if (value == NULL)
		return;
	if (!value->has_under)
		file_error_add(
		        check, list.place,
		        "needs a `value` with a /, because only a quotient can be compared with others; remove it");
	for (size_t i = 0; value->has_under && i < value->under.n; i++) {
		if (value->under.terms[i].factor >= 0)
			continue;
		file_error_add(check, list.place, "needs a `value` without a minus under the /; remove one of the two");
		break;
	}
}

static void read_value(struct appraisal_reading *reading, const struct file_node *indicator)
{
	static const char *const example = "a sum of columns in quotes, such as \"first_response_within_sla / "
	                                   "first_response_measured\", or \"manual\"";
	struct file_check *check = &reading->check;
	struct file_node node;
	struct text text;
	struct appraisal_value value;
	bool readable = false;
	if (!node_member(indicator, "value", &node)) {
		file_error_missing(check, indicator, "value",
		                   "write a sum of columns, two with a / between them, or manual");
	} else if (node_is_string(check, &node, example, &text)) {
		const char *wrong = appraisal_value_parse(text, &value);
		readable = wrong == NULL;
		if (wrong != NULL)
			file_error_add(check, node.place, "%s %s", file_quote(check, text), wrong);
	}
	if (readable) {
		appraisal_check_sum(reading, &node, &value.above);
		appraisal_check_sum(reading, &node, &value.under);
	}
	read_adjust(reading, indicator, readable ? &value : NULL);
}

static void read_limit(struct appraisal_reading *reading, const struct file_node *plan,
                       const struct file_node *indicator)
{
	static const char *const known[] = {"beyond", "grade", NULL};
	struct file_check *check = &reading->check;
	struct file_node limit, node, grades, grade, name;
	struct text word;
	int64_t beyond;
	if (!node_member(indicator, "limit", &limit) ||
	    !node_is_object(check, &limit, "an object, such as {\"beyond\": 4, \"grade\": \"C\"}"))
		return;
	node_check_keys(check, &limit, "key of a limit", known);
	appraisal_need_number(reading, &limit, "beyond", "write the value beyond which the limit holds", &beyond);
	if (!need_word(reading, &limit, "grade", "write the best grade that is then possible", &node) ||
	    !node_is_name(check, &node, "a grade in quotes", &word))
		return;
	if (!node_member(plan, "grades", &grades) || !json_is_array(grades.value))
		return;
	for (bool ok = node_first(&grades, &grade); ok; ok = node_next(&grades, &grade))
		if (json_is_object(grade.value) && node_member(&grade, "name", &name) && json_is_string(name.value) &&
		    text_equal(text_of(json_string_value(name.value)), word))
			return;
	file_error_add(check, node.place, "%s is not the name of a grade of the plan; write one of `grades`",
	               file_quote(check, word));
}

static void read_weight(struct appraisal_reading *reading, const struct file_node *indicator,
                        struct indicator_scale *scale_io)
{
	struct file_node node;
	if (!appraisal_need_number(reading, indicator, "weight", "write how many of the 100 points it can earn",
	                           &scale_io->weight) ||
	    !node_member(indicator, "weight", &node))
		return;
	if (scale_io->weight <= 0)
		file_error_add(&reading->check, node.place, "must be more than 0");
	else if (scale_io->weight > 40 * APPRAISAL_NUMBER_ONE)
		file_warning_add(&reading->check, node.place,
		                 "is more than 40: one indicator decides much of the score");
	scale_io->has_weight = scale_io->weight > 0;
}

static void read_min_n(struct appraisal_reading *reading, const struct file_node *object)
{
	struct file_node node;
	if (node_member(object, "min_n", &node) && node_is(&reading->check, &node, JSON_INTEGER, "a whole number") &&
	    json_integer_value(node.value) < 0)
		file_error_add(&reading->check, node.place, "is negative; write 0 or more");
}

/* *kinds_io: bits 1 << index of the kinds of the plan. */
static void read_indicator(struct appraisal_reading *reading, const struct file_node *plan,
                           const struct file_node *list, const struct file_node *node, unsigned *kinds_io,
                           struct indicator_scale *scale_out)
{
	static const char *const known[] = {"name",  "title", "dimension", "kind",   "unit",  "better", "weight",
	                                    "min_n", "value", "where",     "adjust", "score", "limit",  NULL};
	static const char *const kinds[] = {"process", "outcome", NULL};
	static const char *const units[] = {"percent", "seconds", "score", "count", NULL};
	static const char *const sides[] = {"up", "down", NULL};
	struct file_check *check = &reading->check;
	struct file_node member;
	node_check_keys(check, node, "key of an indicator", known);
	appraisal_read_name(reading, list, node, "answered in time");
	read_title(reading, node);
	read_dimension(reading, node);
	if (need_word(reading, node, "kind", "write \"process\" or \"outcome\"", &member)) {
		int kind = appraisal_read_choice(reading, &member, kinds);
		*kinds_io |= kind < 0 ? 3u : 1u << kind;
	}
	if (need_word(reading, node, "unit", "write \"percent\", \"seconds\", \"score\" or \"count\"", &member))
		appraisal_read_choice(reading, &member, units);
	if (need_word(reading, node, "better", "write \"up\" if more is better, or \"down\"", &member)) {
		int side = appraisal_read_choice(reading, &member, sides);
		scale_out->better = side < 0 ? 0 : side == 0 ? 1 : -1;
	}
	read_weight(reading, node, scale_out);
	read_min_n(reading, node);
	read_value(reading, node);
	appraisal_read_match(reading, node, "where");
	appraisal_read_score(reading, node, scale_out);
	read_limit(reading, plan, node);
}

static void check_weights(struct file_check *check, const struct file_node *list, int64_t total)
{
	static const int64_t one = APPRAISAL_NUMBER_ONE;
	if (total == 100 * one)
		return;
	struct buf shown = BUF_INIT;
	buf_add_format(&shown, "%lld", (long long)(total / one));
	if (total % one != 0) {
		buf_add_format(&shown, ".%08lld", (long long)(total % one));
		while (shown.data[shown.len_bytes - 1] == '0')
			shown.data[--shown.len_bytes] = '\0';
	}
	file_error_add(check, list->place, "has weights that add up to %s; they must add up to exactly 100",
	               shown.data);
	buf_release(&shown);
}

void appraisal_read_indicators(struct appraisal_reading *reading, const struct file_node *plan)
{
	struct file_check *check = &reading->check;
	struct file_node list, node;
	int64_t total = 0;
	bool all = true;
	unsigned kinds = 0;
	read_min_n(reading, plan);
	if (!node_has_list(check, plan, "indicators", "a list of indicators", MAX_INDICATORS, &list))
		return;
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node)) {
		struct indicator_scale scale = {.better = 0};
		if (node_is_object(check, &node, "an indicator, such as {\"name\": \"answered in time\", ...}"))
			read_indicator(reading, plan, &list, &node, &kinds, &scale);
		total += scale.weight;
		all = all && scale.has_weight;
	}
	if (all)
		check_weights(check, &list, total);
	if (kinds == 1u || kinds == 2u)
		file_warning_add(check, list.place, "has only %s indicators; good plans look at both %s",
		                 kinds == 1u ? "process" : "outcome", "how people work and what comes of it");
}
