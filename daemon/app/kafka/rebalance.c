#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/metrics/counts.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/stalled_sessions.h"
#include "adapters/timer.h"
#include "app/configured_shard.h"
#include "app/exit_status.h"
#include "app/kafka/feed.h"
#include "app/shared_settings.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { RETRY_PROBE_US = 500000, RETRY_CLAIM_US = 200000 };

/* The partitions of the list that belong to this shard. The group assigns all of them, because it knows no shards. */
static rd_kafka_topic_partition_list_t *ours(const struct kafka_feed *feed, const rd_kafka_topic_partition_list_t *list)
{
	const struct shard shard = configured_shard(feed->app->config);
	rd_kafka_topic_partition_list_t *found = rd_kafka_topic_partition_list_new(list->cnt + 1);
	for (int i = 0; i < list->cnt; i++)
		if (shard_has_partition(&shard, list->elems[i].partition))
			rd_kafka_topic_partition_list_add(found, list->elems[i].topic, list->elems[i].partition);
	return found;
}

/* ---- taking partitions: introduce all of them to the database, claim ours, locate them, assign them ---- */

/* Decides for each partition whether it is read, and from where. */
static void locate_all(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		rd_kafka_topic_partition_t *p =
		        rd_kafka_topic_partition_list_find(feed->assigning, answer->topic, answer->partition);
		if (p == NULL)
			continue;
		struct source *source = feed_source(feed, answer->topic, answer->partition);
		KPID_CHECK(source->source_no > 0 && source->epoch > 0); /* claimed by us */
		if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR)
			log_warning("%s/%d is not read yet: its end is unknown: %s", source->topic,
			            (int)source->partition, rd_kafka_err2str(answer->error));
		if (source->state == PARTITION_CLAIMED_STOPPED)
			feed_step(feed, source, PARTITION_ASSIGNED_STOPPED);
		else
			feed_locate(feed, source, answer);
		p->offset = feed_position(source);
	}
}

static void finish_assignment(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	locate_all(feed, answers);
	feed_store_first_look(feed, answers);
	for (int i = 0; i < feed->assigning->cnt; i++)
		KPID_CHECK(feed->assigning->elems[i].offset >= 0);
	feed->reassigned_us = monotonic_clock_us();
	kafka_consumer_assign(feed->consumer, feed->assigning, feed_lane_of, feed);
	/* librdkafka ignores a pause of a partition that it did not have yet. */
	for (int i = 0; i < feed->assigning->cnt; i++) {
		const struct source *source =
		        feed_source(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition);
		if (!partition_is_reading(source->state))
			feed_pause(feed, source);
	}
	if (feed->assigning->cnt > 0)
		log_info("%d partitions taken", feed->assigning->cnt);
	rd_kafka_topic_partition_list_destroy(feed->assigning);
	feed->assigning = NULL;
	for (int i = 0; i < feed->app->n_lanes; i++)
		feed_on_wants_more(feed, feed->app->lanes[i]);
}

static void locate_assignment(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_ASSIGN, .rebalance_generation = feed->rebalance_generation};
	for (int i = 0; i < feed->assigning->cnt; i++)
		feed_ask_where_to_begin(
		        feed, &list,
		        feed_source(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition));
	kafka_probe_ask(feed->probe, &list);
}

static void on_freed_end(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	(void)result;
	if (feed->assigning != NULL && !feed->claiming)
		timer_start(feed->probe_retry, RETRY_CLAIM_US);
}

/* A claim waits for a transaction of the previous owner, whose process may be frozen: end such transactions. */
static void free_partitions(struct kafka_feed *feed)
{
	pg_terminate_stalled(feed->app->control);
	pg_session_sync(feed->app->control, on_freed_end, feed);
}

static void on_assign_claimed(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
		return; /* the introduction failed: on_introduced() retries */
	feed->claiming = false;
	if (!pg_result_ok(result)) {
		free_partitions(feed);
		return;
	}
	if (feed->assigning == NULL)
		return; /* revoked meanwhile */
	if (feed->claim_generation != feed->rebalance_generation) {
		feed_start_assignment(feed); /* the assignment has changed since */
		return;
	}
	for (int row = 0; row < PQntuples(result); row++) {
		enum partition_event event;
		struct source *source = app_claimed(feed->app, result, row, &event);
		feed_step(feed, source, event);
	}
	locate_assignment(feed);
}

static void claim_assignment(struct kafka_feed *feed)
{
	if (feed->assigning == NULL || feed->claiming)
		return;
	struct source **sources = mem_alloc((size_t)(feed->assigning->cnt + 1) * sizeof(struct source *));
	for (int i = 0; i < feed->assigning->cnt; i++)
		sources[i] = feed_source(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition);
	feed->claiming = app_claim(feed->app, sources, (size_t)feed->assigning->cnt, on_assign_claimed, feed);
	feed->claim_generation = feed->rebalance_generation;
	free(sources);
}

static void on_introduced(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (pg_result_ok(result))
		return;
	feed->claiming = false; /* PostgreSQL has skipped the claim as well */
	free_partitions(feed);
}

/* Gives all partitions of the topics a row before any deadline may fire, because an unread partition must hold
 * deadlines back. Runs in the transaction of the claim, which is sent next. */
static void introduce(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	const struct shard shard = configured_shard(feed->app->config);
	struct pg_array topics = {.n = 0}, partitions = {.n = 0};
	if (!pg_session_is_ready(feed->app->control))
		return;
	pg_array_start(&topics, PG_OID_TEXT);
	pg_array_start(&partitions, PG_OID_INT4);
	for (size_t i = 0; i < answers->n; i++) {
		for (int32_t p = 0; p < answers->items[i].n_partitions; p++) {
			if (!shard_has_partition(&shard, p))
				continue;
			pg_array_text(&topics, text_of(answers->items[i].topic));
			pg_array_int4(&partitions, p);
		}
	}
	struct pg_param params[SOURCE_INTRODUCE_N_PARAMS] = {
	        [SOURCE_INTRODUCE_PARAM_TOPICS] = pg_array_param(&topics),
	        [SOURCE_INTRODUCE_PARAM_PARTITIONS] = pg_array_param(&partitions),
	};
	pg_session_query(feed->app->control, "queries/source_introduce.sql", params, SOURCE_INTRODUCE_N_PARAMS,
	                 on_introduced, feed);
	pg_array_release(&topics);
	pg_array_release(&partitions);
}

/* ---- shards by partition: the numbers of partitions must never change ---- */

static bool shares_partitions(const struct kafka_feed *feed)
{
	const struct shard shard = configured_shard(feed->app->config);
	return shard_shares_partitions(&shard);
}

/* Topics that are keyed alike must lead each ticket to the same shard, even if one has more partitions than another. */
static bool partition_counts_fit(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	const int64_t count = feed->app->config->shard.count;
	for (size_t i = 0; shares_partitions(feed) && i < answers->n; i++) {
		const struct kafka_probe_item *topic = &answers->items[i];
		if (topic->n_partitions % count == 0)
			continue;
		log_error("the topic %s has %d partitions, and there are %" PRId64
		          " shards by partition: the number of "
		          "partitions must be a multiple of the number of shards",
		          topic->topic, (int)topic->n_partitions, count);
		app_quit(feed->app, KPID_EXIT_CONFIG);
		return false;
	}
	return true;
}

static void on_partition_counts(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct text name = pg_get_text(result, row, SETTINGS_AGREE_NAME),
		            stored = pg_get_text(result, row, SETTINGS_AGREE_STORED),
		            now = pg_get_text(result, row, SETTINGS_AGREE_OURS);
		if (text_equal(stored, now))
			continue;
		log_error(
		        "the topic %s has %.*s partitions now, and had %.*s: with shards by partition, new messages of "
		        "a "
		        "ticket may be in another shard than its old ones. Divide tickets by their hash ([shard] by = "
		        "ticket), or send them to a new topic with as many partitions",
		        name.ptr + strlen(SETTING_PARTITIONS), (int)now.len, now.ptr, (int)stored.len, stored.ptr);
		app_quit(feed->app, KPID_EXIT_CONFIG);
	}
}

/* Stores the numbers, or compares them with those that are stored. In the transaction of the claim. */
static void compare_partition_counts(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	static const unsigned types[SETTINGS_AGREE_N_PARAMS] = {[SETTINGS_AGREE_PARAM_NAMES] = PG_OID_TEXT,
	                                                        [SETTINGS_AGREE_PARAM_SETTINGS] = PG_OID_TEXT,
	                                                        [SETTINGS_AGREE_PARAM_OVERRIDING] = PG_OID_TEXT};
	struct pg_array arrays[SETTINGS_AGREE_N_PARAMS] = {0};
	if (!shares_partitions(feed) || !pg_session_is_ready(feed->app->control))
		return;
	pg_arrays_start(arrays, types, SETTINGS_AGREE_N_PARAMS);
	for (size_t i = 0; i < answers->n; i++) {
		struct buf name = BUF_INIT, n = BUF_INIT;
		if (answers->items[i].n_partitions == 0)
			continue; /* it does not exist yet */
		buf_add_format(&name, SETTING_PARTITIONS "%s", answers->items[i].topic);
		buf_add_format(&n, "%d", (int)answers->items[i].n_partitions);
		pg_array_text(&arrays[SETTINGS_AGREE_PARAM_NAMES], buf_text(&name));
		pg_array_text(&arrays[SETTINGS_AGREE_PARAM_SETTINGS], buf_text(&n));
		buf_release(&name);
		buf_release(&n);
	}
	pg_arrays_query(feed->app->control, "queries/settings_agree.sql", arrays, SETTINGS_AGREE_N_PARAMS,
	                on_partition_counts, feed);
	pg_arrays_release(arrays, SETTINGS_AGREE_N_PARAMS);
}

void feed_start_assignment(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_TOPICS, .rebalance_generation = ++feed->rebalance_generation};
	const struct config_topics *topics = &feed->app->config->topics;
	for (size_t i = 0; i < topics->n; i++)
		kafka_probe_add(&list, topics->items[i].name, KAFKA_PROBE_TOPIC);
	kafka_probe_ask(feed->probe, &list);
}

static bool is_temporary(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__TRANSPORT ||
	       error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

/* If a broker did not answer, schedules another attempt and returns true. */
static bool retry_later(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	for (size_t i = 0; i < answers->n; i++) {
		if (is_temporary(answers->items[i].error)) {
			timer_start(feed->probe_retry, RETRY_PROBE_US);
			return true;
		}
	}
	return false;
}

void feed_on_topics_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (feed->assigning == NULL || answers->rebalance_generation != feed->rebalance_generation)
		return;
	if (feed->claiming || retry_later(feed, answers))
		return; /* the answer to the claim starts again */
	if (!partition_counts_fit(feed, answers))
		return;
	compare_partition_counts(feed, answers);
	introduce(feed, answers);
	claim_assignment(feed);
}

void feed_on_assigned(void *context, const rd_kafka_topic_partition_list_t *partitions)
{
	struct kafka_feed *feed = context;
	feed->last_topic = NULL;
	if (feed->assigning != NULL)
		rd_kafka_topic_partition_list_destroy(feed->assigning);
	feed->assigning = ours(feed, partitions);
	feed->was_assigned = true;
	counts.rebalances[REBALANCE_ASSIGNED]++;
	if (feed->assigning->cnt == 0 || feed->closing) {
		kafka_consumer_assign(feed->consumer, feed->assigning, feed_lane_of, feed);
		rd_kafka_topic_partition_list_destroy(feed->assigning);
		feed->assigning = NULL;
		return;
	}
	feed_start_assignment(feed);
}

void feed_on_assignment_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (feed->assigning != NULL && answers->rebalance_generation == feed->rebalance_generation &&
	    !retry_later(feed, answers))
		finish_assignment(feed, answers);
}

void feed_on_probe_retry(evutil_socket_t fd, short what, void *context)
{
	struct kafka_feed *feed = context;
	(void)fd, (void)what;
	if (feed->assigning != NULL && !feed->claiming)
		feed_start_assignment(feed);
}

/* ---- giving up partitions ---- */

/* Without this, what we last knew about them would look like what is, until another instance claims them. */
static void release(struct kafka_feed *feed)
{
	struct pg_array numbers = {.n = 0}, epochs = {.n = 0};
	if (!pg_session_is_ready(feed->app->control))
		return;
	pg_array_start(&numbers, PG_OID_INT4);
	pg_array_start(&epochs, PG_OID_INT8);
	for (int i = 0; i < feed->revoking->cnt; i++) {
		const struct source *source =
		        feed_source(feed, feed->revoking->elems[i].topic, feed->revoking->elems[i].partition);
		if (source->source_no == 0)
			continue;
		pg_array_int4(&numbers, source->source_no);
		pg_array_int8(&epochs, source->epoch, false);
	}
	struct pg_param params[SOURCE_RELEASE_N_PARAMS] = {
	        [SOURCE_RELEASE_PARAM_SOURCE_NOS] = pg_array_param(&numbers),
	        [SOURCE_RELEASE_PARAM_EPOCHS] = pg_array_param(&epochs),
	};
	if (numbers.n > 0) {
		pg_session_query(feed->app->control, "queries/source_release.sql", params, SOURCE_RELEASE_N_PARAMS,
		                 NULL, NULL);
		pg_session_sync(feed->app->control, NULL, NULL);
	}
	pg_array_release(&numbers);
	pg_array_release(&epochs);
}

void feed_finish_revocation(struct kafka_feed *feed)
{
	if (feed->revoking == NULL)
		return;
	for (int i = 0; i < feed->revoking->cnt; i++) {
		struct source *source =
		        feed_source(feed, feed->revoking->elems[i].topic, feed->revoking->elems[i].partition);
		if (lane_is_writing(feed_lane(feed, source), source))
			return;
	}
	feed_commit_to_group(feed);
	release(feed);
	if (feed->revoking->cnt > 0)
		log_info("%d partitions given up", feed->revoking->cnt);
	kafka_consumer_unassign(feed->consumer, feed->revoking);
	rd_kafka_topic_partition_list_destroy(feed->revoking);
	feed->revoking = NULL;
}

void feed_on_revoked(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
	struct kafka_feed *feed = context;
	feed->last_topic = NULL;
	if (feed->assigning != NULL) {
		rd_kafka_topic_partition_list_destroy(feed->assigning);
		feed->assigning = NULL;
	}
	if (feed->revoking != NULL)
		rd_kafka_topic_partition_list_destroy(feed->revoking);
	feed->revoking = ours(feed, partitions);
	counts.rebalances[lost ? REBALANCE_LOST : REBALANCE_REVOKED]++;
	for (int i = 0; i < feed->revoking->cnt; i++) {
		struct source *source =
		        feed_source(feed, feed->revoking->elems[i].topic, feed->revoking->elems[i].partition);
		feed_step(feed, source, PARTITION_REVOKED);
	}
	if (lost) {
		log_warning("membership in the consumer group was lost; joining it again");
		release(feed);
		kafka_consumer_unassign(feed->consumer, feed->revoking);
		rd_kafka_topic_partition_list_destroy(feed->revoking);
		feed->revoking = NULL;
		return;
	}
	feed_finish_revocation(feed);
}
