/* Lines of a file or pipe, plain or gzip, read in pieces and without waiting for more than is there. */
#ifndef KPID_APP_LINE_READER_H
#define KPID_APP_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"

struct line_reader;

/* A longer line is cut off there; what is cut is passed over. */
#define LINE_MAX_BYTES (1024 * 1024)

enum line_result {
	LINE_READ, /* *line_out is a line without its end; valid until the next call */
	LINE_WAIT, /* nothing is there yet: call again when line_reader_fd() is readable */
	LINE_END,
	LINE_FAILED /* a message was logged */
};

/* path "-": standard input. NULL after logging why it cannot be opened. */
struct line_reader *line_reader_open(const char *path);
void line_reader_close(struct line_reader *reader);
enum line_result line_reader_next(struct line_reader *reader, struct text *line_out);
int line_reader_fd(const struct line_reader *reader);
/* Bytes read of the file as it is on disk, and its length; -1: not known. */
int64_t line_reader_position(const struct line_reader *reader);
int64_t line_reader_length(const struct line_reader *reader);

#endif
