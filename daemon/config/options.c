/* The table of options and sections, from kpid/config_options.def. */
#include "config/config_internal.h"

#define KB     INT64_C(1024)
#define MB     (1024 * KB)
#define MS     INT64_C(1000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define FIELD(path) offsetof(struct kpid_config, path)
#define WORDS(...)  ((const char *const[]){__VA_ARGS__, NULL})
#define RELOAD      true
#define RESTART     false

/* The name of a field cannot be in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
/* clang-format off */
#define NUMBER(section, name, type, field, min, max, text, empty, reload, help) \
	{#section, #name, type, FIELD(section.field), min, max, NULL, text, empty, reload, help},
#define TEXT_OPTION(section, name, type, text, empty, reload, help) \
	{#section, #name, type, FIELD(section.name), 0, 0, NULL, text, empty, reload, help},
const struct config_option config_options[] = {
#define INTEGER(section, name, ...)   NUMBER(section, name, CONFIG_INTEGER, name, __VA_ARGS__)
#define SIZE(section, name, ...)      NUMBER(section, name, CONFIG_SIZE, name, __VA_ARGS__)
#define DURATION(section, name, ...)  NUMBER(section, name, CONFIG_DURATION, name##_us, __VA_ARGS__)
#define PERCENT(section, name, ...)   NUMBER(section, name, CONFIG_PERCENT, name, __VA_ARGS__)
#define STRING(section, name, ...)    NUMBER(section, name, CONFIG_STRING, name, __VA_ARGS__)
#define WORD(section, name, words, text, empty, reload, help) \
	{#section, #name, CONFIG_WORD, FIELD(section.name), 0, 0, words, text, empty, reload, help},
#define LIST(section, name, ...)      TEXT_OPTION(section, name, CONFIG_LIST, __VA_ARGS__)
#define FILE_PATH(section, name, ...) TEXT_OPTION(section, name, CONFIG_PATH, __VA_ARGS__)
#define ZONE(section, name, ...)      TEXT_OPTION(section, name, CONFIG_ZONE, __VA_ARGS__)
#define TOPIC(section, name, ...)     TEXT_OPTION(section, name, CONFIG_TOPIC, __VA_ARGS__)
#include "kpid/config_options.def"
};
/* clang-format on */
/* NOLINTEND(bugprone-macro-parentheses) */
const size_t config_n_options = sizeof(config_options) / sizeof(config_options[0]);

static const char *const kafka_example[] = {"bootstrap.servers = localhost:9092", "group.id = kpid", "client.id = kpid",
                                            NULL};
static const char *const postgres_example[] = {"host = localhost", "dbname = kpid", "user = kpid", NULL};
static const char *const topics_example[] = {"ticket-opened = ticket.opened", "ticket-closed = ticket.closed",
                                             "survey = survey.submitted", "ticket-activity = *", NULL};
static const char *const map_example[] = {"file = zammad.lua", "time_zone = UTC", "ticket_prefix = Z-",
                                          "param.unowned = 1", NULL};

static const char *const hook_example[] = {"path = /zendesk",     "topic = zendesk-webhooks",
                                           "signature = zendesk", "secret_file = zendesk.secret",
                                           "key = /detail/id",    NULL};

/* clang-format off */
const struct config_section config_sections[] = {
	{"kafka", SECTION_KAFKA,
	 "Any property of librdkafka, for reading events and for sending alerts. `kpid run` needs bootstrap.servers. Add "
	 "_file to the name of a property to read its value from a file: sasl.password_file = PATH. Everyone but its owner "
	 "and group must be denied access to that file. A secret itself may be written here only if the owner alone can read "
	 "this configuration file. kpid keeps its offsets in PostgreSQL and sets the properties for offsets itself. Changes "
	 "need a restart.",
	 kafka_example},
	{"postgres", SECTION_POSTGRES,
	 "Any keyword of a libpq connection: host, port, dbname, user, sslmode and so on. What is not set here comes from the "
	 "PG* environment variables and the defaults of libpq. With several servers, set all hosts and target_session_attrs = "
	 "read-write, because a standby accepts no writes. A connection pooler must give each connection a server session of "
	 "its own (pool_mode = session). password_file = PATH reads the password from a file, as above; password itself may "
	 "be written here only if the owner alone can read this configuration file. Changes need a restart.",
	 postgres_example},
	{"topics", SECTION_TOPICS,
	 "The topics to read, each with its event types, separated by commas: `activity` means all types except "
	 "ticket.opened, ticket.closed and survey.submitted, and * for all types. A topic of exactly one type may carry bare "
	 "JSON objects; on other topics each message must state its type. Without an entry here, the four topics below are "
	 "read. `map NAME` reads records of another system by the mapping in [map NAME]. Changes need a restart.",
	 topics_example},
	{"map NAME", SECTION_MAP,
	 "A mapping: the program that makes events of the records in topics with `map NAME`. There may be any number of these "
	 "sections, each with a name of its own. A reload reads the programs again, all or nothing; give all instances the same.",
	 map_example},
#define SECTION_BEGIN(section, help) {#section, SECTION_OPTIONS, help, NULL},
#include "kpid/config_options.def"
	{"hook NAME", SECTION_HOOK,
	 "A webhook that `kpid hook` receives. There may be any number of these sections, each with a name of its own. Changes "
	 "need a restart of the hook, which loses no request.",
	 hook_example},
};
/* clang-format on */
const size_t config_n_sections = sizeof(config_sections) / sizeof(config_sections[0]);

const struct config_section *config_section_find(const char *name)
{
	const char *own;
	enum config_section_kind kind = config_named_section(name, &own);
	for (size_t i = 0; i < config_n_sections; i++)
		if (kind != SECTION_OPTIONS ? config_sections[i].kind == kind
		                            : strcmp(config_sections[i].name, name) == 0)
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
