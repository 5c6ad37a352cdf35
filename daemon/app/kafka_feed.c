#include "app/kafka_feed.h"

#include <endian.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/kafka/consumer.h"
#include "adapters/kafka/fingerprint.h"
#include "adapters/kafka/probe.h"
#include "adapters/kafka/reread.h"
#include "adapters/outbox/outbox.h"
#include "adapters/pg/rows.h"
#include "adapters/pg/standing.h"
#include "app/app.h"
#include "app/dispatch.h"
#include "app/exit_status.h"
#include "app/orphans.h"
#include "kpid/base/check.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	READ_MESSAGES = 256,  /* taken from a lane's queue at once */
	READS_PER_TURN = 16,  /* before the loop sees to others */
	MANY_MESSAGES = 1000, /* read without a pause: a backlog */
	POLL_MS = 100,        /* how often the group is served even if nothing wakes us */
	SEEN_US = 1000000,    /* how often ends of partitions are looked at, and partitions that stand */
	CHECK_US = 2000000,   /* how often it is looked whether logs are still what they were, of which more was read */
	CHECK_ALL_US = 10000000, /* and of all others: they may have been made anew with as many messages */
	GROUP_COMMIT_US = 5000000,
	STUCK_US = 10000000, /* of which nothing comes though there is more is taken anew, then after twice this, … */
	MOST_STUCK = 3,      /* so often, before the process ends */
	RECLAIM_US = 15000000, /* a partition that is fenced but still assigned is claimed again after this */
	RETRY_PROBE_MS = 500
};

enum probe_tag { PROBE_TOPICS, PROBE_ASSIGN, PROBE_SEEN, PROBE_GAPS, PROBE_STANDING, PROBE_ORPHANS };

struct kafka_feed {
	struct app *app;
	struct kafka_consumer *consumer;
	struct kafka_probe *probe;
	struct kafka_reread *reread;
	struct orphans orphans;
	struct outbox *outbox;
	struct dispatch *dispatch;
	struct receivers *receivers; /* until there is the dispatch, or a reload has come into force */
	struct event *poll_timer, *probe_retry;
	struct event **read_again; /* by lane */
	size_t *n_read;            /* by lane: messages since its queue was empty */
	/* The group waits for one answer at a time. */
	rd_kafka_topic_partition_list_t *assigning; /* to be claimed, looked at, and then taken; NULL */
	uint64_t turn;                              /* of taking them: what was asked for in an earlier one is void */
	bool claiming;                              /* a claim is under way: at most one */
	uint64_t claim_turn;                        /* for which */
	rd_kafka_topic_partition_list_t *revoking;  /* to be given up once no transaction has them; NULL */
	bool seeing;                                /* looking at ends is under way */
	size_t n_seen;                              /* partitions that it tells of */
	bool doubts;                                /* the database did not take it of all of them */
	bool checking;                              /* messages are being read again */
	int64_t seen_us, stood_us, checked_us, checked_all_us, group_commit_us; /* monotonic: when last */
	const rd_kafka_topic_t *last_topic; /* the source found last: messages come in runs */
	int32_t last_partition;
	struct source *last_source;
	bool closing;
};

/* ---- sources ---- */

static int lane_of(void *context, const char *topic, int32_t partition)
{
	const struct kafka_feed *feed = context;
	(void)topic;
	/* Topics that are keyed alike have a ticket in partitions of one number: those share a lane. */
	return (int)(partition % feed->app->n_lanes);
}

static struct source *source_of(struct kafka_feed *feed, const char *topic, int32_t partition)
{
	struct source *source = sources_get(&feed->app->sources, topic, partition);
	const struct config_topics *topics = &feed->app->config->topics;
	source->lane = lane_of(feed, topic, partition);
	source->topic_type = EVENT_TYPE_NONE;
	for (size_t i = 0; i < topics->n; i++)
		if (strcmp(topics->items[i].name, topic) == 0)
			source->topic_type = topics->items[i].only;
	return source;
}

static struct lane *lane_for(const struct kafka_feed *feed, const struct source *source)
{
	return feed->app->lanes[source->lane];
}

/* ---- gaps ---- */

static void look_at_gaps(struct kafka_feed *feed);

static void put_source_no(char bytes[4], int32_t source_no)
{
	uint32_t big_endian = htobe32((uint32_t)source_no);
	memcpy(bytes, &big_endian, sizeof(big_endian));
}

static void pause_source(struct kafka_feed *feed, struct source *source)
{
	source->paused = true;
	kafka_consumer_pause(feed->consumer, source->topic, source->partition, true);
}

/* Before it is assigned: what was fetched by then would be thrown away, and not be fetched again. */
static void resume_source(struct kafka_feed *feed, struct source *source)
{
	if (source->paused)
		kafka_consumer_pause(feed->consumer, source->topic, source->partition, false);
	source->paused = false;
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
	source->stopped = true;
	source->reading = false;
	pause_source(feed, source);
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

/* A partition that is read from its end on begins there once, not after every restart. */
static void begin_at_end(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	char source_no[4], number[2][8];
	put_source_no(source_no, source->source_no);
	struct pg_param params[3] = {
	        {source_no, 4, true},
	        pg_param_int8(source->epoch, number[0]),
	        pg_param_int8(answer->high_offset, number[1]),
	};
	pg_session_query(feed->app->control, "queries/source_begin.sql", params, 3, NULL, NULL);
	pg_session_sync(feed->app->control, NULL, NULL);
	source->next_offset = source->committed_offset = answer->high_offset;
}

/* Met while reading: what is there instead is not known yet. */
static void meet_gap(struct kafka_feed *feed, struct source *source, const char *reason)
{
	source->reading = false;
	source->gap_reason = reason;
	pause_source(feed, source);
	look_at_gaps(feed);
}

static void look_at_gaps(struct kafka_feed *feed)
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
static void on_gaps_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
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

/* Looks at what the brokers have of a claimed source. It is read from position_of() on, unless it stands: at a gap, or
 * until it can be looked at again. */
static void look_where_to_begin(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	int64_t next = source->next_offset;
	bool from_end = next == OFFSET_NONE && feed->app->config->run.start == START_LATEST;
	/* Where one begins that is read from its end on is written down at once, or a crash would move it. */
	if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || (from_end && !pg_session_is_ready(feed->app->control))) {
		source->stopped = true;
		return;
	}
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

/* Always a number: of "the end", librdkafka (2.0.2 to 2.9 at least) may get to know where that is after the partition
 * was told to begin elsewhere, and goes there all the same. */
static int64_t position_of(const struct source *source)
{
	if (source->next_offset == OFFSET_NONE)
		return source->low_offset;
	return source->verify_fingerprint ? source->next_offset - 1 : source->next_offset;
}

/* ---- messages ---- */

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
		meet_gap(feed, source, "the topic was made anew: other messages stand where ours were");
		return false;
	}
	return message->offset >= source->next_offset;
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

static void feed_message(struct kafka_feed *feed, const rd_kafka_message_t *message)
{
	enum { MOST_HEADERS = 256 };
	struct source *source = source_of_message(feed, message);
	source->waits_since_us = source->n_waits = 0;
	if (!source->reading || !check_offset(feed, source, message))
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
	source->read = (struct known_message){message->offset, kafka_fingerprint(message)};
	if (source->checked.offset == OFFSET_NONE)
		source->checked = source->read;
	lane_feed(lane_for(feed, source), source, &wire, source->read.fingerprint);
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
			meet_gap(feed, source,
			         "the topic was truncated or made anew: it ends before what was read "
			         "already");
		return;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (!source->reading)
			return;
		if (source->next_offset != OFFSET_NONE) {
			meet_gap(feed, source, "the next offset is not in the topic any more");
			return;
		}
		/* Nothing was read, so nothing is missed: it begins where the topic begins by now. */
		source->reading = false;
		source->stopped = true;
		pause_source(feed, source);
		return;
	default:
		log_warning("%s/%d: %s", source->topic, (int)source->partition, rd_kafka_message_errstr(message));
		return;
	}
}

/* By what the last fetch has shown; a source that nothing was fetched of yet has none. */
static bool has_backlog(const struct kafka_feed *feed, const struct source *source)
{
	int64_t low, high;
	return source->reading &&
	       rd_kafka_get_watermark_offsets(kafka_consumer_handle(feed->consumer), source->topic, source->partition,
	                                      &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
	       high > 0 && high > source->next_offset && high > source->end_offset;
}

/* Its messages may be in the lane's queue behind others, which has not been seen empty. */
static bool waits_its_turn(const struct kafka_feed *feed, const struct source *source)
{
	return feed->n_read[source->lane] > 0 && has_backlog(feed, source);
}

/* The lane's queue held much, and is empty now: it may have been full. */
static void fetch_again(struct kafka_feed *feed, int index)
{
	struct kafka_probe_list list = {.n = 0};
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->lane == index && has_backlog(feed, source))
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

struct read_again_context {
	struct kafka_feed *feed;
	int lane;
};

static void on_read_again(evutil_socket_t fd, short what, void *context)
{
	struct read_again_context *again = context;
	(void)fd, (void)what;
	read_lane(again->feed, again->lane);
}

static void on_readable(void *context, int lane)
{
	read_lane(context, lane);
}

static void on_wants_more(void *context, struct lane *lane)
{
	struct kafka_feed *feed = context;
	if (feed->read_again != NULL)
		event_active(feed->read_again[lane_index(lane)], EV_TIMEOUT, 0);
}

/* ---- taking partitions: make all of them known, claim ours, look where they end, assign ---- */

static void finish_assignment(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		rd_kafka_topic_partition_t *p =
		        rd_kafka_topic_partition_list_find(feed->assigning, answer->topic, answer->partition);
		if (p == NULL)
			continue;
		struct source *source = source_of(feed, answer->topic, answer->partition);
		KPID_CHECK(source->source_no > 0 && source->epoch > 0); /* claimed, and by us */
		source->assigned = true;
		if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR)
			log_warning("%s/%d is not read until it is known where it ends: %s", source->topic,
			            (int)source->partition, rd_kafka_err2str(answer->error));
		if (!source->stopped)
			look_where_to_begin(feed, source, answer);
		p->offset = position_of(source);
		source->reading = !source->stopped;
		if (source->reading)
			resume_source(feed, source);
	}
	for (int i = 0; i < feed->assigning->cnt; i++)
		KPID_CHECK(feed->assigning->elems[i].offset >= 0);
	kafka_consumer_assign(feed->consumer, feed->assigning, lane_of, feed);
	for (int i = 0; i < feed->assigning->cnt; i++) {
		struct source *source =
		        source_of(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition);
		if (source->stopped)
			pause_source(feed, source);
	}
	if (feed->assigning->cnt > 0)
		log_info("%d partitions taken", feed->assigning->cnt);
	rd_kafka_topic_partition_list_destroy(feed->assigning);
	feed->assigning = NULL;
	for (int i = 0; i < feed->app->n_lanes; i++)
		on_wants_more(feed, feed->app->lanes[i]);
}

static void look_at_assignment(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_ASSIGN, .turn = feed->turn};
	for (int i = 0; i < feed->assigning->cnt; i++)
		kafka_probe_add(&list, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition);
	kafka_probe_ask(feed->probe, &list);
}

static void look_at_topics(struct kafka_feed *feed);

static void on_freed_end(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	(void)result;
	if (feed->assigning != NULL && !feed->claiming)
		look_at_topics(feed);
}

/* A claim waits for the former owner's transaction, which may be of a process that was stopped. */
static void free_partitions(struct kafka_feed *feed)
{
	pg_end_standing(feed->app->control);
	pg_session_sync(feed->app->control, on_freed_end, feed);
}

static void on_assign_claimed(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
		return; /* they could not be made known: on_introduced() has seen to it */
	feed->claiming = false;
	if (!pg_result_ok(result)) {
		log_warning("claiming partitions: %s; trying again",
		            PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
		free_partitions(feed);
		return;
	}
	if (feed->assigning == NULL)
		return; /* taken away again meanwhile */
	if (feed->claim_turn != feed->turn) {
		look_at_topics(feed); /* others are to be taken by now, or the same once more */
		return;
	}
	for (int row = 0; row < PQntuples(result); row++)
		app_claimed(feed->app, result, row);
	look_at_assignment(feed);
}

static void claim_assignment(struct kafka_feed *feed)
{
	if (feed->assigning == NULL || feed->claiming)
		return;
	struct source **sources = mem_alloc((size_t)(feed->assigning->cnt + 1) * sizeof(struct source *));
	for (int i = 0; i < feed->assigning->cnt; i++)
		sources[i] = source_of(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition);
	feed->claiming = app_claim(feed->app, sources, (size_t)feed->assigning->cnt, on_assign_claimed, feed);
	feed->claim_turn = feed->turn;
	free(sources);
}

static void on_introduced(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (pg_result_ok(result))
		return;
	log_warning("making partitions known: %s; trying again", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	feed->claiming = false; /* that was passed over */
	free_partitions(feed);
}

/* All partitions of the topics get a row before any deadline may fire: one that nobody has read yet holds
 * deadlines back. In the transaction of the claim that is sent next. */
static void introduce(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	struct pg_array topics = {.n = 0}, partitions = {.n = 0};
	if (!pg_session_is_ready(feed->app->control))
		return;
	pg_array_start(&topics, PG_OID_TEXT);
	pg_array_start(&partitions, PG_OID_INT4);
	for (size_t i = 0; i < answers->n; i++) {
		for (int32_t p = 0; p < answers->items[i].n_partitions; p++) {
			pg_array_text(&topics, text_of(answers->items[i].topic));
			pg_array_int4(&partitions, p);
		}
	}
	struct pg_param params[2] = {pg_array_param(&topics), pg_array_param(&partitions)};
	pg_session_query(feed->app->control, "queries/source_introduce.sql", params, 2, on_introduced, feed);
	pg_array_release(&topics);
	pg_array_release(&partitions);
}

/* Begins to take what is to be taken, or begins again. */
static void look_at_topics(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_TOPICS, .turn = ++feed->turn};
	const struct config_topics *topics = &feed->app->config->topics;
	for (size_t i = 0; i < topics->n; i++)
		kafka_probe_add(&list, topics->items[i].name, KAFKA_PROBE_TOPIC);
	kafka_probe_ask(feed->probe, &list);
}

static bool is_passing(rd_kafka_resp_err_t error)
{
	return error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__TRANSPORT ||
	       error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

/* True, and asked again later, when a broker did not answer. */
static bool ask_again_later(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	static const struct timeval pause = {0, RETRY_PROBE_MS * 1000};
	for (size_t i = 0; i < answers->n; i++) {
		if (is_passing(answers->items[i].error)) {
			evtimer_add(feed->probe_retry, &pause);
			return true;
		}
	}
	return false;
}

static void on_topics_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (feed->assigning == NULL || answers->turn != feed->turn)
		return;
	if (feed->claiming || ask_again_later(feed, answers))
		return; /* the answer to the claim begins again */
	introduce(feed, answers);
	claim_assignment(feed);
}

static void on_assigned(void *context, const rd_kafka_topic_partition_list_t *partitions)
{
	struct kafka_feed *feed = context;
	feed->last_topic = NULL;
	if (feed->assigning != NULL)
		rd_kafka_topic_partition_list_destroy(feed->assigning);
	feed->assigning = rd_kafka_topic_partition_list_copy(partitions);
	if (partitions->cnt == 0 || feed->closing) {
		kafka_consumer_assign(feed->consumer, feed->assigning, lane_of, feed);
		rd_kafka_topic_partition_list_destroy(feed->assigning);
		feed->assigning = NULL;
		return;
	}
	look_at_topics(feed);
}

static void on_assignment_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (feed->assigning != NULL && answers->turn == feed->turn && !ask_again_later(feed, answers))
		finish_assignment(feed, answers);
}

static void on_probe_retry(evutil_socket_t fd, short what, void *context)
{
	struct kafka_feed *feed = context;
	(void)fd, (void)what;
	if (feed->assigning != NULL && !feed->claiming)
		look_at_topics(feed);
}

/* ---- giving partitions up ---- */

static void commit_to_group(struct kafka_feed *feed);

/* As soon as no transaction has any of them. */
static void finish_revocation(struct kafka_feed *feed)
{
	if (feed->revoking == NULL)
		return;
	for (int i = 0; i < feed->revoking->cnt; i++) {
		struct source *source =
		        source_of(feed, feed->revoking->elems[i].topic, feed->revoking->elems[i].partition);
		if (lane_is_writing(lane_for(feed, source), source))
			return;
	}
	commit_to_group(feed);
	if (feed->revoking->cnt > 0)
		log_info("%d partitions given up", feed->revoking->cnt);
	kafka_consumer_unassign(feed->consumer, feed->revoking);
	rd_kafka_topic_partition_list_destroy(feed->revoking);
	feed->revoking = NULL;
}

static void on_revoked(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
	struct kafka_feed *feed = context;
	feed->last_topic = NULL;
	if (feed->assigning != NULL) {
		rd_kafka_topic_partition_list_destroy(feed->assigning);
		feed->assigning = NULL;
	}
	if (feed->revoking != NULL)
		rd_kafka_topic_partition_list_destroy(feed->revoking);
	feed->revoking = rd_kafka_topic_partition_list_copy(partitions);
	for (int i = 0; i < partitions->cnt; i++) {
		struct source *source = source_of(feed, partitions->elems[i].topic, partitions->elems[i].partition);
		source->assigned = source->reading = false;
		source->gap_reason = NULL; /* its next owner will meet it */
		lane_drop(lane_for(feed, source), source);
	}
	if (lost) {
		log_warning("membership in the consumer group was lost; joining again");
		kafka_consumer_unassign(feed->consumer, feed->revoking);
		rd_kafka_topic_partition_list_destroy(feed->revoking);
		feed->revoking = NULL;
		return;
	}
	finish_revocation(feed);
}

/* ---- completeness: where partitions end ---- */

/* Nothing of it is read and not committed, and its end is where we are. */
static bool is_at_end(const struct source *source, const struct kafka_probe_item *answer)
{
	if (source->next_offset != source->committed_offset)
		return false;
	if (answer->high_offset == source->end_offset || answer->high_offset == answer->low_offset)
		return true;
	return source->next_offset != OFFSET_NONE && answer->high_offset <= source->next_offset;
}

static void on_owners(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		struct source *source = sources_find_no(&feed->app->sources, pg_get_int4(result, row, 0));
		if (source != NULL && source->reading && pg_get_int8(result, row, 1) != source->epoch)
			lane_fence(lane_for(feed, source), source);
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
	if (!pg_result_ok(result))
		log_warning("noting the ends of partitions: %s", PQresultErrorMessage(result));
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

static void take_anew(struct kafka_feed *feed, struct source *source);

/* Since it was taken nothing has come of it, not even that it is at its end. */
static void look_whether_it_comes(struct kafka_feed *feed, struct source *source, const struct kafka_probe_item *answer)
{
	int64_t now_us = monotonic_clock_us();
	int64_t next = source->next_offset == OFFSET_NONE ? answer->low_offset : source->next_offset;
	bool waits = answer->high_offset > next && source->end_offset == OFFSET_NONE &&
	             feed->n_read[source->lane] == 0 && lane_has_room(lane_for(feed, source));
	if (!waits)
		source->waits_since_us = 0;
	else if (source->waits_since_us == 0)
		source->waits_since_us = now_us;
	else if (now_us - source->waits_since_us > (int64_t)STUCK_US << source->n_waits)
		take_anew(feed, source);
}

static void on_ends_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	enum { N_PARAMS = 6 };
	struct pg_array arrays[N_PARAMS] = {{.n = 0}};
	struct pg_param params[N_PARAMS];
	if (!pg_session_is_ready(feed->app->control)) {
		feed->seeing = false;
		return;
	}
	for (int i = 0; i < N_PARAMS; i++)
		pg_array_start(&arrays[i], i == 0   ? PG_OID_INT4
		                           : i == 3 ? PG_OID_TIMESTAMPTZ
		                           : i == 5 ? PG_OID_BOOL
		                                    : PG_OID_INT8);
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = source_of(feed, answer->topic, answer->partition);
		if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || !source->reading || source->verify_fingerprint)
			continue;
		bool at_end = is_at_end(source, answer);
		look_whether_it_comes(feed, source, answer);
		kafka_consumer_heard(feed->consumer);
		source->high_offset = answer->high_offset;
		pg_array_int4(&arrays[0], source->source_no);
		pg_array_int8(&arrays[1], source->epoch, false);
		pg_array_int8(&arrays[2], source->committed_offset, source->committed_offset == OFFSET_NONE);
		pg_array_time(&arrays[3], at_end ? answer->asked_us : TIME_NONE);
		pg_array_int8(&arrays[4], answer->high_offset, false);
		pg_array_bool(&arrays[5], at_end || waits_its_turn(feed, source));
	}
	for (int i = 0; i < N_PARAMS; i++)
		params[i] = pg_array_param(&arrays[i]);
	feed->n_seen = arrays[0].n;
	feed->doubts = false;
	pg_session_query(feed->app->control, "queries/source_seen.sql", params, N_PARAMS, on_seen, feed);
	pg_session_sync(feed->app->control, on_seen_end, feed);
	for (int i = 0; i < N_PARAMS; i++)
		pg_array_release(&arrays[i]);
}

static void look_at_ends(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_SEEN};
	if (feed->seeing || feed->closing || !pg_session_is_ready(feed->app->control))
		return;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->reading)
			kafka_probe_add(&list, source->topic, source->partition);
	}
	feed->seen_us = monotonic_clock_us();
	if (list.n == 0)
		return;
	feed->seeing = true;
	kafka_probe_ask(feed->probe, &list);
}

static void ask_about_orphans(void *context, struct kafka_probe_list *list)
{
	struct kafka_feed *feed = context;
	list->tag = PROBE_ORPHANS;
	kafka_probe_ask(feed->probe, list);
}

static void on_orphans_seen(void *context)
{
	const struct kafka_feed *feed = context;
	if (!watch_is_quiet(feed->app->watch))
		watch_tick(feed->app->watch);
}

/* Nothing gets complete while messages wait to be read, and no more often than once a tick. */
static void on_needs_completeness(void *context, int64_t deadline_us)
{
	struct kafka_feed *feed = context;
	if (!feed->closing && feed->probe != NULL)
		orphans_look(&feed->orphans, deadline_us);
	if (monotonic_clock_us() - feed->seen_us < feed->app->config->sla.tick_us)
		return;
	for (size_t i = 0; i < feed->app->sources.n; i++)
		if (has_backlog(feed, feed->app->sources.items[i]))
			return;
	look_at_ends(feed);
}

static void on_standing_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers);

static void on_probed(void *context, const struct kafka_probe_list *answers)
{
	if (answers->tag == PROBE_TOPICS)
		on_topics_probed(context, answers);
	else if (answers->tag == PROBE_ASSIGN)
		on_assignment_probed(context, answers);
	else if (answers->tag == PROBE_GAPS)
		on_gaps_probed(context, answers);
	else if (answers->tag == PROBE_STANDING)
		on_standing_probed(context, answers);
	else if (answers->tag == PROBE_ORPHANS)
		orphans_probed(&((struct kafka_feed *)context)->orphans, answers);
	else
		on_ends_probed(context, answers);
}

/* ---- partitions that stand: accepted gaps, fences that nobody explains ---- */

static void go_on(struct kafka_feed *feed, struct source *source)
{
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(16);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *other = feed->app->sources.items[i];
		if (other->assigned)
			rd_kafka_topic_partition_list_add(all, other->topic, other->partition)->offset =
			        position_of(other);
	}
	resume_source(feed, source);
	kafka_consumer_begin_anew(feed->consumer, all, source->topic, source->partition, lane_of, feed);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *other = feed->app->sources.items[i];
		if (other->assigned && !other->reading)
			pause_source(feed, other);
	}
	rd_kafka_topic_partition_list_destroy(all);
	log_info("%s/%d goes on at offset %" PRId64, source->topic, (int)source->partition, source->next_offset);
}

static bool is_rebalancing(const struct kafka_feed *feed)
{
	return feed->assigning != NULL || feed->revoking != NULL || feed->closing;
}

static void on_fatal(void *context, const char *reason);

/* Of topics that were made anew while partitions were taken, librdkafka 2.0.2 was seen to fetch nothing any more. */
static void take_anew(struct kafka_feed *feed, struct source *source)
{
	char why[320];
	if (is_rebalancing(feed))
		return;
	source->waits_since_us = 0;
	snprintf(why, sizeof(why), "nothing has come of %s/%d for %d s, though there is more", source->topic,
	         (int)source->partition, (STUCK_US / 1000000) << source->n_waits);
	if (++source->n_waits > MOST_STUCK) {
		on_fatal(feed, why);
		return;
	}
	log_warning("%s; taking it anew", why);
	source->paused = true; /* whatever it is */
	go_on(feed, source);
}

/* What is there may be another log by now, and that a gap was met may never have been written down. */
static void on_standing_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		struct source *source = source_of(feed, answer->topic, answer->partition);
		if (!source->assigned || source->reading || source->stopped || source->fenced)
			continue;
		if (answers->turn != feed->turn || is_rebalancing(feed)) {
			source->stopped = true; /* looked at again */
			continue;
		}
		look_where_to_begin(feed, source, answer);
		if (source->stopped)
			continue;
		source->reading = true;
		go_on(feed, source);
	}
}

static void forget_reclaims(struct kafka_feed *feed)
{
	for (size_t i = 0; i < feed->app->sources.n; i++)
		feed->app->sources.items[i]->reclaiming = false;
}

static void on_reclaimed(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	struct kafka_probe_list list = {.tag = PROBE_STANDING, .turn = feed->turn};
	forget_reclaims(feed);
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++) {
		const struct source *source = app_claimed(feed->app, result, row);
		if (source->assigned && !source->reading && !source->stopped)
			kafka_probe_add(&list, source->topic, source->partition);
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
		if (runs && !is_rebalancing(feed))
			source->reclaiming = app_claim(feed->app, &source, 1, on_reclaimed, feed);
	}
}

static void look_at_standing(struct kafka_feed *feed)
{
	struct pg_array numbers = {.n = 0};
	int64_t now_us = monotonic_clock_us();
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		bool fenced_long = source->fenced && now_us - source->fenced_us > RECLAIM_US;
		/* What was read before it stood is written first. */
		if (source->assigned && !source->reading && (source->stopped || fenced_long) &&
		    !lane_holds(lane_for(feed, source), source))
			pg_array_int4(&numbers, source->source_no);
	}
	if (numbers.n > 0 && pg_session_is_ready(feed->app->control)) {
		struct pg_param param = pg_array_param(&numbers);
		pg_session_query(feed->app->control, "queries/source_verify.sql", &param, 1, on_standing, feed);
		pg_session_sync(feed->app->control, NULL, NULL);
	}
	pg_array_release(&numbers);
}

/* ---- topics that are made anew while they are read ---- */

/* Of a topic that was made anew, no message is in its place. As long as one of before is, the log is the same, and so
 * is what was read of it by the time that this was asked. */
static void on_read_again_done(void *context, const struct kafka_reread_list *answers)
{
	struct kafka_feed *feed = context;
	feed->checking = false;
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_reread_item *answer = &answers->items[i];
		struct source *source = sources_get(&feed->app->sources, answer->topic, answer->partition);
		struct known_message asked = source->asked;
		source->asked.offset = OFFSET_NONE;
		if (asked.offset == OFFSET_NONE || !source->reading || answer->state == REREAD_UNKNOWN)
			continue; /* claimed anew meanwhile; or to be asked again */
		bool other = answer->state == REREAD_FOUND && answer->fingerprint != source->checked.fingerprint;
		if (other || answer->state == REREAD_NOT_THERE)
			meet_gap(
			        feed, source,
			        "the topic was truncated or made anew while it was read: what stood there is not there "
			        "any more");
		else
			source->checked = asked;
	}
}

static void check_logs(struct kafka_feed *feed)
{
	struct kafka_reread_list list = {.n = 0};
	int64_t now_us = monotonic_clock_us();
	bool all = now_us - feed->checked_all_us > CHECK_ALL_US;
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		struct source *source = feed->app->sources.items[i];
		bool read_more = source->read.offset != source->checked.offset;
		if (!source->reading || source->verify_fingerprint || source->checked.offset == OFFSET_NONE ||
		    !(all || read_more))
			continue;
		source->asked = source->read;
		kafka_reread_add(&list, source->topic, source->partition, source->checked.offset);
	}
	feed->checked_us = now_us;
	feed->checked_all_us = all ? now_us : feed->checked_all_us;
	feed->checking = list.n > 0;
	if (feed->checking)
		kafka_reread_ask(feed->reread, &list);
}

/* ---- regularly ---- */

/* A partition that was taken anew may have been stopped by librdkafka only after its queue had been led to its lane,
 * which undoes that. What has come meanwhile is not lost. */
static void lead_to_lanes(struct kafka_feed *feed)
{
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->reading)
			kafka_consumer_lead(feed->consumer, source->topic, source->partition, source->lane);
	}
}

static void commit_to_group(struct kafka_feed *feed)
{
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(16);
	for (size_t i = 0; i < feed->app->sources.n; i++) {
		const struct source *source = feed->app->sources.items[i];
		if (source->assigned && !source->fenced && source->committed_offset != OFFSET_NONE)
			rd_kafka_topic_partition_list_add(offsets, source->topic, source->partition)->offset =
			        source->committed_offset;
	}
	kafka_consumer_commit(feed->consumer, offsets);
	rd_kafka_topic_partition_list_destroy(offsets);
	feed->group_commit_us = monotonic_clock_us();
}

static void check_closed(struct kafka_feed *feed)
{
	if (feed->closing && app_is_idle(feed->app) && feed->revoking == NULL)
		kafka_consumer_close(feed->consumer);
	if (feed->closing && kafka_consumer_is_closed(feed->consumer))
		app_quit(feed->app, 0);
}

static void on_poll_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval pause = {0, POLL_MS * 1000};
	struct kafka_feed *feed = context;
	int64_t now_us = monotonic_clock_us();
	(void)fd, (void)what;
	evtimer_add(feed->poll_timer, &pause);
	kafka_consumer_poll(feed->consumer);
	finish_revocation(feed);
	if (now_us - feed->seen_us > SEEN_US)
		look_at_ends(feed);
	/* By a time of its own: ends are looked at more often while a deadline waits, perhaps for what stands here. */
	if (now_us - feed->stood_us > SEEN_US) {
		feed->stood_us = now_us;
		look_at_gaps(feed);
		look_at_standing(feed);
		lead_to_lanes(feed);
	}
	if (now_us - feed->checked_us > CHECK_US && !feed->checking)
		check_logs(feed);
	if (now_us - feed->group_commit_us > GROUP_COMMIT_US)
		commit_to_group(feed);
	check_closed(feed);
}

static void on_committed(void *context, struct lane *lane)
{
	(void)context, (void)lane;
}

static void on_idle(void *context, struct lane *lane)
{
	struct kafka_feed *feed = context;
	(void)lane;
	finish_revocation(feed);
	check_closed(feed);
}

static void on_fatal(void *context, const char *reason)
{
	struct kafka_feed *feed = context;
	log_error("librdkafka cannot go on: %s", reason);
	app_quit(feed->app, KPID_EXIT_NO_KAFKA);
}

/* ---- life ---- */

static void on_begin(void *context)
{
	struct kafka_feed *feed = context;
	struct app *app = feed->app;
	const struct kafka_consumer_events events = {on_assigned, on_revoked, on_readable, on_fatal, feed};
	feed->consumer = kafka_consumer_new(app->base, app->config, app->n_lanes, &events);
	if (feed->consumer == NULL) {
		app_quit(app, KPID_EXIT_CONFIG);
		return;
	}
	feed->probe =
	        kafka_probe_new(app->base, &app->config->kafka, kafka_consumer_handle(feed->consumer), on_probed, feed);
	feed->reread = kafka_reread_new(app->base, app->config, on_read_again_done, feed);
	if (feed->probe == NULL || feed->reread == NULL) {
		app_quit(app, KPID_EXIT_CONFIG);
		return;
	}
	if (app->config->alert.topic != NULL) {
		feed->outbox = outbox_new(app->base, app->config);
		if (feed->outbox == NULL) {
			app_quit(app, KPID_EXIT_CONFIG);
			return;
		}
		outbox_start(feed->outbox);
	}
	feed->dispatch = dispatch_new(app->base, app->config, feed->receivers);
	feed->receivers = NULL; /* they are the dispatch's */
	dispatch_start(feed->dispatch);
	on_poll_timer(-1, 0, feed);
	log_info("kpid %s is running as %s, %d lanes", KPID_VERSION, app->config->run.instance, app->n_lanes);
}

static bool on_prepare_reload(void *context, const struct kpid_config *next)
{
	struct kafka_feed *feed = context;
	struct config_faults faults = CONFIG_FAULTS_INIT;
	receivers_free(feed->receivers);
	feed->receivers = receivers_load(next->alert.receivers_file, &faults);
	config_faults_log(&faults);
	config_faults_release(&faults);
	return feed->receivers != NULL;
}

/* What was being told is told again, under its id, to those that are still there. */
static void on_reloaded(void *context)
{
	struct kafka_feed *feed = context;
	if (receivers_same(feed->receivers, dispatch_receivers(feed->dispatch))) {
		receivers_free(feed->receivers);
	} else {
		dispatch_free(feed->dispatch);
		feed->dispatch = dispatch_new(feed->app->base, feed->app->config, feed->receivers);
		dispatch_start(feed->dispatch);
	}
	feed->receivers = NULL;
}

static void on_ready_again(void *context)
{
	struct kafka_feed *feed = context;
	feed->claiming = feed->seeing = false;
	forget_reclaims(feed);
	orphans_forget(&feed->orphans);
	if (feed->assigning != NULL)
		look_at_topics(feed);
}

static void on_stop(void *context)
{
	struct kafka_feed *feed = context;
	feed->closing = true;
	app_flush(feed->app);
	check_closed(feed);
}

static void release(struct kafka_feed *feed, struct read_again_context *again)
{
	kafka_probe_free(feed->probe);
	kafka_reread_free(feed->reread);
	orphans_release(&feed->orphans);
	outbox_free(feed->outbox);
	dispatch_free(feed->dispatch);
	receivers_free(feed->receivers);
	kafka_consumer_free(feed->consumer);
	for (int i = 0; i < feed->app->n_lanes; i++)
		event_free(feed->read_again[i]);
	free(feed->read_again);
	free(feed->n_read);
	free(again);
	event_free(feed->poll_timer);
	event_free(feed->probe_retry);
	if (feed->assigning != NULL)
		rd_kafka_topic_partition_list_destroy(feed->assigning);
	if (feed->revoking != NULL)
		rd_kafka_topic_partition_list_destroy(feed->revoking);
	app_free(feed->app);
}

int kafka_feed_run(struct kpid_config *config, struct receivers *receivers, const char *path, const char *const *sets,
                   size_t n_sets)
{
	struct kafka_feed feed = {.app = NULL, .receivers = receivers};
	const struct app_feeder feeder = {
	        .begin = on_begin,
	        .ready_again = on_ready_again,
	        .wants_more = on_wants_more,
	        .committed = on_committed,
	        .idle = on_idle,
	        .needs_completeness = on_needs_completeness,
	        .prepare_reload = on_prepare_reload,
	        .reloaded = on_reloaded,
	        .stop = on_stop,
	        .context = &feed,
	};
	int n_lanes = (int)config->run.lanes;
	feed.app = app_new(config, n_lanes, &feeder);
	if (feed.app == NULL) {
		receivers_free(receivers);
		return KPID_EXIT_CONFIG;
	}
	feed.app->config_path = path;
	feed.app->config_sets = sets;
	feed.app->n_config_sets = n_sets;
	feed.orphans = (struct orphans){
	        .session = feed.app->control,
	        .instance = feed.app->config->run.instance,
	        .ask = ask_about_orphans,
	        .done = on_orphans_seen,
	        .context = &feed,
	};
	feed.poll_timer = evtimer_new(feed.app->base, on_poll_timer, &feed);
	feed.probe_retry = evtimer_new(feed.app->base, on_probe_retry, &feed);
	feed.read_again = mem_zalloc((size_t)n_lanes * sizeof(struct event *));
	feed.n_read = mem_zalloc((size_t)n_lanes * sizeof(size_t));
	struct read_again_context *again = mem_zalloc((size_t)n_lanes * sizeof(*again));
	for (int i = 0; i < n_lanes; i++) {
		again[i] = (struct read_again_context){&feed, i};
		feed.read_again[i] = event_new(feed.app->base, -1, 0, on_read_again, &again[i]);
	}
	int status = app_run(feed.app);
	release(&feed, again);
	log_info("stopped");
	return status;
}
