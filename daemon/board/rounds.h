/* Reads agents, projects and teams piece by piece, in rounds: after the last piece the first one follows. A piece takes
 * the database well under 100 ms, however many there are. */
#ifndef KPID_BOARD_ROUNDS_H
#define KPID_BOARD_ROUNDS_H

#include <libpq-fe.h>
#include <stdint.h>

#include "board/figures.h"
#include "board/tally.h"

enum round_name { ROUND_AGENTS, ROUND_GROUPS, ROUND_N };

struct rounds;

struct rounds *rounds_new(void);
void rounds_free(struct rounds *rounds);
const struct tally *rounds_tally(const struct rounds *rounds, enum tally_name name);
/* The parameters of the next piece: the key after which it begins, NULL for the first; how much it has at most. */
const char *rounds_after(const struct rounds *rounds, enum round_name name);
int64_t rounds_most(const struct rounds *rounds, enum round_name name);
/* How long the database took for a piece: decides how large the next one is. */
void rounds_took(struct rounds *rounds, enum round_name name, int64_t took_us);
/* Take a piece, the rows of board_agents.sql or board_groups.sql. True: it was the last one, and the tallies show the
 * round. */
bool rounds_take_agents(struct rounds *rounds, const PGresult *rows);
bool rounds_take_groups(struct rounds *rounds, const PGresult *rows);
/* The next piece of what projects and teams did in the last hour: its bucket of 5 minutes. */
struct figures_range rounds_hour_piece(struct rounds *rounds, int64_t now_us);
/* Takes such a piece, the rows of board_group_kpis.sql. True: it was the last one, and the tallies show the hour. If
 * the ledger is refreshed meanwhile, the hour is read again, because a ticket may have moved from one bucket to
 * another. */
bool rounds_take_group_kpis(struct rounds *rounds, const PGresult *rows);
/* Whether some pieces of an hour were read, but not all. */
bool rounds_hour_is_begun(const struct rounds *rounds);
/* When the ledger had been refreshed before the hour that is shown was read; TIME_NONE: not in the hour before. */
int64_t rounds_ledger_us(const struct rounds *rounds);
/* When the round that is shown began, by the database's clock; TIME_NONE: there is none yet. */
int64_t rounds_shown_us(const struct rounds *rounds, enum round_name name);
/* Call with each piece, before it is taken: the database's clock when it was asked for. */
void rounds_asked(struct rounds *rounds, enum round_name name, int64_t now_us);

#endif
