#include <inttypes.h>

#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"
#include "app/observations.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/core/partition_end.h"

enum {
	MORE_US = 1000000, /* before asking whether a transaction hides messages: usually they are on their way */
	HELD_LONG_US = 60000000
};

/* The end is the high watermark: messages of open transactions are there and are still to be read. Where the log begins
 * matters while nothing was read, and was not asked for if that has become so since. */
static enum partition_end end_of(const struct source *source, const struct kafka_probe_item *answer)
{
	const struct partition_reach reach = {.next_offset = source->next_offset,
	                                      .begin_offset = source->low_offset,
	                                      .end_offset = source->end_offset};
	if (source->next_offset == OFFSET_NONE && answer->high_only)
		return PARTITION_HAS_MORE;
	return partition_end_of(&reach, answer->low_offset, answer->high_offset);
}

/* Notes whether an open transaction hides messages. */
static void note_held(struct source *source, const struct kafka_probe_item *answer)
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
		if (source->held_logged)
			log_info("%s/%d is no longer held up by an open transaction", source->topic,
			         (int)source->partition);
		source->held_since_us = 0;
		source->held_logged = false;
		return;
	}
	if (source->held_since_us == 0)
		source->held_since_us = now_us;
	if (source->held_logged || now_us - source->held_since_us < HELD_LONG_US)
		return;
	source->held_logged = true;
	log_warning("%s/%d is held up by a transaction that has been open for over %d s: %" PRId64
	            " messages from offset %" PRId64 " on wait for its end. Find its producer with "
	            "kafka-transactions.sh find-hanging",
	            source->topic, (int)source->partition, HELD_LONG_US / 1000000,
	            answer->high_offset - source->end_offset, source->end_offset);
}

/* The row of the source in an answer to source_verify.sql; -1: the database does not know it. */
static int row_of(const struct source *source, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++)
		if (pg_get_int4(result, row, SOURCE_VERIFY_SOURCE_NO) == source->source_no)
			return row;
	return -1;
}

/* Compares with the offset at the time of the question, because the source may have advanced since. */
static void check_owner(struct kafka_feed *feed, struct source *source, const PGresult *result)
{
	int row = row_of(source, result);
	int64_t epoch = row < 0 ? 0 : pg_get_int8(result, row, SOURCE_VERIFY_EPOCH);
	int64_t next = row < 0 ? OFFSET_NONE : pg_get_int8_or(result, row, SOURCE_VERIFY_NEXT_OFFSET, OFFSET_NONE);
	bool is_behind = source->asked_offset != OFFSET_NONE && (next == OFFSET_NONE || next < source->asked_offset);
	bool is_rolled_back = epoch < source->epoch || (epoch == source->epoch && is_behind);
	vouch_verify(&source->vouch,
	             row >= 0 && pg_get_int8(result, row, SOURCE_VERIFY_HEARTBEAT_NO) == feed->heartbeat.no);
	if (partition_is_reading(source->state) && (epoch != source->epoch || is_rolled_back))
		lane_fence(feed_lane(feed, source), source, is_rolled_back);
}

static void on_owners(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (!pg_result_ok(result))
		return;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		if (source->owner_asked)
			check_owner(feed, source, result);
	}
}

static void on_owners_end(void *context, PGresult *result)
{
	(void)result;
	((struct kafka_feed *)context)->observing = OBSERVING_NOTHING;
}

/* An idle partition has no batch that would notice that another instance has claimed it, or that the database has lost
 * commits, as after a fail-over. */
static void check_owners(struct kafka_feed *feed)
{
	struct pg_array numbers = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		source->owner_asked = partition_is_reading(source->state);
		source->asked_offset = source->committed_offset;
		if (source->owner_asked)
			pg_array_int4(&numbers, source->source_no);
	}
	struct pg_param param = pg_array_param(&numbers);
	pg_session_query(feed->app->control, "queries/source_verify.sql", &param, 1, on_owners, feed);
	pg_session_sync(feed->app->control, on_owners_end, feed);
	pg_array_release(&numbers);
}

static void on_beat_end(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	(void)result;
	if (feed->doubts)
		check_owners(feed);
	else
		feed->observing = OBSERVING_NOTHING;
	feed_on_unowned_observed(feed);
}

/* Up to where nothing is left to read, beyond the offset that is committed; OFFSET_NONE: not known. If nothing is
 * committed, it is where reading began. */
static int64_t read_to_of(const struct source *source, int64_t high_offset, bool at_end)
{
	if (at_end)
		return high_offset;
	if (source->next_offset == source->committed_offset && source->end_offset != OFFSET_NONE)
		return source->end_offset;
	return source->committed_offset == OFFSET_NONE ? source->low_offset : OFFSET_NONE;
}

/* Adds the observation of a source to those that are stored, unless the heartbeat says it all. all_read: nothing is
 * left to read. Returns until when the heartbeat vouches for the source; TIME_FOR_EVER: it does not. */
static int64_t observe(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer,
                       bool all_read, struct observations *observations)
{
	int64_t asked_us = common_clock_at(&feed->app->shared.clock, answer->asked_us);
	bool all_committed = source->next_offset == source->committed_offset;
	bool at_end = all_committed && all_read;
	bool vouched = at_end && feed->heartbeat.no != 0 && asked_us != TIME_NONE;
	feed_check_stalled(feed, source, answer);
	kafka_consumer_note_contact(feed->consumer, answer->asked_us);
	source->high_offset = answer->high_offset;
	source->high_asked_us = answer->asked_us;
	if (!at_end)
		watermark_end(&source->watermark, answer->high_offset, asked_us);
	note_held(source, answer);
	struct observation observation = {
	        .source_no = source->source_no,
	        .epoch = source->epoch,
	        .next_offset = source->committed_offset,
	        .at_end_us = at_end ? asked_us : TIME_NONE,
	        .high_offset = answer->high_offset,
	        .read_to = read_to_of(source, answer->high_offset, at_end),
	        .recently_seen = at_end || feed_waits_its_turn(feed, source),
	        .held = source->held_since_us != 0,
	        .asked_us = asked_us,
	        .heartbeat_no = vouched ? feed->heartbeat.no : 0,
	};
	const struct vouch_place place = {observation.epoch, observation.next_offset, observation.high_offset,
	                                  observation.read_to};
	if (!vouched || !feed_vouch(feed, source, &place))
		observations_add(observations, &observation);
	return vouched ? asked_us : TIME_FOR_EVER;
}

void feed_store_first_look(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	struct observations observations;
	if (!pg_session_is_ready(feed->app->control))
		return;
	observations_start(&observations);
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		const struct source *source = feed_source(feed, answer->topic, answer->partition);
		if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || !partition_is_reading(source->state))
			continue;
		observations_add(&observations,
		                 &(struct observation){
		                         .source_no = source->source_no,
		                         .epoch = source->epoch,
		                         .next_offset = source->committed_offset,
		                         .at_end_us = TIME_NONE,
		                         .high_offset = answer->high_offset,
		                         .read_to = read_to_of(source, answer->high_offset, false),
		                         .recently_seen = true,
		                         .held = source->held_since_us != 0,
		                         .asked_us = common_clock_at(&feed->app->shared.clock, answer->asked_us),
		                 });
	}
	observations_send(&observations, feed->app->control, NULL, NULL);
	pg_session_sync(feed->app->control, NULL, NULL);
}

void feed_on_watermarks_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	struct observations observations;
	int64_t until_us = TIME_FOR_EVER;
	KPID_CHECK(feed->observing == OBSERVING_BROKERS);
	if (!pg_session_is_ready(feed->app->control)) {
		feed->observing = OBSERVING_NOTHING;
		return;
	}
	feed->observing = OBSERVING_DATABASE;
	feed->heartbeat.round++;
	observations_start(&observations);
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = feed_source(feed, answer->topic, answer->partition);
		if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || source->state != PARTITION_READING)
			continue;
		enum partition_end end = end_of(source, answer);
		if (end == PARTITION_BEGINS_EARLIER) {
			feed_step(feed, source, PARTITION_BEGIN_MOVED); /* not seen, as far as the heartbeat goes */
			continue;
		}
		int64_t vouched_us = observe(feed, source, answer, end == PARTITION_AT_END, &observations);
		until_us = vouched_us < until_us ? vouched_us : until_us;
	}
	feed_beat(feed, until_us == TIME_FOR_EVER ? TIME_NONE : until_us, &observations, on_beat_end);
}

void feed_probe_watermarks(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_WATERMARKS};
	int64_t now_us = monotonic_clock_us();
	if (feed->observing != OBSERVING_NOTHING || feed->closing || !pg_session_is_ready(feed->app->control))
		return;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (!partition_is_reading(source->state))
			continue;
		struct kafka_probe_item *item = kafka_probe_add(&list, source->topic, source->partition);
		item->high_only = source->next_offset != OFFSET_NONE;
		item->ask_stable = source->more_since_us != 0 && now_us - source->more_since_us > MORE_US;
	}
	feed->observed_us = now_us;
	if (list.n == 0)
		return;
	feed_start_heartbeat(feed);
	feed->observing = OBSERVING_BROKERS;
	kafka_probe_ask(feed->probe, &list);
}

void feed_probe_unowned(void *context, struct kafka_probe_list *list)
{
	struct kafka_feed *feed = context;
	list->tag = PROBE_UNOWNED;
	kafka_probe_ask(feed->probe, list);
}

void feed_on_unowned_observed(void *context)
{
	const struct kafka_feed *feed = context;
	if (!deadline_scheduler_is_quiet(feed->app->scheduler))
		deadline_scheduler_tick(feed->app->scheduler);
}

/* Whether another probe would come too early, because the end of an earlier one is not reached yet. */
static bool is_catching_up(const struct kafka_feed *feed, const struct source *source)
{
	return watermark_waits(&source->watermark) && feed_has_backlog(feed, source);
}

/* Probes at most once a tick, and once a second during a backlog. */
void feed_on_needs_completeness(void *context, int64_t deadline_us)
{
	struct kafka_feed *feed = context;
	if (!feed->closing && feed->probe != NULL)
		unowned_partitions_check(&feed->unowned, deadline_us);
	if (monotonic_clock_us() - feed->observed_us < feed->app->config->sla.tick_us)
		return;
	for (size_t i = 0; i < feed->app->sources.n; i++)
		if (is_catching_up(feed, feed->app->sources.items[i]))
			return;
	feed_probe_watermarks(feed);
}
