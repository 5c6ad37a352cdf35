#include "kpid/core/batch.h"

enum { FIRST_CAUTION = 16, MOST_CAUTION = 4096 };

struct kpi_frontier kpi_frontier_first(void)
{
	return (struct kpi_frontier){.until_us = TIME_NONE, .caution = FIRST_CAUTION};
}

bool kpi_frontier_is_careful(const struct kpi_frontier *frontier)
{
	return frontier->n_careful > 0;
}

int64_t kpi_frontier_new_after_us(const struct kpi_frontier *frontier)
{
	return frontier->until_us == TIME_NONE || frontier->n_careful > 0 ? INT64_MAX : frontier->until_us;
}

void kpi_frontier_committed(struct kpi_frontier *frontier, int64_t latest_us)
{
	if (latest_us != TIME_NONE && (frontier->until_us == TIME_NONE || latest_us > frontier->until_us))
		frontier->until_us = latest_us;
	if (frontier->n_careful > 0)
		frontier->n_careful--;
}

void kpi_frontier_collided(struct kpi_frontier *frontier)
{
	frontier->n_careful = frontier->caution;
	if (frontier->caution < MOST_CAUTION)
		frontier->caution *= 2;
}
