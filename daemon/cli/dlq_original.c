#include "cli/dlq_original.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

#define PATIENCE_US INT64_C(15000000)

struct dlq_originals {
	rd_kafka_t *consumer;
};

void dlq_on_kafka_log(const rd_kafka_t *client, int level, const char *facility, const char *line)
{
	(void)client, (void)level, (void)facility;
	log_debug("librdkafka: %s", line);
}

/* Joins no group: it reads one partition at a time, and commits nothing. */
struct dlq_originals *dlq_originals_new(struct pg_sync *sync, const struct config_pairs *kafka)
{
	static const char *const own[][2] = {{"enable.auto.commit", "false"},  {"enable.auto.offset.store", "false"},
	                                     {"enable.partition.eof", "true"}, {"auto.offset.reset", "error"},
	                                     {"queued.min.messages", "1"},     {"fetch.wait.max.ms", "100"}};
	char why[256] = "";
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bool ok = true;
	for (size_t i = 0; ok && i < kafka->n; i++)
		ok = rd_kafka_conf_set(conf, kafka->items[i].name, kafka->items[i].value, why, sizeof(why)) ==
		     RD_KAFKA_CONF_OK;
	for (size_t i = 0; ok && i < sizeof(own) / sizeof(own[0]); i++)
		ok = rd_kafka_conf_set(conf, own[i][0], own[i][1], why, sizeof(why)) == RD_KAFKA_CONF_OK;
	rd_kafka_conf_set_log_cb(conf, dlq_on_kafka_log);
	rd_kafka_t *consumer = ok ? rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why)) : NULL;
	if (consumer == NULL) {
		rd_kafka_conf_destroy(conf);
		pg_sync_print_error(sync, "kafka: %s", why);
		return NULL;
	}
	rd_kafka_poll_set_consumer(consumer);
	struct dlq_originals *originals = mem_zalloc(sizeof(*originals));
	originals->consumer = consumer;
	return originals;
}

void dlq_originals_free(struct dlq_originals *originals)
{
	if (originals == NULL)
		return;
	rd_kafka_consumer_close(originals->consumer);
	rd_kafka_destroy(originals->consumer);
	free(originals);
}

static bool contains(const rd_kafka_message_t *message, struct text letter)
{
	return text_is_absent(letter) || letter.len == 0 ||
	       (message->payload != NULL && memmem(message->payload, message->len, letter.ptr, letter.len) != NULL);
}

/* NULL: it is the message. */
static const char *refusal(const rd_kafka_message_t *message, const struct dlq_key *key, struct text letter)
{
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
	    message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
		return "its topic no longer has the message";
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return rd_kafka_err2str(message->err);
	if (message->offset != key->offset)
		return "its topic no longer has the message";
	return contains(message, letter) ? NULL : "its topic was recreated, and has another message there";
}

rd_kafka_message_t *dlq_original_read(struct dlq_originals *originals, const struct dlq_key *key, struct text letter,
                                      char *why_out, size_t n_why)
{
	rd_kafka_topic_partition_list_t *place = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(place, key->topic, key->partition)->offset = key->offset;
	rd_kafka_resp_err_t error = rd_kafka_assign(originals->consumer, place);
	rd_kafka_message_t *message = NULL;
	int64_t until_us = monotonic_clock_us() + PATIENCE_US;
	const char *why = error == RD_KAFKA_RESP_ERR_NO_ERROR ? "no broker has answered" : rd_kafka_err2str(error);
	rd_kafka_topic_partition_list_destroy(place);
	while (error == RD_KAFKA_RESP_ERR_NO_ERROR && message == NULL && monotonic_clock_us() < until_us) {
		message = rd_kafka_consumer_poll(originals->consumer, 200);
		if (message != NULL && (message->rkt == NULL || message->partition != key->partition)) {
			rd_kafka_message_destroy(message); /* about a connection */
			message = NULL;
		}
	}
	if (message != NULL && (why = refusal(message, key, letter)) == NULL)
		return message;
	snprintf(why_out, n_why, "%s", why);
	if (message != NULL)
		rd_kafka_message_destroy(message);
	return NULL;
}
