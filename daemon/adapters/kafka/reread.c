#include "adapters/kafka/reread.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/kafka/conf.h"
#include "adapters/kafka/destroy.h"
#include "adapters/kafka/fingerprint.h"
#include "adapters/kafka/worker.h"
#include "kpid/base/memory.h"

enum { READ_TIMEOUT_MS = 2000, POLL_MS = 100, ASK_TIMEOUT_MS = 1000 };

struct job {
	struct worker_job job;
	struct kafka_reread_list list;
};

struct kafka_reread {
	rd_kafka_t *rk;
	kafka_reread_fn fn;
	void *context;
	struct worker *worker;
};

void kafka_reread_add(struct kafka_reread_list *list, const char *topic, int32_t partition, int64_t offset)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof(*list->items));
	list->items[list->n++] =
	        (struct kafka_reread_item){.topic = mem_strdup(topic), .partition = partition, .offset = offset};
}

/* Nothing was at the offset when it was read. By now it may be another log, or have grown: then it is not known. */
static enum reread_state state_without(struct kafka_reread *reread, const struct kafka_reread_item *item)
{
	int64_t low, high;
	if (rd_kafka_query_watermark_offsets(reread->rk, item->topic, item->partition, &low, &high, ASK_TIMEOUT_MS) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR)
		return REREAD_UNKNOWN;
	if (high <= item->offset)
		return REREAD_NOT_THERE;
	return low > item->offset ? REREAD_GONE : REREAD_UNKNOWN;
}

static void note(struct kafka_reread *reread, struct kafka_reread_item *item, const rd_kafka_message_t *message)
{
	switch (message->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		item->state = message->offset == item->offset ? REREAD_FOUND : REREAD_GONE;
		item->fingerprint = kafka_fingerprint(message);
		break;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		item->state = message->offset > item->offset ? REREAD_GONE : state_without(reread, item);
		break;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		item->state = state_without(reread, item);
		break;
	default: /* asked again */
		break;
	}
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The first that comes of a partition is its answer. */
static bool take_answer(struct kafka_reread *reread, struct kafka_reread_list *list, rd_kafka_message_t **answers,
                        rd_kafka_message_t *message)
{
	const char *topic = message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt);
	for (size_t i = 0; i < list->n; i++) {
		struct kafka_reread_item *item = &list->items[i];
		if (answers[i] != NULL || item->partition != message->partition || strcmp(item->topic, topic) != 0)
			continue;
		note(reread, item, message);
		answers[i] = message;
		return true;
	}
	return false;
}

static void read_until_answered(struct kafka_reread *reread, struct kafka_reread_list *list,
                                rd_kafka_message_t **answers)
{
	int64_t end_ms = now_ms() + READ_TIMEOUT_MS;
	size_t n_left = list->n;
	while (n_left > 0 && now_ms() < end_ms && !worker_is_ending(reread->worker)) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reread->rk, POLL_MS);
		if (message == NULL)
			continue;
		if (take_answer(reread, list, answers, message))
			n_left--;
		else
			rd_kafka_message_destroy(message);
	}
}

static void work(void *context, struct worker_job *given)
{
	struct kafka_reread *reread = context;
	struct kafka_reread_list *list = &((struct job *)given)->list;
	rd_kafka_message_t **answers = mem_zalloc(list->n * sizeof(rd_kafka_message_t *));
	rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new((int)list->n);
	for (size_t i = 0; i < list->n; i++)
		rd_kafka_topic_partition_list_add(partitions, list->items[i].topic, list->items[i].partition)->offset =
		        list->items[i].offset;
	if (rd_kafka_assign(reread->rk, partitions) == RD_KAFKA_RESP_ERR_NO_ERROR)
		read_until_answered(reread, list, answers);
	rd_kafka_assign(reread->rk, NULL);
	rd_kafka_topic_partition_list_destroy(partitions);
	/* By now nobody else has them: ThreadSanitizer does not see the counters by which librdkafka shares messages.
	 */
	for (size_t i = 0; i < list->n; i++)
		if (answers[i] != NULL)
			rd_kafka_message_destroy(answers[i]);
	free(answers);
}

static void done(void *context, struct worker_job *given)
{
	const struct kafka_reread *reread = context;
	reread->fn(reread->context, &((const struct job *)given)->list);
}

static void release(struct worker_job *given)
{
	struct job *job = (struct job *)given;
	for (size_t i = 0; i < job->list.n; i++)
		free(job->list.items[i].topic);
	free(job->list.items);
	free(job);
}

struct kafka_reread *kafka_reread_new(struct event_base *base, const struct kpid_config *config, kafka_reread_fn fn,
                                      void *context)
{
	rd_kafka_t *rk = kafka_client_new(RD_KAFKA_CONSUMER, kafka_conf_reader(config));
	if (rk == NULL)
		return NULL;
	rd_kafka_poll_set_consumer(rk);
	struct kafka_reread *reread = mem_zalloc(sizeof(*reread));
	reread->rk = rk;
	reread->fn = fn;
	reread->context = context;
	reread->worker = worker_new(base, &(struct worker_events){work, done, release, reread});
	return reread;
}

void kafka_reread_free(struct kafka_reread *reread)
{
	if (reread == NULL)
		return;
	worker_free(reread->worker);
	kafka_destroy_consumer(reread->rk);
	free(reread);
}

void kafka_reread_ask(struct kafka_reread *reread, struct kafka_reread_list *list)
{
	struct job *job = mem_alloc(sizeof(*job));
	*job = (struct job){.list = *list};
	*list = (struct kafka_reread_list){.n = 0};
	worker_submit(reread->worker, &job->job);
}
