#include "kpid/base/sqlstate.h"

#include <stddef.h>
#include <string.h>

#define POOLER                                                                                                         \
	"kpid needs its own server session, because it prepares statements and changes settings: connect to "          \
	"PostgreSQL itself, or set the pooler to pool_mode = session"
#define MIGRATE  "run `kpid migrate up` with this version of kpid, on the database of [postgres]"
#define READONLY "set all hosts of the cluster and target_session_attrs = read-write in [postgres]"
#define LOG_IN   "check user and password_file in [postgres], and pg_hba.conf of the server"
#define GRANT    "GRANT kpid_writer TO the user of [postgres] (kpid_reader for reports, kpid_operator to act on alerts)"

/* The first row whose state is a prefix of the SQLSTATE applies. So single states come before their class (two
 * characters). */
static const struct {
	const char *state;
	enum sql_error fault;
	const char *remedy;
} rows[] = {
        {"0A000", SQL_SET_UP, "sessions must reconnect after a change of the schema"},
        {"21", SQL_DATA, NULL},
        {"22", SQL_DATA, NULL},
        {"23", SQL_DATA, NULL},
        {"25006", SQL_READ_ONLY, READONLY},
        {"25", SQL_TRANSIENT, NULL},
        {"26000", SQL_SET_UP, POOLER}, /* invalid_sql_statement_name */
        {"28", SQL_NO_RIGHT, LOG_IN},
        {"3D000", SQL_SET_UP, "create the database, or correct dbname in [postgres]"},
        {"3F000", SQL_SET_UP, MIGRATE},
        {"42501", SQL_NO_RIGHT, GRANT},
        {"42P05", SQL_SET_UP, POOLER}, /* duplicate_prepared_statement */
        {"42704", SQL_SET_UP, MIGRATE},
        {"42883", SQL_SET_UP, MIGRATE},
        {"42703", SQL_SET_UP, MIGRATE},
        {"42P01", SQL_SET_UP, MIGRATE},
        {"42", SQL_SET_UP, NULL},
        {"44", SQL_DATA, NULL},
        {"53100", SQL_NO_RESOURCES, "free or add space on the disks of the database server"},
        {"53300", SQL_NO_RESOURCES, "raise max_connections, or the connection limit of the role or database"},
        {"53", SQL_NO_RESOURCES, NULL},
        {"54", SQL_DATA, NULL}, /* program_limit_exceeded: a row or an array is too large */
        {"57014", SQL_TRANSIENT,
         "if this continues, find out what cancels statements, such as statement_timeout of the role"},
        {"57P04", SQL_SET_UP, "the database was dropped"},
        {"P0", SQL_DATA, NULL}, /* raised by a function or trigger */
        {"XX001", SQL_SET_UP, "the database is damaged: restore it from a backup"},
        {"XX002", SQL_SET_UP, "an index is damaged: REINDEX it"},
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]), SQLSTATE_LEN = SQLSTATE_BYTES - 1 };

static bool is_state_character(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

/* The row of a SQLSTATE; N_ROWS: none. */
static size_t row_of(const char *sqlstate)
{
	if (sqlstate == NULL || strlen(sqlstate) != SQLSTATE_LEN)
		return N_ROWS;
	for (size_t i = 0; i < N_ROWS; i++)
		if (strncmp(sqlstate, rows[i].state, strlen(rows[i].state)) == 0)
			return i;
	return N_ROWS;
}

enum sql_error sql_error_of(const char *sqlstate)
{
	size_t row = row_of(sqlstate);
	return row == N_ROWS ? SQL_TRANSIENT : rows[row].fault;
}

const char *sql_error_name(enum sql_error fault)
{
	static const char *const names[] = {[SQL_TRANSIENT] = "transient", [SQL_NO_RESOURCES] = "no_resources",
	                                    [SQL_READ_ONLY] = "read_only", [SQL_NO_RIGHT] = "no_right",
	                                    [SQL_SET_UP] = "set_up",       [SQL_DATA] = "data"};
	return names[fault];
}

const char *sql_remedy_of(const char *sqlstate)
{
	size_t row = row_of(sqlstate);
	return row == N_ROWS ? NULL : rows[row].remedy;
}

bool sql_error_lasts(enum sql_error fault)
{
	return fault == SQL_NO_RIGHT || fault == SQL_SET_UP;
}

/* "FATAL:  28P01: password authentication failed": the severity may be translated, but two blanks always follow it. */
bool sqlstate_in_message(const char *message, char sqlstate_out[SQLSTATE_BYTES])
{
	for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
		const char *state = at + 3;
		size_t len = 0;
		while (len < SQLSTATE_LEN && is_state_character(state[len]))
			len++;
		if (len == SQLSTATE_LEN && state[len] == ':') {
			memcpy(sqlstate_out, state, SQLSTATE_LEN);
			sqlstate_out[SQLSTATE_LEN] = '\0';
			return true;
		}
	}
	return false;
}
