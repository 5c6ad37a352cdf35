/* kpid dlq: what was rejected, and reading it again once the reason is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/dlq.h"
#include "cli/json_out.h"
#include "cli/table.h"

#define DEFAULT_LIMIT "50"

enum { OPTION_REASON = 256, OPTION_TOPIC, OPTION_LIMIT, OPTION_RAW };

static void print(struct buf *text)
{
	fwrite(buf_text(text).ptr, 1, text->len_bytes, stdout);
	buf_release(text);
}

/* ---- list ---- */

struct filter {
	const char *reason, *topic, *limit;
};

static json_t *json_of_row(const PGresult *rows, int row)
{
	json_t *object = json_object();
	json_object_set_new(object, "topic", json_of_text(pg_get_text(rows, row, 0)));
	json_object_set_new(object, "partition", json_integer(pg_get_int4(rows, row, 1)));
	json_object_set_new(object, "offset", json_integer(pg_get_int8(rows, row, 2)));
	json_object_set_new(object, "reason", json_of_text(pg_get_text(rows, row, 3)));
	json_object_set_new(object, "detail", json_of_text(pg_get_text(rows, row, 4)));
	json_object_set_new(object, "first_bytes", json_of_text(pg_get_text(rows, row, 5)));
	json_object_set_new(object, "length_bytes", json_integer(pg_get_int4(rows, row, 6)));
	json_object_set_new(object, "read_at", json_of_time(pg_get_time(rows, row, 7)));
	json_object_set_new(object, "requeued_at", json_of_time(pg_get_time(rows, row, 8)));
	return object;
}

static void print_list_json(const PGresult *rows)
{
	json_t *array = json_array();
	for (int row = 0; row < PQntuples(rows); row++)
		json_array_append_new(array, json_of_row(rows, row));
	json_print(array);
}

static void add_row(struct table *table, const PGresult *rows, int row)
{
	struct text topic = pg_get_text(rows, row, 0);
	table_format(table, TERM_PLAIN, "%.*s/%d/%lld", (int)topic.len, topic.ptr, (int)pg_get_int4(rows, row, 1),
	             (long long)pg_get_int8(rows, row, 2));
	table_text(table, TERM_YELLOW, pg_get_text(rows, row, 3));
	table_time(table, TERM_PLAIN, pg_get_time(rows, row, 7) / US_PER_SECOND * US_PER_SECOND);
	table_text(table, TERM_PLAIN, TEXT(""));
	table->cells[table->n - 1].text = PQgetisnull(rows, row, 8) ? TEXT("") : TEXT("yes");
	table_text(table, TERM_PLAIN, pg_get_text(rows, row, 4));
}

static void print_list(const PGresult *rows, int64_t n_all)
{
	static const struct table_column columns[] = {{"topic/partition/offset", false, true},
	                                              {"reason", false, false},
	                                              {"read at (UTC)", false, false},
	                                              {"requeued", false, false},
	                                              {"detail", false, true}};
	struct term term;
	struct table table;
	struct buf out = BUF_INIT;
	term_init(&term);
	term.columns = term.is_tty ? term.columns : 160; /* coordinates are to be copied */
	table_init(&table, columns, 5);
	for (int row = 0; row < PQntuples(rows); row++)
		add_row(&table, rows, row);
	if (PQntuples(rows) > 0)
		table_write(&table, &term, &out);
	else
		buf_add_str(&out, "no dead letters\n");
	if (n_all > PQntuples(rows)) {
		buf_add_str(&out, "  … the latest ");
		term_count(&out, PQntuples(rows));
		buf_add_str(&out, " of ");
		term_count(&out, n_all);
		buf_add_str(&out, "; --limit shows more\n");
	}
	print(&out);
	table_release(&table);
}

static int list(struct pg_sync *sync, const struct filter *filter)
{
	const struct pg_param params[] = {pg_param_c_string(filter->reason), pg_param_c_string(filter->topic),
	                                  pg_param_c_string(filter->limit)};
	PGresult *rows = pg_sync_query(sync, "queries/dlq_list.sql", params, 3);
	PGresult *count = rows == NULL ? NULL : pg_sync_query(sync, "queries/dlq_count.sql", params, 2);
	if (count != NULL && sync->cli->json)
		print_list_json(rows);
	else if (count != NULL)
		print_list(rows, pg_get_int8(count, 0, 0));
	int status = count == NULL ? pg_sync_failed(sync) : CLI_OK;
	PQclear(count);
	PQclear(rows);
	return status;
}

static bool is_number(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return n > 0 && n <= 9 && text[n] == '\0';
}

static bool is_reason(const char *text)
{
	for (int i = 0; i < DEAD_N_REASONS; i++)
		if (strcmp(text, dead_letter_reason_name((enum dead_letter_reason)i)) == 0)
			return true;
	return false;
}

int dlq_list(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"reason", required_argument, NULL, OPTION_REASON},
	                                        {"topic", required_argument, NULL, OPTION_TOPIC},
	                                        {"limit", required_argument, NULL, OPTION_LIMIT},
	                                        {NULL, 0, NULL, 0}};
	struct filter filter = {NULL, NULL, DEFAULT_LIMIT};
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (option == OPTION_REASON)
			filter.reason = optarg;
		else if (option == OPTION_TOPIC)
			filter.topic = optarg;
		else
			filter.limit = optarg;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	if (!is_number(filter.limit))
		return cli_usage_error(cli, "--limit needs a number");
	if (filter.reason != NULL && !is_reason(filter.reason))
		return cli_usage_error(cli, "there is no reason %s", filter.reason);
	struct kpid_config *config;
	status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	struct pg_sync sync;
	status = pg_sync_open(&sync, cli, &config->postgres) ? list(&sync, &filter) : pg_sync_failed(&sync);
	pg_sync_close(&sync);
	kpid_config_free(config);
	return status;
}

/* ---- show ---- */

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

/* Line feeds break lines, everything else is escaped; each line is indented, so that none can be forged. */
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
	print(&out);
	buf_release(&words);
}

static json_t *json_of_base64(struct text bytes)
{
	struct buf base64 = BUF_INIT;
	size_t n = ((size_t)bytes.len + 2) / 3 * 4;
	dlq_encode_base64(bytes, &base64);
	json_t *string = json_stringn(buf_text(&base64).ptr, n);
	buf_release(&base64);
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

static int show(struct pg_sync *sync, const struct dlq_key *key, bool raw)
{
	struct dlq_letter letter;
	struct buf name = BUF_INIT;
	switch (dlq_read(sync, key, &letter)) {
	case DLQ_NO_ANSWER:
		return pg_sync_failed(sync);
	case DLQ_NOT_THERE:
		dlq_add_key(key, &name);
		cli_say(sync->cli, &name, "is no dead letter");
		return CLI_FAILED;
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

int dlq_show(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"raw", no_argument, NULL, OPTION_RAW}, {NULL, 0, NULL, 0}};
	bool raw = false;
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0)
		raw = true;
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	if (raw && isatty(STDOUT_FILENO))
		return cli_usage_error(cli, "--raw gives the bytes as they are: send them to a file or a program");
	struct dlq_key key;
	if (!dlq_parse_key(argv[optind], &key))
		return cli_usage_error(cli, "%s is not TOPIC/PARTITION/OFFSET", argv[optind]);
	struct kpid_config *config;
	status = cli_load_config(cli, &config);
	if (status == CLI_OK) {
		struct pg_sync sync;
		status = pg_sync_open(&sync, cli, &config->postgres) ? show(&sync, &key, raw) : pg_sync_failed(&sync);
		pg_sync_close(&sync);
		kpid_config_free(config);
	}
	free(key.topic);
	return status;
}

/* ---- which ---- */

int cmd_dlq(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *cli, int argc, char **argv);
	} actions[] = {{"list", dlq_list}, {"show", dlq_show}, {"requeue", dlq_requeue}};
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(argv[1], actions[i].name) == 0)
			return actions[i].run(cli, argc - 1, argv + 1);
	int status;
	if (cli_option(cli, argc, argv, "", NULL, &status) == CLI_OPTION_DONE)
		return status;
	return argc > optind ? cli_usage_error(cli, "it is list, show or requeue, not %s", argv[optind])
	                     : cli_usage_error(cli, "list, show or requeue?");
}
