#include "cli/pg_sync.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/error_text.h"
#include "cli/term.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum { POOLER_LOOKS = 3 };

#define QUICK_US (3 * US_PER_SECOND) /* a connection that fails sooner was refused and did not time out */

static const char *needed_role(const struct pg_sync *sync)
{
	return sync->cli->needed_role == NULL ? "kpid_writer" : sync->cli->needed_role;
}

static void set_error(struct pg_sync *sync, const char *message, const char *sqlstate)
{
	buf_clear(&sync->error);
	pg_add_message(&sync->error, message);
	pg_add_remedy(&sync->error, sqlstate, PQuser(sync->conn), needed_role(sync));
	sync->error_class = sql_error_of(sqlstate);
}

static void set_refusal(struct pg_sync *sync, const PGresult *result)
{
	buf_clear(&sync->error);
	pg_add_refusal(&sync->error, result);
	pg_add_remedy(&sync->error, pg_sqlstate_of(result), PQuser(sync->conn), needed_role(sync));
	sync->error_class = sql_error_of(pg_sqlstate_of(result));
}

/* Sets the error of a failed connection. libpq reports the SQLSTATE only in verbose mode, which cannot be set before
 * the first attempt. So if the server refused at once, try again in verbose mode. */
static void set_connection_error(struct pg_sync *sync, int64_t took_us)
{
	char sqlstate[SQLSTATE_BYTES] = "";
	if (took_us < QUICK_US && sync->conn != NULL) {
		PQsetErrorVerbosity(sync->conn, PQERRORS_VERBOSE);
		PQreset(sync->conn);
		PQsetErrorVerbosity(sync->conn, PQERRORS_DEFAULT);
		if (pg_sync_is_connected(sync))
			return;
	}
	const char *message = PQerrorMessage(sync->conn);
	(void)sqlstate_in_message(message, sqlstate);
	set_error(sync, message, sqlstate);
}

static void on_notice(void *context, const char *message)
{
	(void)context;
	log_warning("PostgreSQL: %.*s", (int)strcspn(message, "\n"), message);
}

static PGconn *connect_to(const struct cli *cli, const struct config_pairs *pairs)
{
	enum { N_DEFAULTS = 3 };
	struct buf name = BUF_INIT;
	buf_add_format(&name, "kpid %s", cli->command->name);
	const char **keywords = mem_zalloc((pairs->n + N_DEFAULTS + 1) * sizeof(*keywords));
	const char **values = mem_zalloc((pairs->n + N_DEFAULTS + 1) * sizeof(*values));
	/* libpq uses the last value of a keyword, so the configuration overrides these. */
	keywords[0] = "fallback_application_name", values[0] = name.data;
	keywords[1] = "client_encoding", values[1] = "UTF8";
	keywords[2] = "connect_timeout", values[2] = getenv("PGCONNECT_TIMEOUT") == NULL ? "10" : NULL;
	for (size_t i = 0; i < pairs->n; i++) {
		keywords[N_DEFAULTS + i] = pairs->items[i].name;
		values[N_DEFAULTS + i] = pairs->items[i].value;
	}
	PGconn *conn = PQconnectdbParams(keywords, values, 0);
	free(keywords);
	free(values);
	buf_release(&name);
	return conn;
}

static bool begin_session(struct pg_sync *sync)
{
	PQsetNoticeProcessor(sync->conn, on_notice, NULL);
	PGresult *row = pg_sync_query(sync, "queries/session_begin.sql", NULL, 0);
	if (row == NULL)
		return false;
	sync->in_recovery = pg_get_bool(row, 0, SESSION_BEGIN_IN_RECOVERY);
	sync->read_only = pg_get_bool(row, 0, SESSION_BEGIN_READ_ONLY);
	sync->server_pid = pg_get_int4(row, 0, SESSION_BEGIN_SERVER_PID);
	PQclear(row);
	return true;
}

bool pg_sync_open(struct pg_sync *sync, const struct cli *cli, const struct config_pairs *pairs)
{
	int64_t began_us = monotonic_clock_us();
	*sync = (struct pg_sync){.cli = cli, .error = BUF_INIT};
	sync->conn = connect_to(cli, pairs);
	if (!pg_sync_is_connected(sync))
		set_connection_error(sync, monotonic_clock_us() - began_us);
	return pg_sync_is_connected(sync) && begin_session(sync);
}

bool pg_sync_can_write(struct pg_sync *sync)
{
	if (!sync->read_only)
		return true;
	if (sync->in_recovery)
		set_error(sync, "this server is a standby and accepts no writes", SQLSTATE_READ_ONLY);
	else
		set_error(sync,
		          "transactions are read-only: switch off default_transaction_read_only of the role, the "
		          "database or the server",
		          NULL);
	sync->error_class = SQL_READ_ONLY;
	return false;
}

/* The server process that serves the connection now; -1 on an error. */
static int server_pid_now(PGconn *conn)
{
	PGresult *row = PQexec(conn, "SELECT pg_backend_pid()");
	int pid = pg_result_ok(row) ? (int)strtol(PQgetvalue(row, 0, PQfnumber(row, "pg_backend_pid")), NULL, 10) : -1;
	PQclear(row);
	return pid;
}

bool pg_sync_is_shared(struct pg_sync *sync, const struct config_pairs *pairs)
{
	/* Without a pooler, the process id that libpq got when connecting is the server's. */
	if (PQbackendPID(sync->conn) == sync->server_pid)
		return false;
	PGconn *other = connect_to(sync->cli, pairs);
	bool shared = false;
	for (int i = 0; i < POOLER_LOOKS && !shared && PQstatus(other) == CONNECTION_OK; i++) {
		PQclear(PQexec(other, "BEGIN"));
		int others = server_pid_now(other);
		PQclear(PQexec(other, "COMMIT"));
		int ours = server_pid_now(sync->conn);
		shared = others == ours || ours != sync->server_pid;
	}
	PQfinish(other);
	if (shared)
		set_error(sync, "a connection pooler shares server sessions among its clients",
		          SQLSTATE_SHARED_SESSION);
	return shared;
}

void pg_sync_close(struct pg_sync *sync)
{
	PQfinish(sync->conn);
	buf_release(&sync->error);
	sync->conn = NULL;
}

int pg_sync_run(const struct cli *cli, pg_sync_action *action, const void *context)
{
	struct kpid_config *config;
	struct pg_sync sync;
	int status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	if (pg_sync_open(&sync, cli, &config->postgres))
		status = action(&sync, config, context);
	else
		status = pg_sync_failed(&sync);
	pg_sync_close(&sync);
	kpid_config_free(config);
	return status;
}

bool pg_sync_is_connected(const struct pg_sync *sync)
{
	return PQstatus(sync->conn) == CONNECTION_OK;
}

bool pg_sync_reconnect(struct pg_sync *sync)
{
	int64_t began_us = monotonic_clock_us();
	PQreset(sync->conn);
	if (!pg_sync_is_connected(sync))
		set_connection_error(sync, monotonic_clock_us() - began_us);
	return pg_sync_is_connected(sync) && begin_session(sync);
}

/* SQLSTATEs that the functions of schema report raise, see sql/migrations/0007_operators.sql. */
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
	set_refusal(sync, result);
	sync->refused = is_refusal(pg_sqlstate_of(result));
	if (sync->refused)
		set_error(sync, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), NULL);
	PQclear(result);
	return NULL;
}

PGresult *pg_sync_query(struct pg_sync *sync, const char *file, const struct pg_param *params, int n_params)
{
	const char *values[PG_MOST_PARAMS];
	int lengths[PG_MOST_PARAMS], formats[PG_MOST_PARAMS];
	KPID_CHECK(n_params <= PG_MOST_PARAMS);
	for (int i = 0; i < n_params; i++) {
		values[i] = params[i].value;
		lengths[i] = params[i].len_bytes;
		formats[i] = params[i].binary;
	}
	return check(sync, PQexecParams(sync->conn, pg_sql_text(file), n_params, NULL, values, lengths, formats, 1));
}

PGresult *pg_sync_load_policies(struct pg_sync *sync)
{
	const struct pg_param all[POLICY_LOAD_N_PARAMS] = {
	        [POLICY_LOAD_PARAM_REVISION_NOS] = pg_param_c_string(NULL),
	        [POLICY_LOAD_PARAM_IDS] = pg_param_c_string(NULL),
	};
	return pg_sync_query(sync, "queries/policy_load.sql", all, POLICY_LOAD_N_PARAMS);
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
	/* If this fails, the connection is lost and the transaction ends with it. */
	PQclear(PQexec(sync->conn, "ROLLBACK"));
}

void pg_sync_print_error(const struct pg_sync *sync, const char *format, ...)
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
	pg_sync_print_error(sync, "%s", buf_text(&sync->error).ptr);
	return sync->refused ? CLI_FAILED : CLI_NO_POSTGRES;
}
