/* Shared by hook.c (life), receive.c (requests), topics.c (whether Kafka takes them) and metrics.c. */
#ifndef KPID_HOOK_HOOK_INTERNAL_H
#define KPID_HOOK_HOOK_INTERNAL_H

#include "adapters/http/server.h"
#include "adapters/kafka/producer.h"
#include "hook/hook.h"
#include "hook/topics.h"
#include "kpid/base/arena.h"
#include "kpid/base/log_throttle.h"
#include "kpid/core/histogram.h"

struct event;
struct event_base;

enum {
	HOOK_MAX_BODY_BYTES = 1000000,
	HOOK_ANSWER_MS = 3500, /* from accept; the server looks at it every 250 ms, and senders wait 5 s */
	HOOK_ACK_MS = 3000,
	HOOK_RETRY_AFTER_S = 30,
};

/* A request that was passed to Kafka, until its outcome is known. */
struct delivery {
	struct delivery *next, *prev;
	struct http_connection *connection; /* NULL: it is gone, or has its answer */
	struct endpoint *endpoint;
	size_t n_bytes;
	int64_t began_us; /* monotonic */
};

struct hook {
	struct event_base *base;
	const struct kpid_config *config;
	struct endpoints *endpoints;
	struct http_server *http;
	struct kafka_producer *producer;
	struct topics *topics;
	const char **topic_names;
	struct delivery *deliveries;
	size_t n_queued_bytes;
	struct histogram acks; /* times from a whole request to the acknowledgement */
	struct arena arena;    /* of the request at hand */
	struct log_throttle failures;
	struct event *on_term, *on_int, *stop_timer, *watchdog;
	struct event *replacing; /* of a producer that is broken */
	int n_stop_looks;        /* that are left until it ends anyway */
	bool is_stopping, has_failed;
};

/* receive.c: answers a request that passed the guards. */
void receive(struct hook *hook, struct http_connection *connection, const struct request *request, struct text body);
/* The connection of a delivery is gone, or was answered because it was late. */
void receive_gone(struct delivery *delivery);
/* The outcome of a delivery. */
void receive_reported(struct hook *hook, struct delivery *delivery, enum producer_report report, const char *why);
/* Answers all that wait with 503, and forgets them. */
void receive_drop_all(struct hook *hook);

/* hook.c: replaces the producer soon. */
void hook_replace_producer(struct hook *hook);
/* metrics.c: answers /metrics, /livez and /readyz. False: the path is another one. */
bool hook_metrics_route(struct hook *hook, struct http_connection *connection, const struct request *request);

#endif
