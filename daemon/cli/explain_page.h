/* Writes an explanation as text: its sections, and the parts they share. */
#ifndef KPID_CLI_EXPLAIN_PAGE_H
#define KPID_CLI_EXPLAIN_PAGE_H

#include "cli/explain.h"

/* Column at which the value after a label begins. */
#define LABEL_COLUMNS 20

struct page {
	const struct explanation *explanation;
	const struct term *term;
	struct buf *out;
	struct buf words; /* scratch, empty between uses; escaped when it is written */
};

void page_styled(struct page *page, enum term_style style, struct text t);
void page_section(struct page *page, const char *title);
/* Writes a line of a label and the contents of page->words. */
void page_label(struct page *page, const char *label);
void page_end_label(struct page *page);
/* Writes such a line for a time. */
void page_time(struct page *page, const char *label, int64_t us, const char *remark);

/* Writes that n items are not shown here. */
void page_cut(struct page *page, size_t n, const char *what);

void page_steps(struct page *page);
void page_clocks(struct page *page);
void page_alerts(struct page *page);
void page_kpis(struct page *page);
void page_conflicts(struct page *page);

#endif
