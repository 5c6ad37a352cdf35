/* kpid ingest --dry-run: shows what the records of a file would give. Needs no database. */
#ifndef KPID_CLI_INGEST_DRY_H
#define KPID_CLI_INGEST_DRY_H

#include "cli/dry_verdicts.h"
#include "cli/records.h"

/* Prints the events under each record, or why there are none, and a summary; with verdicts (not NULL) also those.
 * Returns CLI_OK; CLI_FAILED if the file cannot be read to its end. */
int ingest_dry(const struct cli *cli, const char *path, const struct file_records *records,
               struct dry_verdicts *verdicts);

#endif
