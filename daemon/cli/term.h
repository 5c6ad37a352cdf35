/* Text for people. What comes from events or the database is escaped, so that it can neither drive a
 * terminal nor forge a line; widths are counted in columns, as a terminal shows them. */
#ifndef KPID_CLI_TERM_H
#define KPID_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"
#include "kpid/base/text.h"

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_RED, TERM_GREEN, TERM_YELLOW };

struct term {
	bool is_tty;
	bool styled; /* a terminal, and neither NO_COLOR nor TERM=dumb */
	size_t columns, rows;
};

/* Of standard output. What is no terminal has 100 columns and rows without end. */
void term_init(struct term *term);
/* Again, after the window may have changed. */
void term_measure(struct term *term);
/* Nothing where the terminal is not styled. */
void term_style(struct buf *out, const struct term *term, enum term_style style);

/* Control characters as \x1b, invisible and direction-changing ones as \u202e, bytes that are no UTF-8 as \xff. */
void term_escape(struct buf *out, struct text t);
size_t term_width(struct text t); /* columns of what term_escape() gives */
/* Exactly that many columns: cut with an ellipsis, or filled with spaces after it (before it: right). */
void term_field(struct buf *out, struct text t, size_t columns, bool right);
/* Lines of at most that many columns, broken at spaces or, if a word is too long, within it. Begins at column
 * `at`, later lines at `indent`. Ends with a newline. */
void term_wrap(struct buf *out, struct text t, size_t at, size_t indent, size_t columns);
/* Appends lines[0 .. len) without what is beyond that many columns; styles are kept. */
void term_cut_line(struct buf *out, struct text line, size_t columns);
void term_spaces(struct buf *out, size_t n);

/* "2026-11-01 09:58:00.25", UTC, fraction as needed; "–" for TIME_NONE. */
void term_time(struct buf *out, int64_t us);
/* "4m10s", "2d3h", "0.25s": its two greatest units; of the absolute value. */
void term_duration(struct buf *out, int64_t us);
/* "1,234,567" */
void term_count(struct buf *out, int64_t n);

#endif
