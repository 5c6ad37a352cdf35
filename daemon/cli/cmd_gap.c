/* kpid gap: partitions that stand because messages are missing. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/json_out.h"
#include "cli/pg_sync.h"
#include "cli/table.h"
#include "kpid/base/memory.h"

enum { OPTION_AT = 256 };

struct gap_request {
	char *topic;
	const char *partition; /* within topic's memory; NULL: all */
	const char *at;        /* "earliest", "expected" or a number */
};

/* Who accepts a loss is written down. */
static const char *who(void)
{
	const char *name = getenv("USER");
	if (name != NULL && name[0] != '\0')
		return name;
	const struct passwd *user = getpwuid(geteuid());
	return user == NULL ? "unknown" : user->pw_name;
}

static bool is_number(const char *text)
{
	char *end;
	errno = 0;
	return text[0] >= '0' && text[0] <= '9' && strtoll(text, &end, 10) >= 0 && *end == '\0' && errno == 0;
}

/* Cuts "TOPIC/PARTITION"; without a partition all of it is the topic. */
static void split(struct gap_request *request)
{
	char *slash = strrchr(request->topic, '/');
	if (slash == NULL || slash == request->topic || !is_number(slash + 1))
		return;
	*slash = '\0';
	request->partition = slash + 1;
}

/* ---- list ---- */

enum gap_column {
	GAP_NO,
	GAP_TOPIC,
	GAP_PARTITION,
	GAP_REASON,
	GAP_EXPECTED,
	GAP_LOW,
	GAP_HIGH,
	GAP_DETECTED_AT,
	GAP_ACCEPTED_AT,
	GAP_ACCEPTED_BY,
	GAP_RESUMED_AT
};

static json_t *json_of_offset(const PGresult *rows, int row, int column)
{
	return PQgetisnull(rows, row, column) ? json_null() : json_integer(pg_get_int8(rows, row, column));
}

static void print_json(const PGresult *rows)
{
	json_t *array = json_array();
	for (int row = 0; row < PQntuples(rows); row++) {
		json_t *object = json_object();
		json_object_set_new(object, "gap_no", json_of_offset(rows, row, GAP_NO));
		json_object_set_new(object, "topic", json_of_text(pg_get_text(rows, row, GAP_TOPIC)));
		json_object_set_new(object, "partition", json_integer(pg_get_int4(rows, row, GAP_PARTITION)));
		json_object_set_new(object, "reason", json_of_text(pg_get_text(rows, row, GAP_REASON)));
		json_object_set_new(object, "expected_offset", json_of_offset(rows, row, GAP_EXPECTED));
		json_object_set_new(object, "low_offset", json_of_offset(rows, row, GAP_LOW));
		json_object_set_new(object, "high_offset", json_of_offset(rows, row, GAP_HIGH));
		json_object_set_new(object, "detected_at", json_of_time(pg_get_time(rows, row, GAP_DETECTED_AT)));
		json_object_set_new(object, "accepted_at", json_of_time(pg_get_time(rows, row, GAP_ACCEPTED_AT)));
		json_object_set_new(object, "accepted_by", json_of_text(pg_get_text(rows, row, GAP_ACCEPTED_BY)));
		json_object_set_new(object, "resumed_at_offset", json_of_offset(rows, row, GAP_RESUMED_AT));
		json_array_append_new(array, object);
	}
	json_print(array);
}

static void add_offset(struct table *table, const PGresult *rows, int row, int column)
{
	if (PQgetisnull(rows, row, column))
		table_text(table, TERM_PLAIN, TEXT("–"));
	else
		table_format(table, TERM_PLAIN, "%lld", (long long)pg_get_int8(rows, row, column));
}

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text topic = pg_get_text(rows, row, GAP_TOPIC), by = pg_get_text(rows, row, GAP_ACCEPTED_BY);
	bool open = PQgetisnull(rows, row, GAP_ACCEPTED_AT);
	table_format(table, open ? TERM_RED : TERM_DIM, open ? "open" : "accepted");
	table_format(table, TERM_PLAIN, "%.*s/%d", (int)topic.len, topic.ptr,
	             (int)pg_get_int4(rows, row, GAP_PARTITION));
	add_offset(table, rows, row, GAP_EXPECTED);
	add_offset(table, rows, row, GAP_LOW);
	add_offset(table, rows, row, GAP_HIGH);
	table_time(table, TERM_PLAIN, pg_get_time(rows, row, GAP_DETECTED_AT) / US_PER_SECOND * US_PER_SECOND);
	add_offset(table, rows, row, GAP_RESUMED_AT);
	table_text(table, TERM_PLAIN, text_is_absent(by) ? TEXT("–") : by);
	table_text(table, TERM_PLAIN, pg_get_text(rows, row, GAP_REASON));
}

static void print_table(const PGresult *rows)
{
	static const struct table_column columns[] = {
	        {"gap", false, false},    {"partition", false, true},   {"expected", true, false},
	        {"first", true, false},   {"end", true, false},         {"found at (UTC)", false, false},
	        {"resumed", true, false}, {"accepted by", false, true}, {"what was found", false, true}};
	struct term term;
	struct table table;
	struct buf out = BUF_INIT;
	if (PQntuples(rows) == 0) {
		puts("no gaps");
		return;
	}
	term_init(&term);
	term.columns = term.is_tty ? term.columns : 160;
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (int row = 0; row < PQntuples(rows); row++)
		add_row(&table, rows, row);
	table_write(&table, &term, &out);
	fwrite(out.data, 1, out.len_bytes, stdout);
	table_release(&table);
	buf_release(&out);
}

static int list(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics)
{
	(void)request, (void)topics;
	PGresult *rows = pg_sync_query(sync, "queries/gap_list.sql", NULL, 0);
	if (rows == NULL)
		return pg_sync_failed(sync);
	if (sync->cli->json)
		print_json(rows);
	else
		print_table(rows);
	PQclear(rows);
	return CLI_OK;
}

/* ---- accept ---- */

struct found_gap {
	int64_t gap_no, expected_offset, low_offset, resume_offset;
	bool has_low_offset;
};

static int say(const struct pg_sync *sync, const struct gap_request *request, const char *what)
{
	pg_sync_say(sync, "%s%s%s %s", request->topic, request->partition == NULL ? "" : "/",
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
		return say(sync, request, "has no known first offset: say where to go on with --at OFFSET");
	}
	return CLI_OK;
}

/* Locks the partition's row. */
static int find_gap(struct pg_sync *sync, const struct gap_request *request, struct found_gap *gap_out)
{
	const struct pg_param params[] = {pg_param_c_string(request->topic), pg_param_c_string(request->partition)};
	PGresult *row = pg_sync_query(sync, "queries/gap_find.sql", params, 2);
	int status = CLI_OK;
	if (row == NULL)
		return pg_sync_failed(sync);
	if (PQntuples(row) == 0)
		status = say(sync, request, "is no partition that was ever read");
	else if (!text_same(pg_get_text(row, 0, 0), TEXT("stopped")))
		status = say(sync, request, "is not stopped");
	else if (PQgetisnull(row, 0, 2))
		status = say(sync, request, "is stopped, but has no open gap");
	if (status == CLI_OK) {
		*gap_out = (struct found_gap){
		        .gap_no = pg_get_int8(row, 0, 2),
		        .expected_offset = pg_get_int8(row, 0, 3),
		        .low_offset = pg_get_int8(row, 0, 4),
		        .has_low_offset = !PQgetisnull(row, 0, 4),
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
	const struct pg_param params[] = {pg_param_c_string(request->topic), pg_param_c_string(request->partition),
	                                  pg_param_c_string(gap_no), pg_param_c_string(offset),
	                                  pg_param_c_string(who())};
	PGresult *result = pg_sync_query(sync, "queries/gap_accept.sql", params, 5);
	PQclear(result);
	return result != NULL && pg_sync_command(sync, "COMMIT") ? CLI_OK : pg_sync_failed(sync);
}

static void tell_accepted(const struct cli *cli, const struct gap_request *request, const struct found_gap *gap)
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
	printf("%s/%s goes on at offset %lld", buf_text(&topic).ptr, request->partition, (long long)gap->resume_offset);
	if (n_lost > 0)
		printf("; %lld offset%s passed over", (long long)n_lost, n_lost == 1 ? " is" : "s are");
	else if (n_lost < 0)
		printf("; what comes again counts once");
	putchar('\n');
	buf_release(&topic);
}

static int accept_at(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics)
{
	struct found_gap gap = {.gap_no = 0};
	(void)topics;
	if (!pg_sync_command(sync, "BEGIN"))
		return pg_sync_failed(sync);
	int status = find_gap(sync, request, &gap);
	if (status == CLI_OK)
		status = accept_gap(sync, request, &gap);
	if (status == CLI_OK)
		tell_accepted(sync->cli, request, &gap);
	else
		pg_sync_end(sync);
	return status;
}

/* ---- retire ---- */

static bool is_read(const struct config_topics *topics, const char *topic)
{
	for (size_t i = 0; i < topics->n; i++)
		if (strcmp(topics->items[i].name, topic) == 0)
			return true;
	return false;
}

static void tell_retired(const struct cli *cli, const struct gap_request *request, const PGresult *rows)
{
	struct buf topic = BUF_INIT;
	if (cli->json) {
		json_t *array = json_array();
		for (int row = 0; row < PQntuples(rows); row++)
			json_array_append_new(array, json_integer(pg_get_int4(rows, row, 0)));
		json_print(
		        json_pack("{s:o, s:o}", "topic", json_of_text(text_of(request->topic)), "partitions", array));
		return;
	}
	term_escape(&topic, text_of(request->topic));
	for (int row = 0; row < PQntuples(rows); row++)
		printf("%s/%d is finished and holds nothing back\n", buf_text(&topic).ptr,
		       (int)pg_get_int4(rows, row, 0));
	buf_release(&topic);
}

static int retire(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics)
{
	if (request->partition == NULL && is_read(topics, request->topic))
		return say(sync, request, "is in the configuration: take it out of [topics] and restart first");
	const struct pg_param params[] = {pg_param_c_string(request->topic), pg_param_c_string(request->partition),
	                                  pg_param_c_string(who())};
	PGresult *rows = pg_sync_query(sync, "queries/gap_retire.sql", params, 3);
	if (rows == NULL)
		return pg_sync_failed(sync);
	int status = CLI_OK;
	if (PQntuples(rows) == 0)
		status = say(sync, request, "has no partition to retire: it was never read, or is finished already");
	else
		tell_retired(sync->cli, request, rows);
	PQclear(rows);
	return status;
}

/* ---- which ---- */

typedef int (*gap_action)(struct pg_sync *sync, const struct gap_request *request, const struct config_topics *topics);

static const struct {
	const char *name;
	gap_action run;
	int n_arguments;
	bool needs_partition, takes_at;
} actions[] = {
        {"list", list, 0, false, false}, {"accept", accept_at, 1, true, true}, {"retire", retire, 1, false, false}};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

static int run(const struct cli *cli, gap_action action, const struct gap_request *request)
{
	struct kpid_config *config;
	struct pg_sync sync;
	int status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	if (pg_sync_open(&sync, cli, &config->postgres))
		status = action(&sync, request, &config->topics);
	else
		status = pg_sync_failed(&sync);
	pg_sync_close(&sync);
	kpid_config_free(config);
	return status;
}

static bool is_place(const char *at)
{
	return strcmp(at, "earliest") == 0 || strcmp(at, "expected") == 0 || is_number(at);
}

int cmd_gap(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"at", required_argument, NULL, OPTION_AT}, {NULL, 0, NULL, 0}};
	struct gap_request request = {.at = NULL};
	int option, status;
	size_t i = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0)
		request.at = optarg;
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "list, accept or retire?");
	while (i < N_ACTIONS && strcmp(actions[i].name, argv[optind]) != 0)
		i++;
	if (i == N_ACTIONS)
		return cli_usage_error(cli, "it is list, accept or retire, not %s", argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, actions[i].n_arguments, actions[i].n_arguments))
		return CLI_USAGE;
	if (request.at != NULL && !actions[i].takes_at)
		return cli_usage_error(cli, "%s takes no --at", actions[i].name);
	if (request.at != NULL && !is_place(request.at))
		return cli_usage_error(cli, "--at is earliest, expected or an offset, not %s", request.at);
	request.at = request.at == NULL ? "earliest" : request.at;
	request.topic = actions[i].n_arguments == 0 ? NULL : mem_strdup(argv[optind]);
	if (request.topic != NULL)
		split(&request);
	status = actions[i].needs_partition && request.partition == NULL
	                 ? cli_usage_error(cli, "%s needs TOPIC/PARTITION", actions[i].name)
	                 : run(cli, actions[i].run, &request);
	free(request.topic);
	return status;
}
