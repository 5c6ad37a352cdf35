/* kpid ingest --compare: what a file would change in the database. Reads the schema report only, and writes nothing. */
#ifndef KPID_CLI_INGEST_COMPARE_H
#define KPID_CLI_INGEST_COMPARE_H

#include "cli/records.h"

/* Prints each ticket that is missing or would change, and a summary. Returns CLI_OK if there is none, CLI_FAILED if
 * there is one or if a ticket cannot be compared, CLI_USAGE if the file cannot be read to its end, or another status
 * after printing the reason. */
int ingest_compare(struct cli *cli, const char *path, const struct file_records *records);

#endif
