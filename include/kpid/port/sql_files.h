/* The files of sql/, embedded at build time: a query or a migration each. */
#ifndef KPID_PORT_SQL_FILES_H
#define KPID_PORT_SQL_FILES_H

struct sql_file {
	const char *name; /* path below sql/: "queries/ticket_read.sql" */
	const char *text; /* UTF-8, terminated */
};

/* Sorted by name; ended by an entry whose name is NULL. */
extern const struct sql_file sql_files[];

#endif
