#include "config/config_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/log.h"
#include "kpid/base/memory.h"

__attribute__((format(printf, 5, 0))) static void add(struct config_faults *faults, const char *file, int line,
                                                      char *key, /* NOLINT(readability-non-const-parameter): kept */
                                                      const char *format, va_list arguments)
{
	faults->items = mem_grow(faults->items, &faults->capacity, faults->n + 1, sizeof(*faults->items));
	char *message = NULL;
	if (vasprintf(&message, format, arguments) < 0)
		message = mem_strdup("out of memory");
	faults->items[faults->n++] = (struct config_fault){mem_strdup(file), line, key, message, false};
}

void config_fault_add(struct config_faults *faults, const char *file, int line, const char *key, const char *format,
                      ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(faults, file, line, mem_strdup(key), format, arguments);
	va_end(arguments);
}

void config_entry_fault(const struct config_source *source, const struct config_entry *entry, const char *format, ...)
{
	struct buf key = BUF_INIT;
	buf_add_format(&key, "%s.%s", entry->section, entry->name);
	va_list arguments;
	va_start(arguments, format);
	add(source->faults, entry->from_set ? "--set" : source->path, entry->line, key.data, format, arguments);
	va_end(arguments);
}

/* What is in the file comes before what is on the command line. */
static bool comes_after(const struct config_fault *a, const struct config_fault *b)
{
	bool a_set = strcmp(a->file, "--set") == 0, b_set = strcmp(b->file, "--set") == 0;
	return a_set != b_set ? a_set : a->line > b->line;
}

void config_faults_sort(struct config_faults *faults)
{
	for (size_t i = 1; i < faults->n; i++) {
		struct config_fault moving = faults->items[i];
		size_t place = i;
		for (; place > 0 && comes_after(&faults->items[place - 1], &moving); place--)
			faults->items[place] = faults->items[place - 1];
		faults->items[place] = moving;
	}
}

void config_faults_log(const struct config_faults *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		log_error("%s:%d: %s: %s", faults->items[i].file, faults->items[i].line, faults->items[i].key,
		          faults->items[i].message);
}

void config_faults_write(const struct config_faults *faults, struct buf *out)
{
	for (size_t i = 0; i < faults->n; i++) {
		const struct config_fault *fault = &faults->items[i];
		buf_add_str(out, fault->file);
		if (fault->line > 0)
			buf_add_format(out, ":%d", fault->line);
		buf_add_str(out, ": ");
		if (fault->key[0] != '\0')
			buf_add_format(out, "%s: ", fault->key);
		buf_add_str(out, fault->warning ? "warning: " : "");
		buf_add_str(out, fault->message);
		buf_add_char(out, '\n');
	}
}

void config_faults_write_json(const struct config_faults *faults, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < faults->n; i++) {
		const struct config_fault *fault = &faults->items[i];
		buf_add_str(out, i > 0 ? ", {\"file\": " : "{\"file\": ");
		buf_add_json_string(out, text_of(fault->file));
		if (fault->line > 0)
			buf_add_format(out, ", \"line\": %d, \"key\": ", fault->line);
		else
			buf_add_str(out, ", \"line\": null, \"key\": ");
		buf_add_json_string(out, text_of(fault->key));
		buf_add_str(out, ", \"message\": ");
		buf_add_json_string(out, text_of(fault->message));
		buf_add_str(out, fault->warning ? ", \"level\": \"warning\"}" : ", \"level\": \"error\"}");
	}
	buf_add_char(out, ']');
}

void config_faults_release(struct config_faults *faults)
{
	for (size_t i = 0; i < faults->n; i++) {
		free(faults->items[i].file);
		free(faults->items[i].key);
		free(faults->items[i].message);
	}
	free(faults->items);
	*faults = (struct config_faults)CONFIG_FAULTS_INIT;
}
