/* kpid federate: SQL for a database in which all shards are read as one. The servers come from the file of the user;
 * the views are written by sql/coordinator/report.sql, from what the shards have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/file_text.h"
#include "cli/pg_sync.h"
#include "kpid/base/memory.h"
#include "kpid/port/sql_files.h"

enum { SHARDS = 256, APPLY, MOST_SHARDS = 1024 };

struct federation {
	const struct cli *cli;
	const char *path;
	PQconninfoOption **shards; /* by index */
	size_t n, capacity;
	const char *by; /* "ticket" or "partition"; static text */
	struct buf sql;
};

static int line_error(const struct federation *federation, int line, const char *what)
{
	fprintf(stderr, "kpid %s: %s:%d: %s\n", federation->cli->command->name, federation->path, line, what);
	return CLI_CONFIG;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	return NULL;
}

static bool same(const char *a, const char *b)
{
	return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* PL/Proxy knows one user for all of its servers. */
static bool has_user_of_first(const struct federation *federation, const PQconninfoOption *shard)
{
	const PQconninfoOption *first = federation->shards[0];
	return same(value_of(first, "user"), value_of(shard, "user")) &&
	       same(value_of(first, "password"), value_of(shard, "password"));
}

static int add_shard(struct federation *federation, int line_no, const char *line)
{
	char *why = NULL;
	PQconninfoOption *shard = PQconninfoParse(line, &why);
	if (shard == NULL) {
		int status = line_error(federation, line_no, why == NULL ? "not a connection string" : why);
		PQfreemem(why);
		return status;
	}
	if (federation->n == MOST_SHARDS) {
		PQconninfoFree(shard);
		return line_error(federation, line_no, "too many shards; there may be 1024");
	}
	federation->shards = mem_grow(federation->shards, &federation->capacity, federation->n + 1,
	                              sizeof(PQconninfoOption *)); /* NOLINT(bugprone-sizeof-expression) */
	federation->shards[federation->n++] = shard;
	if (value_of(shard, "user") == NULL)
		return line_error(federation, line_no, "name the user");
	if (!has_user_of_first(federation, shard))
		return line_error(federation, line_no, "the user and its password must be the same for all shards");
	return CLI_OK;
}

static int read_shards(struct federation *federation)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct buf text = BUF_INIT;
	int status = CLI_OK, line_no = 0;
	if (!file_text_read(federation->path, &errors, &text)) {
		cli_print_errors(&errors);
		status = CLI_CONFIG;
	}
	config_errors_release(&errors);
	char *rest = text.data, *line;
	while (status == CLI_OK && (line = strsep(&rest, "\n")) != NULL) {
		line_no++;
		line += strspn(line, " \t\r");
		if (*line != '\0' && *line != '#')
			status = add_shard(federation, line_no, line);
	}
	buf_release(&text);
	if (status == CLI_OK && federation->n == 0)
		status = line_error(federation, 1, "it names no shard");
	return status;
}

/* ---- the shards ---- */

static void pairs_of(const PQconninfoOption *shard, struct config_pairs *pairs_out)
{
	for (; shard->keyword != NULL; shard++) {
		if (shard->val == NULL)
			continue;
		pairs_out->items =
		        mem_grow(pairs_out->items, &pairs_out->capacity, pairs_out->n + 1, sizeof(*pairs_out->items));
		pairs_out->items[pairs_out->n++] = (struct config_pair){.name = shard->keyword, .value = shard->val};
	}
}

/* Checks that a database is the shard that it should be. */
static int check_shard(struct federation *federation, struct pg_sync *sync, size_t index)
{
	static const char *const ways[] = {"ticket", "partition"};
	PGresult *row = pg_sync_query(sync, "queries/federate_shard.sql", NULL, 0);
	if (row == NULL)
		return pg_sync_failed(sync);
	struct text is = pg_get_text(row, 0, FEDERATE_SHARD_SHARD);
	bool right = false;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && !right; i++) {
		struct buf wanted = BUF_INIT;
		buf_add_format(&wanted, "%zu of %zu by %s", index, federation->n, ways[i]);
		right = text_same(is, buf_text(&wanted)) && (federation->by == NULL || federation->by == ways[i]);
		if (right)
			federation->by = ways[i];
		buf_release(&wanted);
	}
	if (!right)
		pg_sync_print_error(sync, "the database of shard %zu is shard %.*s; it should be %zu of %zu by %s",
		                    index, text_is_absent(is) ? 4 : (int)is.len, text_is_absent(is) ? "none" : is.ptr,
		                    index, federation->n, federation->by == NULL ? ways[0] : federation->by);
	PQclear(row);
	return right ? CLI_OK : CLI_FAILED;
}

static int add_comments(struct federation *federation, struct pg_sync *sync)
{
	PGresult *rows = pg_sync_query(sync, "queries/federate_comments.sql", NULL, 0);
	if (rows == NULL)
		return pg_sync_failed(sync);
	for (int row = 0; row < PQntuples(rows); row++) {
		buf_add_text(&federation->sql, pg_get_text(rows, row, FEDERATE_COMMENTS_STATEMENT));
		buf_add_str(&federation->sql, "\n");
	}
	PQclear(rows);
	return CLI_OK;
}

/* action: what to do with the connection to each of the first n shards. */
static int with_shards(struct federation *federation, size_t n,
                       int (*action)(struct federation *federation, struct pg_sync *sync, size_t index))
{
	int status = CLI_OK;
	for (size_t i = 0; i < n && status == CLI_OK; i++) {
		struct config_pairs pairs = {NULL, 0, 0};
		struct pg_sync sync;
		pairs_of(federation->shards[i], &pairs);
		if (pg_sync_open(&sync, federation->cli, &pairs)) {
			status = action(federation, &sync, i);
		} else {
			status = pg_sync_failed(&sync);
		}
		pg_sync_close(&sync);
		free(pairs.items); /* names and values are borrowed */
	}
	return status;
}

static int comment(struct federation *federation, struct pg_sync *sync, size_t index)
{
	(void)index;
	return add_comments(federation, sync);
}

/* ---- the SQL ---- */

static void add_file(struct buf *sql, const char *name)
{
	for (const struct sql_file *file = sql_files; file->name != NULL; file++)
		if (strcmp(file->name, name) == 0)
			buf_add_str(sql, file->text);
	buf_add_str(sql, "\n");
}

/* Appends 'text' as a literal of SQL, under standard_conforming_strings. */
static void add_literal(struct buf *sql, const char *text)
{
	buf_add_str(sql, "'");
	for (; *text != '\0'; text++)
		buf_add_format(sql, *text == '\'' ? "''" : "%c", *text);
	buf_add_str(sql, "'");
}

static bool is_of_user(const char *keyword)
{
	static const char *const names[] = {"user", "password", "sslkey", "sslcert", "sslpassword"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(keyword, names[i]) == 0)
			return true;
	return false;
}

/* A shard that is gone or cut off must be an error soon, not a query that hangs. */
static const struct {
	const char *keyword, *value;
} limits[] = {{"connect_timeout", "5"},  {"keepalives_idle", "5"},      {"keepalives_interval", "2"},
              {"keepalives_count", "3"}, {"tcp_user_timeout", "10000"}, {NULL, NULL}};

static void add_server(struct federation *federation, size_t index)
{
	struct buf *sql = &federation->sql;
	const PQconninfoOption *shard = federation->shards[index];
	const char *password = value_of(shard, "password");
	buf_add_format(sql,
	               "CREATE SERVER kpid_shard_%zu FOREIGN DATA WRAPPER postgres_fdw OPTIONS (async_capable 'true', "
	               "fetch_size '1000'",
	               index);
	for (size_t i = 0; limits[i].keyword != NULL; i++)
		if (value_of(shard, limits[i].keyword) == NULL)
			buf_add_format(sql, ", %s '%s'", limits[i].keyword, limits[i].value);
	for (const PQconninfoOption *option = shard; option->keyword != NULL; option++) {
		if (option->val == NULL || is_of_user(option->keyword))
			continue;
		buf_add_format(sql, ", %s ", option->keyword);
		add_literal(sql, option->val);
	}
	buf_add_format(sql, ");\nCREATE USER MAPPING FOR kpid_owner SERVER kpid_shard_%zu OPTIONS (", index);
	const char *between = "";
	for (const PQconninfoOption *option = shard; option->keyword != NULL; option++) {
		if (option->val == NULL || !is_of_user(option->keyword))
			continue;
		buf_add_format(sql, "%s%s ", between,
		               strcmp(option->keyword, "user") == 0 ? "\"user\"" : option->keyword);
		add_literal(sql, option->val);
		between = ", ";
	}
	buf_add_format(sql, "%s);\n", password == NULL ? ", password_required 'false'" : "");
}

static void add_connect_value(struct buf *text, const char *keyword, const char *value)
{
	buf_add_format(text, "%s%s='", text->len_bytes == 0 ? "" : " ", keyword);
	for (; *value != '\0'; value++)
		buf_add_format(text, *value == '\'' || *value == '\\' ? "\\%c" : "%c", *value);
	buf_add_str(text, "'");
}

/* The same servers once more, for PL/Proxy. */
static void add_cluster(struct federation *federation)
{
	struct buf *sql = &federation->sql;
	buf_add_str(
	        sql,
	        "CREATE SERVER kpid_shards FOREIGN DATA WRAPPER plproxy OPTIONS (modular_mapping '1', query_timeout "
	        "'30'");
	for (size_t i = 0; i < federation->n; i++) {
		struct buf place = BUF_INIT;
		for (const PQconninfoOption *option = federation->shards[i]; option->keyword != NULL; option++) {
			if (option->val == NULL || strcmp(option->keyword, "user") == 0 ||
			    strcmp(option->keyword, "password") == 0)
				continue;
			add_connect_value(&place, option->keyword, option->val);
		}
		for (size_t j = 0; limits[j].keyword != NULL; j++)
			if (value_of(federation->shards[i], limits[j].keyword) == NULL)
				add_connect_value(&place, limits[j].keyword, limits[j].value);
		buf_add_format(sql, ", p%zu ", i);
		add_literal(sql, buf_text(&place).ptr == NULL ? "" : buf_text(&place).ptr);
		buf_release(&place);
	}
	buf_add_str(sql, ");\nGRANT USAGE ON FOREIGN SERVER kpid_shards TO kpid_owner;\n"
	                 "CREATE USER MAPPING FOR kpid_owner SERVER kpid_shards OPTIONS (\"user\" ");
	add_literal(sql, value_of(federation->shards[0], "user"));
	const char *password = value_of(federation->shards[0], "password");
	if (password != NULL) {
		buf_add_str(sql, ", password ");
		add_literal(sql, password);
	}
	buf_add_str(sql, ");\n");
}

static int write_sql(struct federation *federation)
{
	struct buf *sql = &federation->sql;
	buf_add_str(sql, "BEGIN;\n");
	add_file(sql, "coordinator/prepare.sql");
	for (size_t i = 0; i < federation->n; i++)
		add_server(federation, i);
	add_cluster(federation);
	buf_add_format(sql,
	               "CREATE FUNCTION kpid_shards.count() RETURNS integer LANGUAGE sql IMMUTABLE RETURN %zu;\n"
	               "CREATE FUNCTION kpid_shards.shared_by() RETURNS text LANGUAGE sql IMMUTABLE RETURN '%s';\n"
	               "ALTER FUNCTION kpid_shards.count() OWNER TO kpid_owner;\n"
	               "ALTER FUNCTION kpid_shards.shared_by() OWNER TO kpid_owner;\n\n",
	               federation->n, federation->by);
	add_file(sql, "coordinator/report.sql");
	int status = with_shards(federation, 1, comment);
	buf_add_str(sql, "COMMIT;\n");
	return status;
}

static int apply(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	const struct federation *federation = context;
	(void)config;
	if (!pg_sync_command(sync, federation->sql.data))
		return pg_sync_failed(sync);
	printf("%zu shards are read as one in this database: see report.shard_status\n", federation->n);
	return CLI_OK;
}

static void release(struct federation *federation)
{
	for (size_t i = 0; i < federation->n; i++)
		PQconninfoFree(federation->shards[i]);
	free(federation->shards);
	buf_release(&federation->sql);
}

int cmd_federate(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
	        {"shards", required_argument, NULL, SHARDS}, {"apply", no_argument, NULL, APPLY}, {NULL, 0, NULL, 0}};
	struct federation federation = {.cli = cli, .sql = BUF_INIT};
	bool applies = false;
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (option == SHARDS)
			federation.path = optarg;
		else if (option == APPLY)
			applies = true;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	if (federation.path == NULL)
		return cli_usage_error(cli, "--shards FILE is missing: one line per shard, how to connect to it");
	cli->needed_role = "kpid_reader";
	status = read_shards(&federation);
	if (status == CLI_OK)
		status = with_shards(&federation, federation.n, check_shard);
	if (status == CLI_OK)
		status = write_sql(&federation);
	if (status == CLI_OK && applies)
		status = pg_sync_run(cli, apply, &federation);
	else if (status == CLI_OK)
		fputs(federation.sql.data, stdout);
	release(&federation);
	return status;
}
