#include "app/progress_bar.h"

#include <inttypes.h>
#include <stdio.h>

enum { BAR_US = 100000 };

void progress_bar_cells(double share, char cells_out[PROGRESS_CELLS + 1])
{
	for (int i = 0; i < PROGRESS_CELLS; i++)
		cells_out[i] = i < (int)(share * PROGRESS_CELLS + 0.5) ? '#' : '.';
	cells_out[PROGRESS_CELLS] = '\0';
}

void progress_bar_draw(struct progress_bar *bar, int64_t now_us, const struct progress *progress, bool last)
{
	if (!bar->on || (!last && now_us - bar->drawn_us < BAR_US))
		return;
	bar->drawn_us = now_us;
	double seconds = (double)(now_us - bar->started_us) / 1e6;
	double rate = seconds <= 0 ? 0 : (double)progress->n_new / seconds;
	if (progress->length > 0) {
		double share = (double)progress->position / (double)progress->length;
		share = share > 1 ? 1 : share;
		char cells[PROGRESS_CELLS + 1];
		progress_bar_cells(share, cells);
		fprintf(stderr, "\r[%s] %3.0f%%  %" PRId64 " lines  %.0f/s ", cells, share * 100, progress->n_lines,
		        rate);
	} else {
		fprintf(stderr, "\r%" PRId64 " lines  %.0f/s ", progress->n_lines, rate);
	}
	if (last)
		fputc('\n', stderr);
	fflush(stderr);
}
