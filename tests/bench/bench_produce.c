/* Sends the lines of standard input (key, tab, value) to a topic, partitioned by the key as Java clients do it.
 *
 *   bench_produce BOOTSTRAP TOPIC */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long n_failed;

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *context)
{
	(void)kafka, (void)context;
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && n_failed++ == 0)
		fprintf(stderr, "bench_produce: %s\n", rd_kafka_err2str(message->err));
}

static rd_kafka_t *new_producer(const char *bootstrap)
{
	const char *const settings[][2] = {{"bootstrap.servers", bootstrap},
	                                   {"enable.idempotence", "true"},
	                                   {"log_level", "3"},
	                                   {"linger.ms", "20"},
	                                   {"batch.size", "1000000"},
	                                   {"partitioner", "murmur2_random"},
	                                   {"queue.buffering.max.kbytes", "131072"}};
	char error[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof(error)) != RD_KAFKA_CONF_OK) {
			fprintf(stderr, "bench_produce: %s\n", error);
			exit(1);
		}
	rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
	if (kafka == NULL) {
		fprintf(stderr, "bench_produce: %s\n", error);
		exit(1);
	}
	return kafka;
}

static void send_line(rd_kafka_t *kafka, rd_kafka_topic_t *topic, char *line, size_t len)
{
	char *tab = memchr(line, '\t', len);
	if (tab == NULL) {
		fprintf(stderr, "bench_produce: a line without a tab\n");
		exit(1);
	}
	size_t key_len = (size_t)(tab - line);
	while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, tab + 1, len - key_len - 1, line,
	                        key_len, NULL) != 0) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			fprintf(stderr, "bench_produce: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
			exit(1);
		}
		rd_kafka_poll(kafka, 100);
	}
	rd_kafka_poll(kafka, 0);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bench_produce BOOTSTRAP TOPIC\n");
		return 2;
	}
	rd_kafka_t *kafka = new_producer(argv[1]);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka, argv[2], NULL);
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	long n = 0;
	for (; (len = getline(&line, &capacity, stdin)) > 0; n++)
		send_line(kafka, topic, line, (size_t)len - (line[len - 1] == '\n'));
	free(line);
	if (rd_kafka_flush(kafka, 120000) != RD_KAFKA_RESP_ERR_NO_ERROR)
		n_failed++;
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(kafka);
	printf("{\"messages\":%ld}\n", n);
	return n_failed == 0 ? 0 : 1;
}
