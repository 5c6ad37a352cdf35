/* The progress of reading a file, as one line of a terminal. */
#ifndef KPID_APP_PROGRESS_BAR_H
#define KPID_APP_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
	bool on;
	int64_t started_us, drawn_us; /* monotonic */
};

enum { PROGRESS_CELLS = 40 };

struct progress {
	int64_t position, length; /* bytes; length <= 0: unknown */
	int64_t n_lines, n_new;   /* all lines, and those that no earlier run has read */
};

/* Writes the cells of a bar, and a NUL. share: from 0 to 1, or a little more. */
void progress_bar_cells(double share, char cells_out[PROGRESS_CELLS + 1]);
/* Draws on stderr, at most ten times a second. last: draws in any case, and ends the line. */
void progress_bar_draw(struct progress_bar *bar, int64_t now_us, const struct progress *progress, bool last);

#endif
