#include "kpid/core/catch_up.h"

#include <inttypes.h>
#include <string.h>

#include "kpid/core/backlog.h"
#include "kpid/core/timestamp.h"

enum {
	APART_US = 1000000,
	WINDOW_US = 60000000,
	LEAST_WINDOW_US = 5000000, /* batches are large and ends are looked at once a second: less says nothing */
	REPORT_US = 60000000,
	MOST_TO_GO_S = 100 * 24 * 3600 /* a longer estimate would only look like one */
};

/* ---- progress ---- */

static const struct catch_up_sample *newest(const struct read_progress *progress)
{
	return &progress->samples[progress->n - 1];
}

static void drop_oldest(struct read_progress *progress)
{
	progress->n--;
	memmove(progress->samples, progress->samples + 1, progress->n * sizeof(progress->samples[0]));
}

void read_progress_note(struct read_progress *progress, const struct catch_up_sample *sample)
{
	if (progress->n > 0) {
		const struct catch_up_sample *last = newest(progress);
		if (sample->at_us < last->at_us || sample->at_us - last->at_us > WINDOW_US ||
		    sample->n_read < last->n_read)
			progress->n = 0;
	}
	if (progress->n >= 2 && newest(progress)->at_us - newest(progress)[-1].at_us < APART_US)
		progress->n--;
	if (progress->n == CATCH_UP_SAMPLES)
		drop_oldest(progress);
	progress->samples[progress->n++] = *sample;
	while (progress->n > 2 && sample->at_us - progress->samples[1].at_us >= WINDOW_US)
		drop_oldest(progress);
}

int64_t read_progress_per_second(const struct read_progress *progress)
{
	if (progress->n == 0)
		return -1;
	const struct catch_up_sample *first = &progress->samples[0], *last = newest(progress);
	int64_t took_us = last->at_us - first->at_us;
	if (took_us < LEAST_WINDOW_US)
		return -1;
	return (int64_t)((double)(last->n_read - first->n_read) * 1e6 / (double)took_us + 0.5);
}

static bool comparable(const struct catch_up_sample *sample, const struct catch_up_sample *last)
{
	return sample->n_unknown == 0 && sample->scope == last->scope;
}

int64_t read_progress_to_go_us(const struct read_progress *progress)
{
	if (progress->n == 0 || newest(progress)->n_unknown > 0)
		return -1;
	const struct catch_up_sample *last = newest(progress), *first = last;
	if (last->n_left == 0)
		return 0;
	while (first > progress->samples && comparable(first - 1, last))
		first--;
	int64_t took_us = last->at_us - first->at_us, less = first->n_left - last->n_left;
	if (took_us < LEAST_WINDOW_US || less <= 0)
		return -1;
	double to_go_s = (double)last->n_left * (double)took_us / (double)less / 1e6;
	return to_go_s > MOST_TO_GO_S ? -1 : (int64_t)(to_go_s * 1e6);
}

double read_progress_share(const struct read_progress *progress)
{
	const struct catch_up_sample *last = newest(progress);
	if (last->n_unknown > 0)
		return -1;
	return last->n_left <= 0 ? 1 : (double)last->n_read / ((double)last->n_read + (double)last->n_left);
}

/* ---- a backlog ---- */

/* What a second brings is not a backlog, even if it is never 0. */
static bool is_caught_up(const struct catch_up *catch_up, const struct catch_up_sample *sample)
{
	int64_t per_second = read_progress_per_second(&catch_up->progress);
	return sample->n_unknown == 0 && sample->scope != 0 && sample->n_left < BACKLOG_LEAST &&
	       sample->n_left <= (per_second < 0 ? 0 : per_second);
}

static enum catch_up_news look_ahead(struct catch_up *catch_up, const struct catch_up_sample *sample)
{
	if (sample->n_left < BACKLOG_LEAST) {
		catch_up->is_large = false;
		if (sample->n_unknown == 0) {
			catch_up->begun_us = sample->at_us;
			catch_up->n_read_before = sample->n_read;
		}
		return CATCH_UP_NOTHING;
	}
	if (!catch_up->is_large) {
		catch_up->is_large = true;
		catch_up->large_since_us = sample->at_us;
	}
	if (!backlog_is_read(sample->n_left, sample->at_us - catch_up->large_since_us))
		return CATCH_UP_NOTHING;
	catch_up->behind = true;
	catch_up->reported_us = sample->at_us;
	return CATCH_UP_GOES_ON;
}

enum catch_up_news catch_up_note(struct catch_up *catch_up, const struct catch_up_sample *sample)
{
	if (catch_up->begun_us == 0) {
		catch_up->begun_us = sample->at_us;
		catch_up->n_read_before = sample->n_read;
	}
	read_progress_note(&catch_up->progress, sample);
	if (!catch_up->behind)
		return look_ahead(catch_up, sample);
	if (is_caught_up(catch_up, sample)) {
		catch_up->behind = catch_up->is_large = false;
		return CATCH_UP_DONE;
	}
	if (sample->at_us - catch_up->reported_us < REPORT_US)
		return CATCH_UP_NOTHING;
	catch_up->reported_us = sample->at_us;
	return CATCH_UP_GOES_ON;
}

/* Rounds up, to a precision that an estimate can have. */
static void add_duration(struct buf *out, int64_t us)
{
	int64_t seconds = (us + US_PER_SECOND - 1) / US_PER_SECOND;
	if (seconds < 120)
		buf_add_format(out, "%" PRId64 " s", seconds);
	else if (seconds < 120 * 60)
		buf_add_format(out, "%" PRId64 " min", (seconds + 59) / 60);
	else
		buf_add_format(out, "%" PRId64 " h", (seconds + 3599) / 3600);
}

static void add_left(const struct catch_up *catch_up, const struct catch_up_sample *last, struct buf *out)
{
	int64_t to_go_us = read_progress_to_go_us(&catch_up->progress);
	if (last->n_unknown > 0 && last->n_left == 0)
		buf_add_str(out, ", how many are left is unknown");
	else
		buf_add_format(out, ", %s%" PRId64 " left", last->n_unknown > 0 ? "at least " : "", last->n_left);
	if (to_go_us < 0)
		return;
	buf_add_str(out, ", about ");
	add_duration(out, to_go_us);
	buf_add_str(out, " to go");
}

void catch_up_describe(const struct catch_up *catch_up, struct buf *out)
{
	const struct catch_up_sample *last = newest(&catch_up->progress);
	int64_t per_second = read_progress_per_second(&catch_up->progress);
	buf_add_format(out, "%s: %" PRId64 " messages read", catch_up->behind ? "reading a backlog" : "caught up",
	               last->n_read - catch_up->n_read_before);
	if (!catch_up->behind) {
		buf_add_str(out, " in ");
		add_duration(out, last->at_us - catch_up->begun_us);
		return;
	}
	if (per_second >= 0)
		buf_add_format(out, ", %" PRId64 "/s", per_second);
	add_left(catch_up, last, out);
}
