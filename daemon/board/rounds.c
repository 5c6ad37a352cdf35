#include "board/rounds.h"

#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "board/json.h"
#include "kpid/base/memory.h"
#include "sql/queries.h"

/* Sizes of a piece, and how long it may take. */
enum { LEAST = 500, MOST = 32000, CHEAP_US = 35000, DEAR_US = 75000 };

struct rounds {
	struct tally *tallies[TALLY_N];
	char *after[ROUND_N];
	int64_t most[ROUND_N];
	int64_t began_us[ROUND_N], shown_us[ROUND_N]; /* TIME_NONE: not yet */
};

struct rounds *rounds_new(void)
{
	struct rounds *rounds = mem_zalloc(sizeof(*rounds));
	for (int i = 0; i < TALLY_N; i++)
		rounds->tallies[i] = tally_new((enum tally_name)i);
	for (int i = 0; i < ROUND_N; i++) {
		rounds->most[i] = 2L * LEAST;
		rounds->began_us[i] = rounds->shown_us[i] = TIME_NONE;
	}
	return rounds;
}

void rounds_free(struct rounds *rounds)
{
	if (rounds == NULL)
		return;
	for (int i = 0; i < TALLY_N; i++)
		tally_free(rounds->tallies[i]);
	for (int i = 0; i < ROUND_N; i++)
		free(rounds->after[i]);
	free(rounds);
}

const struct tally *rounds_tally(const struct rounds *rounds, enum tally_name name)
{
	return rounds->tallies[name];
}

const char *rounds_after(const struct rounds *rounds, enum round_name name)
{
	return rounds->after[name];
}

int64_t rounds_most(const struct rounds *rounds, enum round_name name)
{
	return rounds->most[name];
}

void rounds_asked(struct rounds *rounds, enum round_name name, int64_t now_us)
{
	if (rounds->began_us[name] == TIME_NONE)
		rounds->began_us[name] = now_us;
}

int64_t rounds_shown_us(const struct rounds *rounds, enum round_name name)
{
	return rounds->shown_us[name];
}

void rounds_took(struct rounds *rounds, enum round_name name, int64_t took_us)
{
	if (took_us > DEAR_US && rounds->most[name] > LEAST)
		rounds->most[name] /= 2;
	else if (took_us < CHEAP_US && rounds->most[name] < MOST)
		rounds->most[name] *= 2;
}

/* Where the next piece begins, which each row says. True: there is none. */
static bool is_last(struct rounds *rounds, enum round_name name, const PGresult *rows, int column)
{
	free(rounds->after[name]);
	rounds->after[name] = NULL;
	if (PQntuples(rows) == 0 || PQgetisnull(rows, 0, column)) {
		rounds->shown_us[name] = rounds->began_us[name];
		rounds->began_us[name] = TIME_NONE;
		return true;
	}
	struct text next = pg_get_text(rows, 0, column);
	rounds->after[name] = mem_zalloc((size_t)next.len + 1);
	memcpy(rounds->after[name], next.ptr, next.len);
	return false;
}

static void get_spark(struct text array, struct tally_sums *sums_out)
{
	int64_t spark[TALLY_SPARK] = {0};
	json_int8_array(array, spark, TALLY_SPARK);
	for (int i = 0; i < TALLY_SPARK; i++)
		sums_out->spark[i] = (int32_t)spark[i];
}

static void get_numbers(const PGresult *rows, int row, int first, int n, struct tally_sums *sums_out)
{
	for (int i = 0; i < n; i++)
		sums_out->numbers[i] = pg_get_int8(rows, row, first + i);
}

bool rounds_take_agents(struct rounds *rounds, const PGresult *rows)
{
	struct tally *tally = rounds->tallies[TALLY_AGENTS];
	for (int row = 0; row < PQntuples(rows); row++) {
		struct tally_sums sums = {.numbers = {0}};
		get_numbers(rows, row, BOARD_AGENTS_OPENED, AGENT_N, &sums);
		get_spark(pg_get_text(rows, row, BOARD_AGENTS_SPARK), &sums);
		tally_add(tally, pg_get_text(rows, row, BOARD_AGENTS_KEY), &sums);
	}
	if (!is_last(rounds, ROUND_AGENTS, rows, BOARD_AGENTS_NEXT))
		return false;
	tally_show(tally);
	return true;
}

bool rounds_take_groups(struct rounds *rounds, const PGresult *rows)
{
	struct tally *projects = rounds->tallies[TALLY_PROJECTS], *teams = rounds->tallies[TALLY_TEAMS];
	for (int row = 0; row < PQntuples(rows); row++) {
		struct tally_sums sums = {.numbers = {0}};
		get_numbers(rows, row, BOARD_GROUPS_OPEN, GROUP_N_OF_ROUND, &sums);
		tally_add(projects, pg_get_text(rows, row, BOARD_GROUPS_PROJECT), &sums);
		tally_add(teams, pg_get_text(rows, row, BOARD_GROUPS_TEAM), &sums);
	}
	if (!is_last(rounds, ROUND_GROUPS, rows, BOARD_GROUPS_NEXT))
		return false;
	tally_show(projects);
	tally_show(teams);
	return true;
}

int64_t rounds_take_group_kpis(struct rounds *rounds, const PGresult *rows)
{
	struct tally *tallies[] = {rounds->tallies[TALLY_PROJECTS], rounds->tallies[TALLY_TEAMS]};
	for (int i = 0; i < 2; i++)
		tally_hour_begin(tallies[i]);
	for (int row = 0; row < PQntuples(rows); row++) {
		struct tally_sums sums = {.numbers = {0}};
		if (PQgetisnull(rows, row, BOARD_GROUP_KPIS_KEY))
			continue;
		for (int i = GROUP_N_OF_ROUND; i < GROUP_N; i++)
			sums.numbers[i] = pg_get_int8(rows, row, BOARD_GROUP_KPIS_OPENED + i - GROUP_N_OF_ROUND);
		get_spark(pg_get_text(rows, row, BOARD_GROUP_KPIS_SPARK), &sums);
		tally_hour_add(tallies[pg_get_bool(rows, row, BOARD_GROUP_KPIS_IS_TEAM)],
		               pg_get_text(rows, row, BOARD_GROUP_KPIS_KEY), &sums);
	}
	for (int i = 0; i < 2; i++)
		tally_hour_show(tallies[i]);
	if (PQntuples(rows) == 0 || PQgetisnull(rows, 0, BOARD_GROUP_KPIS_REFRESHED_AT))
		return TIME_NONE;
	return pg_get_time(rows, 0, BOARD_GROUP_KPIS_REFRESHED_AT);
}
