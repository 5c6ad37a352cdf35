/* Parts of a Lua program. Names and words of the records are quoted, so that none of them ends a string or a comment.
 */
#include "guess.h"
#include "kpid/core/json_tokens.h"

void guess_add_string(struct buf *out, struct text text)
{
	bool is_clean = text.len == 0 || json_text_is_clean(text);
	buf_add_char(out, '"');
	for (uint32_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c == '"' || c == '\\')
			buf_add_format(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_clean))
			buf_add_format(out, "\\%03u", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
}

void guess_add_name(struct buf *out, const struct guess_column *column)
{
	struct buf name = BUF_INIT;
	for (size_t i = 0; i < column->n_parts; i++) {
		if (i > 0)
			buf_add_char(&name, '.');
		buf_add_text(&name, column->parts[i]);
	}
	guess_add_string(out, buf_text(&name));
	buf_release(&name);
}

void guess_add_cell(struct buf *out, const struct map_guess *guess, const struct guess_column *column)
{
	buf_add_str(out, guess->is_json ? "field(" : "cell(");
	for (size_t i = 0; i < column->n_parts; i++) {
		buf_add_str(out, i > 0 ? ", " : "");
		guess_add_string(out, column->parts[i]);
	}
	buf_add_char(out, ')');
}

void guess_add_time(struct buf *out, const struct map_guess *guess, enum guess_role role)
{
	static const char *const functions[] = {[READ_PLAIN] = NULL,
	                                        [READ_YMD] = "ymd",
	                                        [READ_DMY] = "dmy",
	                                        [READ_MDY] = "mdy",
	                                        [READ_EXCEL] = "excel"};
	const struct guess_column *column = guess->roles[role];
	struct guess_time time = guess_time_of(guess, column, true);
	const char *function = functions[time.reading];
	if (time.or_excel)
		buf_add_format(out, "days_or_%s(", function == NULL ? "time" : function);
	else if (function != NULL)
		buf_add_format(out, "%s(", function);
	guess_add_cell(out, guess, column);
	buf_add_str(out, time.or_excel || function != NULL ? ")" : "");
}
