/* The position in a file or stream that is being read: its line number, and a digest of all lines before. */
#ifndef KPID_APP_FILE_CURSOR_H
#define KPID_APP_FILE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "app/file_match.h"
#include "app/line_reader.h"

struct file_cursor {
	struct line_reader *reader;
	int64_t line_no;         /* of the next line, from 0 */
	struct line_chain chain; /* of the lines before it */
	/* where the file was read up to when it was found to have changed */
	int64_t checked_lines;
	struct line_chain checked_chain;
	bool was_checked;
};

/* Starts over. Returns false after logging why it cannot. */
bool file_cursor_rewind(struct file_cursor *cursor);
/* Moves past a line. */
void file_cursor_pass(struct file_cursor *cursor, struct text line);

/* Starts over to compare the lines read so far, since the file may have changed. Returns false after logging why it
 * cannot. */
bool file_cursor_start_check(struct file_cursor *cursor);
/* True while lines are missing that were there before the check. */
bool file_cursor_is_before_checked(const struct file_cursor *cursor);
/* True if the lines are the same as before the check. */
bool file_cursor_is_unchanged(const struct file_cursor *cursor);

#endif
