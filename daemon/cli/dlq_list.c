/* kpid dlq list */
#include <stdio.h>

#include "cli/dlq.h"
#include "cli/row_list.h"

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text topic = pg_get_text(rows, row, DLQ_LIST_TOPIC);
	table_format(table, TERM_PLAIN, "%.*s/%d/%lld", (int)topic.len, topic.ptr,
	             (int)pg_get_int4(rows, row, DLQ_LIST_PARTITION),
	             (long long)pg_get_int8(rows, row, DLQ_LIST_OFFSET));
	table_text(table, TERM_YELLOW, pg_get_text(rows, row, DLQ_LIST_REASON));
	table_seconds(table, TERM_PLAIN, pg_get_time(rows, row, DLQ_LIST_READ_AT));
	table_text(table, TERM_PLAIN, PQgetisnull(rows, row, DLQ_LIST_REQUEUED_AT) ? TEXT("") : TEXT("yes"));
	table_text(table, TERM_PLAIN, pg_get_text(rows, row, DLQ_LIST_DETAIL));
}

static const struct table_column columns[] = {{"topic/partition/offset", false, true},
                                              {"reason", false, false},
                                              {"read at (UTC)", false, false},
                                              {"requeued", false, false},
                                              {"detail", false, true}};

static const struct row_list list = {"queries/dlq_list.sql", "no dead letters", columns,
                                     sizeof(columns) / sizeof(columns[0]), add_row};

static void print_rest(int64_t n_shown, int64_t n_all)
{
	struct buf out = BUF_INIT;
	buf_add_str(&out, "  … the latest ");
	term_count(&out, n_shown);
	buf_add_str(&out, " of ");
	term_count(&out, n_all);
	buf_add_str(&out, "; --limit shows more");
	puts(out.data);
	buf_release(&out);
}

int dlq_list(struct pg_sync *sync, const struct dlq_request *request)
{
	const struct pg_param params[DLQ_LIST_N_PARAMS] = {
	        [DLQ_LIST_PARAM_REASON] = pg_param_c_string(request->reason),
	        [DLQ_LIST_PARAM_TOPIC] = pg_param_c_string(request->topic),
	        [DLQ_LIST_PARAM_LIMIT] = pg_param_c_string(request->limit),
	};
	PGresult *rows = pg_sync_query(sync, list.query, params, DLQ_LIST_N_PARAMS);
	PGresult *count =
	        rows == NULL ? NULL : pg_sync_query(sync, "queries/dlq_count.sql", params, DLQ_COUNT_N_PARAMS);
	int status = count == NULL ? pg_sync_failed(sync) : CLI_OK;
	if (count != NULL) {
		row_list_print_rows(sync->cli, &list, rows);
		if (!sync->cli->json && pg_get_int8(count, 0, DLQ_COUNT_N) > PQntuples(rows))
			print_rest(PQntuples(rows), pg_get_int8(count, 0, DLQ_COUNT_N));
	}
	PQclear(count);
	PQclear(rows);
	return status;
}
