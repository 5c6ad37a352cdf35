#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"

void feed_meet_gap(struct kafka_feed *feed, struct source *source, const char *reason)
{
	source->gap.reason = reason;
	feed_step(feed, source, PARTITION_GAP_MET);
}

static void set_bounds(struct source *source, const struct kafka_probe_item *answer)
{
	source->gap.low_offset = answer->low_offset;
	source->gap.high_offset = answer->high_offset;
}

/* Partitions without an answer are asked about again by feed_measure_gaps(). */
void feed_on_gaps_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (answers->rebalance_generation != feed->rebalance_generation)
		return;
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = sources_get(&feed->app->sources, answer->topic, answer->partition);
		if (source->state != PARTITION_MEASURING_GAP || answer->error != RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		set_bounds(source, answer);
		feed_step(feed, source, PARTITION_GAP_MEASURED);
	}
}

/* With run.start = latest, the beginning is chosen once and stored at once, so that a crash does not move it. It is the
 * first open transaction, because the messages of open transactions are still to come. */
static void begin_at_end(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	char source_no[4], epoch[8], next[8];
	struct pg_param params[SOURCE_BEGIN_N_PARAMS] = {
	        [SOURCE_BEGIN_PARAM_SOURCE_NO] = pg_param_int4(source->source_no, source_no),
	        [SOURCE_BEGIN_PARAM_EPOCH] = pg_param_int8(source->epoch, epoch),
	        [SOURCE_BEGIN_PARAM_NEXT_OFFSET] = pg_param_int8(answer->stable_offset, next),
	};
	pg_session_query(feed->app->control, "queries/source_begin.sql", params, SOURCE_BEGIN_N_PARAMS, NULL, NULL);
	pg_session_sync(feed->app->control, NULL, NULL);
	source->next_offset = source->committed_offset = answer->stable_offset;
}

/* NULL: there is no gap. */
static const char *find_gap(const struct source *source, const struct kafka_probe_item *answer)
{
	if (source->next_offset == OFFSET_NONE)
		return NULL;
	if (answer->high_offset < source->next_offset)
		return "the topic was truncated or recreated: it ends before the offset that was read last";
	if (answer->low_offset > source->next_offset)
		return "messages were deleted before they were read";
	return NULL;
}

void feed_locate(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	bool from_end = feed_begins_at_end(feed, source);
	bool can_begin_at_end = answer->stable_offset >= 0 && pg_session_is_ready(feed->app->control);
	if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || (from_end && !can_begin_at_end)) {
		feed_step(feed, source, PARTITION_BEGIN_UNKNOWN);
		return;
	}
	if (answer->low_offset != source->low_offset)
		source->first.offset = OFFSET_NONE;
	source->low_offset = answer->low_offset;
	source->high_offset = answer->high_offset;
	source->end_offset = OFFSET_NONE; /* it may have been met in a former log */
	source->high_asked_us = answer->asked_us;
	source->gap.reason = find_gap(source, answer);
	if (source->gap.reason != NULL) {
		set_bounds(source, answer);
		feed_step(feed, source, PARTITION_BEGIN_MISSING);
		return;
	}
	bool verify = source->knows_fingerprint && answer->low_offset < source->next_offset;
	if (from_end)
		begin_at_end(feed, source, answer);
	feed_step(feed, source, verify ? PARTITION_BEGIN_TO_VERIFY : PARTITION_BEGIN_FOUND);
}
