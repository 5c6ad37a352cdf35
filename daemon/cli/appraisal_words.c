/* A plan in words, English or Chinese. The file was checked, so every value has its type. */
#include <jansson.h>
#include <string.h>

#include "cli/appraisal.h"
#include "cli/term.h"
#include "kpid/core/timestamp.h"

struct words {
	struct buf *out;
	bool zh;
};

/* The sentence in the language of the output. */
static void say(struct words *words, const char *en, const char *zh)
{
	buf_add_str(words->out, words->zh ? zh : en);
}

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void add_word(struct words *words, const char *word)
{
	term_escape(words->out, text_of(word));
}

/* A number or a text, as it is in the file; fallback: what a missing one means. */
static void add_value(struct words *words, const json_t *value, const char *fallback)
{
	if (json_is_integer(value))
		buf_add_format(words->out, "%lld", (long long)json_integer_value(value));
	else
		add_word(words, json_is_string(value) ? json_string_value(value) : fallback);
}

static void add_member(struct words *words, const json_t *object, const char *key, const char *fallback)
{
	add_value(words, json_object_get(object, key), fallback);
}

/* A word out of a small vocabulary. */
static void add_known(struct words *words, const char *word)
{
	static const struct {
		const char *word, *en, *zh;
	} known[] = {
	        {"month", "month", "月"},
	        {"quarter", "quarter", "季"},
	        {"year", "year", "年"},
	        {"agent", "agents", "个人"},
	        {"team", "teams", "班组"},
	        {"project", "projects", "项目"},
	        {"process", "process", "过程"},
	        {"outcome", "outcome", "结果"},
	        {"percent", "in percent", "按百分比"},
	        {"seconds", "in seconds", "按秒"},
	        {"score", "as a score", "按得分"},
	        {"count", "as a count", "按件数"},
	        {"up", "more is better", "越高越好"},
	        {"down", "less is better", "越低越好"},
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].word, word) == 0)
			say(words, known[i].en, known[i].zh);
}

static void add_list(struct words *words, const json_t *list, bool known)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		if (i > 0)
			say(words, ", ", "、");
		if (known)
			add_known(words, json_string_value(item));
		else if (json_is_string(item) && json_string_length(item) == 0)
			say(words, "(none)", "（空）");
		else
			add_value(words, item, "");
	}
}

/* The attributes, each with its patterns. */
static void add_match(struct words *words, json_t *match)
{
	const char *key;
	json_t *patterns;
	bool first = true;
	json_object_foreach(match, key, patterns)
	{
		if (!first)
			say(words, "; ", "；");
		first = false;
		add_word(words, key);
		buf_add_str(words->out, " ");
		add_list(words, patterns, false);
	}
}

static void add_linear(struct words *words, const json_t *rule, const json_t *weight)
{
	say(words, "0 points at ", "达到 ");
	add_member(words, rule, "zero", "");
	say(words, ", all ", " 得 0 分，达到 ");
	if (words->zh) {
		add_member(words, rule, "full", "");
		buf_add_str(words->out, " 得满分 ");
		add_value(words, weight, "");
		buf_add_str(words->out, " 分，中间按比例");
	} else {
		add_value(words, weight, "");
		buf_add_str(words->out, " at ");
		add_member(words, rule, "full", "");
		buf_add_str(words->out, ", in proportion between");
	}
}

static void add_steps(struct words *words, const json_t *rule)
{
	size_t i;
	json_t *step;
	json_array_foreach(json_object_get(rule, "steps"), i, step)
	{
		json_t *least = json_object_get(step, "at_least");
		if (least != NULL)
			say(words, "at least ", "不低于 ");
		else
			say(words, "at most ", "不高于 ");
		add_value(words, least != NULL ? least : json_object_get(step, "at_most"), "");
		say(words, ": ", " 得 ");
		add_member(words, step, "points", "");
		say(words, " points; ", " 分；");
	}
	say(words, "otherwise ", "其余 ");
	add_member(words, rule, "else", "0");
	say(words, " points", " 分");
}

static void add_deduct(struct words *words, const json_t *rule, bool up)
{
	const char *count = string_of(rule, "count");
	bool whole = count != NULL && strcmp(count, "whole") == 0;
	if (up)
		say(words, "below ", "低于 ");
	else
		say(words, "above ", "高于 ");
	add_member(words, rule, "from", "");
	if (whole)
		say(words, ", each whole ", " 后，每满 ");
	else
		say(words, ", each started ", " 后，每 ");
	add_member(words, rule, "each", "");
	if (whole)
		say(words, " costs ", " 扣 ");
	else
		say(words, " costs ", "（不足也算）扣 ");
	add_member(words, rule, "less", "");
	say(words, " points, down to ", " 分，最低 ");
	add_member(words, rule, "floor", "0");
	say(words, "", " 分");
	if (json_object_get(rule, "beyond") == NULL)
		return;
	say(words, "; at once beyond ", "；比 ");
	add_member(words, rule, "beyond", "");
	say(words, "", " 更差时直接降到最低");
}

static void add_score(struct words *words, const json_t *indicator)
{
	const json_t *score = json_object_get(indicator, "score"), *rule;
	say(words, "        ", "        计分：");
	if ((rule = json_object_get(score, "linear")) != NULL)
		add_linear(words, rule, json_object_get(indicator, "weight"));
	else if ((rule = json_object_get(score, "step")) != NULL)
		add_steps(words, rule);
	else if ((rule = json_object_get(score, "deduct")) != NULL)
		add_deduct(words, rule, strcmp(string_of(indicator, "better"), "up") == 0);
	buf_add_char(words->out, '\n');
}

static void add_title(struct words *words, const json_t *indicator)
{
	const char *title = string_of(json_object_get(indicator, "title"), words->zh ? "zh" : "en");
	add_word(words, title == NULL ? string_of(indicator, "name") : title);
	if (title != NULL) {
		say(words, " (", "（");
		add_word(words, string_of(indicator, "name"));
		say(words, ")", "）");
	}
}

static void add_extras(struct words *words, const json_t *indicator)
{
	json_t *where = json_object_get(indicator, "where"), *adjust = json_object_get(indicator, "adjust");
	json_t *limit = json_object_get(indicator, "limit"), *min_n = json_object_get(indicator, "min_n");
	if (where != NULL) {
		say(words, "        only tickets with ", "        只计：");
		add_match(words, where);
		buf_add_char(words->out, '\n');
	}
	if (adjust != NULL) {
		say(words, "        adjusted for the mix of ", "        按以下构成校正：");
		add_list(words, adjust, false);
		buf_add_char(words->out, '\n');
	}
	if (min_n != NULL) {
		say(words, "        needs at least ", "        至少需要 ");
		add_value(words, min_n, "");
		say(words, " cases", " 例");
		buf_add_char(words->out, '\n');
	}
	if (limit != NULL) {
		say(words, "        beyond ", "        一票否决：比 ");
		add_member(words, limit, "beyond", "");
		say(words, " the grade is at best ", " 更差时等级最高为 ");
		add_member(words, limit, "grade", "");
		buf_add_char(words->out, '\n');
	}
}

static void add_indicator(struct words *words, size_t i, const json_t *indicator)
{
	const char *dimension = string_of(indicator, "dimension");
	buf_add_format(words->out, "    %2zu. ", i + 1);
	add_title(words, indicator);
	say(words, ": ", "：");
	add_member(words, indicator, "weight", "");
	say(words, " points, ", " 分，");
	add_known(words, string_of(indicator, "kind"));
	if (dimension != NULL) {
		say(words, ", ", "，");
		add_word(words, dimension);
	}
	buf_add_str(words->out, "\n        ");
	if (strcmp(string_of(indicator, "value"), "manual") == 0)
		say(words, "entered by hand", "人工录入");
	else
		add_word(words, string_of(indicator, "value"));
	say(words, ", ", "，");
	add_known(words, string_of(indicator, "unit"));
	say(words, ", ", "，");
	add_known(words, string_of(indicator, "better"));
	buf_add_char(words->out, '\n');
	add_score(words, indicator);
	add_extras(words, indicator);
}

static void add_grades(struct words *words, const json_t *plan)
{
	size_t i;
	json_t *grade;
	say(words, "    Grades: ", "    等级：");
	json_array_foreach(json_object_get(plan, "grades"), i, grade)
	{
		json_t *least = json_object_get(grade, "at_least"),
		       *coefficient = json_object_get(grade, "coefficient");
		if (i > 0)
			say(words, "; ", "；");
		add_word(words, string_of(grade, "name"));
		if (least != NULL) {
			say(words, " from ", " 自 ");
			add_value(words, least, "");
			say(words, "", " 分起");
		} else {
			say(words, " below", " 为其余");
		}
		if (coefficient != NULL) {
			say(words, " (coefficient ", "（系数 ");
			add_value(words, coefficient, "");
			say(words, ")", "）");
		}
	}
	buf_add_char(words->out, '\n');
}

static void add_flags(struct words *words, const json_t *plan)
{
	size_t i;
	json_t *flag;
	json_array_foreach(json_object_get(plan, "flags"), i, flag)
	{
		say(words, "    Flag, without points: ", "    提示（不计分）：");
		add_word(words, string_of(flag, "name"));
		say(words, ": ", "：");
		add_word(words, string_of(flag, "mark"));
		say(words, " per ", " / ");
		add_word(words, string_of(flag, "per"));
		say(words, ", from ", "，自 ");
		add_member(words, flag, "min_count", "");
		say(words, " on, if clearly more than the others\n", " 起，且明显多于他人\n");
	}
}

static void add_rules(struct words *words, const json_t *plan)
{
	say(words, "    A figure counts from ", "    指标至少 ");
	add_member(words, plan, "min_n", "30");
	say(words, " cases on; a score needs figures of a weight of ", " 例才计分；计分指标的权重合计至少 ");
	add_member(words, plan, "min_weight", "60");
	say(words, ".\n    It can be closed ", " 才有总分。\n    期末后 ");
	add_member(words, plan, "settle", "7d");
	say(words, " after the period; appeals within ", " 可结算；申诉期 ");
	add_member(words, plan, "appeal_within", "7d");
	say(words, ", answers within ", "，答复期 ");
	add_member(words, plan, "answer_within", "5d");
	say(words, "; at most ", "；人工加减分每次最多 ");
	add_member(words, plan, "max_hand", "10");
	say(words, " points by hand at a time.\n", " 分。\n");
}

static void add_plan(struct words *words, const json_t *plan)
{
	size_t i;
	json_t *indicator, *match = json_object_get(plan, "match"), *roles = json_object_get(plan, "roles");
	json_t *levels = json_object_get(plan, "levels");
	say(words, "\n  Plan \"", "\n  方案“");
	add_word(words, string_of(plan, "name"));
	say(words, "\", per ", "”，周期：");
	add_list(words, json_object_get(plan, "cycles"), true);
	say(words, ", for ", "，对象：");
	if (levels == NULL)
		say(words, "agents", "个人");
	else
		add_list(words, levels, true);
	buf_add_char(words->out, '\n');
	if (match != NULL) {
		say(words, "    Tickets with ", "    工单范围：");
		add_match(words, match);
		buf_add_char(words->out, '\n');
	}
	if (roles != NULL) {
		say(words, "    Roles: ", "    岗位：");
		add_list(words, roles, false);
		buf_add_char(words->out, '\n');
	}
	add_rules(words, plan);
	json_array_foreach(json_object_get(plan, "indicators"), i, indicator) add_indicator(words, i, indicator);
	add_grades(words, plan);
	add_flags(words, plan);
}

static void add_revision(struct words *words, const struct appraisal_revision *revision)
{
	char time[TIMESTAMP_TEXT_BYTES];
	size_t i;
	json_t *json = json_loadb(revision->json.ptr, revision->json.len, 0, NULL), *plan, *items;
	const char *dimension;
	say(words, "Revision \"", "版本“");
	term_escape(words->out, revision->id);
	if (revision->effective_from_us == INT64_MIN) {
		say(words, "\", without a start\n", "”，无起始时间\n");
	} else {
		timestamp_format(revision->effective_from_us, time);
		say(words, "\", from ", "”，自 ");
		buf_add_str(words->out, time);
		say(words, " on\n", " 起\n");
	}
	json_object_foreach(json_object_get(json, "servqual"), dimension, items)
	{
		say(words, "  Service quality: ", "  服务质量维度：");
		add_word(words, dimension);
		say(words, ": ", "：");
		add_list(words, items, false);
		buf_add_char(words->out, '\n');
	}
	json_array_foreach(json_object_get(json, "plans"), i, plan) add_plan(words, plan);
	json_decref(json);
}

void appraisal_describe_score(const json_t *indicator, enum appraisal_language language, struct buf *out)
{
	struct words words = {out, language == APPRAISAL_ZH};
	add_score(&words, indicator);
}

void appraisal_describe_plan(const json_t *plan, enum appraisal_language language, struct buf *out)
{
	struct words words = {out, language == APPRAISAL_ZH};
	add_plan(&words, plan);
}

void appraisal_describe(const struct appraisal_set *set, enum appraisal_language language, struct buf *out)
{
	struct words words = {out, language == APPRAISAL_ZH};
	for (size_t i = 0; i < set->n_revisions; i++) {
		if (i > 0)
			buf_add_char(out, '\n');
		add_revision(&words, &set->revisions[i]);
	}
}
