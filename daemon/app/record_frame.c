#include "app/record_frame.h"

#include <string.h>

static bool is_between(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/* Passes over what is between two values. */
static const char *skip_between(struct record_frame *frame, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (is_between(*p))
			continue;
		if (!frame->any && *p == '[')
			frame->in_array = true;
		else if (frame->in_array && *p == ']')
			frame->in_array = false;
		else
			break;
		frame->any = true;
	}
	return p;
}

/* Takes one byte of a value. True if the value ends with it. */
static bool take(struct record_frame *frame, char c)
{
	if (frame->in_string) {
		if (frame->escaped)
			frame->escaped = false;
		else if (c == '\\')
			frame->escaped = true;
		else if (c == '"')
			frame->in_string = false;
		return !frame->in_string && frame->depth == 0;
	}
	if (c == '"')
		frame->in_string = true;
	else if (c == '{' || c == '[')
		frame->depth++;
	else if ((c == '}' || c == ']') && frame->depth > 0)
		frame->depth--;
	else
		return false;
	return frame->depth == 0 && !frame->in_string;
}

static struct record_part find_value(struct record_frame *frame, const char *bytes, const char *end, bool begun)
{
	const char *p = begun ? bytes : skip_between(frame, bytes, end);
	const char *begin = p;
	if (!begun && p < end) {
		frame->any = true;
		frame->depth = 0;
		frame->in_string = frame->escaped = false;
		frame->is_scalar = *p != '{' && *p != '[' && *p != '"';
	}
	for (; p < end; p++) {
		if (frame->is_scalar && (is_between(*p) || *p == ']' || *p == '{' || *p == '['))
			return (struct record_part){begin, p, p};
		if (!frame->is_scalar && take(frame, *p))
			return (struct record_part){begin, p + 1, p + 1};
	}
	return (struct record_part){begin, NULL, end};
}

struct record_part record_frame_find(struct record_frame *frame, const char *bytes, size_t n_bytes, bool begun)
{
	const char *end = NULL;
	if (frame->form == RECORD_JSON)
		return find_value(frame, bytes, bytes + n_bytes, begun);
	if (n_bytes > 0)
		end = frame->form == RECORD_CSV ? csv_end_find(&frame->csv, frame->delimiter, bytes, n_bytes)
		                                : memchr(bytes, '\n', n_bytes);
	return (struct record_part){bytes, end, end == NULL ? bytes + n_bytes : end + 1};
}
