/* [topics]: which topics are read, and the event types of each. */
#include "config/config_internal.h"

#include <stdlib.h>

#include "kpid/base/memory.h"

#define BIT(type) (UINT32_C(1) << (type))
#define ACTIVITY  (CONFIG_ALL_TYPES & ~(BIT(EVENT_OPENED) | BIT(EVENT_CLOSED) | BIT(EVENT_SURVEY)))

static const struct {
	const char *name;
	uint32_t types;
} default_topics[] = {
        {"ticket-opened", BIT(EVENT_OPENED)},
        {"ticket-closed", BIT(EVENT_CLOSED)},
        {"survey", BIT(EVENT_SURVEY)},
        {"ticket-activity", CONFIG_ALL_TYPES},
};

static void add_topic(struct config_topics *topics, const char *name, uint32_t types, const char *map)
{
	enum event_type only = EVENT_TYPE_NONE;
	for (enum event_type type = 0; type < EVENT_N_TYPES; type++)
		if (types == BIT(type))
			only = type;
	topics->items = mem_grow(topics->items, &topics->capacity, topics->n + 1, sizeof(*topics->items));
	topics->items[topics->n++] =
	        (struct config_topic){mem_strdup(name), types, only, map == NULL ? NULL : mem_strdup(map)};
}

void config_topics_release(struct config_topics *topics)
{
	for (size_t i = 0; i < topics->n; i++) {
		free(topics->items[i].name);
		free(topics->items[i].map);
	}
	free(topics->items);
	*topics = (struct config_topics){NULL, 0, 0};
}

/* The bits of a word of the list; 0 for an unknown word. */
static uint32_t types_of(const char *word, struct suggestion *suggestion_out)
{
	suggestion_init(suggestion_out, word);
	if (strcmp(word, "*") == 0)
		return CONFIG_ALL_TYPES;
	if (strcmp(word, "activity") == 0)
		return ACTIVITY;
	suggestion_offer(suggestion_out, "activity");
	for (enum event_type type = 0; type < EVENT_N_TYPES; type++) {
		if (strcmp(word, event_type_name(type)) == 0)
			return BIT(type);
		suggestion_offer(suggestion_out, event_type_name(type));
	}
	return 0;
}

/* Returns 0 after adding an error. */
static uint32_t read_types(const struct config_source *source, const struct config_entry *entry)
{
	uint32_t types = 0;
	bool good = true;
	const char *rest = entry->value;
	char *word;
	while (config_list_next(&rest, &word)) {
		struct suggestion suggestion;
		uint32_t more = types_of(word, &suggestion);
		if (word[0] == '\0')
			config_entry_error(source, entry, "an event type is missing; use * for all types");
		else if (more == 0 && suggestion.nearest != NULL)
			config_entry_error(source, entry, "\"%s\" is not an event type; did you mean %s?", word,
			                   suggestion.nearest);
		else if (more == 0)
			config_entry_error(source, entry, "\"%s\" is not an event type; use * for all types", word);
		good = good && more != 0;
		types |= more;
		free(word);
	}
	return good ? types : 0;
}

/* The mapping of "map NAME"; NULL: the value lists types. */
static const char *map_of(const char *value)
{
	return strncmp(value, "map ", 4) == 0 ? value + 4 + strspn(value + 4, " ") : NULL;
}

static void read_topic(const struct config_source *source, const struct config_entry *entry,
                       const struct config_maps *maps, struct config_topics *topics)
{
	const char *map = map_of(entry->value);
	uint32_t types = map != NULL ? CONFIG_ALL_TYPES : read_types(source, entry);
	if (map != NULL && config_maps_find(maps, map) == NULL)
		config_entry_error(source, entry, "there is no section [map %s]", map);
	else if (types != 0)
		add_topic(topics, entry->name, types, map);
}

void config_topics_read(const struct config_source *source, const struct config_entries *entries,
                        const struct config_maps *maps, struct config_topics *topics_out)
{
	bool any = false;
	for (size_t i = 0; i < entries->n; i++) {
		const struct config_entry *entry = &entries->items[i];
		if (strcmp(entry->section, "topics") != 0)
			continue;
		any = true;
		if (!config_topic_name_is_legal(entry->name)) {
			config_entry_error(source, entry,
			                   "is not a topic name: use up to 249 letters, digits, '.', '_' and '-'");
			continue;
		}
		read_topic(source, entry, maps, topics_out);
	}
	for (size_t i = 0; !any && i < sizeof(default_topics) / sizeof(default_topics[0]); i++)
		add_topic(topics_out, default_topics[i].name, default_topics[i].types, NULL);
}

const struct config_topic *config_topics_find(const struct config_topics *topics, const char *name)
{
	for (size_t i = 0; i < topics->n; i++)
		if (strcmp(topics->items[i].name, name) == 0)
			return &topics->items[i];
	return NULL;
}

void config_topic_format(const struct config_topic *topic, struct buf *out)
{
	uint32_t types = topic->types;
	if (topic->map != NULL) {
		buf_add_format(out, "map %s", topic->map);
		return;
	}
	if (types == CONFIG_ALL_TYPES) {
		buf_add_char(out, '*');
		return;
	}
	if (types == ACTIVITY) {
		buf_add_str(out, "activity");
		return;
	}
	const char *comma = "";
	for (enum event_type type = 0; type < EVENT_N_TYPES; type++) {
		if ((types & BIT(type)) != 0) {
			buf_add_format(out, "%s%s", comma, event_type_name(type));
			comma = ", ";
		}
	}
}
