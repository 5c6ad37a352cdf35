/* Sums by key (an agent, a project, a team) that are read from the database piece by piece, because all at once would
 * take too long. A round reads every key once; shown is the last whole round. So a list of 100,000 agents in any order
 * costs the database nothing, and the board about 150 bytes an agent. */
#ifndef KPID_BOARD_TALLY_H
#define KPID_BOARD_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"

enum tally_name { TALLY_AGENTS, TALLY_PROJECTS, TALLY_TEAMS, TALLY_N };
enum { TALLY_MOST_NUMBERS = 14, TALLY_SPARK = 12 };

enum tally_agent_number {
	AGENT_OPENED,
	AGENT_BREACHED,
	AGENT_RESPONDED,
	AGENT_RESOLVED,
	AGENT_WITHIN,
	AGENT_MEASURED,
	AGENT_CSAT_MICROS,
	AGENT_CSAT_N,
	AGENT_BACKLOG,
	AGENT_N
};
/* Tickets with a running clock, and these clocks by state; then what was done in the last hour. */
enum tally_group_number {
	GROUP_OPEN,
	GROUP_PENDING,
	GROUP_AT_RISK,
	GROUP_BREACHED,
	GROUP_PAUSED,
	GROUP_N_OF_ROUND,
	GROUP_OPENED = GROUP_N_OF_ROUND,
	GROUP_RESPONDED,
	GROUP_RESOLVED,
	GROUP_WITHIN,
	GROUP_MEASURED,
	GROUP_MISSED,
	GROUP_CSAT_MICROS,
	GROUP_CSAT_N,
	GROUP_N
};

struct tally;
struct tally_row;

/* spark: what was resolved in the twelve buckets of the hour. */
struct tally_sums {
	int64_t numbers[TALLY_MOST_NUMBERS];
	int32_t spark[TALLY_SPARK];
};

/* Which rows of the list, and in which order. */
struct tally_wish {
	const char *key;  /* only this one; NULL: all */
	const char *part; /* only keys that contain it, in any case; NULL: all */
	const char *sort; /* a column, with - before it: largest first. NULL, another word: most breaches */
	bool is_after;    /* only rows after the row with these two */
	int64_t after_value;
	const char *after_key;
	size_t most;
};

/* A row of an answer, and what it was sorted by. Valid until the next round is shown. */
struct tally_found {
	const struct tally_row *row;
	int64_t sort_value;
};

struct tally *tally_new(enum tally_name name);
void tally_free(struct tally *tally);
/* Adds to the sums of a key in the round that is being read. */
void tally_add(struct tally *tally, struct text key, const struct tally_sums *sums);
/* The round is whole: it is shown, and the next one begins. */
void tally_show(struct tally *tally);
/* Of projects and teams, the numbers of the last hour are read beside the rounds: begin, add, and show the hour when it
 * is whole. It is part of what is shown, now and after each round, until the next one is shown. */
void tally_hour_begin(struct tally *tally);
void tally_hour_add(struct tally *tally, struct text key, const struct tally_sums *sums);
void tally_hour_show(struct tally *tally);
/* Whether there is a whole round. */
bool tally_is_known(const struct tally *tally);
size_t tally_n_rows(const struct tally *tally);
/* Fills found_out with at most wish->most rows, sorted by their value and then by key; returns their number. total_out:
 * how many match without after and most. */
size_t tally_find(const struct tally *tally, const struct tally_wish *wish, struct tally_found *found_out,
                  size_t *total_out);
/* The sum of a number over all keys, or of one key. */
int64_t tally_sum(const struct tally *tally, const char *key, int number);
/* Of projects or teams: running clocks in a state; NULL: in any. -1: there is no such state. */
int64_t tally_clocks(const struct tally *tally, const char *key, const char *state);
/* The first rows as the overview has them: most breaches first, then most of the rest. */
size_t tally_first(const struct tally *tally, struct tally_found *found_out, size_t most);

struct text tally_key(const struct tally_row *row);
/* Append a row as a JSON object; the names of the columns of a CSV file, and a row of it. */
void tally_json(const struct tally *tally, const struct tally_row *row, struct buf *out);
void tally_csv_names(const struct tally *tally, struct buf *out);
void tally_csv(const struct tally *tally, const struct tally_row *row, struct buf *out);

#endif
