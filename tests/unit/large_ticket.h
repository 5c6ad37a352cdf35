/* Tickets with very many events. Each shape exercises another part of the fold, under a policy with all features:
 * a calendar, pause reasons, warnings, escalations, a target that continues. */
#ifndef KPID_TESTS_LARGE_TICKET_H
#define KPID_TESTS_LARGE_TICKET_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_zone.h"
#include "kpid/core/batch.h"

enum large_shape {
	LARGE_PAUSES,       /* for two reasons in turn, and each target lists one */
	LARGE_UPDATES,      /* from one policy to another */
	LARGE_PROMISES,     /* a later promise each time */
	LARGE_PAUSE_UPDATE, /* pauses and changes of policy in turn */
	LARGE_REPLIES,      /* two mail robots: a next response each */
	LARGE_REOPENINGS,   /* resolved and reopened */
	LARGE_REOPEN_PAUSE, /* paused, resolved and reopened */
	LARGE_CLOSINGS,     /* closed by an event with all its times, and reopened */
	LARGE_SURVEYS,
	LARGE_ASSIGNMENTS,
	LARGE_N_SHAPES
};

static const char *const large_shape_names[LARGE_N_SHAPES] = {
        "pauses",       "updates",  "promises", "pauses and updates", "replies", "reopenings",
        "reopen pause", "closings", "surveys",  "assignments",
};

#define LARGE_T0 INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

#define LARGE_WARNINGS                                                                                                 \
	"\"warn_at\":[\"10%\",\"20%\",\"30%\",\"40%\",\"50%\",\"60%\",\"70%\",\"30s before\",\"10s before\"],"         \
	"\"escalate_after\":[\"1h\",\"2h\"]}"

static const char large_policies[] =
        "{\"revisions\":[{\"id\":\"r\",\"resume_on_reply\":[],\"calendars\":{\"office\":{\"time_zone\":\"UTC\","
        "\"weekly\":{"
        "\"mon\":[\"08:00-12:00\",\"13:00-17:00\"],\"tue\":[\"08:00-12:00\",\"13:00-17:00\"],"
        "\"wed\":[\"08:00-12:00\",\"13:00-17:00\"],\"thu\":[\"08:00-12:00\",\"13:00-17:00\"],"
        "\"fri\":[\"08:00-12:00\",\"13:00-17:00\"]}}},\"policies\":["
        "{\"name\":\"one\",\"match\":{\"priority\":[\"1\"]},\"targets\":{"
        "\"first_response\":{\"within\":\"200h\",\"calendar\":\"office\",\"pause_on\":[\"a\"]," LARGE_WARNINGS ","
        "\"next_response\":{\"within\":\"1m\",\"calendar\":\"office\",\"pause_on\":[\"a\"]," LARGE_WARNINGS ","
        "\"arrival\":{\"within\":\"200h\",\"calendar\":\"office\",\"pause_on\":[\"b\"]," LARGE_WARNINGS ","
        "\"resolution\":{\"within\":\"200h\",\"calendar\":\"office\",\"pause_on\":[\"a\"],\"reopen\":"
        "\"continue\"," LARGE_WARNINGS "}},"
        "{\"name\":\"two\",\"targets\":{"
        "\"first_response\":{\"within\":\"200h\",\"calendar\":\"office\",\"pause_on\":[\"b\"]," LARGE_WARNINGS ","
        "\"resolution\":{\"within\":\"200h\",\"calendar\":\"office\",\"pause_on\":[\"b\"],\"reopen\":"
        "\"continue\"," LARGE_WARNINGS "}}]}]}";

static inline struct policy_set *large_policy_set(void)
{
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(text_of(large_policies), fake_zone_find, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", (int)errors.items[i].path.len, errors.items[i].path.ptr,
		        (int)errors.items[i].message.len, errors.items[i].message.ptr);
	assert(set != NULL);
	set->revisions[0].revision_no = 1;
	return set;
}

/* The i-th event; 0 is the opening. `id` is the buffer for its identifier. */
static inline struct ticket_event large_event(enum large_shape shape, size_t i, char id[40])
{
	static const char *const agents[] = {"ann", "bob"};
	struct ticket_event event;
	ticket_event_init(&event);
	snprintf(id, 40, "%08zx-aaaa-4bbb-8ccc-%012zx", i * 2654435761u & 0xffffffffu, i);
	event.ticket_id = TEXT("T-1");
	event.source = TEXT("robot");
	event.id = text_of(id);
	event.occurred_us = LARGE_T0 + (int64_t)i * 60 * US_PER_SECOND;
	event.source_offset = (int64_t)i;
	if (i == 0) {
		event.type = EVENT_OPENED;
		event.texts[EVENT_PRIORITY] = TEXT("1");
		return event;
	}
	switch (shape) {
	case LARGE_PAUSES:
		event.type = EVENT_PAUSED;
		event.texts[EVENT_REASON] = i % 2 == 0 ? TEXT("a") : TEXT("b");
		break;
	case LARGE_UPDATES:
		event.type = EVENT_UPDATED;
		event.texts[EVENT_PRIORITY] = i % 2 == 0 ? TEXT("1") : TEXT("2");
		break;
	case LARGE_PROMISES:
		event.type = EVENT_UPDATED;
		event.times[EVENT_RESOLUTION_DUE_AT] = event.occurred_us + (int64_t)(i % 7 + 1) * US_PER_DAY;
		break;
	case LARGE_PAUSE_UPDATE:
		event.type = i % 3 == 0 ? EVENT_UPDATED : EVENT_PAUSED;
		if (i % 3 == 0)
			event.texts[EVENT_PRIORITY] = i % 2 == 0 ? TEXT("1") : TEXT("2");
		else
			event.texts[EVENT_REASON] = i % 3 == 1 ? TEXT("a") : TEXT("b");
		break;
	case LARGE_REPLIES:
		event.type = i % 2 == 0 ? EVENT_REQUESTER_REPLIED : EVENT_RESPONDED;
		event.texts[EVENT_AGENT_ID] = i % 2 == 0 ? TEXT_ABSENT : text_of(agents[i / 2 % 2]);
		break;
	case LARGE_REOPENINGS:
		event.type = i % 2 == 0 ? EVENT_REOPENED : EVENT_RESOLVED;
		event.texts[EVENT_AGENT_ID] = i % 2 == 0 ? TEXT_ABSENT : text_of(agents[i / 2 % 2]);
		break;
	case LARGE_REOPEN_PAUSE:
		event.type = i % 3 == 0 ? EVENT_REOPENED : i % 3 == 1 ? EVENT_PAUSED : EVENT_RESOLVED;
		if (i % 3 == 1)
			event.texts[EVENT_REASON] = TEXT("a");
		break;
	case LARGE_CLOSINGS:
		event.type = i % 2 == 0 ? EVENT_REOPENED : EVENT_CLOSED;
		event.automatic = i % 2 == 0 ? TRI_ABSENT : TRI_TRUE;
		event.times[EVENT_RESOLVED_AT] = i % 2 == 0 ? TIME_NONE : event.occurred_us - US_PER_SECOND;
		break;
	case LARGE_SURVEYS:
		event.type = EVENT_SURVEY;
		event.score_micros = (int64_t)(i % 6) * 1000000;
		break;
	case LARGE_ASSIGNMENTS:
		event.type = EVENT_ASSIGNED;
		event.texts[EVENT_AGENT_ID] = text_of(agents[i % 2]);
		break;
	case LARGE_N_SHAPES:
		break;
	}
	return event;
}

/* The row of a ticket and the other results of its batches. */
struct large_ticket {
	struct policy_set *policies;
	struct batch batch;
	struct arena scratch;
	struct kpi_sums sums;
	struct stored_ticket stored;
	char *history, *previous_history; /* texts of the ticket being put point into the previous one */
	struct ticket last;               /* numbers only; its pointers are dangling */
	size_t n_clock_puts, n_alert_puts, n_voids, n_cycle_puts, n_letters;
};

static inline void large_put_ticket(void *context, const struct ticket_row *row)
{
	struct large_ticket *large = context;
	free(large->previous_history);
	large->previous_history = large->history;
	large->history = malloc(row->history.len);
	assert(large->history != NULL);
	memcpy(large->history, row->history.ptr, row->history.len);
	large->last = *row->ticket;
	large->stored = (struct stored_ticket){
	        .rev = row->rev,
	        .as_of_us = row->as_of_us,
	        .opened_us = row->ticket->opened_us,
	        .revision_no = row->ticket->revision == NULL ? 0 : row->ticket->revision->revision_no,
	        .history = {large->history, row->history.len},
	};
}

static inline void large_put_cycle(void *context, struct text ticket_id, const struct ticket_cycle *cycle)
{
	(void)ticket_id, (void)cycle;
	((struct large_ticket *)context)->n_cycle_puts++;
}

static inline void large_delete_cycle(void *context, struct text ticket_id, uint32_t cycle)
{
	(void)context, (void)ticket_id, (void)cycle;
}

static inline void large_put_clock(void *context, struct text ticket_id, const struct sla_clock *clock)
{
	(void)ticket_id, (void)clock;
	((struct large_ticket *)context)->n_clock_puts++;
}

static inline void large_delete_clock(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	(void)context, (void)ticket_id, (void)target, (void)n;
}

static inline void large_put_alert(void *context, const struct alert *alert)
{
	(void)alert;
	((struct large_ticket *)context)->n_alert_puts++;
}

static inline void large_void_alert(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	(void)ticket_id, (void)target, (void)n;
	((struct large_ticket *)context)->n_voids++;
}

static inline void large_conflict(void *context, const struct conflict_letter *letter)
{
	(void)letter;
	((struct large_ticket *)context)->n_letters++;
}

static inline void large_too_many(void *context, const struct ticket_event *event)
{
	(void)event;
	((struct large_ticket *)context)->n_letters++;
}

static inline const struct policy_revision *large_revision(void *context, int32_t revision_no)
{
	(void)revision_no;
	return &((struct large_ticket *)context)->policies->revisions[0];
}

static inline struct large_ticket *large_ticket_new(void)
{
	struct large_ticket *large = calloc(1, sizeof(*large));
	assert(large != NULL);
	large->policies = large_policy_set();
	large->stored.as_of_us = large->stored.opened_us = TIME_NONE;
	batch_init(&large->batch);
	arena_init(&large->scratch);
	kpi_sums_init(&large->sums);
	return large;
}

static inline void large_ticket_free(struct large_ticket *large)
{
	kpi_sums_release(&large->sums);
	arena_release(&large->scratch);
	batch_release(&large->batch);
	policy_set_free(large->policies);
	free(large->history);
	free(large->previous_history);
	free(large);
}

/* Evaluates events from <= i < to of a shape as one batch for the ticket. */
static inline void large_fill(struct large_ticket *large, enum large_shape shape, size_t from, size_t to)
{
	batch_clear(&large->batch);
	batch_source(&large->batch, 0, 0);
	for (size_t i = from; i < to; i++) {
		char id[40];
		struct ticket_event event = large_event(shape, i, id);
		batch_add_event(&large->batch, &event);
	}
	if (from == to)
		batch_add_ticket(&large->batch, TEXT("T-1"));
	batch_seal(&large->batch);
}

/* In parts of n_steps each. after_part is NULL, or called after each part. */
static inline int large_evaluate_parts(struct large_ticket *large, int64_t as_of_us, size_t n_steps,
                                       void (*after_part)(struct large_ticket *large))
{
	const struct batch_sink sink = {
	        large,           large_put_ticket,   large_put_cycle, large_delete_cycle,
	        large_put_clock, large_delete_clock, large_put_alert, large_void_alert,
	        large_conflict,  large_too_many,
	};
	const struct batch_rules rules = {
	        .fold = {large->policies, 7 * US_PER_DAY},
	        .as_of_us = as_of_us,
	        .revision_by_no = large_revision,
	        .context = large,
	};
	int32_t revision_no;
	struct batch_evaluation *evaluation = batch_evaluation_begin(
	        &large->batch, large->batch.tickets[0], &large->stored, &rules, &large->scratch, &sink, &large->sums);
	int result;
	do {
		result = batch_evaluation_go_on(evaluation, n_steps, &revision_no);
		if (after_part != NULL)
			after_part(large);
	} while (result == BATCH_MORE);
	return result;
}

static inline int large_evaluate(struct large_ticket *large, int64_t as_of_us)
{
	return large_evaluate_parts(large, as_of_us, SIZE_MAX, NULL);
}

#endif
