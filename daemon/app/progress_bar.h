/* How far a file has been read, on one line of a terminal. */
#ifndef KPID_APP_PROGRESS_BAR_H
#define KPID_APP_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
	bool on;
	int64_t started_us, drawn_us; /* monotonic */
};

struct progress {
	int64_t position, length; /* bytes; length 0 or less: not known */
	int64_t n_lines, n_new;   /* lines in all, and those that no earlier run has read */
};

/* Draws on stderr, at most ten times a second. last: always, and ends the line. */
void progress_bar_draw(struct progress_bar *bar, int64_t now_us, const struct progress *progress, bool last);

#endif
