/* Reads a file that the operator named on the command line. */
#ifndef KPID_CLI_FILE_TEXT_H
#define KPID_CLI_FILE_TEXT_H

#include <stdbool.h>

#include "cli/cli.h"
#include "kpid/base/buf.h"
#include "kpid/config.h"
#include "kpid/core/file_errors.h"

/* Appends the whole file, at most 16 MiB. False after adding an error. */
bool file_text_read(const char *path, struct config_errors *errors, struct buf *out);
/* Adds errors, or warnings, of a file to those of a command. */
void file_text_add_errors(struct config_errors *out, const char *path, const struct file_error *errors, size_t n,
                          bool warnings);
/* Prints errors and warnings; with --json both are in one array. */
void file_text_print_errors(const struct cli *cli, const struct config_errors *errors);

#endif
