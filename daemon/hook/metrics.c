/* The hook's own metrics and its health. */
#include "kpid/core/metrics.h"
#include "adapters/http/health.h"
#include "hook/hook_internal.h"
#include "kpid/base/clock.h"

enum row { ROW_BUILD, ROW_REQUESTS, ROW_ACKS, ROW_QUEUE, ROW_READY, ROW_CONNECTIONS, ROW_ANSWERS, ROW_N };

/* docs/connect-a-help-desk.md lists them; tests/integration/test_hook.py compares. */
static const struct metric rows[ROW_N] = {
        [ROW_BUILD] = {"kpid_build", METRIC_INFO, "", "version", "The program."},
        [ROW_REQUESTS] = {"kpid_hook_requests", METRIC_COUNTER, "", "hook outcome",
                          "Requests of a hook. taken: Kafka has them. not_signed: the signature was missing or wrong. "
                          "refused: no POST, not from this machine, or too large. unavailable: Kafka did not "
                          "acknowledge them in time, or the queue was full."},
        [ROW_ACKS] = {"kpid_hook_acknowledge_seconds", METRIC_HISTOGRAM, "seconds", "",
                      "Time from a whole request to its acknowledgement by Kafka."},
        [ROW_QUEUE] = {"kpid_hook_queue_bytes", METRIC_GAUGE, "bytes", "", "Requests that wait for Kafka."},
        [ROW_READY] = {"kpid_hook_ready", METRIC_GAUGE, "", "",
                       "1 if Kafka answers and has every topic, as of the last few seconds."},
        [ROW_CONNECTIONS] = {"kpid_hook_connections", METRIC_GAUGE, "", "", "Open connections."},
        [ROW_ANSWERS] = {"kpid_hook_answers", METRIC_COUNTER, "", "outcome",
                         "Answers of all paths. refused: an error. timed_out: closed or answered because it took too "
                         "long."},
};

static void begin(struct metrics_text *text, enum row row)
{
	metrics_begin(text, &rows[row]);
}

static void add(struct metrics_text *text, enum row row, int64_t value)
{
	http_health_add(text, &rows[row], value);
}

static void add_of(struct metrics_text *text, const struct endpoint *endpoint, const char *outcome, uint64_t value)
{
	const struct text labels[] = {text_of(endpoint->config->name), text_of(outcome)};
	metrics_sample(text, labels, (int64_t)value);
}

static void write_requests(struct metrics_text *text, const struct endpoints *endpoints)
{
	begin(text, ROW_REQUESTS);
	for (size_t i = 0; i < endpoints->n; i++) {
		const struct endpoint *endpoint = &endpoints->items[i];
		add_of(text, endpoint, "taken", endpoint->counts.n_taken);
		add_of(text, endpoint, "not_signed", endpoint->counts.n_not_signed);
		add_of(text, endpoint, "refused", endpoint->counts.n_refused);
		add_of(text, endpoint, "unavailable", endpoint->counts.n_unavailable);
	}
}

static const char *why_not_ready(void *context)
{
	const struct hook *hook = context;
	return hook->is_stopping ? "the hook is stopping" : topics_fault(hook->topics);
}

static void write_metrics(void *context, enum metrics_format format, struct buf *out)
{
	struct hook *hook = context;
	struct metrics_text text = {out, format, NULL};
	const struct http_counts *http = http_server_counts(hook->http);
	begin(&text, ROW_BUILD);
	http_health_add_by(&text, KPID_VERSION, 1);
	write_requests(&text, hook->endpoints);
	begin(&text, ROW_ACKS);
	metrics_sample_histogram(&text, NULL, &hook->acks);
	add(&text, ROW_QUEUE, (int64_t)hook->n_queued_bytes);
	add(&text, ROW_READY, why_not_ready(hook) == NULL);
	add(&text, ROW_CONNECTIONS, (int64_t)http->n_open);
	begin(&text, ROW_ANSWERS);
	http_health_add_by(&text, "answered", http->n_answered);
	http_health_add_by(&text, "refused", http->n_refused);
	http_health_add_by(&text, "timed_out", http->n_timed_out);
	http_health_add_process(&text);
	metrics_end(&text);
}

bool hook_metrics_route(struct hook *hook, struct http_connection *connection, const struct request *request)
{
	const struct http_health health = {"kafka", why_not_ready, write_metrics, hook};
	return http_health_route(&health, connection, request);
}
