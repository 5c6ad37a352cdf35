#include "adapters/http/health.h"

#include "adapters/metrics/process.h"

static const struct metric memory = {"process_resident_memory_bytes", METRIC_GAUGE, "bytes", "", "Resident memory."},
                           cpu = {"process_cpu_seconds", METRIC_COUNTER, "seconds", "",
                                  "Processor time of all threads."},
                           fds = {"process_open_fds", METRIC_GAUGE, "", "", "Open file descriptors."},
                           start = {"process_start_time_seconds", METRIC_GAUGE, "seconds", "",
                                    "When the process started."};

void http_health_add(struct metrics_text *text, const struct metric *metric, int64_t value)
{
	metrics_begin(text, metric);
	metrics_sample(text, NULL, value);
}

void http_health_add_by(struct metrics_text *text, const char *label, uint64_t value)
{
	const struct text labels[] = {text_of(label)};
	metrics_sample(text, labels, (int64_t)value);
}

void http_health_add_process(struct metrics_text *text)
{
	struct process_values process = process_read();
	http_health_add(text, &memory, process.resident_bytes);
	metrics_begin(text, &cpu);
	metrics_sample_us(text, NULL, process.cpu_us);
	http_health_add(text, &fds, process_open_fds());
	metrics_begin(text, &start);
	metrics_sample_us(text, NULL, process.started_us);
}

static void answer(struct http_connection *connection, int status, const char *type, struct buf *body)
{
	struct blob *blob = blob_of(body);
	http_answer(connection, &(struct http_answer){status, type, NULL, blob});
	blob_release(blob);
}

static void answer_ready(const struct http_health *health, struct http_connection *connection, bool is_verbose)
{
	const char *why = health->why_not_ready(health->context);
	struct buf body = BUF_INIT;
	if (is_verbose)
		buf_add_format(&body, "[%c]%s\n", why == NULL ? '+' : '-', health->condition);
	buf_add_format(&body, "%s\n", why == NULL ? "ok" : why);
	answer(connection, why == NULL ? 200 : 503, "text/plain; charset=utf-8", &body);
}

bool http_health_route(const struct http_health *health, struct http_connection *connection,
                       const struct request *request)
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
		answer_ready(health, connection, text_equal(request->query, TEXT("verbose")));
	} else {
		enum metrics_format format = metrics_format_of(request->fields[FIELD_ACCEPT]);
		health->write_metrics(health->context, format, &body);
		answer(connection, 200, metrics_content_type(format), &body);
	}
	return true;
}
