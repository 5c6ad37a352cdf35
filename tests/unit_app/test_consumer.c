/* Messages that the consumer delivers, from librdkafka's own mock cluster. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "adapters/kafka/consumer.h"
#include "kpid/config.h"

enum { N_MESSAGES = 60000, READ_AT_ONCE = 256, MOST_S = 120 };

struct desk {
	rd_kafka_t *producer; /* declares the mock cluster */
	struct event_base *base;
	struct kpid_config *config;
	struct kafka_consumer *consumer;
	bool assigned;
	int64_t next_offset;
	size_t n_skipped, n_again;
	atomic_bool ends;
};

static struct kpid_config *configure(const char *bootstrap)
{
	char servers[256];
	const char *const sets[] = {servers, "kafka.group.id=g", "topics.opened=*"};
	struct config_errors errors = CONFIG_ERRORS_INIT;
	snprintf(servers, sizeof(servers), "kafka.bootstrap.servers=%s", bootstrap);
	struct kpid_config *config = kpid_config_load(NULL, sets, sizeof(sets) / sizeof(sets[0]), &errors);
	if (errors.n > 0)
		fail_msg("%s: %s", errors.items[0].key, errors.items[0].message);
	config_errors_release(&errors);
	return config;
}

static void produce(rd_kafka_t *producer, size_t n)
{
	for (size_t i = 0; i < n; i++)
		while (rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("opened"), RD_KAFKA_V_PARTITION(0),
		                         RD_KAFKA_V_VALUE("x", 1), RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_poll(producer, 100);
	assert_int_equal(rd_kafka_flush(producer, 60000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static int lane_of(void *context, const char *topic, int32_t partition)
{
	(void)context, (void)topic, (void)partition;
	return 0;
}

static void on_assigned(void *context, const rd_kafka_topic_partition_list_t *partitions)
{
	struct desk *desk = context;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(partitions);
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = 0;
	kafka_consumer_assign(desk->consumer, list, lane_of, desk);
	rd_kafka_topic_partition_list_destroy(list);
	desk->assigned = true;
}

static void on_revoked(void *context, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
	struct desk *desk = context;
	(void)lost;
	kafka_consumer_unassign(desk->consumer, partitions);
}

static void on_readable(void *context, int lane)
{
	(void)context, (void)lane;
}

static void on_fatal(void *context, const char *reason)
{
	(void)context;
	fail_msg("%s", reason);
}

static void on_replaced(void *context)
{
	(void)context;
	fail();
}

static void read_some(struct desk *desk)
{
	rd_kafka_message_t *messages[READ_AT_ONCE];
	size_t n = kafka_consumer_read(desk->consumer, 0, messages, READ_AT_ONCE);
	for (size_t i = 0; i < n; i++) {
		int64_t offset = messages[i]->offset;
		if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			desk->n_skipped += offset > desk->next_offset;
			desk->n_again += offset < desk->next_offset;
			desk->next_offset = offset >= desk->next_offset ? offset + 1 : desk->next_offset;
		}
		rd_kafka_message_destroy(messages[i]);
	}
}

/* Checks that librdkafka keeps its position when the group rebalances. */
static void *pause_and_resume(void *context)
{
	static const struct timespec pause = {0, 5000000};
	struct desk *desk = context;
	while (!desk->ends) {
		kafka_consumer_pause(desk->consumer, "opened", 0);
		kafka_consumer_resume(desk->consumer, "opened", 0);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* ---- the tests ---- */

static rd_kafka_mock_cluster_t *begin(struct desk *desk, size_t n_messages)
{
	const struct kafka_consumer_events events = {on_assigned, on_revoked, on_readable, on_fatal, on_replaced, desk};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];
	rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why));
	desk->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	assert_non_null(desk->producer);
	rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(desk->producer);
	rd_kafka_mock_topic_create(cluster, "opened", 1, 1);
	produce(desk->producer, n_messages);
	desk->config = configure(rd_kafka_mock_cluster_bootstraps(cluster));
	desk->base = event_base_new();
	desk->consumer = kafka_consumer_new(desk->base, desk->config, 1, &events);
	assert_non_null(desk->consumer);
	time_t end = time(NULL) + MOST_S;
	while (!desk->assigned && time(NULL) < end)
		kafka_consumer_poll(desk->consumer);
	assert_true(desk->assigned);
	return cluster;
}

static void end(struct desk *desk)
{
	time_t until = time(NULL) + MOST_S;
	while (!kafka_consumer_is_closed(desk->consumer) && time(NULL) < until) {
		kafka_consumer_close(desk->consumer);
		kafka_consumer_poll(desk->consumer);
	}
	kafka_consumer_free(desk->consumer);
	event_base_free(desk->base);
	kpid_config_free(desk->config);
	rd_kafka_destroy(desk->producer);
}

static void test_nothing_is_skipped_in_a_rebalance(void **state)
{
	struct desk desk = {.next_offset = 0};
	pthread_t thread;
	(void)state;
	begin(&desk, N_MESSAGES);
	time_t until = time(NULL) + MOST_S;
	assert_int_equal(pthread_create(&thread, NULL, pause_and_resume, &desk), 0);
	while (desk.next_offset < N_MESSAGES && time(NULL) < until) {
		kafka_consumer_poll(desk.consumer);
		read_some(&desk);
	}
	desk.ends = true;
	pthread_join(thread, NULL);
	printf("%zu read again\n", desk.n_again);
	assert_int_equal(desk.n_skipped, 0);
	assert_int_equal(desk.next_offset, N_MESSAGES);
	end(&desk);
}

/* The place is in PostgreSQL, so a commit to the group that fails is nobody's concern. */
static void test_a_commit_that_the_group_refuses_is_not_logged(void **state)
{
	enum { OFFSET_COMMIT = 8, LINES_BYTES = 65536 };
	static char lines[LINES_BYTES];
	struct desk desk = {.next_offset = 0};
	FILE *log = tmpfile();
	int before = dup(STDERR_FILENO);
	(void)state;
	assert_non_null(log);
	rd_kafka_mock_cluster_t *cluster = begin(&desk, 10);
	rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(offsets, "opened", 0)->offset = 1;
	rd_kafka_mock_push_request_errors(cluster, OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE);
	dup2(fileno(log), STDERR_FILENO);
	kafka_consumer_commit(desk.consumer, offsets);
	for (time_t until = time(NULL) + 2; time(NULL) < until;)
		kafka_consumer_poll(desk.consumer);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(log);
	lines[fread(lines, 1, LINES_BYTES - 1, log)] = '\0';
	fclose(log);
	assert_string_equal(lines, "");
	rd_kafka_topic_partition_list_destroy(offsets);
	end(&desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing_is_skipped_in_a_rebalance),
	        cmocka_unit_test(test_a_commit_that_the_group_refuses_is_not_logged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
