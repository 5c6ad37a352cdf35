#include "adapters/lua/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/memory.h"

struct token {
	struct text text; /* of a name or a symbol; one byte for anything else */
	int line;
	bool is_name;
};

struct tokens {
	struct token *items;
	size_t n, capacity;
};

static bool is_keyword(struct text name)
{
	static const char *const words[] = {"and",      "break",  "do",   "else", "elseif", "end",   "false", "for",
	                                    "function", "goto",   "if",   "in",   "local",  "nil",   "not",   "or",
	                                    "repeat",   "return", "then", "true", "until",  "while", NULL};
	for (size_t i = 0; words[i] != NULL; i++)
		if (text_equal(name, text_of(words[i])))
			return true;
	return false;
}

/* ---- tokens ---- */

/* The number of signs between the brackets that open a long text or comment; -1: it is none. */
static int long_level(const char *p, const char *end)
{
	int level = 0;
	if (p == end || *p != '[')
		return -1;
	while (++p < end && *p == '=')
		level++;
	return p < end && *p == '[' ? level : -1;
}

static const char *skip_long(const char *p, const char *end, int level, int *line_io)
{
	for (p += level + 2; p < end; p++) {
		*line_io += *p == '\n';
		if (*p != ']' || end - p < level + 2 || p[level + 1] != ']')
			continue;
		if (strspn(p + 1, "=") >= (size_t)level)
			return p + level + 2;
	}
	return end;
}

static const char *skip_quoted(const char *p, const char *end, int *line_io)
{
	char quote = *p++;
	for (; p < end && *p != quote; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		*line_io += *p == '\n';
	}
	return p < end ? p + 1 : end;
}

static const char *skip_comment(const char *p, const char *end, int *line_io)
{
	int level = long_level(p + 2, end);
	if (level >= 0)
		return skip_long(p + 2, end, level, line_io);
	while (p < end && *p != '\n')
		p++;
	return p;
}

static void add(struct tokens *tokens, struct text text, int line, bool is_name)
{
	tokens->items = mem_grow(tokens->items, &tokens->capacity, tokens->n + 1, sizeof(*tokens->items));
	tokens->items[tokens->n++] = (struct token){text, line, is_name};
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) != 0 || c == '_';
}

static void tokenize(struct text text, struct tokens *tokens)
{
	const char *p = text.ptr, *end = p + text.len;
	int line = 1;
	while (p < end) {
		const char *first = p;
		int first_line = line;
		if (*p == '\n') {
			line++;
			p++;
		} else if (isspace((unsigned char)*p) != 0) {
			p++;
		} else if (p[0] == '-' && p + 1 < end && p[1] == '-') {
			p = skip_comment(p, end, &line);
		} else if (*p == '"' || *p == '\'') {
			p = skip_quoted(p, end, &line);
			add(tokens, TEXT("\""), first_line, false);
		} else if (long_level(p, end) >= 0) {
			p = skip_long(p, end, long_level(p, end), &line);
			add(tokens, TEXT("\""), first_line, false);
		} else if (is_name_byte(*p)) {
			bool is_name = isdigit((unsigned char)*p) == 0;
			while (p < end && (is_name_byte(*p) || (!is_name && *p == '.' && p[1] != '.')))
				p++;
			add(tokens, (struct text){first, (uint32_t)(p - first)}, line, is_name);
		} else {
			size_t len = p + 1 < end && (memcmp(p, "==", 2) == 0 || memcmp(p, "..", 2) == 0) ? 2 : 1;
			p += len;
			add(tokens, (struct text){first, (uint32_t)len}, line, false);
		}
	}
}

/* ---- names ---- */

static bool is(const struct tokens *tokens, size_t i, const char *symbol)
{
	return i < tokens->n && text_equal(tokens->items[i].text, text_of(symbol));
}

/* True if the name at i is a member of something: x.name, x:name, { name = 1 }. */
static bool is_member(const struct tokens *tokens, size_t i, bool in_table)
{
	bool after_access = i > 0 && (is(tokens, i - 1, ".") || is(tokens, i - 1, ":"));
	bool is_label = i > 1 && (is(tokens, i - 1, ":") || is(tokens, i - 1, "goto"));
	return after_access || is_label || (in_table && is(tokens, i + 1, "="));
}

/* True if the text defines the name somewhere: local, a parameter, a variable of a loop, or a global it sets. */
static bool is_defined(const struct tokens *tokens, struct text name)
{
	bool in_list = false; /* of names after local or for, or of parameters */
	size_t n_braces = 0;
	for (size_t i = 0; i < tokens->n; i++) {
		n_braces += is(tokens, i, "{");
		n_braces -= is(tokens, i, "}") && n_braces > 0;
		if (is(tokens, i, "local") || is(tokens, i, "for") || is(tokens, i, "function"))
			in_list = true;
		else if (is(tokens, i, "in") ||
		         (in_list && !tokens->items[i].is_name && !is(tokens, i, ",") && !is(tokens, i, "(")))
			in_list = false;
		else if (tokens->items[i].is_name && text_equal(tokens->items[i].text, name) &&
		         (in_list || (n_braces == 0 && is(tokens, i + 1, "="))))
			return true;
	}
	return false;
}

/* The name at i with the member that follows it: "string.find". */
static struct text with_member(const struct tokens *tokens, size_t i)
{
	struct text name = tokens->items[i].text;
	if (is(tokens, i + 1, ".") && i + 2 < tokens->n && tokens->items[i + 2].is_name) {
		struct text member = tokens->items[i + 2].text;
		name.len = (uint32_t)(member.ptr + member.len - name.ptr);
	}
	return name;
}

static bool is_library(struct text name)
{
	return text_equal(name, TEXT("string")) || text_equal(name, TEXT("table")) || text_equal(name, TEXT("math")) ||
	       text_equal(name, TEXT("utf8"));
}

/* Methods of texts that exist in Lua, but not here. */
static bool is_absent_method(const struct tokens *tokens, size_t i)
{
	static const char *const absent[] = {"find", "match", "gmatch", "gsub", "rep", "dump"};
	for (size_t k = 0; i > 0 && is(tokens, i - 1, ":") && k < sizeof(absent) / sizeof(absent[0]); k++)
		if (is(tokens, i, absent[k]))
			return true;
	return false;
}

static size_t report(const char *file, const struct token *token, struct text name, struct buf *out)
{
	buf_add_format(out, "%s:%d: %.*s is not available in a mapping\n", file, token->line, (int)name.len, name.ptr);
	return 1;
}

size_t mapping_names_check(struct mapping *mapping, const char *file, struct text text, struct buf *out)
{
	struct tokens tokens = {NULL, 0, 0};
	size_t n = 0, n_braces = 0;
	tokenize(text, &tokens);
	for (size_t i = 0; i < tokens.n; i++) {
		const struct token *token = &tokens.items[i];
		n_braces += is(&tokens, i, "{");
		n_braces -= is(&tokens, i, "}") && n_braces > 0;
		if (!token->is_name || is_keyword(token->text))
			continue;
		if (is_absent_method(&tokens, i))
			n += report(file, token, token->text, out);
		if (is_member(&tokens, i, n_braces > 0) || is_defined(&tokens, token->text))
			continue;
		struct text name = is_library(token->text) ? with_member(&tokens, i) : token->text;
		if (!mapping_knows(mapping, name))
			n += report(file, token, name, out);
	}
	free(tokens.items);
	return n;
}
