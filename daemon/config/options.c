#include "config/config_internal.h"

#define KB     INT64_C(1024)
#define MB     (1024 * KB)
#define MS     INT64_C(1000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define FIELD(path) offsetof(struct kpid_config, path)

static const char *const start_words[] = {"earliest", "latest", NULL};                    /* enum config_start */
static const char *const language_words[] = {"en", "zh", NULL};                           /* enum message_language */
static const char *const log_level_words[] = {"error", "warning", "info", "debug", NULL}; /* enum log_level */

/* Types, ranges and defaults are said by the table; the help says what an option is for and what to weigh. */
/* clang-format off */
const struct config_option config_options[] = {
	{"run", "lanes", CONFIG_INTEGER, FIELD(run.lanes), 1, 16, NULL, "1", NULL, false,
	 "How many batches are worked on at the same time. Each lane has its own connection to PostgreSQL and its own "
	 "share of the partitions; more lanes than processor cores that PostgreSQL can spare bring nothing."},
	{"run", "batch_max_events", CONFIG_INTEGER, FIELD(run.batch_max_events), 1, 200000, NULL, "50000", NULL, true,
	 "The most events in one transaction. Larger batches cost less per event when there is a backlog."},
	{"run", "batch_max_bytes", CONFIG_SIZE, FIELD(run.batch_max_bytes), 64 * KB, 256 * MB, NULL, "6MiB", NULL, true,
	 "The most bytes of messages in one transaction. Memory grows with it, for each lane."},
	{"run", "batch_max_age", CONFIG_DURATION, FIELD(run.batch_max_age_us), 0, 10 * SECOND, NULL, "20ms", NULL, true,
	 "How long an event may wait for others to share its transaction. Shorter shows figures sooner, longer "
	 "makes fewer transactions."},
	{"run", "ticket_max_events", CONFIG_INTEGER, FIELD(run.ticket_max_events), 1, 1000000, NULL, "100000", NULL, true,
	 "The most events of one ticket: more of them are dead letters (too_many), which kpid dlq requeue reads again once "
	 "this is raised. Each event of a ticket costs time and memory in proportion to those that it has."},
	{"run", "buffer_max_bytes", CONFIG_SIZE, FIELD(run.buffer_max_bytes), MB, 4096 * MB, NULL, "4MiB", NULL, false,
	 "The most bytes of messages that are fetched ahead of the batches, all lanes together. When PostgreSQL does "
	 "not keep up, fetching stops there and goes on by itself."},
	{"run", "start", CONFIG_WORD, FIELD(run.start), 0, 0, start_words, "earliest", NULL, false,
	 "Where a topic that was never read begins. Once it has been read its place is kept in PostgreSQL, and this "
	 "option has no effect on it, nor on partitions that are added to it: they are read from their beginning."},
	{"run", "instance", CONFIG_STRING, FIELD(run.instance), 1, 100, NULL, "", "host name and process number", false,
	 "The name of this instance in logs and tables."},
	{"run", "log_level", CONFIG_WORD, FIELD(run.log_level), 0, 0, log_level_words, "info", NULL, true,
	 "The least urgent lines that are still logged."},

	{"sla", "policy_file", CONFIG_PATH, FIELD(sla.policy_file), 0, 0, NULL, "", "no policy", true,
	 "The file of SLA policies (JSON). A relative path starts in the folder of this file. Without policies, only "
	 "due times that come with the events are watched."},
	{"sla", "max_silence", CONFIG_DURATION, FIELD(sla.max_silence_us), SECOND, DAY, NULL, "30s", NULL, true,
	 "A deadline counts as missed once every source has been read beyond it. A source that could not be read for "
	 "this long is no longer waited for; alerts are then marked unconfirmed."},
	{"sla", "tick", CONFIG_DURATION, FIELD(sla.tick_us), 10 * MS, 10 * SECOND, NULL, "100ms", NULL, true,
	 "How often deadlines are looked at. A breach is seen at most about this much later than it could be."},
	{"sla", "shadow_projects", CONFIG_LIST, FIELD(sla.shadow_projects), 0, 0, NULL, "", "none", true,
	 "Projects (project_id, separated by commas) whose breaches are judged and recorded but never sent: to try "
	 "out a policy."},

	{"alert", "topic", CONFIG_TOPIC, FIELD(alert.topic), 0, 0, NULL, "kpid-alerts", "alerts are not sent", false,
	 "The Kafka topic to which each change of an alert is sent. The rows in report.alert are written in any case."},
	{"alert", "receivers_file", CONFIG_PATH, FIELD(alert.receivers_file), 0, 0, NULL, "", "nobody is told over HTTP", true,
	 "The file of receivers (JSON): webhooks, Alertmanager, chat robots, PagerDuty. A relative path starts in the "
	 "folder of this file."},
	{"alert", "max_age", CONFIG_DURATION, FIELD(alert.max_age_us), MINUTE, 366 * DAY, NULL, "24h", NULL, true,
	 "Breaches of deadlines longer ago than this are recorded and not sent, so that reading old events again "
	 "wakes nobody."},

	{"kpi", "fcr_window", CONFIG_DURATION, FIELD(kpi.fcr_window_us), HOUR, 366 * DAY, NULL, "7d", NULL, false,
	 "First contact resolution: how long a ticket must not be reopened. All instances on one database must have "
	 "the same value; one that names none takes that of the database."},

	{"report", "time_zone", CONFIG_ZONE, FIELD(report.time_zone), 0, 0, NULL, "UTC", NULL, false,
	 "The time zone in which the days of daily figures begin and end and in which messages to people show times, by its "
	 "IANA name, such as Asia/Shanghai. The first instance that names one decides for the database; another one is "
	 "refused. Change it for everybody with `kpid settings set report.time_zone`."},
	{"report", "language", CONFIG_WORD, FIELD(report.language), 0, 0, language_words, "en", NULL, true,
	 "The language of messages to people, such as those of chat robots: en is English, zh Chinese."},
};
/* clang-format on */
const size_t config_n_options = sizeof(config_options) / sizeof(config_options[0]);

static const char *const kafka_example[] = {"bootstrap.servers = localhost:9092", "group.id = kpid", "client.id = kpid",
                                            NULL};
static const char *const postgres_example[] = {"host = localhost", "dbname = kpid", "user = kpid", NULL};
static const char *const topics_example[] = {"ticket-opened = ticket.opened", "ticket-closed = ticket.closed",
                                             "survey = survey.submitted", "ticket-activity = *", NULL};

const struct config_section config_sections[] = {
        {"kafka", SECTION_KAFKA,
         "Any property of librdkafka, for reading events and for sending alerts. bootstrap.servers must be there for "
         "`kpid run`. With _file after its name a property is read from a file that others cannot read: "
         "sasl.password_file = PATH. A secret itself may only stand here if nobody but the owner can read this file. "
         "kpid keeps its place in PostgreSQL and sets the properties for offsets itself. Changes take a restart.",
         kafka_example},
        {"postgres", SECTION_POSTGRES,
         "Any keyword of a libpq connection: host, port, dbname, user, sslmode and so on. What is not here comes from "
         "libpq's own defaults and the PG* environment variables. Where several servers may answer, name all hosts and "
         "target_session_attrs = read-write: a standby takes no writes. A pooler in between must give each connection "
         "a "
         "server session of its own (pool_mode = session). password_file = PATH reads the password from a file that "
         "others cannot read; password itself may only stand here if nobody but the owner can read this file. Changes "
         "take a restart.",
         postgres_example},
        {"topics", SECTION_TOPICS,
         "The topics to read, and what each carries: event types separated by commas, `activity` for all types but "
         "ticket.opened, ticket.closed and survey.submitted, or * for all types. A topic of exactly one type may carry "
         "bare JSON objects; on others each message says its type. If nothing is said here, the four below are read. "
         "Changes take a restart.",
         topics_example},
        {"run", SECTION_OPTIONS, "How events are read and written.", NULL},
        {"sla", SECTION_OPTIONS, "How promises to customers are watched.", NULL},
        {"alert", SECTION_OPTIONS, "What is sent when a promise is broken.", NULL},
        {"kpi", SECTION_OPTIONS, "How figures are counted.", NULL},
        {"report", SECTION_OPTIONS, "How figures are shown.", NULL},
};
const size_t config_n_sections = sizeof(config_sections) / sizeof(config_sections[0]);

const struct config_section *config_section_find(const char *name)
{
	for (size_t i = 0; i < config_n_sections; i++)
		if (strcmp(config_sections[i].name, name) == 0)
			return &config_sections[i];
	return NULL;
}

const struct config_option *config_option_find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_n_options; i++)
		if (strcmp(config_options[i].section, section) == 0 && strcmp(config_options[i].name, name) == 0)
			return &config_options[i];
	return NULL;
}

const char *config_section_nearest(const char *name)
{
	struct suggestion suggestion;
	suggestion_init(&suggestion, name);
	for (size_t i = 0; i < config_n_sections; i++)
		suggestion_offer(&suggestion, config_sections[i].name);
	return suggestion.nearest;
}
