/* Reads the lines of the file. inih splits them into names and values, but skips most malformed lines silently and
 * gives no line numbers. So next_line(), which passes the lines to inih, checks and counts them. */
#include "config/config_internal.h"

#include <errno.h>
#include <ini.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "kpid/base/memory.h"

#define MAX_FILE_BYTES (1024 * 1024)

struct ini_file {
	struct config_source *source;
	struct config_entries *entries;
	const char *rest;  /* the text not yet passed to inih */
	int line;          /* number of the line passed last, from 1 */
	const char *start; /* of that line, without leading blanks */
	const char *end;
	bool wants_value;    /* that line should be "name = value"; inih has not called back yet */
	char *section;       /* section of that line; NULL before the first or after a malformed one */
	bool in_bad_section; /* its lines are skipped: the error of its name is enough */
};

static void line_error(const struct ini_file *file, const char *key, const char *message)
{
	config_error_add(file->source->errors, file->source->path, file->line, key, "%s", message);
}

static void begin_section(struct ini_file *file)
{
	free(file->section);
	file->section = NULL;
	file->in_bad_section = true;
	const char *bracket = memchr(file->start, ']', (size_t)(file->end - file->start));
	if (bracket == NULL || bracket + 1 != file->end) {
		line_error(file, "", "a section begins with a line [name] and nothing else");
		return;
	}
	file->section = mem_zalloc((size_t)(bracket - file->start));
	memcpy(file->section, file->start + 1, (size_t)(bracket - file->start - 1));
	file->in_bad_section = config_section_find(file->section) == NULL;
	if (!file->in_bad_section)
		return;
	const char *nearest = config_section_nearest(file->section);
	if (nearest != NULL)
		config_error_add(file->source->errors, file->source->path, file->line, file->section,
		                 "there is no such section; did you mean [%s]?", nearest);
	else
		line_error(file, file->section, "there is no such section");
}

static bool is_text(const char *start, const char *end)
{
	json_t *string = json_stringn(start, (size_t)(end - start)); /* NULL if it is not UTF-8 */
	bool good = string != NULL && memchr(start, '\0', (size_t)(end - start)) == NULL;
	json_decref(string);
	return good;
}

static void check_last_line(struct ini_file *file)
{
	if (file->wants_value && !file->in_bad_section)
		line_error(file, "", "expected \"[section]\" or \"name = value\"");
	file->wants_value = false;
}

/* An ini_reader: copies the next line. Each line fits into the buffer, see read_lines(). */
static char *next_line(char *buffer, int n_buffer, void *user)
{
	struct ini_file *file = user;
	check_last_line(file);
	if (file->rest[0] == '\0')
		return NULL;
	const char *newline = strchr(file->rest, '\n');
	const char *end = newline == NULL ? file->rest + strlen(file->rest) : newline + 1;
	size_t length = (size_t)(end - file->rest);
	if (length >= (size_t)n_buffer)
		return NULL;
	memcpy(buffer, file->rest, length);
	buffer[length] = '\0';

	file->line++;
	file->start = file->rest;
	file->end = end;
	file->rest = end;
	while (file->start < file->end && strchr(" \t\r\n\v\f", *file->start) != NULL)
		file->start++;
	while (file->end > file->start && strchr(" \t\r\n\v\f", file->end[-1]) != NULL)
		file->end--;
	if (!is_text(file->start, file->end)) {
		line_error(file, "", "the line is not UTF-8");
		buffer[0] = '\0';
	} else if (file->start < file->end && *file->start == '[') {
		begin_section(file);
	} else {
		file->wants_value = file->start < file->end && *file->start != '#' && *file->start != ';';
	}
	return buffer;
}

static struct config_entry *find(const struct config_entries *entries, const char *section, const char *name)
{
	for (size_t i = 0; i < entries->n; i++)
		if (strcmp(entries->items[i].section, section) == 0 && strcmp(entries->items[i].name, name) == 0)
			return &entries->items[i];
	return NULL;
}

static void add_entry(struct config_entries *entries, struct config_entry entry)
{
	entries->items = mem_grow(entries->items, &entries->capacity, entries->n + 1, sizeof(*entries->items));
	entries->items[entries->n++] = entry;
}

static void without_section(const struct ini_file *file, const char *name)
{
	for (size_t i = 0; i < config_n_options; i++) {
		if (strcmp(config_options[i].name, name) == 0) {
			config_error_add(file->source->errors, file->source->path, file->line, name,
			                 "comes before the first section; it belongs under [%s]",
			                 config_options[i].section);
			return;
		}
	}
	line_error(file, name, "comes before the first section");
}

/* An ini_handler. Uses the section of next_line(), because inih cuts long names. */
static int take_value(void *user, const char *ini_section, const char *name, const char *value)
{
	(void)ini_section;
	struct ini_file *file = user;
	if (file->in_bad_section)
		return 1;
	if (name[0] == '\0')
		return 1; /* wants_value stays set, so the line is reported */
	file->wants_value = false;
	if (file->section == NULL) {
		without_section(file, name);
		return 1;
	}
	struct config_entry entry = {mem_strdup(file->section), mem_strdup(name), mem_strdup(value), file->line, false};
	const struct config_entry *earlier = find(file->entries, entry.section, name);
	if (earlier != NULL) {
		config_entry_error(file->source, &entry, "is set twice; first on line %d", earlier->line);
		free(entry.section);
		free(entry.name);
		free(entry.value);
		return 1;
	}
	add_entry(file->entries, entry);
	return 1;
}

static int longest_line(const char *text)
{
	size_t longest = 0;
	while (*text != '\0') {
		const char *newline = strchr(text, '\n');
		size_t length = newline == NULL ? strlen(text) : (size_t)(newline - text) + 1;
		if (length > longest)
			longest = length;
		text += length;
	}
	return (int)longest;
}

static void read_lines(struct ini_file *file, const char *text)
{
	/* A value may hold any character, a comment has a line of its own, and no line continues on the next. */
	ini_allow_inline_comments = false;
	ini_allow_multiline = false;
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = longest_line(text) + 3;
	file->rest = text;
	ini_parse_stream(next_line, file, take_value, file);
	check_last_line(file);
}

/* Reads the whole file. Returns false after adding an error. */
static bool read_file(struct config_source *source, struct buf *text_out)
{
	FILE *stream = fopen(source->path, "re");
	struct stat status;
	if (stream == NULL || fstat(fileno(stream), &status) != 0) {
		config_error_add(source->errors, source->path, 0, "", "cannot be read: %s", strerror(errno));
		if (stream != NULL)
			fclose(stream);
		return false;
	}
	source->for_owner_only = (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
	char chunk[4096];
	size_t n;
	while (text_out->len_bytes <= MAX_FILE_BYTES && (n = fread(chunk, 1, sizeof(chunk), stream)) > 0)
		buf_add(text_out, chunk, n);
	bool failed = ferror(stream) != 0;
	const char *reason = strerror(errno);
	if (failed)
		config_error_add(source->errors, source->path, 0, "", "cannot be read: %s", reason);
	else if (text_out->len_bytes > MAX_FILE_BYTES)
		config_error_add(source->errors, source->path, 0, "", "is larger than 1 MiB");
	else if (text_out->len_bytes > 0 && memchr(text_out->data, '\0', text_out->len_bytes) != NULL)
		config_error_add(source->errors, source->path, 0, "", "is not text: it has a zero byte");
	else {
		fclose(stream);
		return true;
	}
	fclose(stream);
	return false;
}

void config_ini_read(struct config_source *source, struct config_entries *entries_out)
{
	struct buf text = BUF_INIT;
	if (read_file(source, &text) && text.len_bytes > 0) {
		struct ini_file file = {.source = source, .entries = entries_out};
		bool has_mark = strncmp(text.data, "\xef\xbb\xbf", 3) == 0;
		read_lines(&file, text.data + (has_mark ? 3 : 0));
		free(file.section);
	}
	buf_release(&text);
}

void config_entries_release(struct config_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		free(entries->items[i].section);
		free(entries->items[i].name);
		free(entries->items[i].value);
	}
	free(entries->items);
	*entries = (struct config_entries){NULL, 0, 0};
}

static char *copy(const char *start, const char *end)
{
	char *c_string = mem_zalloc((size_t)(end - start) + 1);
	return memcpy(c_string, start, (size_t)(end - start));
}

/* "run.lanes=4" */
static void read_set(const char *set, int number, struct config_source *source, struct config_entries *entries)
{
	const char *equals = strchr(set, '=');
	const char *dot = strchr(set, '.');
	if (!is_text(set, set + strlen(set))) {
		config_error_add(source->errors, "--set", number, "", "is not UTF-8");
		return;
	}
	if (equals == NULL || dot == NULL || dot > equals || dot == set || dot + 1 == equals) {
		/* Do not repeat the text: it may be a secret. */
		config_error_add(source->errors, "--set", number, "", "must be section.name=value");
		return;
	}
	struct config_entry entry = {copy(set, dot), copy(dot + 1, equals), mem_strdup(equals + 1), number, true};
	if (config_section_find(entry.section) == NULL) {
		const char *nearest = config_section_nearest(entry.section);
		config_entry_error(source, &entry, "there is no such section%s%s%s",
		                   nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
		                   nearest == NULL ? "" : "?");
	} else if (config_name_is_secret(entry.name)) {
		config_entry_error(source, &entry,
		                   "a secret on the command line can be seen by everyone on this machine; "
		                   "use %s_file=PATH",
		                   entry.name);
	} else {
		struct config_entry *earlier = find(entries, entry.section, entry.name);
		if (earlier == NULL) {
			add_entry(entries, entry);
			return;
		}
		struct config_entry replaced = *earlier;
		*earlier = entry;
		entry = replaced;
	}
	/* NOLINTBEGIN(clang-analyzer-unix.Malloc): the analyzer does not see that each entry owns its strings */
	free(entry.section);
	free(entry.name);
	free(entry.value);
	/* NOLINTEND(clang-analyzer-unix.Malloc) */
}

void config_sets_read(const char *const *sets, size_t n_sets, struct config_source *source,
                      struct config_entries *entries_io)
{
	for (size_t i = 0; i < n_sets; i++)
		read_set(sets[i], (int)i + 1, source, entries_io);
}
