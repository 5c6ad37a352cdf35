/* kpid doctor: brokers, topics, partitions, the consumer group. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/kafka/conf.h"
#include "cli/doctor.h"
#include "kpid/base/memory.h"

enum { TIMEOUT_MS = 5000 };

struct brokers {
	rd_kafka_t *rk;
	const struct rd_kafka_metadata *metadata; /* of all topics: a request for one topic could create it */
	PGresult *progress;                       /* NULL: unknown */
};

static const struct rd_kafka_metadata_topic *find_topic(const struct brokers *brokers, const char *name)
{
	for (int i = 0; i < brokers->metadata->topic_cnt; i++)
		if (strcmp(brokers->metadata->topics[i].topic, name) == 0)
			return &brokers->metadata->topics[i];
	return NULL;
}

/* ---- topics ---- */

static bool topic_is_good(struct doctor *doctor, const struct brokers *brokers, const char *name)
{
	const struct rd_kafka_metadata_topic *topic = find_topic(brokers, name);
	if (topic == NULL || topic->err != RD_KAFKA_RESP_ERR_NO_ERROR || topic->partition_cnt == 0) {
		doctor_format(
		        doctor, "topics", DOCTOR_FAIL,
		        "create it, or remove it from [topics] (or [alert] topic); if it exists, allow this user to "
		        "describe it",
		        "there is no topic %s: %s", name,
		        topic == NULL ? "the brokers do not know it" : rd_kafka_err2str(topic->err));
		return false;
	}
	int n_headless = 0;
	for (int i = 0; i < topic->partition_cnt; i++)
		n_headless += topic->partitions[i].leader < 0;
	if (n_headless > 0)
		doctor_format(doctor, "topics", DOCTOR_FAIL, "restart the brokers that hold them",
		              "%d partitions of %s have no leader", n_headless, name);
	return n_headless == 0;
}

static void check_broker_counts(struct doctor *doctor, const struct brokers *brokers)
{
	const struct config_topics *topics = &doctor->config->topics;
	struct buf counts = BUF_INIT;
	int first = -1;
	bool differ = false;
	for (size_t i = 0; i < topics->n; i++) {
		const struct rd_kafka_metadata_topic *topic = find_topic(brokers, topics->items[i].name);
		if (topic == NULL)
			continue;
		first = first < 0 ? topic->partition_cnt : first;
		differ |= topic->partition_cnt != first;
		buf_add_format(&counts, "%s%s %d", counts.len_bytes > 0 ? ", " : "", topic->topic,
		               topic->partition_cnt);
	}
	if (differ)
		doctor_format(doctor, "partitions", DOCTOR_WARN,
		              "key all topics by ticket_id and give them the same number of partitions: lanes then do "
		              "not wait for each "
		              "other's tickets (the figures do not depend on it)",
		              "the topics have different numbers of partitions: %s", counts.data);
	else if (first >= 0)
		doctor_format(doctor, "partitions", DOCTOR_OK, "", "every topic has %d", first);
	buf_release(&counts);
}

static void check_topics(struct doctor *doctor, const struct brokers *brokers)
{
	bool good = true;
	for (size_t i = 0; i < doctor->config->topics.n; i++)
		good = topic_is_good(doctor, brokers, doctor->config->topics.items[i].name) && good;
	if (doctor->config->alert.topic != NULL)
		good = topic_is_good(doctor, brokers, doctor->config->alert.topic) && good;
	if (good)
		doctor_format(doctor, "topics", DOCTOR_OK, "", "all topics exist, and each partition has a leader");
	check_broker_counts(doctor, brokers);
}

/* ---- offsets ---- */

static void add_partition(struct buf *names, int *n, const char *topic, int32_t partition)
{
	enum { MOST = 10 };
	if ((*n)++ < MOST)
		buf_add_format(names, "%s%s/%d", *n > 1 ? ", " : "", topic, (int)partition);
	else if (*n == MOST + 1)
		buf_add_str(names, ", …");
}

/* Compares the offsets in the database with those that the brokers still have. */
static void check_offsets(struct doctor *doctor, const struct brokers *brokers)
{
	struct buf gone = BUF_INIT, ahead = BUF_INIT, silent = BUF_INIT;
	int n_gone = 0, n_ahead = 0, n_silent = 0;
	for (int row = 0; row < PQntuples(brokers->progress); row++) {
		const char *topic = PQgetvalue(brokers->progress, row, DOCTOR_PROGRESS_TOPIC);
		int32_t partition = pg_get_int4(brokers->progress, row, DOCTOR_PROGRESS_PARTITION);
		int64_t low, high, next = pg_get_int8(brokers->progress, row, DOCTOR_PROGRESS_NEXT_OFFSET);
		if (n_silent > 0 || rd_kafka_query_watermark_offsets(brokers->rk, topic, partition, &low, &high,
		                                                     TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
			add_partition(&silent, &n_silent, topic, partition);
		else if (!PQgetisnull(brokers->progress, row, DOCTOR_PROGRESS_NEXT_OFFSET) && next < low)
			add_partition(&gone, &n_gone, topic, partition);
		else if (!PQgetisnull(brokers->progress, row, DOCTOR_PROGRESS_NEXT_OFFSET) && next > high)
			add_partition(&ahead, &n_ahead, topic, partition);
	}
	if (n_gone > 0)
		doctor_format(doctor, "offsets", DOCTOR_FAIL,
		              "raise retention.ms of the topic, then run kpid gap list and kpid gap accept",
		              "messages were deleted before they were read: %s", gone.data);
	if (n_ahead > 0)
		doctor_format(doctor, "offsets", DOCTOR_FAIL,
		              "the topic was truncated or recreated; run kpid gap list, then kpid gap accept",
		              "the stored offset is beyond the end: %s", ahead.data);
	if (n_silent > 0)
		doctor_format(doctor, "offsets", DOCTOR_FAIL, "check that the brokers that hold them run",
		              "the offsets of these partitions are unknown: %s", silent.data);
	if (n_gone + n_ahead + n_silent == 0)
		doctor_format(doctor, "offsets", DOCTOR_OK, "",
		              "the next message of each of the %d partitions is still available",
		              PQntuples(brokers->progress));
	buf_release(&gone);
	buf_release(&ahead);
	buf_release(&silent);
}

/* ---- retention ---- */

/* How long ago the slowest partition of a topic was read to its end; 0: all are. */
static int64_t behind_us(const struct brokers *brokers, const char *topic)
{
	int64_t most_us = 0;
	for (int row = 0; row < PQntuples(brokers->progress); row++) {
		int64_t until_us = pg_get_time(brokers->progress, row, DOCTOR_PROGRESS_COMPLETE_UNTIL);
		if (strcmp(PQgetvalue(brokers->progress, row, DOCTOR_PROGRESS_TOPIC), topic) == 0 &&
		    until_us != TIME_NONE &&
		    pg_get_time(brokers->progress, row, DOCTOR_PROGRESS_NOW) - until_us > most_us)
			most_us = pg_get_time(brokers->progress, row, DOCTOR_PROGRESS_NOW) - until_us;
	}
	return most_us;
}

static bool retention_is_good(struct doctor *doctor, const struct brokers *brokers,
                              const rd_kafka_ConfigResource_t *resource)
{
	const char *topic = rd_kafka_ConfigResource_name(resource);
	bool good = true;
	size_t n;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
	for (size_t i = 0; i < n; i++) {
		const char *name = rd_kafka_ConfigEntry_name(entries[i]),
		           *value = rd_kafka_ConfigEntry_value(entries[i]);
		if (value == NULL)
			continue;
		if (strcmp(name, "cleanup.policy") == 0 && strstr(value, "compact") != NULL) {
			doctor_format(doctor, "retention", DOCTOR_WARN, "set cleanup.policy = delete",
			              "%s is compacted: it may keep only the last event of a ticket", topic);
			good = false;
		}
		if (strcmp(name, "retention.ms") != 0)
			continue;
		int64_t keeps_ms = strtoll(value, NULL, 10); /* -1: forever */
		if (keeps_ms > 0 && behind_us(brokers, topic) / 1000 > keeps_ms / 2) {
			doctor_format(doctor, "retention", DOCTOR_WARN, "raise retention.ms until kpid has caught up",
			              "%s keeps messages for %" PRId64 " min and was read up to %" PRId64
			              " min ago: messages may be deleted before they are read",
			              topic, keeps_ms / (60 * INT64_C(1000)),
			              behind_us(brokers, topic) / (60 * US_PER_SECOND));
			good = false;
		}
	}
	return good;
}

static bool read_retention(struct doctor *doctor, const struct brokers *brokers, rd_kafka_event_t *event)
{
	size_t n = 0;
	bool good = true;
	const rd_kafka_DescribeConfigs_result_t *result =
	        event == NULL ? NULL : rd_kafka_event_DescribeConfigs_result(event);
	const rd_kafka_ConfigResource_t **resources =
	        result == NULL ? NULL : rd_kafka_DescribeConfigs_result_resources(result, &n);
	for (size_t i = 0; i < n; i++)
		good = retention_is_good(doctor, brokers, resources[i]) && good;
	if (n == 0 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		doctor_format(doctor, "retention", DOCTOR_WARN,
		              "allow this user to describe the topics' configuration, or check it yourself",
		              "the retention of the topics is unknown: %s",
		              n == 0 ? "no answer" : rd_kafka_err2str(rd_kafka_ConfigResource_error(resources[0])));
		good = false;
	}
	return good;
}

static void check_retention(struct doctor *doctor, const struct brokers *brokers)
{
	const struct config_topics *topics = &doctor->config->topics;
	rd_kafka_ConfigResource_t **wanted = mem_zalloc(topics->n * sizeof(struct rd_kafka_ConfigResource_s *));
	size_t n = 0;
	for (size_t i = 0; i < topics->n; i++)
		if (find_topic(brokers, topics->items[i].name) != NULL)
			wanted[n++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics->items[i].name);
	if (n > 0) {
		rd_kafka_queue_t *queue = rd_kafka_queue_new(brokers->rk);
		rd_kafka_DescribeConfigs(brokers->rk, wanted, n, NULL, queue);
		rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
		if (read_retention(doctor, brokers, event))
			doctor_format(doctor, "retention", DOCTOR_OK, "",
			              "topics keep messages much longer than kpid lags");
		if (event != NULL)
			rd_kafka_event_destroy(event);
		rd_kafka_queue_destroy(queue);
	}
	rd_kafka_ConfigResource_destroy_array(wanted, n);
	free(wanted);
}

/* ---- the group ---- */

/* Whether a member has partitions. Its assignment begins with a version (2 bytes) and the number of topics (4 bytes).
 */
static bool has_partitions(const struct rd_kafka_group_member_info *member)
{
	const unsigned char *bytes = member->member_assignment;
	return member->member_assignment_size >= 6 && (bytes[2] | bytes[3] | bytes[4] | bytes[5]) != 0;
}

static int count_partition_owners(const struct brokers *brokers)
{
	int n = 0;
	for (int row = 0; row < PQntuples(brokers->progress); row++) {
		struct text owner = pg_get_text(brokers->progress, row, DOCTOR_PROGRESS_OWNER);
		bool known = text_is_empty(owner);
		for (int other = 0; other < row && !known; other++)
			known = text_equal(pg_get_text(brokers->progress, other, DOCTOR_PROGRESS_OWNER), owner);
		n += !known;
	}
	return n;
}

static void judge_group(struct doctor *doctor, const struct brokers *brokers, const struct rd_kafka_group_info *group)
{
	int n_busy = 0, owners = brokers->progress == NULL ? -1 : count_partition_owners(brokers);
	for (int i = 0; group != NULL && i < group->member_cnt; i++)
		n_busy += has_partitions(&group->members[i]);
	const char *id = config_pairs_get(&doctor->config->kafka, "group.id");
	if (group == NULL || group->member_cnt == 0)
		doctor_format(doctor, "group", DOCTOR_FAIL, "start kpid run (systemctl start kpid)",
		              "the consumer group %s has no members: nothing reads the topics", id);
	else if (strcmp(group->state, "Stable") != 0)
		doctor_format(
		        doctor, "group", DOCTOR_WARN,
		        "check again in a minute; if it does not settle, an instance keeps restarting: see the logs",
		        "the consumer group %s is rebalancing (%s), with %d members", id, group->state,
		        group->member_cnt);
	else if (owners >= 0 && n_busy > owners)
		doctor_format(
		        doctor, "group", DOCTOR_WARN,
		        "give each instance its own run.instance, which logs and report.data_freshness show",
		        "%d members of the group %s have partitions, under %d names: instances share a name or use "
		        "another database",
		        n_busy, id, owners);
	else if (owners > n_busy)
		doctor_format(
		        doctor, "group", DOCTOR_WARN,
		        "check again in a minute: their partitions move to other instances",
		        "%d instances own partitions in the database, but only %d members of the group %s have some: "
		        "the others died or hang",
		        owners, n_busy, id);
	else
		doctor_format(doctor, "group", DOCTOR_OK, "", "%d instances share the group %s, %d have partitions",
		              group->member_cnt, id, n_busy);
}

static void check_group(struct doctor *doctor, const struct brokers *brokers)
{
	const struct rd_kafka_group_list *list = NULL;
	const char *id = config_pairs_get(&doctor->config->kafka, "group.id");
	rd_kafka_resp_err_t error = rd_kafka_list_groups(brokers->rk, id, &list, TIMEOUT_MS);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		judge_group(doctor, brokers, list->group_cnt == 0 ? NULL : &list->groups[0]);
	else
		doctor_format(doctor, "group", DOCTOR_WARN, "allow this user to describe the group",
		              "the consumer group %s could not be described: %s", id, rd_kafka_err2str(error));
	if (list != NULL)
		rd_kafka_group_list_destroy(list);
}

/* ---- all checks ---- */

static PGresult *read_progress(struct doctor *doctor)
{
	struct pg_array names = {.n = 0};
	if (!doctor->has_tables)
		return NULL;
	pg_array_start(&names, PG_OID_TEXT);
	for (size_t i = 0; i < doctor->config->topics.n; i++)
		pg_array_text(&names, text_of(doctor->config->topics.items[i].name));
	const struct pg_param param = pg_array_param(&names);
	PGresult *rows = pg_sync_query(&doctor->sync, "queries/doctor_progress.sql", &param, 1);
	pg_array_release(&names);
	return rows;
}

static void check_brokers(struct doctor *doctor, struct brokers *brokers)
{
	rd_kafka_resp_err_t error = rd_kafka_metadata(brokers->rk, 1, NULL, &brokers->metadata, TIMEOUT_MS);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
		const char *login = kafka_conf_login_remedy(&doctor->config->kafka);
		doctor_format(
		        doctor, "brokers", DOCTOR_FAIL,
		        login != NULL
		                ? login
		                : "check bootstrap.servers, security.protocol and sasl.* in [kafka], and that the "
		                  "brokers run",
		        "Kafka cannot be reached: %s", rd_kafka_err2str(error));
		return;
	}
	doctor_format(doctor, "brokers", DOCTOR_OK, "", "%d brokers answer", brokers->metadata->broker_cnt);
	brokers->progress = read_progress(doctor);
	check_topics(doctor, brokers);
	if (brokers->progress != NULL) {
		check_offsets(doctor, brokers);
		check_retention(doctor, brokers);
	}
	check_group(doctor, brokers);
	PQclear(brokers->progress);
	rd_kafka_metadata_destroy(brokers->metadata);
}

void doctor_check_kafka(struct doctor *doctor)
{
	char why[256] = "a property in [kafka] is wrong";
	struct brokers brokers = {.rk = NULL};
	if (config_pairs_get(&doctor->config->kafka, "bootstrap.servers") == NULL)
		return; /* check_configuration() reported it */
	rd_kafka_conf_t *conf = kafka_conf_probe(&doctor->config->kafka);
	if (conf != NULL)
		brokers.rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (brokers.rk == NULL) {
		if (conf != NULL)
			rd_kafka_conf_destroy(conf);
		doctor_format(doctor, "brokers", DOCTOR_FAIL, "correct [kafka], then run kpid check-config", "%s", why);
		return;
	}
	check_brokers(doctor, &brokers);
	rd_kafka_destroy(brokers.rk);
}
