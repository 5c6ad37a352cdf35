#include <inttypes.h>

#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"
#include "app/seen.h"
#include "kpid/base/log.h"

enum {
	MORE_US =
	        1000000, /* after which it is asked whether a transaction holds the rest up: usually it is on its way */
	HELD_LONG_US = 60000000
};

/* Of a partition of which all that was read is committed: its end is where we are. The end is the high watermark: what
 * an open transaction has written is there and has yet to be read. */
static bool is_at_end(const struct source *source, const struct kafka_probe_item *answer)
{
	if (answer->high_offset == source->end_offset || answer->high_offset == answer->low_offset)
		return true;
	return source->next_offset != OFFSET_NONE && answer->high_offset <= source->next_offset;
}

/* Whether an open transaction keeps the rest from being read. */
static void look_whether_held(struct source *source, const struct kafka_probe_item *answer)
{
	int64_t now_us = monotonic_clock_us();
	bool more = source->end_offset != OFFSET_NONE && source->end_offset >= source->next_offset &&
	            answer->high_offset > source->end_offset;
	bool held = more && answer->stable_offset >= 0 && answer->stable_offset <= source->end_offset;
	if (!more)
		source->more_since_us = 0;
	else if (source->more_since_us == 0)
		source->more_since_us = now_us;
	if (!held) {
		if (source->held_was_said)
			log_info("%s/%d is not held up by an open transaction any more", source->topic,
			         (int)source->partition);
		source->held_since_us = 0;
		source->held_was_said = false;
		return;
	}
	if (source->held_since_us == 0)
		source->held_since_us = now_us;
	if (source->held_was_said || now_us - source->held_since_us < HELD_LONG_US)
		return;
	source->held_was_said = true;
	log_warning("%s/%d is held up by a transaction that has been open for over %d s: %" PRId64
	            " messages from offset %" PRId64 " on wait for its end. Look for its producer with "
	            "kafka-transactions.sh find-hanging",
	            source->topic, (int)source->partition, HELD_LONG_US / 1000000,
	            answer->high_offset - source->end_offset, source->end_offset);
}

static void on_owners(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct source *source = sources_find_no(&feed->app->sources, pg_get_int4(result, row, 0));
		int64_t epoch = pg_get_int8(result, row, 1);
		if (source != NULL && source->reading && epoch != source->epoch)
			lane_fence(feed_lane(feed, source), source, epoch < source->epoch);
	}
}

/* A partition without messages has no batch that would find out that it has been claimed: by another, or by ourselves,
 * over a connection that was lost before its statement had come to its turn. */
static void look_at_owners(struct kafka_feed *feed)
{
	struct pg_array numbers = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < feed->app->sources.n; i++)
		if (feed->app->sources.items[i]->reading)
			pg_array_int4(&numbers, feed->app->sources.items[i]->source_no);
	struct pg_param param = pg_array_param(&numbers);
	pg_session_query(feed->app->control, "queries/source_verify.sql", &param, 1, on_owners, feed);
	pg_session_sync(feed->app->control, NULL, NULL);
	pg_array_release(&numbers);
}

static void on_seen(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	feed->doubts = pg_result_ok(result) && pg_result_affected(result) != feed->n_seen;
}

static void on_seen_end(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	(void)result;
	feed->seeing = false;
	if (feed->doubts)
		look_at_owners(feed);
	if (!watch_is_quiet(feed->app->watch))
		watch_tick(feed->app->watch);
}

void feed_on_ends_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	struct seen seen;
	if (!pg_session_is_ready(feed->app->control)) {
		feed->seeing = false;
		return;
	}
	seen_start(&seen);
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = feed_source(feed, answer->topic, answer->partition);
		if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || !source->reading || source->verify_fingerprint)
			continue;
		int64_t asked_us = common_clock_at(&feed->app->shared.clock, answer->asked_us);
		bool all_committed = source->next_offset == source->committed_offset;
		bool at_end = all_committed && is_at_end(source, answer);
		feed_look_whether_it_comes(feed, source, answer);
		kafka_consumer_heard(feed->consumer);
		source->high_offset = answer->high_offset;
		if (!at_end)
			watermark_end(&source->watermark, answer->high_offset, asked_us);
		look_whether_held(source, answer);
		seen_add(&seen, &(struct seen_source){
		                        .source_no = source->source_no,
		                        .epoch = source->epoch,
		                        .next_offset = source->committed_offset,
		                        .at_end_us = at_end ? asked_us : TIME_NONE,
		                        .high_offset = answer->high_offset,
		                        .read_to = at_end          ? answer->high_offset
		                                   : all_committed ? source->end_offset
		                                                   : OFFSET_NONE,
		                        .heard = at_end || feed_waits_its_turn(feed, source),
		                        .held = source->held_since_us != 0,
		                });
	}
	feed->n_seen = seen_count(&seen);
	feed->doubts = false;
	seen_send(&seen, feed->app->control, on_seen, on_seen_end, feed);
}

void feed_look_at_ends(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_SEEN};
	int64_t now_us = monotonic_clock_us();
	if (feed->seeing || feed->closing || !pg_session_is_ready(feed->app->control))
		return;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->reading)
			kafka_probe_add(&list, source->topic, source->partition)->ask_stable =
			        source->more_since_us != 0 && now_us - source->more_since_us > MORE_US;
	}
	feed->seen_us = now_us;
	if (list.n == 0)
		return;
	feed->seeing = true;
	kafka_probe_ask(feed->probe, &list);
}

void feed_ask_about_orphans(void *context, struct kafka_probe_list *list)
{
	struct kafka_feed *feed = context;
	list->tag = PROBE_ORPHANS;
	kafka_probe_ask(feed->probe, list);
}

void feed_on_orphans_seen(void *context)
{
	const struct kafka_feed *feed = context;
	if (!watch_is_quiet(feed->app->watch))
		watch_tick(feed->app->watch);
}

/* Whether a look at its end would come too early: one has yet to be reached. */
static bool is_catching_up(const struct kafka_feed *feed, const struct source *source)
{
	return watermark_waits(&source->watermark) && feed_has_backlog(feed, source);
}

/* No more often than once a tick, and in a backlog once a second. */
void feed_on_needs_completeness(void *context, int64_t deadline_us)
{
	struct kafka_feed *feed = context;
	if (!feed->closing && feed->probe != NULL)
		orphans_look(&feed->orphans, deadline_us);
	if (monotonic_clock_us() - feed->seen_us < feed->app->config->sla.tick_us)
		return;
	for (size_t i = 0; i < feed->app->sources.n; i++)
		if (is_catching_up(feed, feed->app->sources.items[i]))
			return;
	feed_look_at_ends(feed);
}
