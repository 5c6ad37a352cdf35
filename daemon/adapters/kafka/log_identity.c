#include "adapters/kafka/log_identity.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/kafka/conf.h"
#include "adapters/kafka/destroy.h"
#include "adapters/kafka/fingerprint.h"
#include "adapters/kafka/worker.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"

enum { READ_TIMEOUT_MS = 2000, POLL_MS = 100, ASK_TIMEOUT_MS = 1000 };

struct job {
	struct worker_job job;
	struct kafka_log_identity_list list;
};

struct kafka_log_identity {
	rd_kafka_t *rk;
	kafka_log_identity_fn fn;
	void *context;
	struct worker *worker;
};

void kafka_log_identity_add(struct kafka_log_identity_list *list, const char *topic, int32_t partition, int64_t offset)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof(*list->items));
	list->items[list->n++] =
	        (struct kafka_log_identity_item){.topic = mem_strdup(topic), .partition = partition, .offset = offset};
}

/* The fetch found no message at the offset. The log may have grown or been recreated since, which leaves it unknown. */
static enum kafka_log_identity_state state_without(struct kafka_log_identity *identity,
                                                   const struct kafka_log_identity_item *item)
{
	int64_t low, high;
	if (rd_kafka_query_watermark_offsets(identity->rk, item->topic, item->partition, &low, &high, ASK_TIMEOUT_MS) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR)
		return LOG_IDENTITY_UNKNOWN;
	if (high <= item->offset)
		return LOG_IDENTITY_NOT_THERE;
	return low > item->offset ? LOG_IDENTITY_GONE : LOG_IDENTITY_UNKNOWN;
}

static void note(struct kafka_log_identity *identity, struct kafka_log_identity_item *item,
                 const rd_kafka_message_t *message)
{
	switch (message->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		item->state = message->offset == item->offset ? LOG_IDENTITY_FOUND : LOG_IDENTITY_GONE;
		item->fingerprint = kafka_fingerprint(message);
		break;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		item->state = message->offset > item->offset ? LOG_IDENTITY_GONE : state_without(identity, item);
		break;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		item->state = state_without(identity, item);
		break;
	default: /* stays UNKNOWN, so it is asked again */
		break;
	}
}

/* The first message of a partition is its answer. */
static bool take_answer(struct kafka_log_identity *identity, struct kafka_log_identity_list *list,
                        rd_kafka_message_t **answers, rd_kafka_message_t *message)
{
	const char *topic = message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt);
	for (size_t i = 0; i < list->n; i++) {
		struct kafka_log_identity_item *item = &list->items[i];
		if (answers[i] != NULL || item->partition != message->partition || strcmp(item->topic, topic) != 0)
			continue;
		note(identity, item, message);
		answers[i] = message;
		return true;
	}
	return false;
}

static void read_until_answered(struct kafka_log_identity *identity, struct kafka_log_identity_list *list,
                                rd_kafka_message_t **answers)
{
	int64_t end_us = monotonic_clock_us() + READ_TIMEOUT_MS * INT64_C(1000);
	size_t n_left = list->n;
	while (n_left > 0 && monotonic_clock_us() < end_us && !worker_is_ending(identity->worker)) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(identity->rk, POLL_MS);
		if (message == NULL)
			continue;
		if (take_answer(identity, list, answers, message))
			n_left--;
		else
			rd_kafka_message_destroy(message);
	}
}

static void work(void *context, struct worker_job *given)
{
	struct kafka_log_identity *identity = context;
	struct kafka_log_identity_list *list = &((struct job *)given)->list;
	rd_kafka_message_t **answers = mem_zalloc(list->n * sizeof(rd_kafka_message_t *));
	rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new((int)list->n);
	for (size_t i = 0; i < list->n; i++)
		rd_kafka_topic_partition_list_add(partitions, list->items[i].topic, list->items[i].partition)->offset =
		        list->items[i].offset;
	if (rd_kafka_assign(identity->rk, partitions) == RD_KAFKA_RESP_ERR_NO_ERROR)
		read_until_answered(identity, list, answers);
	rd_kafka_assign(identity->rk, NULL);
	rd_kafka_topic_partition_list_destroy(partitions);
	/* Destroyed after the unassignment, when librdkafka no longer shares them: ThreadSanitizer does not see its
	 * reference counters. */
	for (size_t i = 0; i < list->n; i++)
		if (answers[i] != NULL)
			rd_kafka_message_destroy(answers[i]);
	free(answers);
}

static void done(void *context, struct worker_job *given)
{
	const struct kafka_log_identity *identity = context;
	identity->fn(identity->context, &((const struct job *)given)->list);
}

static void release(struct worker_job *given)
{
	struct job *job = (struct job *)given;
	for (size_t i = 0; i < job->list.n; i++)
		free(job->list.items[i].topic);
	free(job->list.items);
	free(job);
}

struct kafka_log_identity *kafka_log_identity_new(struct event_base *base, const struct kpid_config *config,
                                                  kafka_log_identity_fn fn, void *context)
{
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_CONSUMER, kafka_conf_reader(config));
	if (rk == NULL)
		return NULL;
	rd_kafka_poll_set_consumer(rk);
	struct kafka_log_identity *identity = mem_zalloc(sizeof(*identity));
	identity->rk = rk;
	identity->fn = fn;
	identity->context = context;
	identity->worker = worker_new(base, &(struct worker_events){work, done, release, identity});
	return identity;
}

void kafka_log_identity_free(struct kafka_log_identity *identity)
{
	if (identity == NULL)
		return;
	worker_free(identity->worker);
	kafka_destroy_consumer(identity->rk);
	free(identity);
}

void kafka_log_identity_ask(struct kafka_log_identity *identity, struct kafka_log_identity_list *list)
{
	struct job *job = mem_alloc(sizeof(*job));
	*job = (struct job){.list = *list};
	*list = (struct kafka_log_identity_list){.n = 0};
	worker_submit(identity->worker, &job->job);
}
