/* The configuration: one INI file, read whole, checked whole, and from then on constant.
 *
 * daemon/config/options.c holds the one table of options; reading, checking, the sample file, the
 * manual page and `kpid check-config --show` all come from it.
 *
 * A configuration has one owner, who frees it. A reload loads a second one, and on success puts it
 * in the place of the first: nothing is ever changed in a configuration that is in use. */
#ifndef KPID_CONFIG_H
#define KPID_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/buf.h"
#include "kpid/base/log.h"
#include "kpid/core/event.h"

/* Read when neither --config nor $KPID_CONFIG names another, if it exists. */
#define KPID_CONFIG_DEFAULT_PATH "/etc/kpid/kpid.ini"

/* What is passed on to a library: a property of librdkafka, a keyword of libpq. */
struct config_pair {
	char *name;  /* without the suffix _file */
	char *value; /* a value from a file is already read in */
	bool secret; /* never print the value */
	int line;    /* in the file; 0: a default or --set */
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
	uint32_t types;       /* what the topic may carry: bits 1 << enum event_type, never 0 */
	enum event_type only; /* the type of its bare JSON: set if types has one bit, else EVENT_TYPE_NONE */
};

struct config_topics {
	struct config_topic *items; /* never empty; names are unique */
	size_t n, capacity;
};

enum config_start { START_EARLIEST, START_LATEST };

struct kpid_config {
	char *file;     /* the path that was read; NULL: defaults and --set alone */
	size_t n_holds; /* calls of kpid_config_hold() that are open */
	/* Options that were given a value, such as "report.time_zone"; the others are at their defaults. */
	struct config_words named;

	struct config_pairs kafka;    /* for consumer and producer; has group.id and client.id */
	struct config_pairs postgres; /* for PQconnectStartParams() */
	struct config_topics topics;

	struct {
		int64_t lanes;
		int64_t batch_max_events;
		int64_t batch_max_bytes; /* of message values */
		int64_t batch_max_age_us;
		int64_t ticket_max_events;
		int64_t buffer_max_bytes; /* fetched ahead of the batches, all lanes together */
		int64_t start;            /* enum config_start */
		char *instance;           /* never empty */
		int64_t log_level;        /* enum log_level */
	} run;
	struct {
		char *policy_file; /* NULL: no policy */
		int64_t max_silence_us;
		int64_t tick_us;
		struct config_words shadow_projects;
	} sla;
	struct {
		char *topic;          /* NULL: messages are not sent */
		char *receivers_file; /* NULL: no receivers over HTTP */
		int64_t max_age_us;
	} alert;
	struct {
		int64_t fcr_window_us;
	} kpi;
	struct {
		char *time_zone;  /* an IANA name */
		int64_t language; /* enum message_language */
	} report;
};

/* One thing that is wrong, and where. Written as "file:line: key: message". */
struct config_fault {
	char *file;    /* "--set" for an override; "defaults" if there is no file */
	int line;      /* 0: nowhere in particular */
	char *key;     /* "run.lanes"; "" if the line has none */
	char *message; /* what is wrong and what to write instead; never a secret */
	bool warning;  /* it is legal, but may not be what was meant */
};

struct config_faults {
	struct config_fault *items; /* by line */
	size_t n, capacity;
};

#define CONFIG_FAULTS_INIT                                                                                             \
	{                                                                                                              \
		NULL, 0, 0                                                                                             \
	}

/* The path to read: named, else $KPID_CONFIG, else KPID_CONFIG_DEFAULT_PATH if it exists, else NULL.
 * NULL or "" count as not given. Borrowed. */
const char *kpid_config_path(const char *named);

/* Reads the file (NULL: none), then each "section.key=value" of sets over it, and checks everything.
 * Returns the configuration, or NULL with at least one fault. faults_out must be initialised; it is
 * the caller's to release either way. */
struct kpid_config *kpid_config_load(const char *path, const char *const *sets, size_t n_sets,
                                     struct config_faults *faults_out);
/* Returns the configuration, which stays until kpid_config_free() was called once more. */
struct kpid_config *kpid_config_hold(struct kpid_config *config);
void kpid_config_free(struct kpid_config *config); /* NULL is fine */

/* What `kpid run` needs beyond what every command needs: adds faults and returns false if it is not there. */
bool kpid_config_can_run(const struct kpid_config *config, struct config_faults *faults_out);

/* Whether an option, such as "report.time_zone", was given a value, even that of its default. */
bool kpid_config_names(const struct kpid_config *config, const char *option);

/* The value of a property, NULL if it is not set. Borrowed. */
const char *config_pairs_get(const struct config_pairs *pairs, const char *name);

/* The names ("run.lanes", "kafka.client.id") that differ and need a restart. Returns how many;
 * names_out must be zeroed and is the caller's to release. */
size_t kpid_config_diff_not_reloadable(const struct kpid_config *before, const struct kpid_config *after,
                                       struct config_words *names_out);

void config_words_release(struct config_words *words);
void config_faults_release(struct config_faults *faults);
void config_faults_log(const struct config_faults *faults); /* each as an error */
/* One line a fault. */
void config_faults_write(const struct config_faults *faults, struct buf *out);
/* [{"file": …, "line": …, "key": …, "message": …}, …] */
void config_faults_write_json(const struct config_faults *faults, struct buf *out);

/* The sample file: every option with its help, commented out at its default. */
void kpid_config_write_sample(struct buf *out);
/* The manual page kpid.ini(5), as roff. */
void kpid_config_write_man(struct buf *out);
/* What is in force, as an INI file or a JSON object; secrets as "***". */
void kpid_config_write(const struct kpid_config *config, struct buf *out);
void kpid_config_write_json(const struct kpid_config *config, struct buf *out);

#endif
