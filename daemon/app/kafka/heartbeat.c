#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"
#include "kpid/base/clock.h"

/* The fence of kpid.heartbeat. A row vouches for a partition only at the epoch and offset at which the partition began
 * to name it: a claim and a batch end it in the same statement that changes these. What remains is ours: a heartbeat
 * must not go on for a partition that we have not seen at its end. All is one transaction: the heartbeat with its
 * exceptions, the rows of those partitions, the rows of those that it vouches for from now on, and a count of the
 * partitions that name it. The next round begins only when the outcome is known. */

/* ---- the session's row ---- */

static void on_started(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (pg_result_ok(result) && PQntuples(result) == 1)
		feed->heartbeat.no = pg_get_int8(result, 0, HEARTBEAT_START_HEARTBEAT_NO);
}

static void on_start_end(void *context, PGresult *result)
{
	(void)result;
	((struct kafka_feed *)context)->heartbeat.starting = false;
}

void feed_start_heartbeat(struct kafka_feed *feed)
{
	struct pg_param param = pg_param_text(text_of(feed->app->config->run.instance));
	if (feed->heartbeat.no != 0 || feed->heartbeat.starting)
		return;
	feed->heartbeat.starting = true;
	pg_session_query(feed->app->control, "queries/heartbeat_start.sql", &param, HEARTBEAT_START_N_PARAMS,
	                 on_started, feed);
	pg_session_sync(feed->app->control, on_start_end, feed);
}

void feed_forget_heartbeat(struct kafka_feed *feed)
{
	feed->heartbeat.no = 0;
	feed->heartbeat.starting = false;
	for (size_t i = 0; i < feed->app->sources.n; i++)
		vouch_forget(&feed->app->sources.items[i]->vouch);
}

/* ---- the answers ---- */

static void on_beat(void *context, PGresult *result)
{
	if (pg_result_ok(result) && pg_result_affected(result) == 0)
		feed_forget_heartbeat(context); /* another instance took it for an old one */
}

static void on_observed(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (!pg_result_ok(result))
		return;
	feed->doubts = feed->doubts || (size_t)PQntuples(result) != feed->n_observed;
	for (int row = 0; row < PQntuples(result); row++) {
		struct source *source =
		        sources_find_no(&feed->app->sources, pg_get_int4(result, row, SOURCE_OBSERVED_SOURCE_NO));
		if (source != NULL)
			vouch_written(&source->vouch);
	}
}

/* The last statement: if it succeeds, so did the others, and all are committed with it. */
static void on_checked(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	int64_t n = 0, epochs = 0;
	if (!pg_result_ok(result))
		return;
	/* The deadline scheduler compares the clocks too, but its session may be missing. */
	common_clock_update(&feed->app->shared.clock, pg_get_time(result, 0, HEARTBEAT_CHECK_NOW),
	                    feed->heartbeat.sent_us, monotonic_clock_us());
	bool all_left = pg_get_int8(result, 0, HEARTBEAT_CHECK_N_LEFT) == 0;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		vouch_confirm(&source->vouch);
		if (all_left)
			vouch_left(&source->vouch);
		if (!vouch_is_given(&source->vouch, source->epoch, source->committed_offset))
			continue;
		n++;
		epochs += source->epoch;
	}
	if (n != pg_get_int8(result, 0, HEARTBEAT_CHECK_N_VOUCHED) ||
	    epochs != pg_get_int8(result, 0, HEARTBEAT_CHECK_EPOCHS))
		feed->doubts = true;
}

/* ---- a round ---- */

bool feed_vouch(struct kafka_feed *feed, struct source *source, const struct vouch_place *place)
{
	source->vouch_round = feed->heartbeat.round;
	return vouch_enter(&source->vouch, place);
}

/* Sorts the sources into those that the heartbeat vouches for until then, and exceptions. */
static void sort_sources(struct kafka_feed *feed, int64_t until_us, struct pg_array *nos, struct pg_array *untils)
{
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		if (source->vouch_round == feed->heartbeat.round) {
			vouch_extend(&source->vouch, until_us);
		} else if (vouch_leave(&source->vouch)) {
			pg_array_int4(nos, source->source_no);
			pg_array_time(untils, source->vouch.until_us);
		}
	}
}

static void send_leave(struct kafka_feed *feed, char no[8], struct pg_array *nos)
{
	struct pg_param params[HEARTBEAT_LEAVE_N_PARAMS] = {
	        [HEARTBEAT_LEAVE_PARAM_HEARTBEAT_NO] = pg_param_int8(feed->heartbeat.no, no),
	        [HEARTBEAT_LEAVE_PARAM_SOURCE_NOS] = pg_array_param(nos),
	};
	pg_session_query(feed->app->control, "queries/heartbeat_leave.sql", params, HEARTBEAT_LEAVE_N_PARAMS, NULL,
	                 NULL);
}

static void send_check(struct kafka_feed *feed, char no[8], struct pg_array *nos)
{
	struct pg_param params[HEARTBEAT_CHECK_N_PARAMS] = {
	        [HEARTBEAT_CHECK_PARAM_HEARTBEAT_NO] = pg_param_int8(feed->heartbeat.no, no),
	        [HEARTBEAT_CHECK_PARAM_EXCEPT_NOS] = pg_array_param(nos),
	};
	pg_session_query(feed->app->control, "queries/heartbeat_check.sql", params, HEARTBEAT_CHECK_N_PARAMS,
	                 on_checked, feed);
}

static void send_beat(struct kafka_feed *feed, int64_t until_us, struct pg_array *nos, struct pg_array *untils)
{
	char no[8], until[8];
	struct pg_param params[HEARTBEAT_BEAT_N_PARAMS] = {
	        [HEARTBEAT_BEAT_PARAM_HEARTBEAT_NO] = pg_param_int8(feed->heartbeat.no, no),
	        [HEARTBEAT_BEAT_PARAM_COMPLETE_UNTIL] = pg_param_time(until_us, until),
	        [HEARTBEAT_BEAT_PARAM_EXCEPT_NOS] = pg_array_param(nos),
	        [HEARTBEAT_BEAT_PARAM_EXCEPT_UNTIL] = pg_array_param(untils),
	};
	pg_session_query(feed->app->control, "queries/heartbeat_beat.sql", params, HEARTBEAT_BEAT_N_PARAMS, on_beat,
	                 feed);
	if (nos->n > 0)
		send_leave(feed, no, nos);
}

void feed_beat(struct kafka_feed *feed, int64_t until_us, struct observations *observations, pg_result_fn end)
{
	char no[8];
	struct pg_array nos = {.n = 0}, untils = {.n = 0};
	bool beats = feed->heartbeat.no != 0;
	pg_array_start(&nos, PG_OID_INT4);
	pg_array_start(&untils, PG_OID_TIMESTAMPTZ);
	if (beats) {
		feed->heartbeat.sent_us = monotonic_clock_us();
		sort_sources(feed, until_us, &nos, &untils);
		send_beat(feed, until_us, &nos, &untils);
	}
	feed->n_observed = observations_count(observations);
	feed->doubts = false;
	observations_send(observations, feed->app->control, on_observed, feed);
	if (beats)
		send_check(feed, no, &nos);
	pg_session_sync(feed->app->control, end, feed);
	pg_array_release(&nos);
	pg_array_release(&untils);
}
