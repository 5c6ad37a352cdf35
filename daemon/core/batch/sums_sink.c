#include "sums_sink.h"

static void flush(struct kpi_sink *base)
{
	struct sums_sink *sink = (struct sums_sink *)base;
	kpi_sums_add(sink->sums, base->entries, base->n, sink->sign);
	base->n = 0;
}

void sums_sink_begin(struct sums_sink *sink, struct kpi_sums *sums, int64_t sign)
{
	sink->sums = sums;
	sink->sign = sign;
	sink->sink = (struct kpi_sink){sink->entries, 0, sizeof(sink->entries) / sizeof(sink->entries[0]), flush};
}

static bool is_in_backlog(const struct ticket *ticket)
{
	return ticket->state == TICKET_OPEN || ticket->state == TICKET_PAUSED;
}

void sums_sink_finish(struct sums_sink *sink, const struct ticket *ticket)
{
	flush(&sink->sink);
	if (is_in_backlog(ticket))
		kpi_sums_add_backlog(sink->sums, ticket->owner_id, sink->sign);
}
