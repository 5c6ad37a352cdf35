/* The scoring rule of an indicator (rule I5). */
#include "appraisal_reading.h"

/* a is better than b by the indicator's direction. */
static bool is_better(const struct indicator_scale *scale, int64_t a, int64_t b)
{
	return scale->better > 0 ? a > b : a < b;
}

static const char *direction(const struct indicator_scale *scale)
{
	return scale->better > 0 ? "more than" : "less than";
}

static void read_linear(struct appraisal_reading *reading, const struct file_node *rule,
                        const struct indicator_scale *scale)
{
	static const char *const known[] = {"zero", "full", NULL};
	struct file_check *check = &reading->check;
	struct file_node node;
	int64_t zero, full;
	node_check_keys(check, rule, "key of `linear`", known);
	bool has_zero = appraisal_need_number(reading, rule, "zero", "write the value that earns no points", &zero);
	bool has_full = appraisal_need_number(reading, rule, "full", "write the value that earns all points", &full);
	if (!has_zero || !has_full || !node_member(rule, "zero", &node))
		return;
	if (zero == full)
		file_error_add(check, node.place, "equals `full`; write two different values");
	else if (scale->better != 0 && !is_better(scale, full, zero))
		file_error_add(
		        check, node.place,
		        "is on the wrong side: with \"better\": \"%s\", `full` must be %s `zero`; swap the two, or "
		        "change `better`",
		        scale->better > 0 ? "up" : "down", direction(scale));
}

struct step {
	int64_t bound, points;
	bool complete;
};

static struct step read_step(struct appraisal_reading *reading, const struct file_node *node,
                             const struct indicator_scale *scale)
{
	static const char *const up[] = {"at_least", "points", NULL}, *const down[] = {"at_most", "points", NULL};
	static const char *const either[] = {"at_least", "at_most", "points", NULL};
	struct file_check *check = &reading->check;
	struct step step = {.complete = false};
	struct file_node bound, points;
	if (!node_is_object(check, node, "a step, such as {\"at_least\": \"90%\", \"points\": 10}"))
		return step;
	const char *key = scale->better < 0 ? "at_most" : "at_least";
	node_check_keys(check, node, "key of a step here", scale->better > 0 ? up : scale->better < 0 ? down : either);
	bool has_bound = scale->better != 0 &&
	                 appraisal_need_number(reading, node, key, "write the bound of the step", &step.bound);
	bool has_points = appraisal_need_number(reading, node, "points", "write what the step earns", &step.points);
	step.complete = has_bound && has_points && node_member(node, key, &bound);
	if (has_points && scale->has_weight && step.points > scale->weight && node_member(node, "points", &points))
		file_error_add(check, points.place,
		               "is more than the weight; write at most the weight of the indicator");
	return step;
}

static void check_step(struct file_check *check, const struct file_node *node, const struct indicator_scale *scale,
                       const struct step *before, const struct step *step)
{
	struct file_node member;
	const char *key = scale->better < 0 ? "at_most" : "at_least";
	if (!is_better(scale, before->bound, step->bound) && node_member(node, key, &member))
		file_error_add(
		        check, member.place,
		        "is no worse than the bound of the step before; list the steps from the best to the worst");
	if (step->points >= before->points && node_member(node, "points", &member))
		file_error_add(check, member.place, "is no less than the step before earns; each step must earn less");
}

static void read_step_rule(struct appraisal_reading *reading, const struct file_node *rule,
                           const struct indicator_scale *scale)
{
	static const char *const known[] = {"steps", "else", NULL};
	struct file_check *check = &reading->check;
	struct file_node list, node;
	struct step before = {.complete = false};
	int64_t otherwise = 0;
	node_check_keys(check, rule, "key of `step`", known);
	bool has_else = appraisal_member_number(reading, rule, "else", &otherwise);
	if (!node_has_list(check, rule, "steps", "a list of steps, such as [{\"at_least\": \"90%\", \"points\": 10}]",
	                   1000, &list))
		return;
	for (bool ok = node_first(&list, &node); ok; ok = node_next(&list, &node)) {
		struct step step = read_step(reading, &node, scale);
		if (before.complete && step.complete)
			check_step(check, &node, scale, &before, &step);
		before = step;
	}
	if (before.complete && otherwise > before.points) {
		bool named = has_else && node_member(rule, "else", &node);
		file_error_add(check, named ? node.place : rule->place,
		               "`else` is more than the last step earns; write at most that");
	}
}

static void check_positive(struct appraisal_reading *reading, const struct file_node *rule, const char *key,
                           const char *remedy)
{
	struct file_node node;
	int64_t number;
	if (appraisal_need_number(reading, rule, key, remedy, &number) && number <= 0 && node_member(rule, key, &node))
		file_error_add(&reading->check, node.place, "must be more than 0");
}

static void read_deduct(struct appraisal_reading *reading, const struct file_node *rule,
                        const struct indicator_scale *scale)
{
	static const char *const known[] = {"from", "each", "less", "count", "beyond", "floor", NULL};
	static const char *const counts[] = {"started", "whole", NULL};
	struct file_check *check = &reading->check;
	struct file_node node;
	int64_t from, beyond, floor;
	node_check_keys(check, rule, "key of `deduct`", known);
	bool has_from =
	        appraisal_need_number(reading, rule, "from", "write the value from which points are lost", &from);
	check_positive(reading, rule, "each", "write the distance for which points are lost");
	check_positive(reading, rule, "less", "write the points that are lost for each");
	if (node_member(rule, "count", &node))
		appraisal_read_choice(reading, &node, counts);
	if (appraisal_member_number(reading, rule, "beyond", &beyond) && has_from && scale->better != 0 &&
	    is_better(scale, beyond, from) && node_member(rule, "beyond", &node))
		file_error_add(check, node.place, "is on the better side of `from`; write a worse value");
	if (appraisal_member_number(reading, rule, "floor", &floor) && node_member(rule, "floor", &node) &&
	    (floor < 0 || (scale->has_weight && floor > scale->weight)))
		file_error_add(check, node.place, "is outside 0 to the weight; write a number of points within it");
}

void appraisal_read_score(struct appraisal_reading *reading, const struct file_node *indicator,
                          const struct indicator_scale *scale)
{
	static const char *const known[] = {"linear", "step", "deduct", NULL};
	typedef void read_rule(struct appraisal_reading *, const struct file_node *, const struct indicator_scale *);
	static read_rule *const readers[] = {read_linear, read_step_rule, read_deduct};
	static const char *const example =
	        "an object with one rule, such as {\"linear\": {\"zero\": \"80%\", \"full\": "
	        "\"95%\"}}";
	struct file_check *check = &reading->check;
	struct file_node score, rule;
	size_t n = 0;
	if (!node_member(indicator, "score", &score)) {
		file_error_missing(check, indicator, "score", "write how it is scored: linear, step or deduct");
		return;
	}
	if (!node_is_object(check, &score, example))
		return;
	node_check_keys(check, &score, "scoring rule", known);
	for (size_t i = 0; known[i] != NULL; i++) {
		if (!node_member(&score, known[i], &rule))
			continue;
		n++;
		if (node_is_object(check, &rule, "an object with the values of the rule"))
			readers[i](reading, &rule, scale);
	}
	if (n != 1)
		file_error_add(check, score.place,
		               "has %zu scoring rules; write exactly one of linear, step and deduct", n);
}
