#include "adapters/metrics/counts.h"

#include <stdio.h>

#include "kpid/base/memory.h"

/* The likely ones are there from the start: races between instances; a read-only server, a missing right, a full disk.
 */
struct counts counts = {
        .retries = {{"40001", 0}, {"40P01", 0}, {"55P03", 0}, {"25006", 0}, {"42501", 0}, {"53100", 0}},
        .n_retries = 6,
};

static void count_messages(const struct batch_source *source)
{
	int64_t n_dead = source->n_dead_letters + source->n_too_many;
	int64_t n_new = source->n_messages - source->n_duplicates - source->n_tombstones - source->n_unknown_type -
	                source->n_passed_over - n_dead;
	counts.events[OUTCOME_DUPLICATE] += (uint64_t)source->n_duplicates;
	counts.events[OUTCOME_TOMBSTONE] += (uint64_t)source->n_tombstones;
	counts.events[OUTCOME_UNKNOWN_TYPE] += (uint64_t)source->n_unknown_type;
	counts.events[OUTCOME_DEAD_LETTER] += (uint64_t)n_dead;
	counts.events[OUTCOME_PASSED_OVER] += (uint64_t)source->n_passed_over;
	counts.dead_letters[DEAD_TOO_MANY] += (uint64_t)source->n_too_many;
	/* Events that were set aside were counted as new when they were read. */
	if (n_new > 0)
		counts.events[OUTCOME_NEW] += (uint64_t)n_new;
}

void counts_committed(const struct batch *batch, int64_t now_us)
{
	const struct batch_tally *tally = &batch->tally;
	for (size_t i = 0; i < batch->n_sources; i++)
		count_messages(&batch->sources[i]);
	for (size_t i = 0; i < batch->n_dead_letters; i++)
		counts.dead_letters[batch->dead_letters[i].reason]++;
	counts.dead_letters[DEAD_ID_CONFLICT] += tally->n_conflicts;
	for (size_t i = 0; i < tally->n_breaches; i++) {
		counts.breaches[tally->breaches[i].target]++;
		histogram_add(&counts.deadline_to_row, now_us - tally->breaches[i].at_us, 1);
	}
	for (int i = 0; i < TARGET_N; i++)
		counts.voided[i] += tally->n_voided[i];
	arrivals_measure(&batch->arrivals, now_us, &counts.event_to_commit);
}

void counts_retry(const char *sqlstate)
{
	size_t i = 0;
	while (i < counts.n_retries && strcmp(counts.retries[i].sqlstate, sqlstate) != 0)
		i++;
	if (i == COUNTS_MOST_SQLSTATES)
		i--;
	if (i == counts.n_retries) {
		snprintf(counts.retries[i].sqlstate, SQLSTATE_BYTES, "%s",
		         i == COUNTS_MOST_SQLSTATES - 1 ? "other" : sqlstate);
		counts.n_retries++;
	}
	counts.retries[i].n++;
}

struct counts_of_receiver *counts_receiver(const char *name)
{
	for (size_t i = 0; i < counts.n_receivers; i++)
		if (strcmp(counts.receivers[i].name, name) == 0)
			return &counts.receivers[i];
	counts.receivers = mem_grow(counts.receivers, &counts.receivers_capacity, counts.n_receivers + 1,
	                            sizeof(*counts.receivers));
	struct counts_of_receiver *added = &counts.receivers[counts.n_receivers++];
	*added = (struct counts_of_receiver){.name = mem_strdup(name)};
	return added;
}
