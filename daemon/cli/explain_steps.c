/* The events of a ticket, with the breaches between them. */
#include <stdlib.h>

#include "cli/explain_page.h"
#include "kpid/base/memory.h"

enum { STEP_INDENT = 7 };

/* Breached clocks, ordered by time. */
struct breaches {
	const struct sla_clock **items;
	size_t n, next;
};

static int compare_breaches(const void *a, const void *b)
{
	const struct sla_clock *x = *(const struct sla_clock *const *)a, *y = *(const struct sla_clock *const *)b;
	if (x->breached_us != y->breached_us)
		return x->breached_us < y->breached_us ? -1 : 1;
	return (x > y) - (x < y);
}

static struct breaches breaches_of(const struct ticket *ticket)
{
	struct breaches breaches = {mem_zalloc((ticket->n_clocks + 1) * sizeof(struct sla_clock *)), 0, 0};
	for (size_t i = 0; i < ticket->n_clocks; i++)
		if (ticket->clocks[i].verdict == VERDICT_BREACHED)
			breaches.items[breaches.n++] = &ticket->clocks[i];
	qsort(breaches.items, breaches.n, sizeof(struct sla_clock *), compare_breaches);
	return breaches;
}

static void write_breach(struct page *page, const struct sla_clock *clock)
{
	struct buf *words = &page->words;
	buf_add_str(page->out, "    !  ");
	term_time(words, clock->breached_us);
	term_field(page->out, buf_text(words), 26, false);
	buf_clear(words);
	buf_add_format(words, "  %s %u breached, while %.*s owned it", sla_target_name(clock->target), clock->n,
	               (int)agent_or_nobody(clock->owner_at_breach).len, agent_or_nobody(clock->owner_at_breach).ptr);
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
	term_field(page->out, text_of(event_type_name(step->event.type)), 24, false);
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
		buf_add_str(words, "from the closing event: ");
	buf_add_text(words, step->effect);
	if (step->event.occurred_us != step->at_us) {
		buf_add_str(words, " (sent with the time ");
		term_time(words, step->event.occurred_us);
		buf_add_str(words, ", before the opening)");
	}
	term_spaces(page->out, STEP_INDENT);
	term_wrap(page->out, buf_text(words), STEP_INDENT, STEP_INDENT, page->term->columns);
	buf_clear(words);

	explanation_add_place(page->explanation, step->event.source_no, step->event.source_offset, words);
	explanation_add_mapping(page->explanation, step->event.source_no, step->event.source_offset, words);
	buf_add_str(words, " ");
	buf_add_text(words, step->event.source);
	buf_add_str(words, " ");
	buf_add_text(words, step->event.id);
	term_spaces(page->out, STEP_INDENT);
	term_style(page->out, page->term, TERM_DIM);
	term_wrap(page->out, buf_text(words), STEP_INDENT, STEP_INDENT, page->term->columns);
	term_style(page->out, page->term, TERM_PLAIN);
	buf_clear(words);
	buf_add_char(page->out, '\n');
}

/* Writes the next breaches before a time. written: false skips them. */
static void write_breaches(struct page *page, struct breaches *breaches, int64_t before_us, bool written)
{
	for (; breaches->next < breaches->n && breaches->items[breaches->next]->breached_us < before_us;
	     breaches->next++)
		if (written)
			write_breach(page, breaches->items[breaches->next]);
}

void page_steps(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	struct breaches breaches = breaches_of(&explanation->ticket);
	size_t n = explanation->n_steps;
	page_section(page, "Events in the order of the rules: time, type, state and owner afterwards");
	for (size_t i = 0; i < n; i++) {
		bool shown = explain_shows(i, n);
		write_breaches(page, &breaches, explanation->marks[i].at_us, shown);
		if (shown)
			write_step(page, explanation->marks[i].step, i + 1);
		else if (i == EXPLAIN_FIRST)
			page_cut(page, explain_n_cut(n), "events, and the breaches between them,");
	}
	write_breaches(page, &breaches, TIME_FOR_EVER, true);
	free(breaches.items);
	page->out->len_bytes--; /* the next section begins with its own empty line */
	page->out->data[page->out->len_bytes] = '\0';
}
