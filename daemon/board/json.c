#include "board/json.h"

#include <endian.h>
#include <inttypes.h>

#include "kpid/base/check.h"
#include "kpid/core/timestamp.h"

#define PG_EPOCH_OFFSET_US (INT64_C(946684800) * US_PER_SECOND) /* PostgreSQL counts from 2000 */

void json_time(struct buf *out, int64_t us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	if (us == TIME_NONE) {
		buf_add_str(out, "null");
		return;
	}
	buf_add_char(out, '"');
	buf_add(out, text, timestamp_format(us, text));
	buf_add_char(out, '"');
}

static int64_t integer_at(const char *bytes, uint32_t n_bytes)
{
	uint64_t value = (unsigned char)bytes[0] >= 0x80 ? UINT64_MAX : 0;
	for (uint32_t i = 0; i < n_bytes; i++)
		value = value << 8 | (unsigned char)bytes[i];
	return (int64_t)value;
}

/* '-infinity' and 'infinity' become TIME_NONE. */
static int64_t time_at(struct text bytes)
{
	int64_t us = integer_at(bytes.ptr, 8);
	return us == INT64_MIN || us == INT64_MAX ? TIME_NONE : us + PG_EPOCH_OFFSET_US;
}

/* A one-dimensional array without NULLs: a header of 20 bytes, then the length and the bytes of each. */
int json_int8_array(struct text bytes, int64_t *numbers_out, int most)
{
	enum { HEADER = 20, ITEM = 12 };
	int n = 0;
	for (uint32_t at = HEADER; at + ITEM <= bytes.len && n < most; at += ITEM)
		numbers_out[n++] = integer_at(bytes.ptr + at + 4, 8);
	return n;
}

void json_cell(struct buf *out, struct json_cell cell)
{
	if (text_is_absent(cell.bytes)) {
		buf_add_str(out, "null");
		return;
	}
	switch ((enum json_oid)cell.oid) {
	case JSON_OID_BOOL:
		buf_add_str(out, cell.bytes.ptr[0] != 0 ? "true" : "false");
		return;
	case JSON_OID_INT2:
	case JSON_OID_INT4:
	case JSON_OID_INT8:
		buf_add_format(out, "%" PRId64, integer_at(cell.bytes.ptr, cell.bytes.len));
		return;
	case JSON_OID_TEXT:
		buf_add_json_string(out, cell.bytes);
		return;
	case JSON_OID_TIMESTAMPTZ:
		json_time(out, time_at(cell.bytes));
		return;
	case JSON_OID_JSONB: /* a version byte, then the text */
		buf_add(out, cell.bytes.ptr + 1, cell.bytes.len - 1);
		return;
	}
	KPID_CHECK(false); /* a query returns another type */
}

static void add_quoted(struct buf *out, struct text t)
{
	buf_add_char(out, '"');
	/* Spreadsheets take these for the start of a formula, some after skipping blanks. */
	if (t.len > 0 && strchr("=+-@\t\r\n |%", t.ptr[0]) != NULL)
		buf_add_char(out, '\'');
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] == '"')
			buf_add_char(out, '"');
		buf_add_char(out, t.ptr[i]);
	}
	buf_add_char(out, '"');
}

void csv_cell(struct buf *out, struct json_cell cell)
{
	char text[TIMESTAMP_TEXT_BYTES];
	int64_t us;
	if (text_is_absent(cell.bytes))
		return;
	switch ((enum json_oid)cell.oid) {
	case JSON_OID_TEXT:
		add_quoted(out, cell.bytes);
		return;
	case JSON_OID_TIMESTAMPTZ:
		us = time_at(cell.bytes);
		if (us != TIME_NONE)
			buf_add(out, text, timestamp_format(us, text));
		return;
	case JSON_OID_BOOL:
	case JSON_OID_INT2:
	case JSON_OID_INT4:
	case JSON_OID_INT8:
	case JSON_OID_JSONB:
		json_cell(out, cell);
		return;
	}
	KPID_CHECK(false); /* a query returns another type */
}
