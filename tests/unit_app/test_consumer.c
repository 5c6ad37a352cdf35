/* What comes out of the consumer, of librdkafka's own mock cluster. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "adapters/kafka/consumer.h"
#include "kpid/config.h"

enum { N_MESSAGES = 60000, READ_AT_ONCE = 256, MOST_S = 120 };

struct desk {
	rd_kafka_t *producer; /* has the mock cluster */
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
	struct config_faults faults = CONFIG_FAULTS_INIT;
	snprintf(servers, sizeof(servers), "kafka.bootstrap.servers=%s", bootstrap);
	struct kpid_config *config = kpid_config_load(NULL, sets, sizeof(sets) / sizeof(sets[0]), &faults);
	if (faults.n > 0)
		fail_msg("%s: %s", faults.items[0].key, faults.items[0].message);
	config_faults_release(&faults);
	return config;
}

static void produce_all(rd_kafka_t *producer)
{
	for (int i = 0; i < N_MESSAGES; i++)
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

/* What librdkafka does with all that is kept when the group rebalances. */
static void *pause_and_resume(void *context)
{
	static const struct timespec pause = {0, 5000000};
	struct desk *desk = context;
	while (!desk->ends) {
		kafka_consumer_pause(desk->consumer, "opened", 0, true);
		kafka_consumer_pause(desk->consumer, "opened", 0, false);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void test_nothing_is_skipped_beside_a_rebalance(void **state)
{
	struct desk desk = {.next_offset = 0};
	const struct kafka_consumer_events events = {on_assigned, on_revoked, on_readable, on_fatal, &desk};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];
	pthread_t thread;
	(void)state;
	rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof(why));
	desk.producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	assert_non_null(desk.producer);
	rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(desk.producer);
	rd_kafka_mock_topic_create(cluster, "opened", 1, 1);
	produce_all(desk.producer);
	desk.config = configure(rd_kafka_mock_cluster_bootstraps(cluster));
	desk.base = event_base_new();
	desk.consumer = kafka_consumer_new(desk.base, desk.config, 1, &events);
	assert_non_null(desk.consumer);

	time_t end = time(NULL) + MOST_S;
	while (!desk.assigned && time(NULL) < end)
		kafka_consumer_poll(desk.consumer);
	assert_true(desk.assigned);
	assert_int_equal(pthread_create(&thread, NULL, pause_and_resume, &desk), 0);
	while (desk.next_offset < N_MESSAGES && time(NULL) < end) {
		kafka_consumer_poll(desk.consumer);
		read_some(&desk);
	}
	desk.ends = true;
	pthread_join(thread, NULL);
	printf("%zu read again\n", desk.n_again);
	assert_int_equal(desk.n_skipped, 0);
	assert_int_equal(desk.next_offset, N_MESSAGES);

	kafka_consumer_close(desk.consumer);
	while (!kafka_consumer_is_closed(desk.consumer) && time(NULL) < end)
		kafka_consumer_poll(desk.consumer);
	kafka_consumer_free(desk.consumer);
	event_base_free(desk.base);
	kpid_config_free(desk.config);
	rd_kafka_destroy(desk.producer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_skipped_beside_a_rebalance)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
