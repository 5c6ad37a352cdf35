/* Reads a dead letter from the database. */
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/dlq.h"
#include "kpid/base/memory.h"

/* Accepts a whole number without trailing text. */
static bool parse_number(const char *digits, int64_t max, int64_t *value_out)
{
	char *end;
	if (digits[0] < '0' || digits[0] > '9')
		return false;
	errno = 0;
	*value_out = strtoll(digits, &end, 10);
	return errno == 0 && *end == '\0' && *value_out <= max;
}

bool dlq_parse_key(const char *argument, struct dlq_key *key_out)
{
	char *topic = mem_strdup(argument);
	char *offset = strrchr(topic, '/'), *partition = NULL;
	if (offset != NULL) {
		*offset++ = '\0';
		partition = strrchr(topic, '/');
	}
	int64_t partition_no = 0, offset_no = 0;
	if (partition != NULL && partition != topic && parse_number(partition + 1, INT32_MAX, &partition_no) &&
	    parse_number(offset, INT64_MAX, &offset_no)) {
		*partition = '\0';
		*key_out = (struct dlq_key){topic, (int32_t)partition_no, offset_no};
		return true;
	}
	free(topic);
	return false;
}

void dlq_add_key(const struct dlq_key *key, struct buf *out)
{
	buf_add_format(out, "%s/%d/%lld", key->topic, (int)key->partition, (long long)key->offset);
}

static struct text decode_base64(const char *base64, struct arena *arena)
{
	size_t len = strlen(base64);
	unsigned char *bytes = arena_alloc(arena, len / 4 * 3 + 3);
	int n = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)len);
	for (size_t i = len; n > 0 && i > 0 && base64[i - 1] == '='; i--)
		n--; /* EVP_DecodeBlock() counts the padding */
	return (struct text){(const char *)bytes, n < 0 ? 0 : (uint32_t)n};
}

static void read_headers(struct dlq_letter *letter)
{
	json_t *headers = json_loadb(letter->headers_json.ptr, letter->headers_json.len, 0, NULL);
	size_t n = json_array_size(headers);
	letter->headers = arena_alloc(&letter->arena, n * sizeof(*letter->headers));
	for (size_t i = 0; i < n; i++) {
		const json_t *header = json_array_get(headers, i);
		const char *name = json_string_value(json_array_get(header, 0));
		const char *value = json_string_value(json_array_get(header, 1));
		if (name == NULL || value == NULL)
			continue;
		letter->headers[letter->n_headers++] = (struct wire_header){arena_text(&letter->arena, text_of(name)),
		                                                            decode_base64(value, &letter->arena)};
	}
	json_decref(headers);
}

static void read_letter(const PGresult *row, struct dlq_letter *letter)
{
	*letter = (struct dlq_letter){.n_headers = 0};
	arena_init(&letter->arena);
	letter->reason = arena_text(&letter->arena, pg_get_text(row, 0, DLQ_SHOW_REASON));
	letter->detail = arena_text(&letter->arena, pg_get_text(row, 0, DLQ_SHOW_DETAIL));
	letter->value = arena_text(&letter->arena, pg_get_text(row, 0, DLQ_SHOW_VALUE));
	letter->headers_json = arena_text(&letter->arena, pg_get_text(row, 0, DLQ_SHOW_HEADERS));
	letter->mapping = arena_text(&letter->arena, pg_get_text(row, 0, DLQ_SHOW_MAPPING));
	letter->mapping_version = arena_text(&letter->arena, pg_get_text(row, 0, DLQ_SHOW_MAPPING_VERSION));
	letter->read_us = pg_get_time(row, 0, DLQ_SHOW_READ_AT);
	letter->requeued_us = pg_get_time(row, 0, DLQ_SHOW_REQUEUED_AT);
	if (!text_is_absent(letter->headers_json))
		read_headers(letter);
}

PGresult *dlq_find(struct pg_sync *sync, const struct dlq_key *key)
{
	char partition[16], offset[24];
	snprintf(partition, sizeof(partition), "%d", (int)key->partition);
	snprintf(offset, sizeof(offset), "%lld", (long long)key->offset);
	const struct pg_param params[DLQ_FIND_N_PARAMS] = {
	        [DLQ_FIND_PARAM_TOPIC] = pg_param_c_string(key->topic),
	        [DLQ_FIND_PARAM_PARTITION] = pg_param_c_string(partition),
	        [DLQ_FIND_PARAM_OFFSET] = pg_param_c_string(offset),
	};
	return pg_sync_query(sync, "queries/dlq_find.sql", params, DLQ_FIND_N_PARAMS);
}

enum dlq_found dlq_read(struct pg_sync *sync, int64_t letter_no, struct dlq_letter *letter_out)
{
	char number[8];
	const struct pg_param param = pg_param_int8(letter_no, number);
	PGresult *row = pg_sync_query(sync, "queries/dlq_show.sql", &param, 1);
	if (row == NULL)
		return DLQ_NO_ANSWER;
	bool there = PQntuples(row) == 1;
	if (there)
		read_letter(row, letter_out);
	PQclear(row);
	return there ? DLQ_FOUND : DLQ_NOT_THERE;
}

void dlq_letter_release(struct dlq_letter *letter)
{
	arena_release(&letter->arena);
}
