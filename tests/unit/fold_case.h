/* A ticket for the tests of the fold: events by minutes after T0, and three policies. */
#ifndef KPID_TESTS_FOLD_CASE_H
#define KPID_TESTS_FOLD_CASE_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kpid/core/alert.h"
#include "kpid/core/ticket.h"

#define T0          INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z, the start of a bucket */
#define MINUTE      (60 * US_PER_SECOND)
#define AT(minutes) (T0 + (minutes)*MINUTE)
#define LATER       AT(60 * 24 * 300)

enum { FOLD_CASE_EVENTS = 64 };

/* Policies by priority. "1": response in 10 minutes, next response in 20, arrival in 30, resolution in 60; all
 * pause for "wait" or without a reason. "2": response in 5, resolution in 100 that continues over reopenings and
 * pauses for "wait". "3": only resolution in 20. Others: no policy. */
struct fold_case {
	struct arena arena;
	struct ticket_event events[FOLD_CASE_EVENTS];
	char ids[FOLD_CASE_EVENTS][8];
	size_t n;
	struct text reasons[2], wait[1], priority[3], on_reply[1];
	struct policy policies[3];
	struct policy_revision revision;
	struct policy_set set;
	struct fold_rules rules;
	const struct fold_pin *pin;
	struct ticket ticket;
};

static inline void fold_case_target(struct fold_case *c, int policy, enum sla_target target, int64_t minutes)
{
	c->policies[policy].targets[target] = (struct target_rule){.present = true, .within_us = minutes * MINUTE};
}

static inline struct fold_case *fold_case_new(void)
{
	struct fold_case *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	arena_init(&c->arena);
	c->reasons[0] = TEXT("wait");
	c->reasons[1] = TEXT("");
	c->wait[0] = TEXT("wait");
	c->on_reply[0] = TEXT("wait");
	c->priority[0] = TEXT("1");
	c->priority[1] = TEXT("2");
	c->priority[2] = TEXT("3");
	for (int i = 0; i < 3; i++) {
		c->policies[i].name = (struct text[]){TEXT("urgent"), TEXT("normal"), TEXT("plain")}[i];
		c->policies[i].match[EVENT_PRIORITY] = (struct policy_match){true, {&c->priority[i], 1}};
	}
	fold_case_target(c, 0, TARGET_FIRST_RESPONSE, 10);
	fold_case_target(c, 0, TARGET_NEXT_RESPONSE, 20);
	fold_case_target(c, 0, TARGET_ARRIVAL, 30);
	fold_case_target(c, 0, TARGET_RESOLUTION, 60);
	for (int target = 0; target < TARGET_N; target++)
		c->policies[0].targets[target].pause_on = (struct text_list){c->reasons, 2};
	fold_case_target(c, 1, TARGET_FIRST_RESPONSE, 5);
	fold_case_target(c, 1, TARGET_RESOLUTION, 100);
	c->policies[1].targets[TARGET_RESOLUTION].reopen_continue = true;
	c->policies[1].targets[TARGET_RESOLUTION].pause_on = (struct text_list){c->wait, 1};
	fold_case_target(c, 2, TARGET_RESOLUTION, 20);
	c->revision = (struct policy_revision){
	        .id = TEXT("2026-01"),
	        .effective_from_us = INT64_MIN,
	        .resume_on_reply = {c->on_reply, 1},
	        .policies = c->policies,
	        .n_policies = 3,
	};
	c->set = (struct policy_set){.revisions = &c->revision, .n_revisions = 1};
	c->rules = (struct fold_rules){&c->set, 7 * US_PER_DAY};
	return c;
}

static inline void fold_case_free(struct fold_case *c)
{
	arena_release(&c->arena);
	free(c);
}

/* Adds an event at these minutes after T0, by an agent (NULL: absent; "": nobody). */
static inline struct ticket_event *happens(struct fold_case *c, int64_t minutes, enum event_type type,
                                           const char *agent)
{
	assert_true(c->n < FOLD_CASE_EVENTS);
	struct ticket_event *event = &c->events[c->n];
	ticket_event_init(event);
	snprintf(c->ids[c->n], sizeof(c->ids[c->n]), "e%03u", (unsigned)c->n % 1000);
	event->ticket_id = TEXT("T-1");
	event->source = TEXT("test");
	event->id = text_of(c->ids[c->n]);
	event->type = type;
	event->occurred_us = AT(minutes);
	event->texts[EVENT_AGENT_ID] = text_of(agent);
	event->source_no = 7;
	event->source_offset = 100 + (int64_t)c->n;
	c->n++;
	return event;
}

static inline struct ticket_event *opens(struct fold_case *c, int64_t minutes, const char *priority, const char *agent)
{
	struct ticket_event *event = happens(c, minutes, EVENT_OPENED, agent);
	event->texts[EVENT_PRIORITY] = text_of(priority);
	return event;
}

static inline struct ticket_event *updates(struct fold_case *c, int64_t minutes, const char *priority)
{
	struct ticket_event *event = happens(c, minutes, EVENT_UPDATED, NULL);
	event->texts[EVENT_PRIORITY] = text_of(priority);
	return event;
}

static inline struct ticket_event *pauses(struct fold_case *c, int64_t minutes, const char *reason)
{
	struct ticket_event *event = happens(c, minutes, EVENT_PAUSED, NULL);
	event->texts[EVENT_REASON] = text_of(reason);
	return event;
}

static inline struct ticket_event *ends(struct fold_case *c, int64_t minutes, enum event_type type, const char *agent,
                                        enum resolution resolution)
{
	struct ticket_event *event = happens(c, minutes, type, agent);
	event->resolution = (uint8_t)resolution;
	return event;
}

static inline int fold_case_compare(const void *a, const void *b)
{
	return ticket_event_order(*(const struct ticket_event *const *)a, *(const struct ticket_event *const *)b);
}

static inline const struct ticket *fold_watched(struct fold_case *c, int64_t as_of_us,
                                                const struct fold_observer *observer)
{
	const struct ticket_event *sorted[FOLD_CASE_EVENTS];
	for (size_t i = 0; i < c->n; i++)
		sorted[i] = &c->events[i];
	qsort(sorted, c->n, sizeof(sorted[0]), fold_case_compare);
	ticket_fold(sorted, c->n, &c->rules, c->pin, as_of_us, observer, &c->arena, &c->ticket);
	return &c->ticket;
}

static inline const struct ticket *fold_as_of(struct fold_case *c, int64_t as_of_us)
{
	return fold_watched(c, as_of_us, NULL);
}

static inline const struct ticket *fold(struct fold_case *c)
{
	return fold_as_of(c, LATER);
}

/* Returns NULL if the clock is not listed. */
static inline const struct sla_clock *clock_of(const struct ticket *ticket, enum sla_target target, uint32_t n)
{
	for (size_t i = 0; i < ticket->n_clocks; i++)
		if (ticket->clocks[i].target == target && ticket->clocks[i].n == n)
			return &ticket->clocks[i];
	return NULL;
}

/* The sum of a measure for one agent ("": nobody) in one bucket, or in all (NULL; TIME_NONE). */
static inline int64_t kpi_of(const struct ticket *ticket, enum kpi_measure measure, const char *agent, int64_t time_us)
{
	int64_t sum = 0;
	for (size_t i = 0; i < ticket->n_kpis; i++) {
		const struct kpi_entry *entry = &ticket->kpis[i];
		assert_false(text_is_absent(entry->agent_id));
		if (entry->measure == measure && (agent == NULL || text_same(entry->agent_id, text_of(agent))) &&
		    (time_us == TIME_NONE || entry->bucket_us == timestamp_bucket(time_us)))
			sum += entry->value;
	}
	return sum;
}

#define assert_who(who, expected)                                                                                      \
	do {                                                                                                           \
		struct text who_ = (who), expected_ = text_of(expected);                                               \
		if (!text_equal(who_, expected_))                                                                      \
			fail_msg("'%.*s' is not '%s'", (int)who_.len, who_.ptr == NULL ? "" : who_.ptr,                \
			         expected_.ptr == NULL ? "nobody" : expected_.ptr);                                    \
	} while (0)

#define assert_time(time_us, expected_us) assert_int_equal((time_us), (expected_us))

/* Gives each test a new case as *state. */
static inline int fold_case_setup(void **state)
{
	*state = fold_case_new();
	return 0;
}

static inline int fold_case_teardown(void **state)
{
	fold_case_free(*state);
	return 0;
}

#define fold_test(function) cmocka_unit_test_setup_teardown(function, fold_case_setup, fold_case_teardown)

#endif
