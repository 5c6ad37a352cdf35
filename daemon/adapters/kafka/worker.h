/* A thread beside the event loop for calls of librdkafka that block: jobs go in, are done one after the other, and come
 * back to the loop. */
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
	/* In the thread: does the job. */
	void (*work)(void *context, struct worker_job *job);
	/* On the loop, in the order of submission: it is done. */
	void (*done)(void *context, struct worker_job *job);
	/* Of each job, after done(), or without it when the worker ends. */
	void (*release)(struct worker_job *job);
	void *context;
};

struct worker *worker_new(struct event_base *base, const struct worker_events *events);
/* Waits for the job under way, which may ask whether it should cut itself short. */
void worker_free(struct worker *worker);
bool worker_is_ending(struct worker *worker);
void worker_submit(struct worker *worker, struct worker_job *job);

#endif
