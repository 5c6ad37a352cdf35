/* What the files of this folder share: the table of options, and the steps of a load. */
#ifndef KPID_CONFIG_INTERNAL_H
#define KPID_CONFIG_INTERNAL_H

#include "config/suggest.h"
#include "kpid/base/buf.h"
#include "kpid/config.h"

/* ---- the table (options.c) ---- */

enum config_type {
	CONFIG_STRING,   /* char *; min..max bytes, no control characters */
	CONFIG_INTEGER,  /* int64_t */
	CONFIG_DURATION, /* int64_t, microseconds: "250ms", "10s", "5m", "1h30m", "7d" */
	CONFIG_SIZE,     /* int64_t, bytes: "512", "64KiB", "8MiB", "1GiB" */
	CONFIG_WORD,     /* int64_t: the place of the word in `words` */
	CONFIG_LIST,     /* struct config_words: comma-separated, no word twice */
	CONFIG_PATH,     /* char *: a readable file; relative to the folder of the configuration file */
	CONFIG_ZONE,     /* char *: an IANA time zone */
	CONFIG_TOPIC     /* char *: a name that Kafka takes */
};

struct config_option {
	const char *section, *name;
	enum config_type type;
	size_t offset;            /* of the field in struct kpid_config */
	int64_t min, max;         /* of the value; of the length in bytes for CONFIG_STRING */
	const char *const *words; /* CONFIG_WORD: what it may be, NULL at the end */
	const char *default_text; /* as it would stand in the file; "" is allowed only where it is the default */
	const char *empty_means;  /* what "" stands for; NULL where it is not allowed */
	bool reloadable;
	const char *help;
};

extern const struct config_option config_options[];
extern const size_t config_n_options;

enum config_section_kind { SECTION_OPTIONS, SECTION_KAFKA, SECTION_POSTGRES, SECTION_TOPICS };

struct config_section {
	const char *name;
	enum config_section_kind kind;
	const char *help;
	const char *const *example; /* lines for the sample of a section without options, NULL at the end */
};

extern const struct config_section config_sections[];
extern const size_t config_n_sections;

const struct config_section *config_section_find(const char *name);
/* The section whose name is nearest to this one, NULL if none is near. */
const char *config_section_nearest(const char *name);
const struct config_option *config_option_find(const char *section, const char *name);

/* ---- values (values.c) ---- */

/* Sets the option's field, freeing what it held; or appends what is wrong to message_out and returns false.
 * folder: where relative paths begin; NULL: the current one. */
bool config_option_parse(const struct config_option *option, const char *value, const char *folder,
                         struct kpid_config *config, struct buf *message_out);
/* Appends the field's value as it would stand in the file. */
void config_option_format(const struct config_option *option, const struct kpid_config *config, struct buf *out);
/* Appends what the option may be: "1 to 16", "one of earliest, latest". */
void config_option_range(const struct config_option *option, struct buf *out);
void config_option_release(const struct config_option *option, struct kpid_config *config);
bool config_topic_name_is_legal(const char *name);
/* Takes the next word of a comma-separated list, trimmed, into *word_out (to be freed). False at the end. */
bool config_list_next(const char **rest_io, char **word_out);
/* A path as seen from folder; to be freed. */
char *config_path_from(const char *folder, const char *path);
void config_words_add(struct config_words *words, char *word);

/* ---- lines (ini.c) ---- */

struct config_entry {
	char *section, *name, *value;
	int line; /* of the file; for --set, its number from 1 */
	bool from_set;
};

struct config_entries {
	struct config_entry *items;
	size_t n, capacity;
};

/* Where the values come from. */
struct config_source {
	const char *path;    /* NULL: no file */
	char *folder;        /* of path; NULL: no file */
	bool for_owner_only; /* nobody but its owner can read the file */
	struct config_faults *faults;
};

/* Reads the file's lines into entries, in order; duplicates and lines that say nothing are faults.
 * Sets source->for_owner_only. Entries of sections that do not exist are reported once and left out. */
void config_ini_read(struct config_source *source, struct config_entries *entries_out);
/* The --set overrides: each replaces an entry of the same name or is added at the end. */
void config_sets_read(const char *const *sets, size_t n_sets, struct config_source *source,
                      struct config_entries *entries_io);
void config_entries_release(struct config_entries *entries);

/* ---- faults (faults.c) ---- */

void config_fault_add(struct config_faults *faults, const char *file, int line, const char *key, const char *format,
                      ...) __attribute__((format(printf, 5, 6)));
/* The same for an entry. */
void config_entry_fault(const struct config_source *source, const struct config_entry *entry, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* By source, then line. */
void config_faults_sort(struct config_faults *faults);

/* ---- sections that are passed on (pairs.c, kafka.c, postgres.c, topics.c) ---- */

/* A library to which names and values are passed on. */
struct config_library {
	const char *title; /* for messages: "librdkafka" */
	struct config_pairs *pairs;
	/* False if the library does not know the name; then it offers the names that it knows. */
	bool (*knows)(void *user, const char *name, struct suggestion *suggestion_io);
	/* Why kpid keeps this name for itself; NULL if it does not. */
	const char *(*reserved)(const char *name);
	/* False if the library does not take the value, after appending why. NULL: it takes any. */
	bool (*accepts)(void *user, const char *name, const char *value, struct buf *message_out);
	void *user;
};

void config_pair_read(const struct config_library *library, const struct config_source *source,
                      const struct config_entry *entry);
void config_pair_add(struct config_pairs *pairs, const char *name, const char *value, bool secret, int line);
void config_pairs_release(struct config_pairs *pairs);
/* The text of a file that others cannot read, without its last newline; or appends why not to message_out. */
bool config_secret_read(const char *path, struct buf *value_out, struct buf *message_out);
/* By its name alone, so that it holds for misspelt ones as well. */
bool config_name_is_secret(const char *name);

void config_kafka_read(const struct config_source *source, const struct config_entries *entries,
                       struct config_pairs *pairs_out);
void config_postgres_read(const struct config_source *source, const struct config_entries *entries,
                          struct config_pairs *pairs_out);
void config_topics_read(const struct config_source *source, const struct config_entries *entries,
                        struct config_topics *topics_out);
/* Appends "ticket.opened, ticket.closed" or "*". */
void config_topic_types_format(uint32_t types, struct buf *out);
void config_topics_release(struct config_topics *topics);

#endif
