#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	STUCK_US = 10000000, /* of which nothing comes though there is more is taken anew, then after twice this, … */
	MOST_STUCK = 3,      /* so often one is taken anew, before the process ends */
	RECLAIM_US = 15000000 /* a partition that is fenced but still assigned is claimed again after this */
};

static void go_on(struct kafka_feed *feed, struct source *source)
{
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(16);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *other = feed->app->sources.items[i];
		if (other->assigned)
			rd_kafka_topic_partition_list_add(all, other->topic, other->partition)->offset =
			        feed_position(other);
	}
	feed_resume(feed, source);
	kafka_consumer_begin_anew(feed->consumer, all, source->topic, source->partition, feed_lane_of, feed);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *other = feed->app->sources.items[i];
		if (other->assigned && !other->reading)
			feed_pause(feed, other);
	}
	rd_kafka_topic_partition_list_destroy(all);
	log_info("%s/%d goes on at offset %" PRId64, source->topic, (int)source->partition, source->next_offset);
}

/* Of topics that were made anew while partitions were taken, librdkafka 2.0.2 was seen to fetch nothing any more. */
static void take_anew(struct kafka_feed *feed, struct source *source)
{
	char why[320];
	if (feed_is_rebalancing(feed))
		return;
	source->waits_since_us = 0;
	snprintf(why, sizeof(why), "nothing has come of %s/%d for %d s, though there is more", source->topic,
	         (int)source->partition, (STUCK_US / 1000000) << source->n_waits);
	if (++source->n_waits > MOST_STUCK) {
		feed_on_fatal(feed, why);
		return;
	}
	log_warning("%s; taking it anew", why);
	source->paused = true; /* whatever it is */
	go_on(feed, source);
}

void feed_look_whether_it_comes(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	int64_t now_us = monotonic_clock_us();
	int64_t next = source->next_offset == OFFSET_NONE ? answer->low_offset : source->next_offset;
	bool waits = answer->high_offset > next && source->end_offset == OFFSET_NONE &&
	             feed->n_read[source->lane] == 0 && lane_has_room(feed_lane(feed, source));
	if (!waits)
		source->waits_since_us = 0;
	else if (source->waits_since_us == 0)
		source->waits_since_us = now_us;
	else if (now_us - source->waits_since_us > (int64_t)STUCK_US << source->n_waits)
		take_anew(feed, source);
}

/* What is there may be another log by now, and that a gap was met may never have been written down. */
void feed_on_standing_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = feed_source(feed, answer->topic, answer->partition);
		if (!source->assigned || source->reading || source->stopped || source->fenced)
			continue;
		if (answers->turn != feed->turn || feed_is_rebalancing(feed)) {
			source->stopped = true; /* looked at again */
			continue;
		}
		feed_look_where_to_begin(feed, source, answer);
		if (source->stopped)
			continue;
		source->reading = true;
		go_on(feed, source);
	}
}

void feed_forget_reclaims(struct kafka_feed *feed)
{
	for (size_t i = 0; i < feed->app->sources.n; i++)
		feed->app->sources.items[i]->reclaiming = false;
}

static void on_reclaimed(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	struct kafka_probe_list list = {.tag = PROBE_STANDING, .turn = feed->turn};
	feed_forget_reclaims(feed);
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		const struct source *source = app_claimed(feed->app, result, row);
		if (source->assigned && !source->reading && !source->stopped)
			feed_ask_where_to_begin(feed, &list, source);
	}
	if (list.n > 0)
		kafka_probe_ask(feed->probe, &list);
}

static void on_standing(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct source *source = sources_find_no(&feed->app->sources, pg_get_int4(result, row, 0));
		bool runs = text_same(pg_get_text(result, row, 3), TEXT("running"));
		if (source == NULL || !source->assigned || !(source->stopped || source->fenced) || source->reclaiming)
			continue;
		if (runs && !feed_is_rebalancing(feed))
			source->reclaiming = app_claim(feed->app, &source, 1, on_reclaimed, feed);
	}
}

/* What the database has lost is nobody else's: it is claimed at once. The database may not even know it. */
static void claim_rolled_back(struct kafka_feed *feed)
{
	const struct sources *all = &feed->app->sources;
	struct source **claimed = mem_alloc((all->n + 1) * sizeof(struct source *));
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++) {
		struct source *source = all->items[i];
		if (source->assigned && source->rolled_back && !source->reclaiming &&
		    !lane_holds(feed_lane(feed, source), source))
			claimed[n++] = source;
	}
	bool asked = n > 0 && !feed_is_rebalancing(feed) && app_claim(feed->app, claimed, n, on_reclaimed, feed);
	for (size_t i = 0; asked && i < n; i++)
		claimed[i]->reclaiming = true;
	free(claimed);
}

void feed_look_at_standing(struct kafka_feed *feed)
{
	struct pg_array numbers = {.n = 0};
	int64_t now_us = monotonic_clock_us();
	claim_rolled_back(feed);
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		bool fenced_long = source->fenced && now_us - source->fenced_us > RECLAIM_US;
		/* What was read before it stood is written first. */
		if (source->assigned && !source->reading && (source->stopped || fenced_long) &&
		    !lane_holds(feed_lane(feed, source), source))
			pg_array_int4(&numbers, source->source_no);
	}
	if (numbers.n > 0 && pg_session_is_ready(feed->app->control)) {
		struct pg_param param = pg_array_param(&numbers);
		pg_session_query(feed->app->control, "queries/source_verify.sql", &param, 1, on_standing, feed);
		pg_session_sync(feed->app->control, NULL, NULL);
	}
	pg_array_release(&numbers);
}
