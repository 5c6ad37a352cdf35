/* A thread for calls of librdkafka that block. It does jobs one after the other and returns them to the event loop. */
#ifndef KPID_ADAPTERS_KAFKA_WORKER_H
#define KPID_ADAPTERS_KAFKA_WORKER_H

#include <stdbool.h>

struct event_base;
struct worker;

/* The first member of a job. */
struct worker_job {
	struct worker_job *next;
};

struct worker_events {
	/* Does the job, in the thread. */
	void (*work)(void *context, struct worker_job *job);
	/* Called on the loop when a job is done, in the order of submission. */
	void (*done)(void *context, struct worker_job *job);
	/* Frees a job, after done() or, when the worker ends, without it. */
	void (*release)(struct worker_job *job);
	void *context;
};

struct worker *worker_new(struct event_base *base, const struct worker_events *events);
/* Waits for the job that is under way. */
void worker_free(struct worker *worker);
/* A long job asks this and returns early. */
bool worker_is_ending(struct worker *worker);
/* Takes ownership of the job. */
void worker_submit(struct worker *worker, struct worker_job *job);

#endif
