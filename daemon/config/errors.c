#include "config/config_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/log.h"
#include "kpid/base/memory.h"

__attribute__((format(printf, 5, 0))) static void add(struct config_errors *errors, const char *file, int line,
                                                      char *key, /* NOLINT(readability-non-const-parameter): kept */
                                                      const char *format, va_list arguments)
{
	errors->items = mem_grow(errors->items, &errors->capacity, errors->n + 1, sizeof(*errors->items));
	char *message = NULL;
	if (vasprintf(&message, format, arguments) < 0)
		message = mem_strdup("out of memory");
	errors->items[errors->n++] = (struct config_error){mem_strdup(file), line, key, message, false};
}

void config_error_add(struct config_errors *errors, const char *file, int line, const char *key, const char *format,
                      ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(errors, file, line, mem_strdup(key), format, arguments);
	va_end(arguments);
}

void config_error_add_text(struct config_errors *errors, const char *file, int line, struct text key,
                           struct text message, bool warning)
{
	struct buf name = BUF_INIT;
	buf_add_text(&name, key);
	config_error_add(errors, file, line, buf_text(&name).ptr, "%.*s", (int)message.len, message.ptr);
	errors->items[errors->n - 1].warning = warning;
	buf_release(&name);
}

void config_entry_error(const struct config_source *source, const struct config_entry *entry, const char *format, ...)
{
	struct buf key = BUF_INIT;
	buf_add_format(&key, "%s.%s", entry->section, entry->name);
	va_list arguments;
	va_start(arguments, format);
	add(source->errors, entry->from_set ? "--set" : source->path, entry->line, key.data, format, arguments);
	va_end(arguments);
}

/* Errors of the file come before those of the command line. */
static bool comes_after(const struct config_error *a, const struct config_error *b)
{
	bool a_set = strcmp(a->file, "--set") == 0, b_set = strcmp(b->file, "--set") == 0;
	return a_set != b_set ? a_set : a->line > b->line;
}

void config_errors_sort(struct config_errors *errors)
{
	for (size_t i = 1; i < errors->n; i++) {
		struct config_error moving = errors->items[i];
		size_t place = i;
		for (; place > 0 && comes_after(&errors->items[place - 1], &moving); place--)
			errors->items[place] = errors->items[place - 1];
		errors->items[place] = moving;
	}
}

void config_error_write(const struct config_error *error, struct buf *out)
{
	buf_add_str(out, error->file);
	if (error->line > 0)
		buf_add_format(out, ":%d", error->line);
	buf_add_str(out, ": ");
	if (error->key[0] != '\0')
		buf_add_format(out, "%s: ", error->key);
	buf_add_str(out, error->warning ? "warning: " : "");
	buf_add_str(out, error->message);
}

void config_errors_log(const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		struct buf line = BUF_INIT;
		config_error_write(&errors->items[i], &line);
		log_error("%s", buf_text(&line).ptr);
		buf_release(&line);
	}
}

void config_errors_write(const struct config_errors *errors, struct buf *out)
{
	for (size_t i = 0; i < errors->n; i++) {
		config_error_write(&errors->items[i], out);
		buf_add_char(out, '\n');
	}
}

void config_errors_write_json(const struct config_errors *errors, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < errors->n; i++) {
		const struct config_error *error = &errors->items[i];
		buf_add_str(out, i > 0 ? ", {\"file\": " : "{\"file\": ");
		buf_add_json_string(out, text_of(error->file));
		if (error->line > 0)
			buf_add_format(out, ", \"line\": %d, \"key\": ", error->line);
		else
			buf_add_str(out, ", \"line\": null, \"key\": ");
		buf_add_json_string(out, text_of(error->key));
		buf_add_str(out, ", \"message\": ");
		buf_add_json_string(out, text_of(error->message));
		buf_add_str(out, error->warning ? ", \"level\": \"warning\"}" : ", \"level\": \"error\"}");
	}
	buf_add_char(out, ']');
}

void config_errors_release(struct config_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		free(errors->items[i].file);
		free(errors->items[i].key);
		free(errors->items[i].message);
	}
	free(errors->items);
	*errors = (struct config_errors)CONFIG_ERRORS_INIT;
}
