#include "app/kafka/feed.h"

#include <string.h>

#include "app/exit_status.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"

int feed_lane_of(void *context, const char *topic, int32_t partition)
{
	const struct kafka_feed *feed = context;
	(void)topic;
	/* Topics that are keyed alike have a ticket in partitions of the same number: those share a lane. */
	return (int)(partition % feed->app->n_lanes);
}

struct source *feed_source(struct kafka_feed *feed, const char *topic, int32_t partition)
{
	struct source *source = sources_get(&feed->app->sources, topic, partition);
	const struct config_topic *configured = config_topics_find(&feed->app->config->topics, topic);
	source->lane = feed_lane_of(feed, topic, partition);
	source->topic_type = configured == NULL ? EVENT_TYPE_NONE : configured->only;
	source->intake = mappings_of_topic(feed->app->mappings, topic);
	return source;
}

struct lane *feed_lane(const struct kafka_feed *feed, const struct source *source)
{
	return feed->app->lanes[source->lane];
}

/* What has changed is committed twice, because a commit during a rebalance has no effect. */
void feed_commit_to_group(struct kafka_feed *feed)
{
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(16);
	bool changed = false;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		if (!partition_is_assigned(source->state) || partition_needs_claim(source->state) ||
		    source->committed_offset == OFFSET_NONE)
			continue;
		rd_kafka_topic_partition_list_add(offsets, source->topic, source->partition)->offset =
		        source->committed_offset;
		changed = changed || source->group_offset != source->committed_offset;
		source->group_offset = source->committed_offset;
	}
	if (changed || feed->commits_to_group_again)
		kafka_consumer_commit(feed->consumer, offsets);
	feed->commits_to_group_again = changed;
	rd_kafka_topic_partition_list_destroy(offsets);
	feed->group_commit_us = monotonic_clock_us();
}

void feed_on_fatal(void *context, const char *reason)
{
	struct kafka_feed *feed = context;
	log_error("librdkafka cannot continue: %s", reason);
	app_quit(feed->app, KPID_EXIT_NO_KAFKA);
}

bool feed_is_rebalancing(const struct kafka_feed *feed)
{
	return feed->assigning != NULL || feed->revoking != NULL || feed->closing;
}
