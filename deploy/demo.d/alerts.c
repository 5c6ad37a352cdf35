#include "alerts.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <time.h>

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "demo-generator: %s: %s\n", what, why);
	return 1;
}

static rd_kafka_t *new_consumer(const char *bootstrap)
{
	static const char *const settings[][2] = {
	        {"group.id", "kpid-demo-alerts"}, /* never joined */
	        {"enable.auto.commit", "false"},
	        {"fetch.wait.max.ms", "20"}, /* the mock cluster answers no sooner, messages or not */
	};
	char reason[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, reason, sizeof(reason));
	for (size_t i = 0; result == RD_KAFKA_CONF_OK && i < sizeof(settings) / sizeof(settings[0]); i++)
		result = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason));
	rd_kafka_t *consumer =
	        result == RD_KAFKA_CONF_OK ? rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason)) : NULL;
	if (!consumer) {
		failed("consumer", reason);
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	rd_kafka_poll_set_consumer(consumer);
	return consumer;
}

/* Assigns all partitions of the topic. */
static int assign_all(rd_kafka_t *consumer, const char *topic)
{
	rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t error = rd_kafka_metadata(consumer, 0, handle, &metadata, 10000);
	if (!error) {
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
		for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
			rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
		error = rd_kafka_assign(consumer, list);
		rd_kafka_topic_partition_list_destroy(list);
		rd_kafka_metadata_destroy(metadata);
	}
	rd_kafka_topic_destroy(handle);
	return error ? failed(topic, rd_kafka_err2str(error)) : 0;
}

int alerts_print(const char *bootstrap, const char *topic, const volatile sig_atomic_t *stop)
{
	rd_kafka_t *consumer = new_consumer(bootstrap);
	if (!consumer)
		return 1;
	int status = assign_all(consumer, topic);
	while (status == 0 && !*stop) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
		if (!message)
			continue;
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		if (!message->err) {
			printf("%lld\t%.*s\t%.*s\n", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000,
			       (int)message->key_len, (const char *)message->key, (int)message->len,
			       (const char *)message->payload);
			fflush(stdout);
		}
		rd_kafka_message_destroy(message);
	}
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
	return status;
}
