#include "adapters/pg/rows.h"

#include <endian.h>

#include "kpid/base/check.h"

static void put_be32_at(char *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

void pg_array_release(struct pg_array *array)
{
	buf_release(&array->buf);
}

void pg_array_start(struct pg_array *array, unsigned element_oid)
{
	enum { KEEP_BYTES = 1 << 20 };
	buf_keep(&array->buf, KEEP_BYTES);
	array->n = 0;
	buf_add_be32(&array->buf, 1); /* dimensions */
	buf_add_be32(&array->buf, 1); /* may have NULLs */
	buf_add_be32(&array->buf, element_oid);
	buf_add_be32(&array->buf, 0); /* elements, filled in at the end */
	buf_add_be32(&array->buf, 1); /* first index */
}

struct pg_param pg_array_param(struct pg_array *array)
{
	put_be32_at(array->buf.data + 12, (uint32_t)array->n);
	/* An empty array has no dimension. */
	put_be32_at(array->buf.data, array->n == 0 ? 0 : 1);
	int len_bytes = (int)(array->n == 0 ? 12 : array->buf.len_bytes);
	return (struct pg_param){array->buf.data, len_bytes, true};
}

void pg_row_start(struct pg_array *array)
{
	array->row_at = array->buf.len_bytes;
	array->n_columns = 0;
	buf_add_be32(&array->buf, 0); /* length and number of columns, filled in at the end */
	buf_add_be32(&array->buf, 0);
}

void pg_row_end(struct pg_array *array)
{
	size_t len_bytes = array->buf.len_bytes - array->row_at - 4;
	put_be32_at(array->buf.data + array->row_at, (uint32_t)len_bytes);
	put_be32_at(array->buf.data + array->row_at + 4, array->n_columns);
	array->n++;
}

static void start_column(struct pg_array *array, unsigned oid)
{
	buf_add_be32(&array->buf, oid);
	array->n_columns++;
}

void pg_column_null(struct pg_array *array, unsigned oid)
{
	char *at = buf_extend(&array->buf, 8);
	put_be32_at(at, oid);
	put_be32_at(at + 4, UINT32_MAX);
	array->n_columns++;
}

void pg_column_bool(struct pg_array *array, bool value)
{
	start_column(array, PG_OID_BOOL);
	buf_add_be32(&array->buf, 1);
	buf_add_char(&array->buf, value ? 1 : 0);
}

void pg_column_int2(struct pg_array *array, int value)
{
	start_column(array, PG_OID_INT2);
	buf_add_be32(&array->buf, 2);
	buf_add_be16(&array->buf, (uint16_t)value);
}

/* Adds a column in one piece: most columns have a fixed width. */
static void put_column(struct pg_array *array, uint32_t oid, uint32_t len_bytes, const void *big_endian)
{
	char *at = buf_extend(&array->buf, 8 + len_bytes);
	put_be32_at(at, oid);
	put_be32_at(at + 4, len_bytes);
	memcpy(at + 8, big_endian, len_bytes);
	array->n_columns++;
}

void pg_column_int4(struct pg_array *array, int64_t value)
{
	uint32_t big_endian = htobe32((uint32_t)value);
	put_column(array, PG_OID_INT4, 4, &big_endian);
}

void pg_column_int8(struct pg_array *array, int64_t value)
{
	uint64_t big_endian = htobe64((uint64_t)value);
	put_column(array, PG_OID_INT8, 8, &big_endian);
}

/* The digits have base 10,000, most significant first. */
void pg_column_numeric(struct pg_array *array, __int128 value)
{
	enum { BASE = 10000, MOST_DIGITS = 10, NEGATIVE = 0x4000, HEADER_BYTES = 8 };
	uint16_t digits[MOST_DIGITS];
	int n = 0;
	unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
	for (; rest > UINT64_MAX; rest /= BASE)
		digits[n++] = (uint16_t)(rest % BASE);
	for (uint64_t low = (uint64_t)rest; low > 0; low /= BASE)
		digits[n++] = (uint16_t)(low % BASE);
	start_column(array, PG_OID_NUMERIC);
	buf_add_be32(&array->buf, (uint32_t)(HEADER_BYTES + n * 2));
	buf_add_be16(&array->buf, (uint16_t)n);
	buf_add_be16(&array->buf, (uint16_t)(n > 0 ? n - 1 : 0)); /* weight of the first digit */
	buf_add_be16(&array->buf, value < 0 ? NEGATIVE : 0);
	buf_add_be16(&array->buf, 0); /* decimal places */
	while (n > 0)
		buf_add_be16(&array->buf, digits[--n]);
}

/* Keeps infinity. */
static uint64_t pg_time(int64_t us)
{
	return htobe64((uint64_t)(us == INT64_MAX || us == INT64_MIN ? us : us - PG_EPOCH_US));
}

void pg_column_time(struct pg_array *array, int64_t us)
{
	if (us == TIME_NONE)
		pg_column_null(array, PG_OID_TIMESTAMPTZ);
	else
		pg_column_time_unbounded(array, us);
}

void pg_column_time_unbounded(struct pg_array *array, int64_t us)
{
	uint64_t big_endian = pg_time(us);
	put_column(array, PG_OID_TIMESTAMPTZ, 8, &big_endian);
}

static void put_bytes(struct pg_array *array, unsigned oid, struct text value)
{
	if (text_is_absent(value)) {
		pg_column_null(array, oid);
		return;
	}
	put_column(array, oid, value.len, value.ptr);
}

void pg_column_text(struct pg_array *array, struct text value)
{
	put_bytes(array, PG_OID_TEXT, value);
}

void pg_column_name(struct pg_array *array, struct text value)
{
	put_bytes(array, PG_OID_TEXT, value.len == 0 ? TEXT_ABSENT : value);
}

void pg_column_bytea(struct pg_array *array, struct text value)
{
	put_bytes(array, PG_OID_BYTEA, value);
}

void pg_column_jsonb(struct pg_array *array, struct text json)
{
	if (text_is_absent(json)) {
		pg_column_null(array, PG_OID_JSONB);
		return;
	}
	start_column(array, PG_OID_JSONB);
	buf_add_be32(&array->buf, json.len + 1);
	buf_add_char(&array->buf, 1); /* version of the format */
	buf_add_text(&array->buf, json);
}

void pg_array_int4(struct pg_array *array, int32_t value)
{
	buf_add_be32(&array->buf, 4);
	buf_add_be32(&array->buf, (uint32_t)value);
	array->n++;
}

void pg_array_bool(struct pg_array *array, bool value)
{
	buf_add_be32(&array->buf, 1);
	buf_add_char(&array->buf, (char)value);
	array->n++;
}

static void put_null_element(struct pg_array *array)
{
	buf_add_be32(&array->buf, UINT32_MAX);
	array->n++;
}

void pg_array_int8(struct pg_array *array, int64_t value, bool null)
{
	if (null) {
		put_null_element(array);
		return;
	}
	buf_add_be32(&array->buf, 8);
	buf_add_be64(&array->buf, (uint64_t)value);
	array->n++;
}

void pg_array_time(struct pg_array *array, int64_t us)
{
	if (us == TIME_NONE)
		put_null_element(array);
	else
		pg_array_time_unbounded(array, us);
}

void pg_array_time_unbounded(struct pg_array *array, int64_t us)
{
	uint64_t big_endian = pg_time(us);
	buf_add_be32(&array->buf, 8);
	buf_add(&array->buf, &big_endian, 8);
	array->n++;
}

void pg_array_text(struct pg_array *array, struct text value)
{
	if (text_is_absent(value)) {
		put_null_element(array);
		return;
	}
	buf_add_be32(&array->buf, value.len);
	buf_add_text(&array->buf, value);
	array->n++;
}

void pg_arrays_start(struct pg_array *arrays, const unsigned *element_oids, int n)
{
	for (int i = 0; i < n; i++)
		pg_array_start(&arrays[i], element_oids[i]);
}

void pg_arrays_release(struct pg_array *arrays, int n)
{
	for (int i = 0; i < n; i++)
		pg_array_release(&arrays[i]);
}

void pg_arrays_query(struct pg_session *session, const char *file, struct pg_array *arrays, int n, pg_result_fn fn,
                     void *context)
{
	struct pg_param params[PG_MOST_PARAMS];
	KPID_CHECK(n <= PG_MOST_PARAMS);
	for (int i = 0; i < n; i++)
		params[i] = pg_array_param(&arrays[i]);
	pg_session_query(session, file, params, n, fn, context);
}

struct pg_param pg_param_bool(bool value, char buffer[1])
{
	buffer[0] = value ? 1 : 0;
	return (struct pg_param){buffer, 1, true};
}

struct pg_param pg_param_int4(int32_t value, char buffer[4])
{
	put_be32_at(buffer, (uint32_t)value);
	return (struct pg_param){buffer, 4, true};
}

struct pg_param pg_param_int8(int64_t value, char buffer[8])
{
	uint64_t big_endian = htobe64((uint64_t)value);
	memcpy(buffer, &big_endian, 8);
	return (struct pg_param){buffer, 8, true};
}

struct pg_param pg_param_time(int64_t us, char buffer[8])
{
	uint64_t big_endian = pg_time(us);
	memcpy(buffer, &big_endian, 8);
	return (struct pg_param){buffer, 8, true};
}

struct pg_param pg_param_text(struct text value)
{
	return (struct pg_param){value.ptr, (int)value.len, true};
}

struct pg_param pg_param_c_string(const char *value)
{
	return (struct pg_param){value, value == NULL ? 0 : (int)strlen(value), false};
}

static uint64_t get_be(const PGresult *result, int row, int column)
{
	const unsigned char *bytes = (const unsigned char *)PQgetvalue(result, row, column);
	int len_bytes = PQgetlength(result, row, column);
	uint64_t value = 0;
	for (int i = 0; i < len_bytes && i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

int32_t pg_get_int4(const PGresult *result, int row, int column)
{
	return (int32_t)(uint32_t)get_be(result, row, column);
}

int64_t pg_get_int8(const PGresult *result, int row, int column)
{
	return (int64_t)get_be(result, row, column);
}

int64_t pg_get_int8_or(const PGresult *result, int row, int column, int64_t absent)
{
	return PQgetisnull(result, row, column) ? absent : pg_get_int8(result, row, column);
}

int64_t pg_get_time(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return TIME_NONE;
	int64_t us = (int64_t)get_be(result, row, column);
	return us == INT64_MAX || us == INT64_MIN ? us : us + PG_EPOCH_US;
}

struct text pg_get_text(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return TEXT_ABSENT;
	return (struct text){PQgetvalue(result, row, column), (uint32_t)PQgetlength(result, row, column)};
}

bool pg_get_bool(const PGresult *result, int row, int column)
{
	return get_be(result, row, column) != 0;
}
