/* Loads a configuration: reads lines, parses values, checks combinations. */
#include "kpid/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config_internal.h"
#include "kpid/base/memory.h"

const char *kpid_config_path(const char *named)
{
	if (named != NULL && named[0] != '\0')
		return named;
	const char *variable = getenv("KPID_CONFIG");
	if (variable != NULL && variable[0] != '\0')
		return variable;
	return access(KPID_CONFIG_DEFAULT_PATH, F_OK) == 0 ? KPID_CONFIG_DEFAULT_PATH : NULL;
}

static struct kpid_config *with_defaults(void)
{
	struct kpid_config *config = mem_zalloc(sizeof(*config));
	struct buf message = BUF_INIT;
	for (size_t i = 0; i < config_n_options; i++)
		config_option_parse(&config_options[i], config_options[i].default_text, NULL, config, &message);
	buf_release(&message);
	return config;
}

static void unknown_option(const struct config_source *source, const struct config_entry *entry)
{
	struct suggestion here;
	suggestion_init(&here, entry->name);
	for (size_t i = 0; i < config_n_options; i++) {
		if (strcmp(config_options[i].name, entry->name) == 0) {
			config_entry_error(source, entry, "there is no such option here; it belongs under [%s]",
			                   config_options[i].section);
			return;
		}
		if (strcmp(config_options[i].section, entry->section) == 0)
			suggestion_offer(&here, config_options[i].name);
	}
	if (here.nearest != NULL)
		config_entry_error(source, entry, "there is no such option; did you mean %s?", here.nearest);
	else
		config_entry_error(source, entry, "there is no such option");
}

static void add_named(struct config_words *named, const struct config_option *option)
{
	struct buf name = BUF_INIT;
	buf_add_format(&name, "%s.%s", option->section, option->name);
	config_words_add(named, name.data);
}

static void read_options(const struct config_source *source, const struct config_entries *entries,
                         struct kpid_config *config)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct config_entry *entry = &entries->items[i];
		if (config_section_find(entry->section)->kind != SECTION_OPTIONS)
			continue;
		const struct config_option *option = config_option_find(entry->section, entry->name);
		struct buf message = BUF_INIT;
		if (option == NULL)
			unknown_option(source, entry);
		else if (!config_option_parse(option, entry->value, entry->from_set ? NULL : source->folder, config,
		                              &message))
			config_entry_error(source, entry, "%s", message.data);
		else
			add_named(&config->named, option);
		buf_release(&message);
	}
}

bool kpid_config_names(const struct kpid_config *config, const char *option)
{
	for (size_t i = 0; i < config->named.n; i++)
		if (strcmp(config->named.items[i], option) == 0)
			return true;
	return false;
}

/* An instance that is given no name has that of the machine and the process. */
static void name_instance(struct kpid_config *config)
{
	char host[65] = "";
	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
		memcpy(host, "host", sizeof("host"));
	struct buf name = BUF_INIT;
	buf_add_format(&name, "%s:%ld", host, (long)getpid());
	config->run.instance = name.data;
	config->host = mem_strdup(host);
}

static bool has_error(const struct config_errors *errors, const char *section, const char *name)
{
	size_t n_section = strlen(section);
	for (size_t i = 0; i < errors->n; i++) {
		const char *key = errors->items[i].key;
		if (strncmp(key, section, n_section) == 0 && key[n_section] == '.' &&
		    strcmp(key + n_section + 1, name) == 0)
			return true;
	}
	return false;
}

/* Adds an error at the line that sets the option, unless that line has an error already. */
static void error_at(const struct config_source *source, const struct config_entries *entries, const char *section,
                     const char *name, const char *message)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct config_entry *entry = &entries->items[i];
		if (strcmp(entry->section, section) == 0 && strcmp(entry->name, name) == 0 &&
		    !has_error(source->errors, section, name))
			config_entry_error(source, entry, "%s", message);
	}
}

/* Each shard reads all topics, so it is a consumer group of its own. A configuration as it is shown already names it.
 */
static void name_group(struct kpid_config *config)
{
	char suffix[64];
	int n = snprintf(suffix, sizeof(suffix), "-%" PRId64 "-of-%" PRId64, config->shard.index, config->shard.count);
	if (config->shard.count <= 1)
		return;
	for (size_t i = 0; i < config->kafka.n; i++) {
		struct config_pair *pair = &config->kafka.items[i];
		struct buf group = BUF_INIT;
		size_t length = strlen(pair->value);
		if (strcmp(pair->name, "group.id") != 0 ||
		    (length > (size_t)n && strcmp(pair->value + length - n, suffix) == 0))
			continue;
		buf_add_format(&group, "%s%s", pair->value, suffix);
		free(pair->value);
		pair->value = group.data;
	}
}

/* Checks values that must fit together. */
static void check_combinations(const struct config_source *source, const struct config_entries *entries,
                               const struct kpid_config *config)
{
	if (config->shard.index >= config->shard.count)
		config_error_add(source->errors, source->path == NULL ? "defaults" : source->path, 0, "shard.index",
		                 "must be less than shard.count; shards are numbered from 0");
	for (size_t i = 0; config->alert.topic != NULL && i < config->topics.n; i++) {
		if (strcmp(config->topics.items[i].name, config->alert.topic) == 0) {
			error_at(source, entries, "alert", "topic",
			         "this topic is listed in [topics]; kpid would read its own alerts");
			error_at(source, entries, "topics", config->topics.items[i].name,
			         "alerts are sent to this topic (see [alert] topic); kpid would read its own alerts");
		}
	}
}

struct kpid_config *kpid_config_load(const char *path, const char *const *sets, size_t n_sets,
                                     struct config_errors *errors_out)
{
	struct config_source source = {.path = path, .for_owner_only = true, .errors = errors_out};
	struct config_entries entries = {NULL, 0, 0};
	struct kpid_config *config = with_defaults();
	size_t n_errors_before = errors_out->n;
	if (path != NULL) {
		const char *slash = strrchr(path, '/');
		if (slash != NULL)
			source.folder = slash == path ? mem_strdup("/") : strndup(path, (size_t)(slash - path));
		config->file = mem_strdup(path);
		config_ini_read(&source, &entries);
	}
	config_sets_read(sets, n_sets, &source, &entries);
	config_kafka_read(&source, &entries, &config->kafka);
	config_postgres_read(&source, &entries, &config->postgres);
	config_maps_read(&source, &entries, &config->maps);
	config_topics_read(&source, &entries, &config->maps, &config->topics);
	config_hooks_read(&source, &entries, &config->hooks);
	read_options(&source, &entries, config);
	check_combinations(&source, &entries, config);
	name_group(config);
	if (config->run.instance == NULL)
		name_instance(config);
	config_entries_release(&entries);
	free(source.folder);
	if (errors_out->n == n_errors_before)
		return config;
	config_errors_sort(errors_out);
	kpid_config_free(config);
	return NULL;
}

struct kpid_config *kpid_config_hold(struct kpid_config *config)
{
	config->n_holds++;
	return config;
}

void kpid_config_free(struct kpid_config *config)
{
	if (config == NULL)
		return;
	if (config->n_holds > 0) {
		config->n_holds--;
		return;
	}
	for (size_t i = 0; i < config_n_options; i++)
		config_option_release(&config_options[i], config);
	config_pairs_release(&config->kafka);
	config_pairs_release(&config->postgres);
	config_topics_release(&config->topics);
	config_maps_release(&config->maps);
	config_hooks_release(&config->hooks);
	config_words_release(&config->named);
	free(config->host);
	free(config->member_id);
	free(config->file);
	free(config);
}

bool kpid_config_can_run(const struct kpid_config *config, struct config_errors *errors_out)
{
	const char *file = config->file == NULL ? "defaults" : config->file;
	const char *servers = config_pairs_get(&config->kafka, "bootstrap.servers");
	if (servers == NULL)
		servers = config_pairs_get(&config->kafka, "metadata.broker.list");
	if (servers != NULL && servers[0] != '\0')
		return true;
	config_error_add(errors_out, file, 0, "kafka.bootstrap.servers",
	                 "is missing; set the address of Kafka, such as localhost:9092");
	return false;
}
