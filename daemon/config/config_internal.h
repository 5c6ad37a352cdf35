/* Internal to daemon/config (and `kpid check-config`): the table of options and the steps of a load. */
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
	CONFIG_PERCENT,  /* int64_t: "80%" */
	CONFIG_SIZE,     /* int64_t, bytes: "512", "64KiB", "8MiB", "1GiB" */
	CONFIG_WORD,     /* int64_t: the index of the word in `words` */
	CONFIG_LIST,     /* struct config_words: comma-separated, no word twice */
	CONFIG_PATH,     /* char *: a readable file; relative to the folder of the configuration file */
	CONFIG_ZONE,     /* char *: an IANA time zone */
	CONFIG_TOPIC     /* char *: a legal topic name */
};

struct config_option {
	const char *section, *name;
	enum config_type type;
	size_t offset;            /* of the field in struct kpid_config */
	int64_t min, max;         /* of the value; of the length in bytes for CONFIG_STRING */
	const char *const *words; /* CONFIG_WORD: the legal words, ended by NULL; else NULL */
	const char *default_text; /* as written in the file; "" only if empty_means is set */
	const char *empty_means;  /* what an empty value means; NULL: a value is required */
	bool reloadable;          /* false: a change needs a restart */
	const char *help;
};

extern const struct config_option config_options[];
extern const size_t config_n_options;

enum config_section_kind {
	SECTION_OPTIONS,
	SECTION_KAFKA,
	SECTION_POSTGRES,
	SECTION_TOPICS,
	SECTION_MAP, /* "map NAME": any number of them */
	SECTION_HOOK /* likewise "hook NAME" */
};

struct config_section {
	const char *name;
	enum config_section_kind kind;
	const char *help;
	const char *const *example; /* lines of an example, ended by NULL; NULL for sections with options */
};

extern const struct config_section config_sections[];
extern const size_t config_n_sections;

const struct config_section *config_section_find(const char *name);
/* The section with the most similar name; NULL if none is similar. */
const char *config_section_nearest(const char *name);
const struct config_option *config_option_find(const char *section, const char *name);

/* ---- values (values.c) ---- */

/* Sets the option's field and frees its old value. On an error, appends the message to message_out and returns false.
 * folder: base of relative paths; NULL: the working directory. */
bool config_option_parse(const struct config_option *option, const char *value, const char *folder,
                         struct kpid_config *config, struct buf *message_out);
/* Appends the field's value as written in the file. */
void config_option_format(const struct config_option *option, const struct kpid_config *config, struct buf *out);
/* Appends the legal values, such as "1 to 16" or "earliest or latest". */
void config_option_range(const struct config_option *option, struct buf *out);
/* The same for an option whose value is a text, which must not be empty. */
bool config_text_parse(const struct config_option *option, const char *value, const char *folder, char **text_out,
                       struct buf *message_out);
void config_option_release(const struct config_option *option, struct kpid_config *config);
bool config_topic_name_is_legal(const char *name);
/* Takes the next word of a comma-separated list, trimmed, into *word_out (caller frees). Returns false at the end. */
bool config_list_next(const char **rest_io, char **word_out);
/* Resolves path against folder (NULL: leaves it as it is). Caller frees the result. */
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

/* The file that is being loaded, and the errors found so far. */
struct config_source {
	const char *path;    /* NULL: no file */
	char *folder;        /* of path; NULL: no file */
	bool for_owner_only; /* neither group nor others can access the file */
	struct config_errors *errors;
};

/* Reads the file's lines into entries, in order. Adds an error for each duplicate, unknown section or malformed line.
 * Entries of an unknown section are left out without further errors. Sets source->for_owner_only. */
void config_ini_read(struct config_source *source, struct config_entries *entries_out);
/* Applies the --set overrides: each replaces the entry of its name, or is added at the end. */
void config_sets_read(const char *const *sets, size_t n_sets, struct config_source *source,
                      struct config_entries *entries_io);
void config_entries_release(struct config_entries *entries);

/* ---- errors (errors.c) ---- */

void config_error_add(struct config_errors *errors, const char *file, int line, const char *key, const char *format,
                      ...) __attribute__((format(printf, 5, 6)));
/* The same for an entry. */
void config_entry_error(const struct config_source *source, const struct config_entry *entry, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Adds an error, or a warning, that was found in a JSON file. */
void config_error_add_text(struct config_errors *errors, const char *file, int line, struct text key,
                           struct text message, bool warning);
/* Sorts by source (the file before --set), then by line. */
void config_errors_sort(struct config_errors *errors);

/* ---- sections that kpid passes on to a library (pairs.c, kafka.c, postgres.c, topics.c) ---- */

/* A name that kpid sets itself. */
struct config_reserved {
	const char *name, *reason; /* reason: completes "cannot be set: …" */
};

extern const struct config_reserved config_kafka_reserved[], config_postgres_reserved[]; /* ended by a NULL name */

/* A library that takes names and values. */
struct config_library {
	const char *title; /* for messages: "librdkafka" */
	struct config_pairs *pairs;
	/* Returns false for an unknown name, after offering all known names to suggestion_io. */
	bool (*knows)(void *user, const char *name, struct suggestion *suggestion_io);
	const struct config_reserved *reserved; /* ended by a NULL name */
	/* Returns false for a value that the library rejects, after appending the reason. NULL: accepts any value. */
	bool (*accepts)(void *user, const char *name, const char *value, struct buf *message_out);
	void *user;
};

void config_pair_read(const struct config_library *library, const struct config_source *source,
                      const struct config_entry *entry);
void config_pair_add(struct config_pairs *pairs, const char *name, const char *value, bool secret, int line);
void config_pairs_release(struct config_pairs *pairs);
/* Reads a secret from a file, without its last line break. On an error (also if every user can read the file) appends
 * the message to message_out and returns false. */
bool config_secret_read(const char *path, struct buf *value_out, struct buf *message_out);
/* Decides by the name alone, so that a misspelt secret is not printed either: it contains one of config_secret_names.
 */
bool config_name_is_secret(const char *name);
extern const char *const config_secret_names[]; /* ended by NULL */

void config_kafka_read(const struct config_source *source, const struct config_entries *entries,
                       struct config_pairs *pairs_out);
void config_postgres_read(const struct config_source *source, const struct config_entries *entries,
                          struct config_pairs *pairs_out);
void config_topics_read(const struct config_source *source, const struct config_entries *entries,
                        const struct config_maps *maps, struct config_topics *topics_out);
void config_topics_release(struct config_topics *topics);

/* ---- [map NAME] and [hook NAME] (named.c, maps.c, hooks.c) ---- */

/* The options of such sections: texts, whose offsets are of the struct of an item. */
struct config_named {
	const struct config_option *options;
	size_t n;       /* with a field each */
	size_t n_shown; /* in documents: one more for parameters */
};

extern const struct config_named config_map_options, config_hook_options; /* of struct config_map, config_hook */

/* The options of sections of this kind; none for others. */
struct config_named config_named_of(enum config_section_kind kind);
/* The kind of a section such as "map zammad", and its name in *name_out; SECTION_OPTIONS for other sections. */
enum config_section_kind config_named_section(const char *section, const char **name_out);
/* Up to 64 letters, digits, '_' and '-'. */
bool config_named_is_name(const char *name);
/* The field of an option in an item. */
char **config_named_text(const void *item, const struct config_option *option);
/* Reads an entry into the field of its option in item. Returns the option; NULL after adding an error, which ends with
 * `otherwise` if the name is like no option. */
const struct config_option *config_named_read(const struct config_source *source, const struct config_entry *entry,
                                              struct config_named named, void *item, const char *otherwise);
/* True if an entry of the section sets the option, even to a value that is wrong. */
bool config_named_is_set(const struct config_entries *entries, const char *section, const char *option);
void config_named_release(struct config_named named, void *item);

void config_maps_read(const struct config_source *source, const struct config_entries *entries,
                      struct config_maps *maps_out);
void config_maps_release(struct config_maps *maps);
void config_hooks_read(const struct config_source *source, const struct config_entries *entries,
                       struct config_hooks *hooks_out);
void config_hooks_release(struct config_hooks *hooks);

#endif
