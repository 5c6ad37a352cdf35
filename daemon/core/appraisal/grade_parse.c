/* Grades and flags of a plan (rules R6, G1). */
#include "appraisal_reading.h"

enum { MAX_GRADES = 100, MAX_FLAGS = 100 };

static void check_order(struct appraisal_reading *reading, const struct file_node *grade, bool last, int64_t *before_io,
                        bool *has_before_io)
{
	struct file_check *check = &reading->check;
	struct file_node node;
	int64_t bound;
	if (!node_member(grade, "at_least", &node)) {
		if (!last)
			file_error_add(
			        check, grade->place,
			        "has no `at_least`, and is not the last grade; write one, or move it to the end");
		return;
	}
	bool known = appraisal_read_number(reading, &node, &bound);
	if (last)
		file_error_add(check, node.place,
		               "belongs to the last grade, which takes every other score; remove it");
	else if (known && *has_before_io && bound >= *before_io)
		file_error_add(check, node.place,
		               "is not below that of the grade before; list the grades from the best on");
	if (known)
		*before_io = bound;
	*has_before_io = *has_before_io || known;
}

void appraisal_read_grades(struct appraisal_reading *reading, const struct file_node *plan)
{
	static const char *const known[] = {"name", "at_least", "coefficient", NULL};
	struct file_check *check = &reading->check;
	struct file_node list, node;
	int64_t before = 0, coefficient;
	bool has_before = false;
	if (!node_has_list(check, plan, "grades",
	                   "a list of grades, such as [{\"name\": \"A\", \"at_least\": 90}, {\"name\": \"B\"}]",
	                   MAX_GRADES, &list))
		return;
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node)) {
		if (!node_is_object(check, &node, "a grade, such as {\"name\": \"A\", \"at_least\": 90}"))
			continue;
		node_check_keys(check, &node, "key of a grade", known);
		appraisal_read_name(reading, &list, &node, "A");
		appraisal_member_number(reading, &node, "coefficient", &coefficient);
		check_order(reading, &node, node.place->index + 1 == json_array_size(list.value), &before, &has_before);
	}
}

static void read_sum(struct appraisal_reading *reading, const struct file_node *flag, const char *key,
                     const char *example)
{
	struct file_check *check = &reading->check;
	struct file_node node;
	struct text text;
	struct appraisal_sum sum;
	struct buf instead = BUF_INIT;
	buf_add_format(&instead, "write a sum of columns in quotes, such as \"%s\"", example);
	if (!node_member(flag, key, &node)) {
		file_error_missing(check, flag, key, instead.data);
	} else if (node_is_string(check, &node, instead.data + strlen("write "), &text)) {
		const char *wrong = appraisal_sum_parse(text, &sum);
		if (wrong != NULL)
			file_error_add(check, node.place, "%s %s", file_quote(check, text), wrong);
		else
			appraisal_check_sum(reading, &node, &sum);
	}
	buf_release(&instead);
}

void appraisal_read_flags(struct appraisal_reading *reading, const struct file_node *plan)
{
	static const char *const known[] = {"name", "mark", "per", "min_count", NULL};
	struct file_check *check = &reading->check;
	struct file_node list, node, count;
	if (!node_member(plan, "flags", &list) || !node_is(check, &list, JSON_ARRAY, "a list of flags"))
		return;
	if (json_array_size(list.value) > MAX_FLAGS)
		file_error_add(check, list.place, "has more than %d items; remove some", MAX_FLAGS);
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node)) {
		if (!node_is_object(check, &node, "a flag, such as {\"name\": \"parked\", ...}"))
			continue;
		node_check_keys(check, &node, "key of a flag", known);
		appraisal_read_name(reading, &list, &node, "closes at the last moment");
		read_sum(reading, &node, "mark", "resolution_last_part");
		read_sum(reading, &node, "per", "resolution_within_sla");
		if (!node_member(&node, "min_count", &count))
			file_error_missing(check, &node, "min_count",
			                   "write how many marks raise it at least, such as 5");
		else if (node_is(check, &count, JSON_INTEGER, "a whole number") && json_integer_value(count.value) < 0)
			file_error_add(check, count.place, "is negative; write 0 or more");
	}
}
