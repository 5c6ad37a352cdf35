#include "app/file_cursor.h"

bool file_cursor_rewind(struct file_cursor *cursor)
{
	cursor->line_no = 0;
	cursor->chain = (struct line_chain){{0}};
	return line_reader_rewind(cursor->reader);
}

void file_cursor_pass(struct file_cursor *cursor, struct text line)
{
	line_chain_add(&cursor->chain, line);
	cursor->line_no++;
}

bool file_cursor_start_check(struct file_cursor *cursor)
{
	cursor->was_checked = true;
	cursor->checked_lines = cursor->line_no;
	cursor->checked_chain = cursor->chain;
	return file_cursor_rewind(cursor);
}

bool file_cursor_is_before_checked(const struct file_cursor *cursor)
{
	return cursor->line_no < cursor->checked_lines;
}

bool file_cursor_is_unchanged(const struct file_cursor *cursor)
{
	return cursor->line_no == cursor->checked_lines &&
	       line_chain_fingerprint(&cursor->chain) == line_chain_fingerprint(&cursor->checked_chain);
}
