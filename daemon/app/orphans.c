#include "app/orphans.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "app/seen.h"
#include "kpid/base/memory.h"
#include "kpid/core/batch.h"

static void clear(struct orphans *orphans)
{
	for (size_t i = 0; i < orphans->n; i++)
		free(orphans->items[i].topic);
	orphans->n = 0;
}

void orphans_release(struct orphans *orphans)
{
	clear(orphans);
	free(orphans->items);
	orphans->items = NULL;
	orphans->capacity = 0;
}

void orphans_forget(struct orphans *orphans)
{
	clear(orphans);
	orphans->looking = false;
}

/* ---- what the database says ---- */

static void take_row(struct orphans *orphans, const PGresult *result, int row)
{
	struct text topic = pg_get_text(result, row, 1);
	orphans->items = mem_grow(orphans->items, &orphans->capacity, orphans->n + 1, sizeof(*orphans->items));
	struct orphan *orphan = &orphans->items[orphans->n++];
	*orphan = (struct orphan){
	        .topic = mem_zalloc(topic.len + 1),
	        .partition = pg_get_int4(result, row, 2),
	        .source_no = pg_get_int4(result, row, 0),
	        .epoch = pg_get_int8(result, row, 3),
	        .next_offset = PQgetisnull(result, row, 4) ? OFFSET_NONE : pg_get_int8(result, row, 4),
	        .read_to = PQgetisnull(result, row, 5) ? OFFSET_NONE : pg_get_int8(result, row, 5),
	};
	memcpy(orphan->topic, topic.ptr, topic.len);
}

static void on_rows(void *context, PGresult *result)
{
	struct orphans *orphans = context;
	clear(orphans);
	if (!pg_result_ok(result))
		return;
	for (int row = 0; row < PQntuples(result); row++)
		take_row(orphans, result, row);
}

static void on_rows_end(void *context, PGresult *result)
{
	struct orphans *orphans = context;
	struct kafka_probe_list list = {.n = 0};
	(void)result;
	for (size_t i = 0; i < orphans->n; i++)
		kafka_probe_add(&list, orphans->items[i].topic, orphans->items[i].partition);
	if (list.n == 0)
		orphans->looking = false;
	else
		orphans->ask(orphans->context, &list);
}

void orphans_look(struct orphans *orphans, int64_t deadline_us)
{
	char buffer[8];
	if (orphans->looking || !pg_session_is_ready(orphans->session))
		return;
	orphans->looking = true;
	struct pg_param params[2] = {pg_param_time(deadline_us, buffer), pg_param_text(text_of(orphans->instance))};
	pg_session_query(orphans->session, "queries/orphans.sql", params, 2, on_rows, orphans);
	pg_session_sync(orphans->session, on_rows_end, orphans);
}

/* ---- what the brokers say ---- */

static void on_written(void *context, PGresult *result)
{
	struct orphans *orphans = context;
	orphans->moved = pg_result_ok(result) && pg_result_affected(result) > 0;
}

static void on_written_end(void *context, PGresult *result)
{
	struct orphans *orphans = context;
	(void)result;
	orphans->looking = false;
	/* Else the next tick asks again: somebody has yet to read them, and asking faster would not make it sooner. */
	if (orphans->moved)
		orphans->done(orphans->context);
}

static const struct orphan *find(const struct orphans *orphans, const struct kafka_probe_item *answer)
{
	for (size_t i = 0; i < orphans->n; i++)
		if (orphans->items[i].partition == answer->partition &&
		    strcmp(orphans->items[i].topic, answer->topic) == 0)
			return &orphans->items[i];
	return NULL;
}

/* Empty, or read to its very end. */
static bool is_at_end(const struct orphan *orphan, const struct kafka_probe_item *answer)
{
	if (orphan->read_to == OFFSET_NONE)
		return answer->high_offset == answer->low_offset;
	return orphan->read_to == answer->high_offset;
}

void orphans_probed(struct orphans *orphans, const struct kafka_probe_list *answers)
{
	struct seen seen;
	if (!pg_session_is_ready(orphans->session)) {
		orphans->looking = false;
		return;
	}
	seen_start(&seen);
	for (size_t i = 0; i < answers->n; i++) {
		const struct kafka_probe_item *answer = &answers->items[i];
		const struct orphan *orphan = find(orphans, answer);
		if (orphan == NULL || answer->error != RD_KAFKA_RESP_ERR_NO_ERROR || !is_at_end(orphan, answer))
			continue;
		seen_add(&seen, &(struct seen_source){
		                        .source_no = orphan->source_no,
		                        .epoch = orphan->epoch,
		                        .next_offset = orphan->next_offset,
		                        .at_end_us = common_clock_at(orphans->clock, answer->asked_us),
		                        .high_offset = answer->high_offset,
		                        .read_to = answer->high_offset,
		                        .heard = true,
		                });
	}
	orphans->moved = false;
	seen_send(&seen, orphans->session, on_written, on_written_end, orphans);
}
