/* The KPIs of a ticket, and its conflicting events. */
#include <stdlib.h>

#include "cli/explain_page.h"

enum { MAX_AGENT_COLUMNS = 24 };

/* ---- figures ---- */

/* As report.agent_kpi_5m has it: seconds and scores in units, counts as they are. */
static void add_measure(struct buf *out, enum kpi_measure measure, int64_t value)
{
	static const struct {
		const char *ending, *instead;
	} parts[] = {{"_us_sum", "_seconds_sum"}, {"_micros_sum", "_sum"}};
	struct text name = text_of(kpi_measure_name(measure));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct text ending = text_of(parts[i].ending);
		if (name.len <= ending.len || memcmp(name.ptr + name.len - ending.len, ending.ptr, ending.len) != 0)
			continue;
		buf_add(out, name.ptr, name.len - ending.len);
		buf_add_format(out, "%s=%s%lld.%06lld", parts[i].instead, value < 0 ? "-" : "",
		               llabs(value / US_PER_SECOND), llabs(value % US_PER_SECOND));
		while (out->data[out->len_bytes - 1] == '0')
			out->data[--out->len_bytes] = '\0';
		if (out->data[out->len_bytes - 1] == '.')
			out->data[--out->len_bytes] = '\0';
		return;
	}
	buf_add_text(out, name);
	buf_add_format(out, "=%lld", (long long)value);
}

static size_t agent_columns(const struct explanation *explanation)
{
	size_t widest = 6;
	for (size_t i = 0; i < explanation->n_kpis; i++) {
		size_t width = term_width(agent_or_nobody(explanation->kpis[i]->agent_id));
		widest = width > widest ? width : widest;
	}
	return widest > MAX_AGENT_COLUMNS ? MAX_AGENT_COLUMNS : widest;
}

static void write_kpi(struct page *page, const struct kpi_row *row, size_t n_agent_columns)
{
	struct buf *words = &page->words;
	size_t indent = 2 + 16 + 2 + n_agent_columns + 2;
	term_spaces(page->out, 2);
	term_time(words, row->bucket_us);
	term_field(page->out, (struct text){words->data, 16}, 16, false);
	buf_clear(words);
	term_spaces(page->out, 2);
	term_field(page->out, agent_or_nobody(row->agent_id), n_agent_columns, false);
	term_spaces(page->out, 2);
	for (int i = 0; i < KPI_N_MEASURES; i++) {
		int64_t value = (int64_t)kpi_row_sum(row, (enum kpi_measure)i); /* fits, because it is of one ticket */
		if (value == 0)
			continue;
		if (words->len_bytes > 0)
			buf_add_char(words, ' ');
		add_measure(words, (enum kpi_measure)i, value);
	}
	term_wrap(page->out, buf_text(words), indent, indent, page->term->columns);
	buf_clear(words);
}

void page_kpis(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	const struct ticket *ticket = &explanation->ticket;
	size_t n_agent_columns = agent_columns(explanation);
	page_section(page, "KPIs that this ticket adds to, by 5 minutes and agent");
	for (size_t i = 0; i < explanation->n_kpis; i++) {
		if (explain_shows(i, explanation->n_kpis))
			write_kpi(page, explanation->kpis[i], n_agent_columns);
		else if (i == EXPLAIN_FIRST)
			page_cut(page, explain_n_cut(explanation->n_kpis), "rows");
	}
	if (ticket->state == TICKET_OPEN || ticket->state == TICKET_PAUSED) {
		buf_add_str(page->out, "  now               ");
		term_field(page->out, agent_or_nobody(ticket->owner_id), n_agent_columns, false);
		buf_add_str(page->out, "  backlog=1\n");
	} else if (explanation->n_kpis == 0) {
		buf_add_str(page->out, "  none\n");
	}
}

/* ---- conflicts ---- */

void page_conflicts(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	struct buf *words = &page->words;
	if (explanation->n_conflicts == 0)
		return;
	page_section(page, "Conflicts: rejected events with the identity of an event above but other content");
	if (explanation->n_conflicts_cut > 0)
		page_cut(page, (size_t)explanation->n_conflicts_cut, "earlier ones");
	for (size_t i = 0; i < explanation->n_conflicts; i++) {
		const struct explain_conflict *conflict = &explanation->conflicts[i];
		buf_add_text(words, conflict->type);
		buf_add_str(words, " of ");
		buf_add_text(words, conflict->time);
		buf_add_str(words, ", ");
		buf_add_text(words, conflict->source);
		buf_add_char(words, ' ');
		buf_add_text(words, conflict->id);
		buf_add_str(words, ": dead letter ");
		buf_add_text(words, conflict->topic);
		buf_add_format(words, "/%d/%lld", (int)conflict->partition, (long long)conflict->offset);
		term_spaces(page->out, 2);
		term_wrap(page->out, buf_text(words), 2, 4, page->term->columns);
		buf_clear(words);
	}
}
