#include "app/unowned_partitions.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "app/observations.h"
#include "kpid/base/memory.h"
#include "kpid/core/batch.h"
#include "kpid/core/partition_end.h"

static void clear(struct unowned_partitions *unowned)
{
	for (size_t i = 0; i < unowned->n; i++)
		free(unowned->items[i].topic);
	unowned->n = 0;
}

void unowned_partitions_release(struct unowned_partitions *unowned)
{
	clear(unowned);
	free(unowned->items);
	unowned->items = NULL;
	unowned->capacity = 0;
}

void unowned_partitions_forget(struct unowned_partitions *unowned)
{
	clear(unowned);
	unowned->looking = false;
}

/* ---- the database ---- */

static void take_row(struct unowned_partitions *unowned, const PGresult *result, int row)
{
	struct text topic = pg_get_text(result, row, UNOWNED_PARTITIONS_TOPIC);
	unowned->items = mem_grow(unowned->items, &unowned->capacity, unowned->n + 1, sizeof(*unowned->items));
	struct unowned_partition *partition = &unowned->items[unowned->n++];
	*partition = (struct unowned_partition){
	        .topic = mem_zalloc(topic.len + 1),
	        .partition = pg_get_int4(result, row, UNOWNED_PARTITIONS_PARTITION),
	        .source_no = pg_get_int4(result, row, UNOWNED_PARTITIONS_SOURCE_NO),
	        .epoch = pg_get_int8(result, row, UNOWNED_PARTITIONS_EPOCH),
	        .next_offset = pg_get_int8_or(result, row, UNOWNED_PARTITIONS_NEXT_OFFSET, OFFSET_NONE),
	        .read_to = pg_get_int8_or(result, row, UNOWNED_PARTITIONS_READ_TO, OFFSET_NONE),
	};
	memcpy(partition->topic, topic.ptr, topic.len);
}

static void on_rows(void *context, PGresult *result)
{
	struct unowned_partitions *unowned = context;
	clear(unowned);
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++)
		take_row(unowned, result, row);
}

static void on_rows_end(void *context, PGresult *result)
{
	struct unowned_partitions *unowned = context;
	struct kafka_probe_list list = {.n = 0};
	(void)result;
	for (size_t i = 0; i < unowned->n; i++)
		kafka_probe_add(&list, unowned->items[i].topic, unowned->items[i].partition);
	if (list.n == 0)
		unowned->looking = false;
	else
		unowned->ask(unowned->context, &list);
}

void unowned_partitions_check(struct unowned_partitions *unowned, int64_t deadline_us)
{
	char buffer[8];
	if (unowned->looking || !pg_session_is_ready(unowned->session))
		return;
	unowned->looking = true;
	struct pg_param params[UNOWNED_PARTITIONS_N_PARAMS] = {
	        [UNOWNED_PARTITIONS_PARAM_DEADLINE] = pg_param_time(deadline_us, buffer),
	        [UNOWNED_PARTITIONS_PARAM_INSTANCE] = pg_param_text(text_of(unowned->instance)),
	};
	pg_session_query(unowned->session, "queries/unowned_partitions.sql", params, UNOWNED_PARTITIONS_N_PARAMS,
	                 on_rows, unowned);
	pg_session_sync(unowned->session, on_rows_end, unowned);
}

/* ---- the brokers ---- */

static void on_written(void *context, PGresult *result)
{
	struct unowned_partitions *unowned = context;
	unowned->moved = pg_result_ok(result) && pg_result_affected(result) > 0;
}

static void on_written_end(void *context, PGresult *result)
{
	struct unowned_partitions *unowned = context;
	(void)result;
	unowned->looking = false;
	/* Otherwise the next tick asks again. Asking earlier would not help: an owner still has to read them. */
	if (unowned->moved)
		unowned->done(unowned->context);
}

static const struct unowned_partition *find(const struct unowned_partitions *unowned,
                                            const struct kafka_probe_item *answer)
{
	for (size_t i = 0; i < unowned->n; i++)
		if (unowned->items[i].partition == answer->partition &&
		    strcmp(unowned->items[i].topic, answer->topic) == 0)
			return &unowned->items[i];
	return NULL;
}

static bool is_at_end(const struct unowned_partition *partition, const struct kafka_probe_item *answer)
{
	return partition_was_left_at_end(partition->next_offset, partition->read_to, answer->low_offset,
	                                 answer->high_offset);
}

void unowned_partitions_probed(struct unowned_partitions *unowned, const struct kafka_probe_list *answers)
{
	struct observations observations;
	if (!pg_session_is_ready(unowned->session)) {
		unowned->looking = false;
		return;
	}
	observations_start(&observations);
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		const struct unowned_partition *partition = find(unowned, answer);
		if (partition == NULL || answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || !is_at_end(partition, answer))
			continue;
		observations_add(&observations, &(struct observation){
		                                        .source_no = partition->source_no,
		                                        .epoch = partition->epoch,
		                                        .next_offset = partition->next_offset,
		                                        .at_end_us = common_clock_at(unowned->clock, answer->asked_us),
		                                        .high_offset = answer->high_offset,
		                                        .read_to = answer->high_offset,
		                                        .recently_seen = true,
		                                        .asked_us = common_clock_at(unowned->clock, answer->asked_us),
		                                });
	}
	unowned->moved = false;
	observations_send(&observations, unowned->session, on_written, unowned);
	pg_session_sync(unowned->session, on_written_end, unowned);
}
