#include "adapters/kafka/probe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "adapters/kafka/conf.h"
#include "adapters/kafka/worker.h"
#include "kpid/base/memory.h"

enum { ASK_TIMEOUT_MS = 1000, WAKE_TIMEOUT_MS = 5 };

struct job {
	struct worker_job job;
	struct kafka_probe_list list;
	bool is_wake; /* of the consumer; nobody waits for answers */
};

struct kafka_probe {
	rd_kafka_t *rk, *consumer;
	rd_kafka_t *stable_rk;        /* sees what consumers of committed messages see; NULL: not needed yet */
	rd_kafka_conf_t *stable_conf; /* of that; NULL once it is there, or could not be made */
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

static rd_kafka_resp_err_t count_partitions(struct kafka_probe *probe, struct kafka_probe_item *item)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(probe->rk, item->topic, NULL);
	if (topic == NULL)
		return rd_kafka_last_error();
	rd_kafka_resp_err_t error = rd_kafka_metadata(probe->rk, 0, topic, &metadata, ASK_TIMEOUT_MS);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
		item->n_partitions = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
		rd_kafka_metadata_destroy(metadata);
	}
	rd_kafka_topic_destroy(topic);
	return error;
}

/* Few need it: the client is made when the first does. The consumer's would answer after its long poll. */
static void ask_stable(struct kafka_probe *probe, struct kafka_probe_item *item)
{
	int64_t low, stable;
	if (probe->stable_conf != NULL) {
		probe->stable_rk = kafka_client_new(RD_KAFKA_PRODUCER, probe->stable_conf);
		probe->stable_conf = NULL;
	}
	if (probe->stable_rk != NULL &&
	    rd_kafka_query_watermark_offsets(probe->stable_rk, item->topic, item->partition, &low, &stable,
	                                     ASK_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		item->stable_offset = stable;
}

static void answer(struct kafka_probe *probe, struct kafka_probe_item *item)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	item->asked_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (item->partition == KAFKA_PROBE_TOPIC) {
		item->error = count_partitions(probe, item);
		return;
	}
	item->error = rd_kafka_query_watermark_offsets(probe->rk, item->topic, item->partition, &item->low_offset,
	                                               &item->high_offset, ASK_TIMEOUT_MS);
	if (item->ask_stable && item->error == RD_KAFKA_RESP_ERR_NO_ERROR)
		ask_stable(probe, item);
}

static void answer_all(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	/* Who ends waits for one answer at most. */
	for (size_t i = 0; i < list->n && !worker_is_ending(probe->worker); i++) {
		/* A broker that does not answer the first will not answer the rest either. */
		if (i > 0 && list->items[i - 1].error == RD_KAFKA_RESP_ERR__TIMED_OUT)
			list->items[i].error = RD_KAFKA_RESP_ERR__TIMED_OUT;
		else
			answer(probe, &list->items[i]);
	}
}

/* Sending the question is enough: the answer may stand behind a long poll. */
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
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_PRODUCER, kafka_conf_probe(pairs));
	if (rk == NULL)
		return NULL;
	struct kafka_probe *probe = mem_zalloc(sizeof(*probe));
	probe->rk = rk;
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
