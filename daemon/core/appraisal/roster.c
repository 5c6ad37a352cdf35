/* The roster: from CSV (RFC 4180) to rows, or to all of its errors at once. */
#include "kpid/core/roster.h"

#include <stdio.h>
#include <stdlib.h>

#include "../jsonfile/file_check.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

enum { MOST_FIELDS = 32, MOST_FIELD_BYTES = 256, MOST_FILE_BYTES = 16 * 1024 * 1024 };

static const char *const names[ROSTER_N_COLUMNS + 1] = {"agent", "role",  "team",  "since",
                                                        "until", "login", "leads", NULL};

const char *roster_column_name(enum roster_column column)
{
	return names[column];
}

struct csv {
	struct text text;
	uint32_t at;
	int line;
	struct file_check check;
	struct roster *roster;
	int column_of[MOST_FIELDS]; /* of each field; -1: unknown */
	size_t n_fields;
};

/* An error at a field of the current file. key NULL: at the whole line. */
static void add_error(struct csv *csv, int line, const char *key, const char *problem)
{
	struct file_place root = {.line = line};
	struct file_place field = {.parent = &root, .key = text_of(key), .line = line};
	file_error_add(&csv->check, key == NULL ? &root : &field, "%s", problem);
}

static bool at_end(const struct csv *csv)
{
	return csv->at >= csv->text.len;
}

static bool at_line_end(const struct csv *csv)
{
	if (at_end(csv))
		return true;
	char c = csv->text.ptr[csv->at];
	return c == '\n' || (c == '\r' && csv->at + 1 < csv->text.len && csv->text.ptr[csv->at + 1] == '\n');
}

static void skip_line_end(struct csv *csv)
{
	if (!at_end(csv) && csv->text.ptr[csv->at] == '\r')
		csv->at++;
	if (!at_end(csv))
		csv->at++;
	csv->line++;
}

/* A field in quotes; "" within it is a quote. */
static void read_quoted(struct csv *csv, struct buf *field)
{
	int first_line = csv->line;
	csv->at++;
	for (; !at_end(csv); csv->at++) {
		char c = csv->text.ptr[csv->at];
		if (c == '"') {
			csv->at++;
			if (at_end(csv) || csv->text.ptr[csv->at] != '"')
				return;
		}
		csv->line += c == '\n';
		buf_add_char(field, c);
	}
	add_error(csv, first_line, NULL, "has a quote that is not closed; close it, or leave it out");
}

static struct text read_field(struct csv *csv)
{
	struct buf field = BUF_INIT;
	if (!at_end(csv) && csv->text.ptr[csv->at] == '"')
		read_quoted(csv, &field);
	while (!at_line_end(csv) && csv->text.ptr[csv->at] != ',')
		buf_add_char(&field, csv->text.ptr[csv->at++]);
	struct text text = arena_text(&csv->roster->arena, buf_text(&field));
	buf_release(&field);
	return text;
}

/* Reads the fields of one line, at most MOST_FIELDS. Returns their number, also of those that are left out. */
static size_t read_line(struct csv *csv, struct text fields[MOST_FIELDS])
{
	size_t n = 0;
	for (;;) {
		struct text field = read_field(csv);
		if (n < MOST_FIELDS)
			fields[n] = field;
		n++;
		if (at_line_end(csv))
			break;
		csv->at++; /* the comma */
	}
	skip_line_end(csv);
	return n;
}

static int column_named(struct text name)
{
	for (int i = 0; i < ROSTER_N_COLUMNS; i++)
		if (text_equal(name, text_of(names[i])))
			return i;
	return -1;
}

static void read_header(struct csv *csv)
{
	struct text fields[MOST_FIELDS] = {TEXT_ABSENT};
	bool seen[ROSTER_N_COLUMNS] = {false};
	csv->n_fields = read_line(csv, fields);
	for (size_t i = 0; i < csv->n_fields && i < MOST_FIELDS; i++) {
		int column = csv->column_of[i] = column_named(fields[i]);
		if (column < 0)
			file_error_add(
			        &csv->check, &(struct file_place){.line = 1},
			        "%s is no column; use agent, role, team, since, until, login and leads, with commas "
			        "between them",
			        file_quote(&csv->check, fields[i]));
		else if (seen[column])
			add_error(csv, 1, names[column], "appears twice in the first line; remove one");
		else
			seen[column] = true;
	}
	if (!seen[ROSTER_AGENT])
		add_error(csv, 1, names[ROSTER_AGENT], "is missing in the first line, which names the columns; add it");
	if (!seen[ROSTER_ROLE])
		add_error(csv, 1, names[ROSTER_ROLE], "is missing in the first line, which names the columns; add it");
}

static bool is_date(struct text text)
{
	char time[32];
	int64_t us;
	if (text.len != strlen("2026-01-31"))
		return false;
	snprintf(time, sizeof(time), "%.*sT00:00:00Z", (int)text.len, text.ptr);
	return timestamp_parse(text_of(time), &us);
}

static bool is_utf8(struct text text)
{
	json_t *string = json_stringn(text_is_empty(text) ? "" : text.ptr, text.len);
	json_decref(string);
	return string != NULL;
}

static void check_row(struct csv *csv, const struct roster_row *row)
{
	const struct text *values = row->values;
	if (text_is_empty(values[ROSTER_AGENT]))
		add_error(csv, row->line, names[ROSTER_AGENT], "is empty; write the id of the agent, as in the events");
	for (int i = 0; i < ROSTER_N_COLUMNS; i++) {
		bool date = i == ROSTER_SINCE || i == ROSTER_UNTIL;
		if (values[i].len > MOST_FIELD_BYTES)
			add_error(csv, row->line, names[i], "is longer than 256 bytes; shorten it");
		else if (!is_utf8(values[i]))
			add_error(csv, row->line, names[i], "is not UTF-8; save the file as \"CSV UTF-8\"");
		else if (date && !text_is_empty(values[i]) && !is_date(values[i]))
			add_error(csv, row->line, names[i], "is not a date; write it as 2026-01-31, or leave it empty");
	}
	if (!text_is_empty(values[ROSTER_SINCE]) && !text_is_empty(values[ROSTER_UNTIL]) &&
	    text_compare(values[ROSTER_UNTIL], values[ROSTER_SINCE]) < 0)
		add_error(csv, row->line, names[ROSTER_UNTIL], "is before `since`; swap the two");
}

static void read_row(struct csv *csv)
{
	struct roster *roster = csv->roster;
	struct text fields[MOST_FIELDS] = {TEXT_ABSENT};
	struct roster_row row = {.line = csv->line};
	size_t n = read_line(csv, fields);
	if (n == 1 && text_is_empty(fields[0]))
		return; /* an empty line */
	if (n != csv->n_fields) {
		file_error_add(&csv->check, &(struct file_place){.line = row.line},
		               "has %zu fields, but the first line has %zu; write one for each column", n,
		               csv->n_fields);
		return;
	}
	for (size_t i = 0; i < n && i < MOST_FIELDS; i++)
		if (csv->column_of[i] >= 0)
			row.values[csv->column_of[i]] = fields[i];
	check_row(csv, &row);
	roster->rows = mem_grow(roster->rows, &roster->capacity, roster->n + 1, sizeof(*roster->rows));
	roster->rows[roster->n++] = row;
}

static int compare_rows(const void *a, const void *b)
{
	const struct roster_row *left = a, *right = b;
	int order = 0;
	for (int i = 0; i < ROSTER_N_COLUMNS && order == 0; i++)
		order = text_compare(left->values[i], right->values[i]);
	return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static int compare_logins(const void *a, const void *b)
{
	const struct roster_row *left = *(const struct roster_row *const *)a,
	                        *right = *(const struct roster_row *const *)b;
	int order = text_compare(left->values[ROSTER_LOGIN], right->values[ROSTER_LOGIN]);
	return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

/* Rows that appear twice, and logins of two agents. Sorts the rows. */
static void check_twins(struct csv *csv)
{
	struct roster *roster = csv->roster;
	if (roster->n == 0)
		return;
	qsort(roster->rows, roster->n, sizeof(*roster->rows), compare_rows);
	const struct roster_row **by_login = mem_alloc(roster->n * sizeof(const struct roster_row *));
	for (size_t i = 0; i < roster->n; i++) {
		struct roster_row *row = &roster->rows[i];
		bool same = i > 0;
		for (int c = 0; same && c < ROSTER_N_COLUMNS; c++)
			same = text_same(row->values[c], row[-1].values[c]);
		if (same)
			file_error_add(&csv->check, &(struct file_place){.line = row->line},
			               "is the same as line %d; remove one", row[-1].line);
		by_login[i] = row;
	}
	qsort(by_login, roster->n, sizeof(const struct roster_row *), compare_logins);
	for (size_t i = 1; i < roster->n; i++) {
		const struct text *before = by_login[i - 1]->values, *values = by_login[i]->values;
		if (text_is_empty(values[ROSTER_LOGIN]) || !text_same(values[ROSTER_LOGIN], before[ROSTER_LOGIN]) ||
		    text_same(values[ROSTER_AGENT], before[ROSTER_AGENT]))
			continue;
		struct file_place root = {.line = by_login[i]->line};
		struct file_place place = {.parent = &root, .key = text_of(names[ROSTER_LOGIN]), .line = root.line};
		file_error_add(
		        &csv->check, &place,
		        "belongs to another agent on line %d; give each agent a login of his own, or leave it empty",
		        by_login[i - 1]->line);
	}
	free(by_login);
}

static void read_file(struct csv *csv)
{
	if (csv->text.len >= 3 && memcmp(csv->text.ptr, "\xEF\xBB\xBF", 3) == 0)
		csv->at = 3;
	if (csv->text.len > MOST_FILE_BYTES) {
		add_error(csv, 0, NULL, "is longer than 16 MiB; remove rows that are no longer needed");
		return;
	}
	if (memchr(csv->text.ptr, '\0', csv->text.len) != NULL) {
		add_error(csv, 0, NULL, "holds a NUL byte; save it as plain UTF-8 text");
		return;
	}
	read_header(csv);
	if (csv->check.errors->n > 0)
		return; /* the rows would only repeat them */
	while (!at_end(csv))
		read_row(csv);
	check_twins(csv);
}

struct roster *roster_parse(struct text csv_text, struct file_errors *errors_out)
{
	*errors_out = (struct file_errors){.items = NULL};
	arena_init(&errors_out->arena);
	struct roster *roster = mem_zalloc(sizeof(*roster));
	arena_init(&roster->arena);
	struct csv csv = {.text = csv_text, .line = 1, .check = {.errors = errors_out}, .roster = roster};
	arena_init(&csv.check.scratch);
	read_file(&csv);
	arena_release(&csv.check.scratch);
	if (errors_out->n == 0)
		return roster;
	roster_free(roster);
	return NULL;
}

void roster_free(struct roster *roster)
{
	if (roster == NULL)
		return;
	free(roster->rows);
	arena_release(&roster->arena);
	free(roster);
}
