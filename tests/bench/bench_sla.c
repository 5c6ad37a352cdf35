/* The cost of the SLA engine: a due time, a match among 1,000 policies, and a ticket under calendars and warnings
 * compared with one under targets that always run. Prints nanoseconds; an argument sets the number of rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kpid/core/ticket.h"

#define HOUR_US (INT64_C(3600) * US_PER_SECOND)
#define T0      INT64_C(1767225600000000) /* 2026-01-01 */

enum { N_STARTS = 1 << 16, N_POLICIES = 1000, N_EVENTS = 6, KEEP_BYTES = 1 << 20 };

static volatile int64_t sink; /* keeps the compiler from removing the measured work */

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Half the year is an hour ahead, so that there are days with clock changes. */
static int32_t offset_s(void *context, int64_t at_us)
{
	(void)context;
	return (at_us / US_PER_DAY) % 365 < 182 ? 3600 : 7200;
}

static bool find_zone(const char *name, struct zone *zone_out)
{
	(void)name;
	*zone_out = (struct zone){offset_s, NULL, NULL};
	return true;
}

static struct policy_set *parse(const char *json)
{
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(text_of(json), find_zone, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", (int)errors.items[i].path.len, errors.items[i].path.ptr,
		        (int)errors.items[i].message.len, errors.items[i].message.ptr);
	file_errors_release(&errors);
	return set;
}

#define CALENDAR                                                                                                       \
	"\"calendars\": {\"office\": {\"time_zone\": \"x\", \"weekly\": {\"mon\": [\"08:30-12:00\", "                  \
	"\"13:30-17:30\"], "                                                                                           \
	"\"tue\": [\"08:30-12:00\", \"13:30-17:30\"], \"wed\": [\"08:30-12:00\", \"13:30-17:30\"], \"thu\": "          \
	"[\"08:30-12:00\", \"13:30-17:30\"], \"fri\": [\"08:30-12:00\", \"13:30-17:30\"], \"sat\": "                   \
	"[\"09:00-12:00\"]}, "                                                                                         \
	"\"days\": {\"2026-10-01\": [], \"2026-10-10\": [\"08:30-12:00\"]}}}"
#define TARGETS(calendar, more)                                                                                        \
	"\"policies\": [{\"name\": \"p\", \"targets\": {\"first_response\": {\"within\": \"2h\", \"calendar\": "       \
	"\"" calendar "\"" more "}, \"resolution\": {\"within\": \"20h\", \"calendar\": \"" calendar                   \
	"\", \"pause_on\": [\"wait\"]" more "}}}]"
#define FILE_OF(calendar, more) "{\"revisions\": [{\"id\": \"r\", " CALENDAR ", " TARGETS(calendar, more) "}]}"

static void bench_calendar(long rounds)
{
	struct policy_set *set = parse(FILE_OF("office", ""));
	struct calendar *hours = target_hours(&set->revisions[0].policies[0].targets[TARGET_RESOLUTION]);
	static int64_t starts[N_STARTS];
	for (size_t i = 0; i < N_STARTS; i++)
		starts[i] = T0 + (int64_t)(drand48() * 365 * 3 * (double)US_PER_DAY);
	sink = calendar_worked_us(hours, T0, T0 + 4 * 365 * US_PER_DAY); /* warm-up */
	double start_ns = now_ns();
	for (long i = 0; i < rounds; i++)
		sink = calendar_after_us(hours, starts[i % N_STARTS], 20 * HOUR_US);
	printf("%-44s %9.1f ns\n", "due time: 20 h of work, 3 years of a calendar",
	       (now_ns() - start_ns) / (double)rounds);
	start_ns = now_ns();
	for (long i = 0; i < rounds; i++)
		sink = calendar_worked_us(hours, starts[i % N_STARTS], starts[i % N_STARTS] + 72 * HOUR_US);
	printf("%-44s %9.1f ns\n", "working time between two instants", (now_ns() - start_ns) / (double)rounds);
	policy_set_free(set);
}

static void bench_match(long rounds)
{
	struct buf json = BUF_INIT;
	struct text attributes[EVENT_N_ATTRIBUTES] = {[EVENT_PROJECT_ID] = TEXT("project-no-one"),
	                                              [EVENT_CATEGORY] = TEXT("repair/pipe/kitchen"),
	                                              [EVENT_PRIORITY] = TEXT("3")};
	buf_add_str(&json, "{\"revisions\": [{\"id\": \"r\", \"policies\": [");
	for (int i = 0; i < N_POLICIES - 1; i++)
		buf_add_format(
		        &json,
		        "{\"name\": \"p%d\", \"match\": {\"category\": [\"repair/*\", \"lift/*\"], \"project_id\": "
		        "[\"project-%d-*\"], \"priority\": [\"1\", \"2\", \"3\"]}, \"targets\": {}}, ",
		        i, i);
	buf_add_str(&json, "{\"name\": \"other\", \"targets\": {}}]}]}");
	struct policy_set *set = parse(json.data);
	rounds /= 100;
	double start_ns = now_ns();
	for (long i = 0; i < rounds; i++)
		sink = (int64_t)(uintptr_t)policy_revision_match(&set->revisions[0], attributes);
	printf("%-44s %9.1f ns\n", "the last of 1,000 policies matches", (now_ns() - start_ns) / (double)rounds);
	policy_set_free(set);
	buf_release(&json);
}

static double fold_ns(const char *json, long rounds)
{
	struct policy_set *set = parse(json);
	const struct fold_rules rules = {set, 7 * US_PER_DAY};
	struct ticket_event events[N_EVENTS];
	const struct ticket_event *sorted[N_EVENTS];
	static const enum event_type types[N_EVENTS] = {EVENT_OPENED, EVENT_ASSIGNED, EVENT_RESPONDED,
	                                                EVENT_PAUSED, EVENT_RESUMED,  EVENT_RESOLVED};
	struct arena arena;
	struct ticket ticket;
	for (int i = 0; i < N_EVENTS; i++) {
		ticket_event_init(&events[i]);
		events[i].ticket_id = TEXT("T");
		events[i].source = TEXT("s");
		events[i].id = (struct text){&"abcdef"[i], 1};
		events[i].type = types[i];
		events[i].occurred_us = T0 + 10 * HOUR_US + i * 5 * HOUR_US;
		events[i].texts[EVENT_AGENT_ID] = types[i] == EVENT_ASSIGNED ? TEXT("ann") : TEXT_ABSENT;
		events[i].texts[EVENT_REASON] = types[i] == EVENT_PAUSED ? TEXT("wait") : TEXT_ABSENT;
		sorted[i] = &events[i];
	}
	arena_init(&arena);
	double start_ns = now_ns();
	for (long i = 0; i < rounds; i++) {
		arena_clear(&arena, KEEP_BYTES);
		ticket_fold(sorted, N_EVENTS, &rules, NULL, T0 + 365 * US_PER_DAY, NULL, &arena, &ticket);
		sink = ticket.resolution_due_us;
	}
	double ns = (now_ns() - start_ns) / (double)rounds;
	arena_release(&arena);
	policy_set_free(set);
	return ns;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 5000000;
	bench_calendar(rounds);
	bench_match(rounds);
	double always = fold_ns(FILE_OF("always", ""), rounds / 10);
	double office = fold_ns(FILE_OF("office", ""), rounds / 10);
	double warned =
	        fold_ns(FILE_OF("office", ", \"warn_at\": [\"50%\", \"1h before\"], \"escalate_after\": [\"1h\"]"),
	                rounds / 10);
	printf("%-44s %9.1f ns\n", "a ticket of 6 events, targets always run", always);
	printf("%-44s %9.1f ns, %.2f x\n", "… on a calendar", office, office / always);
	printf("%-44s %9.1f ns, %.2f x\n", "… with two warnings and an escalation", warned, warned / always);
	return 0;
}
