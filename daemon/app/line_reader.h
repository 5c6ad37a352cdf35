/* Lines of a file or a stream, plain or gzip, read in pieces and without waiting for more than is there. */
#ifndef KPID_APP_LINE_READER_H
#define KPID_APP_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"

struct line_reader;

/* A longer line is cut off there, and the rest of it is passed over. */
#define LINE_MAX_BYTES (1024 * 1024)

enum line_result {
	LINE_READ,  /* *line_out is set; valid until the next call */
	LINE_WAIT,  /* nothing is there yet: call again when line_reader_fd() is readable */
	LINE_MORE,  /* a long line goes on: call again at once. So no call takes long, whatever the input is */
	LINE_END,   /* everything was read, to the last byte */
	LINE_FAILED /* not everything could be read; the reason was logged. Every later call fails as well */
};

/* What has become of a file since it was opened or rewound. */
enum line_change {
	FILE_UNCHANGED,
	FILE_CHANGED,  /* written to meanwhile: perhaps it only grew */
	FILE_SHORTER,  /* it has lost bytes */
	FILE_REPLACED, /* the path now names another file */
};

/* path "-": standard input. NULL after logging why it cannot be opened. Opening a FIFO waits for a writer. */
struct line_reader *line_reader_open(const char *path);
void line_reader_close(struct line_reader *reader);

/* A line ends before "\n" or "\r\n" and is given without a byte-order mark of UTF-8. The last one needs no end. UTF-16
 * and packings other than gzip fail. */
enum line_result line_reader_next(struct line_reader *reader, struct text *line_out);
/* The line that was read last was longer than LINE_MAX_BYTES. */
bool line_reader_was_cut(const struct line_reader *reader);

/* No event is in it: spaces and the like. */
bool line_is_blank(struct text line);

/* A regular file, which can be read again. Anything else is a stream: a pipe, a terminal, a device. */
bool line_reader_is_file(const struct line_reader *reader);
/* Files only: begins again where reading began. False after logging why not. */
bool line_reader_rewind(struct line_reader *reader);
enum line_change line_reader_change(const struct line_reader *reader);

int line_reader_fd(const struct line_reader *reader);
/* Bytes read of the file as it is on disk, and its length; -1: a stream. */
int64_t line_reader_position(const struct line_reader *reader);
int64_t line_reader_length(const struct line_reader *reader);

#endif
