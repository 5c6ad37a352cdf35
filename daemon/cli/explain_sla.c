/* The clocks of a ticket, and what was recorded of them. */
#include <stdio.h>

#include "cli/explain_page.h"

/* ---- clocks ---- */

static void add_margin(struct buf *out, const struct sla_clock *clock)
{
	switch (clock->verdict) {
	case VERDICT_NONE:
		buf_add_str(out, clock->stopped ? "not judged: it ended before it was due" : "not judged");
		break;
	case VERDICT_PENDING:
		if (clock->paused) {
			buf_add_str(out, "pending, stands in a pause with ");
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
		buf_add_str(words, "none any more");
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
	                           : ": a change of attributes or promise put its due time into the past");
	buf_add_str(words, "; owner then: ");
	buf_add_text(words, somebody(clock->owner_at_breach));
	if (!text_is_empty(clock->project_at_breach)) {
		buf_add_str(words, ", project ");
		buf_add_text(words, clock->project_at_breach);
	}
	page_end_label(page);
}

static void write_stop(struct page *page, const struct sla_clock *clock)
{
	const struct explain_step *stop = explanation_stop(page->explanation, clock);
	char remark[48] = "";
	if (stop != NULL)
		snprintf(remark, sizeof(remark), ", by event %zu", (size_t)(stop - page->explanation->steps) + 1);
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
		term_escape(page->out, somebody(clock->agent_id));
	}
	buf_add_char(page->out, '\n');
	write_target(page, clock);
	page_time(page, "started", clock->start_us, "");
	if (clock->due_us != TIME_NONE)
		page_time(page, "due", clock->due_us, "");
	if (clock->verdict == VERDICT_BREACHED)
		write_breached(page, clock);
	if (clock->stopped)
		write_stop(page, clock);
	buf_add_char(page->out, '\n');
}

void page_clocks(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	page_section(page, "Clocks");
	for (size_t i = 0; i < ticket->n_clocks; i++)
		write_clock(page, &ticket->clocks[i]);
	if (ticket->n_clocks == 0)
		buf_add_str(page->out, ticket->opened_us == TIME_NONE ? "  none: it is not known to be open\n"
		                                                      : "  none: no target and no promise\n");
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
	bool warned = text_same(alert->state, TEXT("warning")) || text_same(alert->state, TEXT("averted"));
	page_label(page, warned ? "warning recorded" : "breach recorded");
	term_time(words, alert->detected_us);
	buf_add_str(words, ": due ");
	term_time(words, alert->due_us);
	buf_add_str(words, ", owner ");
	buf_add_text(words, somebody(alert->owner_at_breach));
	if (alert->unconfirmed)
		buf_add_str(words, "; unconfirmed, its sources were silent");
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
	for (size_t i = 0; i < explanation->n_alerts; i++)
		write_alert(page, &explanation->alerts[i]);
	page->out->data[--page->out->len_bytes] = '\0';
}
