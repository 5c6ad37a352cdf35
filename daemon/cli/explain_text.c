/* An explanation as words, for a person at a terminal. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/explain.h"

enum { LABEL_COLUMNS = 20, STEP_INDENT = 7, MAX_AGENT_COLUMNS = 24 };

struct page {
	const struct explanation *explanation;
	const struct term *term;
	struct buf *out;
	struct buf words; /* scratch */
};

static struct text somebody(struct text agent)
{
	return text_is_empty(agent) ? TEXT("nobody") : agent;
}

static void add_styled(struct page *page, enum term_style style, struct text t)
{
	term_style(page->out, page->term, style);
	term_escape(page->out, t);
	term_style(page->out, page->term, TERM_PLAIN);
}

static void begin_section(struct page *page, const char *title)
{
	buf_add_char(page->out, '\n');
	add_styled(page, TERM_BOLD, text_of(title));
	buf_add_str(page->out, "\n\n");
}

/* "  label     ": what follows begins at column LABEL_COLUMNS. */
static void add_label(struct page *page, const char *label)
{
	term_spaces(page->out, 4);
	term_style(page->out, page->term, TERM_DIM);
	term_field(page->out, text_of(label), LABEL_COLUMNS - 5, false);
	term_style(page->out, page->term, TERM_PLAIN);
	buf_add_char(page->out, ' ');
}

/* Ends the line that add_label() began with what is in page->words. */
static void end_label(struct page *page)
{
	term_wrap(page->out, buf_text(&page->words), LABEL_COLUMNS, LABEL_COLUMNS, page->term->columns);
	buf_clear(&page->words);
}

static void add_plural(struct buf *out, const char *what, uint32_t n)
{
	if (n > 0)
		buf_add_format(out, n == 1 ? ", %s once" : ", %s %u times", what, n);
}

/* ---- header ---- */

static void write_attributes(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++) {
		if (text_is_empty(ticket->attributes[i]))
			continue;
		add_label(page, event_text_name((enum event_text)i));
		buf_add_text(&page->words, ticket->attributes[i]);
		end_label(page);
	}
}

static void write_owner(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	add_label(page, "owner");
	buf_add_text(&page->words, somebody(ticket->owner_id));
	if (!text_same(ticket->owner_id, ticket->first_owner_id)) {
		buf_add_str(&page->words, ", first ");
		buf_add_text(&page->words, somebody(ticket->first_owner_id));
	}
	end_label(page);
}

static void write_policy(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	struct buf *words = &page->words;
	add_label(page, "policy");
	if (ticket->revision == NULL) {
		buf_add_str(words, ticket->opened_us == TIME_NONE
		                           ? "none until it is opened"
		                           : "none: no revision was in force when it was opened");
	} else {
		if (ticket->policy == NULL)
			buf_add_str(words, "none matches");
		else
			buf_add_text(words, ticket->policy->name);
		buf_add_str(words, ", of revision ");
		buf_add_text(words, ticket->revision->id);
		if (ticket->revision->effective_from_us != INT64_MIN) {
			buf_add_str(words, " in force from ");
			term_time(words, ticket->revision->effective_from_us);
		}
	}
	end_label(page);
}

static void write_record(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	struct buf *words = &page->words;
	add_label(page, "record");
	if (explanation->as_of_us == TIME_NONE) {
		buf_add_str(words, "deadlines not judged yet");
	} else {
		buf_add_str(words, "judged as of ");
		term_time(words, explanation->as_of_us);
	}
	buf_add_str(words, ", last written ");
	term_time(words, explanation->revised_us);
	buf_add_format(words, " (write %d); its %zu event%s, folded again, %s", (int)explanation->rev,
	               explanation->n_events, explanation->n_events == 1 ? "" : "s",
	               explanation->agrees ? "give the same" : "give SOMETHING ELSE: please report this");
	end_label(page);
}

static void write_header(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	add_styled(page, TERM_BOLD, page->explanation->ticket_id);
	buf_add_format(page->out, "  %s", ticket_state_name(ticket->state));
	if (ticket->cycle > 0)
		buf_add_format(page->out, ", cycle %u", ticket->cycle);
	add_plural(page->out, "reopened", ticket->reopen_count);
	add_plural(page->out, "transferred", ticket->transfer_count);
	buf_add_str(page->out, ". Times are UTC.\n\n");
	write_owner(page);
	write_attributes(page);
	write_policy(page);
	write_record(page);
}

/* ---- events ---- */

/* The next clock to breach after a time and before another, by (time, place); NULL: none. */
static const struct sla_clock *next_breach(const struct ticket *ticket, const struct sla_clock *after,
                                           int64_t before_us)
{
	const struct sla_clock *next = NULL;
	for (size_t i = 0; i < ticket->n_clocks; i++) {
		const struct sla_clock *clock = &ticket->clocks[i];
		if (clock->verdict != VERDICT_BREACHED || clock->breached_us >= before_us)
			continue;
		if (after != NULL && (clock->breached_us < after->breached_us ||
		                      (clock->breached_us == after->breached_us && clock <= after)))
			continue;
		if (next == NULL || clock->breached_us < next->breached_us)
			next = clock;
	}
	return next;
}

static void write_breach(struct page *page, const struct sla_clock *clock)
{
	struct buf *words = &page->words;
	buf_add_str(page->out, "    !  ");
	term_time(words, clock->breached_us);
	term_field(page->out, buf_text(words), 26, false);
	buf_clear(words);
	buf_add_format(words, "  %s %u breached, while %.*s owned it", sla_target_name(clock->target), clock->n,
	               (int)somebody(clock->owner_at_breach).len, somebody(clock->owner_at_breach).ptr);
	add_styled(page, TERM_RED, buf_text(words));
	buf_clear(words);
	buf_add_str(page->out, "\n\n");
}

static void write_step_head(struct page *page, const struct explain_step *step, size_t number)
{
	struct buf *words = &page->words;
	buf_add_format(page->out, "%5zu  ", number);
	term_time(words, step->at_us);
	term_field(page->out, buf_text(words), 26, false);
	buf_clear(words);
	term_spaces(page->out, 2);
	term_style(page->out, page->term, TERM_BOLD);
	term_field(page->out, text_of(event_type_name(step->event->type)), 24, false);
	term_style(page->out, page->term, TERM_PLAIN);
	buf_add_format(page->out, "  %-8s  ", ticket_state_name(step->state));
	term_escape(page->out, text_is_empty(step->owner_id) ? TEXT("–") : step->owner_id);
	buf_add_char(page->out, '\n');
}

static void write_step(struct page *page, const struct explain_step *step, size_t number)
{
	struct buf *words = &page->words;
	write_step_head(page, step, number);
	if (step->derived)
		buf_add_str(words, "told by the closing: ");
	buf_add_text(words, step->effect);
	if (step->event->occurred_us != step->at_us) {
		buf_add_str(words, " (sent as of ");
		term_time(words, step->event->occurred_us);
		buf_add_str(words, ", before the opening)");
	}
	term_spaces(page->out, STEP_INDENT);
	term_wrap(page->out, buf_text(words), STEP_INDENT, STEP_INDENT, page->term->columns);
	buf_clear(words);

	explanation_add_place(page->explanation, step->event->source_no, step->event->source_offset, words);
	buf_add_str(words, " ");
	buf_add_text(words, step->event->source);
	buf_add_str(words, " ");
	buf_add_text(words, step->event->id);
	term_spaces(page->out, STEP_INDENT);
	term_style(page->out, page->term, TERM_DIM);
	term_wrap(page->out, buf_text(words), STEP_INDENT, STEP_INDENT, page->term->columns);
	term_style(page->out, page->term, TERM_PLAIN);
	buf_clear(words);
	buf_add_char(page->out, '\n');
}

static void write_steps(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	const struct sla_clock *breached = NULL, *next;
	begin_section(page, "Events, in the order in which they count: time, type, state and owner after it");
	for (size_t i = 0; i < explanation->n_steps; i++) {
		while ((next = next_breach(&explanation->ticket, breached, explanation->steps[i].at_us)) != NULL)
			write_breach(page, breached = next);
		write_step(page, &explanation->steps[i], i + 1);
	}
	while ((next = next_breach(&explanation->ticket, breached, TIME_FOR_EVER)) != NULL)
		write_breach(page, breached = next);
	page->out->len_bytes--; /* a section begins with an empty line of its own */
	page->out->data[page->out->len_bytes] = '\0';
}

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

static void write_time(struct page *page, const char *label, int64_t us, const char *remark)
{
	add_label(page, label);
	term_time(&page->words, us);
	buf_add_str(&page->words, remark);
	end_label(page);
}

static void write_target(struct page *page, const struct sla_clock *clock)
{
	struct buf *words = &page->words;
	add_label(page, "target");
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
	end_label(page);
}

static void write_breached(struct page *page, const struct sla_clock *clock)
{
	struct buf *words = &page->words;
	add_label(page, "breached");
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
	end_label(page);
}

static void write_stop(struct page *page, const struct sla_clock *clock)
{
	const struct explain_step *stop = explanation_stop(page->explanation, clock);
	char remark[48] = "";
	if (stop != NULL)
		snprintf(remark, sizeof(remark), ", by event %zu", (size_t)(stop - page->explanation->steps) + 1);
	write_time(page, "stopped", clock->stopped_us, remark);
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
	add_styled(page, verdict_style(clock->verdict), buf_text(words));
	buf_clear(words);
	if (counts) {
		buf_add_str(page->out, "; counts for ");
		term_escape(page->out, somebody(clock->agent_id));
	}
	buf_add_char(page->out, '\n');
	write_target(page, clock);
	write_time(page, "started", clock->start_us, "");
	if (clock->due_us != TIME_NONE)
		write_time(page, "due", clock->due_us, "");
	if (clock->verdict == VERDICT_BREACHED)
		write_breached(page, clock);
	if (clock->stopped)
		write_stop(page, clock);
	buf_add_char(page->out, '\n');
}

static void write_clocks(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	begin_section(page, "Clocks");
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
	add_label(page, warned ? "warning recorded" : "breach recorded");
	term_time(words, alert->detected_us);
	buf_add_str(words, ": due ");
	term_time(words, alert->due_us);
	buf_add_str(words, ", owner ");
	buf_add_text(words, somebody(alert->owner_at_breach));
	if (alert->unconfirmed)
		buf_add_str(words, "; unconfirmed, its sources were silent");
	end_label(page);
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
	add_styled(page, alert_style(alert->state), alert->state);
	buf_add_str(page->out, "; delivery ");
	term_escape(page->out, alert->delivery);
	buf_add_format(page->out, ", revision %u\n", alert->revision);
	write_detection(page, alert);
	if (text_same(alert->state, TEXT("voided"))) {
		add_label(page, "voided");
		explanation_add_void(page->explanation, alert, words);
		end_label(page);
	}
	if (alert->resolved_us != TIME_NONE)
		write_time(page, "resolved", alert->resolved_us, "");
	buf_add_char(page->out, '\n');
}

static void write_alerts(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	if (explanation->n_alerts == 0)
		return;
	begin_section(page, "Alerts, as recorded");
	for (size_t i = 0; i < explanation->n_alerts; i++)
		write_alert(page, &explanation->alerts[i]);
	page->out->data[--page->out->len_bytes] = '\0';
}

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
		size_t width = term_width(somebody(explanation->kpis[i]->agent_id));
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
	term_field(page->out, somebody(row->agent_id), n_agent_columns, false);
	term_spaces(page->out, 2);
	for (int i = 0; i < KPI_N_MEASURES; i++) {
		if (row->values[i] == 0)
			continue;
		if (words->len_bytes > 0)
			buf_add_char(words, ' ');
		add_measure(words, (enum kpi_measure)i, row->values[i]);
	}
	term_wrap(page->out, buf_text(words), indent, indent, page->term->columns);
	buf_clear(words);
}

static void write_kpis(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	const struct ticket *ticket = &explanation->ticket;
	size_t n_agent_columns = agent_columns(explanation);
	begin_section(page, "Figures: what it gave to each agent's 5 minutes");
	for (size_t i = 0; i < explanation->n_kpis; i++)
		write_kpi(page, explanation->kpis[i], n_agent_columns);
	if (ticket->state == TICKET_OPEN || ticket->state == TICKET_PAUSED) {
		buf_add_str(page->out, "  now               ");
		term_field(page->out, somebody(ticket->owner_id), n_agent_columns, false);
		buf_add_str(page->out, "  backlog=1\n");
	} else if (explanation->n_kpis == 0) {
		buf_add_str(page->out, "  nothing\n");
	}
}

/* ---- conflicts ---- */

static void write_conflicts(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	struct buf *words = &page->words;
	if (explanation->n_conflicts == 0)
		return;
	begin_section(page, "Put aside: other content under the identity of an event above");
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

void explanation_write(const struct explanation *explanation, const struct term *term, struct buf *out)
{
	struct page page = {explanation, term, out, BUF_INIT};
	write_header(&page);
	write_steps(&page);
	write_clocks(&page);
	write_alerts(&page);
	write_kpis(&page);
	write_conflicts(&page);
	buf_release(&page.words);
}
