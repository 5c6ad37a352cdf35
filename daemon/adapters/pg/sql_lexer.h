/* Splits SQL into statements, with as much of PostgreSQL's lexer as that needs. All texts end with a NUL. */
#ifndef KPID_ADAPTERS_PG_SQL_LEXER_H
#define KPID_ADAPTERS_PG_SQL_LEXER_H

#include <stdbool.h>

/* The first character after white space and comments, or the end. */
const char *sql_skip_blanks(const char *at);
/* The position after the semicolon of the statement that begins here. Does not know function bodies in BEGIN ATOMIC:
 * use dollar quotes. */
const char *sql_skip_statement(const char *start);
/* Whether the statement begins or ends a transaction. */
bool sql_controls_transaction(const char *statement);
/* The line (from 1) of the character that is n_characters after at. */
int sql_line_of(const char *text, const char *at, int n_characters);

#endif
