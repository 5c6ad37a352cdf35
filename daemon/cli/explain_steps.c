/* The events of a ticket, with the breaches between them. */
#include "cli/explain_page.h"

enum { STEP_INDENT = 7 };

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
	page_styled(page, TERM_RED, buf_text(words));
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

void page_steps(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	const struct sla_clock *breached = NULL, *next;
	page_section(page, "Events, in the order in which they count: time, type, state and owner after it");
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
