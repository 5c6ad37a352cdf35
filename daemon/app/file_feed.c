#include "app/file_feed.h"

#include <event2/event.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "app/app.h"
#include "app/exit_status.h"
#include "app/line_reader.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { LINES_PER_TURN = 4096, BAR_US = 100000, BAR_WIDTH = 40 };

struct file_feed {
	struct app *app;
	struct line_reader *reader;
	struct source *source;
	char *topic;              /* what stands for the topic of this file */
	int64_t line_no;          /* of the next line */
	struct event *read_again; /* also when standard input has more */
	bool ended, finishing, finished;
	bool progress;
	int64_t bar_us, started_us;
	struct file_feed_report *report;
};

/* ---- name: the same file is the same source, wherever it lies ---- */

static bool hash_file(const char *path, char hex[17])
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return false;
	unsigned char piece[65536], digest[EVP_MAX_MD_SIZE];
	size_t n;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
	while (good && (n = fread(piece, 1, sizeof(piece), file)) > 0)
		good = EVP_DigestUpdate(hash, piece, n) == 1;
	if (!good || EVP_DigestFinal_ex(hash, digest, NULL) != 1)
		mem_exhausted(0);
	EVP_MD_CTX_free(hash);
	fclose(file);
	for (int i = 0; i < 8; i++)
		snprintf(hex + (ptrdiff_t)2 * i, 3, "%02x", digest[i]);
	return true;
}

static char *source_topic(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	char hex[17], name[240];
	/* Nothing tells one standard input from another but its time. */
	if (strcmp(path, "-") == 0)
		snprintf(name, sizeof(name), "ingest:-@%" PRId64, wall_clock_us());
	else
		snprintf(name, sizeof(name), "ingest:%.200s@%s", base, hash_file(path, hex) ? hex : "0");
	return mem_strdup(name);
}

/* ---- progress ---- */

static void draw_bar(struct file_feed *feed, bool last)
{
	int64_t now_us = monotonic_clock_us(), length = line_reader_length(feed->reader);
	if (!feed->progress || (!last && now_us - feed->bar_us < BAR_US))
		return;
	feed->bar_us = now_us;
	double share = length <= 0 ? 0 : (double)line_reader_position(feed->reader) / (double)length;
	double seconds = (double)(now_us - feed->started_us) / 1e6;
	double rate = seconds <= 0 ? 0 : (double)(feed->line_no - feed->report->n_skipped) / seconds;
	char bar[BAR_WIDTH + 1];
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < (int)(share * BAR_WIDTH + 0.5) ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	if (length > 0)
		fprintf(stderr, "\r[%s] %3.0f%%  %" PRId64 " lines  %.0f/s ", bar, share * 100, feed->line_no, rate);
	else
		fprintf(stderr, "\r%" PRId64 " lines  %.0f/s ", feed->line_no, rate);
	if (last)
		fputc('\n', stderr);
	fflush(stderr);
}

/* ---- the end: mark the file as read, fire what is due, go ---- */

static void on_counts(void *context, PGresult *result)
{
	struct file_feed *feed = context;
	if (!pg_result_ok(result) || PQntuples(result) != 1)
		return;
	feed->finished = true;
	feed->app->shared.without_sources = true;
	for (int i = 0; i < 5; i++)
		feed->report->counts[i] = pg_get_int8(result, 0, i);
	watch_tick(feed->app->watch);
}

static void finish(struct file_feed *feed)
{
	if (!pg_session_is_ready(feed->app->control))
		return; /* ready_again() comes back here */
	char number[4] = {(char)(feed->source->source_no >> 24), (char)(feed->source->source_no >> 16),
	                  (char)(feed->source->source_no >> 8), (char)feed->source->source_no};
	char epoch[8];
	feed->finishing = true;
	struct pg_param params[2] = {{number, 4, true}, pg_param_int8(feed->source->epoch, epoch)};
	pg_session_query(feed->app->control, "queries/source_finish.sql", params, 2, on_counts, feed);
	pg_session_sync(feed->app->control, NULL, NULL);
}

static void maybe_finish(struct file_feed *feed)
{
	if (!feed->ended || feed->finishing)
		return;
	if (feed->app->stopping || feed->source == NULL || feed->source->fenced) {
		if (app_is_idle(feed->app))
			app_quit(feed->app, feed->app->stopping ? KPID_EXIT_FAILED : feed->app->status);
		return;
	}
	if (app_is_idle(feed->app))
		finish(feed);
}

static void on_end_timer(struct file_feed *feed)
{
	if (feed->finished && watch_is_quiet(feed->app->watch))
		app_quit(feed->app, 0);
}

/* ---- reading ---- */

static void feed_line(struct file_feed *feed, struct text line)
{
	struct wire_message wire = {
	        .value = line,
	        .topic = text_of(feed->topic),
	        .offset = feed->line_no,
	        .topic_type = EVENT_TYPE_NONE,
	};
	lane_feed(feed->app->lanes[0], feed->source, &wire, 0);
}

static void stop_reading(struct file_feed *feed, bool failed)
{
	feed->ended = true;
	if (failed)
		feed->app->status = KPID_EXIT_FAILED;
	draw_bar(feed, true);
	app_flush(feed->app);
	maybe_finish(feed);
}

static void read_lines(struct file_feed *feed)
{
	struct lane *lane = feed->app->lanes[0];
	if (feed->source == NULL || !feed->source->reading || feed->ended)
		return;
	for (int i = 0; i < LINES_PER_TURN; i++) {
		struct text line;
		if (feed->line_no >= feed->source->next_offset && !lane_has_room(lane))
			return; /* the lane says when it wants more */
		switch (line_reader_next(feed->reader, &line)) {
		case LINE_READ:
			break;
		case LINE_WAIT:
			event_add(feed->read_again, NULL);
			return;
		case LINE_END:
			stop_reading(feed, false);
			return;
		case LINE_FAILED:
			stop_reading(feed, true);
			return;
		}
		if (feed->line_no < feed->source->next_offset) {
			feed->report->n_skipped++;
		} else if (line.len > 0) {
			feed_line(feed, line);
			feed->report->n_lines++;
		}
		feed->line_no++;
	}
	draw_bar(feed, false);
	event_active(feed->read_again, EV_TIMEOUT, 0);
}

static void on_read_again(evutil_socket_t fd, short what, void *context)
{
	struct file_feed *feed = context;
	int64_t began_us = monotonic_clock_us();
	(void)fd, (void)what;
	read_lines(feed);
	feed->report->parse_us += monotonic_clock_us() - began_us;
}

/* ---- what the application tells ---- */

static void on_claimed(void *context, PGresult *result)
{
	struct file_feed *feed = context;
	if (!pg_result_ok(result)) {
		log_error("claiming the file: %s", PQresultErrorMessage(result));
		app_quit(feed->app, KPID_EXIT_FAILED);
		return;
	}
	feed->source = app_claimed(feed->app, result, 0);
	feed->source->assigned = feed->source->reading = true;
	event_active(feed->read_again, EV_TIMEOUT, 0);
}

static void claim(struct file_feed *feed)
{
	struct source *source = sources_get(&feed->app->sources, feed->topic, 0);
	app_claim(feed->app, &source, 1, on_claimed, feed);
}

static void on_begin(void *context)
{
	struct file_feed *feed = context;
	feed->started_us = monotonic_clock_us();
	claim(feed);
}

static void on_ready_again(void *context)
{
	struct file_feed *feed = context;
	if (feed->source == NULL)
		claim(feed);
	else if (feed->finishing && !feed->finished)
		finish(feed);
}

static void on_wants_more(void *context, struct lane *lane)
{
	struct file_feed *feed = context;
	(void)lane;
	if (feed->read_again != NULL)
		event_active(feed->read_again, EV_TIMEOUT, 0);
}

static void on_committed(void *context, struct lane *lane)
{
	(void)context, (void)lane;
}

static void on_idle(void *context, struct lane *lane)
{
	struct file_feed *feed = context;
	(void)lane;
	if (feed->source != NULL && feed->source->fenced && !feed->ended) {
		log_error("another kpid ingest is reading the same file; this one stops");
		stop_reading(feed, true);
		return;
	}
	maybe_finish(feed);
}

/* Others hold a deadline back: their business. */
static void on_needs_completeness(void *context, int64_t deadline_us)
{
	struct file_feed *feed = context;
	(void)deadline_us;
	if (feed->finished)
		app_quit(feed->app, feed->app->status);
}

static void on_stop(void *context)
{
	struct file_feed *feed = context;
	stop_reading(feed, true);
}

static void on_end_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	on_end_timer(context);
}

int file_feed_run(struct kpid_config *config, const char *path, bool progress, struct file_feed_report *report_out)
{
	static const struct timeval often = {0, 20000};
	struct file_feed feed = {.progress = progress, .report = report_out};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .ready_again = on_ready_again,
	        .wants_more = on_wants_more,
	        .committed = on_committed,
	        .idle = on_idle,
	        .needs_completeness = on_needs_completeness,
	        .stop = on_stop,
	        .context = &feed,
	};
	*report_out = (struct file_feed_report){.n_lines = 0};
	feed.reader = line_reader_open(path);
	if (feed.reader == NULL) {
		kpid_config_free(config);
		return KPID_EXIT_FAILED;
	}
	feed.app = app_new(config, 1, &feeder);
	if (feed.app == NULL) {
		line_reader_close(feed.reader);
		return KPID_EXIT_CONFIG;
	}
	feed.topic = source_topic(path);
	bool pollable = line_reader_length(feed.reader) < 0;
	feed.read_again = event_new(feed.app->base, pollable ? line_reader_fd(feed.reader) : -1, pollable ? EV_READ : 0,
	                            on_read_again, &feed);
	struct event *end_timer = event_new(feed.app->base, -1, EV_PERSIST, on_end_tick, &feed);
	event_add(end_timer, &often);
	int64_t began_us = monotonic_clock_us();
	int status = app_run(feed.app);
	report_out->elapsed_us = monotonic_clock_us() - began_us;
	report_out->parts = *lane_parts(feed.app->lanes[0]);
	event_free(feed.read_again);
	event_free(end_timer);
	line_reader_close(feed.reader);
	free(feed.topic);
	app_free(feed.app);
	return status;
}
