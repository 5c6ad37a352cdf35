/* JSON values of what PostgreSQL returns: a column has the name and the type that the page sees. */
#ifndef KPID_BOARD_JSON_H
#define KPID_BOARD_JSON_H

#include <stdint.h>

#include "kpid/base/buf.h"

/* A value in PostgreSQL's binary format. */
struct json_cell {
	unsigned oid;      /* of its type: enum json_oid */
	struct text bytes; /* absent: NULL */
};

/* The types that queries of the board may return. */
enum json_oid {
	JSON_OID_BOOL = 16,
	JSON_OID_INT8 = 20,
	JSON_OID_INT2 = 21,
	JSON_OID_INT4 = 23,
	JSON_OID_TEXT = 25,
	JSON_OID_TIMESTAMPTZ = 1184,
	JSON_OID_JSONB = 3802
};

/* RFC 3339 in UTC, quoted; TIME_NONE: null. */
void json_time(struct buf *out, int64_t us);
/* The numbers of a value of type int8[] without NULLs; returns how many, at most `most`. */
int json_int8_array(struct text bytes, int64_t *numbers_out, int most);
/* Appends the value as JSON. The process ends if the type is not one of enum json_oid. */
void json_cell(struct buf *out, struct json_cell cell);
/* Appends it as a field of a CSV file (RFC 4180) that a spreadsheet shows as text: one that it would take for a formula
 * gets an apostrophe first. */
void csv_cell(struct buf *out, struct json_cell cell);

#endif
