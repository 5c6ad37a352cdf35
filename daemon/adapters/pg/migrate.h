/* Migrations: the embedded files migrations/NNNN_name.sql against what kpid.migration says was applied.
 * Plain synchronous libpq, for a command that does nothing else and for a start before any loop runs.
 *
 * Each migration is one transaction together with its row, so one that fails leaves nothing behind. A file
 * that was applied anywhere is never changed again: its checksum is compared. */
#ifndef KPID_ADAPTERS_PG_MIGRATE_H
#define KPID_ADAPTERS_PG_MIGRATE_H

#include <libpq-fe.h>
#include <stddef.h>

#include "kpid/base/buf.h"
#include "kpid/port/sql_files.h"

#define MIGRATION_SHA256_BYTES 65 /* 64 hexadecimal digits and a NUL */

enum migration_state {
	MIGRATION_APPLIED,
	MIGRATION_PENDING, /* not applied, and newer than all that is */
	MIGRATION_MISSED,  /* not applied, though a newer one is */
	MIGRATION_CHANGED, /* applied with another name or text */
	MIGRATION_UNKNOWN  /* applied, and this program has no such file: it is older than the database */
};

const char *migration_state_name(enum migration_state state); /* "applied" */

struct migration {
	int version;
	enum migration_state state;
	char *name;                                  /* of the file; of the row if there is no file */
	char *file;                                  /* "migrations/0001_tables.sql"; NULL if there is none */
	const char *text;                            /* of the file; NULL if there is none. Borrowed */
	char sha256[MIGRATION_SHA256_BYTES];         /* of the file; "" if there is none */
	char applied_sha256[MIGRATION_SHA256_BYTES]; /* of the row; "" if there is none */
	char *applied_at;                            /* RFC 3339; NULL: not applied */
	char *applied_by;                            /* NULL: not applied */
};

struct migrations {
	struct migration *items; /* by version */
	size_t n, capacity;
};

#define MIGRATIONS_INIT                                                                                                \
	{                                                                                                              \
		NULL, 0, 0                                                                                             \
	}

void migrations_release(struct migrations *migrations);

/* What the files and the database say together. A database without kpid has all of them pending.
 * Returns 0, or -1 with the reason in error_out. list_out must be initialised, and is to be released
 * either way. Changes nothing; the connection must be outside of a transaction. */
int migrations_read(PGconn *conn, const struct sql_file *files, struct migrations *list_out, struct buf *error_out);

/* How a database stands to this program. */
enum migrate_verdict {
	MIGRATE_CURRENT, /* all applied, none changed, none unknown */
	MIGRATE_BEHIND,  /* some are pending: kpid migrate up */
	MIGRATE_AHEAD,   /* some are unknown: a newer kpid has been here */
	MIGRATE_FAULTY   /* some are changed or missed: nobody should go on */
};

/* The worst of it; each finding is a line in why_out, none for MIGRATE_CURRENT, and what is pending only
 * when nothing is worse. */
enum migrate_verdict migrations_verdict(const struct migrations *migrations, struct buf *why_out);

/* Both of the above: an enum migrate_verdict, or -1 if the database would not say. why_out: the reason,
 * without a newline at its end. For a start: anything but MIGRATE_CURRENT is a reason not to. */
int migrate_check(PGconn *conn, const struct sql_file *files, struct buf *why_out);

struct migrate_observer {
	/* Somebody else is migrating this database and is waited for. who: a text that names them. NULL is fine */
	void (*waiting)(void *context, const char *who);
	void (*applied)(void *context, const struct migration *migration, double seconds); /* committed. NULL is fine */
	void *context;
};

/* Applies what is pending, each migration under a lock of its transaction, so that of two at once each finds done what
 * the other did. Returns 0; or 1, when it refuses or a migration failed and was rolled back (those before it stay); or
 * -1, when the connection was lost. The reason is in error_out: for a statement that failed PostgreSQL's message after
 * "sql/migrations/NNNN_name.sql:LINE: ". The session's settings are changed: end it afterwards. */
int migrate_up(PGconn *conn, const struct sql_file *files, const struct migrate_observer *observer,
               struct buf *error_out);

#endif
