/* The clocks of a ticket, and its recorded alerts. */
#include <stdio.h>

#include "cli/explain_page.h"
#include "kpid/core/timeline.h"

/* ---- clocks ---- */

static void add_margin(struct buf *out, const struct sla_clock *clock)
{
	switch (clock->verdict) {
	case VERDICT_NONE:
		buf_add_str(out, clock->stopped ? "not judged: it ended before it was due" : "not judged");
		break;
	case VERDICT_PENDING:
		if (clock->paused) {
			buf_add_str(out, "pending, paused with ");
			term_duration(out, clock->left_us);
			buf_add_str(out, " left");
		} else {
			buf_add_str(out, "pending");
		}
		break;
	case VERDICT_MET:
		buf_add_str(out, "met, with ");
		term_duration(out, clock->due_us - clock->stopped_us);
		buf_add_str(out, " to spare");
		break;
	case VERDICT_BREACHED:
		buf_add_str(out, "breached");
		if (clock->stopped) {
			buf_add_str(out, ", stopped ");
			term_duration(out, clock->stopped_us - clock->breached_us);
			buf_add_str(out, " too late");
		} else {
			buf_add_str(out, ", still running");
		}
		break;
	}
}

static enum term_style verdict_style(enum sla_verdict verdict)
{
	static const enum term_style styles[] = {
	        [VERDICT_NONE] = TERM_DIM,
	        [VERDICT_PENDING] = TERM_YELLOW,
	        [VERDICT_MET] = TERM_GREEN,
	        [VERDICT_BREACHED] = TERM_RED,
	};
	return styles[verdict];
}

static void write_target(struct page *page, const struct sla_clock *clock)
{
	struct buf *words = &page->words;
	page_label(page, "target");
	if (clock->promised)
		buf_add_str(words, "the time promised in an event");
	else if (clock->within_us != TIME_NONE)
		term_duration(words, clock->within_us);
	else
		buf_add_str(words, "no longer set");
	if (!text_is_absent(clock->calendar)) {
		buf_add_str(words, " of the calendar ");
		buf_add_text(words, clock->calendar);
		buf_add_str(words, " (");
		buf_add_text(words, clock->policy->targets[clock->target].calendar->time_zone);
		buf_add_char(words, ')');
	}
	if (clock->policy != NULL) {
		buf_add_str(words, clock->promised ? "; policy " : " by policy ");
		buf_add_text(words, clock->policy->name);
	}
	page_end_label(page);
}

static void write_breached(struct page *page, const struct sla_clock *clock)
{
	struct buf *words = &page->words;
	page_label(page, "breached");
	term_time(words, clock->breached_us);
	buf_add_str(words, clock->cause == CAUSE_DEADLINE
	                           ? ": its deadline passed"
	                           : ": a changed attribute or promise moved its due time into the past");
	buf_add_str(words, "; owner then: ");
	buf_add_text(words, agent_or_nobody(clock->owner_at_breach));
	if (!text_is_empty(clock->project_at_breach)) {
		buf_add_str(words, ", project ");
		buf_add_text(words, clock->project_at_breach);
	}
	page_end_label(page);
}

/* Adds the local time of its calendar. */
static void add_local(struct buf *out, const struct sla_clock *clock, int64_t at_us)
{
	const struct zone *zone = &target_hours(&clock->policy->targets[clock->target])->zone;
	buf_add_str(out, " (");
	term_time(out, at_us + zone->offset_s(zone->context, at_us) * US_PER_SECOND);
	buf_add_str(out, " local)");
}

/* Writes the time line if it shows more than start and end: with a calendar, or with pauses. */
static void write_timeline(struct page *page, const struct sla_clock *clock)
{
	enum { MOST = 24 };
	struct buf *words = &page->words;
	struct arena arena;
	int64_t until_us = clock->stopped ? clock->stopped_us : page->explanation->as_of_us;
	bool has_zone = !text_is_absent(clock->calendar);
	arena_init(&arena);
	struct timeline line = timeline_of(&page->explanation->ticket, clock, until_us,
	                                   explanation_max_pieces(page->explanation, MOST), &arena);
	for (size_t i = 0; i < line.n && (has_zone || line.n > 1); i++) {
		const struct timeline_piece *piece = &line.pieces[i];
		page_label(page, i == 0 ? "time line" : "");
		term_time(words, piece->from_us);
		if (has_zone)
			add_local(words, clock, piece->from_us);
		buf_add_format(words, " %s ",
		               piece->kind == TIMELINE_PAUSED ? "paused" : timeline_kind_name(piece->kind));
		term_duration(words, piece->to_us - piece->from_us);
		if (piece->kind == TIMELINE_PAUSED) {
			buf_add_str(words, ", reason: ");
			buf_add_text(words, text_is_empty(piece->reason) ? TEXT("none given") : piece->reason);
		} else if (piece->kind == TIMELINE_RUNS) {
			buf_add_str(words, ", ");
			term_duration(words, piece->ran_us);
			buf_add_str(words, " in total");
		}
		page_end_label(page);
	}
	if (line.cut) {
		page_label(page, "");
		buf_add_str(words, "… and more");
		page_end_label(page);
	}
	arena_release(&arena);
}

static void write_warnings(struct page *page, const struct sla_clock *clock)
{
	if (clock->n_warnings > 0) {
		page_label(page, "warned");
		term_time(&page->words, clock->warned_us);
		if (clock->n_warnings > 1)
			buf_add_format(&page->words, ", and %u more", clock->n_warnings - 1);
		page_end_label(page);
	}
	if (clock->level > 0) {
		page_label(page, "escalated");
		buf_add_format(&page->words, "%u time%s", clock->level, clock->level == 1 ? "" : "s");
		page_end_label(page);
	}
}

static void write_stop(struct page *page, const struct sla_clock *clock)
{
	const struct explain_mark *stop = explanation_stop(page->explanation, clock);
	char remark[48] = "";
	if (stop != NULL)
		snprintf(remark, sizeof(remark), ", by event %zu", (size_t)(stop - page->explanation->marks) + 1);
	page_time(page, "stopped", clock->stopped_us, remark);
}

static void write_clock(struct page *page, const struct sla_clock *clock)
{
	struct buf *words = &page->words;
	bool counts = clock->verdict == VERDICT_MET || clock->verdict == VERDICT_BREACHED;
	buf_add_format(words, "%s %u", sla_target_name(clock->target), clock->n);
	term_spaces(page->out, 2);
	term_field(page->out, buf_text(words), LABEL_COLUMNS - 3, false);
	buf_add_char(page->out, ' ');
	buf_clear(words);
	add_margin(words, clock);
	page_styled(page, verdict_style(clock->verdict), buf_text(words));
	buf_clear(words);
	if (counts) {
		buf_add_str(page->out, "; counts for ");
		term_escape(page->out, agent_or_nobody(clock->agent_id));
	}
	buf_add_char(page->out, '\n');
	write_target(page, clock);
	page_time(page, "started", clock->start_us, "");
	if (clock->due_us != TIME_NONE)
		page_time(page, "due", clock->due_us, "");
	write_timeline(page, clock);
	if (clock->verdict == VERDICT_BREACHED)
		write_breached(page, clock);
	write_warnings(page, clock);
	if (clock->stopped)
		write_stop(page, clock);
	buf_add_char(page->out, '\n');
}

void page_clocks(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	page_section(page, "Clocks");
	for (size_t i = 0; i < ticket->n_clocks; i++) {
		if (explain_shows(i, ticket->n_clocks))
			write_clock(page, &ticket->clocks[i]);
		else if (i == EXPLAIN_FIRST)
			page_cut(page, explain_n_cut(ticket->n_clocks), "clocks");
	}
	if (ticket->n_clocks == 0)
		buf_add_str(page->out, ticket->opened_us == TIME_NONE ? "  none: the ticket was not opened\n"
		                                                      : "  none: no target and no promised time\n");
	else
		page->out->data[--page->out->len_bytes] = '\0';
}

/* ---- alerts ---- */

static enum term_style alert_style(struct text state)
{
	if (text_same(state, TEXT("breached")) || text_same(state, TEXT("acknowledged")))
		return TERM_RED;
	return text_same(state, TEXT("warning")) ? TERM_YELLOW : TERM_GREEN;
}

static void write_detection(struct page *page, const struct explain_alert *alert)
{
	struct buf *words = &page->words;
	page_label(page, alert->breached_us == TIME_NONE ? "warning recorded" : "breach recorded");
	term_time(words, alert->detected_us);
	buf_add_str(words, ": due ");
	term_time(words, alert->due_us);
	buf_add_str(words, ", owner ");
	buf_add_text(words, agent_or_nobody(alert->owner_at_breach));
	if (alert->unconfirmed)
		buf_add_str(words, "; unconfirmed, because sources were silent");
	page_end_label(page);
}

static void write_alert(struct page *page, const struct explain_alert *alert)
{
	struct buf *words = &page->words;
	buf_add_text(words, alert->target);
	buf_add_format(words, " %u", alert->n);
	term_spaces(page->out, 2);
	term_field(page->out, buf_text(words), LABEL_COLUMNS - 3, false);
	buf_add_char(page->out, ' ');
	buf_clear(words);
	page_styled(page, alert_style(alert->state), alert->state);
	buf_add_str(page->out, "; delivery ");
	term_escape(page->out, alert->delivery);
	buf_add_format(page->out, ", revision %u\n", alert->revision);
	write_detection(page, alert);
	if (text_same(alert->state, TEXT("voided"))) {
		page_label(page, "voided");
		explanation_add_void(page->explanation, alert, words);
		page_end_label(page);
	}
	if (alert->resolved_us != TIME_NONE)
		page_time(page, "resolved", alert->resolved_us, "");
	buf_add_char(page->out, '\n');
}

void page_alerts(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	if (explanation->n_alerts == 0)
		return;
	page_section(page, "Alerts, as recorded");
	if (explanation->n_alerts_cut > 0)
		page_cut(page, (size_t)explanation->n_alerts_cut, "earlier alerts");
	for (size_t i = 0; i < explanation->n_alerts; i++)
		write_alert(page, &explanation->alerts[i]);
	page->out->data[--page->out->len_bytes] = '\0';
}
