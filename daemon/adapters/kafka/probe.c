#include "adapters/kafka/probe.h"

#include <stdbool.h>
#include <stdlib.h>

#include "adapters/kafka/conf.h"
#include "adapters/kafka/offsets_query.h"
#include "adapters/kafka/topic_metadata.h"
#include "adapters/kafka/worker.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"

enum { WAKE_TIMEOUT_MS = 5 };

struct job {
	struct worker_job job;
	struct kafka_probe_list list;
	bool is_wake; /* for kafka_probe_wake(): there is no answer */
};

struct kafka_probe {
	rd_kafka_t *rk, *consumer;
	struct kafka_offsets *offsets, *stable_offsets; /* of rk and stable_rk */
	rd_kafka_t *stable_rk;                          /* asks for stable_offset; NULL until it is needed */
	rd_kafka_conf_t *stable_conf;                   /* for stable_rk; NULL after the attempt to create it */
	kafka_probe_fn fn;
	void *context;
	struct worker *worker;
};

struct kafka_probe_item *kafka_probe_add(struct kafka_probe_list *list, const char *topic, int32_t partition)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof(*list->items));
	struct kafka_probe_item *item = &list->items[list->n++];
	*item = (struct kafka_probe_item){.topic = mem_strdup(topic), .partition = partition, .stable_offset = -1};
	return item;
}

static rd_kafka_resp_err_t count_partitions(const struct kafka_probe *probe, struct kafka_probe_item *item)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t error = kafka_topic_metadata(probe->rk, item->topic, KAFKA_OFFSETS_TIMEOUT_MS, &metadata);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		return error;
	if (metadata->topic_cnt == 1) {
		item->n_partitions = metadata->topics[0].partition_cnt;
		error = metadata->topics[0].err;
	}
	rd_kafka_metadata_destroy(metadata);
	return error;
}

static bool is_ending(const void *context)
{
	const struct kafka_probe *probe = context;
	return worker_is_ending(probe->worker);
}

/* The answers for the items of the list, in their order; those that are not asked for have no topic. NULL: for none. */
static struct kafka_offsets_item *ask_offsets(const struct kafka_probe *probe, struct kafka_offsets *offsets,
                                              const struct kafka_probe_list *list, bool stable_only)
{
	struct kafka_offsets_item *answers = mem_zalloc(list->n * sizeof(*answers) + 1);
	bool asks = false;
	for (size_t i = 0; i < list->n; i++) {
		const struct kafka_probe_item *item = &list->items[i];
		if (item->partition == KAFKA_PROBE_TOPIC || (stable_only && !item->ask_stable))
			continue;
		answers[i] = (struct kafka_offsets_item){.topic = item->topic,
		                                         .partition = item->partition,
		                                         .high_only = item->high_only || stable_only};
		asks = true;
	}
	if (asks) {
		kafka_offsets_query(offsets, answers, list->n, is_ending, probe);
		return answers;
	}
	free(answers);
	return NULL;
}

/* Rarely needed, so the client is created on first use. The consumer's client would answer only after its long poll. */
static struct kafka_offsets *stable_offsets(struct kafka_probe *probe)
{
	if (probe->stable_conf != NULL) {
		probe->stable_rk = kafka_client_new(RD_KAFKA_CONSUMER, probe->stable_conf);
		probe->stable_conf = NULL;
		if (probe->stable_rk != NULL)
			probe->stable_offsets = kafka_offsets_new(probe->stable_rk);
	}
	return probe->stable_offsets;
}

static void ask_stable(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	bool wanted = false;
	for (size_t i = 0; i < list->n; i++)
		wanted = wanted || list->items[i].ask_stable;
	if (!wanted || stable_offsets(probe) == NULL)
		return;
	struct kafka_offsets_item *answers = ask_offsets(probe, probe->stable_offsets, list, true);
	for (size_t i = 0; answers != NULL && i < list->n; i++)
		if (answers[i].topic != NULL && answers[i].error == RD_KAFKA_RESP_ERR_NO_ERROR)
			list->items[i].stable_offset = answers[i].high_offset;
	free(answers);
}

/* After one timeout, questions about other topics would time out as well. */
static void count_all_partitions(const struct kafka_probe *probe, struct kafka_probe_list *list)
{
	bool is_away = false;
	for (size_t i = 0; i < list->n; i++) {
		struct kafka_probe_item *item = &list->items[i];
		if (item->partition != KAFKA_PROBE_TOPIC)
			continue;
		item->asked_us = monotonic_clock_us();
		item->error =
		        is_away || is_ending(probe) ? RD_KAFKA_RESP_ERR__TIMED_OUT : count_partitions(probe, item);
		is_away = is_away || item->error == RD_KAFKA_RESP_ERR__TIMED_OUT;
	}
}

static void answer_all(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	struct kafka_offsets_item *answers = ask_offsets(probe, probe->offsets, list, false);
	for (size_t i = 0; answers != NULL && i < list->n; i++) {
		struct kafka_probe_item *item = &list->items[i];
		if (answers[i].topic == NULL)
			continue;
		item->error = answers[i].error;
		item->asked_us = answers[i].asked_us;
		item->low_offset = answers[i].low_offset;
		item->high_offset = answers[i].high_offset;
	}
	free(answers);
	count_all_partitions(probe, list);
	ask_stable(probe, list);
}

/* Sending the request is enough: the response may wait behind a long poll. */
static void wake_all(struct kafka_probe *probe, const struct kafka_probe_list *list)
{
	for (size_t i = 0; i < list->n && !worker_is_ending(probe->worker); i++) {
		int64_t low, high;
		rd_kafka_query_watermark_offsets(probe->consumer, list->items[i].topic, list->items[i].partition, &low,
		                                 &high, WAKE_TIMEOUT_MS);
	}
}

static void work(void *context, struct worker_job *given)
{
	struct job *job = (struct job *)given;
	if (job->is_wake)
		wake_all(context, &job->list);
	else
		answer_all(context, &job->list);
}

static void done(void *context, struct worker_job *given)
{
	const struct kafka_probe *probe = context;
	const struct job *job = (const struct job *)given;
	if (!job->is_wake)
		probe->fn(probe->context, &job->list);
}

static void release(struct worker_job *given)
{
	struct job *job = (struct job *)given;
	for (size_t i = 0; i < job->list.n; i++)
		free(job->list.items[i].topic);
	free(job->list.items);
	free(job);
}

struct kafka_probe *kafka_probe_new(struct event_base *base, const struct config_pairs *pairs, rd_kafka_t *consumer,
                                    kafka_probe_fn fn, void *context)
{
	/* A consumer: a question of a producer would create a topic that does not exist. */
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_CONSUMER, kafka_conf_probe(pairs));
	if (rk == NULL)
		return NULL;
	struct kafka_probe *probe = mem_zalloc(sizeof(*probe));
	probe->rk = rk;
	probe->offsets = kafka_offsets_new(rk);
	probe->stable_conf = kafka_conf_stable(pairs);
	probe->consumer = consumer;
	probe->fn = fn;
	probe->context = context;
	probe->worker = worker_new(base, &(struct worker_events){work, done, release, probe});
	return probe;
}

void kafka_probe_free(struct kafka_probe *probe)
{
	if (probe == NULL)
		return;
	worker_free(probe->worker);
	kafka_offsets_free(probe->offsets);
	kafka_offsets_free(probe->stable_offsets);
	rd_kafka_destroy(probe->rk);
	if (probe->stable_rk != NULL)
		rd_kafka_destroy(probe->stable_rk);
	if (probe->stable_conf != NULL)
		rd_kafka_conf_destroy(probe->stable_conf);
	free(probe);
}

static void submit(struct kafka_probe *probe, struct kafka_probe_list *list, bool is_wake)
{
	struct job *job = mem_alloc(sizeof(*job));
	*job = (struct job){.list = *list, .is_wake = is_wake};
	*list = (struct kafka_probe_list){.n = 0};
	worker_submit(probe->worker, &job->job);
}

void kafka_probe_ask(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	submit(probe, list, false);
}

void kafka_probe_wake(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	submit(probe, list, true);
}
