/* An explanation as lines for a person: what its sections share, and the sections. */
#ifndef KPID_CLI_EXPLAIN_PAGE_H
#define KPID_CLI_EXPLAIN_PAGE_H

#include "cli/explain.h"

/* Where what a label names begins. */
#define LABEL_COLUMNS 20

struct page {
	const struct explanation *explanation;
	const struct term *term;
	struct buf *out;
	struct buf words; /* scratch: empty between two uses; what is in it is escaped when it is written */
};

static inline struct text somebody(struct text agent)
{
	return text_is_empty(agent) ? TEXT("nobody") : agent;
}

void page_styled(struct page *page, enum term_style style, struct text t);
void page_section(struct page *page, const char *title);
/* A line of a label and what page->words has when it ends. */
void page_label(struct page *page, const char *label);
void page_end_label(struct page *page);
/* Such a line of a time. */
void page_time(struct page *page, const char *label, int64_t us, const char *remark);

/* Says that so many of something are left out here. */
void page_cut(struct page *page, size_t n, const char *what);

void page_steps(struct page *page);
void page_clocks(struct page *page);
void page_alerts(struct page *page);
void page_kpis(struct page *page);
void page_conflicts(struct page *page);

#endif
