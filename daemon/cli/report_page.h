/* Building one page of kpid appraisal report: text, elements and figures. Nothing here reads or writes files. */
#ifndef KPID_CLI_REPORT_PAGE_H
#define KPID_CLI_REPORT_PAGE_H

#include <jansson.h>

#include "board/page_files.h"
#include "cli/appraisal.h"
#include "cli/report_words.h"
#include "kpid/base/buf.h"

struct page {
	struct buf out;
	enum appraisal_language language;
};

/* The files of daemon/cli/report/; ended by a row without a name. */
extern const struct page_file report_files[];

const char *report_word(enum appraisal_language language, enum report_word word);
/* Appends a text with its arguments, not escaped. An argument that is NULL is a dash. */
void report_format(struct buf *out, enum appraisal_language language, enum report_word word, const char *const *args);

/* Appends text. The only way by which text that is not markup of the program gets into a page: everything that could be
 * markup is escaped, also within quoted attributes, and characters that HTML does not allow are replaced. */
void page_text(struct page *page, struct text text);
void page_str(struct page *page, const char *c_string);
/* Appends markup as it is: literals of the program only. */
void page_markup(struct page *page, const char *markup);
/* Appends a text of the table with its arguments, escaped. */
void page_words(struct page *page, enum report_word word, const char *const *args);
#define PAGE_SAY(page, word, ...) page_words((page), (word), (const char *const[]){__VA_ARGS__})
#define PAGE_WORD(page, word)     page_words((page), (word), NULL)
/* Appends <TAG>, a text of the table, and </TAG>. */
void page_heading(struct page *page, const char *tag, enum report_word word);
#define PAGE_LINE(page, tag, word, ...)                                                                                \
	do {                                                                                                           \
		page_markup((page), "<" tag ">");                                                                      \
		PAGE_SAY((page), (word), __VA_ARGS__);                                                                 \
		page_markup((page), "</" tag ">\n");                                                                   \
	} while (0)
/* Appends the head of a table: a column per text, up to REPORT_N_WORDS. */
void page_table_begin(struct page *page, const enum report_word *columns, size_t n);

/* Begins a part that scrolls by itself where the screen is too narrow for it; </div> ends it. */
void page_wide_begin(struct page *page, const char *class, enum report_word name);

/* Wraps the body of a page: the template and the style sheet of daemon/cli/report/. The caller frees the result. */
struct buf page_document(const struct page *body, const char *title);

/* ---- members of documents, whose numbers are strings ---- */

/* NULL: it is missing, null, or no string. */
const char *member(const json_t *object, const char *key);
/* The list; NULL, which has no items, if it is missing. */
const json_t *members(const json_t *object, const char *key);
/* The item of a list whose key has this value; NULL: none. */
const json_t *member_of(const json_t *list, const char *key, const char *value);
/* For drawing only: what is shown as a number stays text. 0: no number. A percent sign divides by 100. */
double member_number(const json_t *object, const char *key);
/* An exact decimal of up to 6 decimals in millionths; 0: no number. */
int64_t member_millionths(const json_t *object, const char *key);

/* ---- figures: exact, from the text of a decimal ---- */

enum { FIGURE_BYTES = 128 };
struct figure {
	char text[FIGURE_BYTES];
};

/* Without zeros at the end: "26.5000" is 26.5. NULL: a dash. */
struct figure figure_decimal(const char *decimal);
/* "0.933" is 93.3 %. */
struct figure figure_percent(const char *decimal);
/* "3725.5" is 1 h 2 min 5.5 s. */
struct figure figure_duration(enum appraisal_language language, const char *seconds);
/* As the unit of an indicator asks for. */
struct figure figure_value(enum appraisal_language language, const json_t *rules, const char *decimal);
struct figure figure_millionths(int64_t millionths);

/* ---- drawings, as inline SVG with a text for those who do not see it ---- */

/* The score with its interval on a scale with the grades of the plan. */
void draw_score(struct page *page, const json_t *card, const json_t *grades);
/* The interval of an indicator. */
void draw_interval(struct page *page, const json_t *result, const json_t *rules);
/* The scores of past periods and, last, of the card. */
void draw_past(struct page *page, const json_t *card, const char *key);
/* A funnel plot with the card in it. */
void draw_funnel(struct page *page, const json_t *funnel, const json_t *result, const char *title);

/* ---- parts of pages ---- */

/* The title of an indicator in the language of the page; otherwise its name. */
const char *report_title(const struct page *page, const json_t *rules);
/* The same of the indicator of a plan with this name. */
const char *report_title_of(const struct page *page, const json_t *plan, const char *name);
/* One card with its sections. */
void report_card(struct page *page, const json_t *document, const json_t *plan, const json_t *card);
void report_records(struct page *page, const json_t *document, const json_t *plan, const json_t *card);
/* The heat map of a team. */
void report_members(struct page *page, const json_t *plan, const json_t *card);
/* The list of all cards. */
void report_index(struct page *page, const json_t *document);

/* ---- files ---- */

/* The name of the file of a subject, unique per level and subject, safe on any file system. The caller frees it. */
char *report_file_name(const char *level, const char *subject);
/* Appends a list for pay, training or ranking as CSV. */
void report_pay(struct buf *out, const json_t *document);
void report_training(struct buf *out, const json_t *document);
void report_ranking(struct buf *out, const json_t *document);

#endif
