#include "app/mappings.h"

#include <stdlib.h>

#include "adapters/zone/zone.h"
#include "app/mapping_file.h"
#include "config/config_internal.h"
#include "kpid/base/memory.h"

/* What the intake of a topic borrows, beside the configuration. */
struct topic_intake {
	struct intake intake; /* first: the pointers are converted */
	struct zone zone;
	struct mapping_param *params;
};

static void free_intake(struct intake *intake)
{
	struct topic_intake *topic = (struct topic_intake *)intake;
	if (topic == NULL)
		return;
	intake_release(&topic->intake);
	if (topic->zone.release != NULL)
		topic->zone.release(topic->zone.context);
	free(topic->params);
	free(topic);
}

static void identify(struct mappings_item *item)
{
	const struct config_map *map = item->map;
	const char *const texts[] = {map->time_zone, map->source, map->ticket_prefix, map->each};
	struct buf all = BUF_INIT;
	buf_add_str(&all, mapping_version(item->intake->mapping));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		buf_add_format(&all, "\n%s", texts[i] == NULL ? "" : texts[i]);
	for (size_t i = 0; i < map->params.n; i++)
		buf_add_format(&all, "\n%s=%s", map->params.items[i].name, map->params.items[i].value);
	sha256_hex(buf_text(&all), item->identity);
	buf_release(&all);
}

/* Returns false after appending what is wrong. */
static bool load(struct mappings_item *item, struct buf *error_out)
{
	const struct config_map *map = item->map;
	struct topic_intake *topic = mem_zalloc(sizeof(*topic));
	intake_init(&topic->intake);
	item->intake = &topic->intake;
	if (map->time_zone != NULL && !zone_find(map->time_zone, &topic->zone)) {
		buf_add_format(error_out, "unknown time zone %s", map->time_zone);
		return false;
	}
	topic->params = mem_zalloc((map->params.n + 1) * sizeof(*topic->params));
	for (size_t i = 0; i < map->params.n; i++)
		topic->params[i] = (struct mapping_param){map->params.items[i].name, map->params.items[i].value};
	topic->intake.form = INTAKE_MAP;
	topic->intake.name = map->name;
	topic->intake.logs = true;
	topic->intake.each = map->each;
	topic->intake.rules = (struct flat_rules){
	        .source = text_of(map->source),
	        .ticket_prefix = text_of(map->ticket_prefix),
	        .zone = map->time_zone == NULL ? NULL : &topic->zone,
	};
	const struct mapping_order order = {
	        .rules = topic->intake.rules, .params = topic->params, .n_params = map->params.n};
	topic->intake.mapping = mapping_file_load(map->file, &order, error_out);
	if (topic->intake.mapping == NULL)
		return false;
	identify(item);
	return true;
}

struct mappings *mappings_load(struct kpid_config *config, struct config_errors *errors)
{
	struct mappings *mappings = mem_zalloc(sizeof(*mappings));
	bool good = true;
	mappings->config = kpid_config_hold(config);
	mappings->n = config->maps.n;
	mappings->items = mem_zalloc((mappings->n + 1) * sizeof(*mappings->items));
	for (size_t i = 0; i < mappings->n; i++) {
		struct buf error = BUF_INIT, key = BUF_INIT;
		mappings->items[i].map = &config->maps.items[i];
		if (!load(&mappings->items[i], &error)) {
			buf_add_format(&key, "map %s.file", config->maps.items[i].name);
			config_error_add(errors, config->file == NULL ? "defaults" : config->file, 0, key.data, "%s",
			                 error.data);
			good = false;
		}
		buf_release(&error);
		buf_release(&key);
	}
	if (good)
		return mappings;
	mappings_free(mappings);
	return NULL;
}

void mappings_free(struct mappings *mappings)
{
	if (mappings == NULL)
		return;
	for (size_t i = 0; i < mappings->n; i++)
		free_intake(mappings->items[i].intake);
	mappings_free(mappings->older);
	free(mappings->items);
	kpid_config_free(mappings->config);
	free(mappings);
}

static struct intake *find(const struct mappings *mappings, const char *name)
{
	for (size_t i = 0; name != NULL && i < mappings->n; i++)
		if (strcmp(mappings->items[i].map->name, name) == 0)
			return mappings->items[i].intake;
	return NULL;
}

struct intake *mappings_of_topic(const struct mappings *mappings, const char *topic)
{
	const struct config_topic *configured = config_topics_find(&mappings->config->topics, topic);
	return configured == NULL ? NULL : find(mappings, configured->map);
}

void mappings_continue(struct mappings *mappings, const struct mappings *before)
{
	for (size_t i = 0; i < mappings->n; i++) {
		const struct intake *old = find(before, mappings->items[i].map->name);
		if (old != NULL)
			mappings->items[i].intake->counts = old->counts;
	}
}
