#include "kpid/core/ticket_difference.h"

struct comparison {
	struct arena *arena;
	struct ticket_difference *out;
	size_t n;
};

static void compare_texts(struct comparison *c, const char *column, struct text before, struct text after)
{
	if (text_same(before, after))
		return;
	c->out[c->n++] = (struct ticket_difference){column, text_is_empty(before) ? TEXT_ABSENT : before,
	                                            text_is_empty(after) ? TEXT_ABSENT : after};
}

static struct text time_text(struct arena *arena, int64_t us)
{
	char text[TIMESTAMP_TEXT_BYTES];
	if (us == TIME_NONE)
		return TEXT_ABSENT;
	return arena_text(arena, (struct text){text, (uint32_t)timestamp_format(us, text)});
}

static void compare_times(struct comparison *c, const char *column, int64_t before, int64_t after)
{
	if (before != after)
		compare_texts(c, column, time_text(c->arena, before), time_text(c->arena, after));
}

static void compare_verdicts(struct comparison *c, const char *column, enum sla_verdict before, enum sla_verdict after)
{
	compare_texts(c, column, text_of(sla_verdict_name(before)), text_of(sla_verdict_name(after)));
}

/* F15: of the current cycle. */
static const struct ticket_cycle *cycle_of(const struct ticket *ticket)
{
	static const struct ticket_cycle none = {.resolved_us = TIME_NONE, .closed_us = TIME_NONE};
	return ticket->n_cycles == 0 ? &none : &ticket->cycles[ticket->n_cycles - 1];
}

size_t ticket_differences(const struct ticket *before, const struct ticket *after, struct arena *arena,
                          struct ticket_difference *out)
{
	struct comparison c = {arena, out, 0};
	const struct ticket_cycle *then = cycle_of(before), *now = cycle_of(after);
	compare_texts(&c, "state", text_of(ticket_state_name(before->state)), text_of(ticket_state_name(after->state)));
	compare_texts(&c, "agent_id", before->owner_id, after->owner_id);
	compare_times(&c, "opened_at", before->opened_us, after->opened_us);
	compare_times(&c, "first_response_at", before->first_response_us, after->first_response_us);
	compare_times(&c, "resolved_at", then->resolved_us, now->resolved_us);
	compare_times(&c, "closed_at", then->closed_us, now->closed_us);
	compare_times(&c, "first_response_due_at", before->first_response_due_us, after->first_response_due_us);
	compare_verdicts(&c, "first_response_verdict", before->first_response_verdict, after->first_response_verdict);
	compare_times(&c, "resolution_due_at", before->resolution_due_us, after->resolution_due_us);
	compare_verdicts(&c, "resolution_verdict", before->resolution_verdict, after->resolution_verdict);
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++)
		compare_texts(&c, event_text_name((enum event_text)i), before->attributes[i], after->attributes[i]);
	return c.n;
}
