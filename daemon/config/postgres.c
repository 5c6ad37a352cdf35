/* [postgres]: libpq checks names here, and values when it connects. */
#include "config/config_internal.h"

#include <libpq-fe.h>

#include "kpid/base/memory.h"

const struct config_reserved config_postgres_reserved[] = {
        {"client_encoding", "kpid talks to PostgreSQL in UTF-8"},
        {"replication", "kpid needs an ordinary connection"},
        {NULL, NULL},
};

static bool knows(void *user, const char *name, struct suggestion *suggestion_io)
{
	for (const PQconninfoOption *option = user; option->keyword != NULL; option++) {
		if (strcmp(option->keyword, name) == 0)
			return true;
		suggestion_offer(suggestion_io, option->keyword);
	}
	return false;
}

void config_postgres_read(const struct config_source *source, const struct config_entries *entries,
                          struct config_pairs *pairs_out)
{
	PQconninfoOption *known = PQconndefaults();
	if (known == NULL)
		known = PQconninfoParse(
		        "", NULL); /* PQconndefaults() fails on a broken service file; the names are still known */
	struct config_library library = {"libpq", pairs_out, knows, config_postgres_reserved, NULL, known};
	for (size_t i = 0; known != NULL && i < entries->n; i++)
		if (strcmp(entries->items[i].section, "postgres") == 0)
			config_pair_read(&library, source, &entries->items[i]);
	PQconninfoFree(known);
}
