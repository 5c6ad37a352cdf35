/* Writes the live view as text. */
#include "app/progress_bar.h"
#include "cli/table.h"
#include "cli/top.h"

/* Rows above the sections, and rows of a section above its table rows. */
enum { TOP_ROWS = 8, HEADING_ROWS = 3 };

struct page {
	const struct top_view *view;
	const struct term *term;
	struct buf *out;
};

static void add_styled(struct page *page, enum term_style style, struct text t)
{
	term_style(page->out, page->term, style);
	term_escape(page->out, t);
	term_style(page->out, page->term, TERM_PLAIN);
}

/* ---- header ---- */

static void add_number(struct page *page, const char *before, int64_t n, const char *after, enum term_style style)
{
	buf_add_str(page->out, before);
	if (style != TERM_PLAIN)
		term_style(page->out, page->term, style);
	term_count(page->out, n);
	buf_add_str(page->out, after);
	if (style != TERM_PLAIN)
		term_style(page->out, page->term, TERM_PLAIN);
}

/* Rounds to 0.1 s. A negative age is shown as 0: the clocks of two machines differ. */
static void add_age(struct buf *out, int64_t age_us)
{
	enum { TENTH_US = 100000 };
	term_duration(out, age_us < 0 ? 0 : age_us / TENTH_US * TENTH_US);
	buf_add_str(out, " ago");
}

/* A sum that lacks some partitions is a lower bound. */
static void add_lag(struct page *page)
{
	const struct top_view *view = page->view;
	bool is_whole = view->n_lag_unknown == 0;
	if (view->lag_messages > 0 || (is_whole && view->lag_messages == 0)) {
		add_number(page, is_whole ? "   " : "   at least ", view->lag_messages, " behind",
		           view->lag_messages > 10000 ? TERM_YELLOW : TERM_PLAIN);
	} else if (!is_whole) {
		buf_add_str(page->out, "   ");
		add_styled(page, TERM_YELLOW, TEXT("lag unknown"));
	}
}

static void write_input(struct page *page)
{
	const struct top_view *view = page->view;
	add_styled(page, TERM_BOLD, TEXT("kpid"));
	buf_add_str(page->out, "  ");
	term_time(page->out, view->now_us / US_PER_SECOND * US_PER_SECOND);
	buf_add_str(page->out, " UTC");
	if (view->per_second >= 0)
		add_number(page, "   ", view->per_second, " events/s", TERM_BOLD);
	add_number(page, "   ", view->n_messages, " read", TERM_PLAIN);
	add_lag(page);
	buf_add_str(page->out, "   ");
	if (view->complete_us == TIME_NONE) {
		buf_add_str(page->out,
		            view->n_running + view->n_stopped > 0 ? "completeness unknown" : "nothing is being read");
	} else {
		buf_add_str(page->out, "complete up to ");
		add_age(page->out, view->now_us - view->complete_us);
	}
	buf_add_char(page->out, '\n');
}

/* Without a time to go where it is unknown, and without a bar where the ends of partitions are. */
static void write_backlog(struct page *page)
{
	const struct read_progress *progress = &page->view->progress;
	const struct catch_up_sample *now = &progress->samples[progress->n - 1];
	int64_t per_second = read_progress_per_second(progress), to_go_us = read_progress_to_go_us(progress);
	double share = read_progress_share(progress);
	add_styled(page, TERM_YELLOW, TEXT("reading a backlog"));
	if (share >= 0) {
		char cells[PROGRESS_CELLS + 1];
		progress_bar_cells(share, cells);
		/* Rounded down, so that 100 % means all. */
		buf_add_format(page->out, "  [%s] %d %%", cells, (int)(share * 100));
	}
	if (per_second >= 0)
		add_number(page, "   ", per_second, "/s", TERM_PLAIN);
	add_number(page, now->n_unknown > 0 ? "   at least " : "   ", now->n_left, " left", TERM_PLAIN);
	if (to_go_us >= 0) {
		buf_add_str(page->out, "   ");
		term_duration(page->out, (to_go_us + US_PER_SECOND - 1) / US_PER_SECOND * US_PER_SECOND);
		buf_add_str(page->out, " to go");
	}
	buf_add_char(page->out, '\n');
}

static void write_counts(struct page *page, const char *notice)
{
	const struct top_view *view = page->view;
	if (notice != NULL) {
		add_styled(page, TERM_RED, text_of(notice));
		buf_add_char(page->out, '\n');
		return;
	}
	add_number(page, "", view->n_open, " open", TERM_BOLD);
	add_number(page, "   ", view->n_breached, " breached now", view->n_breached > 0 ? TERM_RED : TERM_GREEN);
	add_number(page, "   ", view->n_at_risk, " at risk", view->n_at_risk > 0 ? TERM_YELLOW : TERM_PLAIN);
	add_number(page, "   ", view->n_pending, " pending", TERM_PLAIN);
	add_number(page, "   ", view->n_paused, " paused", TERM_PLAIN);
	add_number(page, "   ", view->n_dead_letters, " rejected", TERM_PLAIN);
	if (view->n_stopped > 0)
		add_number(page, "   ", view->n_stopped,
		           view->n_stopped == 1 ? " partition STOPPED" : " partitions STOPPED", TERM_RED);
	buf_add_char(page->out, '\n');
}

/* ---- compliance ---- */

static enum term_style sla_style(const struct top_sla *sla)
{
	if (sla->measured == 0)
		return TERM_DIM;
	if (sla->within == sla->measured)
		return TERM_GREEN;
	return sla->within * 10 < sla->measured * 9 ? TERM_RED : TERM_YELLOW;
}

/* Adds two cells: "41 / 44" and "93.1 %", rounded down so that 100 % means all; "–" if nothing was measured. */
static void add_sla(struct table *table, const struct top_sla *sla)
{
	enum term_style style = sla_style(sla);
	if (sla->measured == 0) {
		table_text(table, style, TEXT("–"));
		table_text(table, style, TEXT("–"));
		return;
	}
	int64_t permille = sla->within * 1000 / sla->measured;
	table_format(table, TERM_PLAIN, "%lld / %lld", (long long)sla->within, (long long)sla->measured);
	table_format(table, style, "%lld.%lld %%", (long long)(permille / 10), (long long)(permille % 10));
}

static void write_compliance(struct page *page)
{
	static const struct table_column columns[] = {{"within SLA", false, false},
	                                              {"last hour", true, false},
	                                              {"", true, false},
	                                              {"today", true, false},
	                                              {"", true, false}};
	struct table table;
	table_init(&table, columns, 5);
	for (int target = 0; target < TARGET_N; target++) {
		table_text(&table, TERM_PLAIN, text_of(sla_target_name((enum sla_target)target)));
		add_sla(&table, &page->view->slas[TOP_HOUR][target]);
		add_sla(&table, &page->view->slas[TOP_TODAY][target]);
	}
	buf_add_char(page->out, '\n');
	table_write(&table, page->term, page->out);
	table_release(&table);
}

/* ---- sections ---- */

static void write_section(struct page *page, const char *title, const struct table *table)
{
	buf_add_char(page->out, '\n');
	add_styled(page, TERM_BOLD, text_of(title));
	buf_add_char(page->out, '\n');
	table_write(table, page->term, page->out);
}

static void write_agents(struct page *page, size_t n)
{
	static const struct table_column columns[] = {
	        {"agent", false, true},  {"opened", true, false}, {"responded", true, false}, {"resolved", true, false},
	        {"within", true, false}, {"SLA", true, false},    {"breaches", true, false},  {"backlog", true, false}};
	struct table table;
	struct buf title = BUF_INIT;
	table_init(&table, columns, 8);
	for (size_t i = 0; i < n; i++) {
		const struct top_agent *agent = &page->view->agents[i];
		int64_t n_breaches = agent->sla.measured - agent->sla.within;
		table_text(&table, TERM_PLAIN, agent_or_nobody(agent->agent_id));
		table_count(&table, TERM_PLAIN, agent->opened);
		table_count(&table, TERM_PLAIN, agent->responded);
		table_count(&table, TERM_PLAIN, agent->resolved);
		add_sla(&table, &agent->sla);
		table_count(&table, n_breaches > 0 ? TERM_RED : TERM_PLAIN, n_breaches);
		table_count(&table, TERM_PLAIN, agent->backlog);
	}
	buf_add_str(&title, "Agents, last hour");
	if (page->view->n_agents > (int64_t)n)
		buf_add_format(&title, " (%zu of %lld)", n, (long long)page->view->n_agents);
	write_section(page, title.data, &table);
	buf_release(&title);
	table_release(&table);
}

static void write_deadlines(struct page *page, size_t n)
{
	static const struct table_column columns[] = {{"ticket", false, true},   {"target", false, false},
	                                              {"left", true, false},     {"owner", false, true},
	                                              {"priority", false, true}, {"category", false, true}};
	struct table table;
	table_init(&table, columns, 6);
	for (size_t i = 0; i < n; i++) {
		const struct top_deadline *deadline = &page->view->deadlines[i];
		struct buf left = BUF_INIT;
		bool passed = deadline->left_us < 0;
		buf_add_str(&left, passed ? "-" : "");
		term_duration(&left, deadline->left_us / US_PER_SECOND * US_PER_SECOND);
		table_text(&table, TERM_PLAIN, deadline->ticket_id);
		table_text(&table, TERM_PLAIN, deadline->target);
		table_text(&table,
		           passed                                        ? TERM_RED
		           : text_same(deadline->state, TEXT("at_risk")) ? TERM_YELLOW
		                                                         : TERM_PLAIN,
		           buf_text(&left));
		table_text(&table, TERM_PLAIN, agent_or_nobody(deadline->agent_id));
		table_text(&table, TERM_PLAIN, deadline->priority);
		table_text(&table, TERM_PLAIN, deadline->category);
		buf_release(&left);
	}
	write_section(page, "Nearest deadlines", &table);
	table_release(&table);
}

static enum term_style alert_style(struct text state)
{
	bool open = text_same(state, TEXT("breached")) || text_same(state, TEXT("acknowledged"));
	return open ? TERM_RED : TERM_PLAIN;
}

static void write_alerts(struct page *page, size_t n)
{
	static const struct table_column columns[] = {{"found (UTC)", false, false}, {"ticket", false, true},
	                                              {"target", false, false},      {"state", false, false},
	                                              {"after", true, false},        {"owner then", false, true},
	                                              {"policy", false, true}};
	struct table table;
	table_init(&table, columns, 7);
	for (size_t i = 0; i < n; i++) {
		const struct top_alert *alert = &page->view->alerts[i];
		struct buf time = BUF_INIT, after = BUF_INIT;
		term_time(&time, alert->detected_us / 1000 * 1000);
		term_duration(&after, (alert->detected_us - alert->breached_us) / 10000 * 10000);
		table_text(&table, TERM_PLAIN, (struct text){time.data + 11, (uint32_t)time.len_bytes - 11});
		table_text(&table, TERM_PLAIN, alert->ticket_id);
		table_text(&table, TERM_PLAIN, alert->target);
		table_text(&table, alert_style(alert->state), alert->state);
		table_text(&table, TERM_PLAIN, buf_text(&after));
		table_text(&table, TERM_PLAIN, agent_or_nobody(alert->owner));
		table_text(&table, TERM_PLAIN, alert->policy);
		buf_release(&time);
		buf_release(&after);
	}
	write_section(page, "Newest alerts", &table);
	table_release(&table);
}

static void write_partitions(struct page *page, size_t n)
{
	static const struct table_column columns[] = {{"partition", false, true}, {"state", false, false},
	                                              {"behind", true, false},    {"complete up to", true, false},
	                                              {"owner", false, true},     {"reason", false, true}};
	struct table table;
	table_init(&table, columns, 6);
	for (size_t i = 0; i < n; i++) {
		const struct top_partition *partition = &page->view->partitions[i];
		struct buf late = BUF_INIT;
		if (partition->complete_us != TIME_NONE)
			add_age(&late, page->view->now_us - partition->complete_us);
		else
			buf_add_str(&late, "–");
		table_format(&table, TERM_PLAIN, "%.*s/%d", (int)partition->topic.len, partition->topic.ptr,
		             (int)partition->partition);
		table_text(&table, text_same(partition->state, TEXT("stopped")) ? TERM_RED : TERM_PLAIN,
		           partition->state);
		if (partition->lag_messages == LAG_UNKNOWN)
			table_text(&table, TERM_YELLOW, TEXT("unknown"));
		else
			table_count(&table, TERM_PLAIN, partition->lag_messages);
		table_text(&table, TERM_PLAIN, buf_text(&late));
		table_text(&table, TERM_PLAIN, partition->owner);
		table_text(&table, TERM_PLAIN, partition->state_reason);
		buf_release(&late);
	}
	write_section(page, "Partitions", &table);
	table_release(&table);
}

/* ---- the page ---- */

enum section { SECTION_AGENTS, SECTION_DEADLINES, SECTION_ALERTS, SECTION_PARTITIONS, N_SECTIONS };

/* The section that loses a row: the longest; once all are short, the least important. */
static size_t section_to_cut(const size_t n[N_SECTIONS])
{
	enum { SHORT = 3 };
	static const enum section by_importance[] = {SECTION_PARTITIONS, SECTION_ALERTS, SECTION_AGENTS,
	                                             SECTION_DEADLINES};
	size_t longest = 0, least = 0;
	for (size_t i = 0; i < N_SECTIONS; i++)
		longest = n[i] > n[longest] ? i : longest;
	if (n[longest] > SHORT)
		return longest;
	while (least + 1 < N_SECTIONS && n[by_importance[least]] == 0)
		least++;
	return by_importance[least];
}

/* Rows of each section: all that it has, reduced one by one until the page fits. */
static void share_rows(const struct top_view *view, size_t rows, size_t n_out[N_SECTIONS])
{
	n_out[SECTION_AGENTS] = view->n_shown_agents;
	n_out[SECTION_DEADLINES] = view->n_deadlines;
	n_out[SECTION_ALERTS] = view->n_alerts;
	n_out[SECTION_PARTITIONS] = view->n_partitions;
	for (;;) {
		size_t used = TOP_ROWS + view->is_behind, section = section_to_cut(n_out);
		for (size_t i = 0; i < N_SECTIONS; i++)
			used += n_out[i] == 0 ? 0 : n_out[i] + HEADING_ROWS;
		if (used <= rows || n_out[section] == 0)
			return;
		n_out[section]--;
	}
}

static void cut(const struct term *term, const struct buf *page, struct buf *out)
{
	size_t n_lines = 0;
	for (const char *line = page->data, *end; *line != '\0' && n_lines < term->rows; line = end + 1, n_lines++) {
		end = strchr(line, '\n');
		term_cut_line(out, (struct text){line, (uint32_t)(end - line)}, term->columns);
		term_style(out, term, TERM_PLAIN);
		buf_add_char(out, '\n');
	}
}

void top_view_write(const struct top_view *view, const struct term *term, const char *notice, struct buf *out)
{
	static void (*const writers[N_SECTIONS])(struct page * page, size_t n) = {write_agents, write_deadlines,
	                                                                          write_alerts, write_partitions};
	struct buf whole = BUF_INIT;
	struct page page = {view, term, &whole};
	size_t n[N_SECTIONS];
	share_rows(view, term->rows, n);
	write_input(&page);
	if (view->is_behind)
		write_backlog(&page);
	write_counts(&page, notice);
	write_compliance(&page);
	for (size_t i = 0; i < N_SECTIONS; i++)
		if (n[i] > 0)
			writers[i](&page, n[i]);
	cut(term, &whole, out);
	buf_release(&whole);
}
