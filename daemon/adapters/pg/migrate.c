#include "adapters/pg/migrate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/error_text.h"
#include "adapters/pg/sql_lexer.h"
#include "kpid/base/clock.h"
#include "kpid/base/digest.h"
#include "kpid/base/memory.h"
#include "kpid/base/sqlstate.h"
#include "sql/queries.h"

#define FOLDER             "migrations/"
#define N_DIGITS           4
#define MIN_SERVER_VERSION 150000

/* ---- files ---- */

const char *migration_state_name(enum migration_state state)
{
	static const char *const names[] = {"applied", "pending", "missed", "changed", "unknown"};
	return names[state];
}

static struct migration *add_migration(struct migrations *list, int version)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof(*list->items));
	struct migration *migration = &list->items[list->n++];
	memset(migration, 0, sizeof(*migration));
	migration->version = version;
	return migration;
}

/* NNNN of migrations/NNNN_name.sql; 0: another file name. */
static int version_of(const char *file)
{
	if (strncmp(file, FOLDER, strlen(FOLDER)) != 0)
		return 0;
	const char *digits = file + strlen(FOLDER);
	if (strspn(digits, "0123456789") != N_DIGITS || digits[N_DIGITS] != '_')
		return 0;
	return (int)strtol(digits, NULL, 10);
}

static int read_files(const struct sql_file *files, struct migrations *list, struct migrate_error *error)
{
	int last = 0;
	for (const struct sql_file *file = files; file->name != NULL; file++) {
		if (strncmp(file->name, FOLDER, strlen(FOLDER)) != 0)
			continue;
		int version = version_of(file->name);
		if (version <= last) { /* files are sorted by name */
			buf_add_format(&error->text, "sql/%s: its name must be %s, with a unique number", file->name,
			               FOLDER "NNNN_name.sql");
			return -1;
		}
		last = version;
		struct migration *migration = add_migration(list, version);
		migration->state = MIGRATION_PENDING;
		migration->file = mem_strdup(file->name);
		migration->name = mem_strdup(file->name + strlen(FOLDER) + N_DIGITS + 1);
		migration->name[strlen(migration->name) - strlen(".sql")] = '\0';
		migration->text = file->text;
		sha256_hex(text_of(file->text), migration->sha256);
	}
	return 0;
}

static const char *query_text(const struct sql_file *files, const char *name)
{
	for (const struct sql_file *file = files; file->name != NULL; file++)
		if (strcmp(file->name, name) == 0)
			return file->text;
	return "";
}

void migrate_error_release(struct migrate_error *error)
{
	buf_release(&error->text);
}

static void take_error(const struct migrate_error *from, struct migrate_error *to)
{
	buf_add(&to->text, from->text.data, from->text.len_bytes);
	to->no_right = from->no_right;
}

void migrations_release(struct migrations *migrations)
{
	for (size_t i = 0; i < migrations->n; i++) {
		free(migrations->items[i].name);
		free(migrations->items[i].file);
		free(migrations->items[i].applied_at);
		free(migrations->items[i].applied_by);
	}
	free(migrations->items);
	*migrations = (struct migrations)MIGRATIONS_INIT;
}

/* ---- the database ---- */

static bool result_ok(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* PostgreSQL's message without its excerpt of the query, or the message of libpq about the connection. */
static void add_message(const PGconn *conn, const PGresult *result, struct buf *out)
{
	static const struct {
		const char *label;
		int field;
	} parts[] = {{"", PG_DIAG_MESSAGE_PRIMARY},
	             {"\nDETAIL: ", PG_DIAG_MESSAGE_DETAIL},
	             {"\nHINT: ", PG_DIAG_MESSAGE_HINT},
	             {"\nCONTEXT: ", PG_DIAG_CONTEXT}};
	if (PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) != NULL) {
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
			const char *text = PQresultErrorField(result, parts[i].field);
			if (text != NULL)
				buf_add_format(out, "%s%s", parts[i].label, text);
		}
		return;
	}
	const char *message = PQerrorMessage(conn);
	size_t len = strlen(message);
	while (len > 0 && message[len - 1] == '\n')
		len--;
	buf_add(out, message, len);
	if (len == 0)
		buf_add_str(out, "libpq failed without an error message");
}

/* The roles of kpid that may read which migrations are applied, and apply them. */
static const char *const reader = "kpid_writer", *const owner = "kpid_owner";

static void note_kind(const PGresult *result, struct migrate_error *error)
{
	error->no_right = sql_error_of(pg_sqlstate_of(result)) == SQL_NO_RIGHT;
}

/* Runs a query with text parameters. needed: the role that has the rights. Returns the result, or NULL with the reason
 * in error. */
static PGresult *run_query(PGconn *conn, const struct sql_file *files, const char *name, const char *const *values,
                           int n_values, const char *needed, struct migrate_error *error)
{
	PGresult *result = PQexecParams(conn, query_text(files, name), n_values, NULL, values, NULL, NULL, 0);
	if (result_ok(result))
		return result;
	add_message(conn, result, &error->text);
	pg_add_remedy(&error->text, pg_sqlstate_of(result), PQuser(conn), needed);
	note_kind(result, error);
	PQclear(result);
	return NULL;
}

/* Runs a query for its effect. */
static bool run_file(PGconn *conn, const struct sql_file *files, const char *name, struct migrate_error *error)
{
	PGresult *result = run_query(conn, files, name, NULL, 0, owner, error);
	PQclear(result);
	return result != NULL;
}

/* Adds the message, and what to do if the session must not change the schema. */
static void add_refusal(const PGconn *conn, const PGresult *result, struct migrate_error *error)
{
	enum sql_error kind = sql_error_of(pg_sqlstate_of(result));
	add_message(conn, result, &error->text);
	note_kind(result, error);
	if (kind == SQL_READ_ONLY || kind == SQL_NO_RIGHT)
		pg_add_remedy(&error->text, pg_sqlstate_of(result), PQuser(conn), owner);
	if (kind == SQL_NO_RIGHT)
		buf_add_str(&error->text, ", or connect as a superuser");
}

static bool run_command(PGconn *conn, const char *sql, struct migrate_error *error)
{
	PGresult *result = PQexec(conn, sql);
	bool ok = result_ok(result);
	if (!ok)
		add_refusal(conn, result, error);
	PQclear(result);
	return ok;
}

static bool begin(PGconn *conn, const struct sql_file *files, struct migrate_error *error)
{
	return run_command(conn, "BEGIN", error) && run_file(conn, files, "queries/migrate_begin.sql", error);
}

/* Whether the table of migrations exists: 1 or 0; -1: it could not be read. */
static int is_there(PGconn *conn, const struct sql_file *files, const char *needed, struct migrate_error *error)
{
	PGresult *result = run_query(conn, files, "queries/migrate_is_there.sql", NULL, 0, needed, error);
	if (result == NULL)
		return -1;
	int there = strcmp(PQgetvalue(result, 0, MIGRATE_IS_THERE_FOUND), "t") == 0;
	PQclear(result);
	return there;
}

static struct migration *find_version(struct migrations *list, int version)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].version == version)
			return &list->items[i];
	return NULL;
}

static void add_row(struct migrations *list, const PGresult *rows, int row)
{
	int version = (int)strtol(PQgetvalue(rows, row, MIGRATE_LIST_VERSION), NULL, 10);
	const char *name = PQgetvalue(rows, row, MIGRATE_LIST_NAME);
	struct migration *migration = find_version(list, version);
	if (migration == NULL) {
		migration = add_migration(list, version);
		migration->state = MIGRATION_UNKNOWN;
		migration->name = mem_strdup(name);
	}
	snprintf(migration->applied_sha256, sizeof(migration->applied_sha256), "%s",
	         PQgetvalue(rows, row, MIGRATE_LIST_SHA256));
	migration->applied_at = mem_strdup(PQgetvalue(rows, row, MIGRATE_LIST_APPLIED_AT));
	migration->applied_by = mem_strdup(PQgetvalue(rows, row, MIGRATE_LIST_APPLIED_BY));
	if (migration->text != NULL)
		migration->state =
		        strcmp(migration->name, name) == 0 && strcmp(migration->sha256, migration->applied_sha256) == 0
		                ? MIGRATION_APPLIED
		                : MIGRATION_CHANGED;
}

static int by_version(const void *a, const void *b)
{
	int left = ((const struct migration *)a)->version, right = ((const struct migration *)b)->version;
	return (left > right) - (left < right);
}

static void add_rows(struct migrations *list, const PGresult *rows)
{
	int newest = 0;
	for (int row = 0; row < PQntuples(rows); row++)
		add_row(list, rows, row);
	if (list->n > 0)
		qsort(list->items, list->n, sizeof(*list->items), by_version);
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].applied_at != NULL)
			newest = list->items[i].version;
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].state == MIGRATION_PENDING && list->items[i].version < newest)
			list->items[i].state = MIGRATION_MISSED;
}

/* Call within a transaction. */
static bool read_rows(PGconn *conn, const struct sql_file *files, struct migrations *list, const char *needed,
                      struct migrate_error *error)
{
	PGresult *rows = run_query(conn, files, "queries/migrate_list.sql", NULL, 0, needed, error);
	if (rows != NULL)
		add_rows(list, rows);
	PQclear(rows);
	return rows != NULL;
}

int migrations_read(PGconn *conn, const struct sql_file *files, struct migrations *list_out,
                    struct migrate_error *error_out)
{
	if (read_files(files, list_out, error_out) != 0)
		return -1;
	int there = is_there(conn, files, reader, error_out);
	if (there <= 0)
		return there;
	bool ok = begin(conn, files, error_out) && read_rows(conn, files, list_out, reader, error_out);
	PQclear(PQexec(conn, "ROLLBACK")); /* it has only read */
	return ok ? 0 : -1;
}

/* ---- verdicts ---- */

static void add_finding(const struct migration *migration, struct buf *why)
{
	if (migration->state == MIGRATION_APPLIED)
		return;
	if (why->len_bytes > 0)
		buf_add_char(why, '\n');
	buf_add_format(why, "%04d_%s: ", migration->version, migration->name);
	switch (migration->state) {
	case MIGRATION_PENDING:
		buf_add_str(why, "not applied yet: run `kpid migrate up`");
		break;
	case MIGRATION_MISSED:
		buf_add_str(why, "not applied, although a newer one is");
		break;
	case MIGRATION_CHANGED:
		buf_add_format(why, "applied with another text (SHA-256 %.12s…, here %.12s…)",
		               migration->applied_sha256, migration->sha256);
		break;
	case MIGRATION_UNKNOWN:
		buf_add_str(why, "applied, but not part of this program: a newer kpid has migrated this database");
		break;
	case MIGRATION_APPLIED:
		break;
	}
}

enum migrate_verdict migrations_verdict(const struct migrations *migrations, struct buf *why_out)
{
	static const enum migrate_verdict verdicts[] = {[MIGRATION_APPLIED] = MIGRATE_CURRENT,
	                                                [MIGRATION_PENDING] = MIGRATE_BEHIND,
	                                                [MIGRATION_MISSED] = MIGRATE_FAULTY,
	                                                [MIGRATION_CHANGED] = MIGRATE_FAULTY,
	                                                [MIGRATION_UNKNOWN] = MIGRATE_AHEAD};
	enum migrate_verdict worst = MIGRATE_CURRENT;
	for (size_t i = 0; i < migrations->n; i++)
		if (verdicts[migrations->items[i].state] > worst)
			worst = verdicts[migrations->items[i].state];
	for (size_t i = 0; i < migrations->n; i++)
		if (worst == MIGRATE_BEHIND || migrations->items[i].state != MIGRATION_PENDING)
			add_finding(&migrations->items[i], why_out);
	return worst;
}

int migrate_check(PGconn *conn, const struct sql_file *files, struct buf *why_out)
{
	struct migrations list = MIGRATIONS_INIT;
	struct migrate_error error = MIGRATE_ERROR_INIT;
	int verdict = migrations_read(conn, files, &list, &error);
	if (verdict == 0)
		verdict = (int)migrations_verdict(&list, why_out);
	else
		buf_add(why_out, error.text.data, error.text.len_bytes);
	migrate_error_release(&error);
	migrations_release(&list);
	return verdict;
}

/* ---- statements ---- */

static void add_statement_error(PGconn *conn, const PGresult *result, const struct migration *migration,
                                const char *statement, struct migrate_error *error)
{
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	int n_characters = position == NULL ? 0 : (int)strtol(position, NULL, 10) - 1;
	buf_add_format(&error->text, "sql/%s:%d: ", migration->file,
	               sql_line_of(migration->text, statement, n_characters));
	ExecStatusType status = PQresultStatus(result);
	if (sql_controls_transaction(statement))
		buf_add_str(&error->text, "a migration may not begin or end a transaction");
	else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT)
		buf_add_str(&error->text, "a migration may not copy from or to its client");
	else
		add_message(conn, result, &error->text);
	note_kind(result, error);
}

static bool run_statements(PGconn *conn, const struct migration *migration, struct migrate_error *error)
{
	struct buf statement = BUF_INIT;
	bool ok = true;
	const char *at = migration->text;
	while (ok && *(at = sql_skip_blanks(at)) != '\0') {
		const char *end = sql_skip_statement(at);
		buf_clear(&statement);
		buf_add(&statement, at, (size_t)(end - at));
		PGresult *result = sql_controls_transaction(at) ? NULL : PQexec(conn, statement.data);
		ok = result_ok(result);
		if (!ok)
			add_statement_error(conn, result, migration, at, error);
		PQclear(result);
		at = end;
	}
	buf_release(&statement);
	return ok;
}

/* ---- up ---- */

static bool record(PGconn *conn, const struct sql_file *files, const struct migration *migration,
                   struct migrate_error *error)
{
	char version[16];
	snprintf(version, sizeof(version), "%d", migration->version);
	const char *values[] = {version, migration->name, migration->sha256};
	PGresult *result = run_query(conn, files, "queries/migrate_record.sql", values, 3, owner, error);
	PQclear(result);
	return result != NULL;
}

static bool prepare(PGconn *conn, const struct sql_file *files, struct migrate_error *error)
{
	if (PQserverVersion(conn) < MIN_SERVER_VERSION) {
		buf_add_format(&error->text, "PostgreSQL %d or newer is needed; this is %s", MIN_SERVER_VERSION / 10000,
		               PQparameterStatus(conn, "server_version"));
		return false;
	}
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
		buf_add_format(&error->text, "the database must have the encoding UTF8; this one has %s",
		               encoding == NULL ? "another" : encoding);
		return false;
	}
	if (PQsetClientEncoding(conn, "UTF8") != 0) {
		add_message(conn, NULL, &error->text);
		return false;
	}
	return run_file(conn, files, "queries/migrate_session.sql", error);
}

static void report_waiting(PGconn *conn, const struct sql_file *files, const struct migrate_observer *observer)
{
	struct migrate_error ignored = MIGRATE_ERROR_INIT;
	PGresult *result = run_query(conn, files, "queries/migrate_lock_holders.sql", NULL, 0, owner, &ignored);
	if (observer->waiting != NULL)
		observer->waiting(observer->context,
		                  result == NULL || PQgetisnull(result, 0, MIGRATE_LOCK_HOLDERS_HOLDERS)
		                          ? "a session that has ended since"
		                          : PQgetvalue(result, 0, MIGRATE_LOCK_HOLDERS_HOLDERS));
	PQclear(result);
	migrate_error_release(&ignored);
}

/* Begins a transaction under a lock against other migrations. The lock ends with the transaction. If this program dies
 * or freezes, the server ends the session and rolls back. */
static bool begin_locked(PGconn *conn, const struct sql_file *files, const struct migrate_observer *observer,
                         struct migrate_error *error)
{
	struct migrate_error refusal = MIGRATE_ERROR_INIT;
	if (!begin(conn, files, error))
		return false;
	PGresult *result = PQexec(conn, query_text(files, "queries/migrate_lock_try.sql"));
	bool ok = result_ok(result), busy = pg_has_sqlstate(result, SQLSTATE_LOCK_TIMEOUT);
	if (!ok)
		add_refusal(conn, result, &refusal);
	PQclear(result);
	if (busy) {
		PQclear(PQexec(conn, "ROLLBACK"));
		report_waiting(conn, files, observer);
		ok = begin(conn, files, error) && run_command(conn, "SET LOCAL lock_timeout = 0", error) &&
		     run_file(conn, files, "queries/migrate_lock_wait.sql", error);
	} else if (!ok) {
		take_error(&refusal, error);
	}
	/* Another session may have given the schema to kpid_owner before this one got the lock: set the role again. */
	ok = ok && run_file(conn, files, "queries/migrate_begin.sql", error);
	migrate_error_release(&refusal);
	return ok;
}

enum step { STEP_APPLIED, STEP_NOTHING_LEFT, STEP_FAILED };

static struct migration *first_pending(const struct migrations *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].state == MIGRATION_PENDING)
			return &list->items[i];
	return NULL;
}

/* Applies one migration in its transaction. The lock is taken before looking for what is pending. The row is written
 * first, because the file may change the owner of the table. */
static enum step apply_next(PGconn *conn, const struct sql_file *files, const struct migrate_observer *observer,
                            struct migrate_error *error)
{
	struct migrations list = MIGRATIONS_INIT;
	struct migration *next = NULL;
	bool ok = read_files(files, &list, error) == 0 && begin_locked(conn, files, observer, error) &&
	          read_rows(conn, files, &list, owner, error);
	struct migrate_error why = MIGRATE_ERROR_INIT;
	if (ok && migrations_verdict(&list, &why.text) > MIGRATE_BEHIND) {
		take_error(&why, error);
		ok = false;
	}
	migrate_error_release(&why);
	if (ok)
		next = first_pending(&list);
	int64_t began_us = monotonic_clock_us();
	bool applied = next != NULL && record(conn, files, next, error) && run_statements(conn, next, error) &&
	               run_command(conn, "COMMIT", error);
	if (!applied)
		PQclear(PQexec(conn, "ROLLBACK"));
	if (applied && observer->applied != NULL)
		observer->applied(observer->context, next, (double)(monotonic_clock_us() - began_us) / 1e6);
	enum step step = applied ? STEP_APPLIED : ok && next == NULL ? STEP_NOTHING_LEFT : STEP_FAILED;
	migrations_release(&list);
	return step;
}

/* Creates the table of migrations. If two sessions do so at once, one fails and then finds the table. */
static bool bootstrap(PGconn *conn, const struct sql_file *files, struct migrate_error *error)
{
	struct migrate_error refusal = MIGRATE_ERROR_INIT;
	int there = is_there(conn, files, owner, error);
	if (there == 0 && !run_command(conn, query_text(files, "queries/migrate_bootstrap.sql"), &refusal)) {
		there = is_there(conn, files, owner, error);
		if (there == 0)
			take_error(&refusal, error);
	} else if (there == 0) {
		there = 1;
	}
	migrate_error_release(&refusal);
	return there == 1;
}

int migrate_up(PGconn *conn, const struct sql_file *files, const struct migrate_observer *observer,
               struct migrate_error *error_out)
{
	enum step step = STEP_FAILED;
	if (prepare(conn, files, error_out) && bootstrap(conn, files, error_out))
		do
			step = apply_next(conn, files, observer, error_out);
		while (step == STEP_APPLIED);
	if (step == STEP_NOTHING_LEFT)
		return 0;
	return PQstatus(conn) == CONNECTION_OK ? 1 : -1;
}
