#include "board/rounds.h"

#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "board/json.h"
#include "kpid/base/memory.h"
#include "sql/queries.h"

/* Sizes of a piece, and how long it may take. */
enum { LEAST = 500, MOST = 32000, CHEAP_US = 35000, DEAR_US = 75000 };

/* The hour that is being read, bucket by bucket. */
struct hour {
	int n_read;
	int64_t first_us, refreshed_us;
	int64_t shown_us; /* refreshed_us of the hour that is shown */
};

struct rounds {
	struct tally *tallies[TALLY_N];
	struct hour hour;
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
	rounds->hour.shown_us = TIME_NONE;
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

struct figures_range rounds_hour_piece(struct rounds *rounds, int64_t now_us)
{
	struct hour *hour = &rounds->hour;
	if (hour->n_read == 0)
		hour->first_us = timestamp_bucket(now_us) - (FIGURES_HOUR - 1) * BUCKET_US;
	int64_t from_us = hour->first_us + hour->n_read * BUCKET_US;
	return (struct figures_range){from_us, from_us + BUCKET_US};
}

static void begin_hour(struct rounds *rounds, int64_t refreshed_us)
{
	tally_hour_begin(rounds->tallies[TALLY_PROJECTS]);
	tally_hour_begin(rounds->tallies[TALLY_TEAMS]);
	rounds->hour.refreshed_us = refreshed_us;
}

static void add_to_hour(struct rounds *rounds, const PGresult *rows, int row)
{
	bool is_team = pg_get_bool(rows, row, BOARD_GROUP_KPIS_IS_TEAM);
	struct tally_sums sums = {.numbers = {0}};
	for (int i = GROUP_N_OF_ROUND; i < GROUP_N; i++)
		sums.numbers[i] = pg_get_int8(rows, row, BOARD_GROUP_KPIS_OPENED + i - GROUP_N_OF_ROUND);
	sums.spark[rounds->hour.n_read] = (int32_t)sums.numbers[GROUP_RESOLVED];
	tally_hour_add(rounds->tallies[is_team ? TALLY_TEAMS : TALLY_PROJECTS],
	               pg_get_text(rows, row, BOARD_GROUP_KPIS_KEY), &sums);
}

bool rounds_take_group_kpis(struct rounds *rounds, const PGresult *rows)
{
	struct hour *hour = &rounds->hour;
	int64_t refreshed_us = PQntuples(rows) == 0 ? TIME_NONE : pg_get_time(rows, 0, BOARD_GROUP_KPIS_REFRESHED_AT);
	if (hour->n_read > 0 && refreshed_us != hour->refreshed_us) {
		hour->n_read = 0;
		return false;
	}
	if (hour->n_read == 0)
		begin_hour(rounds, refreshed_us);
	for (int row = 0; row < PQntuples(rows); row++)
		if (!PQgetisnull(rows, row, BOARD_GROUP_KPIS_KEY))
			add_to_hour(rounds, rows, row);
	if (++hour->n_read < FIGURES_HOUR)
		return false;
	tally_hour_show(rounds->tallies[TALLY_PROJECTS]);
	tally_hour_show(rounds->tallies[TALLY_TEAMS]);
	hour->n_read = 0;
	hour->shown_us = refreshed_us;
	return true;
}

bool rounds_hour_is_begun(const struct rounds *rounds)
{
	return rounds->hour.n_read > 0;
}

int64_t rounds_ledger_us(const struct rounds *rounds)
{
	return rounds->hour.shown_us;
}
