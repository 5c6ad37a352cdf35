/* Feeds a lane from a file of events: NDJSON, plain or gzip, one event a line. The same pipeline as from
 * Kafka; the line number takes the place of the offset. */
#ifndef KPID_APP_FILE_FEED_H
#define KPID_APP_FILE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/writer.h"
#include "kpid/config.h"

struct file_feed_report {
	int64_t n_lines;   /* read in this run */
	int64_t n_skipped; /* lines that an earlier run has committed */
	int64_t elapsed_us;
	int64_t parse_us;         /* reading, unpacking and parsing the lines */
	struct write_parts parts; /* where the time of this run's batches went */
	int64_t counts[5]; /* of the file over all runs: messages, duplicates, tombstones, unknown types, dead letters
	                    */
};

/* path: "-" is standard input. Takes the configuration over. progress: draw a bar on stderr.
 * Returns an exit code. */
int file_feed_run(struct kpid_config *config, const char *path, bool progress, struct file_feed_report *report_out);

#endif
