#include "clock_time.h"

struct clock_sum {
	struct clock_sum *next;
	struct text_list listed; /* reasons of pauses that stop the clock */
	struct calendar *hours;  /* NULL: always */
	int64_t *paused_us;      /* [i]: time in pauses before the i-th; computed for 0 .. n_paused */
	size_t n_paused;
	int64_t *used_us; /* [i]: time run in cycles before the i-th; computed for 0 .. n_used */
	size_t n_used;
};

/* ---- sums ---- */

static bool same_list(struct text_list a, struct text_list b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; a.items != b.items && i < a.n; i++)
		if (!text_same(a.items[i], b.items[i]))
			return false;
	return true;
}

static struct clock_sum *sum_new(struct clock_sums *sums, const struct target_rule *rule)
{
	struct clock_sum *sum = arena_alloc(sums->arena, sizeof(*sum));
	*sum = (struct clock_sum){.listed = rule->pause_on, .hours = target_hours(rule)};
	sum->paused_us = arena_alloc(sums->arena, (sums->max_pauses + 1) * sizeof(*sum->paused_us));
	sum->used_us = arena_alloc(sums->arena, (sums->max_cycles + 1) * sizeof(*sum->used_us));
	sum->paused_us[0] = sum->used_us[0] = 0;
	return sum;
}

/* Finds or creates the sums for a rule and moves them to the front: the next query is most likely for the same rule. */
static struct clock_sum *sum_of(struct clock_sums *sums, const struct target_rule *rule)
{
	struct clock_sum **link = &sums->first;
	while (*link != NULL && !((*link)->hours == target_hours(rule) && same_list((*link)->listed, rule->pause_on)))
		link = &(*link)->next;
	struct clock_sum *sum = *link;
	if (sum == NULL)
		sum = sum_new(sums, rule);
	else
		*link = sum->next;
	sum->next = sums->first;
	sums->first = sum;
	return sum;
}

static int64_t worked(const struct clock_time *time, int64_t from_us, int64_t to_us)
{
	struct calendar *hours = target_hours(time->rule);
	return hours == NULL ? to_us - from_us : calendar_worked_us(hours, from_us, to_us);
}

static int64_t worked_off(const struct clock_time *time, int64_t from_us, int64_t work_us)
{
	struct calendar *hours = target_hours(time->rule);
	if (hours == NULL)
		return from_us + work_us;
	int64_t at_us = calendar_after_us(hours, from_us, work_us);
	return at_us == TIME_FOR_EVER ? TIME_NONE : at_us;
}

/* ---- pauses ---- */

static int64_t end_of(const struct clock_time *time, size_t i)
{
	int64_t end_us = time->context->pauses[i].end_us;
	return end_us == TIME_FOR_EVER ? time->cut_us : end_us;
}

static bool is_listed(const struct clock_time *time, size_t i)
{
	return text_list_has(time->rule->pause_on, time->context->pauses[i].reason);
}

/* Time between two times in the i-th pause; 0 if the target does not list it. */
static int64_t paused_in(const struct clock_time *time, size_t i, int64_t from_us, int64_t to_us)
{
	const struct pause *pause = &time->context->pauses[i];
	int64_t start_us = pause->start_us > from_us ? pause->start_us : from_us;
	int64_t end_us = end_of(time, i) < to_us ? end_of(time, i) : to_us;
	return start_us < end_us && is_listed(time, i) ? worked(time, start_us, end_us) : 0;
}

/* Time in the pauses before the i-th, which have all ended. */
static int64_t paused_before(const struct clock_time *time, size_t i)
{
	struct clock_sum *sum = sum_of(time->context->sums, time->rule);
	for (; sum->n_paused < i; sum->n_paused++)
		sum->paused_us[sum->n_paused + 1] =
		        sum->paused_us[sum->n_paused] + paused_in(time, sum->n_paused, INT64_MIN, TIME_FOR_EVER);
	return sum->paused_us[i];
}

/* Index of the first pause from first_pause on that ends after at_us; n_pauses: none. */
static size_t first_ending_after(const struct clock_time *time, int64_t at_us)
{
	size_t low = time->first_pause, high = time->context->n_pauses;
	if (low < high && time->context->pauses[low].end_us > at_us)
		return low;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (time->context->pauses[middle].end_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Index of the first pause from low on that starts at or after at_us; n_pauses: none. */
static size_t first_starting_from(const struct clock_time *time, size_t low, int64_t at_us)
{
	size_t high = time->context->n_pauses;
	if (low < high && time->context->pauses[high - 1].start_us < at_us)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (time->context->pauses[middle].start_us < at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Time between two times in the pauses first <= i < end. The first ends after from_us, the last starts before to_us. */
static int64_t paused_between(const struct clock_time *time, size_t first, size_t end, int64_t from_us, int64_t to_us)
{
	if (time->rule->pause_on.n == 0 || first >= end)
		return 0;
	int64_t paused_us = paused_in(time, first, from_us, to_us);
	if (end - first < 2)
		return paused_us;
	paused_us += paused_in(time, end - 1, from_us, to_us);
	if (end - first > 2)
		paused_us += paused_before(time, end - 1) - paused_before(time, first + 1);
	return paused_us;
}

/* ---- queries ---- */

int64_t clock_time_ran(const struct clock_time *time, int64_t from_us, int64_t to_us)
{
	size_t first = first_ending_after(time, from_us);
	return worked(time, from_us, to_us) -
	       paused_between(time, first, first_starting_from(time, first, to_us), from_us, to_us);
}

/* Time run from from_us to the start of the i-th pause. first: the first pause that ends after from_us. */
static int64_t ran_before(const struct clock_time *time, size_t first, size_t i, int64_t from_us)
{
	int64_t start_us = time->context->pauses[i].start_us;
	if (start_us <= from_us)
		return 0;
	return worked(time, from_us, start_us) - paused_between(time, first, i, from_us, start_us);
}

/* Index of the first pause, from first on, before whose start the clock has run for run_us; n_pauses: none. */
static size_t first_after_run(const struct clock_time *time, size_t first, int64_t from_us, int64_t run_us)
{
	size_t low = first, high = time->context->n_pauses;
	if (low < high && ran_before(time, first, high - 1, from_us) < run_us)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ran_before(time, first, middle, from_us) < run_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t clock_time_reaches(const struct clock_time *time, int64_t from_us, int64_t run_us)
{
	if (time->rule->pause_on.n == 0)
		return worked_off(time, from_us, run_us);
	size_t first = first_ending_after(time, from_us);
	size_t end = first_after_run(time, first, from_us, run_us);
	if (end == first)
		return worked_off(time, from_us, run_us);
	size_t last = end - 1;
	int64_t left_us = run_us - ran_before(time, first, last, from_us);
	int64_t start_us = time->context->pauses[last].start_us;
	int64_t at_us = is_listed(time, last) ? end_of(time, last) : start_us;
	if (at_us == TIME_FOR_EVER)
		return TIME_NONE;
	return worked_off(time, at_us > from_us ? at_us : from_us, left_us);
}

int64_t clock_time_used(const struct clock_time *time, size_t n_cycles)
{
	struct clock_sum *sum = sum_of(time->context->sums, time->rule);
	struct clock_time all = *time;
	all.first_pause = 0;
	for (; sum->n_used < n_cycles; sum->n_used++) {
		const struct ticket_cycle *cycle = &time->context->cycles[sum->n_used];
		sum->used_us[sum->n_used + 1] =
		        sum->used_us[sum->n_used] + clock_time_ran(&all, cycle->started_us, cycle->resolved_us);
	}
	return sum->used_us[n_cycles];
}

int64_t clock_time_zero(const struct clock_time *time, int64_t at_us, int64_t left_us)
{
	struct calendar *hours = target_hours(time->rule);
	if (hours == NULL || left_us == 0)
		return at_us + left_us;
	return left_us > 0 ? worked_off(time, at_us, left_us) : calendar_before_us(hours, at_us, -left_us);
}
