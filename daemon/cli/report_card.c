/* A card: how its score came about. */
#include <stdlib.h>
#include <string.h>

#include "cli/report_page.h"

const char *report_title(const struct page *page, const json_t *rules)
{
	const char *title = member(json_object_get(rules, "title"), page->language == APPRAISAL_ZH ? "zh" : "en");
	return title != NULL ? title : member(rules, "name");
}

const char *report_title_of(const struct page *page, const json_t *plan, const char *name)
{
	const json_t *rules = member_of(members(json_object_get(plan, "rules"), "indicators"), "name", name);
	return rules == NULL ? name : report_title(page, rules);
}

static bool is(const json_t *object, const char *key, const char *value)
{
	const char *found = member(object, key);
	return found != NULL && strcmp(found, value) == 0;
}

/* ---- the score ---- */

static void add_limits(struct page *page, const json_t *plan, const json_t *card, const json_t *next)
{
	struct buf names = BUF_INIT;
	size_t i;
	json_t *limit;
	json_array_foreach(members(next, "limits"), i, limit)
	{
		buf_add_str(&names, i == 0 ? "" : ", ");
		buf_add_str(&names, report_title_of(page, plan, json_string_value(limit)));
	}
	PAGE_LINE(page, "p", REPORT_LIMITED, member(card, "grade"), buf_text(&names).ptr);
	buf_release(&names);
}

static void add_next_grade(struct page *page, const json_t *plan, const json_t *card)
{
	const json_t *next = json_object_get(card, "next");
	struct figure points = figure_decimal(member(next, "points"));
	if (!json_is_object(next)) {
		page_markup(page, "<p>");
		PAGE_WORD(page, REPORT_BEST_GRADE);
		page_markup(page, "</p>\n");
	} else if (member(next, "points") != NULL) {
		PAGE_LINE(page, "p", REPORT_NEXT_GRADE, points.text, member(next, "grade"));
	} else {
		add_limits(page, plan, card, next);
	}
}

static void add_fact(struct page *page, enum report_word word, const char *value)
{
	page_markup(page, "<li>");
	PAGE_WORD(page, word);
	page_markup(page, "<strong>");
	page_str(page, value);
	page_markup(page, "</strong></li>\n");
}

static void add_rank(struct page *page, const json_t *card)
{
	page_markup(page, "<li>");
	PAGE_WORD(page, REPORT_RANK);
	page_markup(page, "<strong>");
	PAGE_SAY(page, REPORT_RANK_OF, member(card, "rank"), member(card, "ranked"));
	page_markup(page, "</strong><small>");
	PAGE_SAY(page, REPORT_RANK_RANGE, member(card, "best"), member(card, "worst"));
	page_markup(page, "</small></li>\n");
}

static void add_score(struct page *page, const json_t *plan, const json_t *card)
{
	struct figure score = figure_decimal(member(card, "score")), low = figure_decimal(member(card, "low")),
	              high = figure_decimal(member(card, "high")), weight = figure_decimal(member(card, "weight")),
	              from = figure_decimal(member(card, "from_events"));
	const char *least = member(json_object_get(plan, "rules"), "min_weight");
	if (member(card, "score") == NULL) {
		PAGE_LINE(page, "p", REPORT_NO_SCORE, weight.text, least == NULL ? "60" : least);
		return;
	}
	page_markup(page, "<ul class=\"facts\">\n<li>");
	PAGE_WORD(page, REPORT_SCORE);
	page_markup(page, "<strong>");
	page_str(page, score.text);
	page_markup(page, "</strong><small>");
	PAGE_SAY(page, REPORT_INTERVAL, low.text, high.text);
	page_markup(page, "</small></li>\n");
	add_fact(page, REPORT_GRADE, member(card, "grade"));
	/* What a grade pays is between a person and those who pay. */
	if (member(card, "coefficient") != NULL && is(card, "level", "agent")) {
		struct figure coefficient = figure_decimal(member(card, "coefficient"));
		add_fact(page, REPORT_COEFFICIENT, coefficient.text);
	}
	add_rank(page, card);
	page_markup(page, "</ul>\n");
	draw_score(page, card, members(plan, "grades"));
	add_next_grade(page, plan, card);
	if (member_millionths(card, "from_events") != member_millionths(card, "weight"))
		PAGE_LINE(page, "p", REPORT_FROM_EVENTS, weight.text, from.text);
}

/* ---- line by line ---- */

static void add_rule(struct page *page, const json_t *rules)
{
	struct buf words = BUF_INIT;
	appraisal_describe_score(rules, page->language, &words);
	struct text text = buf_text(&words);
	while (text.len > 0 && text.ptr[0] == ' ') {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	page_markup(page, "<small>");
	page_text(page, text);
	page_markup(page, "</small>");
	buf_release(&words);
}

static void add_sums(struct page *page, const json_t *result, const json_t *rules)
{
	struct figure above = figure_decimal(member(result, "above")), base = figure_decimal(member(result, "base"));
	page_str(page, above.text);
	if (member(result, "base") != NULL) {
		page_markup(page, " / ");
		page_str(page, base.text);
	}
	if (is(rules, "value", "manual")) {
		page_markup(page, "<small>");
		PAGE_WORD(page, REPORT_MANUAL);
		page_markup(page, "</small>");
	}
}

static void add_value(struct page *page, const json_t *result, const json_t *rules)
{
	struct figure value = figure_value(page->language, rules, member(result, "value")),
	              expected = figure_value(page->language, rules, member(result, "expected")),
	              adjusted = figure_value(page->language, rules, member(result, "adjusted"));
	page_str(page, value.text);
	if (member(result, "adjusted") == NULL)
		return;
	page_markup(page, "<small>");
	PAGE_SAY(page, REPORT_ADJUSTED, expected.text, adjusted.text);
	page_markup(page, "</small>");
}

static void add_interval(struct page *page, const json_t *result, const json_t *rules)
{
	struct figure low = figure_percent(member(result, "low")), high = figure_percent(member(result, "high"));
	if (member(result, "low") == NULL) {
		page_markup(page, "–");
		return;
	}
	draw_interval(page, result, rules);
	page_markup(page, "<small>");
	PAGE_SAY(page, REPORT_INTERVAL, low.text, high.text);
	page_markup(page, "</small>");
}

static void add_points(struct page *page, const json_t *plan, const json_t *result, const json_t *rules)
{
	const char *least = member(rules, "min_n");
	struct figure points = figure_decimal(member(result, "points")),
	              weight = figure_decimal(member(result, "weight")), n = figure_decimal(member(result, "n"));
	least = least != NULL ? least : member(json_object_get(plan, "rules"), "min_n");
	if (is(result, "status", "scored")) {
		page_markup(page, "<strong>");
		page_str(page, points.text);
		page_markup(page, "</strong> / ");
		page_str(page, weight.text);
	} else if (is(result, "status", "no_data")) {
		PAGE_SAY(page, REPORT_NO_DATA, weight.text);
	} else {
		PAGE_SAY(page, REPORT_TOO_FEW, n.text, least == NULL ? "30" : least, weight.text);
	}
}

static void add_line(struct page *page, const json_t *plan, const json_t *result, const json_t *rules)
{
	page_markup(page, "<tr><th scope=\"row\">");
	page_str(page, report_title(page, rules));
	add_rule(page, rules);
	page_markup(page, "</th><td>");
	add_sums(page, result, rules);
	page_markup(page, "</td><td>");
	add_value(page, result, rules);
	page_markup(page, "</td><td>");
	add_interval(page, result, rules);
	page_markup(page, "</td><td>");
	add_points(page, plan, result, rules);
	page_markup(page, "</td></tr>\n");
}

static int64_t points_of(const json_t *card)
{
	int64_t sum = 0;
	size_t i;
	json_t *result;
	json_array_foreach(members(card, "indicators"), i, result) sum += member_millionths(result, "points");
	return sum;
}

static void add_total(struct page *page, const json_t *card)
{
	struct figure points = figure_millionths(points_of(card)), weight = figure_decimal(member(card, "weight")),
	              base = figure_decimal(member(card, "base_score")), hand = figure_decimal(member(card, "by_hand")),
	              score = figure_decimal(member(card, "score"));
	if (member(card, "score") == NULL)
		return;
	PAGE_LINE(page, "p", REPORT_SUM, points.text, weight.text, base.text);
	if (member_millionths(card, "by_hand") != 0)
		PAGE_LINE(page, "p", REPORT_BY_HAND, hand.text, score.text);
}

static void add_lines(struct page *page, const json_t *plan, const json_t *card)
{
	static const enum report_word columns[] = {REPORT_INDICATOR, REPORT_FIGURES, REPORT_VALUE, REPORT_BETWEEN,
	                                           REPORT_POINTS};
	const json_t *rules = members(json_object_get(plan, "rules"), "indicators");
	size_t i;
	json_t *result;
	page_heading(page, "h3", REPORT_LINES);
	page_wide_begin(page, "lines", REPORT_LINES);
	page_table_begin(page, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(members(card, "indicators"), i, result)
	        add_line(page, plan, result, json_array_get(rules, i));
	page_markup(page, "</tbody></table>\n</div>\n");
	add_total(page, card);
}

/* ---- dimensions ---- */

static void add_dimensions(struct page *page, const json_t *card)
{
	static const enum report_word columns[] = {REPORT_DIMENSION, REPORT_SCORE};
	const json_t *dimensions = members(card, "dimensions");
	size_t i;
	json_t *dimension;
	if (json_array_size(dimensions) == 0)
		return;
	page_heading(page, "h3", REPORT_DIMENSIONS);
	page_table_begin(page, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(dimensions, i, dimension)
	{
		struct figure score = figure_decimal(member(dimension, "score"));
		page_markup(page, "<tr><th scope=\"row\">");
		page_str(page, member(dimension, "name"));
		page_markup(page, "</th><td>");
		page_str(page, member(dimension, "score") != NULL ? score.text
		                                                  : report_word(page->language, REPORT_NOT_SCORED));
		page_markup(page, "</td></tr>\n");
	}
	page_markup(page, "</tbody></table>\n");
}

/* The usual five dimensions have Chinese names (rule Q1). */
static const char *quality_name(const struct page *page, const char *name)
{
	static const char *const known[][2] = {{"tangibles", "有形性"},
	                                       {"reliability", "可靠性"},
	                                       {"responsiveness", "响应性"},
	                                       {"assurance", "保证性"},
	                                       {"empathy", "移情性"}};
	if (name[0] == '\0')
		return report_word(page->language, REPORT_OTHER_ITEMS);
	for (size_t i = 0; page->language == APPRAISAL_ZH && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i][0], name) == 0)
			return known[i][1];
	return name;
}

static void add_quality(struct page *page, const json_t *card)
{
	static const enum report_word columns[] = {REPORT_DIMENSION, REPORT_ANSWERS, REPORT_PERCEIVED, REPORT_GAP};
	const json_t *gaps = members(card, "gaps");
	size_t i;
	json_t *one;
	if (json_array_size(gaps) == 0)
		return;
	page_heading(page, "h3", REPORT_QUALITY);
	page_table_begin(page, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(gaps, i, one)
	{
		struct figure answered = figure_decimal(member(one, "answered")),
		              perceived = figure_percent(member(one, "perception")),
		              gap = figure_percent(member(one, "gap"));
		page_markup(page, "<tr><th scope=\"row\">");
		page_str(page, quality_name(page, member(one, "dimension")));
		page_markup(page, "</th><td>");
		page_str(page, answered.text);
		page_markup(page, "</td><td>");
		page_str(page, perceived.text);
		page_markup(page, "</td><td>");
		page_str(page, gap.text);
		page_markup(page, "</td></tr>\n");
	}
	page_markup(page, "</tbody></table>\n");
}

/* ---- what costs most ---- */

static void add_cost_tickets(struct page *page, const json_t *tickets)
{
	size_t i;
	json_t *ticket;
	PAGE_LINE(page, "p", REPORT_COST_TICKETS, "");
	page_markup(page, "<ul class=\"tickets\">\n");
	json_array_foreach(tickets, i, ticket)
	{
		struct figure above = figure_decimal(member(ticket, "above")),
		              base = figure_decimal(member(ticket, "base"));
		page_markup(page, "<li>");
		page_str(page, member(ticket, "ticket"));
		page_markup(page, " <small>");
		page_str(page, above.text);
		if (member(ticket, "base") != NULL) {
			page_markup(page, " / ");
			page_str(page, base.text);
		}
		page_markup(page, "</small></li>\n");
	}
	page_markup(page, "</ul>\n");
}

static void add_cost(struct page *page, const json_t *plan, const json_t *card)
{
	const json_t *cost = json_object_get(card, "cost"), *tickets = members(cost, "tickets");
	const json_t *result = member_of(members(card, "indicators"), "name", member(cost, "name"));
	struct figure lost = figure_millionths(member_millionths(result, "weight") -
	                                       member_millionths(result, "points")),
	              weight = figure_decimal(member(result, "weight"));
	page_heading(page, "h3", REPORT_COST);
	if (result == NULL) {
		PAGE_LINE(page, "p", REPORT_COST_NONE, "");
		return;
	}
	PAGE_LINE(page, "p", REPORT_COST_POINTS, report_title_of(page, plan, member(cost, "name")), lost.text,
	          weight.text);
	if (json_array_size(tickets) > 0)
		add_cost_tickets(page, tickets);
	else
		PAGE_LINE(page, "p", REPORT_COST_NO_TICKETS, "");
}

/* ---- the others ---- */

static void add_funnels(struct page *page, const json_t *plan, const json_t *card)
{
	const json_t *funnels = members(json_object_get(plan, "peers"), "funnels");
	size_t i;
	json_t *funnel;
	if (json_array_size(funnels) == 0)
		PAGE_LINE(page, "p", REPORT_FUNNELS_FEW, "");
	else
		PAGE_LINE(page, "p", REPORT_FUNNEL_READ, "");
	json_array_foreach(funnels, i, funnel)
	{
		const char *name = member(funnel, "name");
		struct figure rate = figure_percent(member(funnel, "rate"));
		page_markup(page, "<figure><figcaption>");
		page_str(page, report_title_of(page, plan, name));
		page_markup(page, ", ");
		PAGE_SAY(page, REPORT_TOGETHER, rate.text);
		page_markup(page, "</figcaption>");
		draw_funnel(page, funnel, member_of(members(card, "indicators"), "name", name),
		            report_title_of(page, plan, name));
		page_markup(page, "</figure>\n");
	}
}

static void add_peers(struct page *page, const json_t *plan, const json_t *card)
{
	const json_t *peers = json_object_get(plan, "peers"), *quartiles = members(peers, "quartiles");
	page_heading(page, "h3", REPORT_PEERS);
	if (json_array_size(quartiles) == 3) {
		struct figure lower = figure_decimal(json_string_value(json_array_get(quartiles, 0))),
		              middle = figure_decimal(json_string_value(json_array_get(quartiles, 1))),
		              upper = figure_decimal(json_string_value(json_array_get(quartiles, 2)));
		PAGE_LINE(page, "p", REPORT_QUARTILES, member(peers, "scored"), lower.text, middle.text, upper.text);
	} else {
		PAGE_LINE(page, "p", REPORT_QUARTILES_FEW, "");
	}
	add_funnels(page, plan, card);
}

/* ---- the whole card ---- */

static void add_past(struct page *page, const json_t *document, const json_t *card)
{
	page_heading(page, "h3", REPORT_PAST);
	PAGE_LINE(page, "p", REPORT_PAST_READ, "");
	draw_past(page, card, member(document, "key"));
}

/* A copy of the rules without what grades pay. */
static json_t *without_coefficients(const json_t *rules)
{
	json_t *copy = json_deep_copy(rules), *grade;
	size_t i;
	json_array_foreach(json_object_get(copy, "grades"), i, grade) json_object_del(grade, "coefficient");
	return copy;
}

static void add_words(struct page *page, const json_t *plan, bool is_agent)
{
	struct buf words = BUF_INIT;
	json_t *rules = without_coefficients(json_object_get(plan, "rules"));
	appraisal_describe_plan(is_agent ? json_object_get(plan, "rules") : rules, page->language, &words);
	page_heading(page, "h3", REPORT_WORDS);
	page_markup(page, "<div class=\"words\">");
	struct text text = buf_text(&words);
	while (text.len > 0 && (text.ptr[0] == '\n' || text.ptr[0] == ' '))
		text = (struct text){text.ptr + 1, text.len - 1};
	page_text(page, text);
	page_markup(page, "</div>\n");
	json_decref(rules);
	buf_release(&words);
}

void report_card(struct page *page, const json_t *document, const json_t *plan, const json_t *card)
{
	bool is_agent = is(card, "level", "agent");
	page_markup(page, "<section>\n<h2>");
	page_str(page, member(plan, "name"));
	page_markup(page, "</h2>\n");
	if (member_millionths(card, "version") > 1000000)
		PAGE_LINE(page, "p", REPORT_CARD_VERSION, member(card, "version"), member(card, "made_at"));
	add_score(page, plan, card);
	add_lines(page, plan, card);
	add_dimensions(page, card);
	add_quality(page, card);
	if (is(card, "level", "team"))
		report_members(page, plan, card);
	if (is_agent) {
		add_cost(page, plan, card);
		add_peers(page, plan, card);
	}
	add_past(page, document, card);
	report_records(page, document, plan, card);
	add_words(page, plan, is_agent);
	page_markup(page, "</section>\n");
}
