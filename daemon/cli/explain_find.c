/* Finds related items in an explanation. */
#include "cli/explain.h"

const struct explain_source *explanation_source(const struct explanation *explanation, int32_t source_no)
{
	for (size_t i = 0; i < explanation->n_sources; i++)
		if (explanation->sources[i].source_no == source_no)
			return &explanation->sources[i];
	return NULL;
}

const struct explain_mapping *explanation_mapping(const struct explanation *explanation, int32_t source_no,
                                                  int64_t offset)
{
	const struct explain_mapping *found = NULL;
	for (size_t i = 0; i < explanation->n_mappings; i++) {
		const struct explain_mapping *mapping = &explanation->mappings[i];
		if (mapping->source_no == source_no && mapping->from_offset <= offset)
			found = mapping;
	}
	return found;
}

void explanation_add_mapping(const struct explanation *explanation, int32_t source_no, int64_t offset, struct buf *out)
{
	const struct explain_mapping *mapping = explanation_mapping(explanation, source_no, offset);
	if (mapping == NULL)
		return;
	buf_add_str(out, " by the mapping ");
	buf_add_text(out, mapping->mapping);
	buf_add_format(out, " %.12s", mapping->version.ptr);
}

void explanation_add_place(const struct explanation *explanation, int32_t source_no, int64_t offset, struct buf *out)
{
	const struct explain_source *source = explanation_source(explanation, source_no);
	if (source == NULL) {
		buf_add_format(out, "source %d @%lld", (int)source_no, (long long)offset);
		return;
	}
	buf_add_text(out, source->topic);
	buf_add_format(out, "/%d @%lld", (int)source->partition, (long long)offset);
}

size_t explanation_n_passed_over(const struct explanation *explanation)
{
	const struct ticket *ticket = &explanation->ticket;
	size_t n = 0;
	while (ticket->revision != NULL && n < ticket->revision->n_policies &&
	       &ticket->revision->policies[n] != ticket->policy)
		n++;
	return n;
}

const struct sla_clock *explanation_clock(const struct explanation *explanation, const struct explain_alert *alert)
{
	for (size_t i = 0; i < explanation->ticket.n_clocks; i++) {
		const struct sla_clock *clock = &explanation->ticket.clocks[i];
		if (clock->n == alert->n && text_same(text_of(sla_target_name(clock->target)), alert->target))
			return clock;
	}
	return NULL;
}

/* Whether an event type can stop a clock of the target (rules F7, F8, F10, F11, S5). */
static bool may_stop(enum sla_target target, enum event_type type)
{
	if (type == EVENT_RESOLVED || type == EVENT_CLOSED)
		return true;
	return type == (target == TARGET_ARRIVAL ? EVENT_ARRIVED : EVENT_RESPONDED) && target != TARGET_RESOLUTION;
}

size_t explanation_max_pieces(const struct explanation *explanation, size_t most)
{
	size_t n = explanation->ticket.n_clocks - explain_n_cut(explanation->ticket.n_clocks);
	size_t each = n == 0 ? most : EXPLAIN_PIECES / n;
	return each < most ? each : most;
}

/* The first step whose effective time is at_us or later. */
static size_t step_from(const struct explanation *explanation, int64_t at_us)
{
	size_t low = 0, high = explanation->n_steps;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (explanation->marks[middle].at_us < at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct explain_mark *explanation_stop(const struct explanation *explanation, const struct sla_clock *clock)
{
	if (!clock->stopped)
		return NULL;
	for (size_t i = step_from(explanation, clock->stopped_us); i < explanation->n_steps; i++) {
		const struct explain_mark *mark = &explanation->marks[i];
		if (mark->at_us != clock->stopped_us)
			return NULL;
		if (may_stop(clock->target, mark->type))
			return mark;
	}
	return NULL;
}

void explanation_add_void(const struct explanation *explanation, const struct explain_alert *alert, struct buf *out)
{
	const struct sla_clock *clock = explanation_clock(explanation, alert);
	const struct explain_mark *stop = clock == NULL ? NULL : explanation_stop(explanation, clock);
	if (clock == NULL) {
		buf_add_str(out, "late events removed this clock");
	} else if (stop != NULL) {
		bool answers = clock->target == TARGET_FIRST_RESPONSE || clock->target == TARGET_NEXT_RESPONSE;
		buf_add_str(out, answers                           ? "a response of "
		                 : clock->target == TARGET_ARRIVAL ? "an arrival of "
		                                                   : "an end of ");
		term_time(out, clock->stopped_us);
		buf_add_str(out, clock->verdict == VERDICT_MET ? " was in time and arrived late: " : " arrived late: ");
		explanation_add_place(explanation, stop->source_no, stop->source_offset, out);
	} else {
		buf_add_str(out, "late events moved the due time to ");
		term_time(out, clock->due_us);
	}
}

void explanation_add_set_aside(const struct explanation *explanation, struct buf *out)
{
	const struct explain_set_aside *aside = &explanation->set_aside;
	if (text_is_absent(aside->reason))
		return;
	buf_add_format(out, "is set aside with %lld event%s since ", (long long)aside->n_events,
	               aside->n_events == 1 ? "" : "s");
	term_time(out, aside->since_us);
	buf_add_str(out, " (");
	buf_add_text(out, aside->reason);
	buf_add_str(out, "): ");
	buf_add_text(out, aside->detail);
}
