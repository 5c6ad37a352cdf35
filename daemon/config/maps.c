/* [map NAME]: mappings of topics whose messages are records of other systems. */
#include "config/config_internal.h"

#include <stdlib.h>

#include "kpid/base/memory.h"

#define PARAM "param."

enum { MOST_PARAMS = 64, MOST_PARAM_BYTES = 10000 };

#define ROW(name, type, min, max, empty, help)                                                                         \
	{                                                                                                              \
		"map NAME", #name, type, offsetof(struct config_map, name), min, max, NULL, "", empty, true, help      \
	}

static const struct config_option options[] = {
        ROW(file, CONFIG_PATH, 0, 0, "required",
            "The mapping: a Lua program. A relative path starts at the folder of this configuration file."),
        ROW(time_zone, CONFIG_ZONE, 0, 0, "times without a zone are rejected",
            "Time zone of times that name none, an IANA name."),
        ROW(source, CONFIG_STRING, 1, 200, "/map/NAME", "The source of the events."),
        ROW(ticket_prefix, CONFIG_STRING, 1, 100, "nothing",
            "Put before every ticket ID, so that the tickets of two help desks stay apart."),
        ROW(each, CONFIG_STRING, 1, 200, "a message is one record",
            "JSON pointer to an array, such as /tickets: its elements are the records."),
        {"map NAME", "param.NAME", CONFIG_STRING, 0, 0, MOST_PARAM_BYTES, NULL, "", "an empty text", true,
         "A parameter, which the program reads as `param.NAME`."},
};
const struct config_named config_map_options = {options, sizeof(options) / sizeof(options[0]) - 1,
                                                sizeof(options) / sizeof(options[0])};

/* The name of the mapping in "map NAME"; NULL: another section. */
static const char *map_of_section(const char *section)
{
	const char *name = NULL;
	return config_named_section(section, &name) == SECTION_MAP ? name : NULL;
}

const struct config_map *config_maps_find(const struct config_maps *maps, const char *name)
{
	for (size_t i = 0; name != NULL && i < maps->n; i++)
		if (strcmp(maps->items[i].name, name) == 0)
			return &maps->items[i];
	return NULL;
}

static struct config_map *get(struct config_maps *maps, const char *name)
{
	for (size_t i = 0; i < maps->n; i++)
		if (strcmp(maps->items[i].name, name) == 0)
			return &maps->items[i];
	maps->items = mem_grow(maps->items, &maps->capacity, maps->n + 1, sizeof(*maps->items));
	maps->items[maps->n] = (struct config_map){.name = mem_strdup(name)};
	return &maps->items[maps->n++];
}

static void read_param(const struct config_source *source, const struct config_entry *entry, struct config_map *map)
{
	const char *name = entry->name + strlen(PARAM);
	if (!config_named_is_name(name))
		config_entry_error(source, entry,
		                   "is not the name of a parameter: use up to 64 letters, digits, '_' and '-'");
	else if (strlen(entry->value) > MOST_PARAM_BYTES)
		config_entry_error(source, entry, "is longer than %d bytes", MOST_PARAM_BYTES);
	else if (map->params.n == MOST_PARAMS)
		config_entry_error(source, entry, "there are more than %d parameters", MOST_PARAMS);
	else
		config_pair_add(&map->params, name, entry->value, false, entry->line);
}

static void read_option(const struct config_source *source, const struct config_entry *entry, struct config_map *map)
{
	const struct config_option *option =
	        config_named_read(source, entry, config_map_options, map, "; a parameter is param.NAME = VALUE");
	if (option != NULL && config_named_text(map, option) == &map->each && map->each != NULL && map->each[0] != '/')
		config_entry_error(source, entry, "must be a JSON pointer, such as /tickets");
}

/* What the entries left out. */
static void complete(const struct config_source *source, const struct config_entries *entries, struct config_map *map)
{
	if (map->source == NULL) {
		struct buf name = BUF_INIT;
		buf_add_format(&name, "/map/%s", map->name);
		map->source = name.data;
	}
	for (size_t i = 0; map->file == NULL && i < entries->n; i++) {
		const struct config_entry *entry = &entries->items[i];
		const char *name = map_of_section(entry->section);
		if (name == NULL || strcmp(name, map->name) != 0)
			continue;
		if (!config_named_is_set(entries, entry->section, "file")) /* else its error was reported */
			config_error_add(source->errors, entry->from_set ? "--set" : source->path, entry->line,
			                 entry->section, "file is missing; name the Lua program");
		return;
	}
}

void config_maps_read(const struct config_source *source, const struct config_entries *entries,
                      struct config_maps *maps_out)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct config_entry *entry = &entries->items[i];
		const char *name = map_of_section(entry->section);
		if (name == NULL)
			continue;
		if (!config_named_is_name(name)) {
			config_entry_error(source, entry,
			                   "the name of a mapping has up to 64 letters, digits, '_' and '-'");
			continue;
		}
		struct config_map *map = get(maps_out, name);
		if (strncmp(entry->name, PARAM, strlen(PARAM)) == 0)
			read_param(source, entry, map);
		else
			read_option(source, entry, map);
	}
	for (size_t i = 0; i < maps_out->n; i++)
		complete(source, entries, &maps_out->items[i]);
}

void config_maps_release(struct config_maps *maps)
{
	for (size_t i = 0; i < maps->n; i++) {
		struct config_map *map = &maps->items[i];
		free(map->name);
		config_named_release(config_map_options, map);
		config_pairs_release(&map->params);
	}
	free(maps->items);
	*maps = (struct config_maps){NULL, 0, 0};
}
