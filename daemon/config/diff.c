/* Finds changes that a reload cannot apply. */
#include "config/config_internal.h"

#include <stdlib.h>

#include "kpid/base/memory.h"

static void add_name(struct config_words *names, const char *section, const char *name)
{
	struct buf whole = BUF_INIT;
	buf_add_format(&whole, "%s.%s", section, name);
	config_words_add(names, whole.data);
}

/* Adds the names of `these` that `others` lacks or, if compare_values, holds with another value. */
static void diff_pairs(const char *section, const struct config_pairs *these, const struct config_pairs *others,
                       bool compare_values, struct config_words *names_out)
{
	for (size_t i = 0; i < these->n; i++) {
		const char *other = config_pairs_get(others, these->items[i].name);
		if (other == NULL || (compare_values && strcmp(other, these->items[i].value) != 0))
			add_name(names_out, section, these->items[i].name);
	}
}

static bool is_same(const struct config_topic *one, const struct config_topic *other)
{
	return one->types == other->types && text_same(text_of(one->map), text_of(other->map));
}

/* The same for topics, where the event types or the mapping are the value. */
static void diff_topics(const struct config_topics *these, const struct config_topics *others, bool compare_values,
                        struct config_words *names_out)
{
	for (size_t i = 0; i < these->n; i++) {
		const struct config_topic *other = config_topics_find(others, these->items[i].name);
		if (other == NULL || (compare_values && !is_same(other, &these->items[i])))
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
		if (strcmp(option->section, "board") == 0 || strcmp(option->section, "hook") == 0)
			continue; /* of processes of their own */
		config_option_format(option, before, &old_value);
		config_option_format(option, after, &new_value);
		if (!option->reloadable && !text_same(buf_text(&old_value), buf_text(&new_value)))
			add_name(names_out, option->section, option->name);
		buf_release(&old_value);
		buf_release(&new_value);
	}
	return names_out->n;
}
