/* [hook NAME]: webhooks that `kpid hook` receives. */
#include "config/config_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "kpid/base/check.h"
#include "kpid/base/memory.h"

enum { MOST_TEXT_BYTES = 2000, MOST_LIST = 16, MOST_SECRETS = 2 };

#define ROW(name, type, max, empty, help)                                                                              \
	{                                                                                                              \
		"hook NAME", #name, type, offsetof(struct config_hook, name), 1, max, NULL, "", empty, false, help     \
	}

static const struct config_option options[CONFIG_HOOK_N_OPTIONS] = {
        ROW(path, CONFIG_STRING, 200, "required",
            "The path of the address to which the help desk sends, such as /zendesk."),
        ROW(topic, CONFIG_TOPIC, 249, "required",
            "Topic to which each request is written. Name its mapping in [topics] of the daemon."),
        ROW(signature, CONFIG_STRING, 120, "required",
            "How requests are signed: standard-webhooks; zendesk; chatwoot; hub-sha256 (Jira, GitHub); hub-sha1 "
            "(Zammad); bearer or basic (the Authorization header); header NAME (a header that holds the secret, as "
            "Freshdesk and GitLab send it); or none, on this machine only. A request with a wrong signature, or with a "
            "time that is more than 5 minutes off, is refused."),
        ROW(secret_file, CONFIG_STRING, MOST_TEXT_BYTES, "only with signature = none",
            "File of the secret; of NAME:PASSWORD for basic. Two files, separated by a comma, while the secret is "
            "changed: either counts. Everyone but its owner and group must be denied access. A relative path starts at "
            "the folder of this configuration file."),
        ROW(key, CONFIG_STRING, MOST_TEXT_BYTES, "no key",
            "JSON pointers, separated by commas, such as /detail/id: the first one that leads to a text or a number "
            "gives the key of the record, which keeps the records of a ticket in order."),
        ROW(headers, CONFIG_STRING, MOST_TEXT_BYTES, "none",
            "Names of headers, separated by commas, that are kept as headers of the record. Mappings read them as "
            "`headers`."),
};
const struct config_named config_hook_options = {options, CONFIG_HOOK_N_OPTIONS, CONFIG_HOOK_N_OPTIONS};

/* ---- values ---- */

static const char *path_error(const char *path)
{
	static const char *const taken[] = {"/livez", "/readyz", "/metrics"};
	if (path[0] != '/' || strstr(path, "//") != NULL)
		return "must begin with one /, as in /zendesk";
	for (const char *c = path; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("/-._~", *c) == NULL)
			return "may have letters, digits and the characters / - . _ ~";
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(path, taken[i]) == 0)
			return "is an address of the hook itself";
	return NULL;
}

static const char *pointer_error(const char *pointer)
{
	return pointer[0] == '/' ? NULL : "must be JSON pointers, such as /detail/id";
}

static const char *header_error(const char *name)
{
	static const char *const secret[] = {"authorization", "proxy-authorization", "cookie", "kpid-received"};
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return "must be names of headers";
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (strcasecmp(name, secret[i]) == 0)
			return "may name neither headers that hold secrets, such as Authorization, nor kpid-received";
	return name[0] == '\0' ? "has an empty item; remove the extra comma" : NULL;
}

/* Absolute, so that it means the same file wherever it is used. */
static char *whole_path(const char *folder, const char *path)
{
	char *base = folder != NULL && folder[0] == '/' ? NULL : getcwd(NULL, 0);
	char *joined = config_path_from(folder, path), *whole = config_path_from(base, joined);
	free(joined);
	free(base);
	return whole;
}

/* Checks each word of a list, and joins them again. */
static const char *list_error(char **list_io, size_t most, const char *(*word_error)(const char *word),
                              const char *folder)
{
	const char *rest = *list_io, *error = NULL;
	struct buf joined = BUF_INIT;
	size_t n = 0;
	char *word;
	while (config_list_next(&rest, &word)) {
		error = error != NULL        ? error
		        : word_error != NULL ? word_error(word)
		        : word[0] == '\0'    ? "has an empty item; remove the extra comma"
		                             : NULL;
		char *path = word_error == NULL ? whole_path(folder, word) : mem_strdup(word);
		buf_add_format(&joined, "%s%s", n++ > 0 ? ", " : "", path);
		free(path);
		free(word);
	}
	free(*list_io);
	*list_io = joined.data;
	return error != NULL || n <= most ? error
	       : most == MOST_SECRETS     ? "has more than 2 files"
	                                  : "has more than 16 items";
}

static const char *text_error(struct config_hook *hook, char **text, const char *folder)
{
	if (*text == NULL)
		return NULL;
	if (text == &hook->path)
		return path_error(hook->path);
	if (text == &hook->secret_file)
		return list_error(text, MOST_SECRETS, NULL, folder);
	if (text == &hook->key)
		return list_error(text, MOST_LIST, pointer_error, NULL);
	if (text != &hook->headers)
		return NULL;
	const char *error = list_error(text, MOST_LIST, header_error, NULL);
	for (char *c = *text; c != NULL && *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c); /* as mappings read them */
	return error;
}

/* ---- sections ---- */

static const char *hook_of_section(const char *section)
{
	const char *name = NULL;
	return config_named_section(section, &name) == SECTION_HOOK ? name : NULL;
}

static struct config_hook *get(struct config_hooks *hooks, const char *name)
{
	for (size_t i = 0; i < hooks->n; i++)
		if (strcmp(hooks->items[i].name, name) == 0)
			return &hooks->items[i];
	hooks->items = mem_grow(hooks->items, &hooks->capacity, hooks->n + 1, sizeof(*hooks->items));
	hooks->items[hooks->n] = (struct config_hook){.name = mem_strdup(name)};
	return &hooks->items[hooks->n++];
}

static void read_option(const struct config_source *source, const struct config_entry *entry, struct config_hook *hook)
{
	const struct config_option *option = config_named_read(source, entry, config_hook_options, hook, "");
	if (option == NULL)
		return;
	hook->lines[option - options] = entry->from_set ? 0 : entry->line;
	const char *error = text_error(hook, config_named_text(hook, option), entry->from_set ? NULL : source->folder);
	if (error != NULL)
		config_entry_error(source, entry, "%s", error);
}

static void add_missing(const struct config_source *source, const struct config_entries *entries,
                        const struct config_entry *first, const char *option, const char *text, const char *remedy)
{
	if (text == NULL && !config_named_is_set(entries, first->section, option)) /* else its error was reported */
		config_error_add(source->errors, first->from_set ? "--set" : source->path, first->line, first->section,
		                 "%s is missing; %s", option, remedy);
}

/* What the entries of one hook left out, and a path that another one has. */
static void check(const struct config_source *source, const struct config_entries *entries,
                  const struct config_hooks *hooks, size_t at)
{
	const struct config_hook *hook = &hooks->items[at];
	const struct config_entry *first = NULL;
	for (size_t i = 0; i < entries->n && first == NULL; i++) {
		const char *name = hook_of_section(entries->items[i].section);
		if (name != NULL && strcmp(name, hook->name) == 0)
			first = &entries->items[i];
	}
	KPID_CHECK(first != NULL);
	add_missing(source, entries, first, "path", hook->path, "set it, such as path = /zendesk");
	add_missing(source, entries, first, "topic", hook->topic, "name the topic to which requests are written");
	add_missing(source, entries, first, "signature", hook->signature, "say how the sender signs");
	for (size_t i = 0; hook->path != NULL && i < at; i++)
		if (hooks->items[i].path != NULL && strcmp(hooks->items[i].path, hook->path) == 0)
			config_error_add(source->errors, first->from_set ? "--set" : source->path, hook->lines[0],
			                 first->section, "path: [hook %s] has this path, too", hooks->items[i].name);
}

void config_hooks_read(const struct config_source *source, const struct config_entries *entries,
                       struct config_hooks *hooks_out)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct config_entry *entry = &entries->items[i];
		const char *name = hook_of_section(entry->section);
		if (name == NULL)
			continue;
		if (config_named_is_name(name))
			read_option(source, entry, get(hooks_out, name));
		else
			config_entry_error(source, entry,
			                   "the name of a hook has up to 64 letters, digits, '_' and '-'");
	}
	for (size_t i = 0; i < hooks_out->n; i++)
		check(source, entries, hooks_out, i);
}

void config_hooks_release(struct config_hooks *hooks)
{
	for (size_t i = 0; i < hooks->n; i++) {
		free(hooks->items[i].name);
		config_named_release(config_hook_options, &hooks->items[i]);
	}
	free(hooks->items);
	*hooks = (struct config_hooks){NULL, 0, 0};
}
