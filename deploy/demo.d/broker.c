/* A Kafka broker in a process, for demos: librdkafka's mock cluster. It keeps the last 5 MiB of each partition, in
 * memory. Prints its bootstrap.servers on a line and runs until SIGTERM or SIGINT.
 *
 *   demo-broker TOPIC[:PARTITIONS]... */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PARTITIONS 4

/* Creates the topic that the argument names. */
static int create_topic(rd_kafka_mock_cluster_t *cluster, const char *argument)
{
	char name[250];
	size_t length = strcspn(argument, ":");
	if (length == 0 || length >= sizeof(name)) {
		fprintf(stderr, "demo-broker: %s: not the name of a topic\n", argument);
		return -1;
	}
	memcpy(name, argument, length);
	name[length] = '\0';
	int partitions = argument[length] == ':' ? atoi(argument + length + 1) : DEFAULT_PARTITIONS;
	rd_kafka_resp_err_t error = partitions > 0 ? rd_kafka_mock_topic_create(cluster, name, partitions, 1)
	                                           : RD_KAFKA_RESP_ERR_INVALID_PARTITIONS;
	if (error) {
		fprintf(stderr, "demo-broker: topic %s: %s\n", argument, rd_kafka_err2str(error));
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: demo-broker TOPIC[:PARTITIONS]...\n");
		return 2;
	}

	/* Blocked before librdkafka starts its threads: they inherit it, and sigwait() gets the signals. */
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);

	char reason[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "3", NULL, 0); /* it would warn that it has no brokers */
	rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
	if (!handle) {
		fprintf(stderr, "demo-broker: %s\n", reason);
		rd_kafka_conf_destroy(conf);
		return 1;
	}
	int status = 1;
	rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(handle, 1);
	if (!cluster) {
		fprintf(stderr, "demo-broker: no mock cluster\n");
		goto out;
	}
	for (int i = 1; i < argc; i++)
		if (create_topic(cluster, argv[i]) < 0)
			goto out;
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);

	int number;
	sigwait(&ends, &number);
	status = 0;
out:
	if (cluster)
		rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(handle);
	return status;
}
