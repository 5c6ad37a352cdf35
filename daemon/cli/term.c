#include "cli/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kpid/base/printable.h"
#include "kpid/core/timestamp.h"

#define DEFAULT_COLUMNS 100
#define MIN_COLUMNS     20

/* ---- the terminal ---- */

void term_measure(struct term *term)
{
	struct winsize size = {0};
	term->columns = DEFAULT_COLUMNS;
	term->rows = SIZE_MAX;
	if (!term->is_tty)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
		size = (struct winsize){.ws_col = 80, .ws_row = 24};
	term->columns = size.ws_col < MIN_COLUMNS ? MIN_COLUMNS : size.ws_col;
	term->rows = size.ws_row;
}

void term_init(struct term *term)
{
	const char *name = getenv("TERM"), *no_color = getenv("NO_COLOR");
	term->is_tty = isatty(STDOUT_FILENO) != 0;
	term->styled = term->is_tty && (no_color == NULL || no_color[0] == '\0') &&
	               (name == NULL || strcmp(name, "dumb") != 0);
	term_measure(term);
}

void term_style(struct buf *out, const struct term *term, enum term_style style)
{
	static const char *const codes[] = {
	        [TERM_PLAIN] = "0", [TERM_BOLD] = "1",   [TERM_DIM] = "2",
	        [TERM_RED] = "31",  [TERM_GREEN] = "32", [TERM_YELLOW] = "33",
	};
	if (term->styled)
		buf_add_format(out, "\x1b[%sm", codes[style]);
}

/* ---- characters ---- */

struct range {
	uint32_t first, last;
};

static bool is_in(uint32_t c, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}
#define IS_IN(c, ranges) is_in(c, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* Columns that the terminal needs for it. */
static size_t columns_of(const struct printable *piece)
{
	static const struct range combining[] = {
	        {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
	        {0x64b, 0x65f},   {0x6d6, 0x6dc},   {0x900, 0x902},   {0x93c, 0x93c},
	        {0xe31, 0xe31},   {0xe34, 0xe3a},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
	        {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};
	static const struct range wide[] = {
	        {0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
	        {0xa000, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
	        {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
	uint32_t c = piece->character;
	if (c == 0)
		return piece->len_bytes;
	if (IS_IN(c, combining))
		return 0;
	return IS_IN(c, wide) ? 2 : 1;
}

void term_escape(struct buf *out, struct text t)
{
	struct printable piece;
	while (t.len > 0) {
		printable_next(&t, &piece);
		buf_add(out, piece.bytes, piece.len_bytes);
	}
}

size_t term_width(struct text t)
{
	struct printable piece;
	size_t columns = 0;
	while (t.len > 0) {
		printable_next(&t, &piece);
		columns += columns_of(&piece);
	}
	return columns;
}

void term_spaces(struct buf *out, size_t n)
{
	memset(buf_extend(out, n), ' ', n);
}

void term_field(struct buf *out, struct text t, size_t columns, bool right)
{
	size_t width = term_width(t), used = 0;
	if (width <= columns) {
		term_spaces(out, right ? columns - width : 0);
		term_escape(out, t);
		term_spaces(out, right ? 0 : columns - width);
		return;
	}
	struct printable piece;
	while (t.len > 0) {
		printable_next(&t, &piece);
		size_t wide = columns_of(&piece);
		if (used + wide + 1 > columns)
			break;
		buf_add(out, piece.bytes, piece.len_bytes);
		used += wide;
	}
	buf_add_str(out, columns == 0 ? "" : "…");
	term_spaces(out, columns == 0 ? 0 : columns - used - 1);
}

/* ---- lines ---- */

static struct text take_word(struct text *rest)
{
	struct text word = {rest->ptr, 0};
	while (word.len < rest->len && rest->ptr[word.len] != ' ')
		word.len++;
	uint32_t taken = word.len < rest->len ? word.len + 1 : word.len;
	rest->ptr += taken;
	rest->len -= taken;
	return word;
}

static void break_line(struct buf *out, size_t indent, size_t *at_io)
{
	buf_add_char(out, '\n');
	term_spaces(out, indent);
	*at_io = indent;
}

void term_wrap(struct buf *out, struct text t, size_t at, size_t indent, size_t columns)
{
	bool fresh = true; /* at the beginning of a line */
	while (t.len > 0) {
		struct text word = take_word(&t);
		size_t width = term_width(word);
		if (!fresh && at + 1 + width > columns) {
			break_line(out, indent, &at);
			fresh = true;
		}
		if (!fresh) {
			buf_add_char(out, ' ');
			at++;
		}
		while (word.len > 0) {
			struct printable piece;
			printable_next(&word, &piece);
			size_t wide = columns_of(&piece);
			if (at + wide > columns && at > indent)
				break_line(out, indent, &at);
			buf_add(out, piece.bytes, piece.len_bytes);
			at += wide;
		}
		fresh = false;
	}
	buf_add_char(out, '\n');
}

void term_cut_line(struct buf *out, struct text line, size_t columns)
{
	size_t used = 0;
	while (line.len > 0) {
		uint32_t n = 0;
		if (line.ptr[0] == '\x1b') { /* a style: escaped text has no escape character */
			while (n < line.len && line.ptr[n] != 'm')
				n++;
			n += n < line.len;
		} else {
			struct text rest = line;
			struct printable piece;
			printable_next(&rest, &piece);
			n = line.len - rest.len;
			used += columns_of(&piece);
			if (used > columns)
				n = 0;
		}
		if (n == 0)
			break;
		buf_add(out, line.ptr, n);
		line.ptr += n;
		line.len -= n;
	}
}

/* ---- values ---- */

void term_time(struct buf *out, int64_t us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	if (us == TIME_NONE) {
		buf_add_str(out, "–");
		return;
	}
	size_t len = timestamp_format(us, text);
	text[10] = ' ';
	buf_add(out, text, len - 1);
}

void term_duration(struct buf *out, int64_t us)
{
	static const struct {
		int64_t us;
		const char *name, *next;
		int64_t next_us;
	} units[] = {{US_PER_DAY, "d", "h", US_PER_SECOND * 3600},
	             {US_PER_SECOND * 3600, "h", "m", US_PER_SECOND * 60},
	             {US_PER_SECOND * 60, "m", "s", US_PER_SECOND}};
	us = us < 0 ? -(us + (us == INT64_MIN)) : us;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (us < units[i].us)
			continue;
		int64_t rest = us % units[i].us / units[i].next_us;
		buf_add_format(out, "%lld%s", (long long)(us / units[i].us), units[i].name);
		if (rest > 0)
			buf_add_format(out, "%lld%s", (long long)rest, units[i].next);
		return;
	}
	char text[32];
	int len = snprintf(text, sizeof(text), "%lld.%06lld", (long long)(us / US_PER_SECOND),
	                   (long long)(us % US_PER_SECOND));
	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	buf_add(out, text, (size_t)len);
	buf_add_char(out, 's');
}

void term_count(struct buf *out, int64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
	for (int i = 0; i < len; i++) {
		if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
			buf_add_char(out, ',');
		buf_add_char(out, digits[i]);
	}
}
