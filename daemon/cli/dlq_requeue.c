/* kpid dlq requeue: sends the same bytes to their partition again, and passes lines of files straight to the pipeline.
 * A message is marked as requeued only after the broker or the database has it. After a failure in between it is read
 * twice but counts once. */
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/dlq.h"
#include "cli/dlq_original.h"
#include "cli/json_out.h"
#include "cli/requeue_lines.h"
#include "cli/term.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* Messages in flight at the same time; each keeps its bytes in memory. */
#define N_AT_ONCE 200
#define NO_LETTER 0

enum outcome {
	OUTCOME_REFUSED,
	OUTCOME_WOULD,
	OUTCOME_WAITING,
	OUTCOME_SENT,
	OUTCOME_FAILED,
	OUTCOME_LINE /* is read at the end, with all lines of files */
};

struct item {
	struct dlq_key key;
	int64_t letter_no; /* NO_LETTER: there is no dead letter of this position */
	enum outcome outcome;
	char why[256]; /* reason of OUTCOME_REFUSED or OUTCOME_FAILED */
	struct dlq_letter letter;
	bool has_letter;
	rd_kafka_message_t *original; /* of a mapped record; NULL */
	const struct item *twin;      /* another letter of the same message, which is sent for both; NULL */
};

struct requeue {
	struct pg_sync *sync;
	const struct kpid_config *config;
	rd_kafka_t *producer;            /* NULL in a dry run */
	struct dlq_originals *originals; /* NULL until a record is mapped again */
	struct item items[N_AT_ONCE];
	size_t n_items;
	struct requeue_lines lines;
	size_t n_sent, n_refused, n_failed, n_would;
	bool no_broker;
	json_t *report; /* NULL: print text */
};

/* ---- Kafka ---- */

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
	struct requeue *requeue = context;
	struct item *item = message->_private;
	(void)producer;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		item->outcome = OUTCOME_SENT;
		return;
	}
	item->outcome = OUTCOME_FAILED;
	snprintf(item->why, sizeof(item->why), "%s", rd_kafka_err2str(message->err));
	requeue->no_broker |= message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
}

/* Sets a property; librdkafka itself ignores consumer properties of a producer. */
static bool set(struct pg_sync *sync, rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[256];
	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return true;
	pg_sync_print_error(sync, "kafka: %s", why);
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
	/* librdkafka's default of five minutes is too long for a command. */
	if (!is_given(kafka, "message.timeout.ms") && !is_given(kafka, "delivery.timeout.ms"))
		ok = set(requeue->sync, conf, "message.timeout.ms", "30000");
	for (size_t i = 0; ok && i < kafka->n; i++)
		ok = set(requeue->sync, conf, kafka->items[i].name, kafka->items[i].value);
	ok = ok && set(requeue->sync, conf, "allow.auto.create.topics", "false");
	rd_kafka_conf_set_opaque(conf, requeue);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_log_cb(conf, dlq_on_kafka_log);
	rd_kafka_t *producer = ok ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why)) : NULL;
	if (producer != NULL)
		return producer;
	if (ok)
		pg_sync_print_error(requeue->sync, "kafka: %s", why);
	rd_kafka_conf_destroy(conf);
	return NULL;
}

/* The producer owns the headers unless it refused the message. */
static void end_sending(struct item *item, rd_kafka_headers_t *headers, rd_kafka_resp_err_t error)
{
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	if (headers != NULL)
		rd_kafka_headers_destroy(headers);
	item->outcome = OUTCOME_FAILED;
	snprintf(item->why, sizeof(item->why), "%s", rd_kafka_err2str(error));
}

static void produce(struct requeue *requeue, struct item *item)
{
	const struct dlq_letter *letter = &item->letter;
	rd_kafka_headers_t *headers = letter->n_headers == 0 ? NULL : rd_kafka_headers_new(letter->n_headers);
	for (size_t i = 0; i < letter->n_headers; i++)
		rd_kafka_header_add(headers, letter->headers[i].name.ptr, letter->headers[i].name.len,
		                    letter->headers[i].value.ptr, letter->headers[i].value.len);
	/* The key is not stored; using the same partition keeps the events of a ticket together. */
	item->outcome = OUTCOME_WAITING;
	rd_kafka_resp_err_t error = rd_kafka_producev(
	        requeue->producer, RD_KAFKA_V_TOPIC(item->key.topic), RD_KAFKA_V_PARTITION(item->key.partition),
	        RD_KAFKA_V_VALUE((void *)(uintptr_t)letter->value.ptr, letter->value.len), RD_KAFKA_V_HEADERS(headers),
	        RD_KAFKA_V_OPAQUE(item), RD_KAFKA_V_END);
	end_sending(item, headers, error);
}

static void send_original(struct requeue *requeue, struct item *item)
{
	const rd_kafka_message_t *original = item->original;
	rd_kafka_headers_t *headers = NULL;
	if (rd_kafka_message_headers(original, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
		headers = rd_kafka_headers_copy(headers);
	item->outcome = OUTCOME_WAITING;
	rd_kafka_resp_err_t error = rd_kafka_producev(
	        requeue->producer, RD_KAFKA_V_TOPIC(item->key.topic), RD_KAFKA_V_PARTITION(item->key.partition),
	        RD_KAFKA_V_KEY(original->key, original->key_len), RD_KAFKA_V_VALUE(original->payload, original->len),
	        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(item), RD_KAFKA_V_END);
	end_sending(item, headers, error);
}

/* ---- one message ---- */

static void refuse(struct item *item, const char *why)
{
	item->outcome = OUTCOME_REFUSED;
	snprintf(item->why, sizeof(item->why), "%s", why);
}

static void start_line(struct requeue *requeue, struct item *item)
{
	item->outcome = OUTCOME_REFUSED;
	if (!requeue_lines_accepts(&item->key, &item->letter, item->why, sizeof(item->why)))
		return;
	item->outcome = requeue->producer == NULL ? OUTCOME_WOULD : OUTCOME_LINE;
	if (item->outcome == OUTCOME_LINE)
		requeue_lines_add(&requeue->lines, &item->key, item->letter_no, item->letter.value);
}

static bool is_mapped(const struct requeue *requeue, const struct item *item)
{
	const struct config_topic *topic = config_topics_find(&requeue->config->topics, item->key.topic);
	return topic == NULL ? !text_is_absent(item->letter.mapping) : topic->map != NULL;
}

static const struct item *find_twin(const struct requeue *requeue, const struct item *item)
{
	for (size_t i = 0; i < requeue->n_items; i++) {
		const struct item *other = &requeue->items[i];
		if (other->original != NULL && other->key.partition == item->key.partition &&
		    other->key.offset == item->key.offset && strcmp(other->key.topic, item->key.topic) == 0)
			return other;
	}
	return NULL;
}

/* The mapping of now reads the message again. */
static void start_mapped(struct requeue *requeue, struct item *item)
{
	/* Letters of events, such as too_many, are other bytes than those of the record. */
	const struct text letter = text_is_absent(item->letter.mapping) ? TEXT_ABSENT : item->letter.value;
	item->outcome = OUTCOME_REFUSED;
	item->twin = find_twin(requeue, item);
	if (item->twin != NULL) {
		item->outcome = OUTCOME_WAITING;
		return;
	}
	if (requeue->originals == NULL)
		requeue->originals = dlq_originals_new(requeue->sync, &requeue->config->kafka);
	if (requeue->originals == NULL) {
		snprintf(item->why, sizeof(item->why), "the topic cannot be read");
		return;
	}
	rd_kafka_message_t *original =
	        dlq_original_read(requeue->originals, &item->key, letter, item->why, sizeof(item->why));
	if (original == NULL)
		return;
	if (requeue->producer == NULL) {
		rd_kafka_message_destroy(original);
		item->outcome = OUTCOME_WOULD;
		return;
	}
	item->original = original;
	send_original(requeue, item);
}

/* Returns false if PostgreSQL does not answer. */
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
		refuse(item, "it would conflict again: correct it at its source and send it under a new id");
	else if (requeue_lines_is_one(&item->key) && !text_is_absent(item->letter.mapping))
		refuse(item, "correct the mapping and run kpid ingest again");
	else if (requeue_lines_is_one(&item->key))
		start_line(requeue, item);
	else if (is_mapped(requeue, item))
		start_mapped(requeue, item);
	else if (requeue->producer == NULL)
		item->outcome = OUTCOME_WOULD;
	else
		produce(requeue, item);
	return true;
}

/* ---- a group of messages ---- */

/* Marks letters as requeued, and releases the array. */
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
		if (item->outcome == OUTCOME_SENT)
			pg_array_int8(&letters, item->letter_no, false);
	}
	return mark(requeue, &letters);
}

static void print_item(struct requeue *requeue, const struct item *item)
{
	static const char *const outcomes[] = {"refused", "would requeue", "failed", "requeued", "failed", "failed"};
	struct buf line = BUF_INIT, escaped = BUF_INIT;
	dlq_add_key(&item->key, &line);
	if (requeue->report != NULL) {
		json_t *object = json_object();
		json_object_set_new(object, "message", json_of_text(buf_text(&line)));
		json_object_set_new(object, "outcome", json_string(outcomes[item->outcome]));
		json_object_set_new(object, "why",
		                    item->why[0] == '\0' ? json_null() : json_of_text(text_of(item->why)));
		json_array_append_new(requeue->report, object);
	} else {
		buf_add_format(&line, ": %s%s%s", outcomes[item->outcome], item->why[0] == '\0' ? "" : ": ", item->why);
		term_escape(&escaped, buf_text(&line));
		puts(escaped.data);
	}
	buf_release(&line);
	buf_release(&escaped);
}

static void count(struct requeue *requeue, const struct item *item)
{
	switch (item->outcome) {
	case OUTCOME_REFUSED:
		requeue->n_refused++;
		break;
	case OUTCOME_WOULD:
		requeue->n_would++;
		break;
	case OUTCOME_SENT:
		requeue->n_sent++;
		break;
	case OUTCOME_WAITING:
	case OUTCOME_FAILED:
	case OUTCOME_LINE:
		requeue->n_failed++;
		break;
	}
}

static void print_and_count(struct requeue *requeue, const struct item *item)
{
	print_item(requeue, item);
	count(requeue, item);
}

static void take_twins_outcome(struct item *item)
{
	if (item->twin == NULL)
		return;
	item->outcome = item->twin->outcome;
	memcpy(item->why, item->twin->why, sizeof(item->why));
}

/* Waits for the messages in flight, then marks, prints and clears the group. Returns false if PostgreSQL does not
 * answer. */
static bool finish_group(struct requeue *requeue)
{
	/* Ends, because each message has a timeout. */
	while (requeue->producer != NULL && rd_kafka_outq_len(requeue->producer) > 0)
		rd_kafka_poll(requeue->producer, 100);
	for (size_t i = 0; i < requeue->n_items; i++)
		take_twins_outcome(&requeue->items[i]);
	bool ok = mark_sent(requeue);
	for (size_t i = 0; i < requeue->n_items; i++) {
		struct item *item = &requeue->items[i];
		if (item->outcome == OUTCOME_SENT && !ok)
			snprintf(item->why, sizeof(item->why), "but could not be marked as requeued");
		if (item->outcome != OUTCOME_LINE)
			print_and_count(requeue, item);
		if (item->has_letter)
			dlq_letter_release(&item->letter);
		if (item->original != NULL)
			rd_kafka_message_destroy(item->original);
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

/* Reads the collected lines of files. Returns false if PostgreSQL does not answer. */
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
		struct item item = {.key = lines->items[i].key, .outcome = is_read ? OUTCOME_SENT : OUTCOME_FAILED};
		const char *why = is_read ? "but could not be marked as requeued" : "see the reason above";
		if (!is_read || !ok)
			snprintf(item.why, sizeof(item.why), "%s", why);
		print_and_count(requeue, &item);
	}
	return ok;
}

/* ---- all ---- */

/* Requeues every message that was read from this position. */
static bool requeue_place(struct requeue *requeue, const struct dlq_key *key)
{
	PGresult *found = dlq_find(requeue->sync, key);
	bool ok = found != NULL;
	if (ok && PQntuples(found) == 0)
		ok = requeue_one(requeue, key, NO_LETTER);
	for (int row = 0; ok && row < PQntuples(found); row++)
		ok = requeue_one(requeue, key, pg_get_int8(found, row, DLQ_FIND_LETTER_NO));
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
		/* libpq terminates binary values with a NUL. */
		const struct dlq_key key = {PQgetvalue(rows, row, DLQ_KEYS_TOPIC),
		                            pg_get_int4(rows, row, DLQ_KEYS_PARTITION),
		                            pg_get_int8(rows, row, DLQ_KEYS_OFFSET)};
		ok = requeue_one(requeue, &key, pg_get_int8(rows, row, DLQ_KEYS_LETTER_NO));
	}
	ok = finish_group(requeue) && ok;
	PQclear(rows);
	return ok;
}

static void print_summary(const struct requeue *requeue)
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
		puts("A message that still has an error becomes a new dead letter.");
}

static int status_of(const struct requeue *requeue)
{
	if (requeue->no_broker && requeue->n_sent == 0)
		return CLI_NO_KAFKA;
	return requeue->n_refused + requeue->n_failed > 0 ? CLI_FAILED : CLI_OK;
}

int dlq_requeue(struct pg_sync *sync, const struct dlq_request *request, const struct kpid_config *config)
{
	struct requeue *requeue = mem_zalloc(sizeof(*requeue)); /* too large for the stack */
	requeue->sync = sync;
	requeue->config = config;
	requeue->report = sync->cli->json ? json_array() : NULL;
	int status = CLI_CONFIG;
	if (request->dry_run || (requeue->producer = new_producer(requeue, &config->kafka)) != NULL) {
		bool ok = request->reason != NULL ? requeue_reason(requeue, request->reason)
		                                  : requeue_keys(requeue, request->keys, request->n_keys);
		ok = ok && finish_lines(requeue);
		print_summary(requeue);
		status = ok ? status_of(requeue) : pg_sync_failed(sync);
	}
	if (requeue->producer != NULL)
		rd_kafka_destroy(requeue->producer);
	dlq_originals_free(requeue->originals);
	json_decref(requeue->report);
	requeue_lines_release(&requeue->lines);
	free(requeue);
	return status;
}
