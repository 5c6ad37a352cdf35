#include "app/file_feed.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/pg/error_text.h"
#include "adapters/pg/rows.h"
#include "app/app.h"
#include "app/exit_status.h"
#include "app/file_cursor.h"
#include "app/file_feed_state.h"
#include "app/file_match.h"
#include "app/progress_bar.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/sqlstate.h"

enum {
	LINES_PER_TURN = 4096, /* then back to the event loop, which handles signals */
	TICK_US = 20000,
	RETRY_TICKS = 10, /* between two attempts of a failed query */
	MAX_TRIES = 150   /* of a query, before the feed fails */
};

struct file_feed {
	struct app *app;
	const struct file_feed_order *order;
	enum feed_state state;
	struct file_cursor cursor;
	bool remembered; /* a file whose progress is kept; false: a stream, or --once */
	struct file_match match;
	char *topic; /* of the source of this input */
	struct source *source;
	struct event *readable, *turn, *tick;
	int ticks_to_retry; /* until the failed query is sent again; 0: none failed */
	int n_tries;
	struct progress_bar bar;
	struct file_feed_report *report;
};

static void retry_query(struct file_feed *feed);

static void become(struct file_feed *feed, enum feed_state next)
{
	KPID_CHECK(feed_state_may_become(feed->state, next));
	feed->state = next;
	feed->ticks_to_retry = feed->n_tries = 0;
}

/* Reads on in the next iteration of the event loop: an active event would run again in this one, before signals. */
static void read_soon(struct file_feed *feed)
{
	static const struct timeval now = {0, 0};
	event_add(feed->turn, &now);
}

static void draw_bar(struct file_feed *feed, bool last)
{
	const struct progress progress = {line_reader_position(feed->cursor.reader),
	                                  line_reader_length(feed->cursor.reader), feed->cursor.line_no,
	                                  feed->cursor.line_no - feed->report->n_skipped};
	progress_bar_draw(&feed->bar, monotonic_clock_us(), &progress, last);
}

/* ---- failing ---- */

static void quit_when_idle(struct file_feed *feed)
{
	if (app_is_idle(feed->app))
		app_quit(feed->app, KPID_EXIT_FAILED);
}

/* Call after logging the reason. What was read so far is still committed. */
static void fail(struct file_feed *feed)
{
	if (feed->state == FEED_FAILED)
		return;
	draw_bar(feed, true);
	become(feed, FEED_FAILED);
	app_flush(feed->app);
	quit_when_idle(feed);
}

/* A query failed. Sends it again later, unless it would fail again. */
static void on_refusal(struct file_feed *feed, const PGresult *result, const char *what)
{
	const char *sqlstate = pg_sqlstate_of(result);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *remedy = sql_remedy_of(sqlstate);
	enum sql_error fault = sql_error_of(sqlstate);
	if (!sql_error_lasts(fault) && fault != SQL_DATA && ++feed->n_tries < MAX_TRIES) {
		feed->ticks_to_retry = RETRY_TICKS;
		return;
	}
	log_error("%s failed: PostgreSQL says: %s%s%s", what, message == NULL ? "an earlier statement failed" : message,
	          remedy == NULL ? "" : "; ", remedy == NULL ? "" : remedy);
	fail(feed);
}

/* ---- the end: mark the source as finished, fire due deadlines, quit ---- */
static void on_finished(void *context, PGresult *result)
{
	struct file_feed *feed = context;
	if (feed->state != FEED_FINISHING)
		return;
	if (!pg_result_ok(result)) {
		on_refusal(feed, result, "marking the source as finished");
		return;
	}
	if (PQntuples(result) != 1) {
		log_error("%s was claimed by another run before this one finished it", feed->topic);
		fail(feed);
		return;
	}
	become(feed, FEED_FIRING);
	feed->app->shared.without_sources = true;
	for (int i = 0; i < SOURCE_FINISH_N_COLUMNS; i++)
		feed->report->counts[i] = pg_get_int8(result, 0, i);
	if (feed->app->stopping)
		app_quit(feed->app, 0);
	else
		deadline_scheduler_tick(feed->app->scheduler);
}

static void finish(struct file_feed *feed)
{
	if (!pg_session_is_ready(feed->app->control))
		return; /* on_ready_again() sends it */
	const struct source *source = feed->source;
	KPID_CHECK(source != NULL);
	char number[4], epoch[8], offset[8];
	struct pg_param params[SOURCE_FINISH_N_PARAMS] = {
	        [SOURCE_FINISH_PARAM_SOURCE_NO] = pg_param_int4(source->source_no, number),
	        [SOURCE_FINISH_PARAM_EPOCH] = pg_param_int8(source->epoch, epoch),
	        [SOURCE_FINISH_PARAM_NEXT_OFFSET] = pg_param_int8(source->next_offset, offset),
	};
	if (source->next_offset == OFFSET_NONE)
		params[SOURCE_FINISH_PARAM_NEXT_OFFSET] = pg_param_c_string(NULL);
	unknown_types_check(&feed->app->unknown_types);
	pg_session_query(feed->app->control, "queries/source_finish.sql", params, SOURCE_FINISH_N_PARAMS, on_finished,
	                 feed);
	/* Instances that keep running fire the deadlines that are left. */
	const struct pg_param any = pg_param_c_string(NULL);
	pg_session_query(feed->app->control, "queries/deadline_wake.sql", &any, DEADLINE_WAKE_N_PARAMS, NULL, NULL);
	pg_session_sync(feed->app->control, NULL, NULL);
}

static void finish_if_written(struct file_feed *feed)
{
	if (feed->state != FEED_WRITING || !app_is_idle(feed->app))
		return;
	become(feed, FEED_FINISHING);
	finish(feed);
}

/* ---- reading ---- */

static bool rewind_file(struct file_feed *feed)
{
	if (file_cursor_rewind(&feed->cursor))
		return true;
	fail(feed);
	return false;
}

/* Fails after a wrong header. */
static enum header_verdict take_header(struct file_feed *feed, struct text line)
{
	enum header_verdict verdict =
	        file_records_header(&feed->order->records, feed->order->path, &feed->cursor, line);
	if (verdict == HEADER_WRONG)
		fail(feed);
	return verdict;
}

static void feed_line(struct file_feed *feed, struct text line)
{
	struct wire_message wire = {
	        .value = line,
	        .topic = text_of(feed->topic),
	        .offset = feed->cursor.line_no,
	        .topic_type = EVENT_TYPE_NONE,
	};
	if (line_reader_was_cut(feed->cursor.reader))
		log_warning(
		        "line %lld of %s is longer than %d bytes: its start becomes a dead letter, the rest is skipped",
		        (long long)feed->cursor.line_no + 1, feed->order->path, LINE_MAX_BYTES);
	lane_feed_whole(feed->app->lanes[0], feed->source, &wire, line_chain_fingerprint(&feed->cursor.chain));
	feed->report->n_lines++;
}

static void start_query(struct file_feed *feed)
{
	become(feed, FEED_QUERYING);
	retry_query(feed);
}

static void start_claiming(struct file_feed *feed)
{
	become(feed, FEED_CLAIMING);
	free(feed->topic);
	feed->topic = feed->remembered ? file_match_choose(&feed->match)
	                               : file_match_stream_topic(feed->order->name, wall_clock_us(), getpid());
	retry_query(feed);
}

/* What to do with a line in each state. NULL: the end of the input. */
static void on_name_line(struct file_feed *feed, const struct text *line)
{
	if (line != NULL && (line_is_blank(*line) || take_header(feed, *line) == HEADER_WRONG))
		return;
	file_records_name(&feed->order->records, &feed->match, feed->order->name, line == NULL ? TEXT("") : *line);
	start_query(feed);
}

static void on_match_line(struct file_feed *feed, const struct text *line)
{
	if (line != NULL) {
		file_cursor_pass(&feed->cursor, *line);
		file_match_compare(&feed->match, feed->cursor.line_no, &feed->cursor.chain);
	}
	if (line == NULL || feed->cursor.line_no >= feed->match.furthest)
		start_claiming(feed);
}

static void on_check_line(struct file_feed *feed, const struct text *line)
{
	if (line != NULL)
		file_cursor_pass(&feed->cursor, *line);
	if (line != NULL && file_cursor_is_before_checked(&feed->cursor))
		return;
	if (file_cursor_is_unchanged(&feed->cursor)) {
		become(feed, FEED_READING);
		return;
	}
	log_error("%s was changed while it was read, in lines that were already read", feed->order->path);
	fail(feed);
}

/* At the end of the input. A file must still be the same file. */
static void end_reading(struct file_feed *feed)
{
	struct file_cursor *cursor = &feed->cursor;
	enum line_change change =
	        line_reader_is_file(cursor->reader) ? line_reader_change(cursor->reader) : FILE_UNCHANGED;
	if (change == FILE_SHORTER || change == FILE_REPLACED) {
		log_error("%s was %s while it was read", feed->order->path,
		          change == FILE_SHORTER ? "shortened" : "replaced by another file");
		fail(feed);
	} else if (change == FILE_CHANGED && !cursor->was_checked) { /* only once: the file may grow all the time */
		become(feed, FEED_CHECKING);
		if (!file_cursor_start_check(cursor))
			fail(feed);
		else if (!file_cursor_is_before_checked(cursor))
			become(feed, FEED_READING);
	} else {
		draw_bar(feed, true);
		become(feed, FEED_WRITING);
		app_flush(feed->app);
		finish_if_written(feed);
	}
}

static void on_event_line(struct file_feed *feed, const struct text *line)
{
	if (line == NULL) {
		end_reading(feed);
		return;
	}
	line_chain_add(&feed->cursor.chain, *line);
	enum header_verdict header = take_header(feed, *line);
	if (feed->cursor.line_no < feed->source->next_offset)
		feed->report->n_skipped++;
	else if (header == HEADER_NONE && !line_is_blank(*line))
		feed_line(feed, *line);
	feed->cursor.line_no++;
}

static void on_line(struct file_feed *feed, const struct text *line)
{
	switch (feed->state) {
	case FEED_NAMING:
		on_name_line(feed, line);
		break;
	case FEED_MATCHING:
		on_match_line(feed, line);
		break;
	case FEED_CHECKING:
		on_check_line(feed, line);
		break;
	default:
		on_event_line(feed, line);
		break;
	}
}

/* True if the state needs lines, and the lane has room for their events. */
static bool can_read(const struct file_feed *feed)
{
	if (feed->state == FEED_READING)
		return partition_is_reading(feed->source->state) &&
		       (feed->cursor.line_no < feed->source->next_offset || lane_has_room(feed->app->lanes[0]));
	return feed->state == FEED_NAMING || feed->state == FEED_MATCHING || feed->state == FEED_CHECKING;
}

static void read_lines(struct file_feed *feed)
{
	int64_t began_us = monotonic_clock_us();
	for (int i = 0; i < LINES_PER_TURN && !file_records_mapped_long(&feed->order->records, began_us); i++) {
		struct text line;
		if (!can_read(feed))
			return; /* a query or the lane resumes reading */
		switch (line_reader_next(feed->cursor.reader, &line)) {
		case LINE_READ:
			on_line(feed, &line);
			break;
		case LINE_WAIT:
			/* A regular file cannot be polled; the tick reads on. */
			if (!line_reader_is_file(feed->cursor.reader))
				event_add(feed->readable, NULL);
			return;
		case LINE_MORE:
			i = LINES_PER_TURN;
			break;
		case LINE_END:
			on_line(feed, NULL);
			break;
		case LINE_FAILED:
			fail(feed);
			return;
		}
	}
	draw_bar(feed, false);
	read_soon(feed);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
	struct file_feed *feed = context;
	int64_t began_us = monotonic_clock_us();
	(void)fd, (void)what;
	read_lines(feed);
	feed->report->parse_us += monotonic_clock_us() - began_us;
}

/* ---- finding and claiming the source ---- */
static void on_sources(void *context, PGresult *result)
{
	struct file_feed *feed = context;
	if (feed->state != FEED_QUERYING)
		return;
	if (!pg_result_ok(result)) {
		on_refusal(feed, result, "reading the offset of the file");
		return;
	}
	file_match_clear(&feed->match);
	for (int row = 0; row < PQntuples(result); row++)
		file_match_add(&feed->match, pg_get_text(result, row, INGEST_SOURCES_TOPIC),
		               pg_get_int8_or(result, row, INGEST_SOURCES_NEXT_OFFSET, OFFSET_NONE),
		               pg_get_int8(result, row, INGEST_SOURCES_LAST_FINGERPRINT));
	become(feed, FEED_MATCHING);
	if (!rewind_file(feed))
		return;
	file_match_compare(&feed->match, 0, &feed->cursor.chain);
	if (feed->match.furthest == 0)
		start_claiming(feed);
	else
		read_soon(feed);
}

static void query_sources(struct file_feed *feed)
{
	if (!pg_session_is_ready(feed->app->control))
		return; /* on_ready_again() sends it */
	const struct pg_param param = pg_param_c_string(feed->match.stem);
	pg_session_query(feed->app->control, "queries/ingest_sources.sql", &param, 1, on_sources, feed);
	pg_session_sync(feed->app->control, NULL, NULL);
}

/* Whether the source still has the offset that was matched. Once claimed, no other run can advance it. */
static bool is_as_matched(const struct file_feed *feed)
{
	const struct source *source = feed->source;
	if (!feed->remembered || source->next_offset == OFFSET_NONE)
		return source->next_offset == OFFSET_NONE;
	return source->next_offset == feed->match.best.next_offset &&
	       source->fingerprint == feed->match.best.fingerprint;
}

static void on_claimed(void *context, PGresult *result)
{
	struct file_feed *feed = context;
	if (feed->state != FEED_CLAIMING)
		return;
	if (!pg_result_ok(result)) {
		on_refusal(feed, result, "claiming the file");
		return;
	}
	enum partition_event event;
	feed->source = app_claimed(feed->app, result, 0, &event);
	source_step(feed->source, event);
	feed->source->intake = feed->order->records.intake;
	if (event != PARTITION_CLAIMED_RUNNING) {
		log_error("the database has the source %s stopped; kpid ingest does not read it", feed->topic);
		fail(feed);
		return;
	}
	if (!is_as_matched(feed)) {
		feed->remembered ? start_query(feed) : fail(feed);
		return;
	}
	source_step(feed->source, PARTITION_BEGIN_FOUND); /* is_as_matched() has compared the lines */
	become(feed, FEED_READING);
	int64_t begin = feed->source->next_offset == OFFSET_NONE ? 0 : feed->source->next_offset;
	if (feed->cursor.line_no == begin)
		feed->report->n_skipped = begin;
	else if (!rewind_file(feed))
		return;
	read_soon(feed);
}

static void claim(struct file_feed *feed)
{
	struct source *source = sources_get(&feed->app->sources, feed->topic, 0);
	app_claim(feed->app, &source, 1, on_claimed, feed);
}

/* Sends the query of the state, again if it failed or its session was lost. */
static void retry_query(struct file_feed *feed)
{
	if (feed->state == FEED_QUERYING)
		query_sources(feed);
	else if (feed->state == FEED_CLAIMING)
		claim(feed);
	else if (feed->state == FEED_FINISHING)
		finish(feed);
}

/* ---- callbacks of the application ---- */

static void on_begin(void *context)
{
	struct file_feed *feed = context;
	feed->bar.started_us = monotonic_clock_us();
	if (feed->remembered) {
		become(feed, FEED_NAMING);
		read_soon(feed);
	} else {
		start_claiming(feed);
	}
}

static void on_ready_again(void *context)
{
	retry_query(context);
}

static void on_wants_more(void *context, struct lane *lane)
{
	struct file_feed *feed = context;
	(void)lane;
	if (feed->state == FEED_READING)
		read_soon(feed);
}

static void on_idle(void *context, struct lane *lane)
{
	struct file_feed *feed = context;
	(void)lane;
	if (feed->state == FEED_FAILED) {
		quit_when_idle(feed);
	} else if (feed->source != NULL && partition_needs_claim(feed->source->state) && feed->state != FEED_FIRING) {
		if (feed->source->state == PARTITION_RECLAIM_DUE)
			log_error("stopping; the same command continues at the offset in the database");
		else
			log_error("another kpid ingest is reading the same file, or kpid gap retire has ended its "
			          "source; stopping");
		fail(feed);
	} else {
		finish_if_written(feed);
	}
}

/* True if all tickets that were set aside are written, except those that PostgreSQL refuses. */
static bool nothing_set_aside(const struct app *app)
{
	return parked_is_idle(app->parked) && !app->shared.unsettled;
}

static void quit_finished(struct file_feed *feed)
{
	app_quit(feed->app, parked_has_refused(feed->app->parked) ? KPID_EXIT_FAILED : 0);
}

/* A deadline waits for other sources: this run need not wait for it. */
static void on_needs_completeness(void *context, int64_t deadline_us)
{
	struct file_feed *feed = context;
	(void)deadline_us;
	if (feed->state == FEED_FIRING && nothing_set_aside(feed->app))
		quit_finished(feed);
}

/* Still commits what was read, if that takes no longer than stopping may take. */
static void on_stop(void *context)
{
	struct file_feed *feed = context;
	if (feed->state == FEED_FIRING)
		app_quit(feed->app, 0);
	else if (feed->state != FEED_WRITING && feed->state != FEED_FINISHING)
		fail(feed);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct file_feed *feed = context;
	(void)fd, (void)what;
	if (feed->state == FEED_FIRING && deadline_scheduler_is_quiet(feed->app->scheduler) &&
	    nothing_set_aside(feed->app))
		quit_finished(feed);
	else if (feed->ticks_to_retry > 0 && --feed->ticks_to_retry == 0)
		retry_query(feed);
	else if (can_read(feed))
		read_soon(feed);
}

/* ---- life ---- */

static void log_incomplete(const struct file_feed *feed)
{
	if (!feed->order->once)
		log_error("not every line of %s is in the database; run kpid ingest again%s", feed->order->path,
		          feed->remembered ? ": it continues where this run ended"
		                           : " with the whole input: a stream is read from its start");
	if (!feed->remembered && feed->source != NULL)
		log_error("its source holds back deadlines until you run kpid gap retire '%s'", feed->source->topic);
}

static int run(struct file_feed *feed)
{
	static const struct timeval often = {0, TICK_US};
	bool is_file = line_reader_is_file(feed->cursor.reader);
	feed->readable = event_new(feed->app->base, is_file ? -1 : line_reader_fd(feed->cursor.reader),
	                           is_file ? 0 : EV_READ, on_turn, feed);
	feed->turn = evtimer_new(feed->app->base, on_turn, feed);
	feed->tick = event_new(feed->app->base, -1, EV_PERSIST, on_tick, feed);
	event_add(feed->tick, &often);
	int64_t began_us = monotonic_clock_us();
	int status = app_run(feed->app);
	feed->report->elapsed_us = monotonic_clock_us() - began_us;
	feed->report->parts = *lane_parts(feed->app->lanes[0]);
	if (status != 0)
		log_incomplete(feed);
	event_free(feed->readable);
	event_free(feed->turn);
	event_free(feed->tick);
	return status;
}

int file_feed_run(struct kpid_config *config, const struct file_feed_order *order, struct file_feed_report *report_out)
{
	struct file_feed_order named = *order;
	named.name = order->name == NULL ? order->path : order->name;
	struct file_feed feed = {.order = &named, .bar.on = order->progress, .report = report_out};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .ready_again = on_ready_again,
	        .wants_more = on_wants_more,
	        .idle = on_idle,
	        .needs_completeness = on_needs_completeness,
	        .stop = on_stop,
	        .stopped_status = KPID_EXIT_FAILED,
	        .gives_up = true,
	        .context = &feed,
	};
	*report_out = (struct file_feed_report){.n_lines = 0};
	feed.cursor.reader = line_reader_open(order->path);
	if (feed.cursor.reader == NULL || !line_reader_set_format(feed.cursor.reader, &order->records.format)) {
		line_reader_close(feed.cursor.reader);
		kpid_config_free(config);
		return KPID_EXIT_FAILED;
	}
	feed.remembered = line_reader_is_file(feed.cursor.reader) && !order->once;
	feed.app = app_new(config, 1, &feeder);
	int status = feed.app == NULL ? KPID_EXIT_CONFIG : run(&feed);
	line_reader_close(feed.cursor.reader);
	file_match_release(&feed.match);
	free(feed.topic);
	app_free(feed.app);
	return status;
}
