#include "board/figures.h"

#include <inttypes.h>
#include <string.h>

#include "board/json.h"

#define WEEK_US (7 * US_PER_DAY)
#define HOUR_US (FIGURES_HOUR * BUCKET_US)
#define STEP_US (FIGURES_STEP * BUCKET_US)

enum { LOOK_MAX = 4 * FIGURES_HOUR, LOOK_CHEAP_US = 10000, LOOK_DEAR_US = 40000 };

void figures_init(struct figures *figures)
{
	memset(figures, 0, sizeof(*figures));
	figures->midnight_us = figures->stored_until_us = TIME_NONE;
	figures->n_per_look = 1;
}

void figures_set_day(struct figures *figures, int64_t midnight_us)
{
	if (figures->midnight_us == midnight_us)
		return;
	figures_init(figures);
	figures->midnight_us = midnight_us;
	figures->first_us = timestamp_bucket(midnight_us) - HOUR_US;
	for (int i = 0; i < 2 * FIGURES_HOUR; i++)
		figures->week_ago_us[i] = TIME_NONE;
	for (int i = 0; i < FIGURES_MAX_STEPS; i++)
		figures->backlog[i] = figures->stored[i] = -1;
}

/* The first of the 12 buckets of the hour that ends now. */
static int64_t hour_start(int64_t now_us)
{
	return timestamp_bucket(now_us) - HOUR_US + BUCKET_US;
}

/* From now back to midnight or an hour ago, then the hour a week ago, then again. */
struct figures_range figures_next_look(struct figures *figures, int64_t now_us)
{
	int64_t newest_us = timestamp_bucket(now_us) - BUCKET_US, hour_us = hour_start(now_us);
	int64_t today_us = timestamp_bucket(figures->midnight_us);
	int64_t first_us = today_us < hour_us ? today_us : hour_us;
	int64_t n_today = (newest_us - first_us) / BUCKET_US;
	int64_t until_us = newest_us - figures->n_looked * BUCKET_US;
	if (figures->n_looked >= n_today) {
		first_us = hour_us - WEEK_US;
		until_us = first_us + HOUR_US - (figures->n_looked - n_today) * BUCKET_US;
	}
	int64_t from_us = until_us - figures->n_per_look * BUCKET_US;
	from_us = from_us < first_us ? first_us : from_us;
	figures->n_looked += (until_us - from_us) / BUCKET_US;
	if (figures->n_looked >= n_today + FIGURES_HOUR)
		figures->n_looked = 0;
	return (struct figures_range){from_us, until_us};
}

void figures_took(struct figures *figures, int64_t took_us)
{
	if (took_us > LOOK_DEAR_US && figures->n_per_look > 1)
		figures->n_per_look /= 2;
	else if (took_us < LOOK_CHEAP_US && figures->n_per_look < LOOK_MAX)
		figures->n_per_look *= 2;
}

/* The place of a bucket of today or of the hour before; NULL: it is neither. */
static struct figures_sums *place_of(struct figures *figures, int64_t bucket_us, bool **is_known_out)
{
	int64_t i = (bucket_us - figures->first_us) / BUCKET_US;
	if (bucket_us < figures->first_us || i >= FIGURES_MAX)
		return NULL;
	*is_known_out = &figures->is_known[i];
	return &figures->buckets[i];
}

struct figures_range figures_newest(struct figures *figures, int64_t now_us)
{
	bool *is_known;
	int64_t from_us = timestamp_bucket(now_us);
	bool is_running_known = place_of(figures, from_us, &is_known) != NULL && *is_known;
	figures->asks_previous = is_running_known && !figures->asks_previous;
	if (figures->asks_previous)
		from_us -= BUCKET_US;
	return (struct figures_range){from_us, from_us + BUCKET_US};
}

static size_t week_ago_place(int64_t bucket_us)
{
	return (size_t)(bucket_us / BUCKET_US) % (2 * FIGURES_HOUR);
}

void figures_begin(struct figures *figures, struct figures_range range)
{
	for (int64_t at = range.from_us; at < range.until_us; at += BUCKET_US)
		figures_put(figures, at, &(struct figures_sums){.within = {0}});
}

void figures_put(struct figures *figures, int64_t bucket_us, const struct figures_sums *sums)
{
	bool *is_known;
	struct figures_sums *place = place_of(figures, bucket_us, &is_known);
	if (place != NULL) {
		*place = *sums;
		*is_known = true;
	} else {
		figures->week_ago[week_ago_place(bucket_us)] = *sums;
		figures->week_ago_us[week_ago_place(bucket_us)] = bucket_us;
	}
}

void figures_put_backlog(struct figures *figures, int64_t now_us, int64_t backlog)
{
	int64_t step = (now_us - figures->midnight_us) / STEP_US;
	if (figures->midnight_us != TIME_NONE && step >= 0 && step < FIGURES_MAX_STEPS)
		figures->backlog[step] = backlog;
}

static int64_t step_end_us(const struct figures *figures, int64_t step)
{
	return figures->midnight_us + (step + 1) * STEP_US;
}

void figures_begin_backlog(struct figures *figures, int64_t known_until_us)
{
	figures->stored_until_us = known_until_us;
	for (int i = 0; i < FIGURES_MAX_STEPS; i++)
		figures->stored[i] = 0;
}

void figures_add_backlog(struct figures *figures, int64_t from_us, int64_t backlog)
{
	for (int64_t i = FIGURES_MAX_STEPS - 1; i >= 0 && step_end_us(figures, i) >= from_us; i--)
		figures->stored[i] = backlog;
}

/* At the end of a step, or the last one seen in it; -1: not known. */
static int64_t backlog_of(const struct figures *figures, int64_t step)
{
	if (figures->stored_until_us != TIME_NONE && step_end_us(figures, step) <= figures->stored_until_us)
		return figures->stored[step];
	return figures->backlog[step];
}

/* ---- writing ---- */

static void add_sums(struct figures_sums *total, const struct figures_sums *sums)
{
	for (int target = 0; target < TARGET_N; target++) {
		total->within[target] += sums->within[target];
		total->measured[target] += sums->measured[target];
	}
}

/* Adds the buckets from <= time < until. False if one of them is not known yet. */
static bool sum_range(const struct figures *figures, int64_t from_us, int64_t until_us, struct figures_sums *total_out)
{
	bool all = true;
	*total_out = (struct figures_sums){.within = {0}};
	for (int64_t at = from_us; at < until_us; at += BUCKET_US) {
		int64_t i = (at - figures->first_us) / BUCKET_US;
		if (at < figures->first_us || i >= FIGURES_MAX || !figures->is_known[i])
			all = false;
		else
			add_sums(total_out, &figures->buckets[i]);
	}
	return all;
}

static bool sum_week_ago(const struct figures *figures, int64_t from_us, struct figures_sums *total_out)
{
	bool all = true;
	*total_out = (struct figures_sums){.within = {0}};
	for (int64_t at = from_us; at < from_us + HOUR_US; at += BUCKET_US) {
		size_t i = week_ago_place(at);
		if (figures->week_ago_us[i] == at)
			add_sums(total_out, &figures->week_ago[i]);
		else
			all = false;
	}
	return all;
}

static void write_pair(struct buf *out, const char *name, bool is_known, const struct figures_sums *sums, int target)
{
	if (is_known)
		buf_add_format(out, ",\"%s\":[%" PRId64 ",%" PRId64 "]", name, sums->within[target],
		               sums->measured[target]);
	else
		buf_add_format(out, ",\"%s\":null", name);
}

void figures_write_compliance(const struct figures *figures, int64_t now_us, struct buf *out)
{
	static const char *const names[TARGET_N] = {"first_response", "next_response", "arrival", "resolution"};
	struct figures_sums hour, today, week_ago;
	int64_t end_us = timestamp_bucket(now_us) + BUCKET_US;
	bool has_hour = sum_range(figures, hour_start(now_us), end_us, &hour);
	bool has_today = sum_range(figures, timestamp_bucket(figures->midnight_us), end_us, &today);
	bool has_week_ago = sum_week_ago(figures, hour_start(now_us) - WEEK_US, &week_ago);
	for (int target = 0; target < TARGET_N; target++) {
		buf_add_format(out, "%s{\"target\":\"%s\"", target == 0 ? "[" : ",", names[target]);
		write_pair(out, "hour", has_hour, &hour, target);
		write_pair(out, "today", has_today, &today, target);
		write_pair(out, "week_ago", has_week_ago, &week_ago, target);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static int64_t sum_of(const int64_t values[TARGET_N])
{
	int64_t sum = 0;
	for (int target = 0; target < TARGET_N; target++)
		sum += values[target];
	return sum;
}

void figures_write_day(const struct figures *figures, int64_t now_us, struct buf *out)
{
	int64_t n_steps = (now_us - figures->midnight_us) / STEP_US + 1;
	n_steps = n_steps < 0 ? 0 : n_steps > FIGURES_MAX_STEPS ? FIGURES_MAX_STEPS : n_steps;
	buf_add_format(out, "{\"step_s\":%" PRId64 ",\"from\":", STEP_US / US_PER_SECOND);
	json_time(out, figures->midnight_us);
	buf_add_str(out, ",\"compliance\":[");
	for (int64_t i = 0; i < n_steps; i++) {
		struct figures_sums step;
		int64_t from_us = timestamp_bucket(figures->midnight_us) + i * STEP_US;
		int64_t until_us = from_us + STEP_US;
		int64_t end_us = timestamp_bucket(now_us) + BUCKET_US;
		bool is_known = sum_range(figures, from_us, until_us < end_us ? until_us : end_us, &step);
		buf_add_str(out, i == 0 ? "" : ",");
		if (is_known)
			buf_add_format(out, "[%" PRId64 ",%" PRId64 "]", sum_of(step.within), sum_of(step.measured));
		else
			buf_add_str(out, "null");
	}
	buf_add_str(out, "],\"backlog\":[");
	for (int64_t i = 0; i < n_steps; i++) {
		buf_add_str(out, i == 0 ? "" : ",");
		if (backlog_of(figures, i) >= 0)
			buf_add_format(out, "%" PRId64, backlog_of(figures, i));
		else
			buf_add_str(out, "null");
	}
	buf_add_str(out, "]}");
}
