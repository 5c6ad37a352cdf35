/* Text for terminals. Text from events or the database is escaped, so that it can neither control the terminal nor
 * forge a line. Widths are columns of a terminal. */
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

/* Examines standard output. Without a terminal: 100 columns and unlimited rows. */
void term_init(struct term *term);
/* Reads the size again, after the window may have changed. */
void term_measure(struct term *term);
/* Appends the escape sequence of a style; nothing unless term->styled. */
void term_style(struct buf *out, const struct term *term, enum term_style style);

/* Appends text, with control characters as \x1b, invisible or direction-changing ones as \u202e, invalid bytes as \xff.
 */
void term_escape(struct buf *out, struct text t);
size_t term_width(struct text t); /* columns of the output of term_escape() */
/* Appends exactly that many columns: cut with an ellipsis, or padded after the text (right: before it). */
void term_field(struct buf *out, struct text t, size_t columns, bool right);
/* Appends lines of at most that many columns, broken at spaces or within words that are too long. The first line begins
 * at column `at`, later ones at `indent`. Ends with a newline. */
void term_wrap(struct buf *out, struct text t, size_t at, size_t indent, size_t columns);
/* Appends a line, cut to that many columns; styles are kept. */
void term_cut_line(struct buf *out, struct text line, size_t columns);
void term_spaces(struct buf *out, size_t n);

/* How an agent is shown: the id, or "nobody" if there is none. */
static inline struct text agent_or_nobody(struct text agent)
{
	return text_is_empty(agent) ? TEXT("nobody") : agent;
}

/* Appends "2026-11-01 09:58:00.25": UTC, fraction as needed; "–" for TIME_NONE. */
void term_time(struct buf *out, int64_t us);
/* Appends the absolute value in its two largest units: "4m10s", "2d3h", "0.25s". */
void term_duration(struct buf *out, int64_t us);
/* Appends "1,234,567". */
void term_count(struct buf *out, int64_t n);

#endif
