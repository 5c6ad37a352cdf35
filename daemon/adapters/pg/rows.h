/* Parameters and results in PostgreSQL's binary format: arrays of table rows, arrays of plain values, and values. The
 * columns of a row must match the table in order, number and type. */
#ifndef KPID_ADAPTERS_PG_ROWS_H
#define KPID_ADAPTERS_PG_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/pg/session.h"
#include "kpid/base/buf.h"
#include "kpid/core/timestamp.h"

/* PostgreSQL's epoch, 2000-01-01, in microseconds since 1970. */
#define PG_EPOCH_US (INT64_C(946684800) * US_PER_SECOND)

struct pg_array {
	struct buf buf;
	size_t n;
	size_t row_at;      /* begin of the current row in buf */
	uint32_t n_columns; /* of the current row */
};

void pg_array_release(struct pg_array *array);
/* Clears the array; its elements are of the given type. */
void pg_array_start(struct pg_array *array, unsigned element_oid);
/* The array as a parameter; valid until the array changes. */
struct pg_param pg_array_param(struct pg_array *array);

/* A row: start it, add its columns, end it. */
void pg_row_start(struct pg_array *array);
void pg_row_end(struct pg_array *array);
void pg_column_null(struct pg_array *array, unsigned oid);
void pg_column_bool(struct pg_array *array, bool value);
void pg_column_int2(struct pg_array *array, int value);
void pg_column_int4(struct pg_array *array, int64_t value);
void pg_column_int8(struct pg_array *array, int64_t value);
void pg_column_numeric(struct pg_array *array, __int128 value);
void pg_column_time(struct pg_array *array, int64_t us);           /* TIME_NONE: NULL */
void pg_column_time_unbounded(struct pg_array *array, int64_t us); /* TIME_NONE: '-infinity' */
void pg_column_text(struct pg_array *array, struct text value);    /* absent: NULL */
void pg_column_name(struct pg_array *array, struct text value);    /* absent or empty: NULL */
void pg_column_bytea(struct pg_array *array, struct text value);   /* absent: NULL */
void pg_column_jsonb(struct pg_array *array, struct text json);    /* absent: NULL */

/* Adds an element to an array of plain values. */
void pg_array_bool(struct pg_array *array, bool value);
void pg_array_int4(struct pg_array *array, int32_t value);
void pg_array_int8(struct pg_array *array, int64_t value, bool null);
void pg_array_time(struct pg_array *array, int64_t us);           /* TIME_NONE: NULL */
void pg_array_time_unbounded(struct pg_array *array, int64_t us); /* TIME_NONE: '-infinity' */
void pg_array_text(struct pg_array *array, struct text value);

/* Arrays that are the n parameters of a query, in its order. */
void pg_arrays_start(struct pg_array *arrays, const unsigned *element_oids, int n);
void pg_arrays_release(struct pg_array *arrays, int n);
void pg_arrays_query(struct pg_session *session, const char *file, struct pg_array *arrays, int n, pg_result_fn fn,
                     void *context);

struct pg_param pg_param_bool(bool value, char buffer[1]);
struct pg_param pg_param_int4(int32_t value, char buffer[4]);
struct pg_param pg_param_int8(int64_t value, char buffer[8]);
struct pg_param pg_param_time(int64_t us, char buffer[8]);
struct pg_param pg_param_text(struct text value);
struct pg_param pg_param_c_string(const char *value); /* any SQL type in its text form; NULL: SQL NULL */

/* Values of a binary result; texts are borrowed. NULL gives 0, TIME_NONE, or an absent text. */
int32_t pg_get_int4(const PGresult *result, int row, int column);
int64_t pg_get_int8(const PGresult *result, int row, int column);
int64_t pg_get_int8_or(const PGresult *result, int row, int column, int64_t absent); /* NULL: absent */
int64_t pg_get_time(const PGresult *result, int row, int column);                    /* '-infinity': TIME_NONE */
struct text pg_get_text(const PGresult *result, int row, int column);
bool pg_get_bool(const PGresult *result, int row, int column);

enum pg_oid {
	PG_OID_BOOL = 16,
	PG_OID_BYTEA = 17,
	PG_OID_INT8 = 20,
	PG_OID_INT2 = 21,
	PG_OID_INT4 = 23,
	PG_OID_TEXT = 25,
	PG_OID_TIMESTAMPTZ = 1184,
	PG_OID_NUMERIC = 1700,
	PG_OID_JSONB = 3802
};

#endif
