/* The hook's own metrics and its health. */
#include "kpid/core/metrics.h"
#include "adapters/metrics/process.h"
#include "hook/hook_internal.h"
#include "kpid/base/clock.h"

enum row {
	ROW_BUILD,
	ROW_REQUESTS,
	ROW_ACKS,
	ROW_QUEUE,
	ROW_READY,
	ROW_CONNECTIONS,
	ROW_ANSWERS,
	ROW_MEMORY,
	ROW_CPU,
	ROW_FDS,
	ROW_START,
	ROW_N
};

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
        [ROW_MEMORY] = {"process_resident_memory_bytes", METRIC_GAUGE, "bytes", "", "Resident memory."},
        [ROW_CPU] = {"process_cpu_seconds", METRIC_COUNTER, "seconds", "", "Processor time of all threads."},
        [ROW_FDS] = {"process_open_fds", METRIC_GAUGE, "", "", "Open file descriptors."},
        [ROW_START] = {"process_start_time_seconds", METRIC_GAUGE, "seconds", "", "When the process started."},
};

static void begin(struct metrics_text *text, enum row row)
{
	metrics_begin(text, &rows[row]);
}

static void add(struct metrics_text *text, enum row row, int64_t value)
{
	begin(text, row);
	metrics_sample(text, NULL, value);
}

static void add_by(struct metrics_text *text, const char *label, uint64_t value)
{
	const struct text labels[] = {text_of(label)};
	metrics_sample(text, labels, (int64_t)value);
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

static void write_process(struct metrics_text *text)
{
	struct process_values process = process_read();
	add(text, ROW_MEMORY, process.resident_bytes);
	begin(text, ROW_CPU);
	metrics_sample_us(text, NULL, process.cpu_us);
	add(text, ROW_FDS, process_open_fds());
	begin(text, ROW_START);
	metrics_sample_us(text, NULL, process.started_us);
}

static const char *why_not_ready(const struct hook *hook)
{
	return hook->is_stopping ? "the hook is stopping" : topics_fault(hook->topics);
}

static void write_metrics(const struct hook *hook, enum metrics_format format, struct buf *out)
{
	struct metrics_text text = {out, format, NULL};
	const struct http_counts *http = http_server_counts(hook->http);
	begin(&text, ROW_BUILD);
	add_by(&text, KPID_VERSION, 1);
	write_requests(&text, hook->endpoints);
	begin(&text, ROW_ACKS);
	metrics_sample_histogram(&text, NULL, &hook->acks);
	add(&text, ROW_QUEUE, (int64_t)hook->n_queued_bytes);
	add(&text, ROW_READY, why_not_ready(hook) == NULL);
	add(&text, ROW_CONNECTIONS, (int64_t)http->n_open);
	begin(&text, ROW_ANSWERS);
	add_by(&text, "answered", http->n_answered);
	add_by(&text, "refused", http->n_refused);
	add_by(&text, "timed_out", http->n_timed_out);
	write_process(&text);
	metrics_end(&text);
}

static void answer(struct http_connection *connection, int status, const char *type, struct buf *body)
{
	struct blob *blob = blob_of(body);
	http_answer(connection, &(struct http_answer){status, type, NULL, blob});
	blob_release(blob);
}

static void answer_ready(const struct hook *hook, struct http_connection *connection, bool is_verbose)
{
	const char *why = why_not_ready(hook);
	struct buf body = BUF_INIT;
	if (is_verbose)
		buf_add_format(&body, "[%c]kafka\n", why == NULL ? '+' : '-');
	buf_add_format(&body, "%s\n", why == NULL ? "ok" : why);
	answer(connection, why == NULL ? 200 : 503, "text/plain; charset=utf-8", &body);
}

bool hook_metrics_route(struct hook *hook, struct http_connection *connection, const struct request *request)
{
	struct buf body = BUF_INIT;
	bool is_live = text_equal(request->path, TEXT("/livez")),
	     asks_ready = text_equal(request->path, TEXT("/readyz"));
	if (!is_live && !asks_ready && !text_equal(request->path, TEXT("/metrics")))
		return false;
	if (!http_is_local(connection)) {
		http_answer_error(connection, 403, "only this machine may ask for this");
	} else if (is_live) {
		buf_add_str(&body, "ok\n"); /* the event loop turns: it has just answered */
		answer(connection, 200, "text/plain; charset=utf-8", &body);
	} else if (asks_ready) {
		answer_ready(hook, connection, text_equal(request->query, TEXT("verbose")));
	} else {
		enum metrics_format format = metrics_format_of(request->fields[FIELD_ACCEPT]);
		write_metrics(hook, format, &body);
		answer(connection, 200, metrics_content_type(format), &body);
	}
	return true;
}
