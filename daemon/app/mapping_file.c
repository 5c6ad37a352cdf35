#include "app/mapping_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/memory.h"

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

bool mapping_file_read(const char *path, struct buf *text_out, struct buf *error_out)
{
	FILE *stream = fopen(path, "re");
	if (stream == NULL) {
		buf_add_format(error_out, "%s: %s", path, strerror(errno));
		return false;
	}
	char *room = buf_extend(text_out, MAPPING_MAX_BYTES + 1);
	size_t n = fread(room, 1, MAPPING_MAX_BYTES + 1, stream);
	bool failed = ferror(stream) != 0;
	text_out->len_bytes = n;
	fclose(stream);
	if (failed)
		buf_add_format(error_out, "%s cannot be read", path);
	return !failed;
}

struct mapping *mapping_file_load(const char *path, const struct mapping_order *order, struct buf *error_out)
{
	struct buf text = BUF_INIT;
	struct mapping *mapping = NULL;
	if (mapping_file_read(path, &text, error_out)) {
		struct mapping_order named = *order;
		named.name = name_of(path);
		named.text = buf_text(&text);
		mapping = mapping_new(&named, error_out);
	}
	buf_release(&text);
	return mapping;
}

char *mapping_file_name(const char *path)
{
	static const char suffix[] = ".lua";
	char *name = mem_strdup(name_of(path));
	size_t n = sizeof(suffix) - 1, length = strlen(name);
	if (length > n && strcmp(name + length - n, suffix) == 0)
		name[length - n] = '\0';
	return name;
}

char *mapping_file_source(const char *path)
{
	struct buf source = BUF_INIT;
	char *name = mapping_file_name(path);
	buf_add_format(&source, "/map/%s", name);
	free(name);
	return source.data;
}
