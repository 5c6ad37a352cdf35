#include <inttypes.h>

#include "adapters/metrics/counts.h"
#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"

/* ---- pause, resume ---- */

int64_t feed_position(const struct source *source)
{
	if (source->next_offset == OFFSET_NONE)
		return source->low_offset;
	return source->state == PARTITION_VERIFYING ? source->next_offset - 1 : source->next_offset;
}

void feed_pause(struct kafka_feed *feed, const struct source *source)
{
	kafka_consumer_pause(feed->consumer, source->topic, source->partition);
}

/* librdkafka stops fetching a partition whose offset was out of range, so a seek does not suffice. */
static void reassign(struct kafka_feed *feed, const struct source *source)
{
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(16);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *other = feed->app->sources.items[i];
		if (partition_is_assigned(other->state))
			rd_kafka_topic_partition_list_add(all, other->topic, other->partition)->offset =
			        feed_position(other);
	}
	feed->reassigned_us = monotonic_clock_us();
	kafka_consumer_reassign(feed->consumer, all, source->topic, source->partition, feed_lane_of, feed);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *other = feed->app->sources.items[i];
		if (partition_is_assigned(other->state) && !partition_is_reading(other->state))
			feed_pause(feed, other);
	}
	rd_kafka_topic_partition_list_destroy(all);
	log_info("reading %s/%d again from offset %" PRId64, source->topic, (int)source->partition,
	         source->next_offset == OFFSET_NONE ? source->low_offset : source->next_offset);
}

/* ---- questions to the brokers ---- */

bool feed_begins_at_end(const struct kafka_feed *feed, const struct source *source)
{
	return source->next_offset == OFFSET_NONE && feed->app->config->run.start == START_LATEST;
}

void feed_ask_where_to_begin(const struct kafka_feed *feed, struct kafka_probe_list *list, const struct source *source)
{
	kafka_probe_add(list, source->topic, source->partition)->ask_stable = feed_begins_at_end(feed, source);
}

static void locate(struct kafka_feed *feed, const struct source *source)
{
	struct kafka_probe_list list = {.tag = PROBE_LOCATE, .rebalance_generation = feed->rebalance_generation};
	feed_pause(feed, source);
	feed_ask_where_to_begin(feed, &list, source);
	kafka_probe_ask(feed->probe, &list);
}

void feed_measure_gaps(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_GAPS, .rebalance_generation = feed->rebalance_generation};
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->state == PARTITION_MEASURING_GAP)
			kafka_probe_add(&list, source->topic, source->partition);
	}
	if (list.n > 0)
		kafka_probe_ask(feed->probe, &list);
}

/* ---- gaps ---- */

static void record_gap(struct kafka_feed *feed, const struct source *source)
{
	const struct source_gap *gap = &source->gap;
	char source_no[4], epoch[8], expected[8], low[8], high[8];
	log_error("%s/%d is stopped at offset %" PRId64 ": %s (the topic has offsets %" PRId64 " to %" PRId64
	          "). Nothing is skipped: see `kpid gap list`, continue with `kpid gap accept %s/%d`",
	          source->topic, (int)source->partition, source->next_offset, gap->reason, gap->low_offset,
	          gap->high_offset, source->topic, (int)source->partition);
	feed_pause(feed, source);
	counts.gaps++;
	if (!pg_session_is_ready(feed->app->control))
		return; /* the next claim finds it running, and the gap is found again */
	struct pg_param params[SOURCE_STOP_N_PARAMS] = {
	        [SOURCE_STOP_PARAM_SOURCE_NO] = pg_param_int4(source->source_no, source_no),
	        [SOURCE_STOP_PARAM_EPOCH] = pg_param_int8(source->epoch, epoch),
	        [SOURCE_STOP_PARAM_REASON] = pg_param_text(text_of(gap->reason)),
	        [SOURCE_STOP_PARAM_EXPECTED_OFFSET] =
	                pg_param_int8(source->next_offset == OFFSET_NONE ? 0 : source->next_offset, expected),
	        [SOURCE_STOP_PARAM_LOW_OFFSET] = pg_param_int8(gap->low_offset, low),
	        [SOURCE_STOP_PARAM_HIGH_OFFSET] = pg_param_int8(gap->high_offset, high),
	};
	pg_session_query(feed->app->control, "queries/source_stop.sql", params, SOURCE_STOP_N_PARAMS, NULL, NULL);
	pg_session_sync(feed->app->control, NULL, NULL);
}

void feed_step(struct kafka_feed *feed, struct source *source, enum partition_event event)
{
	switch (source_step(source, event)) {
	case PARTITION_DO_NOTHING:
		break;
	case PARTITION_DO_RESUME:
		kafka_consumer_resume(feed->consumer, source->topic, source->partition);
		break;
	case PARTITION_DO_PAUSE:
		feed_pause(feed, source);
		break;
	case PARTITION_DO_LOCATE:
		locate(feed, source);
		break;
	case PARTITION_DO_REASSIGN:
		reassign(feed, source);
		break;
	case PARTITION_DO_MEASURE_GAP:
		feed_pause(feed, source);
		feed_measure_gaps(feed);
		break;
	case PARTITION_DO_RECORD_GAP:
		record_gap(feed, source);
		break;
	case PARTITION_DO_DROP:
		lane_drop(feed_lane(feed, source), source);
		break;
	case PARTITION_N_ACTIONS:
		KPID_CHECK(false);
	}
}
