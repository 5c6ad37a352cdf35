/* Reads the lines or other records of a file or stream, plain or gzip, in pieces and without blocking. */
#ifndef KPID_APP_LINE_READER_H
#define KPID_APP_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/record_frame.h"
#include "kpid/base/text.h"

struct line_reader;

/* A longer line is cut off there and the rest is skipped. */
#define LINE_MAX_BYTES (1024 * 1024)

enum line_result {
	LINE_READ,  /* *line_out is set; valid until the next call */
	LINE_WAIT,  /* no data yet: call again when line_reader_fd() is readable */
	LINE_MORE,  /* a long line continues: call again. Keeps each call short */
	LINE_END,   /* the last byte was read */
	LINE_FAILED /* reading failed and the reason was logged; later calls fail as well */
};

/* How a file has changed since it was opened or rewound. */
enum line_change {
	FILE_UNCHANGED,
	FILE_CHANGED,  /* written to; it may only have grown */
	FILE_SHORTER,  /* truncated */
	FILE_REPLACED, /* the path now names another file */
};

/* path "-": standard input. Returns NULL after logging why it cannot be opened. Opening a FIFO blocks until it has a
 * writer. */
struct line_reader *line_reader_open(const char *path);
void line_reader_close(struct line_reader *reader);

/* How a file of other records than lines is read. */
struct record_format {
	enum record_form form;
	const char *encoding; /* of CSV; NULL: guessed from the first MiB */
	char delimiter;       /* of CSV; 0: the caller sets it after the header */
	int64_t n_skip;       /* lines before the header of CSV */
};

/* Before the first line: reads such records instead of lines. Returns false after logging that the encoding is unknown.
 */
bool line_reader_set_format(struct line_reader *reader, const struct record_format *format);
void line_reader_set_delimiter(struct line_reader *reader, char delimiter);
/* The encoding that the file is read by; NULL: it is not decoded, or not known yet. */
const char *line_reader_encoding(const struct line_reader *reader);
/* The number of the line with which the last record of CSV began, from 1; of other records, their own number. */
int64_t line_reader_record_line(const struct line_reader *reader);

/* Returns lines without "\n", "\r\n" and a UTF-8 byte-order mark. The last line needs no line end. UTF-16 and
 * compression formats other than gzip fail. */
enum line_result line_reader_next(struct line_reader *reader, struct text *line_out);
/* True if the last line was longer than LINE_MAX_BYTES. */
bool line_reader_was_cut(const struct line_reader *reader);

/* True for a line of white space. */
bool line_is_blank(struct text line);

/* True for a regular file, which can be read again; false for a stream: a pipe, a terminal, a device. */
bool line_reader_is_file(const struct line_reader *reader);
/* For files only: starts over. Returns false after logging why it cannot. */
bool line_reader_rewind(struct line_reader *reader);
enum line_change line_reader_change(const struct line_reader *reader);

int line_reader_fd(const struct line_reader *reader);
/* Bytes read, before decompression, and the length of the file; -1 for a stream. */
int64_t line_reader_position(const struct line_reader *reader);
int64_t line_reader_length(const struct line_reader *reader);

#endif
