#include "app/shared_settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/ledger_settings.h"
#include "app/mappings.h"
#include "kpid/base/memory.h"
#include "kpid/core/shard.h"
#include "kpid/core/ticket.h"
#include "kpid/core/timestamp.h"

static void add(struct shared_settings *settings, const char *name, const char *value)
{
	settings->items = mem_grow(settings->items, &settings->capacity, settings->n + 1, sizeof(*settings->items));
	settings->items[settings->n++] =
	        (struct shared_setting){mem_strdup(name), value == NULL ? NULL : mem_strdup(value)};
}

static void add_topics(struct shared_settings *settings, const struct config_topics *topics)
{
	for (size_t i = 0; i < topics->n; i++) {
		struct buf name = BUF_INIT, types = BUF_INIT;
		buf_add_format(&name, SETTING_TOPIC "%s", topics->items[i].name);
		config_topic_format(&topics->items[i], &types);
		add(settings, name.data, types.data);
		buf_release(&name);
		buf_release(&types);
	}
}

void shared_settings_init(struct shared_settings *settings, const struct kpid_config *config, bool reads_topics,
                          const char *policy_ids, const struct mappings *mappings)
{
	struct buf window = BUF_INIT, shard = BUF_INIT;
	buf_add_format(&window, "%" PRId64, config->kpi.fcr_window_us);
	buf_add_format(&shard, "%" PRId64 " of %" PRId64 " by %s", config->shard.index, config->shard.count,
	               config->shard.by == SHARD_BY_PARTITION ? "partition" : "ticket");
	*settings = (struct shared_settings){.n = 0};
	add(settings, SETTING_WINDOW, window.data);
	add(settings, SETTING_RULES, TICKET_RULES_VERSION);
	add(settings, SETTING_SHARD, shard.data);
	/* A default overrides nothing. */
	add(settings, SETTING_ZONE, kpid_config_names(config, SETTING_ZONE) ? config->report.time_zone : NULL);
	add(settings, SETTING_POLICIES, policy_ids);
	ledger_settings_each(config, add, settings);
	if (reads_topics) {
		add(settings, SETTING_GROUP, config_pairs_get(&config->kafka, "group.id"));
		add(settings, SETTING_ALERTS, config->alert.topic == NULL ? "" : config->alert.topic);
		add_topics(settings, &config->topics);
	}
	for (size_t i = 0; mappings != NULL && i < mappings->n; i++) {
		struct buf name = BUF_INIT;
		buf_add_format(&name, SETTING_MAP "%s", mappings->items[i].map->name);
		add(settings, name.data, mappings->items[i].identity);
		buf_release(&name);
	}
	buf_release(&window);
	buf_release(&shard);
}

void shared_settings_release(struct shared_settings *settings)
{
	for (size_t i = 0; i < settings->n; i++) {
		free(settings->items[i].name);
		free(settings->items[i].value);
	}
	free(settings->items);
	*settings = (struct shared_settings){.n = 0};
}

const struct shared_setting *shared_settings_find(const struct shared_settings *settings, struct text name)
{
	for (size_t i = 0; i < settings->n; i++)
		if (text_same(name, text_of(settings->items[i].name)))
			return &settings->items[i];
	return NULL;
}

bool shared_setting_differs(const struct shared_setting *setting, struct text stored)
{
	return setting->value != NULL && !text_same(stored, text_of(setting->value));
}

bool shared_setting_can_change(struct text name)
{
	return !text_same(name, TEXT(SETTING_WINDOW)) && !text_same(name, TEXT(SETTING_RULES)) &&
	       !text_same(name, TEXT(SETTING_SHARD));
}

bool shared_setting_is_mapping(struct text name)
{
	size_t length = strlen(SETTING_MAP);
	return name.len > length && memcmp(name.ptr, SETTING_MAP, length) == 0;
}

static bool is(const struct shared_setting *setting, const char *name)
{
	return strcmp(setting->name, name) == 0;
}

static const char *topic_of(const struct shared_setting *setting)
{
	size_t length = strlen(SETTING_TOPIC);
	return strncmp(setting->name, SETTING_TOPIC, length) == 0 ? setting->name + length : NULL;
}

static const char *or_none(const char *value)
{
	return value[0] == '\0' ? "none" : value;
}

void shared_setting_describe(const struct shared_setting *setting, struct text stored, struct buf *out)
{
	struct buf there = BUF_INIT;
	buf_add_text(&there, stored);
	const char *ours = or_none(setting->value), *theirs = or_none(buf_text(&there).ptr);
	if (is(setting, SETTING_WINDOW))
		buf_add_format(out, "kpi.fcr_window is %lld s here, but all figures were computed with %lld s",
		               strtoll(ours, NULL, 10) / US_PER_SECOND, strtoll(theirs, NULL, 10) / US_PER_SECOND);
	else if (is(setting, SETTING_RULES))
		buf_add_format(out, "the figures were computed by version %s of the rules; this program has version %s",
		               theirs, ours);
	else if (is(setting, SETTING_SHARD))
		buf_add_format(out, "this instance is shard %s, but the database is shard %s", ours, theirs);
	else if (is(setting, SETTING_ZONE))
		buf_add_format(out, "report.time_zone is %s here, but daily figures use %s", ours, theirs);
	else if (strncmp(setting->name, SETTING_APPRAISAL, strlen(SETTING_APPRAISAL)) == 0)
		buf_add_format(out, "%s is %s here, but the ledger is made with %s", setting->name, ours, theirs);
	else if (is(setting, SETTING_GROUP))
		buf_add_format(out, "group.id is %s here, but the consumer group of this database is %s", ours, theirs);
	else if (is(setting, SETTING_POLICIES))
		buf_add_format(out, "the policy file here has the revisions %s, and another instance has read %s", ours,
		               theirs);
	else if (shared_setting_is_mapping(text_of(setting->name)))
		buf_add_format(out, "the mapping %s is %.12s here, and another instance has read %.12s",
		               setting->name + strlen(SETTING_MAP), ours, theirs);
	else if (is(setting, SETTING_ALERTS))
		buf_add_format(out, "alert.topic is %s here, but alerts of this database go to %s", ours, theirs);
	else
		buf_add_format(out, "the topic %s has the %s %s here, but %s in the database", topic_of(setting),
		               strncmp(ours, "map ", 4) == 0 || strncmp(theirs, "map ", 4) == 0 ? "value" : "types",
		               ours, theirs);
	buf_release(&there);
}

void shared_setting_remedy(const struct shared_setting *setting, struct buf *out)
{
	if (is(setting, SETTING_WINDOW))
		buf_add_str(out, "set kpi.fcr_window to the value in the database, or read all topics into a new one");
	else if (is(setting, SETTING_RULES))
		buf_add_str(out, "run the program that computed them, or read all topics into a new database");
	else if (is(setting, SETTING_SHARD))
		buf_add_str(out,
		            "set [shard] index, count and by to those of the database, or name the database of this "
		            "shard; `kpid shard keep` divides a database");
	else if (is(setting, SETTING_POLICIES))
		buf_add_str(out, "each judges new tickets by its own file: give all instances the same file, then "
		                 "reload them, or start one with --take-over-settings");
	else if (shared_setting_is_mapping(text_of(setting->name)))
		buf_add_str(out, "each maps records by its own: give all instances the same program and options, then "
		                 "reload them");
	else
		buf_add_format(out,
		               "set it to the value in the database, or change that for all instances: kpid settings "
		               "set %s '%s', or kpid run --take-over-settings",
		               setting->name, setting->value);
}
