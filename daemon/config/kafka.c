/* [kafka]: librdkafka itself checks names and values. */
#include "config/config_internal.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kpid/base/memory.h"

struct kafka_names {
	rd_kafka_conf_t *conf;
	struct config_words names; /* every property of librdkafka; read on first use */
};

#define OFFSETS "kpid stores its offsets in PostgreSQL, in the transaction that writes the figures"

const struct config_reserved config_kafka_reserved[] = {
        {"auto.offset.reset", "set [run] start instead; kpid never skips messages in any other way"},
        {"enable.auto.commit", OFFSETS},
        {"auto.commit.enable", OFFSETS},
        {"auto.commit.interval.ms", OFFSETS},
        {"enable.auto.offset.store", OFFSETS},
        {"offset.store.method", OFFSETS},
        {"offset.store.path", OFFSETS},
        {"enable.partition.eof", "kpid needs the end of each partition to know that a deadline has passed"},
        {"allow.auto.create.topics", "kpid creates no topic, so that a name with a typing error does not become one"},
        {"transactional.id", "kpid sends alerts from an outbox in PostgreSQL, not in a Kafka transaction"},
        {NULL, NULL},
};

/* The only list that librdkafka gives of its properties is a printed table: "name | ...". */
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
	struct config_library library = {"librdkafka", pairs_out, knows, config_kafka_reserved, accepts, &kafka};
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
