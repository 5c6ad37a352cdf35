#include <event2/event.h>
#include <stdlib.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/standing.h"
#include "app/kafka/feed.h"
#include "kpid/base/check.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { RETRY_PROBE_MS = 500, RETRY_CLAIM_MS = 200 };

bool feed_is_rebalancing(const struct kafka_feed *feed)
{
	return feed->assigning != NULL || feed->revoking != NULL || feed->closing;
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
		struct source *source = feed_source(feed, answer->topic, answer->partition);
		KPID_CHECK(source->source_no > 0 && source->epoch > 0); /* claimed, and by us */
		source->assigned = true;
		if (answer->error != RD_KAFKA_RESP_ERR_NO_ERROR)
			log_warning("%s/%d is not read until it is known where it ends: %s", source->topic,
			            (int)source->partition, rd_kafka_err2str(answer->error));
		if (!source->stopped)
			feed_look_where_to_begin(feed, source, answer);
		p->offset = feed_position(source);
		source->reading = !source->stopped;
		if (source->reading)
			feed_resume(feed, source);
	}
	for (int i = 0; i < feed->assigning->cnt; i++)
		KPID_CHECK(feed->assigning->elems[i].offset >= 0);
	kafka_consumer_assign(feed->consumer, feed->assigning, feed_lane_of, feed);
	for (int i = 0; i < feed->assigning->cnt; i++) {
		struct source *source =
		        feed_source(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition);
		if (source->stopped)
			feed_pause(feed, source);
	}
	if (feed->assigning->cnt > 0)
		log_info("%d partitions taken", feed->assigning->cnt);
	rd_kafka_topic_partition_list_destroy(feed->assigning);
	feed->assigning = NULL;
	for (int i = 0; i < feed->app->n_lanes; i++)
		feed_on_wants_more(feed, feed->app->lanes[i]);
}

static void look_at_assignment(struct kafka_feed *feed)
{
	struct kafka_probe_list list = {.tag = PROBE_ASSIGN, .turn = feed->turn};
	for (int i = 0; i < feed->assigning->cnt; i++)
		feed_ask_where_to_begin(
		        feed, &list,
		        feed_source(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition));
	kafka_probe_ask(feed->probe, &list);
}

static void on_freed_end(void *context, PGresult *result)
{
	static const struct timeval pause = {0, RETRY_CLAIM_MS * 1000};
	struct kafka_feed *feed = context;
	(void)result;
	if (feed->assigning != NULL && !feed->claiming)
		evtimer_add(feed->probe_retry, &pause);
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
		free_partitions(feed);
		return;
	}
	if (feed->assigning == NULL)
		return; /* taken away again meanwhile */
	if (feed->claim_turn != feed->turn) {
		feed_look_at_topics(feed); /* others are to be taken by now, or the same once more */
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
		sources[i] = feed_source(feed, feed->assigning->elems[i].topic, feed->assigning->elems[i].partition);
	feed->claiming = app_claim(feed->app, sources, (size_t)feed->assigning->cnt, on_assign_claimed, feed);
	feed->claim_turn = feed->turn;
	free(sources);
}

static void on_introduced(void *context, PGresult *result)
{
	struct kafka_feed *feed = context;
	if (pg_result_ok(result))
		return;
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

void feed_look_at_topics(struct kafka_feed *feed)
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

void feed_on_topics_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (feed->assigning == NULL || answers->turn != feed->turn)
		return;
	if (feed->claiming || ask_again_later(feed, answers))
		return; /* the answer to the claim begins again */
	introduce(feed, answers);
	claim_assignment(feed);
}

void feed_on_assigned(void *context, const rd_kafka_topic_partition_list_t *partitions)
{
	struct kafka_feed *feed = context;
	feed->last_topic = NULL;
	if (feed->assigning != NULL)
		rd_kafka_topic_partition_list_destroy(feed->assigning);
	feed->assigning = rd_kafka_topic_partition_list_copy(partitions);
	if (partitions->cnt == 0 || feed->closing) {
		kafka_consumer_assign(feed->consumer, feed->assigning, feed_lane_of, feed);
		rd_kafka_topic_partition_list_destroy(feed->assigning);
		feed->assigning = NULL;
		return;
	}
	feed_look_at_topics(feed);
}

void feed_on_assignment_probed(struct kafka_feed *feed, const struct kafka_probe_list *answers)
{
	if (feed->assigning != NULL && answers->turn == feed->turn && !ask_again_later(feed, answers))
		finish_assignment(feed, answers);
}

void feed_on_probe_retry(evutil_socket_t fd, short what, void *context)
{
	struct kafka_feed *feed = context;
	(void)fd, (void)what;
	if (feed->assigning != NULL && !feed->claiming)
		feed_look_at_topics(feed);
}

/* ---- giving partitions up ---- */

void feed_finish_revocation(struct kafka_feed *feed)
{
	if (feed->revoking == NULL)
		return;
	for (int i = 0; i < feed->revoking->cnt; i++) {
		struct source *source =
		        feed_source(feed, feed->revoking->elems[i].topic, feed->revoking->elems[i].partition);
		if (lane_is_writing(feed_lane(feed, source), source))
			return;
	}
	feed_commit_to_group(feed);
	if (feed->revoking->cnt > 0)
		log_info("%d partitions given up", feed->revoking->cnt);
	kafka_consumer_unassign(feed->consumer, feed->revoking);
	rd_kafka_topic_partition_list_destroy(feed->revoking);
	feed->revoking = NULL;
}

void feed_on_revoked(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost)
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
		struct source *source = feed_source(feed, partitions->elems[i].topic, partitions->elems[i].partition);
		source->assigned = source->reading = false;
		source->gap_reason = NULL; /* its next owner will meet it */
		lane_drop(feed_lane(feed, source), source);
	}
	if (lost) {
		log_warning("membership in the consumer group was lost; joining again");
		kafka_consumer_unassign(feed->consumer, feed->revoking);
		rd_kafka_topic_partition_list_destroy(feed->revoking);
		feed->revoking = NULL;
		return;
	}
	feed_finish_revocation(feed);
}
