#include <event2/event.h>
#include <stdio.h>

#include "adapters/kafka/fingerprint.h"
#include "app/kafka/feed.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/slow_callbacks.h"

enum {
	READ_MESSAGES = 256,  /* messages taken from a lane's queue at once */
	READS_PER_TURN = 16,  /* then other events of the loop are served */
	MANY_MESSAGES = 1000, /* this many before the queue was empty are a backlog */
};

static struct source *source_of_message(struct kafka_feed *feed, const rd_kafka_message_t *message)
{
	if (message->rkt != feed->last_topic || message->partition != feed->last_partition) {
		feed->last_topic = message->rkt;
		feed->last_partition = message->partition;
		feed->last_source =
		        sources_get(&feed->app->sources, rd_kafka_topic_name(message->rkt), message->partition);
	}
	return feed->last_source;
}

/* Returns whether to feed the message. */
static bool check_offset(struct kafka_feed *feed, struct source *source, const rd_kafka_message_t *message)
{
	if (source->state != PARTITION_VERIFYING)
		return source->next_offset == OFFSET_NONE || message->offset >= source->next_offset;
	if (message->offset == source->next_offset - 1 && kafka_fingerprint(message) != source->fingerprint) {
		feed_meet_gap(feed, source, "the topic was recreated: it has other messages at offsets that were read");
		return false;
	}
	feed_step(feed, source, PARTITION_FIRST_VERIFIED);
	return message->offset >= source->next_offset;
}

/* The topic may have been recreated, and have grown, since its beginning was asked for: ask again before accepting a
 * first message that others may precede. If the answer and the message that then comes first are the same, the topic
 * was not recreated. Returns whether to feed the message; if not, it comes again. */
static bool check_first(struct kafka_feed *feed, struct source *source, struct known_message message)
{
	if (source->next_offset != OFFSET_NONE || message.offset == 0 ||
	    (message.offset == source->first.offset && message.fingerprint == source->first.fingerprint))
		return true;
	source->first = message;
	feed_step(feed, source, PARTITION_FIRST_UNSURE);
	return false;
}

static size_t get_headers(const rd_kafka_message_t *message, struct wire_header *headers, size_t most)
{
	rd_kafka_headers_t *list;
	size_t n = 0;
	if (rd_kafka_message_headers(message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	const char *name;
	const void *value;
	size_t value_bytes;
	while (n < most &&
	       rd_kafka_header_get_all(list, n, &name, &value, &value_bytes) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		headers[n].name = text_of(name);
		headers[n].value = (struct text){value == NULL ? NULL : value, (uint32_t)value_bytes};
		n++;
	}
	return n;
}

static int64_t appended_us(const rd_kafka_message_t *message)
{
	rd_kafka_timestamp_type_t type;
	int64_t at_ms = rd_kafka_message_timestamp(message, &type);
	return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || at_ms <= 0 ? TIME_FOR_EVER : at_ms * 1000;
}

static void feed_message(struct kafka_feed *feed, const rd_kafka_message_t *message)
{
	enum { MOST_HEADERS = 256 };
	struct source *source = source_of_message(feed, message);
	source->waits_since_us = source->n_waits = 0;
	if (!partition_is_reading(source->state) || !check_offset(feed, source, message))
		return;
	const struct known_message known = {message->offset, kafka_fingerprint(message)};
	if (!check_first(feed, source, known))
		return;
	struct wire_header headers[MOST_HEADERS];
	struct wire_message wire = {
	        .value = {message->payload, (uint32_t)message->len},
	        .headers = headers,
	        .n_headers = get_headers(message, headers, MOST_HEADERS),
	        .topic = text_of(source->topic),
	        .partition = source->partition,
	        .offset = message->offset,
	        .topic_type = source->topic_type,
	};
	source->read = known;
	if (source->checked.offset == OFFSET_NONE)
		source->checked = source->read;
	lane_feed(feed_lane(feed, source), source, &wire, source->read.fingerprint, appended_us(message));
}

static void on_end(struct kafka_feed *feed, struct source *source, int64_t offset)
{
	/* When the broker wrote this is unknown: it may have waited in the queue while messages were appended. */
	source->end_offset = offset;
	if (source->state == PARTITION_VERIFYING && offset < source->next_offset)
		feed_meet_gap(feed, source,
		              "the topic was truncated or recreated: it ends before the offset that was read last");
}

static void on_out_of_range(struct kafka_feed *feed, struct source *source)
{
	if (source->next_offset != OFFSET_NONE)
		feed_meet_gap(feed, source, "the topic no longer has the next offset");
	else
		feed_step(feed, source, PARTITION_BEGIN_MOVED);
}

static void on_message_error(struct kafka_feed *feed, const rd_kafka_message_t *message)
{
	struct source *source = source_of_message(feed, message);
	bool reads = partition_is_reading(source->state);
	source->waits_since_us = source->n_waits = 0;
	switch (message->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (reads)
			on_end(feed, source, message->offset);
		return;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (reads)
			on_out_of_range(feed, source);
		return;
	default:
		log_warning("%s/%d: %s", source->topic, (int)source->partition, rd_kafka_message_errstr(message));
		return;
	}
}

bool feed_has_backlog(const struct kafka_feed *feed, const struct source *source)
{
	int64_t low, high;
	return partition_is_reading(source->state) &&
	       rd_kafka_get_watermark_offsets(kafka_consumer_handle(feed->consumer), source->topic, source->partition,
	                                      &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
	       high > 0 && high > source_read_to(source) && source->held_since_us == 0;
}

bool feed_waits_its_turn(const struct kafka_feed *feed, const struct source *source)
{
	return feed->n_read[source->lane] > 0 && feed_has_backlog(feed, source);
}

/* The lane's queue was long and is empty now. If it was full, librdkafka stopped fetching: wake it. */
static void fetch_again(struct kafka_feed *feed, int index)
{
	struct kafka_probe_list list = {.n = 0};
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->lane == index && feed_has_backlog(feed, source))
			kafka_probe_add(&list, source->topic, source->partition);
	}
	if (list.n > 0)
		kafka_probe_wake(feed->probe, &list);
}

static void read_lane(struct kafka_feed *feed, int index)
{
	rd_kafka_message_t *messages[READ_MESSAGES];
	struct lane *lane = feed->app->lanes[index];
	for (int turn = 0; turn < READS_PER_TURN; turn++) {
		if (feed->closing || !lane_has_room(lane))
			return; /* feed_on_wants_more() comes back here */
		size_t n = kafka_consumer_read(feed->consumer, index, messages, READ_MESSAGES);
		for (size_t i = 0; i < n; i++) {
			if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR)
				feed_message(feed, messages[i]);
			else
				on_message_error(feed, messages[i]);
			rd_kafka_message_destroy(messages[i]);
		}
		if (n == 0) {
			if (feed->n_read[index] >= MANY_MESSAGES)
				fetch_again(feed, index);
			feed->n_read[index] = 0;
			return;
		}
		feed->n_read[index] += n;
	}
	event_active(feed->read_again[index], EV_TIMEOUT, 0);
}

static void read_in_turn(struct kafka_feed *feed, int index)
{
	struct callback_timer start = callback_timer_start(monotonic_clock_us());
	char number[16];
	read_lane(feed, index);
	snprintf(number, sizeof(number), "%d", index);
	callback_timer_stop(start, "messages of Kafka to lane", number, monotonic_clock_us());
}

void feed_on_read_again(evutil_socket_t fd, short what, void *context)
{
	struct read_again_context *again = context;
	(void)fd, (void)what;
	read_in_turn(again->feed, again->lane);
}

void feed_on_readable(void *context, int lane)
{
	read_in_turn(context, lane);
}

void feed_on_wants_more(void *context, struct lane *lane)
{
	struct kafka_feed *feed = context;
	if (feed->read_again != NULL)
		event_active(feed->read_again[lane_index(lane)], EV_TIMEOUT, 0);
}
