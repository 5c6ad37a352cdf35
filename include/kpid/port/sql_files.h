/* The files of sql/, embedded at build: one query or migration each. */
#ifndef KPID_PORT_SQL_FILES_H
#define KPID_PORT_SQL_FILES_H

struct sql_file {
	const char *name; /* path below sql/: "queries/ticket_read.sql" */
	const char *text; /* UTF-8, terminated */
};

/* By name, ascending; the last entry's name is NULL. */
extern const struct sql_file sql_files[];

#endif
