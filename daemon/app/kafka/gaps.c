#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "app/kafka/feed.h"
#include "kpid/base/log.h"

static void put_source_no(char bytes[4], int32_t source_no)
{
	uint32_t big_endian = htobe32((uint32_t)source_no);
	memcpy(bytes, &big_endian, sizeof(big_endian));
}

void feed_pause(struct kafka_feed *feed, struct source *source)
{
	source->paused = true;
	kafka_consumer_pause(feed->consumer, source->topic, source->partition, true);
}

void feed_resume(struct kafka_feed *feed, struct source *source)
{
	if (source->paused)
		kafka_consumer_pause(feed->consumer, source->topic, source->partition, false);
	source->paused = false;
}

void feed_stand(struct kafka_feed *feed, struct source *source)
{
	source->stopped = true;
	source->reading = false;
	feed_pause(feed, source);
}

static void stop_source(struct kafka_feed *feed, struct source *source, int64_t low, int64_t high, const char *reason)
{
	char source_no[4], number[6][8];
	if (source->stopped)
		return;
	log_error("%s/%d is stopped at offset %" PRId64 ": %s (it has %" PRId64 " to %" PRId64
	          "). Nothing is skipped: look with `kpid gap list`, go on with `kpid gap accept %s/%d`",
	          source->topic, (int)source->partition, source->next_offset, reason, low, high, source->topic,
	          (int)source->partition);
	feed_stand(feed, source);
	if (!pg_session_is_ready(feed->app->control))
		return; /* found again after the next claim */
	put_source_no(source_no, source->source_no);
	struct pg_param params[6] = {
	        {source_no, 4, true},
	        pg_param_int8(source->epoch, number[1]),
	        pg_param_text(text_of(reason)),
	        pg_param_int8(source->next_offset == OFFSET_NONE ? 0 : source->next_offset, number[3]),
	        pg_param_int8(low, number[4]),
	        pg_param_int8(high, number[5]),
	};
	pg_session_query(feed->app->control, "queries/source_stop.sql", params, 6, NULL, NULL);
	pg_session_sync(feed->app->control, NULL, NULL);
}

/* A partition that is read from its end on begins there once, not after every restart. What open transactions have
 * written is still to come, so it begins before that. */
static void begin_at_end(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	char source_no[4], number[2][8];
	put_source_no(source_no, source->source_no);
	struct pg_param params[3] = {
	        {source_no, 4, true},
	        pg_param_int8(source->epoch, number[0]),
	        pg_param_int8(answer->stable_offset, number[1]),
	};
	pg_session_query(feed->app->control, "queries/source_begin.sql", params, 3, NULL, NULL);
	pg_session_sync(feed->app->control, NULL, NULL);
	source->next_offset = source->committed_offset = answer->stable_offset;
}

void feed_meet_gap(struct kafka_feed *feed, struct source *source, const char *reason)
{
	source->reading = false;
	source->gap_reason = reason;
	feed_pause(feed, source);
	feed_look_at_gaps(feed);
}

void feed_look_at_gaps(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_GAPS, .turn = feed->turn};
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		if (source->gap_reason != NULL)
			kafka_probe_add(&list, source->topic, source->partition);
	}
	if (list.n > 0)
		kafka_probe_ask(feed->probe, &list);
}

/* Those without an answer are asked for again. */
void feed_on_gaps_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (answers->turn != feed->turn)
		return;
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = sources_get(&feed->app->sources, answer->topic, answer->partition);
		if (source->gap_reason == NULL || answer->error != RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		stop_source(feed, source, answer->low_offset, answer->high_offset, source->gap_reason);
		source->gap_reason = NULL;
	}
}

static bool begins_at_end(const struct kafka_feed *feed, const struct source *source)
{
	return source->next_offset == OFFSET_NONE && feed->app->config->run.start == START_LATEST;
}

void feed_ask_where_to_begin(const struct kafka_feed *feed, struct kafka_probe_list *list, const struct source *source)
{
	kafka_probe_add(list, source->topic, source->partition)->ask_stable = begins_at_end(feed, source);
}

void feed_look_where_to_begin(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	int64_t next = source->next_offset;
	bool from_end = begins_at_end(feed, source);
	/* Where one begins that is read from its end on is written down at once, or a crash would move it. */
	bool end_is_known = answer->stable_offset >= 0 && pg_session_is_ready(feed->app->control);
	if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || (from_end && !end_is_known)) {
		source->stopped = true;
		return;
	}
	if (answer->low_offset != source->low_offset)
		source->first.offset = OFFSET_NONE;
	source->low_offset = answer->low_offset;
	source->high_offset = answer->high_offset;
	if (from_end)
		begin_at_end(feed, source, answer);
	else if (next != OFFSET_NONE && answer->high_offset < next)
		stop_source(feed, source, answer->low_offset, answer->high_offset,
		            "the topic was truncated or made anew: it ends before what was read already");
	else if (next != OFFSET_NONE && answer->low_offset > next)
		stop_source(feed, source, answer->low_offset, answer->high_offset,
		            "messages were deleted before they were read");
	else
		source->verify_fingerprint = source->verify_fingerprint && answer->low_offset < next;
}

int64_t feed_position(const struct source *source)
{
	if (source->next_offset == OFFSET_NONE)
		return source->low_offset;
	return source->verify_fingerprint ? source->next_offset - 1 : source->next_offset;
}
