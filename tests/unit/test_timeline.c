/* When a clock runs and when it does not, as drawn by explain. */
#include "fold_case.h"

#include "fake_zone.h"
#include "kpid/core/timeline.h"

/* T0 is a Thursday, midnight of UTC. The resolution of "urgent" runs from 00:20 to 00:40 and from 00:50 to 01:30. */
static const struct calendar_hours hours[] = {{20, 40, false}, {50, 90, false}};

struct piece {
	enum timeline_kind kind;
	int64_t to_minute, ran_minutes;
};

static void assert_line(struct fold_case *c, int64_t until_minute, size_t max, const struct piece *expected, size_t n,
                        bool cut)
{
	const struct ticket *ticket = fold(c);
	struct timeline line =
	        timeline_of(ticket, clock_of(ticket, TARGET_RESOLUTION, 1), AT(until_minute), max, &c->arena);
	assert_int_equal(line.n, n);
	assert_int_equal(line.cut, cut);
	int64_t at_us = AT(0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(line.pieces[i].kind, expected[i].kind);
		assert_time(line.pieces[i].from_us, at_us);
		assert_time(line.pieces[i].to_us, AT(expected[i].to_minute));
		assert_int_equal(line.pieces[i].ran_us, expected[i].ran_minutes * MINUTE);
		at_us = line.pieces[i].to_us;
	}
}

#define LINE(...) ((const struct piece[]){__VA_ARGS__})

static void test_day_and_night(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL);
	assert_line(c, 50, 9, LINE({TIMELINE_RUNS, 50, 50}), 1, false);
	pauses(c, 10, "wait");
	happens(c, 30, EVENT_RESUMED, NULL);
	assert_line(c, 50, 9, LINE({TIMELINE_RUNS, 10, 10}, {TIMELINE_PAUSED, 30, 10}, {TIMELINE_RUNS, 50, 30}), 3,
	            false);
	assert_line(c, 50, 2, LINE({TIMELINE_RUNS, 10, 10}, {TIMELINE_PAUSED, 30, 10}), 2, true);
}

static void test_hours_and_pauses(void **state)
{
	struct fold_case *c = *state;
	struct calendar calendar = {.n_spans = 0};
	struct policy_calendar named = {.name = TEXT("hours"), .hours = &calendar};
	fake_zone_find("UTC", &calendar.zone);
	for (int i = 0; i < 7; i++)
		calendar.weekly[i] = (struct calendar_day){hours, 2};
	c->policies[0].targets[TARGET_RESOLUTION].calendar = &named;
	opens(c, 0, "1", NULL);
	pauses(c, 30, "wait");
	happens(c, 60, EVENT_RESUMED, NULL);
	pauses(c, 70, "a reason that nobody lists");
	assert_line(c, 80, 9,
	            LINE({TIMELINE_RESTS, 20, 0}, {TIMELINE_RUNS, 30, 10}, {TIMELINE_PAUSED, 60, 10},
	                 {TIMELINE_RUNS, 80, 30}),
	            4, false);
	calendar_release(&calendar);
}

static void test_promise_runs_by_the_wall_clock(void **state)
{
	struct fold_case *c = *state;
	opens(c, 0, "1", NULL)->times[EVENT_RESOLUTION_DUE_AT] = AT(100);
	pauses(c, 10, "wait");
	assert_line(c, 50, 9, LINE({TIMELINE_RUNS, 50, 50}), 1, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        fold_test(test_day_and_night),
	        fold_test(test_hours_and_pauses),
	        fold_test(test_promise_runs_by_the_wall_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
