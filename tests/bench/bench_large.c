/* The cost of a ticket with very many events; one line for each shape of tests/unit/large_ticket.h. For all events in
 * one batch, one more event, and judging the ticket again: milliseconds, and MiB of scratch memory of the evaluation;
 * then the longest part, which nothing interrupts.
 *
 *   bench_large [N]      N events (100,000) */
#include <time.h>

#include "../unit/large_ticket.h"

enum { PART_STEPS = 2000 }; /* as in the writer */

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double part_began_ms, longest_part_ms;

static void after_part(struct large_ticket *large)
{
	double now = now_ms(), took = now - part_began_ms;
	(void)large;
	longest_part_ms = took > longest_part_ms ? took : longest_part_ms;
	part_began_ms = now_ms();
}

static double evaluate_ms(struct large_ticket *large, enum large_shape shape, size_t from, size_t to, double *mib_out)
{
	large_fill(large, shape, from, to);
	double start = part_began_ms = now_ms();
	if (large_evaluate_parts(large, LARGE_T0 + (int64_t)to * 60 * US_PER_SECOND, PART_STEPS, after_part) !=
	    BATCH_OK)
		abort();
	*mib_out = (double)large->scratch.total_bytes / 1048576;
	return now_ms() - start;
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	printf("%-20s %10s %8s %10s %8s %10s %10s %10s\n", "shape", "all", "MiB", "one more", "MiB", "judged",
	       "history", "longest");
	for (int shape = 0; shape < LARGE_N_SHAPES; shape++) {
		struct large_ticket *large = large_ticket_new();
		double mib, mib_more, mib_judged;
		double all = evaluate_ms(large, (enum large_shape)shape, 0, n - 1, &mib);
		double more = evaluate_ms(large, (enum large_shape)shape, n - 1, n, &mib_more);
		double judged = evaluate_ms(large, (enum large_shape)shape, n, n, &mib_judged);
		printf("%-20s %7.0f ms %8.1f %7.0f ms %8.1f %7.0f ms %7.0f KiB %7.0f ms\n", large_shape_names[shape],
		       all, mib, more, mib_more, judged, (double)large->stored.history.len / 1024, longest_part_ms);
		longest_part_ms = 0;
		fflush(stdout);
		large_ticket_free(large);
	}
	return 0;
}
