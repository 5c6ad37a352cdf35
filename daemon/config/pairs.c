/* Names and values that kpid passes on to a library, and secrets from files. */
#include "config/config_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "kpid/base/memory.h"

#define FILE_SUFFIX      "_file"
#define MAX_SECRET_BYTES 65536

const char *const config_secret_names[] = {"password", "secret", "key.pem", "sasl.oauthbearer.config", NULL};

static bool ends_with(const char *name, const char *suffix)
{
	size_t n_name = strlen(name), n_suffix = strlen(suffix);
	return n_name > n_suffix && strcmp(name + n_name - n_suffix, suffix) == 0;
}

bool config_name_is_secret(const char *name)
{
	if (ends_with(name, FILE_SUFFIX))
		return false;
	for (size_t i = 0; config_secret_names[i] != NULL; i++)
		if (strcasestr(name, config_secret_names[i]) != NULL)
			return true;
	return false;
}

void config_pair_add(struct config_pairs *pairs, const char *name, const char *value, bool secret, int line)
{
	pairs->items = mem_grow(pairs->items, &pairs->capacity, pairs->n + 1, sizeof(*pairs->items));
	pairs->items[pairs->n++] = (struct config_pair){mem_strdup(name), mem_strdup(value), secret, line};
}

const char *config_pairs_get(const struct config_pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->items[i].name, name) == 0)
			return pairs->items[i].value;
	return NULL;
}

/* Overwrites the values first: they may be secrets. */
void config_pairs_release(struct config_pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->items[i].name);
		explicit_bzero(pairs->items[i].value, strlen(pairs->items[i].value));
		free(pairs->items[i].value);
	}
	free(pairs->items);
	*pairs = (struct config_pairs){NULL, 0, 0};
}

/* Reads an open file without its last line break. Returns false after appending the reason. */
static bool read_stream(FILE *stream, const char *path, struct buf *value_out, struct buf *message_out)
{
	struct stat status;
	if (fstat(fileno(stream), &status) != 0 || !S_ISREG(status.st_mode)) {
		buf_add_format(message_out, "%s is not a file", path);
		return false;
	}
	if ((status.st_mode & S_IROTH) != 0) {
		buf_add_format(message_out, "everyone on this machine can read %s; run: chmod o-rwx %s", path, path);
		return false;
	}
	if (status.st_size > MAX_SECRET_BYTES) {
		buf_add_format(message_out, "%s is larger than 64 KiB", path);
		return false;
	}
	char *room = buf_extend(value_out, MAX_SECRET_BYTES + 1);
	size_t n = fread(room, 1, MAX_SECRET_BYTES + 1, stream);
	if (ferror(stream) != 0 || n > MAX_SECRET_BYTES) {
		buf_add_format(message_out, "cannot read %s", path);
		return false;
	}
	if (n > 0 && room[n - 1] == '\n')
		n--;
	if (n > 0 && room[n - 1] == '\r')
		n--;
	room[n] = '\0';
	value_out->len_bytes = n;
	if (n == 0 || memchr(room, '\0', n) != NULL) {
		buf_add_format(message_out, "%s %s", path, n == 0 ? "is empty" : "is not text: it has a zero byte");
		return false;
	}
	return true;
}

bool config_secret_read(const char *path, struct buf *value_out, struct buf *message_out)
{
	FILE *stream = fopen(path, "re");
	if (stream == NULL) {
		buf_add_format(message_out, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	setvbuf(stream, NULL, _IONBF, 0); /* no second copy of the secret in memory */
	bool good = read_stream(stream, path, value_out, message_out);
	fclose(stream);
	return good;
}

/* Returns false after adding an error: the name is unknown or reserved. */
static bool check_name(const struct config_library *library, const struct config_source *source,
                       const struct config_entry *entry, const char *name)
{
	for (const struct config_reserved *row = library->reserved; row->name != NULL; row++) {
		if (strcmp(row->name, name) == 0) {
			config_entry_error(source, entry, "cannot be set: %s", row->reason);
			return false;
		}
	}
	struct suggestion suggestion;
	suggestion_init(&suggestion, name);
	if (library->knows(library->user, name, &suggestion))
		return true;
	if (suggestion.nearest != NULL)
		config_entry_error(source, entry, "%s does not know it; did you mean %s?", library->title,
		                   suggestion.nearest);
	else
		config_entry_error(source, entry, "%s does not know it", library->title);
	return false;
}

static bool take_value(const struct config_source *source, const struct config_entry *entry, bool from_file,
                       struct buf *value_out, struct buf *message_out)
{
	if (from_file) {
		char *path = config_path_from(entry->from_set ? NULL : source->folder, entry->value);
		bool good = config_secret_read(path, value_out, message_out);
		free(path);
		return good;
	}
	buf_add_str(value_out, entry->value);
	if (config_name_is_secret(entry->name) && !source->for_owner_only) {
		buf_add_format(message_out,
		               "other users can read this file; put the secret into a separate file and write "
		               "%s" FILE_SUFFIX " = PATH, or run: chmod 600 %s",
		               entry->name, source->path);
		return false;
	}
	return true;
}

void config_pair_read(const struct config_library *library, const struct config_source *source,
                      const struct config_entry *entry)
{
	bool from_file = ends_with(entry->name, FILE_SUFFIX);
	char *name = mem_strdup(entry->name);
	if (from_file)
		name[strlen(name) - strlen(FILE_SUFFIX)] = '\0';
	struct buf value = BUF_INIT, message = BUF_INIT;
	if (check_name(library, source, entry, name)) {
		if (config_pairs_get(library->pairs, name) != NULL)
			buf_add_format(&message, "is set twice: as %s and as %s" FILE_SUFFIX, name, name);
		else if (take_value(source, entry, from_file, &value, &message) &&
		         (library->accepts == NULL ||
		          library->accepts(library->user, name, buf_text(&value).ptr, &message)))
			config_pair_add(library->pairs, name, buf_text(&value).ptr, config_name_is_secret(name),
			                entry->from_set ? 0 : entry->line);
	}
	if (message.len_bytes > 0)
		config_entry_error(source, entry, "%s", message.data);
	if (value.data != NULL)
		explicit_bzero(value.data, value.capacity_bytes);
	buf_release(&value);
	buf_release(&message);
	free(name);
}
