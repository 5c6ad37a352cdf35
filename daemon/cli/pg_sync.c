#include "cli/pg_sync.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/term.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

#define MAX_PARAMS 8

/* The first line of PostgreSQL's words; it may have none, where libpq gave up before it asked. */
static void set_error(struct pg_sync *sync, const char *message)
{
	buf_clear(&sync->error);
	buf_add(&sync->error, message, strcspn(message, "\n"));
	if (sync->error.len_bytes == 0)
		buf_add_str(&sync->error, "libpq could not ask PostgreSQL, and does not say why");
}

/* What to do about errors that have an obvious remedy. */
static void add_remedy(struct pg_sync *sync, const PGresult *result)
{
	static const char *const remedies[][2] = {
	        {"42P01", "run `kpid migrate up` first"}, /* undefined_table */
	        {"3F000", "run `kpid migrate up` first"}, /* invalid_schema_name */
	        {"42501", "connect as a member of kpid_writer (report views need only kpid_reader)"},
	};
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	for (size_t i = 0; state != NULL && i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (strcmp(state, remedies[i][0]) == 0)
			buf_add_format(&sync->error, " (%s)", remedies[i][1]);
}

static void on_notice(void *context, const char *message)
{
	(void)context;
	log_warning("PostgreSQL: %.*s", (int)strcspn(message, "\n"), message);
}

bool pg_sync_open(struct pg_sync *sync, const struct cli *cli, const struct config_pairs *pairs)
{
	enum { N_DEFAULTS = 3 };
	*sync = (struct pg_sync){.cli = cli, .error = BUF_INIT};
	struct buf name = BUF_INIT;
	buf_add_format(&name, "kpid %s", cli->command->name);
	const char **keywords = mem_zalloc((pairs->n + N_DEFAULTS + 1) * sizeof(*keywords));
	const char **values = mem_zalloc((pairs->n + N_DEFAULTS + 1) * sizeof(*values));
	/* Of a keyword that comes twice the later one counts: what the configuration says wins. */
	keywords[0] = "fallback_application_name", values[0] = name.data;
	keywords[1] = "client_encoding", values[1] = "UTF8";
	keywords[2] = "connect_timeout", values[2] = getenv("PGCONNECT_TIMEOUT") == NULL ? "10" : NULL;
	for (size_t i = 0; i < pairs->n; i++) {
		keywords[N_DEFAULTS + i] = pairs->items[i].name;
		values[N_DEFAULTS + i] = pairs->items[i].value;
	}
	sync->conn = PQconnectdbParams(keywords, values, 0);
	free(keywords);
	free(values);
	buf_release(&name);
	if (!pg_sync_is_connected(sync)) {
		set_error(sync, PQerrorMessage(sync->conn));
		return false;
	}
	PQsetNoticeProcessor(sync->conn, on_notice, NULL);
	return true;
}

void pg_sync_close(struct pg_sync *sync)
{
	PQfinish(sync->conn);
	buf_release(&sync->error);
	sync->conn = NULL;
}

bool pg_sync_is_connected(const struct pg_sync *sync)
{
	return PQstatus(sync->conn) == CONNECTION_OK;
}

bool pg_sync_reconnect(struct pg_sync *sync)
{
	PQreset(sync->conn);
	if (pg_sync_is_connected(sync))
		return true;
	set_error(sync, PQerrorMessage(sync->conn));
	return false;
}

/* What the functions of schema report raise: see sql/migrations/0007_operators.sql. */
static bool is_refusal(const char *sqlstate)
{
	static const char *const states[] = {"P0002", "55000", "55P03", "23514", "22007", "22008", "22P02"};
	for (size_t i = 0; sqlstate != NULL && i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(sqlstate, states[i]) == 0)
			return true;
	return false;
}

static PGresult *check(struct pg_sync *sync, PGresult *result)
{
	if (pg_result_ok(result))
		return result;
	set_error(sync, PQerrorMessage(sync->conn));
	add_remedy(sync, result);
	sync->refused = is_refusal(PQresultErrorField(result, PG_DIAG_SQLSTATE));
	if (sync->refused)
		set_error(sync, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	PQclear(result);
	return NULL;
}

PGresult *pg_sync_query(struct pg_sync *sync, const char *file, const struct pg_param *params, int n_params)
{
	const char *values[MAX_PARAMS];
	int lengths[MAX_PARAMS], formats[MAX_PARAMS];
	for (int i = 0; i < n_params && i < MAX_PARAMS; i++) {
		values[i] = params[i].value;
		lengths[i] = params[i].len_bytes;
		formats[i] = params[i].binary;
	}
	return check(sync, PQexecParams(sync->conn, pg_sql_text(file), n_params, NULL, values, lengths, formats, 1));
}

bool pg_sync_command(struct pg_sync *sync, const char *sql)
{
	PGresult *result = check(sync, PQexec(sync->conn, sql));
	PQclear(result);
	return result != NULL;
}

bool pg_sync_begin_snapshot(struct pg_sync *sync)
{
	return pg_sync_command(sync, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

void pg_sync_end(struct pg_sync *sync)
{
	/* If it fails, the connection is gone and the transaction with it. */
	PQclear(PQexec(sync->conn, "ROLLBACK"));
}

void pg_sync_say(const struct pg_sync *sync, const char *format, ...)
{
	char line[1024];
	struct buf escaped = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	term_escape(&escaped, text_of(line));
	fprintf(stderr, "kpid %s: %s\n", sync->cli->command->name, buf_text(&escaped).ptr);
	buf_release(&escaped);
}

int pg_sync_failed(const struct pg_sync *sync)
{
	pg_sync_say(sync, "%s", buf_text(&sync->error).ptr);
	return sync->refused ? CLI_FAILED : CLI_NO_POSTGRES;
}
