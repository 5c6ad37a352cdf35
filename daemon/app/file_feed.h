/* kpid ingest: feeds a lane from a file or stream of events, which is NDJSON, plain or gzip. The pipeline is the same
 * as for Kafka, with line numbers as offsets. */
#ifndef KPID_APP_FILE_FEED_H
#define KPID_APP_FILE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/writer.h"
#include "app/file_records.h"
#include "kpid/config.h"

struct file_feed_order {
	const char *path;            /* "-" is standard input */
	const char *name;            /* of the source; NULL: the name of the file */
	bool once;                   /* --once: reads all lines, and keeps no progress for a later run */
	bool progress;               /* draw a bar on stderr */
	struct file_records records; /* zeroed: each line is an event */
};

struct file_feed_report {
	int64_t n_lines;   /* fed in this run */
	int64_t n_skipped; /* lines that an earlier run has committed */
	int64_t elapsed_us;
	int64_t parse_us;         /* reading, unpacking and parsing the lines */
	struct write_parts parts; /* where the time of writing went */
	int64_t counts[5]; /* of the source over all runs: messages, duplicates, tombstones, unknown types, dead letters
	                    */
};

/* Takes ownership of the configuration. Returns an exit code. 0: every line is in the database, as an event, a
 * duplicate, an unknown type or a dead letter. Otherwise the reason was logged and the source is not finished. */
int file_feed_run(struct kpid_config *config, const struct file_feed_order *order, struct file_feed_report *report_out);

#endif
