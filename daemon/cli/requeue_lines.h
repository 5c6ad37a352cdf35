/* Rejected lines of files. They came from no topic, so kpid dlq requeue reads them again itself, through the pipeline
 * of kpid ingest. */
#ifndef KPID_CLI_REQUEUE_LINES_H
#define KPID_CLI_REQUEUE_LINES_H

#include "cli/dlq.h"

struct requeue_line {
	struct dlq_key key; /* owns its topic */
	int64_t letter_no;
};

struct requeue_lines {
	struct requeue_line *items;
	size_t n, capacity;
	struct buf bytes; /* the lines, each with its line feed */
};

void requeue_lines_release(struct requeue_lines *lines);
/* Whether the letter was read from a file. */
bool requeue_lines_is_one(const struct dlq_key *key);
/* Whether the line is a valid event now. If not, writes the reason to why_out. */
bool requeue_lines_accepts(const struct dlq_key *key, const struct dlq_letter *letter, char *why_out, size_t n_why);
void requeue_lines_add(struct requeue_lines *lines, const struct dlq_key *key, int64_t letter_no, struct text line);
/* Reads the added lines. Returns an enum cli_status, and prints errors to stderr. */
int requeue_lines_read(const struct requeue_lines *lines, const struct cli *cli);

#endif
