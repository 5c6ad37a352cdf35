#include "adapters/kafka/offsets_query.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/kafka/topic_metadata.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"

enum { NO_LEADER = -1, ANSWERED = -2 };

struct topic_leaders {
	char *topic;
	int32_t *leaders; /* ids of brokers by partition, or NO_LEADER */
	int32_t n_partitions;
	bool is_stale;    /* a leader did not answer, or there is none */
	uint64_t n_query; /* the query for which leaders were last asked for */
};

struct kafka_offsets {
	rd_kafka_t *rk;
	uint64_t n_query;
	bool no_metadata; /* in this query no broker has answered a question for leaders: no other topic's will be */
	struct topic_leaders *topics;
	size_t n_topics, capacity;
	/* Brokers that did not answer last time: they are asked last. */
	int32_t *silent;
	size_t n_silent, silent_capacity;
};

struct kafka_offsets *kafka_offsets_new(rd_kafka_t *rk)
{
	struct kafka_offsets *offsets = mem_zalloc(sizeof(*offsets));
	offsets->rk = rk;
	return offsets;
}

void kafka_offsets_free(struct kafka_offsets *offsets)
{
	if (offsets == NULL)
		return;
	for (size_t i = 0; i < offsets->n_topics; i++) {
		free(offsets->topics[i].topic);
		free(offsets->topics[i].leaders);
	}
	free(offsets->topics);
	free(offsets->silent);
	free(offsets);
}

/* ---- leaders ---- */

static struct topic_leaders *leaders_of(struct kafka_offsets *offsets, const char *topic)
{
	for (size_t i = 0; i < offsets->n_topics; i++)
		if (strcmp(offsets->topics[i].topic, topic) == 0)
			return &offsets->topics[i];
	offsets->topics =
	        mem_grow(offsets->topics, &offsets->capacity, offsets->n_topics + 1, sizeof(*offsets->topics));
	struct topic_leaders *found = &offsets->topics[offsets->n_topics++];
	*found = (struct topic_leaders){.topic = mem_strdup(topic), .is_stale = true};
	return found;
}

static void take_leaders(struct topic_leaders *topic, const rd_kafka_metadata_topic_t *metadata)
{
	free(topic->leaders);
	topic->n_partitions = 0;
	for (int i = 0; i < metadata->partition_cnt; i++)
		if (metadata->partitions[i].id >= topic->n_partitions)
			topic->n_partitions = metadata->partitions[i].id + 1;
	topic->leaders = mem_alloc((size_t)topic->n_partitions * sizeof(*topic->leaders) + 1);
	for (int32_t i = 0; i < topic->n_partitions; i++)
		topic->leaders[i] = NO_LEADER;
	for (int i = 0; i < metadata->partition_cnt; i++)
		topic->leaders[metadata->partitions[i].id] = metadata->partitions[i].leader;
	topic->is_stale = false;
}

/* Once in a query. What was known stays if no broker answers. */
static void refresh(struct kafka_offsets *offsets, struct topic_leaders *topic)
{
	const struct rd_kafka_metadata *metadata;
	if (topic->n_query == offsets->n_query || offsets->no_metadata)
		return;
	topic->n_query = offsets->n_query;
	if (kafka_topic_metadata(offsets->rk, topic->topic, KAFKA_OFFSETS_TIMEOUT_MS, &metadata) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR) {
		offsets->no_metadata = true;
		return;
	}
	if (metadata->topic_cnt == 1)
		take_leaders(topic, &metadata->topics[0]);
	rd_kafka_metadata_destroy(metadata);
}

/* The leader to ask for an item, or NO_LEADER with the item's error set. */
static int32_t leader_for(struct kafka_offsets *offsets, struct kafka_offsets_item *item)
{
	struct topic_leaders *topic = leaders_of(offsets, item->topic);
	if (topic->is_stale || item->partition >= topic->n_partitions)
		refresh(offsets, topic);
	item->error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	if (topic->leaders == NULL || item->partition >= topic->n_partitions)
		return NO_LEADER;
	item->error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
	if (topic->leaders[item->partition] == NO_LEADER)
		topic->is_stale = true;
	return topic->leaders[item->partition];
}

/* ---- silent brokers ---- */

static bool was_silent(const struct kafka_offsets *offsets, int32_t broker)
{
	for (size_t i = 0; i < offsets->n_silent; i++)
		if (offsets->silent[i] == broker)
			return true;
	return false;
}

static void note_silence(struct kafka_offsets *offsets, int32_t broker, bool is_silent)
{
	for (size_t i = 0; i < offsets->n_silent; i++)
		if (offsets->silent[i] == broker)
			offsets->silent[i--] = offsets->silent[--offsets->n_silent];
	if (!is_silent)
		return;
	offsets->silent =
	        mem_grow(offsets->silent, &offsets->silent_capacity, offsets->n_silent + 1, sizeof(*offsets->silent));
	offsets->silent[offsets->n_silent++] = broker;
}

/* ---- asking ---- */

struct query {
	struct kafka_offsets *offsets;
	struct kafka_offsets_item *items;
	int32_t *leaders; /* by item, or NO_LEADER or ANSWERED */
	size_t n;
};

/* Asks for one end of every partition that a broker leads, or of those whose both ends are wanted; position: a logical
 * offset. */
static rd_kafka_resp_err_t ask(const struct query *query, int32_t broker, int64_t position,
                               rd_kafka_topic_partition_list_t **answers_out)
{
	bool is_low = position == RD_KAFKA_OFFSET_BEGINNING;
	*answers_out = rd_kafka_topic_partition_list_new((int)query->n);
	for (size_t i = 0; i < query->n; i++)
		if (query->leaders[i] == broker && !(is_low && query->items[i].high_only))
			rd_kafka_topic_partition_list_add(*answers_out, query->items[i].topic,
			                                  query->items[i].partition)
			        ->offset = position;
	if ((*answers_out)->cnt == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_offsets_for_times(query->offsets->rk, *answers_out, KAFKA_OFFSETS_TIMEOUT_MS);
}

/* Takes the next answer of a list for the item. */
static int64_t take(struct kafka_offsets_item *item, const rd_kafka_topic_partition_list_t *answers, int *at)
{
	const rd_kafka_topic_partition_t *answer = &answers->elems[(*at)++];
	if (item->error == RD_KAFKA_RESP_ERR_NO_ERROR)
		item->error = answer->err;
	return answer->offset;
}

static void ask_broker(const struct query *query, int32_t broker)
{
	rd_kafka_topic_partition_list_t *lows = NULL, *highs;
	int64_t asked_us = monotonic_clock_us();
	rd_kafka_resp_err_t error = ask(query, broker, RD_KAFKA_OFFSET_END, &highs);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		error = ask(query, broker, RD_KAFKA_OFFSET_BEGINNING, &lows);
	int high_at = 0, low_at = 0;
	for (size_t i = 0; i < query->n; i++) {
		struct kafka_offsets_item *item = &query->items[i];
		if (query->leaders[i] != broker)
			continue;
		query->leaders[i] = ANSWERED;
		item->asked_us = asked_us;
		item->error = error;
		if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
			item->high_offset = take(item, highs, &high_at);
			if (!item->high_only)
				item->low_offset = take(item, lows, &low_at);
		}
		if (item->error != RD_KAFKA_RESP_ERR_NO_ERROR)
			leaders_of(query->offsets, item->topic)->is_stale = true;
	}
	note_silence(query->offsets, broker, error != RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_destroy(highs);
	if (lows != NULL)
		rd_kafka_topic_partition_list_destroy(lows);
}

void kafka_offsets_query(struct kafka_offsets *offsets, struct kafka_offsets_item *items, size_t n,
                         bool (*stop)(const void *context), const void *context)
{
	struct query query = {offsets, items, mem_alloc(n * sizeof(int32_t) + 1), n};
	offsets->n_query++;
	offsets->no_metadata = false;
	for (size_t i = 0; i < n; i++) {
		query.leaders[i] = NO_LEADER;
		items[i].error = RD_KAFKA_RESP_ERR__DESTROY;
		if (items[i].topic != NULL && !stop(context))
			query.leaders[i] = leader_for(offsets, &items[i]);
	}
	for (int silent = 0; silent <= 1; silent++)
		for (size_t i = 0; i < n && !stop(context); i++)
			if (query.leaders[i] >= 0 && was_silent(offsets, query.leaders[i]) == (silent == 1))
				ask_broker(&query, query.leaders[i]);
	for (size_t i = 0; i < n; i++)
		if (query.leaders[i] >= 0)
			items[i].error = RD_KAFKA_RESP_ERR__DESTROY;
	free(query.leaders);
}
