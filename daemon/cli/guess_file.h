/* kpid map guess: prints a first mapping of the records of a file. */
#ifndef KPID_CLI_GUESS_FILE_H
#define KPID_CLI_GUESS_FILE_H

#include "cli/cli.h"
#include "cli/records.h"

/* Reads a bounded part of the file, and writes the mapping to standard output. options: of the form of the records. */
int guess_file(const struct cli *cli, struct records_options *options, const char *path);

#endif
