#include "app/file_records.h"

#include "kpid/base/buf.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"

enum header_verdict file_records_header(const struct file_records *records, const char *path,
                                        const struct file_cursor *cursor, struct text line)
{
	struct intake *intake = records->intake;
	struct buf error = BUF_INIT;
	if (intake != NULL)
		intake->line_no = line_reader_record_line(cursor->reader);
	if (intake == NULL || !intake->is_csv || cursor->line_no != 0)
		return HEADER_NONE;
	if (intake->names != NULL)
		return HEADER_TAKEN;
	bool is_good = intake_header(intake, line, &error);
	if (is_good) {
		line_reader_set_delimiter(cursor->reader, intake->delimiter);
		const char delimiter[] = {intake->delimiter, '\0'};
		log_info("%s: CSV in %s with %s between its %zu columns", path, line_reader_encoding(cursor->reader),
		         intake->delimiter == '\t' ? "tabs" : delimiter, intake->n_names);
	} else {
		log_error("%s: %s", path, error.data);
	}
	buf_release(&error);
	return is_good ? HEADER_TAKEN : HEADER_WRONG;
}

void file_records_name(const struct file_records *records, struct file_match *match, const char *name, struct text line)
{
	struct buf first = BUF_INIT;
	buf_add_text(&first, line);
	if (records->variant != NULL)
		buf_add_format(&first, "\n%s", records->variant);
	file_match_name(match, name, buf_text(&first));
	buf_release(&first);
}

bool file_records_mapped_long(const struct file_records *records, int64_t began_us)
{
	return records->intake != NULL && monotonic_clock_us() - began_us > MAPPING_TURN_US;
}
