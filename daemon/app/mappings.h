/* The mappings of a configuration, loaded: the programs that make events of the records in its topics (M1, M10). */
#ifndef KPID_APP_MAPPINGS_H
#define KPID_APP_MAPPINGS_H

#include <stddef.h>

#include "app/intake.h"
#include "kpid/base/digest.h"
#include "kpid/config.h"

struct mappings_item {
	const struct config_map *map;
	char identity[SHA256_HEX_BYTES]; /* of all that decides which events a record gives: the text and the options */
	struct intake *intake;
};

struct mappings {
	struct kpid_config *config; /* held: the items borrow from it */
	struct mappings_item *items;
	size_t n;
	struct mappings *older; /* freed with these; NULL */
};

/* Loads all mappings of the configuration. Returns NULL after adding an error for each that cannot be loaded. */
struct mappings *mappings_load(struct kpid_config *config, struct config_errors *errors);
void mappings_free(struct mappings *mappings); /* NULL is allowed */
/* NULL: the topic is not mapped. */
struct intake *mappings_of_topic(const struct mappings *mappings, const char *topic);
/* Takes over what the mappings of the same name have counted so far. */
void mappings_continue(struct mappings *mappings, const struct mappings *before);

#endif
