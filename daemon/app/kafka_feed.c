#include "app/kafka_feed.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/outbox/outbox.h"
#include "adapters/timer.h"
#include "app/dispatch.h"
#include "app/exit_status.h"
#include "app/kafka/feed.h"
#include "app/ledger_refresh.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	POLL_US = 100000,          /* serves the group even if it has no events; the shortest pause */
	OBSERVE_US = 1000000,      /* probes watermarks, and checks stopped partitions */
	IDLE_OBSERVE_US = 2500000, /* the former while nothing is read and no deadline waits */
	CHECK_US = 2000000,        /* checks whether topics that were read were recreated */
	GROUP_COMMIT_US = 5000000,
	FETCHERS_STOP_US = 60000000, /* the longest that librdkafka may take to stop a fetcher */
	FORWARD_US = 10000000
};

/* ---- answers of the brokers ---- */

static void on_probed(void *context, const struct kafka_probe_list *answers)
{
	if (answers->tag == PROBE_TOPICS)
		feed_on_topics_probed(context, answers);
	else if (answers->tag == PROBE_ASSIGN)
		feed_on_assignment_probed(context, answers);
	else if (answers->tag == PROBE_GAPS)
		feed_on_gaps_probed(context, answers);
	else if (answers->tag == PROBE_LOCATE)
		feed_on_located(context, answers);
	else if (answers->tag == PROBE_CONFIGURED)
		feed_on_topics_checked(context, answers);
	else if (answers->tag == PROBE_UNOWNED)
		unowned_partitions_probed(&((struct kafka_feed *)context)->unowned, answers);
	else
		feed_on_watermarks_probed(context, answers);
}

/* ---- timers ---- */

/* When a partition is reassigned, librdkafka may stop the old fetcher after its queue was forwarded to the lane, and
 * that undoes the forwarding. Messages that arrived meanwhile are not lost. It takes a moment per partition, so it is
 * done rarely once all old fetchers have stopped. */
static void forward_to_lanes(struct kafka_feed *feed, int64_t now_us)
{
	int64_t pause_us = now_us - feed->reassigned_us < FETCHERS_STOP_US ? OBSERVE_US : FORWARD_US;
	if (now_us - feed->forwarded_us < pause_us)
		return;
	feed->forwarded_us = now_us;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (partition_is_reading(source->state))
			kafka_consumer_forward(feed->consumer, source->topic, source->partition, source->lane);
	}
}

static void check_closed(struct kafka_feed *feed)
{
	if (feed->closing && app_is_idle(feed->app) && feed->revoking == NULL)
		kafka_consumer_close(feed->consumer);
	if (feed->closing && kafka_consumer_is_closed(feed->consumer))
		app_quit(feed->app, 0);
}

/* The heartbeat vouches for all partitions, and no deadline waits for what they bring. */
static bool is_idle(const struct kafka_feed *feed)
{
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (partition_is_reading(source->state) &&
		    !vouch_is_given(&source->vouch, source->epoch, source->next_offset))
			return false;
	}
	return deadline_scheduler_is_quiet(feed->app->scheduler);
}

/* Several times within the longest silence. */
static int64_t observe_pause_us(const struct kafka_feed *feed)
{
	int64_t often_us = feed->app->config->sla.max_silence_us / 4;
	if (often_us <= OBSERVE_US || !is_idle(feed))
		return OBSERVE_US;
	return often_us < IDLE_OBSERVE_US ? often_us : IDLE_OBSERVE_US;
}

static int64_t poll_pause_us(const struct kafka_feed *feed, int64_t now_us)
{
	const int64_t due_us[] = {feed->observed_us + observe_pause_us(feed), feed->stopped_checked_us + OBSERVE_US,
	                          feed->checking ? INT64_MAX : feed->checked_us + CHECK_US};
	int64_t pause_us = OBSERVE_US;
	if (feed_is_rebalancing(feed) || !feed->was_assigned)
		return POLL_US;
	for (size_t i = 0; i < sizeof(due_us) / sizeof(due_us[0]); i++)
		pause_us = due_us[i] - now_us < pause_us ? due_us[i] - now_us : pause_us;
	return pause_us > POLL_US ? pause_us : POLL_US;
}

static void plan_poll(struct kafka_feed *feed)
{
	timer_start(feed->poll_timer, poll_pause_us(feed, monotonic_clock_us()));
}

static void on_poll_timer(evutil_socket_t fd, short what, void *context)
{
	struct kafka_feed *feed = context;
	int64_t now_us = monotonic_clock_us();
	(void)fd, (void)what;
	kafka_consumer_poll(feed->consumer);
	feed_finish_revocation(feed);
	if (now_us - feed->observed_us >= observe_pause_us(feed))
		feed_probe_watermarks(feed);
	/* Has its own timer, because a waiting deadline makes the watermarks be probed more often. */
	if (now_us - feed->stopped_checked_us >= OBSERVE_US) {
		feed->stopped_checked_us = now_us;
		feed_measure_gaps(feed);
		feed_check_stopped(feed);
		feed_check_topics(feed);
		feed_check_waiting(feed);
		forward_to_lanes(feed, now_us);
	}
	if (now_us - feed->checked_us >= CHECK_US && !feed->checking)
		feed_check_logs(feed);
	if (now_us - feed->group_commit_us > GROUP_COMMIT_US)
		feed_commit_to_group(feed);
	check_closed(feed);
	plan_poll(feed);
}

static void on_idle(void *context, struct lane *lane)
{
	struct kafka_feed *feed = context;
	(void)lane;
	feed_finish_revocation(feed);
	check_closed(feed);
}

/* librdkafka also gives the member up when it commits after a failover of the group's coordinator: by then it has
 * joined under a new id. A new client joins under the same name. */
static void on_replaced(void *context)
{
	const struct kafka_feed *feed = context;
	log_warning("the consumer group has another member named \"%s\"; joining it again. If this happens repeatedly, "
	            "two instances have one name: give each a run.instance or group.instance.id of its own",
	            feed->app->first_config->member_id);
	app_quit(feed->app, KPID_RUN_AGAIN);
}

/* ---- life ---- */

static void watch_dispatch(struct kafka_feed *feed)
{
	session_watch_add(&feed->app->watch, dispatch_session(feed->dispatch), "sending alerts to receivers");
}

static void on_open(void *context)
{
	struct kafka_feed *feed = context;
	struct app *app = feed->app;
	if (app->config->alert.topic != NULL) {
		feed->outbox = outbox_new(app->base, app->config);
		if (feed->outbox == NULL) {
			app_quit(app, KPID_EXIT_CONFIG);
			return;
		}
		session_watch_add(&app->watch, outbox_session(feed->outbox), "sending alerts to Kafka");
		outbox_start(feed->outbox);
	}
	feed->dispatch = dispatch_new(app->base, app->config, feed->receivers);
	feed->receivers = NULL; /* owned by the dispatcher now */
	watch_dispatch(feed);
	dispatch_start(feed->dispatch);
	feed->ledger = ledger_refresh_new(&app->shared, app->config, NULL);
	session_watch_add(&app->watch, ledger_refresh_session(feed->ledger), "refreshing the ledger");
	ledger_refresh_start(feed->ledger);
}

static void on_begin(void *context)
{
	struct kafka_feed *feed = context;
	struct app *app = feed->app;
	const struct kafka_consumer_events events = {feed_on_assigned, feed_on_revoked, feed_on_readable,
	                                             feed_on_fatal,    on_replaced,     feed};
	feed->consumer = kafka_consumer_new(app->base, app->config, app->n_lanes, &events);
	if (feed->consumer == NULL) {
		app_quit(app, KPID_EXIT_CONFIG);
		return;
	}
	feed->probe =
	        kafka_probe_new(app->base, &app->config->kafka, kafka_consumer_handle(feed->consumer), on_probed, feed);
	feed->log_identity = kafka_log_identity_new(app->base, app->config, feed_on_checked, feed);
	if (feed->probe == NULL || feed->log_identity == NULL) {
		app_quit(app, KPID_EXIT_CONFIG);
		return;
	}
	on_poll_timer(-1, 0, feed);
	log_info("kpid %s is running as %s, %d lanes", KPID_VERSION, app->config->run.instance, app->n_lanes);
}

static bool on_prepare_reload(void *context, const struct kpid_config *next)
{
	struct kafka_feed *feed = context;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	receivers_free(feed->receivers);
	feed->receivers = receivers_load(next->alert.receivers_file, &errors);
	config_errors_log(&errors);
	config_errors_release(&errors);
	return feed->receivers != NULL;
}

/* Messages that were under way are sent again, under the same id, to the receivers that still exist. */
static void on_reloaded(void *context)
{
	struct kafka_feed *feed = context;
	if (receivers_same(feed->receivers, dispatch_receivers(feed->dispatch))) {
		receivers_free(feed->receivers);
		dispatch_set_voice(feed->dispatch, feed->app->config);
	} else {
		session_watch_remove(&feed->app->watch, dispatch_session(feed->dispatch));
		dispatch_free(feed->dispatch);
		feed->dispatch = dispatch_new(feed->app->base, feed->app->first_config, feed->receivers);
		watch_dispatch(feed);
		dispatch_start(feed->dispatch);
	}
	feed->receivers = NULL;
	ledger_refresh_reloaded(feed->ledger);
}

static void on_ready_again(void *context)
{
	struct kafka_feed *feed = context;
	feed->claiming = false;
	if (feed->observing == OBSERVING_DATABASE)
		feed->observing = OBSERVING_NOTHING;
	feed_forget_claims(feed);
	feed_forget_heartbeat(feed);
	unowned_partitions_forget(&feed->unowned);
	if (feed->assigning != NULL)
		feed_start_assignment(feed);
}

static const char *on_status(void *context, struct buf *problems_io)
{
	const struct kafka_feed *feed = context;
	feed_describe_topics(feed, problems_io);
	feed_describe_waiting(feed, problems_io);
	if (feed->outbox != NULL)
		outbox_describe_delay(feed->outbox, problems_io);
	if (feed->dispatch != NULL)
		dispatch_describe_delay(feed->dispatch, problems_io);
	return kafka_consumer_is_cut_off(feed->consumer) ? "Kafka" : NULL;
}

static void on_stop(void *context)
{
	struct kafka_feed *feed = context;
	feed->closing = true;
	feed_drop_held(feed);
	app_flush(feed->app);
	check_closed(feed);
	if (feed->consumer != NULL)
		plan_poll(feed); /* from now on, often */
}

static void look(const void *context, struct health *health_io)
{
	const struct kafka_feed *feed = context;
	health_io->holds[CONDITION_KAFKA] = feed->consumer != NULL && !kafka_consumer_is_cut_off(feed->consumer);
	health_io->holds[CONDITION_GROUP] = feed->was_assigned && !feed_is_rebalancing(feed);
}

static void release(struct kafka_feed *feed, struct read_again_context *again)
{
	metrics_endpoint_free(feed->metrics);
	kafka_probe_free(feed->probe);
	kafka_log_identity_free(feed->log_identity);
	unowned_partitions_release(&feed->unowned);
	outbox_free(feed->outbox);
	dispatch_free(feed->dispatch);
	ledger_refresh_free(feed->ledger);
	receivers_free(feed->receivers);
	feed_drop_held(feed);
	kafka_consumer_free(feed->consumer);
	for (int i = 0; i < feed->app->n_lanes; i++)
		event_free(feed->read_again[i]);
	feed_release_topics(feed);
	free(feed->read_again);
	free(feed->held);
	free(feed->mapping_turn.waits);
	event_free(feed->mapping_turn.timer);
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

int kafka_feed_run(struct kpid_config *config, struct receivers *receivers, const struct kafka_feed_order *order)
{
	struct kafka_feed feed = {.app = NULL, .receivers = receivers};
	const struct app_feeder feeder = {
	        .open = on_open,
	        .begin = on_begin,
	        .ready_again = on_ready_again,
	        .wants_more = feed_on_wants_more,
	        .idle = on_idle,
	        .needs_completeness = feed_on_needs_completeness,
	        .prepare_reload = on_prepare_reload,
	        .reloaded = on_reloaded,
	        .status = on_status,
	        .stop = on_stop,
	        .group_id = config_pairs_get(&config->kafka, "group.id"),
	        .takes_over = order->takes_over,
	        .context = &feed,
	};
	int n_lanes = (int)config->run.lanes;
	feed.app = app_new(config, n_lanes, &feeder);
	if (feed.app == NULL) {
		receivers_free(receivers);
		return KPID_EXIT_CONFIG;
	}
	feed.app->config_path = order->path;
	feed.app->config_sets = order->sets;
	feed.app->n_config_sets = order->n_sets;
	feed.unowned = (struct unowned_partitions){
	        .session = feed.app->control,
	        .instance = feed.app->config->run.instance,
	        .clock = &feed.app->shared.clock,
	        .ask = feed_probe_unowned,
	        .done = feed_on_unowned_observed,
	        .context = &feed,
	};
	feed_configure_topics(&feed);
	feed.poll_timer = evtimer_new(feed.app->base, on_poll_timer, &feed);
	feed.probe_retry = evtimer_new(feed.app->base, feed_on_probe_retry, &feed);
	feed.read_again = mem_zalloc((size_t)n_lanes * sizeof(struct event *));
	feed.held = mem_zalloc((size_t)n_lanes * sizeof(*feed.held));
	feed.mapping_turn.waits = mem_zalloc((size_t)n_lanes * sizeof(bool));
	feed.mapping_turn.timer = evtimer_new(feed.app->base, feed_on_mapping_turn, &feed);
	feed.n_read = mem_zalloc((size_t)n_lanes * sizeof(size_t));
	struct read_again_context *again = mem_zalloc((size_t)n_lanes * sizeof(*again));
	for (int i = 0; i < n_lanes; i++) {
		again[i] = (struct read_again_context){&feed, i};
		feed.read_again[i] = event_new(feed.app->base, -1, 0, feed_on_read_again, &again[i]);
	}
	feed.metrics = metrics_endpoint_new(feed.app, look, &feed);
	int status = app_run(feed.app);
	release(&feed, again);
	log_info("stopped");
	return status;
}
