/* [kafka]: checked by librdkafka itself. */
#include "config/config_internal.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/memory.h"

struct kafka_names {
	rd_kafka_conf_t *conf;
	struct config_words names; /* all that librdkafka knows; read when first needed */
};

static const char *reserved(const char *name)
{
	static const char *const offsets = "kpid keeps its place in PostgreSQL, in the same transaction as the figures";
	static const struct {
		const char *name, *reason;
	} rows[] = {
	        {"auto.offset.reset",
	         "where a new partition begins is said by [run] start, and nothing else is ever skipped"},
	        {"enable.partition.eof",
	         "kpid must see the end of each partition to know that a deadline has truly passed"},
	        {"transactional.id", "alerts are sent from a table in PostgreSQL, not in a Kafka transaction"},
	};
	static const char *const of_offsets[] = {"enable.auto.commit",      "auto.commit.enable",
	                                         "auto.commit.interval.ms", "enable.auto.offset.store",
	                                         "offset.store.method",     "offset.store.path"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].reason;
	for (size_t i = 0; i < sizeof(of_offsets) / sizeof(of_offsets[0]); i++)
		if (strcmp(of_offsets[i], name) == 0)
			return offsets;
	return NULL;
}

/* librdkafka tells all its names in one way only: as a table, "name | ...". */
static void read_names(struct config_words *names_out)
{
	char *table = NULL;
	size_t n_table = 0;
	FILE *stream = open_memstream(&table, &n_table);
	if (stream == NULL)
		return;
	rd_kafka_conf_properties_show(stream);
	fclose(stream);
	char *rest = table, *line;
	while ((line = strsep(&rest, "\n")) != NULL) {
		size_t length = strcspn(line, " |");
		if (length > 0 && line[length] != '\0' && strchr(line, '|') != NULL && line[0] >= 'a' && line[0] <= 'z')
			config_words_add(names_out, strndup(line, length));
	}
	free(table);
}

static bool knows(void *user, const char *name, struct suggestion *suggestion_io)
{
	struct kafka_names *kafka = user;
	if (kafka->names.n == 0)
		read_names(&kafka->names);
	for (size_t i = 0; i < kafka->names.n; i++) {
		if (strcmp(kafka->names.items[i], name) == 0)
			return true;
		suggestion_offer(suggestion_io, kafka->names.items[i]);
	}
	return false;
}

static bool accepts(void *user, const char *name, const char *value, struct buf *message_out)
{
	struct kafka_names *kafka = user;
	char why[512] = "";
	if (rd_kafka_conf_set(kafka->conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return true;
	why[strcspn(why, "\n")] = '\0';
	if (config_name_is_secret(name))
		buf_add_str(message_out, "librdkafka does not take this value");
	else
		buf_add_format(message_out, "librdkafka does not take \"%s\": %s", value, why);
	return false;
}

void config_kafka_read(const struct config_source *source, const struct config_entries *entries,
                       struct config_pairs *pairs_out)
{
	struct kafka_names kafka = {.conf = rd_kafka_conf_new()};
	struct config_library library = {"librdkafka", pairs_out, knows, reserved, accepts, &kafka};
	for (size_t i = 0; i < entries->n; i++)
		if (strcmp(entries->items[i].section, "kafka") == 0)
			config_pair_read(&library, source, &entries->items[i]);
	if (config_pairs_get(pairs_out, "group.id") == NULL)
		config_pair_add(pairs_out, "group.id", "kpid", false, 0);
	if (config_pairs_get(pairs_out, "client.id") == NULL)
		config_pair_add(pairs_out, "client.id", "kpid", false, 0);
	config_words_release(&kafka.names);
	rd_kafka_conf_destroy(kafka.conf);
}
