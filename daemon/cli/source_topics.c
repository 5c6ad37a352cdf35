/* kpid source drop: the topics of a source, and where they begin. */
#include <librdkafka/rdkafka.h>

#include "adapters/kafka/conf.h"
#include "cli/source_drop.h"
#include "kpid/core/event.h"

enum { TIMEOUT_MS = 10000 };

void source_topics_release(struct source_topics *topics)
{
	pg_array_release(&topics->topics);
	pg_array_release(&topics->partitions);
	pg_array_release(&topics->offsets);
	pg_array_release(&topics->whole);
}

static const struct config_map *map_of(const struct kpid_config *config, size_t i)
{
	return config_maps_find(&config->maps, config->topics.items[i].map);
}

void source_topics_find_whole(struct source_topics *topics, const struct kpid_config *config, const char *source)
{
	pg_array_start(&topics->whole, PG_OID_TEXT);
	for (size_t i = 0; i < config->topics.n; i++) {
		const struct config_map *map = map_of(config, i);
		if (map != NULL && source_is_within(text_of(map->source), text_of(source)))
			pg_array_text(&topics->whole, text_of(config->topics.items[i].name));
	}
}

/* A mapping may give sources below its own. */
static void find_mapped(struct pg_array *names, const struct kpid_config *config, struct text dropped)
{
	pg_array_start(names, PG_OID_TEXT);
	for (size_t i = 0; i < config->topics.n; i++) {
		const struct config_map *map = map_of(config, i);
		if (map == NULL)
			continue;
		struct text mapped = text_of(map->source);
		if (source_is_within(mapped, dropped) || source_is_within(dropped, mapped))
			pg_array_text(names, text_of(config->topics.items[i].name));
	}
}

void source_topics_known(const struct kpid_config *config, struct buf *out)
{
	for (size_t i = 0; i < config->maps.n; i++)
		buf_add_format(out, "%s%s", i == 0 ? ": " : ", ", config->maps.items[i].source);
}

static int ask_one(struct source_topics *topics, const struct pg_sync *sync, rd_kafka_t *client, const PGresult *rows,
                   int row)
{
	int64_t low, high;
	struct text name = pg_get_text(rows, row, SOURCE_DROP_TOPICS_TOPIC);
	const char *topic = PQgetvalue(rows, row, SOURCE_DROP_TOPICS_TOPIC);
	int32_t partition = pg_get_int4(rows, row, SOURCE_DROP_TOPICS_PARTITION);
	if (text_same(pg_get_text(rows, row, SOURCE_DROP_TOPICS_STATE), TEXT("stopped"))) {
		pg_sync_print_error(sync, "%s/%d is stopped at a gap: run kpid gap accept first", topic,
		                    (int)partition);
		return CLI_FAILED;
	}
	rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(client, topic, partition, &low, &high, TIMEOUT_MS);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
		pg_sync_print_error(sync, "the oldest message of %s/%d is unknown: %s; run the same command again",
		                    topic, (int)partition, rd_kafka_err2str(error));
		return CLI_NO_KAFKA;
	}
	pg_array_text(&topics->topics, name);
	pg_array_int4(&topics->partitions, partition);
	pg_array_int8(&topics->offsets, low, false);
	return CLI_OK;
}

static int ask_all(struct source_topics *topics, const struct pg_sync *sync, const struct kpid_config *config,
                   const PGresult *rows)
{
	rd_kafka_t *client = kafka_client_new(RD_KAFKA_CONSUMER, kafka_conf_probe(&config->kafka));
	int status = client == NULL ? CLI_NO_KAFKA : CLI_OK; /* already reported */
	for (int row = 0; status == CLI_OK && row < PQntuples(rows); row++)
		status = ask_one(topics, sync, client, rows, row);
	if (client != NULL)
		rd_kafka_destroy(client);
	return status;
}

int source_topics_ask(struct source_topics *topics, struct pg_sync *sync, const struct kpid_config *config,
                      const char *source)
{
	struct pg_array names = {.n = 0};
	pg_array_start(&topics->topics, PG_OID_TEXT);
	pg_array_start(&topics->partitions, PG_OID_INT4);
	pg_array_start(&topics->offsets, PG_OID_INT8);
	find_mapped(&names, config, text_of(source));
	if (names.n == 0) {
		struct buf known = BUF_INIT;
		source_topics_known(config, &known);
		pg_sync_print_error(sync,
		                    "--reread: no topic of the configuration is mapped to %s. The mappings have these "
		                    "sources%s",
		                    source, known.len_bytes == 0 ? ": none" : known.data);
		buf_release(&known);
		pg_array_release(&names);
		return CLI_FAILED;
	}
	const struct pg_param param = pg_array_param(&names);
	PGresult *rows = pg_sync_query(sync, "queries/source_drop_topics.sql", &param, 1);
	int status = rows == NULL ? pg_sync_failed(sync) : ask_all(topics, sync, config, rows);
	PQclear(rows);
	pg_array_release(&names);
	return status;
}
