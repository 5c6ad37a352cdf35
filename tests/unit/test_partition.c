/* The state machine of a partition: every row of its table and every pair of a state and an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "kpid/core/partition.h"

/* What each pair must give: a character for the new state, '.' where the event is impossible. A state is its place in
 * STATES, an event its place in EVENTS. */
static const char STATES[] = "ucslvrmgtfdp";

static const struct {
	enum partition_event event;
	const char *to; /* by the old state, in the order of STATES */
} EXPECTED[] = {
        {PARTITION_CLAIMED_RUNNING, "ccc........l"},  {PARTITION_CLAIMED_AT_GAP, "sss........g"},
        {PARTITION_ASSIGNED_STOPPED, "..g........."}, {PARTITION_BEGIN_FOUND, ".r.r........"},
        {PARTITION_BEGIN_TO_VERIFY, ".v.v........"},  {PARTITION_BEGIN_MISSING, ".g.g........"},
        {PARTITION_BEGIN_UNKNOWN, ".t.t........"},    {PARTITION_FIRST_VERIFIED, "....r......."},
        {PARTITION_FIRST_UNSURE, ".....l......"},     {PARTITION_BEGIN_MOVED, ".....t......"},
        {PARTITION_GAP_MET, "....mm......"},          {PARTITION_GAP_MEASURED, "......g....."},
        {PARTITION_STALLED, ".....r......"},          {PARTITION_CLAIM_SENT, ".......pppp."},
        {PARTITION_CLAIM_FAILED, "...........d"},     {PARTITION_LOST_TO_OTHER, "ucslfffffffp"},
        {PARTITION_COMMITS_LOST, "ucsldddddddp"},     {PARTITION_REVOKED, "uuuuuuuuuuuu"},
};

static char letter_of(enum partition_state state)
{
	return STATES[state];
}

static void test_every_pair_moves_as_expected(void **state)
{
	(void)state;
	assert_int_equal(strlen(STATES), PARTITION_N_STATES);
	assert_int_equal(sizeof(EXPECTED) / sizeof(EXPECTED[0]), PARTITION_N_EVENTS);
	for (unsigned e = 0; e < PARTITION_N_EVENTS; e++) {
		assert_int_equal(EXPECTED[e].event, e);
		for (unsigned s = 0; s < PARTITION_N_STATES; s++) {
			enum partition_state from = (enum partition_state)s;
			enum partition_event event = (enum partition_event)e;
			char to = partition_can_step(from, event) ? letter_of(partition_step(from, event).state) : '.';
			if (to != EXPECTED[e].to[s])
				fail_msg("%s + %s gives '%c'", partition_state_name(from), partition_event_name(event),
				         to);
		}
	}
}

/* Makes an impossible move in a child process. Returns the exit status of the child and what it printed. */
static int die(enum partition_state from, enum partition_event event, char *printed_out, size_t size)
{
	int ends[2], status;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		partition_step(from, event);
		_exit(EX_OK);
	}
	close(ends[1]);
	ssize_t n = read(ends[0], printed_out, size - 1);
	printed_out[n < 0 ? 0 : n] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_an_impossible_move_ends_the_process(void **state)
{
	(void)state;
	for (unsigned s = 0; s < PARTITION_N_STATES; s++) {
		for (unsigned e = 0; e < PARTITION_N_EVENTS; e++) {
			enum partition_state from = (enum partition_state)s;
			enum partition_event event = (enum partition_event)e;
			char printed[512], expected[128];
			if (partition_can_step(from, event))
				continue;
			assert_int_equal(die(from, event, printed, sizeof(printed)), EX_SOFTWARE);
			snprintf(expected, sizeof(expected), "a partition in state %s can take the event %s",
			         partition_state_name(from), partition_event_name(event));
			if (strstr(printed, expected) == NULL)
				fail_msg("printed: %s", printed);
		}
	}
}

/* No row is hidden by an earlier one for the same pair. */
static void test_every_row_is_reached(void **state)
{
	size_t n;
	const struct partition_row *rows = partition_rows(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool is_reached = false;
		for (unsigned s = 0; s < PARTITION_N_STATES && !is_reached; s++) {
			bool is_hidden = false;
			for (size_t j = 0; j < i; j++)
				is_hidden |= rows[j].event == rows[i].event &&
				             (rows[j].from == s || rows[j].from == PARTITION_ANY);
			is_reached = !is_hidden && (rows[i].from == s || rows[i].from == PARTITION_ANY);
			if (!is_reached)
				continue;
			struct partition_move move = partition_step((enum partition_state)s, rows[i].event);
			assert_int_equal(move.state, rows[i].move.state);
			assert_int_equal(move.action, rows[i].move.action);
		}
		if (!is_reached)
			fail_msg("no pair reaches row %zu: %s + %s", i, partition_state_name(rows[i].from),
			         partition_event_name(rows[i].event));
	}
}

static void test_every_state_can_be_entered(void **state)
{
	bool is_entered[PARTITION_N_STATES] = {[PARTITION_UNASSIGNED] = true};
	size_t n;
	const struct partition_row *rows = partition_rows(&n);
	(void)state;
	for (unsigned round = 0; round < PARTITION_N_STATES; round++)
		for (size_t i = 0; i < n; i++)
			if (rows[i].from == PARTITION_ANY || is_entered[rows[i].from])
				is_entered[rows[i].move.state] = true;
	for (unsigned s = 0; s < PARTITION_N_STATES; s++)
		if (!is_entered[s])
			fail_msg("%s cannot be entered", partition_state_name((enum partition_state)s));
}

/* Whatever the table says: librdkafka is paused while a partition is not read, and resumed when it is. */
static void test_actions_fit_the_states(void **state)
{
	size_t n;
	const struct partition_row *rows = partition_rows(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		enum partition_state from = rows[i].from, to = rows[i].move.state;
		enum partition_action action = rows[i].move.action;
		bool read = from != PARTITION_ANY && partition_is_reading(from);
		if (partition_is_reading(to) && !read)
			assert_int_equal(action,
			                 partition_is_assigned(from) ? PARTITION_DO_REASSIGN : PARTITION_DO_RESUME);
		if (read && !partition_is_reading(to)) /* what is fenced is dropped by the lane until it is claimed */
			assert_true(action == PARTITION_DO_PAUSE || action == PARTITION_DO_LOCATE ||
			            action == PARTITION_DO_MEASURE_GAP || action == PARTITION_DO_DROP);
		bool is_new_gap = rows[i].event == PARTITION_GAP_MEASURED || rows[i].event == PARTITION_BEGIN_MISSING;
		if (to == PARTITION_STOPPED)
			assert_int_equal(action, is_new_gap ? PARTITION_DO_RECORD_GAP : PARTITION_DO_PAUSE);
		if (to == PARTITION_LOCATING && from != to)
			assert_int_equal(action, PARTITION_DO_LOCATE);
		if (to == PARTITION_UNASSIGNED)
			assert_int_equal(action, PARTITION_DO_DROP);
	}
}

/* A partition that this instance does not own in the database is never read. */
static void test_reading_follows_a_claim(void **state)
{
	size_t n;
	const struct partition_row *rows = partition_rows(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (!partition_is_reading(rows[i].move.state))
			continue;
		assert_true(rows[i].from == PARTITION_CLAIMED || rows[i].from == PARTITION_LOCATING ||
		            partition_is_reading(rows[i].from));
	}
	for (unsigned s = 0; s < PARTITION_N_STATES; s++)
		if (partition_needs_claim((enum partition_state)s))
			assert_true(partition_is_assigned((enum partition_state)s) &&
			            !partition_is_reading((enum partition_state)s));
}

static void test_names_are_distinct(void **state)
{
	(void)state;
	for (unsigned a = 0; a < PARTITION_N_STATES; a++)
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(partition_state_name(a), partition_state_name(b));
	for (unsigned a = 0; a < PARTITION_N_EVENTS; a++)
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(partition_event_name(a), partition_event_name(b));
	for (unsigned a = 0; a < PARTITION_N_ACTIONS; a++)
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(partition_action_name(a), partition_action_name(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_pair_moves_as_expected),
	        cmocka_unit_test(test_an_impossible_move_ends_the_process),
	        cmocka_unit_test(test_every_row_is_reached),
	        cmocka_unit_test(test_every_state_can_be_entered),
	        cmocka_unit_test(test_actions_fit_the_states),
	        cmocka_unit_test(test_reading_follows_a_claim),
	        cmocka_unit_test(test_names_are_distinct),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
