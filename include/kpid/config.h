/* The configuration: one INI file, which is read and checked as a whole and then never changes.
 *
 * kpid/config_options.def is the only list of options: the fields below, reading, checking, the sample file, the
 * reference (docs/configuration.md), the manual page and `kpid check-config --show` come from it.
 *
 * A configuration has one owner, who frees it. A reload loads a second configuration and, if it is valid, replaces the
 * first one. A configuration in use is never modified. */
#ifndef KPID_CONFIG_H
#define KPID_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"
#include "kpid/base/log.h"
#include "kpid/core/event.h"

/* Read if it exists and neither --config nor $KPID_CONFIG names a file. */
#define KPID_CONFIG_DEFAULT_PATH "/etc/kpid/kpid.ini"

/* A setting for a library: a property of librdkafka or a keyword of libpq. */
struct config_pair {
	char *name;  /* without the suffix _file */
	char *value; /* for NAME_file, the contents of the file */
	bool secret; /* never print the value */
	int line;    /* line of the file; 0: a default or --set */
};

struct config_pairs {
	struct config_pair *items; /* in the order of the file; names are unique */
	size_t n, capacity;
};

struct config_words {
	char **items;
	size_t n, capacity;
};

#define CONFIG_ALL_TYPES ((UINT32_C(1) << EVENT_N_TYPES) - 1)

struct config_topic {
	char *name;
	uint32_t types;       /* event types of the topic: bits 1 << enum event_type, never 0 */
	enum event_type only; /* type of bare JSON messages: set if types has one bit, else EVENT_TYPE_NONE */
	char *map;            /* the mapping that reads its messages, by name; NULL: they are events */
};

struct config_topics {
	struct config_topic *items; /* never empty; names are unique */
	size_t n, capacity;
};

/* A mapping: a program that makes events of records (docs/bring-your-own.md). */
struct config_map {
	char *name;
	char *file;
	char *time_zone;     /* of local times; NULL: none */
	char *source;        /* of its events */
	char *ticket_prefix; /* NULL: none */
	char *each;          /* JSON pointer to the array of records; NULL: a message is one record */
	struct config_pairs params;
};

struct config_maps {
	struct config_map *items; /* names are unique */
	size_t n, capacity;
};

enum { CONFIG_HOOK_N_OPTIONS = 6 };

/* A webhook that `kpid hook` receives. What its texts mean is checked by the hook (hook/endpoints.h), which alone reads
 * the secrets. */
struct config_hook {
	char *name;
	char *path;                       /* of the address, as requests name it */
	char *topic;                      /* where requests are written */
	char *signature;                  /* how they are signed */
	char *secret_file;                /* files, separated by commas; NULL: none */
	char *key;                        /* JSON pointers, separated by commas; NULL: no key */
	char *headers;                    /* names of headers that are kept, separated by commas; NULL: none */
	int lines[CONFIG_HOOK_N_OPTIONS]; /* of the file, in the order above; 0: not in the file */
};

struct config_hooks {
	struct config_hook *items; /* names are unique */
	size_t n, capacity;
};

enum config_start { START_EARLIEST, START_LATEST };

struct kpid_config {
	char *file;     /* path of the file; NULL: only defaults and --set */
	size_t n_holds; /* calls of kpid_config_hold() that are not released yet */
	/* Options that the file or --set sets, such as "report.time_zone"; the others have their defaults. */
	struct config_words named;

	struct config_pairs kafka;    /* for consumer and producer; has group.id and client.id */
	struct config_pairs postgres; /* for PQconnectStartParams() */
	struct config_topics topics;
	struct config_maps maps;
	struct config_hooks hooks;
	char *host; /* the name of this machine if run.instance is not given, else NULL */
	/* The name under which the consumer group knows this process across restarts. No option: set once the process
	 * holds the name; NULL: none. Owned by the configuration. */
	char *member_id;

	/* A struct for each section, with a field for each option: config->run.lanes, config->sla.tick_us. */
	/* The name of a section cannot be in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
	/* clang-format off */
#define SECTION_BEGIN(section, help) struct {
#define SECTION_END(section)         } section;
#define INTEGER(section, name, ...)   int64_t name;
#define SIZE(section, name, ...)      int64_t name;
#define WORD(section, name, ...)      int64_t name;
#define DURATION(section, name, ...)  int64_t name##_us;
#define PERCENT(section, name, ...)   int64_t name;
#define STRING(section, name, ...)    char *name;
#define FILE_PATH(section, name, ...) char *name;
#define ZONE(section, name, ...)      char *name;
#define TOPIC(section, name, ...)     char *name;
#define LIST(section, name, ...)      struct config_words name;
#include "kpid/config_options.def"
	/* clang-format on */
	/* NOLINTEND(bugprone-macro-parentheses) */
};

/* An error or a warning and its place. Printed as "file:line: key: message". */
struct config_error {
	char *file;    /* "--set" for an override; "defaults" if there is no file */
	int line;      /* 0: none */
	char *key;     /* "run.lanes"; "" for none */
	char *message; /* what is wrong and what to write instead; contains no secret */
	bool warning;  /* legal, but probably not intended */
};

struct config_errors {
	struct config_error *items; /* by line */
	size_t n, capacity;
};

#define CONFIG_ERRORS_INIT                                                                                             \
	{                                                                                                              \
		NULL, 0, 0                                                                                             \
	}

/* The path to read: named, else $KPID_CONFIG, else KPID_CONFIG_DEFAULT_PATH if that exists, else NULL. NULL and ""
 * count as not given. The result is borrowed. */
const char *kpid_config_path(const char *named);

/* Reads the file (NULL: none), applies each "section.key=value" of sets over it, and checks the result. Returns the
 * configuration, or NULL with at least one error. errors_out must be initialised; the caller releases it in both cases.
 */
struct kpid_config *kpid_config_load(const char *path, const char *const *sets, size_t n_sets,
                                     struct config_errors *errors_out);
/* Takes another reference: kpid_config_free() must then be called once more. Returns config. */
struct kpid_config *kpid_config_hold(struct kpid_config *config);
void kpid_config_free(struct kpid_config *config); /* config may be NULL */

/* Checks what only `kpid run` needs: returns false after adding errors for what is missing. */
bool kpid_config_can_run(const struct kpid_config *config, struct config_errors *errors_out);

/* Whether the file or --set sets an option such as "report.time_zone", even to its default. */
bool kpid_config_names(const struct kpid_config *config, const char *option);

/* How run.memory is divided. */
struct config_memory {
	int64_t ahead_bytes; /* messages that are fetched ahead of the batches of one lane */
	int64_t batch_bytes; /* one batch of a lane, as batch_size_bytes() counts it */
};

/* For a process with n_lanes (> 0) lanes. Both parts are at least large enough to work with, however little there is.
 */
struct config_memory kpid_config_memory(const struct kpid_config *config, int n_lanes);

/* Appends "ticket.opened, ticket.closed", "*" or "map zammad": the value of a topic as the configuration writes it. */
void config_topic_format(const struct config_topic *topic, struct buf *out);
/* NULL: there is none of that name. */
const struct config_topic *config_topics_find(const struct config_topics *topics, const char *name);
const struct config_map *config_maps_find(const struct config_maps *maps, const char *name);

/* The value of a name, NULL if it is not set. Borrowed. */
const char *config_pairs_get(const struct config_pairs *pairs, const char *name);

/* Finds the names ("run.lanes", "kafka.client.id") that differ and need a restart. Returns their number. names_out must
 * be zeroed; the caller releases it. */
size_t kpid_config_diff_not_reloadable(const struct kpid_config *before, const struct kpid_config *after,
                                       struct config_words *names_out);

void config_words_release(struct config_words *words);
void config_errors_release(struct config_errors *errors);
void config_errors_log(const struct config_errors *errors); /* logs each at level error */
/* Appends "file:line: key: message", without a newline; without the parts that an error does not have. */
void config_error_write(const struct config_error *error, struct buf *out);
/* One line per error. */
void config_errors_write(const struct config_errors *errors, struct buf *out);
/* [{"file": …, "line": …, "key": …, "message": …}, …] */
void config_errors_write_json(const struct config_errors *errors, struct buf *out);

/* The sample file deploy/kpid.sample.ini: every option with its help, commented out at its default. */
void kpid_config_write_sample(struct buf *out);
/* The reference docs/configuration.md. */
void kpid_config_write_markdown(struct buf *out);
/* The manual page kpid.ini(5), as roff. */
void kpid_config_write_man(struct buf *out);
/* The options in force, as an INI file or a JSON object; secrets as "***". */
void kpid_config_write(const struct kpid_config *config, struct buf *out);
void kpid_config_write_json(const struct kpid_config *config, struct buf *out);

#endif
