/* The settings on which all instances of a database must agree: what this configuration gives, and how it differs from
 * what is stored in kpid.setting. */
#ifndef KPID_APP_SHARED_SETTINGS_H
#define KPID_APP_SHARED_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/buf.h"
#include "kpid/config.h"

#define SETTING_POLICIES   "sla.policy_revisions"
#define SETTING_ZONE       "report.time_zone"
#define SETTING_GROUP      "kafka.group.id"
#define SETTING_WINDOW     "kpi.fcr_window_us"
#define SETTING_RULES      "rules.version"
#define SETTING_SHARD      "shard"             /* "2 of 4 by ticket" */
#define SETTING_PARTITIONS "shard.partitions." /* followed by the name of a topic; only with shards by partition */
#define SETTING_ALERTS     "alert.topic"
#define SETTING_APPRAISAL  "appraisal." /* followed by the name of an option of that section */
#define SETTING_TOPIC      "topics."    /* followed by the name of a topic */
#define SETTING_MAP        "map."       /* followed by the name of a mapping */

struct shared_setting {
	char *name;  /* kpid.setting.name */
	char *value; /* NULL: this configuration gives none, so that any stored value is right */
};

struct shared_settings { /* zeroed: empty */
	struct shared_setting *items;
	size_t n, capacity;
};

struct mappings;

/* reads_topics: also what matters to instances that read Kafka. policy_ids: as of rules_add_ids(), "none" for an empty
 * file; NULL: no policy file was read. mappings: NULL: none were read. */
void shared_settings_init(struct shared_settings *settings, const struct kpid_config *config, bool reads_topics,
                          const char *policy_ids, const struct mappings *mappings);
void shared_settings_release(struct shared_settings *settings);
/* NULL: no such setting. */
const struct shared_setting *shared_settings_find(const struct shared_settings *settings, struct text name);
/* True if the configuration gives another value than the stored one. */
bool shared_setting_differs(const struct shared_setting *setting, struct text stored);
/* False: stored figures depend on its value. */
bool shared_setting_can_change(struct text name);
bool shared_setting_is_mapping(struct text name);
/* Appends "alert.topic is X here, and Y in the database". */
void shared_setting_describe(const struct shared_setting *setting, struct text stored, struct buf *out);
/* Appends what to do about a difference, as a clause. */
void shared_setting_remedy(const struct shared_setting *setting, struct buf *out);

#endif
