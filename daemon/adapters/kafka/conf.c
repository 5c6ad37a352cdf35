#include "adapters/kafka/conf.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "kpid/base/log.h"

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *message)
{
	(void)rk;
	/* librdkafka repeats connection errors; consumer.c logs an outage once. Commits to the group are for tools that
	 * show lag: a failed one has no effect. */
	bool is_noise = strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0 ||
	                strcmp(facility, "CONFWARN") == 0 || strcmp(facility, "COMMITFAIL") == 0;
	if (level <= 4 && !is_noise)
		log_warning("librdkafka %s: %s", facility, message);
	else
		log_debug("librdkafka %s: %s", facility, message);
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[256];
	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return true;
	log_error("kafka.%s: %s", name, why);
	return false;
}

struct property {
	const char *name, *value;
};

/* librdkafka's own defaults wait 60 s for an answer and 30 s for a connection, so a link that drops packets without a
 * reset would go unnoticed for a minute. A broker that is there answers within a fraction of these. */
static const struct property network_defaults[] = {{"socket.timeout.ms", "10000"},
                                                   {"socket.connection.setup.timeout.ms", "3000"},
                                                   {"socket.keepalive.enable", "true"},
                                                   {"reconnect.backoff.max.ms", "1000"},
                                                   {NULL, NULL}};

static rd_kafka_conf_t *build(const struct config_pairs *pairs, const struct property *defaults,
                              const struct property *owned, bool (*wanted)(const char *name))
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bool ok = true;
	for (const struct property *property = network_defaults; property->name != NULL; property++)
		ok = set(conf, property->name, property->value) && ok;
	for (; defaults->name != NULL; defaults++)
		ok = set(conf, defaults->name, defaults->value) && ok;
	for (size_t i = 0; i < pairs->n; i++)
		if (wanted(pairs->items[i].name))
			ok = set(conf, pairs->items[i].name, pairs->items[i].value) && ok;
	for (; owned->name != NULL; owned++)
		ok = set(conf, owned->name, owned->value) && ok;
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (ok)
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

static bool is_consumers(const char *name)
{
	static const char *const prefixes[] = {"group.",
	                                       "fetch.",
	                                       "queued.",
	                                       "session.timeout",
	                                       "heartbeat.",
	                                       "max.poll.",
	                                       "partition.assignment",
	                                       "isolation.",
	                                       "check.crcs",
	                                       "max.partition.fetch"};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static bool is_producers(const char *name)
{
	static const char *const prefixes[] = {"queue.buffering",    "linger.ms",      "batch.",
	                                       "compression.",       "acks",           "request.required.acks",
	                                       "enable.idempotence", "message.timeout"};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static bool wanted_by_consumer(const char *name)
{
	return !is_producers(name);
}

static bool wanted_by_producer(const char *name)
{
	return !is_consumers(name);
}

/* Offsets live in PostgreSQL, and an offset that is out of range must stop the partition. */
static const struct property owned_by_consumers[] = {{"enable.auto.commit", "false"},
                                                     {"enable.auto.offset.store", "false"},
                                                     {"auto.offset.reset", "error"},
                                                     {"enable.partition.eof", "true"},
                                                     {NULL, NULL}};

rd_kafka_conf_t *kafka_conf_consumer(const struct kpid_config *config)
{
	char ahead_kib[24];
	int64_t ahead_bytes = kpid_config_memory(config, (int)config->run.lanes).ahead_bytes;
	snprintf(ahead_kib, sizeof(ahead_kib), "%" PRId64, ahead_bytes / 1024);
	/* Fetch ahead enough to keep a lane busy, but no more: fetched messages take memory. */
	const struct property defaults[] = {{"partition.assignment.strategy", "cooperative-sticky"},
	                                    {"queued.max.messages.kbytes", ahead_kib},
	                                    {"queued.min.messages", "20000"},
	                                    {"fetch.max.bytes", "4194304"},
	                                    {"max.partition.fetch.bytes", "1048576"},
	                                    {"fetch.error.backoff.ms", "100"},
	                                    /* Others take over what a killed instance read within 10 s: it is missed
	                                     * after 8 s, and they hear of that with their next heartbeat. */
	                                    {"session.timeout.ms", "8000"},
	                                    {"heartbeat.interval.ms", "1000"},
	                                    {"topic.metadata.refresh.interval.ms", "30000"},
	                                    {config->member_id == NULL ? NULL : "group.instance.id", config->member_id},
	                                    {NULL, NULL}};
	rd_kafka_conf_t *conf = build(&config->kafka, defaults, owned_by_consumers, wanted_by_consumer);
	if (conf != NULL)
		rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR |
		                                       RD_KAFKA_EVENT_OFFSET_COMMIT);
	return conf;
}

static bool wanted_by_reader(const char *name)
{
	return wanted_by_consumer(name) && strncmp(name, "fetch.", strlen("fetch.")) != 0 &&
	       strncmp(name, "queued.", strlen("queued.")) != 0 &&
	       strncmp(name, "max.partition.fetch", strlen("max.partition.fetch")) != 0;
}

rd_kafka_conf_t *kafka_conf_reader(const struct kpid_config *config)
{
	static const struct property defaults[] = {{"queued.max.messages.kbytes", "64"},
	                                           {"queued.min.messages", "1"},
	                                           {"max.partition.fetch.bytes", "4096"},
	                                           {"fetch.error.backoff.ms", "100"},
	                                           {NULL, NULL}};
	return build(&config->kafka, defaults, owned_by_consumers, wanted_by_reader);
}

rd_kafka_conf_t *kafka_conf_producer(const struct config_pairs *pairs)
{
	static const struct property defaults[] = {{"linger.ms", "5"},
	                                           {"queue.buffering.max.kbytes", "4096"},
	                                           {"message.timeout.ms", "10000"},
	                                           {NULL, NULL}};
	/* With one request at a time, a retry cannot overtake another message. And librdkafka lets a producer, unlike a
	 * consumer, ask for its topic in a way that creates it. */
	static const struct property owned[] = {
	        {"max.in.flight.requests.per.connection", "1"}, {"allow.auto.create.topics", "false"}, {NULL, NULL}};
	return build(pairs, defaults, owned, wanted_by_producer);
}

rd_kafka_conf_t *kafka_conf_record_producer(const struct config_pairs *pairs, int64_t queue_bytes, int ack_ms)
{
	/* The largest record: a body of 1,000,000 bytes with key and headers, below the 1,048,588 bytes of brokers. */
	static const struct property defaults[] = {{"linger.ms", "5"}, {"message.max.bytes", "1048576"}, {NULL, NULL}};
	char queue_kib[24], timeout_ms[16];
	snprintf(queue_kib, sizeof(queue_kib), "%" PRId64, queue_bytes / 1024);
	snprintf(timeout_ms, sizeof(timeout_ms), "%d", ack_ms);
	const struct property owned[] = {{"acks", "all"},
	                                 {"enable.idempotence", "true"},
	                                 {"message.timeout.ms", timeout_ms},
	                                 {"queue.buffering.max.kbytes", queue_kib},
	                                 {"allow.auto.create.topics", "false"},
	                                 {NULL, NULL}};
	return build(pairs, defaults, owned, wanted_by_producer);
}

static bool wanted_by_probe(const char *name)
{
	return !is_producers(name) && !is_consumers(name);
}

static rd_kafka_conf_t *isolated(const struct config_pairs *pairs, const char *level)
{
	static const struct property defaults[] = {{NULL, NULL}};
	const struct property owned[] = {{"isolation.level", level}, {NULL, NULL}};
	return build(pairs, defaults, owned, wanted_by_probe);
}

rd_kafka_conf_t *kafka_conf_probe(const struct config_pairs *pairs)
{
	return isolated(pairs, "read_uncommitted");
}

rd_kafka_conf_t *kafka_conf_stable(const struct config_pairs *pairs)
{
	const char *level = config_pairs_get(pairs, "isolation.level");
	return isolated(pairs, level == NULL ? "read_committed" : level);
}

/* The main thread of a client sleeps whole milliseconds until its next timer, then turns in a loop for the rest: most
 * of what an idle client costs. The kernel may end such a sleep late by the timer slack, which then replaces the loop.
 * Threads inherit the slack of the thread that starts them. It delays what a time-out starts, never a message that
 * arrives. A producer sends after a time-out, linger.ms. */
static rd_kafka_t *new_with_timer_slack(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *why, size_t why_bytes)
{
	enum { PRODUCER_SLACK_NS = 2000000, CONSUMER_SLACK_NS = 10000000 };
	int before_ns = prctl(PR_GET_TIMERSLACK);
	prctl(PR_SET_TIMERSLACK, (unsigned long)(type == RD_KAFKA_PRODUCER ? PRODUCER_SLACK_NS : CONSUMER_SLACK_NS));
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, why_bytes);
	prctl(PR_SET_TIMERSLACK, (unsigned long)before_ns);
	return rk;
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
	char why[256];
	if (conf == NULL)
		return NULL;
	rd_kafka_t *rk = new_with_timer_slack(type, conf, why, sizeof(why));
	if (rk != NULL)
		return rk;
	rd_kafka_conf_destroy(conf);
	log_error("[kafka]: %s", why);
	return NULL;
}

const char *kafka_conf_login_remedy(const struct config_pairs *pairs)
{
	enum { FIXED_IN = 0x020601ff }; /* librdkafka 2.6.1, its pull request 4895 */
	const char *mechanism = config_pairs_get(pairs, "sasl.mechanism");
	if (mechanism == NULL)
		mechanism = config_pairs_get(pairs, "sasl.mechanisms");
	if (rd_kafka_version() >= FIXED_IN || mechanism == NULL || strncmp(mechanism, "SCRAM-", strlen("SCRAM-")) != 0)
		return NULL;
	return "if the password is right: librdkafka before 2.6.1, such as this one, sends SCRAM logins that Kafka 4 "
	       "refuses; use sasl.mechanism = PLAIN over TLS or client certificates, or install a newer librdkafka";
}
