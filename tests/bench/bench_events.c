/* Writes a synthetic workload to standard output, and a summary as JSON to standard error.
 *
 *   bench_events tsv|ndjson|rows N START_S SPAN_S     N events over SPAN_S seconds from START_S (UTC)
 *   bench_events openings N START_S SPAN_S            like tsv, but no ticket is ever answered
 *
 * tsv: key, tab, event; ndjson: only the event; rows: typed columns for COPY. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum form { FORM_TSV, FORM_NDJSON, FORM_ROWS, FORM_OPENINGS, N_FORMS };

static const char *const form_names[N_FORMS] = {"tsv", "ndjson", "rows", "openings"};

static void write_row(const struct workload_event *event)
{
	printf("%s\t%s\t%s\t%s\tagent-%03u\tprj-%02u\t%s\t%s\t%u\t", event->id, event->ticket_id, event->type,
	       event->time, event->agent, event->project, event->channel, event->category, event->priority);
	if (event->score == 0)
		puts("\\N");
	else
		printf("%u\n", event->score);
}

static void write_event(enum form form, const struct workload_event *event)
{
	char json[1024];
	if (form == FORM_ROWS) {
		write_row(event);
		return;
	}
	workload_json(event, json, sizeof(json));
	if (form != FORM_NDJSON)
		printf("%s\t", event->ticket_id);
	puts(json);
}

int main(int argc, char **argv)
{
	int form = 0;
	while (argc == 5 && form < N_FORMS && strcmp(argv[1], form_names[form]) != 0)
		form++;
	if (argc != 5 || form == N_FORMS) {
		fprintf(stderr, "usage: bench_events tsv|ndjson|rows|openings N START_S SPAN_S\n");
		return 2;
	}
	long n_events = atol(argv[2]), n_opened = 0, n_duplicates = 0, n_surveys = 0;
	struct workload *workload = workload_new(&(struct workload_params){
	        .seed = 1,
	        .ticket_prefix = 'T',
	        .start_us = atoll(argv[3]) * 1000000,
	        .events_per_s = (double)n_events / atof(argv[4]),
	        .only_openings = form == FORM_OPENINGS,
	        .pace = workload_real_pace,
	});
	for (long i = 0; i < n_events; i++) {
		struct workload_event event;
		workload_next(workload, &event);
		write_event((enum form)form, &event);
		n_duplicates += event.is_duplicate;
		n_opened += !event.is_duplicate && event.kind == WORKLOAD_OPENED;
		n_surveys += !event.is_duplicate && event.kind == WORKLOAD_SURVEYED;
	}
	workload_free(workload);
	fprintf(stderr, "{\"events\":%ld,\"duplicates\":%ld,\"opened\":%ld,\"surveys\":%ld}\n", n_events, n_duplicates,
	        n_opened, n_surveys);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
