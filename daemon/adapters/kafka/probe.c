#include "adapters/kafka/probe.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "adapters/kafka/conf.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { ASK_TIMEOUT_MS = 1000, WAKE_TIMEOUT_MS = 5 };

struct job {
	struct job *next;
	struct kafka_probe_list list;
	bool is_wake; /* of the consumer; nobody waits for answers */
};

struct queue {
	struct job *first, *last;
};

struct kafka_probe {
	rd_kafka_t *rk, *consumer;
	kafka_probe_fn fn;
	void *context;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t asked;
	struct queue questions, answers;
	bool ending;
	int wake_fd; /* an eventfd: answers are there */
	struct event *wake;
};

static void push(struct queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->last == NULL)
		queue->first = job;
	else
		queue->last->next = job;
	queue->last = job;
}

static struct job *pop(struct queue *queue)
{
	struct job *job = queue->first;
	if (job == NULL)
		return NULL;
	queue->first = job->next;
	if (queue->first == NULL)
		queue->last = NULL;
	return job;
}

static void free_job(struct job *job)
{
	for (size_t i = 0; i < job->list.n; i++)
		free(job->list.items[i].topic);
	free(job->list.items);
	free(job);
}

void kafka_probe_add(struct kafka_probe_list *list, const char *topic, int32_t partition)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = (struct kafka_probe_item){.topic = mem_strdup(topic), .partition = partition};
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

static void answer(struct kafka_probe *probe, struct kafka_probe_item *item)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	item->asked_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (item->partition == KAFKA_PROBE_TOPIC)
		item->error = count_partitions(probe, item);
	else
		item->error = rd_kafka_query_watermark_offsets(probe->rk, item->topic, item->partition,
		                                               &item->low_offset, &item->high_offset, ASK_TIMEOUT_MS);
}

static bool is_ending(struct kafka_probe *probe)
{
	pthread_mutex_lock(&probe->mutex);
	bool ending = probe->ending;
	pthread_mutex_unlock(&probe->mutex);
	return ending;
}

static void answer_all(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	/* Who ends waits for one answer at most. */
	for (size_t i = 0; i < list->n && !is_ending(probe); i++) {
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
	for (size_t i = 0; i < list->n && !is_ending(probe); i++) {
		int64_t low, high;
		rd_kafka_query_watermark_offsets(probe->consumer, list->items[i].topic, list->items[i].partition, &low,
		                                 &high, WAKE_TIMEOUT_MS);
	}
}

static void hand_back(struct kafka_probe *probe, struct job *job)
{
	static const uint64_t one = 1;
	push(&probe->answers, job);
	if (write(probe->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is at its limit: the loop is awake anyway */
}

static void *work(void *context)
{
	struct kafka_probe *probe = context;
	pthread_mutex_lock(&probe->mutex);
	while (!probe->ending) {
		struct job *job = pop(&probe->questions);
		if (job == NULL) {
			pthread_cond_wait(&probe->asked, &probe->mutex);
			continue;
		}
		pthread_mutex_unlock(&probe->mutex);
		if (job->is_wake)
			wake_all(probe, &job->list);
		else
			answer_all(probe, &job->list);
		pthread_mutex_lock(&probe->mutex);
		if (job->is_wake)
			free_job(job);
		else
			hand_back(probe, job);
	}
	pthread_mutex_unlock(&probe->mutex);
	return NULL;
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct kafka_probe *probe = context;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	for (;;) {
		pthread_mutex_lock(&probe->mutex);
		struct job *job = pop(&probe->answers);
		pthread_mutex_unlock(&probe->mutex);
		if (job == NULL)
			return;
		probe->fn(probe->context, &job->list);
		free_job(job);
	}
}

struct kafka_probe *kafka_probe_new(struct event_base *base, const struct config_pairs *pairs, rd_kafka_t *consumer,
                                    kafka_probe_fn fn, void *context)
{
	char why[256];
	rd_kafka_conf_t *conf = kafka_conf_producer(pairs);
	if (conf == NULL)
		return NULL;
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (rk == NULL) {
		rd_kafka_conf_destroy(conf);
		log_error("[kafka]: %s", why);
		return NULL;
	}
	struct kafka_probe *probe = mem_zalloc(sizeof(*probe));
	probe->rk = rk;
	probe->consumer = consumer;
	probe->fn = fn;
	probe->context = context;
	pthread_mutex_init(&probe->mutex, NULL);
	pthread_cond_init(&probe->asked, NULL);
	probe->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	probe->wake = event_new(base, probe->wake_fd, EV_READ | EV_PERSIST, on_wake, probe);
	event_add(probe->wake, NULL);
	if (pthread_create(&probe->thread, NULL, work, probe) != 0)
		abort(); /* no thread at start: nothing to go on with */
	return probe;
}

void kafka_probe_free(struct kafka_probe *probe)
{
	if (probe == NULL)
		return;
	pthread_mutex_lock(&probe->mutex);
	probe->ending = true;
	pthread_cond_signal(&probe->asked);
	pthread_mutex_unlock(&probe->mutex);
	pthread_join(probe->thread, NULL);
	for (struct job *job; (job = pop(&probe->questions)) != NULL;)
		free_job(job);
	for (struct job *job; (job = pop(&probe->answers)) != NULL;)
		free_job(job);
	event_free(probe->wake);
	close(probe->wake_fd);
	pthread_cond_destroy(&probe->asked);
	pthread_mutex_destroy(&probe->mutex);
	rd_kafka_destroy(probe->rk);
	free(probe);
}

static void submit(struct kafka_probe *probe, struct kafka_probe_list *list, bool is_wake)
{
	struct job *job = mem_alloc(sizeof(*job));
	*job = (struct job){.list = *list, .is_wake = is_wake};
	*list = (struct kafka_probe_list){.n = 0};
	pthread_mutex_lock(&probe->mutex);
	push(&probe->questions, job);
	pthread_cond_signal(&probe->asked);
	pthread_mutex_unlock(&probe->mutex);
}

void kafka_probe_ask(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	submit(probe, list, false);
}

void kafka_probe_wake(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	submit(probe, list, true);
}
