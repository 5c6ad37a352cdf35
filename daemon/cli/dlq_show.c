/* kpid dlq show */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/dlq.h"
#include "cli/json_out.h"
#include "cli/term.h"
#include "kpid/base/memory.h"

static void add_line(struct buf *out, const struct term *term, const char *label, struct text value)
{
	term_spaces(out, 2);
	term_style(out, term, TERM_DIM);
	term_field(out, text_of(label), 12, false);
	term_style(out, term, TERM_PLAIN);
	term_escape(out, value);
	buf_add_char(out, '\n');
}

static void add_time_line(struct buf *out, const struct term *term, const char *label, int64_t us)
{
	struct buf time = BUF_INIT;
	term_time(&time, us);
	add_line(out, term, label, buf_text(&time));
	buf_release(&time);
}

/* Breaks lines at line feeds and escapes all else. Every line is indented, so that no line can be forged. */
static void add_value(struct buf *out, struct text value)
{
	while (value.len > 0) {
		uint32_t n = 0;
		while (n < value.len && value.ptr[n] != '\n')
			n++;
		term_spaces(out, 4);
		term_escape(out, (struct text){value.ptr, n});
		buf_add_char(out, '\n');
		n += n < value.len;
		value.ptr += n;
		value.len -= n;
	}
}

static void print_letter(const struct dlq_key *key, const struct dlq_letter *letter)
{
	struct term term;
	struct buf out = BUF_INIT, words = BUF_INIT;
	term_init(&term);
	dlq_add_key(key, &words);
	term_style(&out, &term, TERM_BOLD);
	term_escape(&out, buf_text(&words));
	term_style(&out, &term, TERM_PLAIN);
	buf_add_str(&out, "\n\n");
	add_line(&out, &term, "reason", letter->reason);
	add_line(&out, &term, "detail", letter->detail);
	if (!text_is_absent(letter->mapping)) {
		buf_clear(&words);
		buf_add_text(&words, letter->mapping);
		buf_add_str(&words, " ");
		buf_add_text(&words, letter->mapping_version);
		add_line(&out, &term, "mapping", buf_text(&words));
	}
	add_time_line(&out, &term, "read at", letter->read_us);
	add_time_line(&out, &term, "requeued at", letter->requeued_us);
	for (size_t i = 0; i < letter->n_headers; i++) {
		buf_clear(&words);
		buf_add_text(&words, letter->headers[i].name);
		buf_add_str(&words, ": ");
		buf_add_text(&words, letter->headers[i].value);
		add_line(&out, &term, i == 0 ? "headers" : "", buf_text(&words));
	}
	buf_clear(&words);
	buf_add_str(&words, "value, ");
	term_count(&words, letter->value.len);
	buf_add_str(&words, letter->value.len == 1 ? " byte" : " bytes");
	term_spaces(&out, 2);
	term_style(&out, &term, TERM_DIM);
	term_escape(&out, buf_text(&words));
	term_style(&out, &term, TERM_PLAIN);
	buf_add_str(&out, "\n\n");
	add_value(&out, letter->value);
	fwrite(out.data, 1, out.len_bytes, stdout);
	buf_release(&out);
	buf_release(&words);
}

static json_t *json_of_base64(struct text bytes)
{
	unsigned char *base64 = mem_alloc(((size_t)bytes.len + 2) / 3 * 4 + 1);
	int n = EVP_EncodeBlock(base64, (const unsigned char *)bytes.ptr, (int)bytes.len);
	json_t *string = json_stringn((const char *)base64, (size_t)n);
	free(base64);
	return string;
}

static void print_letter_json(const struct dlq_key *key, const struct dlq_letter *letter)
{
	json_t *object = json_object(), *headers = json_array();
	json_object_set_new(object, "topic", json_of_text(text_of(key->topic)));
	json_object_set_new(object, "partition", json_integer(key->partition));
	json_object_set_new(object, "offset", json_integer(key->offset));
	json_object_set_new(object, "reason", json_of_text(letter->reason));
	json_object_set_new(object, "detail", json_of_text(letter->detail));
	json_object_set_new(object, "mapping", json_of_text(letter->mapping));
	json_object_set_new(object, "mapping_version", json_of_text(letter->mapping_version));
	json_object_set_new(object, "read_at", json_of_time(letter->read_us));
	json_object_set_new(object, "requeued_at", json_of_time(letter->requeued_us));
	for (size_t i = 0; i < letter->n_headers; i++) {
		json_t *header = json_object();
		json_object_set_new(header, "name", json_of_text(letter->headers[i].name));
		json_object_set_new(header, "value_base64", json_of_base64(letter->headers[i].value));
		json_array_append_new(headers, header);
	}
	json_object_set_new(object, "headers", headers);
	json_object_set_new(object, "length_bytes", json_integer(letter->value.len));
	json_object_set_new(object, "value", json_of_text(letter->value));
	json_object_set_new(object, "value_base64", json_of_base64(letter->value));
	json_print(object);
}

static int not_there(const struct pg_sync *sync, const struct dlq_key *key)
{
	pg_sync_print_error(sync, "there is no dead letter %s/%d/%lld", key->topic, (int)key->partition,
	                    (long long)key->offset);
	return CLI_FAILED;
}

static int show_one(struct pg_sync *sync, const struct dlq_key *key, int64_t letter_no, bool raw)
{
	struct dlq_letter letter;
	switch (dlq_read(sync, letter_no, &letter)) {
	case DLQ_NO_ANSWER:
		return pg_sync_failed(sync);
	case DLQ_NOT_THERE: /* it was deleted meanwhile */
		return not_there(sync, key);
	case DLQ_FOUND:
		break;
	}
	if (raw)
		fwrite(letter.value.ptr, 1, letter.value.len, stdout);
	else if (sync->cli->json)
		print_letter_json(key, &letter);
	else
		print_letter(key, &letter);
	dlq_letter_release(&letter);
	return CLI_OK;
}

int dlq_show(struct pg_sync *sync, const struct dlq_key *key, bool raw)
{
	PGresult *found = dlq_find(sync, key);
	if (found == NULL)
		return pg_sync_failed(sync);
	int n = PQntuples(found), status = n == 0 ? not_there(sync, key) : CLI_OK;
	for (int row = 0; status == CLI_OK && row < n; row++) {
		if (row > 0 && !raw && !sync->cli->json)
			putchar('\n');
		status = show_one(sync, key, pg_get_int8(found, row, DLQ_FIND_LETTER_NO), raw);
	}
	PQclear(found);
	return status;
}
