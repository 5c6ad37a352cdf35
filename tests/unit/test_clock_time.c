/* Rule S3: how long a clock runs, and when it has run for a given time; prefix sums against a walk over all
 * pauses. */
#include "fold_case.h"

#include "../../daemon/core/sla/clock_time.h"

enum { MOST_PAUSES = 40, MOST_CYCLES = 8 };

struct life {
	struct arena arena;
	struct pause pauses[MOST_PAUSES];
	struct ticket_cycle cycles[MOST_CYCLES];
	struct clock_sums sums;
	struct clock_context context;
	struct text listed[2];
	struct target_rule rules[3];
	int64_t end_us;
};

static int64_t walk_ran(const struct life *life, const struct target_rule *rule, int64_t from_us, int64_t to_us,
                        int64_t cut_us)
{
	int64_t ran_us = to_us - from_us;
	for (size_t i = 0; i < life->context.n_pauses; i++) {
		const struct pause *pause = &life->pauses[i];
		int64_t end_us = pause->end_us == TIME_FOR_EVER ? cut_us : pause->end_us;
		int64_t start_us = pause->start_us > from_us ? pause->start_us : from_us;
		end_us = end_us < to_us ? end_us : to_us;
		if (start_us < end_us && text_list_has(rule->pause_on, pause->reason))
			ran_us -= end_us - start_us;
	}
	return ran_us;
}

/* Minute by minute: all times are whole minutes. */
static int64_t walk_reaches(const struct life *life, const struct target_rule *rule, int64_t from_us, int64_t run_us)
{
	for (int64_t at_us = from_us; at_us <= life->end_us + run_us; at_us += MINUTE)
		if (walk_ran(life, rule, from_us, at_us, TIME_FOR_EVER) >= run_us)
			return at_us;
	return TIME_NONE;
}

/* Pauses in sequence, adjacent, and of zero length, over cycles; the last one may be open. */
static void random_life(struct life *life)
{
	static const char *const reasons[] = {"", "wait", "other"};
	int64_t at = 0;
	size_t n = (size_t)rand() % MOST_PAUSES, n_cycles = 0;
	*life = (struct life){.end_us = 0};
	arena_init(&life->arena);
	life->listed[0] = TEXT("wait");
	life->listed[1] = TEXT("");
	life->rules[0].pause_on = (struct text_list){life->listed, 2};
	life->rules[1].pause_on = (struct text_list){life->listed, 1};
	for (size_t i = 0; i < n; i++) {
		int64_t start = at + rand() % 3, end = start + rand() % 4;
		life->pauses[i] = (struct pause){AT(start), AT(end), text_of(reasons[rand() % 3])};
		at = end;
	}
	if (n > 0 && rand() % 3 == 0)
		life->pauses[n - 1].end_us = TIME_FOR_EVER;
	for (int64_t begins = 0; n_cycles < MOST_CYCLES && begins + 9 < at; n_cycles++) {
		life->cycles[n_cycles] = (struct ticket_cycle){.started_us = AT(begins), .resolved_us = AT(begins + 7)};
		begins += 7 + rand() % 2;
	}
	life->end_us = AT(at + 5);
	life->sums = (struct clock_sums){.arena = &life->arena, .max_pauses = n, .max_cycles = n_cycles};
	life->context = (struct clock_context){life->pauses, n, life->cycles, &life->sums};
}

static int64_t random_minute(const struct life *life)
{
	return T0 + rand() % ((life->end_us - T0) / MINUTE + 1) * MINUTE;
}

static void ask(const struct life *life, const struct target_rule *rule)
{
	int64_t a_us = random_minute(life), b_us = random_minute(life), run_us = (1 + rand() % 30) * MINUTE;
	int64_t from_us = a_us < b_us ? a_us : b_us, to_us = a_us < b_us ? b_us : a_us;
	size_t first = 0;
	while (first < life->context.n_pauses && life->pauses[first].end_us < from_us)
		first++;
	const struct clock_time time = {&life->context, rule, first, TIME_FOR_EVER};
	assert_time(clock_time_ran(&time, from_us, to_us), walk_ran(life, rule, from_us, to_us, TIME_FOR_EVER));
	assert_time(clock_time_reaches(&time, from_us, run_us), walk_reaches(life, rule, from_us, run_us));
}

static void ask_used(const struct life *life, const struct target_rule *rule)
{
	size_t n = (size_t)rand() % (life->sums.max_cycles + 1);
	const struct clock_time time = {&life->context, rule, life->context.n_pauses, TIME_FOR_EVER};
	int64_t used_us = 0;
	for (size_t i = 0; i < n; i++)
		used_us += walk_ran(life, rule, life->cycles[i].started_us, life->cycles[i].resolved_us, TIME_FOR_EVER);
	assert_time(clock_time_used(&time, n), used_us);
}

static void test_S3_prefix_sums_equal_a_walk_over_all_pauses(void **state)
{
	(void)state;
	srand(11);
	for (int round = 0; round < 2000; round++) {
		struct life life;
		random_life(&life);
		for (int i = 0; i < 30; i++) {
			ask(&life, &life.rules[rand() % 3]);
			ask_used(&life, &life.rules[rand() % 3]);
		}
		arena_release(&life.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_S3_prefix_sums_equal_a_walk_over_all_pauses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
