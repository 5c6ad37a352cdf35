#include "board/metrics.h"

#include "adapters/http/health.h"
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
};

static void begin(struct metrics_text *text, enum row row)
{
	metrics_begin(text, &rows[row]);
}

static void add(struct metrics_text *text, enum row row, int64_t value)
{
	http_health_add(text, &rows[row], value);
}

static void write_metrics(void *context, enum metrics_format format, struct buf *out)
{
	const struct board *board = context;
	struct metrics_text text = {out, format, NULL};
	const struct http_counts *http = http_server_counts(board->http);
	const struct asker_counts now = asker_counts(board->now), lists = asker_counts(board->lists);
	begin(&text, ROW_BUILD);
	http_health_add_by(&text, KPID_VERSION, 1);
	add(&text, ROW_CONNECTIONS, (int64_t)http->n_open);
	add(&text, ROW_STREAMS, (int64_t)http->n_streams);
	begin(&text, ROW_REQUESTS);
	http_health_add_by(&text, "answered", http->n_answered);
	http_health_add_by(&text, "refused", http->n_refused);
	http_health_add_by(&text, "timed_out", http->n_timed_out);
	add(&text, ROW_DROPPED, (int64_t)http->n_streams_dropped);
	add(&text, ROW_SENT, (int64_t)http->n_sent_bytes);
	begin(&text, ROW_QUESTIONS);
	http_health_add_by(&text, "answered", now.n_answered + lists.n_answered);
	http_health_add_by(&text, "failed", now.n_failed + lists.n_failed);
	begin(&text, ROW_DATABASE_READ);
	if (poll_read_us(board->poll) != 0)
		metrics_sample_us(&text, NULL, wall_clock_us() - (monotonic_clock_us() - poll_read_us(board->poll)));
	http_health_add_process(&text);
	metrics_end(&text);
}

static const char *why_not_ready(void *context)
{
	const struct board *board = context;
	bool is_ready = !board->is_stopping && asker_is_ready(board->now) && poll_read_us(board->poll) != 0;
	return is_ready ? NULL : "the database is away, or the board is stopping";
}

bool board_metrics_route(struct board *board, struct http_connection *connection, const struct request *request)
{
	const struct http_health health = {"database", why_not_ready, write_metrics, board};
	return http_health_route(&health, connection, request);
}
