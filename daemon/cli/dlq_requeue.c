/* kpid dlq requeue: the same bytes once more to where they came from, a line of a file straight into the pipeline. A
 * message is marked only once the broker, or the database, has it. After a failure in between it is read twice, and
 * counts once. */
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/dlq.h"
#include "cli/json_out.h"
#include "cli/requeue_lines.h"
#include "cli/term.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* As many are on their way at once: each holds its bytes in memory. */
#define N_AT_ONCE 200
#define NO_LETTER 0

enum fate {
	FATE_REFUSED,
	FATE_WOULD,
	FATE_WAITING,
	FATE_SENT,
	FATE_FAILED,
	FATE_LINE /* is read with the other lines of files, at the end */
};

struct item {
	struct dlq_key key;
	int64_t letter_no; /* NO_LETTER: nothing was read from there */
	enum fate fate;
	char why[256]; /* of what was refused or failed */
	struct dlq_letter letter;
	bool has_letter;
};

struct requeue {
	struct pg_sync *sync;
	rd_kafka_t *producer; /* NULL in a dry run */
	struct item items[N_AT_ONCE];
	size_t n_items;
	struct requeue_lines lines;
	size_t n_sent, n_refused, n_failed, n_would;
	bool no_broker;
	json_t *report; /* NULL: words */
};

/* ---- Kafka ---- */

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
	struct requeue *requeue = context;
	struct item *item = message->_private;
	(void)producer;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		item->fate = FATE_SENT;
		return;
	}
	item->fate = FATE_FAILED;
	snprintf(item->why, sizeof(item->why), "%s", rd_kafka_err2str(message->err));
	requeue->no_broker |= message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
}

static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *line)
{
	(void)producer, (void)level, (void)facility;
	log_debug("librdkafka: %s", line);
}

/* One setting; what only a consumer knows is passed over by librdkafka itself. */
static bool set(struct pg_sync *sync, rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[256];
	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return true;
	pg_sync_say(sync, "kafka: %s", why);
	return false;
}

static bool is_given(const struct config_pairs *kafka, const char *name)
{
	return config_pairs_get(kafka, name) != NULL;
}

static rd_kafka_t *new_producer(struct requeue *requeue, const struct config_pairs *kafka)
{
	char why[256];
	bool ok = true;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	/* A command does not wait for five minutes. */
	if (!is_given(kafka, "message.timeout.ms") && !is_given(kafka, "delivery.timeout.ms"))
		ok = set(requeue->sync, conf, "message.timeout.ms", "30000");
	for (size_t i = 0; ok && i < kafka->n; i++)
		ok = set(requeue->sync, conf, kafka->items[i].name, kafka->items[i].value);
	rd_kafka_conf_set_opaque(conf, requeue);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_t *producer = ok ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why)) : NULL;
	if (producer != NULL)
		return producer;
	if (ok)
		pg_sync_say(requeue->sync, "kafka: %s", why);
	rd_kafka_conf_destroy(conf);
	return NULL;
}

static void produce(struct requeue *requeue, struct item *item)
{
	const struct dlq_letter *letter = &item->letter;
	rd_kafka_headers_t *headers = letter->n_headers == 0 ? NULL : rd_kafka_headers_new(letter->n_headers);
	for (size_t i = 0; i < letter->n_headers; i++)
		rd_kafka_header_add(headers, letter->headers[i].name.ptr, letter->headers[i].name.len,
		                    letter->headers[i].value.ptr, letter->headers[i].value.len);
	/* To its own partition: that keeps a ticket's events together without its key, which is not kept. */
	item->fate = FATE_WAITING;
	rd_kafka_resp_err_t error = rd_kafka_producev(
	        requeue->producer, RD_KAFKA_V_TOPIC(item->key.topic), RD_KAFKA_V_PARTITION(item->key.partition),
	        RD_KAFKA_V_VALUE((void *)(uintptr_t)letter->value.ptr, letter->value.len), RD_KAFKA_V_HEADERS(headers),
	        RD_KAFKA_V_OPAQUE(item), RD_KAFKA_V_END);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	if (headers != NULL)
		rd_kafka_headers_destroy(headers);
	item->fate = FATE_FAILED;
	snprintf(item->why, sizeof(item->why), "%s", rd_kafka_err2str(error));
}

/* ---- one message ---- */

static void refuse(struct item *item, const char *why)
{
	item->fate = FATE_REFUSED;
	snprintf(item->why, sizeof(item->why), "%s", why);
}

static void start_line(struct requeue *requeue, struct item *item)
{
	item->fate = FATE_REFUSED;
	if (!requeue_lines_accepts(&item->key, &item->letter, item->why, sizeof(item->why)))
		return;
	item->fate = requeue->producer == NULL ? FATE_WOULD : FATE_LINE;
	if (item->fate == FATE_LINE)
		requeue_lines_add(&requeue->lines, &item->key, item->letter_no, item->letter.value);
}

/* False: PostgreSQL does not answer. */
static bool start(struct requeue *requeue, struct item *item)
{
	switch (item->letter_no == NO_LETTER ? DLQ_NOT_THERE
	                                     : dlq_read(requeue->sync, item->letter_no, &item->letter)) {
	case DLQ_NO_ANSWER:
		return false;
	case DLQ_NOT_THERE:
		refuse(item, "there is no such dead letter");
		return true;
	case DLQ_FOUND:
		item->has_letter = true;
		break;
	}
	if (text_same(item->letter.reason, text_of(dead_letter_reason_name(DEAD_ID_CONFLICT))))
		refuse(item, "read again it would be in conflict again: correct it at its source, under a new id");
	else if (requeue_lines_is_one(&item->key))
		start_line(requeue, item);
	else if (requeue->producer == NULL)
		item->fate = FATE_WOULD;
	else
		produce(requeue, item);
	return true;
}

/* ---- a group of messages ---- */

/* Releases the array. */
static bool mark(struct requeue *requeue, struct pg_array *letters)
{
	const struct pg_param param = pg_array_param(letters);
	PGresult *result = letters->n == 0 ? NULL : pg_sync_query(requeue->sync, "queries/dlq_requeued.sql", &param, 1);
	bool ok = letters->n == 0 || result != NULL;
	PQclear(result);
	pg_array_release(letters);
	return ok;
}

static bool mark_sent(struct requeue *requeue)
{
	struct pg_array letters = {.n = 0};
	pg_array_start(&letters, PG_OID_INT8);
	for (size_t i = 0; i < requeue->n_items; i++) {
		const struct item *item = &requeue->items[i];
		if (item->fate == FATE_SENT)
			pg_array_int8(&letters, item->letter_no, false);
	}
	return mark(requeue, &letters);
}

static void tell(struct requeue *requeue, const struct item *item)
{
	static const char *const fates[] = {"refused", "would requeue", "failed", "requeued", "failed", "failed"};
	struct buf line = BUF_INIT, escaped = BUF_INIT;
	dlq_add_key(&item->key, &line);
	if (requeue->report != NULL) {
		json_t *object = json_object();
		json_object_set_new(object, "message", json_of_text(buf_text(&line)));
		json_object_set_new(object, "outcome", json_string(fates[item->fate]));
		json_object_set_new(object, "why",
		                    item->why[0] == '\0' ? json_null() : json_of_text(text_of(item->why)));
		json_array_append_new(requeue->report, object);
	} else {
		buf_add_format(&line, ": %s%s%s", fates[item->fate], item->why[0] == '\0' ? "" : ": ", item->why);
		term_escape(&escaped, buf_text(&line));
		puts(escaped.data);
	}
	buf_release(&line);
	buf_release(&escaped);
}

static void count(struct requeue *requeue, const struct item *item)
{
	switch (item->fate) {
	case FATE_REFUSED:
		requeue->n_refused++;
		break;
	case FATE_WOULD:
		requeue->n_would++;
		break;
	case FATE_SENT:
		requeue->n_sent++;
		break;
	case FATE_WAITING:
	case FATE_FAILED:
	case FATE_LINE:
		requeue->n_failed++;
		break;
	}
}

static void tell_and_count(struct requeue *requeue, const struct item *item)
{
	tell(requeue, item);
	count(requeue, item);
}

/* Waits for what is under way, then marks, tells and forgets the group. False: PostgreSQL does not answer. */
static bool finish_group(struct requeue *requeue)
{
	/* Each message has its own timeout, so this ends. */
	while (requeue->producer != NULL && rd_kafka_outq_len(requeue->producer) > 0)
		rd_kafka_poll(requeue->producer, 100);
	bool ok = mark_sent(requeue);
	for (size_t i = 0; i < requeue->n_items; i++) {
		struct item *item = &requeue->items[i];
		if (item->fate == FATE_SENT && !ok)
			snprintf(item->why, sizeof(item->why), "but it could not be marked");
		if (item->fate != FATE_LINE)
			tell_and_count(requeue, item);
		if (item->has_letter)
			dlq_letter_release(&item->letter);
	}
	requeue->n_items = 0;
	return ok;
}

static bool requeue_one(struct requeue *requeue, const struct dlq_key *key, int64_t letter_no)
{
	struct item *item = &requeue->items[requeue->n_items];
	*item = (struct item){.key = *key, .letter_no = letter_no};
	if (!start(requeue, item))
		return false;
	requeue->n_items++;
	return requeue->n_items < N_AT_ONCE || finish_group(requeue);
}

/* Reads the lines of files that were put by. False: PostgreSQL does not answer. */
static bool finish_lines(struct requeue *requeue)
{
	const struct requeue_lines *lines = &requeue->lines;
	struct pg_array letters = {.n = 0};
	if (lines->n == 0)
		return true;
	bool is_read = requeue_lines_read(lines, requeue->sync->cli) == CLI_OK;
	pg_array_start(&letters, PG_OID_INT8);
	for (size_t i = 0; is_read && i < lines->n; i++)
		pg_array_int8(&letters, lines->items[i].letter_no, false);
	bool ok = mark(requeue, &letters);
	for (size_t i = 0; i < lines->n; i++) {
		struct item item = {.key = lines->items[i].key, .fate = is_read ? FATE_SENT : FATE_FAILED};
		const char *why = is_read ? "but it could not be marked" : "the reason is above";
		if (!is_read || !ok)
			snprintf(item.why, sizeof(item.why), "%s", why);
		tell_and_count(requeue, &item);
	}
	return ok;
}

/* ---- all ---- */

/* Every message that was read from there. */
static bool requeue_place(struct requeue *requeue, const struct dlq_key *key)
{
	PGresult *found = dlq_find(requeue->sync, key);
	bool ok = found != NULL;
	if (ok && PQntuples(found) == 0)
		ok = requeue_one(requeue, key, NO_LETTER);
	for (int row = 0; ok && row < PQntuples(found); row++)
		ok = requeue_one(requeue, key, pg_get_int8(found, row, 0));
	PQclear(found);
	return ok;
}

static bool requeue_keys(struct requeue *requeue, const struct dlq_key *keys, size_t n_keys)
{
	bool ok = true;
	for (size_t i = 0; ok && i < n_keys; i++)
		ok = requeue_place(requeue, &keys[i]);
	return finish_group(requeue) && ok;
}

static bool requeue_reason(struct requeue *requeue, const char *reason)
{
	const struct pg_param param = pg_param_c_string(reason);
	PGresult *rows = pg_sync_query(requeue->sync, "queries/dlq_keys.sql", &param, 1);
	if (rows == NULL)
		return false;
	bool ok = true;
	for (int row = 0; ok && row < PQntuples(rows); row++) {
		/* A binary text ends with a NUL, too. */
		const struct dlq_key key = {PQgetvalue(rows, row, 0), pg_get_int4(rows, row, 1),
		                            pg_get_int8(rows, row, 2)};
		ok = requeue_one(requeue, &key, pg_get_int8(rows, row, 3));
	}
	ok = finish_group(requeue) && ok;
	PQclear(rows);
	return ok;
}

static void sum_up(const struct requeue *requeue)
{
	if (requeue->report != NULL) {
		json_t *object = json_object();
		json_object_set_new(object, "requeued", json_integer((json_int_t)requeue->n_sent));
		json_object_set_new(object, "would_requeue", json_integer((json_int_t)requeue->n_would));
		json_object_set_new(object, "refused", json_integer((json_int_t)requeue->n_refused));
		json_object_set_new(object, "failed", json_integer((json_int_t)requeue->n_failed));
		json_object_set(object, "messages", requeue->report);
		json_print(object);
		return;
	}
	printf("%zu requeued, %zu refused, %zu failed\n", requeue->n_sent, requeue->n_refused, requeue->n_failed);
	if (requeue->n_would > 0)
		printf("%zu would be requeued\n", requeue->n_would);
	if (requeue->n_sent > 0)
		puts("What is still wrong with a message that is read again makes it a new dead letter.");
}

static int status_of(const struct requeue *requeue)
{
	if (requeue->no_broker && requeue->n_sent == 0)
		return CLI_NO_KAFKA;
	return requeue->n_refused + requeue->n_failed > 0 ? CLI_FAILED : CLI_OK;
}

int dlq_requeue(struct pg_sync *sync, const struct dlq_request *request, const struct config_pairs *kafka)
{
	struct requeue *requeue = mem_zalloc(sizeof(*requeue)); /* too large for the stack */
	requeue->sync = sync;
	requeue->report = sync->cli->json ? json_array() : NULL;
	int status = CLI_CONFIG;
	if (request->dry_run || (requeue->producer = new_producer(requeue, kafka)) != NULL) {
		bool ok = request->reason != NULL ? requeue_reason(requeue, request->reason)
		                                  : requeue_keys(requeue, request->keys, request->n_keys);
		ok = ok && finish_lines(requeue);
		sum_up(requeue);
		status = ok ? status_of(requeue) : pg_sync_failed(sync);
	}
	if (requeue->producer != NULL)
		rd_kafka_destroy(requeue->producer);
	json_decref(requeue->report);
	requeue_lines_release(&requeue->lines);
	free(requeue);
	return status;
}
