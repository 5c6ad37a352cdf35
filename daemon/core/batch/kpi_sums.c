/* Sums what the tickets of a batch change, per agent and bucket. */
#include <stdlib.h>
#include <string.h>

#include "kpid/base/check.h"
#include "kpid/base/hash.h"
#include "kpid/base/memory.h"
#include "kpid/core/batch.h"

enum { FIRST_SLOTS = 1024, FIRST_MEASURES = 4, KEEP_BYTES = 1 << 20 };

void kpi_sums_init(struct kpi_sums *sums)
{
	*sums = (struct kpi_sums){.n_slots = 0};
	arena_init(&sums->arena);
}

void kpi_sums_release(struct kpi_sums *sums)
{
	arena_release(&sums->arena);
	free(sums->slots);
	free(sums->agent_slots);
	kpi_sums_init(sums);
}

void kpi_sums_clear(struct kpi_sums *sums)
{
	arena_clear(&sums->arena, KEEP_BYTES);
	if (sums->n_slots > 0)
		memset(sums->slots, 0, sums->n_slots * sizeof(struct kpi_row *));
	if (sums->n_agent_slots > 0)
		memset(sums->agent_slots, 0, sums->n_agent_slots * sizeof(struct batch_agent *));
	sums->n_rows = sums->n_agents = 0;
}

/* Agents are interned, so rows are looked up by the address of the agent. */
static struct batch_agent *agent_of(struct kpi_sums *sums, struct text agent_id)
{
	if (sums->n_agents >= sums->n_agent_slots) {
		size_t n_slots = sums->n_agent_slots == 0 ? FIRST_SLOTS : sums->n_agent_slots * 4;
		struct batch_agent **slots = mem_zalloc(n_slots * sizeof(struct batch_agent *));
		for (size_t i = 0; i < sums->n_agent_slots; i++) {
			for (struct batch_agent *agent = sums->agent_slots[i], *next; agent != NULL; agent = next) {
				next = agent->next_in_slot;
				agent->next_in_slot = slots[agent->hash & (n_slots - 1)];
				slots[agent->hash & (n_slots - 1)] = agent;
			}
		}
		free(sums->agent_slots);
		sums->agent_slots = slots;
		sums->n_agent_slots = n_slots;
	}
	uint64_t hash = hash_text(agent_id);
	struct batch_agent **slot = &sums->agent_slots[hash & (sums->n_agent_slots - 1)];
	for (struct batch_agent *agent = *slot; agent != NULL; agent = agent->next_in_slot)
		if (agent->hash == hash && text_same(agent->agent_id, agent_id))
			return agent;
	struct batch_agent *agent = arena_alloc(&sums->arena, sizeof(*agent));
	*agent = (struct batch_agent){
	        .agent_id = agent_id.len == 0 ? TEXT("") : arena_text(&sums->arena, agent_id),
	        .hash = hash,
	        .next_in_slot = *slot,
	};
	*slot = agent;
	sums->n_agents++;
	return agent;
}

static size_t row_slot(const char *agent, int64_t bucket_us, size_t n_slots)
{
	return hash_mix((uint64_t)(uintptr_t)agent * 31 ^ (uint64_t)bucket_us) & (n_slots - 1);
}

static void grow_rows(struct kpi_sums *sums)
{
	size_t n_slots = sums->n_slots == 0 ? FIRST_SLOTS : sums->n_slots * 4;
	struct kpi_row **slots = mem_zalloc(n_slots * sizeof(struct kpi_row *));
	for (size_t i = 0; i < sums->n_slots; i++) {
		for (struct kpi_row *row = sums->slots[i], *next; row != NULL; row = next) {
			next = row->next_in_slot;
			size_t slot = row_slot(row->agent_id.ptr, row->bucket_us, n_slots);
			row->next_in_slot = slots[slot];
			slots[slot] = row;
		}
	}
	free(sums->slots);
	sums->slots = slots;
	sums->n_slots = n_slots;
}

static struct kpi_row *row_of(struct kpi_sums *sums, struct text interned, int64_t bucket_us)
{
	if (sums->n_rows >= sums->n_slots)
		grow_rows(sums);
	struct kpi_row **slot = &sums->slots[row_slot(interned.ptr, bucket_us, sums->n_slots)];
	for (struct kpi_row *row = *slot; row != NULL; row = row->next_in_slot)
		if (row->agent_id.ptr == interned.ptr && row->bucket_us == bucket_us)
			return row;
	struct kpi_row *row = arena_zalloc(&sums->arena, sizeof(*row));
	row->agent_id = interned;
	row->bucket_us = bucket_us;
	row->next_in_slot = *slot;
	*slot = row;
	sums->n_rows++;
	return row;
}

_Static_assert(KPI_N_MEASURES <= 32, "struct kpi_row has one bit for each measure");

static uint32_t bit_of(enum kpi_measure measure)
{
	return UINT32_C(1) << measure;
}

/* Where a row holds the sum of a measure, or would hold it. */
static size_t place_of(const struct kpi_row *row, enum kpi_measure measure)
{
	return (size_t)__builtin_popcount(row->held & (bit_of(measure) - 1));
}

static int64_t *hold(struct kpi_sums *sums, struct kpi_row *row, enum kpi_measure measure)
{
	size_t at = place_of(row, measure), n_held = (size_t)__builtin_popcount(row->held);
	if ((row->held & bit_of(measure)) != 0)
		return &row->low[at];
	if (n_held == row->capacity) {
		row->capacity = row->capacity == 0 ? FIRST_MEASURES : row->capacity * 2;
		int64_t *low = arena_alloc(&sums->arena, row->capacity * sizeof(*low));
		if (n_held > 0)
			memcpy(low, row->low, n_held * sizeof(*low));
		row->low = low;
	}
	memmove(&row->low[at + 1], &row->low[at], (n_held - at) * sizeof(*row->low));
	row->low[at] = 0;
	row->held |= bit_of(measure);
	return &row->low[at];
}

static int32_t *wraps_of(struct kpi_sums *sums, struct kpi_row *row, enum kpi_measure measure)
{
	int time = kpi_measure_time(measure);
	KPID_CHECK(time >= 0); /* counts and scores stay far below 64 bits */
	if (row->wraps == NULL)
		row->wraps = arena_zalloc(&sums->arena, KPI_N_TIMES * sizeof(*row->wraps));
	return &row->wraps[time];
}

static void add_to_row(struct kpi_sums *sums, struct kpi_row *row, enum kpi_measure measure, int64_t value)
{
	int64_t *low = hold(sums, row, measure);
	if (__builtin_add_overflow(*low, value, low))
		*wraps_of(sums, row, measure) += value > 0 ? 1 : -1;
}

kpi_sum kpi_row_sum(const struct kpi_row *row, enum kpi_measure measure)
{
	if ((row->held & bit_of(measure)) == 0)
		return 0;
	int time = kpi_measure_time(measure);
	kpi_sum wraps = time < 0 || row->wraps == NULL ? 0 : row->wraps[time];
	return wraps * ((kpi_sum)1 << 64) + row->low[place_of(row, measure)];
}

void kpi_sums_add_sum(struct kpi_sums *sums, struct text agent_id, int64_t bucket_us, enum kpi_measure measure,
                      kpi_sum sum)
{
	struct kpi_row *row = row_of(sums, agent_of(sums, agent_id)->agent_id, bucket_us);
	kpi_sum total = kpi_row_sum(row, measure) + sum;
	int64_t low = (int64_t)(uint64_t)total;
	*hold(sums, row, measure) = low;
	if (kpi_measure_time(measure) >= 0)
		*wraps_of(sums, row, measure) = (int32_t)((total - low) >> 64);
}

void kpi_sums_add(struct kpi_sums *sums, const struct kpi_entry *entries, size_t n_entries, int64_t sign)
{
	struct kpi_row *row = NULL;
	struct text last = TEXT_ABSENT;
	for (size_t i = 0; i < n_entries; i++) {
		const struct kpi_entry *entry = &entries[i];
		/* Entries of one moment are adjacent. */
		if (row == NULL || row->bucket_us != entry->bucket_us || last.ptr != entry->agent_id.ptr ||
		    last.len != entry->agent_id.len) {
			row = row_of(sums, agent_of(sums, entry->agent_id)->agent_id, entry->bucket_us);
			last = entry->agent_id;
		}
		add_to_row(sums, row, entry->measure, sign * entry->value);
	}
}

void kpi_sums_add_backlog(struct kpi_sums *sums, struct text agent_id, int64_t change)
{
	agent_of(sums, agent_id)->backlog += change;
}

static int compare_rows(const void *a, const void *b)
{
	const struct kpi_row *x = *(struct kpi_row *const *)a, *y = *(struct kpi_row *const *)b;
	if (x->bucket_us != y->bucket_us)
		return x->bucket_us < y->bucket_us ? -1 : 1;
	return text_compare(x->agent_id, y->agent_id);
}

static bool row_is_zero(const struct kpi_row *row)
{
	for (int i = 0; i < KPI_N_MEASURES; i++)
		if (kpi_row_holds(row, (enum kpi_measure)i) && kpi_row_sum(row, (enum kpi_measure)i) != 0)
			return false;
	return true;
}

struct kpi_row **kpi_sums_sorted(struct kpi_sums *sums, size_t *n_rows_out)
{
	struct kpi_row **rows = arena_alloc(&sums->arena, (sums->n_rows + 1) * sizeof(struct kpi_row *));
	size_t n = 0;
	for (size_t i = 0; i < sums->n_slots; i++)
		for (struct kpi_row *row = sums->slots[i]; row != NULL; row = row->next_in_slot)
			if (!row_is_zero(row))
				rows[n++] = row;
	qsort(rows, n, sizeof(struct kpi_row *), compare_rows);
	for (size_t i = 1; i < n; i++)
		KPID_CHECK(compare_rows(&rows[i - 1], &rows[i]) < 0);
	*n_rows_out = n;
	return rows;
}

static int compare_agents(const void *a, const void *b)
{
	const struct batch_agent *x = *(struct batch_agent *const *)a, *y = *(struct batch_agent *const *)b;
	return text_compare(x->agent_id, y->agent_id);
}

struct batch_agent **kpi_sums_backlog(struct kpi_sums *sums, size_t *n_agents_out)
{
	struct batch_agent **agents = arena_alloc(&sums->arena, (sums->n_agents + 1) * sizeof(struct batch_agent *));
	size_t n = 0;
	for (size_t i = 0; i < sums->n_agent_slots; i++)
		for (struct batch_agent *agent = sums->agent_slots[i]; agent != NULL; agent = agent->next_in_slot)
			if (agent->backlog != 0)
				agents[n++] = agent;
	qsort(agents, n, sizeof(struct batch_agent *), compare_agents);
	*n_agents_out = n;
	return agents;
}
