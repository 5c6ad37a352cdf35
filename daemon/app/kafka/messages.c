#include <event2/event.h>
#include <stdio.h>

#include "adapters/kafka/fingerprint.h"
#include "app/kafka/feed.h"
#include "kpid/base/log.h"
#include "kpid/base/turns.h"

enum {
	READ_MESSAGES = 256,  /* taken from a lane's queue at once */
	READS_PER_TURN = 16,  /* before the loop sees to others */
	MANY_MESSAGES = 1000, /* read without a pause: a backlog */
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

/* False: the message is not to be fed. */
static bool check_offset(struct kafka_feed *feed, struct source *source, const rd_kafka_message_t *message)
{
	if (!source->verify_fingerprint)
		return source->next_offset == OFFSET_NONE || message->offset >= source->next_offset;
	source->verify_fingerprint = false;
	if (message->offset == source->next_offset - 1 && kafka_fingerprint(message) != source->fingerprint) {
		feed_meet_gap(feed, source, "the topic was made anew: other messages stand where ours were");
		return false;
	}
	return message->offset >= source->next_offset;
}

/* Where a partition begins was asked before this came: by now its topic may have been made anew and have grown past
 * there. So that is asked once more: if it still begins there, and with this, it was the same log all the time. False:
 * the message is not to be fed; it comes again. */
static bool check_first(struct kafka_feed *feed, struct source *source, struct known_message message)
{
	if (source->next_offset != OFFSET_NONE || source->low_offset == 0 ||
	    (message.offset == source->first.offset && message.fingerprint == source->first.fingerprint))
		return true;
	struct kafka_probe_list list = {.tag = PROBE_STANDING, .turn = feed->turn};
	source->first = message;
	source->reading = false;
	feed_pause(feed, source);
	feed_ask_where_to_begin(feed, &list, source);
	kafka_probe_ask(feed->probe, &list);
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
	if (!source->reading || !check_offset(feed, source, message))
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

static void on_message_error(struct kafka_feed *feed, const rd_kafka_message_t *message)
{
	struct source *source = source_of_message(feed, message);
	source->waits_since_us = source->n_waits = 0;
	switch (message->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (!source->reading)
			return;
		/* When the broker said so is not known: this may have waited here while more was written. */
		source->end_offset = message->offset;
		if (source->verify_fingerprint && message->offset < source->next_offset)
			feed_meet_gap(feed, source,
			              "the topic was truncated or made anew: it ends before what was read "
			              "already");
		return;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (!source->reading)
			return;
		if (source->next_offset != OFFSET_NONE) {
			feed_meet_gap(feed, source, "the next offset is not in the topic any more");
			return;
		}
		/* Nothing was read, so nothing is missed: it begins where the topic begins by now. */
		feed_stand(feed, source);
		return;
	default:
		log_warning("%s/%d: %s", source->topic, (int)source->partition, rd_kafka_message_errstr(message));
		return;
	}
}

bool feed_has_backlog(const struct kafka_feed *feed, const struct source *source)
{
	int64_t low, high;
	return source->reading &&
	       rd_kafka_get_watermark_offsets(kafka_consumer_handle(feed->consumer), source->topic, source->partition,
	                                      &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
	       high > 0 && high > source_read_to(source) && source->held_since_us == 0;
}

bool feed_waits_its_turn(const struct kafka_feed *feed, const struct source *source)
{
	return feed->n_read[source->lane] > 0 && feed_has_backlog(feed, source);
}

/* The lane's queue held much, and is empty now: it may have been full. */
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
			return; /* the lane says when it wants more */
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
		kafka_consumer_heard(feed->consumer);
	}
	event_active(feed->read_again[index], EV_TIMEOUT, 0);
}

static void read_in_turn(struct kafka_feed *feed, int index)
{
	struct turn_start start = turn_begin(monotonic_clock_us());
	char number[16];
	read_lane(feed, index);
	snprintf(number, sizeof(number), "%d", index);
	turn_end(start, "messages of Kafka to lane", number, monotonic_clock_us());
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
