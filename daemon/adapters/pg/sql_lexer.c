#include "adapters/pg/sql_lexer.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
	       (c & 0x80) != 0;
}

/* Each skip_ function goes from the begin of its item to the first character after it, or to the end. */

static const char *skip_line_comment(const char *at)
{
	return at + strcspn(at, "\n");
}

static const char *skip_block_comment(const char *at)
{
	int depth = 0;
	while (*at != '\0') {
		if (strncmp(at, "/*", 2) == 0 || strncmp(at, "*/", 2) == 0) {
			depth += *at == '/' ? 1 : -1;
			at += 2;
			if (depth == 0)
				break;
		} else {
			at++;
		}
	}
	return at;
}

static const char *skip_quoted(const char *at, bool backslash_escapes)
{
	char quote = *at++; /* a doubled quote works as the end of one text and the begin of the next */
	while (*at != '\0' && *at != quote)
		at += backslash_escapes && at[0] == '\\' && at[1] != '\0' ? 2 : 1;
	return *at == '\0' ? at : at + 1;
}

/* $tag$ … $tag$; skips only the $ if it begins no tag. */
static const char *skip_dollar_quoted(const char *at)
{
	size_t len = 1;
	while (is_word(at[len]) && at[len] != '$')
		len++;
	if (at[len] != '$' || (at[1] >= '0' && at[1] <= '9'))
		return at + 1;
	len++;
	for (const char *end = strchr(at + len, '$'); end != NULL; end = strchr(end + 1, '$'))
		if (strncmp(end, at, len) == 0)
			return end + len;
	return at + strlen(at);
}

const char *sql_skip_blanks(const char *at)
{
	for (;;) {
		at += strspn(at, " \t\r\n\f\v");
		if (strncmp(at, "--", 2) == 0)
			at = skip_line_comment(at);
		else if (strncmp(at, "/*", 2) == 0)
			at = skip_block_comment(at);
		else
			return at;
	}
}

const char *sql_skip_statement(const char *start)
{
	const char *at = start;
	while (*at != '\0' && *at != ';') {
		bool in_word = at > start && is_word(at[-1]);
		if (strncmp(at, "--", 2) == 0)
			at = skip_line_comment(at);
		else if (strncmp(at, "/*", 2) == 0)
			at = skip_block_comment(at);
		else if (*at == '\'' || *at == '"')
			at = skip_quoted(at, *at == '\'' && in_word && (at[-1] == 'e' || at[-1] == 'E') &&
			                             (at - start < 2 || !is_word(at[-2])));
		else if (*at == '$' && !in_word)
			at = skip_dollar_quoted(at);
		else
			at++;
	}
	return *at == ';' ? at + 1 : at;
}

int sql_line_of(const char *text, const char *at, int n_characters)
{
	int line = 1;
	while (*at != '\0' && n_characters > 0)
		if ((*++at & 0xc0) != 0x80)
			n_characters--;
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

bool sql_controls_transaction(const char *statement)
{
	static const char *const words[] = {"abort", "begin", "commit", "end", "rollback", "start"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t len = strlen(words[i]);
		if (strncasecmp(statement, words[i], len) == 0 && !is_word(statement[len]))
			return true;
	}
	return false;
}
