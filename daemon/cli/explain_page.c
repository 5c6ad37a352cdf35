/* Parts that all sections of an explanation use. */
#include "cli/explain_page.h"

void page_styled(struct page *page, enum term_style style, struct text t)
{
	term_style(page->out, page->term, style);
	term_escape(page->out, t);
	term_style(page->out, page->term, TERM_PLAIN);
}

void page_section(struct page *page, const char *title)
{
	buf_add_char(page->out, '\n');
	page_styled(page, TERM_BOLD, text_of(title));
	buf_add_str(page->out, "\n\n");
}

void page_cut(struct page *page, size_t n, const char *what)
{
	buf_add_format(&page->words, "  … %zu %s are not shown here", n, what);
	page_styled(page, TERM_YELLOW, buf_text(&page->words));
	buf_add_str(page->out, "\n\n");
	buf_clear(&page->words);
}

void page_label(struct page *page, const char *label)
{
	term_spaces(page->out, 4);
	term_style(page->out, page->term, TERM_DIM);
	term_field(page->out, text_of(label), LABEL_COLUMNS - 5, false);
	term_style(page->out, page->term, TERM_PLAIN);
	buf_add_char(page->out, ' ');
}

void page_end_label(struct page *page)
{
	term_wrap(page->out, buf_text(&page->words), LABEL_COLUMNS, LABEL_COLUMNS, page->term->columns);
	buf_clear(&page->words);
}

void page_time(struct page *page, const char *label, int64_t us, const char *remark)
{
	page_label(page, label);
	term_time(&page->words, us);
	buf_add_str(&page->words, remark);
	page_end_label(page);
}
