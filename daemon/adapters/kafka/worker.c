#include "adapters/kafka/worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kpid/base/memory.h"

struct queue {
	struct worker_job *first, *last;
};

struct worker {
	struct worker_events events;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t submitted;
	struct queue waiting, finished;
	bool ending;
	int wake_fd; /* an eventfd, written when a job is finished */
	struct event *wake;
};

static void push(struct queue *queue, struct worker_job *job)
{
	job->next = NULL;
	if (queue->last == NULL)
		queue->first = job;
	else
		queue->last->next = job;
	queue->last = job;
}

static struct worker_job *pop(struct queue *queue)
{
	struct worker_job *job = queue->first;
	if (job == NULL)
		return NULL;
	queue->first = job->next;
	if (queue->first == NULL)
		queue->last = NULL;
	return job;
}

static void hand_back(struct worker *worker, struct worker_job *job)
{
	static const uint64_t one = 1;
	push(&worker->finished, job);
	if (write(worker->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is at its limit: the loop is awake anyway */
}

static void *work(void *context)
{
	struct worker *worker = context;
	pthread_mutex_lock(&worker->mutex);
	while (!worker->ending) {
		struct worker_job *job = pop(&worker->waiting);
		if (job == NULL) {
			pthread_cond_wait(&worker->submitted, &worker->mutex);
			continue;
		}
		pthread_mutex_unlock(&worker->mutex);
		worker->events.work(worker->events.context, job);
		pthread_mutex_lock(&worker->mutex);
		hand_back(worker, job);
	}
	pthread_mutex_unlock(&worker->mutex);
	return NULL;
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	for (;;) {
		pthread_mutex_lock(&worker->mutex);
		struct worker_job *job = pop(&worker->finished);
		pthread_mutex_unlock(&worker->mutex);
		if (job == NULL)
			return;
		worker->events.done(worker->events.context, job);
		worker->events.release(job);
	}
}

struct worker *worker_new(struct event_base *base, const struct worker_events *events)
{
	struct worker *worker = mem_zalloc(sizeof(*worker));
	worker->events = *events;
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_cond_init(&worker->submitted, NULL);
	worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	worker->wake = event_new(base, worker->wake_fd, EV_READ | EV_PERSIST, on_wake, worker);
	event_add(worker->wake, NULL);
	if (pthread_create(&worker->thread, NULL, work, worker) != 0)
		abort(); /* this happens at the start only */
	return worker;
}

void worker_free(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->ending = true;
	pthread_cond_signal(&worker->submitted);
	pthread_mutex_unlock(&worker->mutex);
	pthread_join(worker->thread, NULL);
	for (struct worker_job *job; (job = pop(&worker->waiting)) != NULL;)
		worker->events.release(job);
	for (struct worker_job *job; (job = pop(&worker->finished)) != NULL;)
		worker->events.release(job);
	event_free(worker->wake);
	close(worker->wake_fd);
	pthread_cond_destroy(&worker->submitted);
	pthread_mutex_destroy(&worker->mutex);
	free(worker);
}

bool worker_is_ending(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	bool ending = worker->ending;
	pthread_mutex_unlock(&worker->mutex);
	return ending;
}

void worker_submit(struct worker *worker, struct worker_job *job)
{
	pthread_mutex_lock(&worker->mutex);
	push(&worker->waiting, job);
	pthread_cond_signal(&worker->submitted);
	pthread_mutex_unlock(&worker->mutex);
}
