/* The paths by which a server says how it is: /livez, /readyz and /metrics, for this machine only. */
#ifndef KPID_ADAPTERS_HTTP_HEALTH_H
#define KPID_ADAPTERS_HTTP_HEALTH_H

#include "adapters/http/server.h"
#include "kpid/core/metrics.h"

struct http_health {
	const char *condition;                       /* what it needs to be ready, for /readyz?verbose */
	const char *(*why_not_ready)(void *context); /* NULL: it is ready */
	void (*write_metrics)(void *context, enum metrics_format format, struct buf *out);
	void *context;
};

/* Answers a request for one of the paths. False: it is for another one. */
bool http_health_route(const struct http_health *health, struct http_connection *connection,
                       const struct request *request);

/* Metrics without a label, with one label, and of this process. */
void http_health_add(struct metrics_text *text, const struct metric *metric, int64_t value);
void http_health_add_by(struct metrics_text *text, const char *label, uint64_t value);
void http_health_add_process(struct metrics_text *text);

#endif
