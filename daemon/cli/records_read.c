/* Reads a file of records without a database. */
#include <poll.h>

#include "cli/records.h"
#include "kpid/base/clock.h"

static void wait_for(const struct line_reader *reader)
{
	struct pollfd ready = {line_reader_fd(reader), POLLIN, 0};
	poll(&ready, 1, -1);
}

/* *is_enough_out: no further record is wanted. */
static bool read_line(const char *path, const struct file_records *records, const struct file_cursor *cursor,
                      const struct records_sink *sink, struct text line, bool *is_enough_out)
{
	enum header_verdict header = file_records_header(records, path, cursor, line);
	if (header != HEADER_NONE || line_is_blank(line))
		return header != HEADER_WRONG;
	const struct wire_message message = {.value = line, .topic = text_of(path), .offset = cursor->line_no};
	sink->begin(sink->intake.context, line_reader_record_line(cursor->reader), line);
	intake_read(records->intake, &message, wall_clock_us(), &sink->intake, NULL);
	sink->end(sink->intake.context);
	*is_enough_out = sink->is_enough != NULL && sink->is_enough(sink->intake.context);
	return true;
}

static bool read_all(const char *path, const struct file_records *records, struct file_cursor *cursor,
                     const struct records_sink *sink)
{
	struct text line;
	bool is_enough = false;
	while (!is_enough) {
		switch (line_reader_next(cursor->reader, &line)) {
		case LINE_READ:
			if (!read_line(path, records, cursor, sink, line, &is_enough))
				return false;
			cursor->line_no++;
			break;
		case LINE_WAIT:
			wait_for(cursor->reader);
			break;
		case LINE_MORE:
			break;
		case LINE_END:
			return true;
		case LINE_FAILED:
			return false;
		}
	}
	return true;
}

bool records_read(const char *path, const struct file_records *records, const struct records_sink *sink)
{
	struct file_cursor cursor = {.reader = line_reader_open(path)};
	bool good = cursor.reader != NULL && line_reader_set_format(cursor.reader, &records->format) &&
	            read_all(path, records, &cursor, sink);
	line_reader_close(cursor.reader);
	return good;
}
