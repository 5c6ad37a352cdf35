/* What a reload cannot change. */
#include "config/config_internal.h"

#include <stdlib.h>

#include "kpid/base/memory.h"

static void add_name(struct config_words *names, const char *section, const char *name)
{
	struct buf whole = BUF_INIT;
	buf_add_format(&whole, "%s.%s", section, name);
	config_words_add(names, whole.data);
}

/* Names of `these` that the others do not have, or, if values count, have otherwise. */
static void diff_pairs(const char *section, const struct config_pairs *these, const struct config_pairs *others,
                       bool values_count, struct config_words *names_out)
{
	for (size_t i = 0; i < these->n; i++) {
		const char *other = config_pairs_get(others, these->items[i].name);
		if (other == NULL || (values_count && strcmp(other, these->items[i].value) != 0))
			add_name(names_out, section, these->items[i].name);
	}
}

/* Likewise for topics; types are their values. */
static void diff_topics(const struct config_topics *these, const struct config_topics *others, bool values_count,
                        struct config_words *names_out)
{
	for (size_t i = 0; i < these->n; i++) {
		const struct config_topic *other = NULL;
		for (size_t j = 0; other == NULL && j < others->n; j++)
			if (strcmp(others->items[j].name, these->items[i].name) == 0)
				other = &others->items[j];
		if (other == NULL || (values_count && other->types != these->items[i].types))
			add_name(names_out, "topics", these->items[i].name);
	}
}

size_t kpid_config_diff_not_reloadable(const struct kpid_config *before, const struct kpid_config *after,
                                       struct config_words *names_out)
{
	diff_pairs("kafka", &after->kafka, &before->kafka, true, names_out);
	diff_pairs("kafka", &before->kafka, &after->kafka, false, names_out);
	diff_pairs("postgres", &after->postgres, &before->postgres, true, names_out);
	diff_pairs("postgres", &before->postgres, &after->postgres, false, names_out);
	diff_topics(&after->topics, &before->topics, true, names_out);
	diff_topics(&before->topics, &after->topics, false, names_out);
	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *option = &config_options[i];
		struct buf old_value = BUF_INIT, new_value = BUF_INIT;
		config_option_format(option, before, &old_value);
		config_option_format(option, after, &new_value);
		if (!option->reloadable && !text_same(buf_text(&old_value), buf_text(&new_value)))
			add_name(names_out, option->section, option->name);
		buf_release(&old_value);
		buf_release(&new_value);
	}
	return names_out->n;
}
