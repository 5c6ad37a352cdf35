#include "board/metrics.h"

#include "adapters/metrics/process.h"
#include "kpid/base/clock.h"
#include "kpid/core/metrics.h"

enum row {
	ROW_BUILD,
	ROW_CONNECTIONS,
	ROW_STREAMS,
	ROW_REQUESTS,
	ROW_DROPPED,
	ROW_SENT,
	ROW_QUESTIONS,
	ROW_DATABASE_READ,
	ROW_MEMORY,
	ROW_CPU,
	ROW_FDS,
	ROW_START,
	ROW_N
};

/* docs/board.md lists them; tests/integration/test_board.py compares. */
static const struct metric rows[ROW_N] = {
        [ROW_BUILD] = {"kpid_build", METRIC_INFO, "", "version", "The program."},
        [ROW_CONNECTIONS] = {"kpid_board_connections", METRIC_GAUGE, "", "", "Open connections."},
        [ROW_STREAMS] = {"kpid_board_streams", METRIC_GAUGE, "", "", "Live pages."},
        [ROW_REQUESTS] = {"kpid_board_requests", METRIC_COUNTER, "", "outcome",
                          "Requests. refused: answered with an error. timed_out: closed because they took too long."},
        [ROW_DROPPED] = {"kpid_board_streams_dropped", METRIC_COUNTER, "", "",
                         "Live pages that were disconnected because they did not take what was sent."},
        [ROW_SENT] = {"kpid_board_sent_bytes", METRIC_COUNTER, "bytes", "", "Bytes of answers and events."},
        [ROW_QUESTIONS] = {"kpid_board_questions", METRIC_COUNTER, "", "outcome",
                           "Questions to the database. failed: refused, timed out, or the database was away."},
        [ROW_DATABASE_READ] = {"kpid_board_database_read_timestamp_seconds", METRIC_GAUGE, "seconds", "",
                               "When the database was read last. Absent before the first time."},
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

static void write_metrics(const struct board *board, enum metrics_format format, struct buf *out)
{
	struct metrics_text text = {out, format, NULL};
	const struct http_counts *http = http_server_counts(board->http);
	const struct asker_counts now = asker_counts(board->now), lists = asker_counts(board->lists);
	begin(&text, ROW_BUILD);
	add_by(&text, KPID_VERSION, 1);
	add(&text, ROW_CONNECTIONS, (int64_t)http->n_open);
	add(&text, ROW_STREAMS, (int64_t)http->n_streams);
	begin(&text, ROW_REQUESTS);
	add_by(&text, "answered", http->n_answered);
	add_by(&text, "refused", http->n_refused);
	add_by(&text, "timed_out", http->n_timed_out);
	add(&text, ROW_DROPPED, (int64_t)http->n_streams_dropped);
	add(&text, ROW_SENT, (int64_t)http->n_sent_bytes);
	begin(&text, ROW_QUESTIONS);
	add_by(&text, "answered", now.n_answered + lists.n_answered);
	add_by(&text, "failed", now.n_failed + lists.n_failed);
	begin(&text, ROW_DATABASE_READ);
	if (poll_read_us(board->poll) != 0)
		metrics_sample_us(&text, NULL, wall_clock_us() - (monotonic_clock_us() - poll_read_us(board->poll)));
	write_process(&text);
	metrics_end(&text);
}

static void answer(struct http_connection *connection, int status, const char *type, struct buf *body)
{
	struct blob *blob = blob_of(body);
	http_answer(connection, &(struct http_answer){status, type, NULL, blob});
	blob_release(blob);
}

static bool is_ready(const struct board *board)
{
	return !board->is_stopping && asker_is_ready(board->now) && poll_read_us(board->poll) != 0;
}

bool board_metrics_route(struct board *board, struct http_connection *connection, const struct request *request)
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
		if (text_equal(request->query, TEXT("verbose")))
			buf_add_format(&body, "[%c]database\n", is_ready(board) ? '+' : '-');
		buf_add_str(&body, is_ready(board) ? "ok\n" : "the database is away, or the board is stopping\n");
		answer(connection, is_ready(board) ? 200 : 503, "text/plain; charset=utf-8", &body);
	} else {
		enum metrics_format format = metrics_format_of(request->fields[FIELD_ACCEPT]);
		write_metrics(board, format, &body);
		answer(connection, 200, metrics_content_type(format), &body);
	}
	return true;
}
