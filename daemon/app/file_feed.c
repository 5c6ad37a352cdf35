#include "app/file_feed.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/pg/rows.h"
#include "app/app.h"
#include "app/exit_status.h"
#include "app/file_match.h"
#include "app/line_reader.h"
#include "app/progress_bar.h"
#include "kpid/base/check.h"
#include "kpid/base/log.h"
#include "kpid/base/sqlstate.h"

enum {
	LINES_PER_TURN = 4096, /* between two looks at the loop, where signals are */
	TICK_US = 20000,
	RETRY_TICKS = 10, /* between two tries of a question that PostgreSQL refused */
	MOST_TRIES = 150  /* then it is given up */
};

enum feed_state {
	FEED_WAITING,  /* for PostgreSQL and the policies */
	FEED_NAMING,   /* looks for the first line */
	FEED_ASKING,   /* asks how far files with that line were read */
	FEED_MATCHING, /* reads that far, to see which of them this one is */
	FEED_CLAIMING,
	FEED_READING,
	FEED_CHECKING,  /* the file changed meanwhile: reads once more what was read */
	FEED_WRITING,   /* everything was read; the last of it is being committed */
	FEED_FINISHING, /* marks the source as finished */
	FEED_FIRING,    /* deadlines that are due now */
	FEED_GIVEN_UP,  /* ends as soon as nothing is under way */
	FEED_N_STATES
};

#define TO(state) (1u << FEED_##state)

static const unsigned may_become[FEED_N_STATES] = {
        [FEED_WAITING] = TO(NAMING) | TO(CLAIMING),
        [FEED_NAMING] = TO(ASKING) | TO(GIVEN_UP),
        [FEED_ASKING] = TO(MATCHING) | TO(GIVEN_UP),
        [FEED_MATCHING] = TO(CLAIMING) | TO(GIVEN_UP),
        [FEED_CLAIMING] = TO(READING) | TO(ASKING) | TO(GIVEN_UP),
        [FEED_READING] = TO(CHECKING) | TO(WRITING) | TO(GIVEN_UP),
        [FEED_CHECKING] = TO(READING) | TO(GIVEN_UP),
        [FEED_WRITING] = TO(FINISHING) | TO(GIVEN_UP),
        [FEED_FINISHING] = TO(FIRING) | TO(GIVEN_UP),
};

struct file_feed {
	struct app *app;
	const struct file_feed_order *order;
	enum feed_state state;
	struct line_reader *reader;
	bool remembered; /* a file that is found again by its lines; else a stream, or to be read once */
	struct file_match match;
	char *topic; /* of the source that this input is */
	struct source *source;
	int64_t line_no;         /* of the next line */
	struct line_chain chain; /* of the lines before it */
	int64_t checked_lines;   /* as line_no was when checking began */
	struct line_chain checked_chain;
	bool checked;
	struct event *readable, *turn, *tick;
	int ticks_to_retry; /* 0: nothing is to be asked again */
	int n_tries;
	struct progress_bar bar;
	struct file_feed_report *report;
};

static void ask_again(struct file_feed *feed);

static void become(struct file_feed *feed, enum feed_state next)
{
	KPID_CHECK((may_become[feed->state] & (1u << next)) != 0);
	feed->state = next;
	feed->ticks_to_retry = feed->n_tries = 0;
}

/* In the next turn of the loop: an event that is made active would come again in this one, before any signal. */
static void read_soon(struct file_feed *feed)
{
	static const struct timeval now = {0, 0};
	event_add(feed->turn, &now);
}

static void draw_bar(struct file_feed *feed, bool last)
{
	const struct progress progress = {line_reader_position(feed->reader), line_reader_length(feed->reader),
	                                  feed->line_no, feed->line_no - feed->report->n_skipped};
	progress_bar_draw(&feed->bar, monotonic_clock_us(), &progress, last);
}

/* ---- giving up ---- */

static void quit_if_idle(struct file_feed *feed)
{
	if (app_is_idle(feed->app))
		app_quit(feed->app, KPID_EXIT_FAILED);
}

/* The reason was logged. What was read so far is still committed. */
static void give_up(struct file_feed *feed)
{
	if (feed->state == FEED_GIVEN_UP)
		return;
	draw_bar(feed, true);
	become(feed, FEED_GIVEN_UP);
	app_flush(feed->app);
	quit_if_idle(feed);
}

/* PostgreSQL refused a question. Asks again in a moment unless the answer would be the same. */
static void refused(struct file_feed *feed, const PGresult *result, const char *what)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *remedy = sql_remedy_of(sqlstate);
	enum sql_fault fault = sql_fault_of(sqlstate);
	if (!sql_fault_lasts(fault) && fault != SQL_DATA && ++feed->n_tries < MOST_TRIES) {
		feed->ticks_to_retry = RETRY_TICKS;
		return;
	}
	log_error("%s: PostgreSQL refuses: %s%s%s", what, message == NULL ? "a statement before it failed" : message,
	          remedy == NULL ? "" : "; ", remedy == NULL ? "" : remedy);
	give_up(feed);
}

/* ---- the end: mark the file as read, fire what is due, go ---- */

static void on_finished(void *context, PGresult *result)
{
	struct file_feed *feed = context;
	if (feed->state != FEED_FINISHING)
		return;
	if (!pg_result_ok(result)) {
		refused(feed, result, "marking the source as finished");
		return;
	}
	if (PQntuples(result) != 1) {
		log_error("%s was claimed by somebody else before this run had finished it", feed->topic);
		give_up(feed);
		return;
	}
	become(feed, FEED_FIRING);
	feed->app->shared.without_sources = true;
	for (int i = 0; i < 5; i++)
		feed->report->counts[i] = pg_get_int8(result, 0, i);
	if (feed->app->stopping)
		app_quit(feed->app, 0);
	else
		watch_tick(feed->app->watch);
}

static void finish(struct file_feed *feed)
{
	if (!pg_session_is_ready(feed->app->control))
		return; /* on_ready_again() comes back here */
	const struct source *source = feed->source;
	KPID_CHECK(source != NULL);
	char number[4] = {(char)(source->source_no >> 24), (char)(source->source_no >> 16),
	                  (char)(source->source_no >> 8), (char)source->source_no};
	char epoch[8], offset[8];
	struct pg_param params[3] = {
	        {number, 4, true}, pg_param_int8(source->epoch, epoch), pg_param_int8(source->next_offset, offset)};
	if (source->next_offset == OFFSET_NONE)
		params[2] = pg_param_c_string(NULL);
	unknown_types_look(&feed->app->unknown_types);
	pg_session_query(feed->app->control, "queries/source_finish.sql", params, 3, on_finished, feed);
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
	feed->line_no = 0;
	feed->chain = (struct line_chain){{0}};
	if (line_reader_rewind(feed->reader))
		return true;
	give_up(feed);
	return false;
}

static void feed_line(struct file_feed *feed, struct text line)
{
	struct wire_message wire = {
	        .value = line,
	        .topic = text_of(feed->topic),
	        .offset = feed->line_no,
	        .topic_type = EVENT_TYPE_NONE,
	};
	if (line_reader_was_cut(feed->reader))
		log_warning("line %lld of %s is longer than %d bytes: its beginning becomes a dead letter, the rest "
		            "is passed over",
		            (long long)feed->line_no + 1, feed->order->path, LINE_MAX_BYTES);
	lane_feed(feed->app->lanes[0], feed->source, &wire, line_chain_fingerprint(&feed->chain), TIME_FOR_EVER);
	feed->report->n_lines++;
}

static void start_asking(struct file_feed *feed)
{
	become(feed, FEED_ASKING);
	ask_again(feed);
}

static void start_claiming(struct file_feed *feed)
{
	become(feed, FEED_CLAIMING);
	free(feed->topic);
	feed->topic = feed->remembered ? file_match_choose(&feed->match)
	                               : file_match_stream_topic(feed->order->name, wall_clock_us(), getpid());
	ask_again(feed);
}

/* Each takes a line, NULL at the end. */

static void take_name(struct file_feed *feed, const struct text *line)
{
	if (line != NULL && line_is_blank(*line))
		return;
	file_match_name(&feed->match, feed->order->name, line == NULL ? TEXT("") : *line);
	start_asking(feed);
}

static void take_match(struct file_feed *feed, const struct text *line)
{
	if (line != NULL) {
		line_chain_add(&feed->chain, *line);
		file_match_look(&feed->match, ++feed->line_no, &feed->chain);
	}
	if (line == NULL || feed->line_no >= feed->match.furthest)
		start_claiming(feed);
}

static void take_check(struct file_feed *feed, const struct text *line)
{
	if (line != NULL) {
		line_chain_add(&feed->chain, *line);
		feed->line_no++;
	}
	if (line != NULL && feed->line_no < feed->checked_lines)
		return;
	if (feed->line_no == feed->checked_lines &&
	    line_chain_fingerprint(&feed->chain) == line_chain_fingerprint(&feed->checked_chain)) {
		become(feed, FEED_READING);
		return;
	}
	log_error("%s was changed while it was read, in lines that had been read by then", feed->order->path);
	give_up(feed);
}

/* The end was met: is it the end of the same file? */
static void end_reading(struct file_feed *feed)
{
	enum line_change change = line_reader_is_file(feed->reader) ? line_reader_change(feed->reader) : FILE_UNCHANGED;
	if (change == FILE_SHORTER || change == FILE_REPLACED) {
		log_error("%s was %s while it was read", feed->order->path,
		          change == FILE_SHORTER ? "shortened" : "replaced by another file");
		give_up(feed);
	} else if (change == FILE_CHANGED && !feed->checked) {
		feed->checked = true; /* once: a file that grows all the time is read up to some end */
		feed->checked_lines = feed->line_no;
		feed->checked_chain = feed->chain;
		become(feed, FEED_CHECKING);
		if (rewind_file(feed) && feed->checked_lines == 0)
			become(feed, FEED_READING);
	} else {
		draw_bar(feed, true);
		become(feed, FEED_WRITING);
		app_flush(feed->app);
		finish_if_written(feed);
	}
}

static void take_event(struct file_feed *feed, const struct text *line)
{
	if (line == NULL) {
		end_reading(feed);
		return;
	}
	line_chain_add(&feed->chain, *line);
	if (feed->line_no < feed->source->next_offset)
		feed->report->n_skipped++;
	else if (!line_is_blank(*line))
		feed_line(feed, *line);
	feed->line_no++;
}

static void take(struct file_feed *feed, const struct text *line)
{
	switch (feed->state) {
	case FEED_NAMING:
		take_name(feed, line);
		break;
	case FEED_MATCHING:
		take_match(feed, line);
		break;
	case FEED_CHECKING:
		take_check(feed, line);
		break;
	default:
		take_event(feed, line);
		break;
	}
}

/* Whether the state is one in which lines are taken, and there is room for what they become. */
static bool may_read(const struct file_feed *feed)
{
	if (feed->state == FEED_READING)
		return feed->source->reading &&
		       (feed->line_no < feed->source->next_offset || lane_has_room(feed->app->lanes[0]));
	return feed->state == FEED_NAMING || feed->state == FEED_MATCHING || feed->state == FEED_CHECKING;
}

static void read_lines(struct file_feed *feed)
{
	for (int i = 0; i < LINES_PER_TURN; i++) {
		struct text line;
		if (!may_read(feed))
			return; /* an answer or the lane says when to go on */
		switch (line_reader_next(feed->reader, &line)) {
		case LINE_READ:
			take(feed, &line);
			break;
		case LINE_WAIT:
			/* What cannot be polled is looked at again with the tick. */
			if (!line_reader_is_file(feed->reader))
				event_add(feed->readable, NULL);
			return;
		case LINE_MORE:
			i = LINES_PER_TURN;
			break;
		case LINE_END:
			take(feed, NULL);
			break;
		case LINE_FAILED:
			give_up(feed);
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

/* ---- asking and claiming ---- */

static void on_sources(void *context, PGresult *result)
{
	struct file_feed *feed = context;
	if (feed->state != FEED_ASKING)
		return;
	if (!pg_result_ok(result)) {
		refused(feed, result, "asking how far the file was read");
		return;
	}
	file_match_clear(&feed->match);
	for (int row = 0; row < PQntuples(result); row++)
		file_match_add(&feed->match, pg_get_text(result, row, 0),
		               PQgetisnull(result, row, 1) ? OFFSET_NONE : pg_get_int8(result, row, 1),
		               pg_get_int8(result, row, 2));
	become(feed, FEED_MATCHING);
	if (!rewind_file(feed))
		return;
	file_match_look(&feed->match, 0, &feed->chain);
	if (feed->match.furthest == 0)
		start_claiming(feed);
	else
		read_soon(feed);
}

static void ask(struct file_feed *feed)
{
	if (!pg_session_is_ready(feed->app->control))
		return; /* on_ready_again() comes back here */
	const struct pg_param param = pg_param_c_string(feed->match.stem);
	pg_session_query(feed->app->control, "queries/ingest_sources.sql", &param, 1, on_sources, feed);
	pg_session_sync(feed->app->control, NULL, NULL);
}

/* Is the source still where it was when its lines were compared? Since it was claimed nobody else moves it. */
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
		refused(feed, result, "claiming the file");
		return;
	}
	feed->source = app_claimed(feed->app, result, 0);
	if (!is_as_matched(feed)) {
		feed->remembered ? start_asking(feed) : give_up(feed);
		return;
	}
	feed->source->assigned = feed->source->reading = true;
	become(feed, FEED_READING);
	int64_t begin = feed->source->next_offset == OFFSET_NONE ? 0 : feed->source->next_offset;
	if (feed->line_no == begin)
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

/* Asks PostgreSQL what the state waits for. A question that was asked before may have been lost with its session. */
static void ask_again(struct file_feed *feed)
{
	if (feed->state == FEED_ASKING)
		ask(feed);
	else if (feed->state == FEED_CLAIMING)
		claim(feed);
	else if (feed->state == FEED_FINISHING)
		finish(feed);
}

/* ---- what the application says ---- */

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
	ask_again(context);
}

static void on_wants_more(void *context, struct lane *lane)
{
	struct file_feed *feed = context;
	(void)lane;
	if (feed->state == FEED_READING)
		read_soon(feed);
}

static void on_committed(void *context, struct lane *lane)
{
	(void)context, (void)lane;
}

static void on_idle(void *context, struct lane *lane)
{
	struct file_feed *feed = context;
	(void)lane;
	if (feed->state == FEED_GIVEN_UP) {
		quit_if_idle(feed);
	} else if (feed->source != NULL && feed->source->fenced && feed->state != FEED_FIRING) {
		if (feed->source->rolled_back)
			log_error("this one stops; the same command goes on from where the database is");
		else
			log_error("another kpid ingest is reading the same file, or kpid gap retire has ended its "
			          "source; "
			          "this one stops");
		give_up(feed);
	} else {
		finish_if_written(feed);
	}
}

/* The tickets of this file that were set aside are written, but for those that PostgreSQL refuses. */
static bool none_waits(const struct app *app)
{
	return parked_is_idle(app->parked) && !app->shared.unsettled;
}

static void end_well(struct file_feed *feed)
{
	app_quit(feed->app, parked_has_refused(feed->app->parked) ? KPID_EXIT_FAILED : 0);
}

/* Others hold a deadline back: their business. */
static void on_needs_completeness(void *context, int64_t deadline_us)
{
	struct file_feed *feed = context;
	(void)deadline_us;
	if (feed->state == FEED_FIRING && none_waits(feed->app))
		end_well(feed);
}

/* Everything that was read is committed, if that takes no longer than an end may take. */
static void on_stop(void *context)
{
	struct file_feed *feed = context;
	if (feed->state == FEED_FIRING)
		app_quit(feed->app, 0);
	else if (feed->state != FEED_WRITING && feed->state != FEED_FINISHING)
		give_up(feed);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct file_feed *feed = context;
	(void)fd, (void)what;
	if (feed->state == FEED_FIRING && watch_is_quiet(feed->app->watch) && none_waits(feed->app))
		end_well(feed);
	else if (feed->ticks_to_retry > 0 && --feed->ticks_to_retry == 0)
		ask_again(feed);
	else if (may_read(feed))
		read_soon(feed);
}

/* ---- all ---- */

static void say_not_all(const struct file_feed *feed)
{
	if (!feed->order->once)
		log_error("not every line of %s is in the database; run kpid ingest again%s", feed->order->path,
		          feed->remembered ? ": it goes on where this run ended"
		                           : " with all of it: a stream is read from its beginning");
	if (!feed->remembered && feed->source != NULL)
		log_error("what was read of it holds deadlines back until you run kpid gap retire '%s'",
		          feed->source->topic);
}

static int run(struct file_feed *feed)
{
	static const struct timeval often = {0, TICK_US};
	bool is_file = line_reader_is_file(feed->reader);
	feed->readable = event_new(feed->app->base, is_file ? -1 : line_reader_fd(feed->reader), is_file ? 0 : EV_READ,
	                           on_turn, feed);
	feed->turn = evtimer_new(feed->app->base, on_turn, feed);
	feed->tick = event_new(feed->app->base, -1, EV_PERSIST, on_tick, feed);
	event_add(feed->tick, &often);
	int64_t began_us = monotonic_clock_us();
	int status = app_run(feed->app);
	feed->report->elapsed_us = monotonic_clock_us() - began_us;
	feed->report->parts = *lane_parts(feed->app->lanes[0]);
	if (status != 0)
		say_not_all(feed);
	event_free(feed->readable);
	event_free(feed->turn);
	event_free(feed->tick);
	return status;
}

int file_feed_run(struct kpid_config *config, const struct file_feed_order *order, struct file_feed_report *report_out)
{
	struct file_feed_order named = *order;
	struct file_feed feed = {.order = &named, .bar.on = order->progress, .report = report_out};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .ready_again = on_ready_again,
	        .wants_more = on_wants_more,
	        .committed = on_committed,
	        .idle = on_idle,
	        .needs_completeness = on_needs_completeness,
	        .stop = on_stop,
	        .stopped_status = KPID_EXIT_FAILED,
	        .gives_up = true,
	        .context = &feed,
	};
	if (named.name == NULL)
		named.name = order->path;
	*report_out = (struct file_feed_report){.n_lines = 0};
	feed.reader = line_reader_open(order->path);
	if (feed.reader == NULL) {
		kpid_config_free(config);
		return KPID_EXIT_FAILED;
	}
	feed.remembered = line_reader_is_file(feed.reader) && !order->once;
	feed.app = app_new(config, 1, &feeder);
	int status = feed.app == NULL ? KPID_EXIT_CONFIG : run(&feed);
	line_reader_close(feed.reader);
	file_match_release(&feed.match);
	free(feed.topic);
	app_free(feed.app);
	return status;
}
