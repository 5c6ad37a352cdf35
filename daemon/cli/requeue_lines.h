/* Rejected lines of files. No broker has a place for them, so kpid dlq requeue reads them again itself, through the
 * pipeline of kpid ingest. */
#ifndef KPID_CLI_REQUEUE_LINES_H
#define KPID_CLI_REQUEUE_LINES_H

#include "cli/dlq.h"

struct requeue_line {
	struct dlq_key key; /* its topic is owned */
	int64_t letter_no;
};

struct requeue_lines {
	struct requeue_line *items;
	size_t n, capacity;
	struct buf bytes; /* the lines, each with its end */
};

void requeue_lines_release(struct requeue_lines *lines);
/* Was it read from a file? */
bool requeue_lines_is_one(const struct dlq_key *key);
/* Whether the line would be an event if it were read now. False: why_out says why not. */
bool requeue_lines_accepts(const struct dlq_key *key, const struct dlq_letter *letter, char *why_out, size_t n_why);
void requeue_lines_add(struct requeue_lines *lines, const struct dlq_key *key, int64_t letter_no, struct text line);
/* Reads all that were added. Returns an enum cli_status; what is wrong was said. */
int requeue_lines_read(const struct requeue_lines *lines, const struct cli *cli);

#endif
