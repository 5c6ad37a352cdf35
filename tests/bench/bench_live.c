/* Measures how long it takes until an event is visible in PostgreSQL, at a steady rate.
 *
 *   bench_live BOOTSTRAP TOPIC PARTITIONS EVENTS_PER_S HISTORY_S WARM_UP_S MEASURE_S CONNINFO QUERY
 *
 * One thread sends events when they are due, no matter what happened to earlier ones. Another runs QUERY every 2 ms on
 * its own connection: partition and next offset of everything that is committed. An event is visible when an answer
 * arrives in which the offset of its partition is beyond it, because the offset moves in the same transaction as the
 * rows. Latency counts from the time when the event was due, so a slow producer makes it longer, not shorter.
 *
 * The topic must be empty. First the events of the last HISTORY_S seconds are sent at once, so that the desk is busy
 * when the steady rate starts, and a line reports that. Start the consumer only then: for a consumer that has seen the
 * topic empty, these events would be late. After WARM_UP_S seconds, MEASURE_S seconds are measured. */
#include <errno.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "workload.h"

/* TOGETHER_US: events due within it are sent at once; waking up for each would be most of the work. */
enum { MOST_PARTITIONS = 64, POLL_US = 2000, TOGETHER_US = 2000, PATIENCE_S = 120 };

struct series { /* for one partition: when events were due, by offset */
	int64_t *due_us;
	size_t n, capacity;
};

struct sighting { /* at this instant the committed offset of a partition was observed */
	int64_t at_us;
	int64_t next_offset;
};

struct sightings {
	struct sighting *items;
	size_t n, capacity;
};

struct live {
	const char *bootstrap, *topic, *conninfo, *query;
	int n_partitions;
	double events_per_s, history_s, warm_up_s, measure_s;
	int64_t start_us; /* of the steady rate */
	struct series sent[MOST_PARTITIONS];
	struct sightings seen[MOST_PARTITIONS];
	atomic_bool all_sent;
	int64_t n_late_sends, n_polls;
};

__attribute__((format(printf, 1, 2))) static _Noreturn void die(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("bench_live: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void sleep_until(int64_t at_us)
{
	struct timespec at = {at_us / 1000000, at_us % 1000000 * 1000};
	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static void *grow(void *items, size_t *capacity, size_t n, size_t item_bytes)
{
	if (n < *capacity)
		return items;
	*capacity = *capacity == 0 ? 4096 : *capacity * 2;
	items = realloc(items, *capacity * item_bytes);
	if (items == NULL)
		die("out of memory");
	return items;
}

/* ---- sending ---- */

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *context)
{
	(void)kafka, (void)context;
	/* Every event must get the offset that was predicted for it. */
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("an event was not delivered: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *new_producer(const struct live *live)
{
	const char *const settings[][2] = {{"bootstrap.servers", live->bootstrap},
	                                   {"enable.idempotence", "true"},
	                                   {"log_level", "3"},
	                                   {"linger.ms", "2"}};
	char error[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof(error));
	rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
	if (kafka == NULL)
		die("%s", error);
	return kafka;
}

static int partition_of(const struct live *live, const char *key)
{
	uint32_t hash = UINT32_C(2166136261);
	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * UINT32_C(16777619);
	return (int)(hash % (uint32_t)live->n_partitions);
}

static void send_event(struct live *live, rd_kafka_t *kafka, rd_kafka_topic_t *topic,
                       const struct workload_event *event)
{
	char json[1024];
	size_t len = workload_json(event, json, sizeof(json));
	int partition = partition_of(live, event->ticket_id);
	struct series *sent = &live->sent[partition];
	sent->due_us = grow(sent->due_us, &sent->capacity, sent->n, sizeof(*sent->due_us));
	sent->due_us[sent->n++] = event->sent_us;
	while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, json, len, event->ticket_id,
	                        strlen(event->ticket_id), NULL) != 0) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("%s", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(kafka, 10);
	}
}

static void *send_all(void *context)
{
	struct live *live = context;
	rd_kafka_t *kafka = new_producer(live);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka, live->topic, NULL);
	struct workload *workload = workload_new(&(struct workload_params){
	        .seed = 2,
	        .ticket_prefix = 'L',
	        .start_us = live->start_us - (int64_t)(live->history_s * 1e6),
	        .events_per_s = live->events_per_s,
	        .pace = workload_fast_pace,
	});
	bool is_history = true;
	int64_t end_us = live->start_us + (int64_t)((live->warm_up_s + live->measure_s) * 1e6);
	for (;;) {
		struct workload_event event;
		workload_next(workload, &event);
		if (event.sent_us >= end_us)
			break;
		if (is_history && event.sent_us >= live->start_us) {
			is_history = false;
			rd_kafka_flush(kafka, PATIENCE_S * 1000);
			puts("{\"history_sent\":true}");
			fflush(stdout);
		}
		int64_t at_us = now_us();
		if (event.sent_us > at_us) {
			rd_kafka_poll(kafka, 0);
			sleep_until((event.sent_us / TOGETHER_US + 1) * TOGETHER_US);
		} else if (event.sent_us < at_us - 10000 && event.sent_us > live->start_us + 5000000) {
			live->n_late_sends++;
		}
		send_event(live, kafka, topic, &event);
	}
	rd_kafka_flush(kafka, PATIENCE_S * 1000);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(kafka);
	workload_free(workload);
	atomic_store(&live->all_sent, true);
	return NULL;
}

/* ---- watching ---- */

static void note(struct live *live, int64_t at_us, long partition, int64_t next_offset)
{
	if (partition < 0 || partition >= live->n_partitions)
		return;
	struct sightings *seen = &live->seen[partition];
	if (seen->n > 0 && seen->items[seen->n - 1].next_offset == next_offset)
		return;
	seen->items = grow(seen->items, &seen->capacity, seen->n, sizeof(*seen->items));
	seen->items[seen->n++] = (struct sighting){at_us, next_offset};
}

static void look(struct live *live, PGconn *connection)
{
	PGresult *result = PQexecPrepared(connection, "look", 0, NULL, NULL, NULL, 0);
	int64_t at_us = now_us();
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("%s", PQerrorMessage(connection));
	for (int row = 0; row < PQntuples(result); row++)
		if (!PQgetisnull(result, row, 1))
			note(live, at_us, atol(PQgetvalue(result, row, 0)), atoll(PQgetvalue(result, row, 1)));
	PQclear(result);
	live->n_polls++;
}

static bool has_seen_all(const struct live *live)
{
	for (int i = 0; i < live->n_partitions; i++) {
		const struct sightings *seen = &live->seen[i];
		int64_t next = seen->n == 0 ? 0 : seen->items[seen->n - 1].next_offset;
		if (next < (int64_t)live->sent[i].n)
			return false;
	}
	return true;
}

static void watch(struct live *live)
{
	PGconn *connection = PQconnectdb(live->conninfo);
	if (PQstatus(connection) != CONNECTION_OK)
		die("%s", PQerrorMessage(connection));
	PQclear(PQprepare(connection, "look", live->query, 0, NULL));
	int64_t deadline_us = 0, at_us = now_us();
	while (!atomic_load(&live->all_sent) || !has_seen_all(live)) {
		if (atomic_load(&live->all_sent) && deadline_us == 0)
			deadline_us = now_us() + PATIENCE_S * INT64_C(1000000);
		if (deadline_us != 0 && now_us() > deadline_us)
			die("not all events were visible %d s after the last was sent", PATIENCE_S);
		look(live, connection);
		at_us += POLL_US;
		if (at_us < now_us())
			at_us = now_us(); /* a slow answer must not make later queries hurry */
		sleep_until(at_us);
	}
	PQfinish(connection);
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The latencies of all events that were due in a period, ascending. */
static int64_t *latencies(const struct live *live, int64_t from_us, int64_t to_us, size_t *n_out)
{
	int64_t *found = NULL;
	size_t n = 0, capacity = 0;
	for (int i = 0; i < live->n_partitions; i++) {
		const struct series *sent = &live->sent[i];
		const struct sighting *sighting = live->seen[i].items;
		for (size_t offset = 0; offset < sent->n; offset++) {
			while (sighting->next_offset <= (int64_t)offset)
				sighting++;
			if (sent->due_us[offset] < from_us || sent->due_us[offset] >= to_us)
				continue;
			found = grow(found, &capacity, n, sizeof(*found));
			found[n++] = sighting->at_us - sent->due_us[offset];
		}
	}
	if (n == 0)
		die("nothing was measured");
	qsort(found, n, sizeof(*found), compare);
	*n_out = n;
	return found;
}

static double p99_ms(const struct live *live, int64_t from_us, int64_t to_us)
{
	size_t n;
	int64_t *found = latencies(live, from_us, to_us, &n);
	double ms = (double)found[n * 99 / 100] / 1e3;
	free(found);
	return ms;
}

static void print_figures(const struct live *live)
{
	size_t n;
	int64_t from_us = live->start_us + (int64_t)(live->warm_up_s * 1e6);
	int64_t quarter_us = (int64_t)(live->measure_s * 1e6 / 4);
	int64_t *found = latencies(live, from_us, INT64_MAX, &n);
	printf("{\"events\":%zu,\"events_per_s\":%.0f,\"p50_ms\":%.1f,\"p90_ms\":%.1f,\"p99_ms\":%.1f,\"p999_ms\":%.1f,"
	       "\"max_ms\":%.1f,\"late_sends\":%lld,\"polls\":%lld,\"quarters_p99_ms\":[",
	       n, (double)n / live->measure_s, (double)found[n / 2] / 1e3, (double)found[n * 9 / 10] / 1e3,
	       (double)found[n * 99 / 100] / 1e3, (double)found[n * 999 / 1000] / 1e3, (double)found[n - 1] / 1e3,
	       (long long)live->n_late_sends, (long long)live->n_polls);
	free(found);
	for (int i = 0; i < 4; i++)
		printf("%s%.1f", i == 0 ? "" : ",",
		       p99_ms(live, from_us + i * quarter_us, from_us + (i + 1) * quarter_us));
	puts("]}");
}

int main(int argc, char **argv)
{
	if (argc != 10) {
		fprintf(stderr,
		        "usage: bench_live BOOTSTRAP TOPIC PARTITIONS EVENTS_PER_S HISTORY_S WARM_UP_S MEASURE_S "
		        "CONNINFO QUERY\n");
		return 2;
	}
	static struct live live;
	live.bootstrap = argv[1];
	live.topic = argv[2];
	live.n_partitions = atoi(argv[3]);
	live.events_per_s = atof(argv[4]);
	live.history_s = atof(argv[5]);
	live.warm_up_s = atof(argv[6]);
	live.measure_s = atof(argv[7]);
	live.conninfo = argv[8];
	live.query = argv[9];
	live.start_us = now_us();
	if (live.n_partitions < 1 || live.n_partitions > MOST_PARTITIONS)
		die("1 to %d partitions", MOST_PARTITIONS);

	pthread_t sender;
	if (pthread_create(&sender, NULL, send_all, &live) != 0)
		die("no thread");
	watch(&live);
	pthread_join(sender, NULL);
	print_figures(&live);
	for (int i = 0; i < live.n_partitions; i++) {
		free(live.sent[i].due_us);
		free(live.seen[i].items);
	}
	return 0;
}
