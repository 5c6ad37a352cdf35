/* Writes the table of options (sample, manual page) and a configuration (INI, JSON). */
#include "config/config_internal.h"

#include <inttypes.h>

#define COLUMNS 98

/* Wraps text into lines that begin with prefix. */
static void add_wrapped(struct buf *out, const char *prefix, const char *text)
{
	size_t column = 0;
	for (const char *word = text; *word != '\0';) {
		size_t length = strcspn(word, " ");
		if (column > 0 && column + 1 + length > COLUMNS) {
			buf_add_char(out, '\n');
			column = 0;
		}
		buf_add_str(out, column == 0 ? prefix : " ");
		column += (column == 0 ? strlen(prefix) : 1) + length;
		buf_add(out, word, length);
		word += length;
		word += strspn(word, " ");
	}
	buf_add_char(out, '\n');
}

/* "1 to 16; default 2; needs a restart" */
static void add_facts(const struct config_option *option, bool with_default, struct buf *out)
{
	config_option_range(option, out);
	if (option->empty_means != NULL)
		buf_add_format(out, "; empty: %s", option->empty_means);
	if (with_default && option->default_text[0] != '\0')
		buf_add_format(out, "; default %s", option->default_text);
	if (!option->reloadable)
		buf_add_str(out, "; needs a restart");
}

static void sample_option(const struct config_option *option, struct buf *out)
{
	buf_add_char(out, '\n');
	add_wrapped(out, "# ", option->help);
	struct buf facts = BUF_INIT;
	buf_add_char(&facts, '(');
	add_facts(option, false, &facts);
	buf_add_char(&facts, ')');
	add_wrapped(out, "# ", facts.data);
	buf_release(&facts);
	buf_add_format(out, "#%s =%s%s\n", option->name, option->default_text[0] == '\0' ? "" : " ",
	               option->default_text);
}

/* There may be any number of these sections, and they have no defaults to show. */
static void sample_named(const struct config_section *section, const struct config_named *named, struct buf *out)
{
	buf_add_format(out, "\n# [%s]\n", section->name);
	add_wrapped(out, "# ", section->help);
	for (size_t i = 0; section->example[i] != NULL; i++)
		buf_add_format(out, "#   %s\n", section->example[i]);
	for (size_t i = 0; i < named->n_shown; i++) {
		struct buf words = BUF_INIT;
		buf_add_format(&words, "%s: %s (", named->options[i].name, named->options[i].help);
		add_facts(&named->options[i], false, &words);
		buf_add_char(&words, ')');
		add_wrapped(out, "# ", words.data);
		buf_release(&words);
	}
}

void kpid_config_write_sample(struct buf *out)
{
	add_wrapped(out, "# ",
	            "The configuration of kpid. Each commented line #name = value shows a default. `kpid check-config` "
	            "checks "
	            "this file. A reload (SIGHUP) reads it again; it is refused if an option that needs a restart has "
	            "changed.");
	for (size_t i = 0; i < config_n_sections; i++) {
		const struct config_section *section = &config_sections[i];
		const struct config_named named = config_named_of(section->kind);
		if (named.n > 0) {
			sample_named(section, &named, out);
			continue;
		}
		buf_add_format(out, "\n[%s]\n", section->name);
		add_wrapped(out, "# ", section->help);
		for (size_t j = 0; section->example != NULL && section->example[j] != NULL; j++)
			buf_add_format(out, "#%s\n", section->example[j]);
		for (size_t j = 0; j < config_n_options; j++)
			if (strcmp(config_options[j].section, section->name) == 0)
				sample_option(&config_options[j], out);
	}
}

/* Escapes text for roff. */
static void add_roff(struct buf *out, const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		buf_add_str(out, "\\&");
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '\\')
			buf_add_str(out, "\\e");
		else if (*c == '-')
			buf_add_str(out, "\\-");
		else
			buf_add_char(out, *c);
	}
}

static void man_option(const struct config_option *option, struct buf *out)
{
	buf_add_str(out, ".TP\n.B ");
	add_roff(out, option->name);
	buf_add_str(out, "\n");
	add_roff(out, option->help);
	struct buf facts = BUF_INIT;
	add_facts(option, true, &facts);
	buf_add_str(out, "\n(");
	add_roff(out, facts.data);
	buf_add_str(out, ")\n");
	buf_release(&facts);
}

void kpid_config_write_man(struct buf *out)
{
	buf_add_str(out, ".TH KPID.INI 5 \"\" \"kpid " KPID_VERSION "\" \"kpid\"\n"
	                 ".SH NAME\nkpid.ini \\- the configuration of kpid\n"
	                 ".SH DESCRIPTION\n"
	                 "An INI file of sections and options.\n"
	                 "A section begins with a line [name]; an option is a line name = value.\n"
	                 "A line that begins with # or ; is a comment.\n"
	                 "A value reaches to the end of its line and may hold any character.\n"
	                 "Every section and every option is optional.\n"
	                 ".PP\n"
	                 ".B kpid check\\-config\n"
	                 "prints every error of the file with its line.\n"
	                 "A reload (SIGHUP) reads the file again. If the file has an error, or an option that needs a "
	                 "restart has changed,\n"
	                 "the daemon keeps its options.\n"
	                 ".SH OPTIONS\n");
	for (size_t i = 0; i < config_n_sections; i++) {
		const struct config_section *section = &config_sections[i];
		buf_add_format(out, ".SS [%s]\n", section->name);
		add_roff(out, section->help);
		buf_add_char(out, '\n');
		if (section->example != NULL)
			buf_add_str(out, ".PP\n.nf\n");
		for (size_t j = 0; section->example != NULL && section->example[j] != NULL; j++) {
			buf_add_str(out, "    ");
			add_roff(out, section->example[j]);
			buf_add_char(out, '\n');
		}
		if (section->example != NULL)
			buf_add_str(out, ".fi\n");
		for (size_t j = 0; j < config_n_options; j++)
			if (strcmp(config_options[j].section, section->name) == 0)
				man_option(&config_options[j], out);
		const struct config_named named = config_named_of(section->kind);
		for (size_t j = 0; j < named.n_shown; j++)
			man_option(&named.options[j], out);
	}
	buf_add_str(out, ".SH FILES\n.TP\n.I " KPID_CONFIG_DEFAULT_PATH "\n"
	                 "read when neither \\-\\-config nor $KPID_CONFIG names another\n"
	                 ".SH SEE ALSO\n.BR kpid (1)\n");
}

static const struct config_pairs *pairs_of(const struct kpid_config *config, enum config_section_kind kind)
{
	return kind == SECTION_KAFKA ? &config->kafka : &config->postgres;
}

static const char *shown(const struct config_pair *pair)
{
	return pair->secret ? "***" : pair->value;
}

static void write_line(const char *name, const char *value, struct buf *out)
{
	buf_add_format(out, "%s =%s%s\n", name, value == NULL || value[0] == '\0' ? "" : " ",
	               value == NULL ? "" : value);
}

static void write_named(const struct config_named *named, const void *item, struct buf *out)
{
	for (size_t i = 0; i < named->n; i++)
		write_line(named->options[i].name, *config_named_text(item, &named->options[i]), out);
}

static void write_maps(const struct config_maps *maps, struct buf *out)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct config_map *map = &maps->items[i];
		buf_add_format(out, "%s[map %s]\n", i > 0 ? "\n" : "", map->name);
		write_named(&config_map_options, map, out);
		for (size_t j = 0; j < map->params.n; j++) {
			struct buf name = BUF_INIT;
			buf_add_format(&name, "param.%s", map->params.items[j].name);
			write_line(name.data, map->params.items[j].value, out);
			buf_release(&name);
		}
	}
}

static void write_hooks(const struct config_hooks *hooks, struct buf *out)
{
	for (size_t i = 0; i < hooks->n; i++) {
		buf_add_format(out, "%s[hook %s]\n", i > 0 ? "\n" : "", hooks->items[i].name);
		write_named(&config_hook_options, &hooks->items[i], out);
	}
}

static void write_options(const struct kpid_config *config, const char *section, struct buf *out)
{
	for (size_t i = 0; i < config_n_options; i++) {
		if (strcmp(config_options[i].section, section) != 0)
			continue;
		struct buf value = BUF_INIT;
		config_option_format(&config_options[i], config, &value);
		write_line(config_options[i].name, buf_text(&value).ptr, out);
		buf_release(&value);
	}
}

static void write_section(const struct kpid_config *config, const struct config_section *section, struct buf *out)
{
	if (config_named_of(section->kind).n == 0)
		buf_add_format(out, "[%s]\n", section->name);
	switch (section->kind) {
	case SECTION_MAP:
		write_maps(&config->maps, out);
		break;
	case SECTION_HOOK:
		write_hooks(&config->hooks, out);
		break;
	case SECTION_KAFKA:
	case SECTION_POSTGRES: {
		const struct config_pairs *pairs = pairs_of(config, section->kind);
		for (size_t i = 0; i < pairs->n; i++)
			buf_add_format(out, "%s = %s\n", pairs->items[i].name, shown(&pairs->items[i]));
		break;
	}
	case SECTION_TOPICS:
		for (size_t i = 0; i < config->topics.n; i++) {
			buf_add_format(out, "%s = ", config->topics.items[i].name);
			config_topic_format(&config->topics.items[i], out);
			buf_add_char(out, '\n');
		}
		break;
	case SECTION_OPTIONS:
		write_options(config, section->name, out);
		break;
	}
}

void kpid_config_write(const struct kpid_config *config, struct buf *out)
{
	for (size_t i = 0; i < config_n_sections; i++) {
		if ((config_sections[i].kind == SECTION_MAP && config->maps.n == 0) ||
		    (config_sections[i].kind == SECTION_HOOK && config->hooks.n == 0))
			continue;
		if (i > 0)
			buf_add_char(out, '\n');
		write_section(config, &config_sections[i], out);
	}
}

/* Writes durations and sizes as in the file, and empty values as null. */
static void json_option(const struct config_option *option, const struct kpid_config *config, struct buf *out)
{
	if (option->type == CONFIG_LIST) {
		const struct config_words *words = (const void *)((const char *)config + option->offset);
		buf_add_char(out, '[');
		for (size_t i = 0; i < words->n; i++) {
			buf_add_str(out, i > 0 ? ", " : "");
			buf_add_json_string(out, text_of(words->items[i]));
		}
		buf_add_char(out, ']');
		return;
	}
	struct buf value = BUF_INIT;
	config_option_format(option, config, &value);
	if (option->type == CONFIG_INTEGER)
		buf_add_text(out, buf_text(&value));
	else if (value.len_bytes == 0)
		buf_add_str(out, "null");
	else
		buf_add_json_string(out, buf_text(&value));
	buf_release(&value);
}

static void json_types(uint32_t types, struct buf *out)
{
	const char *comma = "";
	buf_add_char(out, '[');
	for (enum event_type type = 0; type < EVENT_N_TYPES; type++) {
		if ((types & (UINT32_C(1) << type)) != 0) {
			buf_add_format(out, "%s\"%s\"", comma, event_type_name(type));
			comma = ", ";
		}
	}
	buf_add_char(out, ']');
}

static void json_map_name(const char *name, struct buf *out)
{
	buf_add_str(out, "{\"map\": ");
	buf_add_json_string(out, text_of(name));
	buf_add_char(out, '}');
}

/* Begins the next member of an object: writes a comma unless it is the first, and the name. */
static void json_member(const char *name, bool *first_io, struct buf *out)
{
	buf_add_str(out, *first_io ? "" : ", ");
	*first_io = false;
	buf_add_json_string(out, text_of(name));
	buf_add_str(out, ": ");
}

/* The first members of an object. */
static void json_named(const struct config_named *named, const void *item, struct buf *out)
{
	bool first = true;
	buf_add_char(out, '{');
	for (size_t i = 0; i < named->n; i++) {
		const char *value = *config_named_text(item, &named->options[i]);
		json_member(named->options[i].name, &first, out);
		if (value == NULL)
			buf_add_str(out, "null");
		else
			buf_add_json_string(out, text_of(value));
	}
}

static void json_hook(const struct config_hook *hook, struct buf *out)
{
	json_named(&config_hook_options, hook, out);
	buf_add_char(out, '}');
}

static void json_map(const struct config_map *map, struct buf *out)
{
	bool first = false, first_param = true;
	json_named(&config_map_options, map, out);
	json_member("params", &first, out);
	buf_add_char(out, '{');
	for (size_t i = 0; i < map->params.n; i++) {
		json_member(map->params.items[i].name, &first_param, out);
		buf_add_json_string(out, text_of(map->params.items[i].value));
	}
	buf_add_str(out, "}}");
}

static void json_section(const struct kpid_config *config, const struct config_section *section, struct buf *out)
{
	bool first = true;
	buf_add_char(out, '{');
	switch (section->kind) {
	case SECTION_KAFKA:
	case SECTION_POSTGRES: {
		const struct config_pairs *pairs = pairs_of(config, section->kind);
		for (size_t i = 0; i < pairs->n; i++) {
			json_member(pairs->items[i].name, &first, out);
			buf_add_json_string(out, text_of(shown(&pairs->items[i])));
		}
		break;
	}
	case SECTION_TOPICS:
		for (size_t i = 0; i < config->topics.n; i++) {
			json_member(config->topics.items[i].name, &first, out);
			if (config->topics.items[i].map == NULL)
				json_types(config->topics.items[i].types, out);
			else
				json_map_name(config->topics.items[i].map, out);
		}
		break;
	case SECTION_MAP:
		for (size_t i = 0; i < config->maps.n; i++) {
			json_member(config->maps.items[i].name, &first, out);
			json_map(&config->maps.items[i], out);
		}
		break;
	case SECTION_HOOK:
		for (size_t i = 0; i < config->hooks.n; i++) {
			json_member(config->hooks.items[i].name, &first, out);
			json_hook(&config->hooks.items[i], out);
		}
		break;
	case SECTION_OPTIONS:
		for (size_t i = 0; i < config_n_options; i++) {
			if (strcmp(config_options[i].section, section->name) != 0)
				continue;
			json_member(config_options[i].name, &first, out);
			json_option(&config_options[i], config, out);
		}
		break;
	}
	buf_add_char(out, '}');
}

void kpid_config_write_json(const struct kpid_config *config, struct buf *out)
{
	buf_add_str(out, "{\"file\": ");
	if (config->file == NULL)
		buf_add_str(out, "null");
	else
		buf_add_json_string(out, text_of(config->file));
	for (size_t i = 0; i < config_n_sections; i++) {
		const char *name = config_sections[i].kind == SECTION_MAP    ? "map"
		                   : config_sections[i].kind == SECTION_HOOK ? "hooks"
		                                                             : config_sections[i].name;
		buf_add_format(out, ", \"%s\": ", name);
		json_section(config, &config_sections[i], out);
	}
	buf_add_char(out, '}');
}
