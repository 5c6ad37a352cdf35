#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	STALLED_US = 10000000, /* reassign a partition that delivers nothing although it has lag; double the wait each
	                          time */
	MOST_REASSIGNS = 3,    /* then the process ends */
	RECLAIM_US = 15000000  /* claim a partition that was fenced and is still assigned to us again after this */
};

/* ---- stalled partitions ---- */

/* librdkafka 2.0.2 was seen to fetch nothing from topics that were recreated during a rebalance. */
static void reassign(struct kafka_feed *feed, struct source *source)
{
	char why[320];
	if (feed_is_rebalancing(feed))
		return;
	source->waits_since_us = 0;
	snprintf(why, sizeof(why), "nothing was delivered from %s/%d for %d s although it has lag", source->topic,
	         (int)source->partition, (STALLED_US / 1000000) << source->n_waits);
	if (++source->n_waits > MOST_REASSIGNS) {
		feed_on_fatal(feed, why);
		return;
	}
	log_warning("%s; assigning it again", why);
	feed_step(feed, source, PARTITION_STALLED);
}

void feed_check_stalled(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	int64_t now_us = monotonic_clock_us();
	int64_t next = source->next_offset == OFFSET_NONE ? answer->low_offset : source->next_offset;
	bool is_known = source->next_offset != OFFSET_NONE || !answer->high_only;
	bool waits = is_known && answer->high_offset > next && source->end_offset == OFFSET_NONE &&
	             feed->n_read[source->lane] == 0 && lane_has_room(feed_lane(feed, source));
	if (!waits)
		source->waits_since_us = 0;
	else if (source->waits_since_us == 0)
		source->waits_since_us = now_us;
	else if (now_us - source->waits_since_us > (int64_t)STALLED_US << source->n_waits)
		reassign(feed, source);
}

/* ---- the brokers' answer after a claim ---- */

/* The topic may have been recreated meanwhile, so all of feed_locate() applies. */
void feed_on_located(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	bool is_late = answers->rebalance_generation != feed->rebalance_generation || feed_is_rebalancing(feed);
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = feed_source(feed, answer->topic, answer->partition);
		if (source->state != PARTITION_LOCATING)
			continue;
		if (is_late)
			feed_step(feed, source, PARTITION_BEGIN_UNKNOWN);
		else
			feed_locate(feed, source, answer);
	}
	feed_store_first_look(feed, answers);
}

/* ---- claims ---- */

static void fail_claims(struct kafka_feed *feed, uint64_t last_no)
{
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		if (source->state == PARTITION_RECLAIMING && source->claim_no <= last_no)
			feed_step(feed, source, PARTITION_CLAIM_FAILED);
	}
}

void feed_forget_claims(struct kafka_feed *feed)
{
	feed->n_claims_answered = feed->n_claims_sent;
	fail_claims(feed, feed->n_claims_answered);
}

static void on_reclaimed(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	feed->n_claims_answered++;
	if (!pg_result_ok(result)) {
		fail_claims(feed, feed->n_claims_answered);
		return;
	}
	for (int row = 0; row < PQntuples(result); row++) {
		enum partition_event event;
		struct source *source = app_claimed(feed->app, result, row, &event);
		feed_step(feed, source, event);
	}
}

static void reclaim(struct kafka_feed *feed, struct source *const *sources, size_t n)
{
	if (!app_claim(feed->app, sources, n, on_reclaimed, feed))
		return;
	feed->n_claims_sent++;
	for (size_t i = 0; i < n; i++) {
		sources[i]->claim_no = feed->n_claims_sent;
		feed_step(feed, sources[i], PARTITION_CLAIM_SENT);
	}
}

/* No other instance has what the database has lost, and the database may not even know the partition: claim it without
 * asking first. */
static void reclaim_due(struct kafka_feed *feed)
{
	const struct sources *all = &feed->app->sources;
	struct source **due = mem_alloc((all->n + 1) * sizeof(struct source *));
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i]->state == PARTITION_RECLAIM_DUE &&
		    !lane_holds(feed_lane(feed, all->items[i]), all->items[i]))
			due[n++] = all->items[i];
	if (n > 0 && !feed_is_rebalancing(feed))
		reclaim(feed, due, n);
	free(due);
}

static bool may_resume(const struct source *source)
{
	if (source->state == PARTITION_FENCED)
		return monotonic_clock_us() - source->fenced_us > RECLAIM_US;
	return source->state == PARTITION_STOPPED || source->state == PARTITION_RETRYING;
}

static void on_states(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (!pg_result_ok(result) || feed_is_rebalancing(feed))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct source *source =
		        sources_find_no(&feed->app->sources, pg_get_int4(result, row, SOURCE_VERIFY_SOURCE_NO));
		bool is_running = text_same(pg_get_text(result, row, SOURCE_VERIFY_STATE), TEXT("running"));
		if (source != NULL && is_running && may_resume(source))
			reclaim(feed, &source, 1);
	}
}

void feed_check_stopped(struct kafka_feed *feed)
{
	struct pg_array numbers = {.n = 0};
	reclaim_due(feed);
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		/* What was read before the stop is written first. */
		if (may_resume(source) && !lane_holds(feed_lane(feed, source), source))
			pg_array_int4(&numbers, source->source_no);
	}
	if (numbers.n > 0 && pg_session_is_ready(feed->app->control)) {
		struct pg_param param = pg_array_param(&numbers);
		pg_session_query(feed->app->control, "queries/source_verify.sql", &param, 1, on_states, feed);
		pg_session_sync(feed->app->control, NULL, NULL);
	}
	pg_array_release(&numbers);
}
