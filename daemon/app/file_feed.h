/* Feeds a lane from a file or a stream of events: NDJSON, plain or gzip, one event a line. The same pipeline as from
 * Kafka; the line number takes the place of the offset. */
#ifndef KPID_APP_FILE_FEED_H
#define KPID_APP_FILE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/writer.h"
#include "kpid/config.h"

struct file_feed_order {
	const char *path; /* "-" is standard input */
	const char *name; /* of the source, in place of the file's; NULL */
	bool once;        /* the lines are not remembered as those of a file: each run reads all of them */
	bool progress;    /* draw a bar on stderr */
};

struct file_feed_report {
	int64_t n_lines;   /* read in this run */
	int64_t n_skipped; /* lines that an earlier run has committed */
	int64_t elapsed_us;
	int64_t parse_us;         /* reading, unpacking and parsing the lines */
	struct write_parts parts; /* where the time of this run's batches went */
	int64_t counts[5]; /* of the source over all runs: messages, duplicates, tombstones, unknown types, dead letters
	                    */
};

/* Takes the configuration over. Returns an exit code. 0: every line of the input is in the database, as an event, a
 * duplicate, an unknown type or a dead letter. Anything else: the reason was logged, and the source stays unfinished.
 */
int file_feed_run(struct kpid_config *config, const struct file_feed_order *order, struct file_feed_report *report_out);

#endif
