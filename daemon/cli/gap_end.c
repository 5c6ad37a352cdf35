/* kpid gap accept, kpid gap retire: end a gap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gap.h"
#include "cli/json_out.h"
#include "cli/term.h"

struct found_gap {
	int64_t gap_no, expected_offset, low_offset, resume_offset;
	bool has_low_offset;
};

static int fail(const struct pg_sync *sync, const struct gap_request *request, const char *what)
{
	pg_sync_print_error(sync, "%s%s%s %s", request->topic, request->partition == NULL ? "" : "/",
	                    request->partition == NULL ? "" : request->partition, what);
	return CLI_FAILED;
}

static int choose_offset(const struct pg_sync *sync, const struct gap_request *request, struct found_gap *gap)
{
	if (strcmp(request->at, "expected") == 0) {
		gap->resume_offset = gap->expected_offset;
	} else if (strcmp(request->at, "earliest") != 0) {
		gap->resume_offset = strtoll(request->at, NULL, 10);
	} else if (gap->has_low_offset) {
		gap->resume_offset = gap->low_offset;
	} else {
		return fail(sync, request, "has no known first offset; set one with --at OFFSET");
	}
	return CLI_OK;
}

/* Finds the open gap, and locks the partition's row. */
static int find_gap(struct pg_sync *sync, const struct gap_request *request, struct found_gap *gap_out)
{
	const struct pg_param params[GAP_FIND_N_PARAMS] = {
	        [GAP_FIND_PARAM_TOPIC] = pg_param_c_string(request->topic),
	        [GAP_FIND_PARAM_PARTITION] = pg_param_c_string(request->partition),
	};
	PGresult *row = pg_sync_query(sync, "queries/gap_find.sql", params, GAP_FIND_N_PARAMS);
	int status = CLI_OK;
	if (row == NULL)
		return pg_sync_failed(sync);
	if (PQntuples(row) == 0)
		status = fail(sync, request, "was never read");
	else if (!text_same(pg_get_text(row, 0, GAP_FIND_STATE), TEXT("stopped")))
		status = fail(sync, request, "is not stopped");
	else if (PQgetisnull(row, 0, GAP_FIND_GAP_NO))
		status = fail(sync, request, "is stopped, but has no open gap");
	if (status == CLI_OK) {
		*gap_out = (struct found_gap){
		        .gap_no = pg_get_int8(row, 0, GAP_FIND_GAP_NO),
		        .expected_offset = pg_get_int8(row, 0, GAP_FIND_EXPECTED_OFFSET),
		        .low_offset = pg_get_int8(row, 0, GAP_FIND_LOW_OFFSET),
		        .has_low_offset = !PQgetisnull(row, 0, GAP_FIND_LOW_OFFSET),
		};
		status = choose_offset(sync, request, gap_out);
	}
	PQclear(row);
	return status;
}

static int accept_gap(struct pg_sync *sync, const struct gap_request *request, const struct found_gap *gap)
{
	char gap_no[24], offset[24];
	snprintf(gap_no, sizeof(gap_no), "%lld", (long long)gap->gap_no);
	snprintf(offset, sizeof(offset), "%lld", (long long)gap->resume_offset);
	const struct pg_param params[GAP_ACCEPT_N_PARAMS] = {
	        [GAP_ACCEPT_PARAM_TOPIC] = pg_param_c_string(request->topic),
	        [GAP_ACCEPT_PARAM_PARTITION] = pg_param_c_string(request->partition),
	        [GAP_ACCEPT_PARAM_GAP_NO] = pg_param_c_string(gap_no),
	        [GAP_ACCEPT_PARAM_RESUME_OFFSET] = pg_param_c_string(offset),
	        [GAP_ACCEPT_PARAM_BY] = pg_param_c_string(cli_user()),
	};
	PGresult *result = pg_sync_query(sync, "queries/gap_accept.sql", params, GAP_ACCEPT_N_PARAMS);
	PQclear(result);
	return result != NULL && pg_sync_command(sync, "COMMIT") ? CLI_OK : pg_sync_failed(sync);
}

static void print_accepted(const struct cli *cli, const struct gap_request *request, const struct found_gap *gap)
{
	struct buf topic = BUF_INIT;
	int64_t n_lost = gap->resume_offset - gap->expected_offset;
	if (cli->json) {
		json_t *object = json_object();
		json_object_set_new(object, "gap_no", json_integer(gap->gap_no));
		json_object_set_new(object, "topic", json_of_text(text_of(request->topic)));
		json_object_set_new(object, "partition", json_integer(strtoll(request->partition, NULL, 10)));
		json_object_set_new(object, "resumed_at_offset", json_integer(gap->resume_offset));
		json_print(object);
		return;
	}
	term_escape(&topic, text_of(request->topic));
	printf("%s/%s continues at offset %lld", buf_text(&topic).ptr, request->partition,
	       (long long)gap->resume_offset);
	if (n_lost > 0)
		printf("; %lld offset%s skipped", (long long)n_lost, n_lost == 1 ? " is" : "s are");
	else if (n_lost < 0)
		printf("; events that are read twice count once");
	putchar('\n');
	buf_release(&topic);
}

int gap_accept(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics)
{
	struct found_gap gap = {.gap_no = 0};
	(void)topics;
	if (!pg_sync_command(sync, "BEGIN"))
		return pg_sync_failed(sync);
	int status = find_gap(sync, request, &gap);
	if (status == CLI_OK)
		status = accept_gap(sync, request, &gap);
	if (status == CLI_OK)
		print_accepted(sync->cli, request, &gap);
	else
		pg_sync_end(sync);
	return status;
}

/* ---- retire ---- */

static void print_retired(const struct cli *cli, const struct gap_request *request, const PGresult *rows)
{
	struct buf topic = BUF_INIT;
	if (cli->json) {
		json_t *array = json_array();
		for (int row = 0; row < PQntuples(rows); row++)
			json_array_append_new(array, json_integer(pg_get_int4(rows, row, GAP_RETIRE_PARTITION)));
		json_print(
		        json_pack("{s:o, s:o}", "topic", json_of_text(text_of(request->topic)), "partitions", array));
		return;
	}
	term_escape(&topic, text_of(request->topic));
	for (int row = 0; row < PQntuples(rows); row++)
		printf("%s/%d is retired; deadlines no longer wait for it\n", buf_text(&topic).ptr,
		       (int)pg_get_int4(rows, row, GAP_RETIRE_PARTITION));
	buf_release(&topic);
}

int gap_retire(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics)
{
	if (request->partition == NULL && config_topics_find(topics, request->topic) != NULL)
		return fail(sync, request, "is in the configuration; remove it from [topics] and restart first");
	const struct pg_param params[GAP_RETIRE_N_PARAMS] = {
	        [GAP_RETIRE_PARAM_TOPIC] = pg_param_c_string(request->topic),
	        [GAP_RETIRE_PARAM_PARTITION] = pg_param_c_string(request->partition),
	        [GAP_RETIRE_PARAM_BY] = pg_param_c_string(cli_user()),
	};
	PGresult *rows = pg_sync_query(sync, "queries/gap_retire.sql", params, GAP_RETIRE_N_PARAMS);
	if (rows == NULL)
		return pg_sync_failed(sync);
	int status = CLI_OK;
	if (PQntuples(rows) == 0)
		status = fail(sync, request, "has no partition to retire: it was never read or is retired already");
	else
		print_retired(sync->cli, request, rows);
	PQclear(rows);
	return status;
}
