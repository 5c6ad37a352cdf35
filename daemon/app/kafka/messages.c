#include <event2/event.h>
#include <stdio.h>

#include "adapters/kafka/fingerprint.h"
#include "adapters/timer.h"
#include "app/configured_shard.h"
#include "app/exit_status.h"
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

/* ---- turns of mapping ---- */

static void note_mapping(struct kafka_feed *feed, int index, int64_t began_us)
{
	struct mapping_turn *turn = &feed->mapping_turn;
	static const struct timeval at_once = {0, 0};
	turn->spent_us += monotonic_clock_us() - began_us;
	turn->last_lane = index;
	if (!evtimer_pending(turn->timer, NULL))
		evtimer_add(turn->timer, &at_once);
}

/* True if this turn has mapped for long enough: the lane reads on in a later one. */
static bool wait_for_turn(struct kafka_feed *feed, int index)
{
	struct mapping_turn *turn = &feed->mapping_turn;
	if (turn->spent_us < MAPPING_TURN_US)
		return false;
	turn->waits[index] = true;
	return true;
}

enum { MOST_HEADERS = 256 };

/* headers: room for MOST_HEADERS */
static struct wire_message wire_of(const struct source *source, const rd_kafka_message_t *message,
                                   struct wire_header *headers)
{
	return (struct wire_message){
	        .value = {message->payload, (uint32_t)message->len},
	        .key = {message->key, (uint32_t)message->key_len},
	        .headers = headers,
	        .n_headers = get_headers(message, headers, MOST_HEADERS),
	        .topic = text_of(source->topic),
	        .partition = source->partition,
	        .offset = message->offset,
	        .topic_type = source->topic_type,
	};
}

/* Shards by partition rely on keys: without one, the producer puts the messages of a ticket into any partition. Ends
 * the process, so that nothing wrong is stored. */
static bool has_key(struct kafka_feed *feed, const struct source *source, const struct wire_message *wire)
{
	const struct shard shard = configured_shard(feed->app->config);
	if (!shard_shares_partitions(&shard) || wire->key.len > 0 || text_is_absent(wire->value))
		return true;
	feed->refuses = true;
	log_error("%s/%d has a message without a key, at offset %lld: shards by partition need messages that are keyed "
	          "by "
	          "ticket. Let the producers set the key, or divide tickets by their hash ([shard] by = ticket)",
	          source->topic, (int)source->partition, (long long)wire->offset);
	app_quit(feed->app, KPID_EXIT_CONFIG);
	return false;
}

static void feed_message(struct kafka_feed *feed, rd_kafka_message_t **message_io)
{
	const rd_kafka_message_t *message = *message_io;
	struct source *source = source_of_message(feed, message);
	source->waits_since_us = source->n_waits = 0;
	if (feed->refuses || !partition_is_reading(source->state) || !check_offset(feed, source, message))
		return;
	const struct known_message known = {message->offset, kafka_fingerprint(message)};
	if (!check_first(feed, source, known))
		return;
	struct wire_header headers[MOST_HEADERS];
	const struct wire_message wire = wire_of(source, message, headers);
	if (!has_key(feed, source, &wire))
		return;
	source->read = known;
	if (source->checked.offset == OFFSET_NONE)
		source->checked = source->read;
	int64_t began_us = source->intake == NULL ? 0 : monotonic_clock_us();
	bool more = lane_feed(feed_lane(feed, source), source, &wire, source->read.fingerprint, appended_us(message));
	if (source->intake != NULL)
		note_mapping(feed, source->lane, began_us);
	if (!more)
		return;
	feed->held[source->lane] = (struct held_message){*message_io, source};
	*message_io = NULL;
}

/* Returns false if the message has still more. */
static bool feed_held(struct kafka_feed *feed, int index)
{
	struct held_message *held = &feed->held[index];
	struct lane *lane = feed->app->lanes[index];
	if (held->message == NULL)
		return true;
	if (lane_is_amid(lane)) {
		struct wire_header headers[MOST_HEADERS];
		const struct wire_message wire = wire_of(held->source, held->message, headers);
		int64_t began_us = monotonic_clock_us();
		bool more = lane_feed_more(lane, &wire);
		note_mapping(feed, index, began_us);
		if (more)
			return false;
	}
	rd_kafka_message_destroy(held->message);
	held->message = NULL;
	app_forget_old_mappings(feed->app);
	return true;
}

void feed_drop_held(struct kafka_feed *feed)
{
	for (int i = 0; i < feed->app->n_lanes; i++) {
		struct held_message *held = &feed->held[i];
		if (held->message == NULL)
			continue;
		if (lane_is_amid(feed->app->lanes[i]))
			lane_drop(feed->app->lanes[i], held->source);
		rd_kafka_message_destroy(held->message);
		held->message = NULL;
	}
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
	/* A message that is taken cannot be put back: with mappings, each is taken when there is time for it. */
	const size_t n_at_once = feed->app->mappings->n == 0 ? READ_MESSAGES : 1;
	const size_t most_reads = READS_PER_TURN * (READ_MESSAGES / n_at_once);
	for (size_t turn = 0; turn < most_reads; turn++) {
		if (feed->closing || wait_for_turn(feed, index) || !feed_held(feed, index))
			return; /* feed_on_mapping_turn() comes back here */
		if (!lane_has_room(lane))
			return; /* feed_on_wants_more() comes back here */
		size_t n = kafka_consumer_read(feed->consumer, index, messages, n_at_once);
		for (size_t i = 0; i < n; i++) {
			if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR)
				feed_message(feed, &messages[i]);
			else
				on_message_error(feed, messages[i]);
			if (messages[i] != NULL)
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
	/* By a timer: an event that is activated here runs before the loop looks at its sockets. A whole batch would be
	 * parsed while PostgreSQL waits for rows of the one before. */
	timer_start(feed->read_again[index], 0);
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

void feed_on_mapping_turn(evutil_socket_t fd, short what, void *context)
{
	struct kafka_feed *feed = context;
	struct mapping_turn *turn = &feed->mapping_turn;
	int n = feed->app->n_lanes, first = turn->last_lane + 1;
	(void)fd, (void)what;
	turn->spent_us = 0;
	for (int i = 0; i < n; i++) {
		int index = (first + i) % n;
		if (!turn->waits[index] && feed->held[index].message == NULL)
			continue;
		turn->waits[index] = false;
		read_in_turn(feed, index);
	}
}

void feed_on_readable(void *context, int lane)
{
	read_in_turn(context, lane);
}

void feed_on_wants_more(void *context, struct lane *lane)
{
	struct kafka_feed *feed = context;
	if (feed->read_again != NULL)
		timer_start(feed->read_again[lane_index(lane)], 0);
}
