/* Numbers as people read them. They come as decimals in text and keep their digits: nothing is computed in floating
 * point. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report_page.h"

#define NO_FIGURE ((struct figure){"–"})
#define MINUS     "\xe2\x88\x92"

/* Removes zeros at the end of the decimals, and a point without decimals. */
static void trim(char *text)
{
	size_t n = strlen(text);
	if (strchr(text, '.') == NULL)
		return;
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	text[n] = '\0';
}

/* The decimal with its point moved to the right. */
static struct figure moved(const char *decimal, unsigned places, const char *after)
{
	char digits[FIGURE_BYTES], whole[FIGURE_BYTES];
	bool negative = decimal[0] == '-';
	const char *from = decimal + negative, *point = strchr(from, '.');
	size_t n_whole = point == NULL ? strlen(from) : (size_t)(point - from), n = 0;
	for (const char *c = from; *c != '\0' && n < sizeof(digits) - places - 1; c++)
		if (*c != '.')
			digits[n++] = *c;
	while (n < n_whole + places)
		digits[n++] = '0';
	digits[n] = '\0';
	size_t skip = 0;
	while (skip + 1 < n_whole + places && digits[skip] == '0')
		skip++;
	snprintf(whole, sizeof(whole), "%.*s.%s", (int)(n_whole + places - skip), digits + skip,
	         digits + n_whole + places);
	trim(whole);
	struct figure figure;
	snprintf(figure.text, sizeof(figure.text), "%s%.100s%s", negative && strcmp(whole, "0") != 0 ? MINUS : "",
	         whole, after);
	return figure;
}

struct figure figure_decimal(const char *decimal)
{
	return decimal == NULL ? NO_FIGURE : moved(decimal, 0, "");
}

struct figure figure_percent(const char *decimal)
{
	return decimal == NULL ? NO_FIGURE : moved(decimal, 2, " %");
}

static void add_part(struct buf *out, enum appraisal_language language, enum report_word word, const char *number)
{
	if (out->len_bytes > 0)
		buf_add_char(out, ' ');
	report_format(out, language, word, (const char *const[]){number});
}

struct figure figure_duration(enum appraisal_language language, const char *seconds)
{
	static const struct {
		enum report_word word;
		unsigned long long seconds;
	} parts[] = {{REPORT_DAYS, 86400}, {REPORT_HOURS, 3600}, {REPORT_MINUTES, 60}, {REPORT_SECONDS, 1}};
	if (seconds == NULL)
		return NO_FIGURE;
	bool negative = seconds[0] == '-';
	const char *point = strchr(seconds, '.');
	unsigned long long left = strtoull(seconds + negative, NULL, 10);
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char number[64];
		bool is_last = parts[i].seconds == 1;
		snprintf(number, sizeof(number), "%llu%.32s", left / parts[i].seconds,
		         is_last && point != NULL ? point : "");
		trim(number);
		left %= parts[i].seconds;
		if (strcmp(number, "0") != 0 || (is_last && out.len_bytes == 0))
			add_part(&out, language, parts[i].word, number);
	}
	struct figure figure;
	snprintf(figure.text, sizeof(figure.text), "%s%s", negative ? MINUS : "", buf_text(&out).ptr);
	buf_release(&out);
	return figure;
}

struct figure figure_value(enum appraisal_language language, const json_t *rules, const char *decimal)
{
	const char *unit = member(rules, "unit");
	if (unit != NULL && strcmp(unit, "percent") == 0)
		return figure_percent(decimal);
	if (unit != NULL && strcmp(unit, "seconds") == 0)
		return figure_duration(language, decimal);
	return figure_decimal(decimal);
}

struct figure figure_millionths(int64_t millionths)
{
	char decimal[FIGURE_BYTES];
	uint64_t size = millionths < 0 ? -(uint64_t)millionths : (uint64_t)millionths;
	snprintf(decimal, sizeof(decimal), "%s%" PRIu64 ".%06" PRIu64, millionths < 0 ? "-" : "", size / 1000000,
	         size % 1000000);
	return figure_decimal(decimal);
}

int64_t member_millionths(const json_t *object, const char *key)
{
	const char *text = member(object, key), *point = text == NULL ? NULL : strchr(text, '.');
	if (text == NULL)
		return 0;
	bool negative = text[0] == '-';
	int64_t number = strtoll(text + negative, NULL, 10) * 1000000, place = 100000;
	for (const char *c = point; c != NULL && *++c >= '0' && *c <= '9' && place > 0; place /= 10)
		number += (*c - '0') * place;
	return negative ? -number : number;
}
