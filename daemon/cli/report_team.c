/* Pages over several cards: the agents of a team, and the list of all cards. */
#include <stdlib.h>
#include <string.h>

#include "cli/report_page.h"

static const json_t *card_of(const json_t *plan, const char *level, const char *subject)
{
	size_t i;
	json_t *card;
	json_array_foreach(members(plan, "cards"), i,
	                   card) if (strcmp(member(card, "level"), level) == 0 &&
	                             strcmp(member(card, "subject"), subject) == 0) return card;
	return NULL;
}

static void add_link(struct page *page, const char *level, const char *subject)
{
	char *file = report_file_name(level, subject);
	page_markup(page, "<a href=\"");
	page_str(page, file);
	page_markup(page, "\">");
	page_str(page, subject);
	page_markup(page, "</a>");
	free(file);
}

/* ---- the heat map ---- */

/* Which part of its points an indicator has: the worst is 0. */
static int heat_of(const json_t *result)
{
	int64_t points = member_millionths(result, "points"), weight = member_millionths(result, "weight");
	static const int least[] = {50, 70, 85, 95}; /* percent */
	int heat = 0;
	while (heat < 4 && points * 100 >= weight * least[heat])
		heat++;
	return heat;
}

static void add_field(struct page *page, const json_t *result, const json_t *rules)
{
	static const char *const marks[] = {"▼ ", "", "", "", "▲ "};
	const char *counted = member(result, "adjusted") != NULL ? "adjusted" : "value";
	struct figure value = figure_value(page->language, rules, member(result, counted)),
	              points = figure_decimal(member(result, "points")),
	              weight = figure_decimal(member(result, "weight"));
	if (member(result, "points") == NULL) {
		page_markup(page, "<td>–<small>");
		PAGE_WORD(page, REPORT_NOT_SCORED);
		page_markup(page, "</small></td>");
		return;
	}
	buf_add_format(&page->out, "<td class=\"heat%d\">%s", heat_of(result), marks[heat_of(result)]);
	page_str(page, value.text);
	page_markup(page, "<small>");
	PAGE_SAY(page, REPORT_POINTS_OF, points.text, weight.text);
	page_markup(page, "</small></td>");
}

static void add_member(struct page *page, const json_t *plan, const json_t *card)
{
	const json_t *rules = members(json_object_get(plan, "rules"), "indicators");
	struct figure score = figure_decimal(member(card, "score"));
	size_t i;
	json_t *result;
	page_markup(page, "<tr><th scope=\"row\">");
	add_link(page, "agent", member(card, "subject"));
	page_markup(page, "</th><td>");
	page_str(page, score.text);
	if (member(card, "grade") != NULL) {
		page_markup(page, " <strong>");
		page_str(page, member(card, "grade"));
		page_markup(page, "</strong>");
	}
	page_markup(page, "</td>");
	json_array_foreach(members(card, "indicators"), i, result) add_field(page, result, json_array_get(rules, i));
	page_markup(page, "</tr>\n");
}

static void begin_heat_map(struct page *page, const json_t *plan)
{
	size_t i;
	json_t *rules;
	PAGE_LINE(page, "p", REPORT_HEAT_READ, "");
	page_wide_begin(page, "heat", REPORT_MEMBERS);
	page_markup(page, "<table>\n<thead><tr><th scope=\"col\">");
	PAGE_WORD(page, REPORT_AGENT);
	page_markup(page, "</th><th scope=\"col\">");
	PAGE_WORD(page, REPORT_SCORE);
	page_markup(page, "</th>");
	json_array_foreach(members(json_object_get(plan, "rules"), "indicators"), i, rules)
	{
		page_markup(page, "<th scope=\"col\">");
		page_str(page, report_title(page, rules));
		page_markup(page, "</th>");
	}
	page_markup(page, "</tr></thead>\n<tbody>\n");
}

void report_members(struct page *page, const json_t *plan, const json_t *card)
{
	size_t i, n = 0;
	json_t *name;
	page_heading(page, "h3", REPORT_MEMBERS);
	json_array_foreach(members(card, "members"), i, name)
	{
		const json_t *agent = card_of(plan, "agent", json_string_value(name));
		if (agent == NULL)
			continue;
		if (n++ == 0)
			begin_heat_map(page, plan);
		add_member(page, plan, agent);
	}
	page_markup(page, n > 0 ? "</tbody></table>\n</div>\n" : "");
	if (n == 0)
		PAGE_LINE(page, "p", REPORT_MEMBERS_NONE, "");
}

/* ---- the list ---- */

static void add_cell(struct page *page, const char *text)
{
	page_markup(page, "<td>");
	page_str(page, text == NULL ? "–" : text);
	page_markup(page, "</td>");
}

static void add_card_row(struct page *page, const json_t *card)
{
	struct figure score = figure_decimal(member(card, "score")), low = figure_decimal(member(card, "low")),
	              high = figure_decimal(member(card, "high"));
	page_markup(page, "<tr><th scope=\"row\">");
	add_link(page, member(card, "level"), member(card, "subject"));
	page_markup(page, "</th>");
	add_cell(page, score.text);
	page_markup(page, "<td>");
	if (member(card, "score") != NULL)
		PAGE_SAY(page, REPORT_INTERVAL, low.text, high.text);
	else
		PAGE_WORD(page, REPORT_NOT_SCORED);
	page_markup(page, "</td>");
	add_cell(page, member(card, "grade"));
	page_markup(page, "<td>");
	if (member(card, "rank") != NULL) {
		PAGE_SAY(page, REPORT_RANK_OF, member(card, "rank"), member(card, "ranked"));
		page_markup(page, "<small>");
		PAGE_SAY(page, REPORT_RANK_RANGE, member(card, "best"), member(card, "worst"));
		page_markup(page, "</small>");
	} else {
		page_markup(page, "–");
	}
	page_markup(page, "</td></tr>\n");
}

static void add_level(struct page *page, const json_t *plan, const char *level, enum report_word word)
{
	static const enum report_word columns[] = {REPORT_SUBJECT, REPORT_SCORE, REPORT_BETWEEN, REPORT_GRADE,
	                                           REPORT_RANK};
	size_t i, n = 0;
	json_t *card;
	json_array_foreach(members(plan, "cards"), i, card)
	{
		if (strcmp(member(card, "level"), level) != 0)
			continue;
		if (n++ == 0) {
			page_heading(page, "h3", word);
			page_table_begin(page, columns, sizeof(columns) / sizeof(columns[0]));
		}
		add_card_row(page, card);
	}
	page_markup(page, n > 0 ? "</tbody></table>\n" : "");
}

static void add_lists(struct page *page)
{
	static const struct {
		const char *file;
		enum report_word word;
	} lists[] = {{"pay.csv", REPORT_PAY}, {"training.csv", REPORT_TRAINING}, {"ranking.csv", REPORT_RANKING}};
	page_heading(page, "h2", REPORT_LISTS);
	page_markup(page, "<ul class=\"lists\">\n");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_add_format(&page->out, "<li><a href=\"%s\">", lists[i].file);
		PAGE_WORD(page, lists[i].word);
		page_markup(page, "</a></li>\n");
	}
	page_markup(page, "</ul>\n");
}

void report_index(struct page *page, const json_t *document)
{
	size_t i;
	json_t *plan;
	json_array_foreach(members(document, "plans"), i, plan)
	{
		page_markup(page, "<section>\n<h2>");
		page_str(page, member(plan, "name"));
		page_markup(page, "</h2>\n");
		add_level(page, plan, "agent", REPORT_AGENT);
		add_level(page, plan, "team", REPORT_TEAM);
		add_level(page, plan, "project", REPORT_PROJECT);
		if (json_array_size(members(plan, "cards")) == 0)
			PAGE_LINE(page, "p", REPORT_NO_CARDS, "");
		page_markup(page, "</section>\n");
	}
	add_lists(page);
}
