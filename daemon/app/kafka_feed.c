#include "app/kafka_feed.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/outbox/outbox.h"
#include "app/dispatch.h"
#include "app/exit_status.h"
#include "app/kafka/feed.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	POLL_MS = 100,      /* how often the group is served even if nothing wakes us */
	SEEN_US = 1000000,  /* how often ends of partitions are looked at, and partitions that stand */
	CHECK_US = 2000000, /* how often it is looked whether logs are still what they were, of which more was read */
	GROUP_COMMIT_US = 5000000
};

/* ---- sources ---- */

int feed_lane_of(void *context, const char *topic, int32_t partition)
{
	const struct kafka_feed *feed = context;
	(void)topic;
	/* Topics that are keyed alike have a ticket in partitions of one number: those share a lane. */
	return (int)(partition % feed->app->n_lanes);
}

struct source *feed_source(struct kafka_feed *feed, const char *topic, int32_t partition)
{
	struct source *source = sources_get(&feed->app->sources, topic, partition);
	const struct config_topics *topics = &feed->app->config->topics;
	source->lane = feed_lane_of(feed, topic, partition);
	source->topic_type = EVENT_TYPE_NONE;
	for (size_t i = 0; i < topics->n; i++)
		if (strcmp(topics->items[i].name, topic) == 0)
			source->topic_type = topics->items[i].only;
	return source;
}

struct lane *feed_lane(const struct kafka_feed *feed, const struct source *source)
{
	return feed->app->lanes[source->lane];
}

/* ---- answers of the brokers ---- */

static void on_probed(void *context, const struct kafka_probe_list *answers)
{
	if (answers->tag == PROBE_TOPICS)
		feed_on_topics_probed(context, answers);
	else if (answers->tag == PROBE_ASSIGN)
		feed_on_assignment_probed(context, answers);
	else if (answers->tag == PROBE_GAPS)
		feed_on_gaps_probed(context, answers);
	else if (answers->tag == PROBE_STANDING)
		feed_on_standing_probed(context, answers);
	else if (answers->tag == PROBE_ORPHANS)
		orphans_probed(&((struct kafka_feed *)context)->orphans, answers);
	else
		feed_on_ends_probed(context, answers);
}

/* ---- regularly ---- */

/* A partition that was taken anew may have been stopped by librdkafka only after its queue had been led to its lane,
 * which undoes that. What has come meanwhile is not lost. */
static void lead_to_lanes(struct kafka_feed *feed)
{
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->reading)
			kafka_consumer_lead(feed->consumer, source->topic, source->partition, source->lane);
	}
}

void feed_commit_to_group(struct kafka_feed *feed)
{
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(16);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->assigned && !source->fenced && source->committed_offset != OFFSET_NONE)
			rd_kafka_topic_partition_list_add(offsets, source->topic, source->partition)->offset =
			        source->committed_offset;
	}
	kafka_consumer_commit(feed->consumer, offsets);
	rd_kafka_topic_partition_list_destroy(offsets);
	feed->group_commit_us = monotonic_clock_us();
}

static void check_closed(struct kafka_feed *feed)
{
	if (feed->closing && app_is_idle(feed->app) && feed->revoking == NULL)
		kafka_consumer_close(feed->consumer);
	if (feed->closing && kafka_consumer_is_closed(feed->consumer))
		app_quit(feed->app, 0);
}

static void on_poll_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval pause = {0, POLL_MS * 1000};
	struct kafka_feed *feed = context;
	int64_t now_us = monotonic_clock_us();
	(void)fd, (void)what;
	evtimer_add(feed->poll_timer, &pause);
	kafka_consumer_poll(feed->consumer);
	feed_finish_revocation(feed);
	if (now_us - feed->seen_us > SEEN_US)
		feed_look_at_ends(feed);
	/* By a time of its own: ends are looked at more often while a deadline waits, perhaps for what stands here. */
	if (now_us - feed->stood_us > SEEN_US) {
		feed->stood_us = now_us;
		feed_look_at_gaps(feed);
		feed_look_at_standing(feed);
		lead_to_lanes(feed);
	}
	if (now_us - feed->checked_us > CHECK_US && !feed->checking)
		feed_check_logs(feed);
	if (now_us - feed->group_commit_us > GROUP_COMMIT_US)
		feed_commit_to_group(feed);
	check_closed(feed);
}

static void on_committed(void *context, struct lane *lane)
{
	(void)context, (void)lane;
}

static void on_idle(void *context, struct lane *lane)
{
	struct kafka_feed *feed = context;
	(void)lane;
	feed_finish_revocation(feed);
	check_closed(feed);
}

void feed_on_fatal(void *context, const char *reason)
{
	struct kafka_feed *feed = context;
	log_error("librdkafka cannot go on: %s", reason);
	app_quit(feed->app, KPID_EXIT_NO_KAFKA);
}

/* ---- life ---- */

static void on_begin(void *context)
{
	struct kafka_feed *feed = context;
	struct app *app = feed->app;
	const struct kafka_consumer_events events = {feed_on_assigned, feed_on_revoked, feed_on_readable, feed_on_fatal,
	                                             feed};
	feed->consumer = kafka_consumer_new(app->base, app->config, app->n_lanes, &events);
	if (feed->consumer == NULL) {
		app_quit(app, KPID_EXIT_CONFIG);
		return;
	}
	feed->probe =
	        kafka_probe_new(app->base, &app->config->kafka, kafka_consumer_handle(feed->consumer), on_probed, feed);
	feed->reread = kafka_reread_new(app->base, app->config, feed_on_checked, feed);
	if (feed->probe == NULL || feed->reread == NULL) {
		app_quit(app, KPID_EXIT_CONFIG);
		return;
	}
	if (app->config->alert.topic != NULL) {
		feed->outbox = outbox_new(app->base, app->config);
		if (feed->outbox == NULL) {
			app_quit(app, KPID_EXIT_CONFIG);
			return;
		}
		outbox_start(feed->outbox);
	}
	feed->dispatch = dispatch_new(app->base, app->config, feed->receivers);
	feed->receivers = NULL; /* they are the dispatch's */
	dispatch_start(feed->dispatch);
	on_poll_timer(-1, 0, feed);
	log_info("kpid %s is running as %s, %d lanes", KPID_VERSION, app->config->run.instance, app->n_lanes);
}

static bool on_prepare_reload(void *context, const struct kpid_config *next)
{
	struct kafka_feed *feed = context;
	struct config_faults faults = CONFIG_FAULTS_INIT;
	receivers_free(feed->receivers);
	feed->receivers = receivers_load(next->alert.receivers_file, &faults);
	config_faults_log(&faults);
	config_faults_release(&faults);
	return feed->receivers != NULL;
}

/* What was being told is told again, under its id, to those that are still there. */
static void on_reloaded(void *context)
{
	struct kafka_feed *feed = context;
	if (receivers_same(feed->receivers, dispatch_receivers(feed->dispatch))) {
		receivers_free(feed->receivers);
		dispatch_speak(feed->dispatch, feed->app->config);
	} else {
		dispatch_free(feed->dispatch);
		feed->dispatch = dispatch_new(feed->app->base, feed->app->first_config, feed->receivers);
		dispatch_start(feed->dispatch);
	}
	feed->receivers = NULL;
}

static void on_ready_again(void *context)
{
	struct kafka_feed *feed = context;
	feed->claiming = feed->seeing = false;
	feed_forget_reclaims(feed);
	orphans_forget(&feed->orphans);
	if (feed->assigning != NULL)
		feed_look_at_topics(feed);
}

static void on_stop(void *context)
{
	struct kafka_feed *feed = context;
	feed->closing = true;
	app_flush(feed->app);
	check_closed(feed);
}

static void release(struct kafka_feed *feed, struct read_again_context *again)
{
	kafka_probe_free(feed->probe);
	kafka_reread_free(feed->reread);
	orphans_release(&feed->orphans);
	outbox_free(feed->outbox);
	dispatch_free(feed->dispatch);
	receivers_free(feed->receivers);
	kafka_consumer_free(feed->consumer);
	for (int i = 0; i < feed->app->n_lanes; i++)
		event_free(feed->read_again[i]);
	free(feed->read_again);
	free(feed->n_read);
	free(again);
	event_free(feed->poll_timer);
	event_free(feed->probe_retry);
	if (feed->assigning != NULL)
		rd_kafka_topic_partition_list_destroy(feed->assigning);
	if (feed->revoking != NULL)
		rd_kafka_topic_partition_list_destroy(feed->revoking);
	app_free(feed->app);
}

int kafka_feed_run(struct kpid_config *config, struct receivers *receivers, const char *path, const char *const *sets,
                   size_t n_sets)
{
	struct kafka_feed feed = {.app = NULL, .receivers = receivers};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .ready_again = on_ready_again,
	        .wants_more = feed_on_wants_more,
	        .committed = on_committed,
	        .idle = on_idle,
	        .needs_completeness = feed_on_needs_completeness,
	        .prepare_reload = on_prepare_reload,
	        .reloaded = on_reloaded,
	        .stop = on_stop,
	        .group_id = config_pairs_get(&config->kafka, "group.id"),
	        .context = &feed,
	};
	int n_lanes = (int)config->run.lanes;
	feed.app = app_new(config, n_lanes, &feeder);
	if (feed.app == NULL) {
		receivers_free(receivers);
		return KPID_EXIT_CONFIG;
	}
	feed.app->config_path = path;
	feed.app->config_sets = sets;
	feed.app->n_config_sets = n_sets;
	feed.orphans = (struct orphans){
	        .session = feed.app->control,
	        .instance = feed.app->config->run.instance,
	        .clock = &feed.app->shared.clock,
	        .ask = feed_ask_about_orphans,
	        .done = feed_on_orphans_seen,
	        .context = &feed,
	};
	feed.poll_timer = evtimer_new(feed.app->base, on_poll_timer, &feed);
	feed.probe_retry = evtimer_new(feed.app->base, feed_on_probe_retry, &feed);
	feed.read_again = mem_zalloc((size_t)n_lanes * sizeof(struct event *));
	feed.n_read = mem_zalloc((size_t)n_lanes * sizeof(size_t));
	struct read_again_context *again = mem_zalloc((size_t)n_lanes * sizeof(*again));
	for (int i = 0; i < n_lanes; i++) {
		again[i] = (struct read_again_context){&feed, i};
		feed.read_again[i] = event_new(feed.app->base, -1, 0, feed_on_read_again, &again[i]);
	}
	int status = app_run(feed.app);
	release(&feed, again);
	log_info("stopped");
	return status;
}
