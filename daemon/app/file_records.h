/* What a file of records needs beyond one of events: the header of CSV, and a source of its own for each way to read it
 * (M7, M13). */
#ifndef KPID_APP_FILE_RECORDS_H
#define KPID_APP_FILE_RECORDS_H

#include "app/file_cursor.h"
#include "app/file_match.h"
#include "app/intake.h"
#include "app/line_reader.h"

struct file_records {
	struct intake *intake; /* NULL: each line is an event */
	struct record_format format;
	const char
	        *variant; /* what else decides which events the file gives: the mapping's version, parameters, zone */
};

enum header_verdict {
	HEADER_NONE,  /* the line is a record */
	HEADER_TAKEN, /* the line is the header */
	HEADER_WRONG  /* the reason was logged */
};

/* Call it for each line at the cursor before the line is read. */
enum header_verdict file_records_header(const struct file_records *records, const char *path,
                                        const struct file_cursor *cursor, struct text line);
/* Names the source of a file: read in another way, it is another one. line: the first one that is not blank. */
void file_records_name(const struct file_records *records, struct file_match *match, const char *name,
                       struct text line);
/* True if records were mapped since began_us (monotonic) for as long as a turn may take */
bool file_records_mapped_long(const struct file_records *records, int64_t began_us);

#endif
