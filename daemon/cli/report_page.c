/* The text of a page. */
#include <stdlib.h>
#include <string.h>

#include "cli/report_page.h"
#include "kpid/base/check.h"

static const char *escape_of(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default: /* HTML allows no control characters but white space */
		return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

void page_text(struct page *page, struct text text)
{
	for (uint32_t i = 0; i < text.len; i++) {
		const char *escape = escape_of((unsigned char)text.ptr[i]);
		bool c1 = i + 1 < text.len && text.ptr[i] == '\xc2' && (unsigned char)text.ptr[i + 1] < 0xa0;
		if (c1) { /* U+0080 to U+009F, in two bytes */
			buf_add_str(&page->out, "\xef\xbf\xbd");
			i++;
		} else if (escape != NULL) {
			buf_add_str(&page->out, escape);
		} else {
			buf_add_char(&page->out, text.ptr[i]);
		}
	}
}

void page_str(struct page *page, const char *c_string)
{
	page_text(page, text_of(c_string));
}

void page_markup(struct page *page, const char *markup)
{
	buf_add_str(&page->out, markup);
}

void page_words(struct page *page, enum report_word word, const char *const *args)
{
	struct buf text = BUF_INIT;
	report_format(&text, page->language, word, args);
	page_text(page, buf_text(&text));
	buf_release(&text);
}

void page_heading(struct page *page, const char *tag, enum report_word word)
{
	buf_add_format(&page->out, "<%s>", tag);
	PAGE_WORD(page, word);
	buf_add_format(&page->out, "</%s>\n", tag);
}

void page_table_begin(struct page *page, const enum report_word *columns, size_t n)
{
	page_markup(page, "<table>\n<thead><tr>");
	for (size_t i = 0; i < n; i++) {
		page_markup(page, "<th scope=\"col\">");
		PAGE_WORD(page, columns[i]);
		page_markup(page, "</th>");
	}
	page_markup(page, "</tr></thead>\n<tbody>\n");
}

void page_wide_begin(struct page *page, const char *class, enum report_word name)
{
	buf_add_format(&page->out, "<div class=\"wide %s\" role=\"region\" tabindex=\"0\" aria-label=\"", class);
	PAGE_WORD(page, name);
	page_markup(page, "\">\n");
}

static struct text file_named(const char *name)
{
	for (const struct page_file *file = report_files; file->name != NULL; file++)
		if (strcmp(file->name, name) == 0)
			return (struct text){file->data, (uint32_t)file->len_bytes};
	KPID_CHECK(false); /* the files are embedded by the build */
	return TEXT_ABSENT;
}

/* Appends what replaces a name of the template. */
static void fill(struct page *out, struct text name, const struct page *body, const char *title)
{
	if (text_equal(name, TEXT("lang")))
		page_markup(out, body->language == APPRAISAL_ZH ? "zh-CN" : "en");
	else if (text_equal(name, TEXT("title")))
		page_str(out, title);
	else if (text_equal(name, TEXT("style")))
		buf_add_text(&out->out, file_named("report.css"));
	else if (text_equal(name, TEXT("body")))
		buf_add_text(&out->out, buf_text(&body->out));
	else
		KPID_CHECK(false); /* the template has another name */
}

struct buf page_document(const struct page *body, const char *title)
{
	struct page out = {BUF_INIT, body->language};
	struct text left = file_named("report.html");
	const char *open;
	while ((open = memmem(left.ptr, left.len, "{{", 2)) != NULL) {
		const char *end = left.ptr + left.len, *close = memmem(open, (size_t)(end - open), "}}", 2);
		KPID_CHECK(close != NULL);
		buf_add(&out.out, left.ptr, (size_t)(open - left.ptr));
		fill(&out, (struct text){open + 2, (uint32_t)(close - open - 2)}, body, title);
		left = (struct text){close + 2, (uint32_t)(end - close - 2)};
	}
	buf_add_text(&out.out, left);
	return out.out;
}

const char *member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const json_t *members(const json_t *object, const char *key)
{
	const json_t *list = json_object_get(object, key);
	return json_is_array(list) ? list : NULL;
}

const json_t *member_of(const json_t *list, const char *key, const char *value)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		const char *found = member(item, key);
		if (found != NULL && value != NULL && strcmp(found, value) == 0)
			return item;
	}
	return NULL;
}

double member_number(const json_t *object, const char *key)
{
	const char *text = member(object, key);
	return text == NULL ? 0 : strtod(text, NULL) / (text[0] != '\0' && text[strlen(text) - 1] == '%' ? 100 : 1);
}
