/* Sends the events of a property-management desk to Kafka as they happen and logs what it sent, or prints the alerts
 * that come back. See usage below. */
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts.h"
#include "desk.h"
#include "letters.h"

/* How long the broker of a busy machine may take for what is left at the end. */
enum { FLUSH_MS = 60000 };

static const char usage[] =
        "usage: demo-generator desk --brokers LIST [option...]     send events as they happen\n"
        "       demo-generator alerts --brokers LIST [--topic T]   print alerts: received, key and value\n"
        "\n"
        "  --seconds N    end after N seconds (default 75; 0: never)\n"
        "  --rate R       average number of tickets opened per second (default 30)\n"
        "  --log FILE     log each message that is sent, as CSV, with its kind\n"
        "  --prefix TEXT  start ids with TEXT, so that two desks do not share tickets\n"
        "  --seed N       another desk\n"
        "  --no-story     without the tickets " DEMO_UNTOUCHED " and " DEMO_LATE_PROOF "\n";

#define ENDLESS_PERIOD_US INT64_C(90000000)

static volatile sig_atomic_t stop_asked;
static int n_lost; /* messages that the broker did not accept */

struct options {
	const char *brokers, *topic, *log, *prefix;
	double seconds, rate;
	uint64_t seed;
	bool story;
};

static void ask_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

static int64_t wall_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void note_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	(void)handle;
	(void)opaque;
	if (!message->err)
		return;
	if (n_lost++ == 0)
		fprintf(stderr, "demo-generator: a message was not delivered: %s\n", rd_kafka_err2str(message->err));
}

static rd_kafka_t *new_producer(const char *brokers)
{
	char reason[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_dr_msg_cb(conf, note_delivery);
	rd_kafka_t *producer = NULL;
	if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof(reason)) == RD_KAFKA_CONF_OK &&
	    rd_kafka_conf_set(conf, "linger.ms", "2", reason, sizeof(reason)) == RD_KAFKA_CONF_OK)
		producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
	if (!producer) {
		fprintf(stderr, "demo-generator: producer: %s\n", reason);
		rd_kafka_conf_destroy(conf);
	}
	return producer;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void write_down(FILE *log, const struct letter *letter, int64_t now_us)
{
	static const char *const fates[] = {"event", "duplicate", "tombstone", "unknown_type", "dead"};
	const struct step *step = &letter->step;
	char sent[TIME_TEXT], at[TIME_TEXT], score[16] = "", scale_max[16] = "";
	time_text(now_us, 0, sent);
	time_text(step->at_us, 0, at);
	if (step->score >= 0)
		snprintf(score, sizeof(score), "%d", step->score);
	if (step->scale_max > 0)
		snprintf(scale_max, sizeof(scale_max), "%d", step->scale_max);
	fprintf(log, "%s,%s,%s,%s,%s,%s,%s,%s,%d,%s,%s,%s,%s,%s\n", sent, fates[letter->fate], or_empty(letter->reason),
	        letter->topic, step->ticket_id, step->type, at, or_empty(step->agent_id), step->automatic,
	        or_empty(step->resolution), or_empty(step->kind), score, scale_max, or_empty(step->category));
}

static void send_letter(rd_kafka_t *producer, const struct letter *letter)
{
	rd_kafka_headers_t *headers = letter_headers(letter);
	for (;;) {
		rd_kafka_resp_err_t error = rd_kafka_producev(
		        producer, RD_KAFKA_V_TOPIC(letter->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		        RD_KAFKA_V_KEY(letter->step.ticket_id, strlen(letter->step.ticket_id)),
		        RD_KAFKA_V_VALUE(letter->value, letter->value_len), RD_KAFKA_V_HEADERS(headers),
		        RD_KAFKA_V_END);
		if (!error)
			return;
		if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			fprintf(stderr, "demo-generator: %s: %s\n", letter->topic, rd_kafka_err2str(error));
			n_lost++;
			rd_kafka_headers_destroy(headers);
			return;
		}
		rd_kafka_poll(producer, 10);
	}
}

/* Sends the first letter of the schedule, unless it is about a step that never happened. */
static void send_first(rd_kafka_t *producer, struct desk *desk, FILE *log)
{
	struct letter letter = schedule_take(&desk->schedule);
	if (letter.step.at_us <= desk->ends_us) {
		send_letter(producer, &letter);
		if (log)
			write_down(log, &letter, wall_us());
	}
	free(letter.value);
}

static int run_desk(const struct options *options)
{
	FILE *log = NULL;
	if (options->log && !(log = fopen(options->log, "w"))) {
		perror(options->log);
		return 1;
	}
	rd_kafka_t *producer = new_producer(options->brokers);
	if (!producer)
		return 1;

	int64_t starts_us = wall_us(), length_us = (int64_t)(options->seconds * 1000000.0);
	struct desk desk;
	desk_init(&desk, options->prefix, options->seed, options->rate, starts_us,
	          length_us > 0 ? length_us : ENDLESS_PERIOD_US, length_us > 0 ? starts_us + length_us : INT64_MAX);
	if (options->story)
		desk_open_demo_tickets(&desk);
	for (int64_t now_us = starts_us; now_us < desk.ends_us && !stop_asked; now_us = wall_us()) {
		desk_advance(&desk, now_us);
		const struct letter *first;
		while ((first = schedule_first(&desk.schedule)) && first->send_us <= now_us)
			send_first(producer, &desk, log);
		rd_kafka_poll(producer, 5);
	}
	/* Steps that happened but are still in flight. */
	while (!stop_asked && schedule_first(&desk.schedule))
		send_first(producer, &desk, log);
	desk_release(&desk);

	rd_kafka_flush(producer, FLUSH_MS);
	n_lost += rd_kafka_outq_len(producer);
	rd_kafka_destroy(producer);
	if (log && fclose(log) != 0) {
		perror(options->log);
		return 1;
	}
	if (n_lost > 0)
		fprintf(stderr, "demo-generator: %d messages were not delivered\n", n_lost);
	return n_lost > 0;
}

/* Returns 0, or the status to exit with. */
static int read_options(int argc, char **argv, struct options *options_out)
{
	static const struct option names[] = {
	        {"brokers", required_argument, NULL, 'b'},
	        {"topic", required_argument, NULL, 't'},
	        {"seconds", required_argument, NULL, 's'},
	        {"rate", required_argument, NULL, 'r'},
	        {"log", required_argument, NULL, 'l'},
	        {"prefix", required_argument, NULL, 'p'},
	        {"seed", required_argument, NULL, 'e'},
	        {"no-story", no_argument, NULL, 'n'},
	        {NULL, 0, NULL, 0},
	};
	*options_out = (struct options){
	        .topic = "kpid-alerts", .prefix = "", .seconds = 75.0, .rate = 30.0, .seed = 1, .story = true};
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		switch (option) {
		case 'b':
			options_out->brokers = optarg;
			break;
		case 't':
			options_out->topic = optarg;
			break;
		case 's':
			options_out->seconds = strtod(optarg, NULL);
			break;
		case 'r':
			options_out->rate = strtod(optarg, NULL);
			break;
		case 'l':
			options_out->log = optarg;
			break;
		case 'p':
			options_out->prefix = optarg;
			break;
		case 'e':
			options_out->seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			options_out->story = false;
			break;
		default:
			return 2;
		}
	}
	return options_out->brokers && options_out->rate > 0 && options_out->seconds >= 0 && optind == argc ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct options options;
	if (argc < 2 || read_options(argc - 1, argv + 1, &options) != 0) {
		fputs(usage, stderr);
		return 2;
	}
	struct sigaction action = {.sa_handler = ask_stop};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (strcmp(argv[1], "desk") == 0)
		return run_desk(&options);
	if (strcmp(argv[1], "alerts") == 0)
		return alerts_print(options.brokers, options.topic, &stop_asked);
	fputs(usage, stderr);
	return 2;
}
