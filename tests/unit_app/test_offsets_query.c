/* Where partitions end, asked of librdkafka's mock cluster of two brokers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "adapters/kafka/offsets_query.h"

enum { N = 4 };

struct cluster {
	rd_kafka_t *producer, *asker;
	rd_kafka_mock_cluster_t *mock;
	struct kafka_offsets *offsets;
	struct kafka_offsets_item items[N];
};

static bool never(const void *context)
{
	(void)context;
	return false;
}

static bool always(const void *context)
{
	(void)context;
	return true;
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *name, const char *value)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	assert_int_equal(rd_kafka_conf_set(conf, name, value, why, sizeof(why)), RD_KAFKA_CONF_OK);
	assert_int_equal(rd_kafka_conf_set(conf, "log_level", "0", why, sizeof(why)), RD_KAFKA_CONF_OK);
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));
	assert_non_null(rk);
	return rk;
}

/* Even partitions are led by broker 1, odd ones by broker 2; partition p has p messages. */
static int setup(void **state)
{
	static struct cluster c;
	c = (struct cluster){.producer = client(RD_KAFKA_PRODUCER, "test.mock.num.brokers", "2")};
	c.mock = rd_kafka_handle_mock_cluster(c.producer);
	rd_kafka_mock_topic_create(c.mock, "opened", N, 2);
	for (int32_t p = 0; p < N; p++) {
		rd_kafka_mock_partition_set_leader(c.mock, "opened", p, p % 2 + 1);
		for (int i = 0; i < p; i++)
			assert_int_equal(rd_kafka_producev(c.producer, RD_KAFKA_V_TOPIC("opened"),
			                                   RD_KAFKA_V_PARTITION(p), RD_KAFKA_V_VALUE("x", 1),
			                                   RD_KAFKA_V_END),
			                 RD_KAFKA_RESP_ERR_NO_ERROR);
		c.items[p] = (struct kafka_offsets_item){.topic = "opened", .partition = p};
	}
	assert_int_equal(rd_kafka_flush(c.producer, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
	c.asker = client(RD_KAFKA_CONSUMER, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(c.mock));
	c.offsets = kafka_offsets_new(c.asker);
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	struct cluster *c = *state;
	kafka_offsets_free(c->offsets);
	rd_kafka_destroy(c->asker);
	rd_kafka_destroy(c->producer);
	return 0;
}

static void test_every_partition_is_answered(void **state)
{
	struct cluster *c = *state;
	kafka_offsets_query(c->offsets, c->items, N, never, NULL);
	for (int p = 0; p < N; p++) {
		assert_int_equal(c->items[p].error, RD_KAFKA_RESP_ERR_NO_ERROR);
		assert_int_equal(c->items[p].low_offset, 0);
		assert_int_equal(c->items[p].high_offset, p);
		assert_true(c->items[p].asked_us > 0);
	}
}

static void test_answers_go_to_the_partitions_they_are_of(void **state)
{
	static const int32_t order[N] = {3, 0, 2, 1};
	struct cluster *c = *state;
	struct kafka_offsets_item items[N];
	for (int i = 0; i < N; i++)
		items[i] = (struct kafka_offsets_item){.topic = "opened", .partition = order[i]};
	kafka_offsets_query(c->offsets, items, N, never, NULL);
	for (int i = 0; i < N; i++) {
		assert_int_equal(items[i].error, RD_KAFKA_RESP_ERR_NO_ERROR);
		assert_int_equal(items[i].high_offset, order[i]);
	}
}

static void test_the_beginning_is_asked_for_only_where_it_is_wanted(void **state)
{
	struct cluster *c = *state;
	for (int p = 0; p < N; p++) {
		c->items[p].high_only = p != 2;
		c->items[p].low_offset = -7;
	}
	kafka_offsets_query(c->offsets, c->items, N, never, NULL);
	for (int p = 0; p < N; p++) {
		assert_int_equal(c->items[p].error, RD_KAFKA_RESP_ERR_NO_ERROR);
		assert_int_equal(c->items[p].low_offset, p == 2 ? 0 : -7);
		assert_int_equal(c->items[p].high_offset, p);
	}
}

static void test_a_silent_broker_costs_others_nothing(void **state)
{
	struct cluster *c = *state;
	kafka_offsets_query(c->offsets, c->items, N, never, NULL);
	rd_kafka_mock_broker_set_down(c->mock, 2);
	for (int round = 0; round < 2; round++) {
		kafka_offsets_query(c->offsets, c->items, N, never, NULL);
		for (int p = 0; p < N; p++)
			assert_int_equal(c->items[p].error == RD_KAFKA_RESP_ERR_NO_ERROR, p % 2 == 0);
	}
}

static void test_a_new_leader_is_found(void **state)
{
	struct cluster *c = *state;
	kafka_offsets_query(c->offsets, c->items, N, never, NULL);
	rd_kafka_mock_broker_set_down(c->mock, 2);
	kafka_offsets_query(c->offsets, c->items, N, never, NULL);
	for (int32_t p = 0; p < N; p++)
		rd_kafka_mock_partition_set_leader(c->mock, "opened", p, 1);
	kafka_offsets_query(c->offsets, c->items, N, never, NULL);
	for (int p = 0; p < N; p++) {
		assert_int_equal(c->items[p].error, RD_KAFKA_RESP_ERR_NO_ERROR);
		assert_int_equal(c->items[p].high_offset, p);
	}
}

static void test_what_does_not_exist_has_an_error(void **state)
{
	struct cluster *c = *state;
	struct kafka_offsets_item items[] = {{.topic = "opened", .partition = N}, {.topic = "opened", .partition = 1}};
	kafka_offsets_query(c->offsets, items, 2, never, NULL);
	assert_int_equal(items[0].error, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	assert_int_equal(items[1].error, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void test_a_stop_leaves_no_item_without_an_answer(void **state)
{
	struct cluster *c = *state;
	kafka_offsets_query(c->offsets, c->items, N, always, NULL);
	for (int p = 0; p < N; p++)
		assert_int_equal(c->items[p].error, RD_KAFKA_RESP_ERR__DESTROY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_every_partition_is_answered, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_answers_go_to_the_partitions_they_are_of, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_the_beginning_is_asked_for_only_where_it_is_wanted, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_a_silent_broker_costs_others_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_a_new_leader_is_found, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_what_does_not_exist_has_an_error, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_a_stop_leaves_no_item_without_an_answer, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
