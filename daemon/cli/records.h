/* The options of commands that read records of other systems: --map, --flat and what belongs to them. */
#ifndef KPID_CLI_RECORDS_H
#define KPID_CLI_RECORDS_H

#include <stdbool.h>

#include "app/file_records.h"
#include "cli/cli.h"
#include "kpid/port/zone.h"

enum { RECORDS_MOST_PARAMS = 64 };

struct records_options {
	const char *map, *format, *zone, *source, *prefix, *each, *delimiter, *encoding, *skip;
	bool flat;
	bool is_look; /* instead of a mapping: the caller looks at each record */
	struct mapping_param params[RECORDS_MOST_PARAMS];
	size_t n_params;
};

/* Values of long options. */
enum {
	RECORDS_MAP = 300,
	RECORDS_FLAT,
	RECORDS_FORMAT,
	RECORDS_ZONE,
	RECORDS_SOURCE,
	RECORDS_PREFIX,
	RECORDS_PARAM,
	RECORDS_EACH,
	RECORDS_SEEN,
	RECORDS_DELIMITER,
	RECORDS_ENCODING,
	RECORDS_SKIP
};

#define RECORDS_LONG_OPTIONS                                                                                           \
	{"map", required_argument, NULL, RECORDS_MAP}, {"flat", no_argument, NULL, RECORDS_FLAT},                      \
	        {"format", required_argument, NULL, RECORDS_FORMAT}, {"zone", required_argument, NULL, RECORDS_ZONE},  \
	        {"source", required_argument, NULL, RECORDS_SOURCE},                                                   \
	        {"prefix", required_argument, NULL, RECORDS_PREFIX},                                                   \
	        {"param", required_argument, NULL, RECORDS_PARAM}, {"each", required_argument, NULL, RECORDS_EACH},    \
	        {"seen", required_argument, NULL, RECORDS_SEEN},                                                       \
	        {"delimiter", required_argument, NULL, RECORDS_DELIMITER},                                             \
	        {"encoding", required_argument, NULL, RECORDS_ENCODING},                                               \
	{                                                                                                              \
		"skip", required_argument, NULL, RECORDS_SKIP                                                          \
	}

/* The value of the option of that name, such as "zone"; 0: there is none. */
int records_find(const char *name);
/* Takes an option of the list. Returns false after printing a usage error. */
bool records_take(const struct cli *cli, struct records_options *options, int option, char *value);

/* What the options make. */
struct records {
	struct file_records file;
	struct intake intake;
	struct zone zone;
	char *source, *map_name;
	struct buf variant;
};

/* Opens what the options name, for a file of that path. Returns CLI_OK, or another status after printing the reason.
 * Without --map, --flat and is_look, file.intake is NULL. With is_look, the caller sets look() of the intake. The
 * records are released in both cases. */
int records_open(const struct cli *cli, const struct records_options *options, const char *path,
                 struct records *records);
void records_release(struct records *records);

/* What happens to the records of a file. */
struct records_sink {
	void (*begin)(void *context, int64_t line_no, struct text record); /* line_no: from 1 */
	void (*end)(void *context);                                        /* of the record */
	bool (*is_enough)(void *context); /* after a record: true ends the reading; NULL: reads all */
	struct intake_sink intake;        /* its context is that of all */
};

/* Reads a file without a database. Returns false after logging why it cannot be read. */
bool records_read(const char *path, const struct file_records *records, const struct records_sink *sink);

#endif
