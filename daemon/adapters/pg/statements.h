/* A text of SQL, taken apart into statements: as much of PostgreSQL's lexer as that needs. All texts end with a NUL. */
#ifndef KPID_ADAPTERS_PG_STATEMENTS_H
#define KPID_ADAPTERS_PG_STATEMENTS_H

#include <stdbool.h>

/* The first character that is neither white space nor part of a comment; the end, if there is none. */
const char *sql_skip_blanks(const char *at);
/* The end of the statement that begins here, behind its semicolon. (The body of a function written with
 * BEGIN ATOMIC would be cut: such functions are written with dollar quotes.) */
const char *sql_skip_statement(const char *start);
/* Whether the statement would take the transaction out of our hands. */
bool sql_controls_transaction(const char *statement);
/* The line, from 1, of the n_characters-th (from 0) character behind at. */
int sql_line_of(const char *text, const char *at, int n_characters);

#endif
