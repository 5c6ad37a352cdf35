/* Writes an explanation as text. */
#include "cli/explain_page.h"

static void add_plural(struct buf *out, const char *what, uint32_t n)
{
	if (n > 0)
		buf_add_format(out, n == 1 ? ", %s once" : ", %s %u times", what, n);
}

static void write_attributes(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++) {
		if (text_is_empty(ticket->attributes[i]))
			continue;
		page_label(page, event_text_name((enum event_text)i));
		buf_add_text(&page->words, ticket->attributes[i]);
		page_end_label(page);
	}
}

static void write_owner(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	page_label(page, "owner");
	buf_add_text(&page->words, agent_or_nobody(ticket->owner_id));
	if (!text_same(ticket->owner_id, ticket->first_owner_id)) {
		buf_add_str(&page->words, ", first ");
		buf_add_text(&page->words, agent_or_nobody(ticket->first_owner_id));
	}
	page_end_label(page);
}

static void write_policy(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	struct buf *words = &page->words;
	page_label(page, "policy");
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
	page_end_label(page);
}

/* Why the policies before the matching one do not match. */
static void write_passed_over(struct page *page)
{
	enum { MOST = 12 };
	const struct ticket *ticket = &page->explanation->ticket;
	size_t n = explanation_n_passed_over(page->explanation);
	for (size_t i = 0; i < n; i++) {
		const struct policy *policy = &ticket->revision->policies[i];
		page_label(page, i == 0 ? "no match" : "");
		if (i == MOST) {
			buf_add_str(&page->words, "… and others");
			page_end_label(page);
			return;
		}
		int attribute = policy_mismatch(policy, ticket->attributes);
		buf_add_text(&page->words, policy->name);
		buf_add_format(&page->words, ": %s is ", event_text_name((enum event_text)attribute));
		buf_add_text(&page->words, text_is_empty(ticket->attributes[attribute])
		                                   ? TEXT("not set")
		                                   : ticket->attributes[attribute]);
		page_end_label(page);
	}
}

static void write_record(struct page *page)
{
	const struct explanation *explanation = page->explanation;
	struct buf *words = &page->words;
	page_label(page, "record");
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
	               explanation->agrees ? "give the same result" : "give ANOTHER RESULT: please report this");
	page_end_label(page);
}

static void write_set_aside(struct page *page)
{
	if (text_is_absent(page->explanation->set_aside.reason))
		return;
	page_label(page, "not yet");
	buf_add_str(&page->words, "more events are waiting: the ticket ");
	explanation_add_set_aside(page->explanation, &page->words);
	page_end_label(page);
}

static void write_header(struct page *page)
{
	const struct ticket *ticket = &page->explanation->ticket;
	page_styled(page, TERM_BOLD, page->explanation->ticket_id);
	buf_add_format(page->out, "  %s", ticket_state_name(ticket->state));
	if (ticket->cycle > 0)
		buf_add_format(page->out, ", cycle %u", ticket->cycle);
	add_plural(page->out, "reopened", ticket->reopen_count);
	add_plural(page->out, "transferred", ticket->transfer_count);
	buf_add_str(page->out, ". Times are UTC.\n\n");
	write_owner(page);
	write_attributes(page);
	write_policy(page);
	write_passed_over(page);
	write_record(page);
	write_set_aside(page);
}

void explanation_write(const struct explanation *explanation, const struct term *term, struct buf *out)
{
	struct page page = {explanation, term, out, BUF_INIT};
	write_header(&page);
	page_steps(&page);
	page_clocks(&page);
	page_alerts(&page);
	page_kpis(&page);
	page_conflicts(&page);
	buf_release(&page.words);
}
