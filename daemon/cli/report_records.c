/* What people did about a card: flags, appeals, adjustments, and who looked. */
#include <string.h>

#include "cli/report_page.h"

static void add_flags(struct page *page, const json_t *card)
{
	size_t i, n = 0;
	json_t *flag;
	page_heading(page, "h3", REPORT_FLAGS);
	json_array_foreach(members(card, "flags"), i, flag)
	{
		struct figure mark = figure_decimal(member(flag, "mark")), per = figure_decimal(member(flag, "per")),
		              others_mark = figure_decimal(member(flag, "others_mark")),
		              others_per = figure_decimal(member(flag, "others_per"));
		if (!json_is_true(json_object_get(flag, "raised")))
			continue;
		page_markup(page, n++ == 0 ? "<ul>\n" : "");
		PAGE_LINE(page, "li", REPORT_FLAG, member(flag, "name"), mark.text, per.text, others_mark.text,
		          others_per.text);
	}
	page_markup(page, n > 0 ? "</ul>\n" : "");
	PAGE_LINE(page, "p", n > 0 ? REPORT_FLAGS_READ : REPORT_FLAGS_NONE, "");
}

/* ---- appeals ---- */

static void add_appeal_state(struct page *page, const json_t *appeal)
{
	static const struct {
		const char *state;
		enum report_word word;
	} states[] = {{"withdrawn", REPORT_WITHDRAWN}, {"accepted", REPORT_ACCEPTED}, {"rejected", REPORT_REJECTED}};
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(member(appeal, "state"), states[i].state) == 0) {
			PAGE_SAY(page, states[i].word, member(appeal, "ended_at"), member(appeal, "ended_by"),
			         member(appeal, "reason"));
			return;
		}
	PAGE_SAY(page, json_is_true(json_object_get(appeal, "overdue")) ? REPORT_OVERDUE : REPORT_FILED,
	         member(appeal, "answer_by"));
}

static void add_appeal_subject(struct page *page, const json_t *plan, const json_t *appeal)
{
	size_t i;
	json_t *ticket;
	struct buf about = BUF_INIT;
	if (member(appeal, "indicator") != NULL)
		buf_add_str(&about, report_title_of(page, plan, member(appeal, "indicator")));
	json_array_foreach(members(appeal, "tickets"), i, ticket)
	{
		buf_add_str(&about, about.len_bytes > 0 ? ", " : "");
		buf_add_str(&about, json_string_value(ticket));
	}
	if (about.len_bytes == 0)
		PAGE_WORD(page, REPORT_ABOUT_CARD);
	else
		PAGE_SAY(page, REPORT_ABOUT, buf_text(&about).ptr);
	buf_release(&about);
}

static void add_appeals(struct page *page, const json_t *plan, const json_t *card)
{
	const json_t *appeals = members(card, "appeals");
	size_t i;
	json_t *appeal;
	if (json_array_size(appeals) == 0) {
		PAGE_LINE(page, "p", REPORT_NO_APPEALS, "");
		return;
	}
	page_markup(page, "<ul>\n");
	json_array_foreach(appeals, i, appeal)
	{
		page_markup(page, "<li>");
		PAGE_SAY(page, REPORT_APPEAL, member(appeal, "appeal"), member(appeal, "filed_at"));
		page_markup(page, ", ");
		add_appeal_subject(page, plan, appeal);
		page_markup(page, "<blockquote>");
		page_str(page, member(appeal, "text"));
		page_markup(page, "</blockquote>");
		add_appeal_state(page, appeal);
		page_markup(page, "</li>\n");
	}
	page_markup(page, "</ul>\n");
}

/* ---- adjustments ---- */

static void add_adjustment(struct page *page, const json_t *plan, const json_t *one)
{
	struct figure points = figure_decimal(member(one, "points"));
	page_markup(page, "<li>");
	PAGE_SAY(page, REPORT_ADJUSTMENT, member(one, "adjustment"), member(one, "adjusted_by"),
	         member(one, "adjusted_at"));
	if (member(one, "points") != NULL)
		PAGE_SAY(page, REPORT_HAND, points.text);
	else if (member(one, "undo") != NULL)
		PAGE_SAY(page, REPORT_UNDO, member(one, "undo"));
	else if (member(one, "indicator") != NULL)
		PAGE_SAY(page, REPORT_EXCLUDED, member(one, "exclude"),
		         report_title_of(page, plan, member(one, "indicator")));
	else
		PAGE_SAY(page, REPORT_EXCLUDED_ALL, member(one, "exclude"));
	if (json_is_true(json_object_get(one, "undone")))
		PAGE_WORD(page, REPORT_UNDONE);
	PAGE_SAY(page, REPORT_WHY, member(one, "why"));
	page_markup(page, "</li>\n");
}

static void add_adjustments(struct page *page, const json_t *plan, const json_t *card)
{
	const json_t *adjustments = members(card, "adjustments");
	size_t i;
	json_t *one;
	if (json_array_size(adjustments) == 0)
		return;
	page_markup(page, "<ul>\n");
	json_array_foreach(adjustments, i, one) add_adjustment(page, plan, one);
	page_markup(page, "</ul>\n");
}

static void add_deadlines(struct page *page, const json_t *card)
{
	if (member(card, "appeal_until") != NULL)
		PAGE_LINE(page, "p", REPORT_APPEAL_UNTIL, member(card, "appeal_until"));
	if (member(card, "final_at") != NULL)
		PAGE_LINE(page, "p", REPORT_FINAL_AT, member(card, "final_at"));
	else
		PAGE_LINE(page, "p", REPORT_NOT_FINAL, "");
}

/* ---- who looked ---- */

static void add_looks(struct page *page, const json_t *looks)
{
	static const enum report_word columns[] = {REPORT_WHEN, REPORT_WHO, REPORT_ROLE, REPORT_WHAT, REPORT_REASON};
	static const char *const keys[] = {"read_at", "login", "role", "function", "why"};
	size_t i;
	json_t *one;
	page_heading(page, "h3", REPORT_LOOKS);
	page_table_begin(page, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(looks, i, one)
	{
		page_markup(page, "<tr>");
		for (size_t c = 0; c < sizeof(keys) / sizeof(keys[0]); c++) {
			page_markup(page, "<td>");
			page_str(page, member(one, keys[c]) == NULL ? "–" : member(one, keys[c]));
			page_markup(page, "</td>");
		}
		page_markup(page, "</tr>\n");
	}
	page_markup(page, "</tbody></table>\n");
}

void report_records(struct page *page, const json_t *document, const json_t *plan, const json_t *card)
{
	bool is_agent = strcmp(member(card, "level"), "agent") == 0;
	if (is_agent)
		add_flags(page, card);
	if (is_agent || json_array_size(members(card, "adjustments")) > 0)
		page_heading(page, "h3", REPORT_RECORDS);
	if (is_agent && member(document, "closed_at") == NULL)
		PAGE_LINE(page, "p", REPORT_APPEALS_CLOSED_ONLY, "");
	else if (is_agent)
		add_deadlines(page, card);
	if (is_agent && member(document, "closed_at") != NULL)
		add_appeals(page, plan, card);
	add_adjustments(page, plan, card);
	if (is_agent)
		add_looks(page, members(card, "looks"));
}
