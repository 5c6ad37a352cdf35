/* Applies the embedded files migrations/NNNN_name.sql that kpid.migration does not record yet. Blocking libpq: for
 * commands, and for the start before the event loop runs.
 *
 * A migration and its row are one transaction, so a failure leaves nothing behind. A released file never changes: its
 * checksum is compared with the recorded one. */
#ifndef KPID_ADAPTERS_PG_MIGRATE_H
#define KPID_ADAPTERS_PG_MIGRATE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"
#include "kpid/base/digest.h"
#include "kpid/port/sql_files.h"

enum migration_state {
	MIGRATION_APPLIED,
	MIGRATION_PENDING, /* not applied, and newer than all applied ones */
	MIGRATION_MISSED,  /* not applied, although a newer one is */
	MIGRATION_CHANGED, /* applied under another name or with another text */
	MIGRATION_UNKNOWN  /* applied, but not part of this program: a newer kpid has applied it */
};

const char *migration_state_name(enum migration_state state); /* "applied" */

struct migration {
	int version;
	enum migration_state state;
	char *name;                            /* of the file, or of the row if there is no file */
	char *file;                            /* "migrations/0001_tables.sql"; NULL: none */
	const char *text;                      /* of the file; NULL: none. Borrowed */
	char sha256[SHA256_HEX_BYTES];         /* of the file; "": none */
	char applied_sha256[SHA256_HEX_BYTES]; /* of the row; "": none */
	char *applied_at;                      /* RFC 3339; NULL: not applied */
	char *applied_by;                      /* NULL: not applied */
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

/* Why a function failed. */
struct migrate_error {
	struct buf text; /* lines, without a final newline */
	bool no_right;   /* PostgreSQL refused, because the role lacks a right */
};

#define MIGRATE_ERROR_INIT                                                                                             \
	{                                                                                                              \
		BUF_INIT, false                                                                                        \
	}

void migrate_error_release(struct migrate_error *error);

/* Compares the files with the database. In a database without kpid all are pending. Returns 0, or -1 with the reason in
 * error_out. list_out must be initialised; release it in both cases. Changes nothing. The connection must not be in a
 * transaction. */
int migrations_read(PGconn *conn, const struct sql_file *files, struct migrations *list_out,
                    struct migrate_error *error_out);

/* Whether this program can use a database. */
enum migrate_verdict {
	MIGRATE_CURRENT, /* all applied, none changed, none unknown */
	MIGRATE_BEHIND,  /* some are pending: kpid migrate up */
	MIGRATE_AHEAD,   /* some are unknown: a newer kpid has migrated it */
	MIGRATE_FAULTY   /* some are changed or missed: do not use it */
};

/* Returns the worst verdict. Adds a line per finding to why_out; pending ones only if that is the worst. */
enum migrate_verdict migrations_verdict(const struct migrations *migrations, struct buf *why_out);

/* Both of the above. Returns an enum migrate_verdict, or -1 if the database cannot be read. why_out: the reason,
 * without a final newline. The daemon starts only with MIGRATE_CURRENT. */
int migrate_check(PGconn *conn, const struct sql_file *files, struct buf *why_out);

struct migrate_observer {
	/* Another session is migrating this database; who: its description. May be NULL. */
	void (*waiting)(void *context, const char *who);
	void (*applied)(void *context, const struct migration *migration, double seconds); /* committed. May be NULL */
	void *context;
};

/* Applies pending migrations, each under a lock, so that concurrent runs are safe. Returns 0; 1 if it refuses or a
 * migration failed and was rolled back (earlier ones stay applied); -1 if the connection was lost. error_out: the
 * reason; for a failed statement PostgreSQL's message after "sql/migrations/NNNN_name.sql:LINE: ". Changes settings of
 * the session: close it afterwards. */
int migrate_up(PGconn *conn, const struct sql_file *files, const struct migrate_observer *observer,
               struct migrate_error *error_out);

#endif
