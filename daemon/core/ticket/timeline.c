#include "kpid/core/timeline.h"

const char *timeline_kind_name(enum timeline_kind kind)
{
	static const char *const names[] = {
	        [TIMELINE_RUNS] = "runs",
	        [TIMELINE_RESTS] = "rests",
	        [TIMELINE_PAUSED] = "stands",
	};
	return names[kind];
}

static const struct target_rule *rule_of(const struct sla_clock *clock)
{
	if (clock->promised || clock->policy == NULL || !clock->policy->targets[clock->target].present)
		return NULL;
	return &clock->policy->targets[clock->target];
}

/* Index of the first pause that ends after at_us; n_pauses: none. */
static size_t first_pause(const struct ticket *ticket, int64_t at_us)
{
	size_t low = 0, high = ticket->n_pauses;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ticket->pauses[middle].end_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first pause that ends after at_us and is listed by the rule; NULL: none. Searches from *next, which it advances.
 */
static const struct pause *pause_from(const struct ticket *ticket, const struct target_rule *rule, int64_t at_us,
                                      size_t *next)
{
	for (; rule != NULL && *next < ticket->n_pauses; ++*next) {
		const struct pause *pause = &ticket->pauses[*next];
		if (pause->end_us > at_us && text_list_has(rule->pause_on, pause->reason))
			return pause;
	}
	return NULL;
}

/* The piece that starts at at_us. It ends at limit_us at the latest. */
static struct timeline_piece piece_from(const struct ticket *ticket, const struct target_rule *rule, int64_t at_us,
                                        int64_t limit_us, size_t *next_pause)
{
	struct timeline_piece piece = {.kind = TIMELINE_RUNS, .from_us = at_us, .to_us = limit_us};
	const struct pause *pause = pause_from(ticket, rule, at_us, next_pause);
	if (pause != NULL && pause->start_us <= at_us) {
		piece.kind = TIMELINE_PAUSED;
		piece.reason = pause->reason;
		piece.to_us = pause->end_us < limit_us ? pause->end_us : limit_us;
		return piece;
	}
	if (pause != NULL && pause->start_us < piece.to_us)
		piece.to_us = pause->start_us;
	struct calendar *hours = rule == NULL ? NULL : target_hours(rule);
	if (hours == NULL)
		return piece;
	size_t i = calendar_span_at(hours, at_us);
	bool inside = i < hours->n_spans && hours->spans[i].start_us <= at_us;
	int64_t until_us = i == hours->n_spans ? TIME_FOR_EVER
	                   : inside            ? hours->spans[i].end_us
	                                       : hours->spans[i].start_us;
	piece.kind = inside ? TIMELINE_RUNS : TIMELINE_RESTS;
	piece.to_us = until_us < piece.to_us ? until_us : piece.to_us;
	return piece;
}

struct timeline timeline_of(const struct ticket *ticket, const struct sla_clock *clock, int64_t until_us,
                            size_t max_pieces, struct arena *arena)
{
	const struct target_rule *rule = rule_of(clock);
	struct timeline line = {arena_alloc(arena, max_pieces * sizeof(*line.pieces)), 0, false};
	int64_t at_us = clock->start_us, ran_us = 0;
	size_t next_pause = first_pause(ticket, at_us);
	while (at_us < until_us && line.n < max_pieces) {
		struct timeline_piece piece = piece_from(ticket, rule, at_us, until_us, &next_pause);
		if (piece.kind == TIMELINE_RUNS)
			ran_us += piece.to_us - piece.from_us;
		piece.ran_us = ran_us;
		line.pieces[line.n++] = piece;
		at_us = piece.to_us;
	}
	line.cut = at_us < until_us;
	return line;
}
