/* Sections that may occur any number of times, each with a name of its own: [map NAME] and [hook NAME]. */
#include "config/config_internal.h"

#include <stdlib.h>

#include "kpid/base/memory.h"

enum { MOST_NAME_BYTES = 64 };

struct config_named config_named_of(enum config_section_kind kind)
{
	return kind == SECTION_MAP    ? config_map_options
	       : kind == SECTION_HOOK ? config_hook_options
	                              : (struct config_named){NULL, 0, 0};
}

enum config_section_kind config_named_section(const char *section, const char **name_out)
{
	static const struct {
		const char *prefix;
		enum config_section_kind kind;
	} kinds[] = {{"map ", SECTION_MAP}, {"hook ", SECTION_HOOK}};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(section, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		*name_out = section + strlen(kinds[i].prefix);
		return kinds[i].kind;
	}
	return SECTION_OPTIONS;
}

bool config_named_is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	return n > 0 && n <= MOST_NAME_BYTES && name[n] == '\0';
}

char **config_named_text(const void *item, const struct config_option *option)
{
	return (char **)(uintptr_t)((const char *)item + option->offset);
}

const struct config_option *config_named_read(const struct config_source *source, const struct config_entry *entry,
                                              struct config_named named, void *item, const char *otherwise)
{
	const char *folder = entry->from_set ? NULL : source->folder;
	struct suggestion suggestion;
	struct buf message = BUF_INIT;
	suggestion_init(&suggestion, entry->name);
	for (size_t i = 0; i < named.n; i++) {
		const struct config_option *option = &named.options[i];
		suggestion_offer(&suggestion, option->name);
		if (strcmp(option->name, entry->name) != 0)
			continue;
		bool good = entry->value[0] == '\0' ||
		            config_text_parse(option, entry->value, folder, config_named_text(item, option), &message);
		if (!good)
			config_entry_error(source, entry, "%s", message.data);
		buf_release(&message);
		return good ? option : NULL;
	}
	if (suggestion.nearest != NULL)
		config_entry_error(source, entry, "there is no such option; did you mean %s?", suggestion.nearest);
	else
		config_entry_error(source, entry, "there is no such option%s", otherwise);
	return NULL;
}

bool config_named_is_set(const struct config_entries *entries, const char *section, const char *option)
{
	for (size_t i = 0; i < entries->n; i++)
		if (strcmp(entries->items[i].section, section) == 0 && strcmp(entries->items[i].name, option) == 0 &&
		    entries->items[i].value[0] != '\0')
			return true;
	return false;
}

void config_named_release(struct config_named named, void *item)
{
	for (size_t i = 0; i < named.n; i++) {
		free(*config_named_text(item, &named.options[i]));
		*config_named_text(item, &named.options[i]) = NULL;
	}
}
