/* Reads a topic from its beginning to its end and does nothing with it: the limit set by Kafka and librdkafka.
 *
 *   bench_consume BOOTSTRAP TOPIC PARTITIONS */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { AT_ONCE = 1000 };

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static rd_kafka_t *new_consumer(const char *bootstrap)
{
	const char *const settings[][2] = {{"bootstrap.servers", bootstrap},
	                                   {"group.id", "kpid-bench-consume"},
	                                   {"enable.auto.commit", "false"},
	                                   {"enable.partition.eof", "true"}};
	char error[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof(error));
	rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
	if (kafka == NULL) {
		fprintf(stderr, "bench_consume: %s\n", error);
		exit(1);
	}
	rd_kafka_poll_set_consumer(kafka);
	return kafka;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: bench_consume BOOTSTRAP TOPIC PARTITIONS\n");
		return 2;
	}
	int n_partitions = atoi(argv[3]), n_ended = 0;
	rd_kafka_t *kafka = new_consumer(argv[1]);
	rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(n_partitions);
	for (int i = 0; i < n_partitions; i++)
		rd_kafka_topic_partition_list_add(partitions, argv[2], i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(kafka, partitions);
	rd_kafka_topic_partition_list_destroy(partitions);

	static rd_kafka_message_t *messages[AT_ONCE];
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(kafka);
	long long n = 0, bytes = 0;
	double first_s = 0, last_s = 0;
	while (n_ended < n_partitions) {
		long long n_before = n;
		ssize_t n_read = rd_kafka_consume_batch_queue(queue, 100, messages, AT_ONCE);
		for (ssize_t i = 0; i < n_read; i++) {
			if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
				n_ended++;
			} else if (messages[i]->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
				fprintf(stderr, "bench_consume: %s\n", rd_kafka_message_errstr(messages[i]));
				return 1;
			} else {
				if (n++ == 0)
					first_s = now_s();
				bytes += (long long)messages[i]->len;
			}
			rd_kafka_message_destroy(messages[i]);
		}
		/* The end of a partition is reported half a second late. */
		if (n != n_before)
			last_s = now_s();
	}
	printf("{\"messages\":%lld,\"bytes\":%lld,\"seconds\":%.3f,\"cpu_s\":%.3f}\n", n, bytes, last_s - first_s,
	       cpu_s());
	rd_kafka_queue_destroy(queue);
	rd_kafka_consumer_close(kafka);
	rd_kafka_destroy(kafka);
	return 0;
}
