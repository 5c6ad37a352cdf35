#include "cli/file_text.h"

#include <stdio.h>

#include "cli/json_out.h"
#include "config/config_internal.h"

#define MAX_FILE_BYTES (16 * 1024 * 1024)

bool file_text_read(const char *path, struct config_errors *errors, struct buf *out)
{
	FILE *stream = fopen(path, "re");
	if (stream == NULL) {
		config_error_add(errors, path, 0, "", "cannot be read");
		return false;
	}
	char chunk[4096];
	size_t n;
	while (out->len_bytes <= MAX_FILE_BYTES && (n = fread(chunk, 1, sizeof(chunk), stream)) > 0)
		buf_add(out, chunk, n);
	bool failed = ferror(stream) != 0 || out->len_bytes > MAX_FILE_BYTES;
	fclose(stream);
	if (failed)
		config_error_add(errors, path, 0, "", "cannot be read, or is larger than 16 MiB");
	return !failed;
}

void file_text_add_errors(struct config_errors *out, const char *path, const struct file_error *errors, size_t n,
                          bool warnings)
{
	for (size_t i = 0; i < n; i++)
		config_error_add_text(out, path, errors[i].line, errors[i].path, errors[i].message, warnings);
}

void file_text_print_errors(const struct cli *cli, const struct config_errors *errors)
{
	struct buf out = BUF_INIT;
	if (!cli->json) {
		cli_print_errors(errors);
		return;
	}
	config_errors_write_json(errors, &out);
	buf_add_char(&out, '\n');
	cli_print_data(cli, &out);
}
