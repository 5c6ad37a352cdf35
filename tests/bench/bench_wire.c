/* The cost of wire_parse() for one event, and of passing over an event of another shard. Prints nanoseconds per event;
 * an argument sets their number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kpid/core/shard.h"
#include "kpid/core/wire.h"

enum { EVENTS_PER_BATCH = 1000, KEEP_BYTES = 1024 * 1024 };

static const char opened[] =
        "{\"specversion\":\"1.0\",\"id\":\"5b1f5ca1-6f0e-4a6b-9d67-0a4f27f3a6de\",\"source\":\"/helpdesk\","
        "\"type\":\"ticket.opened\",\"time\":\"2026-11-01T00:00:12.345Z\",\"data\":{\"ticket_id\":\"T0000123\","
        "\"agent_id\":\"agent-042\",\"project_id\":\"prj-07\",\"channel\":\"phone\",\"category\":\"network\","
        "\"priority\":\"3\"}}";
static const char survey[] =
        "{\"specversion\":\"1.0\",\"id\":\"c0ffee00-6f0e-4a6b-9d67-0a4f27f3a6de\",\"source\":\"/helpdesk\","
        "\"type\":\"survey.submitted\",\"time\":\"2026-11-01T00:00:12.345Z\",\"data\":{\"ticket_id\":\"T0000123\","
        "\"agent_id\":\"agent-042\",\"project_id\":\"prj-07\",\"channel\":\"phone\",\"category\":\"network\","
        "\"priority\":\"3\",\"score\":4,\"answers\":{\"speed\":5,\"manners\":4.5}}}";
static const char chinese[] =
        "{\"specversion\":\"1.0\",\"id\":\"c0ffee00-6f0e-4a6b-9d67-0a4f27f3a6de\",\"source\":\"/"
        "\xe7\x89\xa9\xe4\xb8\x9a\","
        "\"type\":\"ticket.paused\",\"time\":\"2026-11-01T08:00:12+08:00\",\"data\":{\"ticket_id\":\"T0000123\","
        "\"reason\":\"\xe7\xad\x89\xe5\xbe\x85\xe4\xb8\x9a\xe4\xb8\xbb\xe7\xa1\xae\xe8\xae\xa4\"}}";

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int measure(const char *name, struct text value, long n_events)
{
	const struct wire_message message = {
	        .value = value, .topic = TEXT("ticket-activity"), .topic_type = EVENT_TYPE_NONE};
	struct arena arena;
	struct ticket_event event;
	struct wire_rejection rejection;
	arena_init(&arena);
	double start_ns = now_ns();
	for (long i = 0; i < n_events; i++) {
		if (wire_parse(&message, INT64_C(1893456000000000), &arena, &event, &rejection) != WIRE_EVENT) {
			fprintf(stderr, "%s: %s\n", name, rejection.detail);
			return 1;
		}
		if (i % EVENTS_PER_BATCH == 0)
			arena_clear(&arena, KEEP_BYTES);
	}
	printf("%-28s %7u bytes %9.0f ns/event\n", name, value.len, (now_ns() - start_ns) / (double)n_events);
	arena_release(&arena);
	return 0;
}

/* What a shard does with a message of another one. */
static void measure_passing_over(const char *name, struct text value, long n_events)
{
	const struct shard shard = {SHARD_BY_TICKET, 1, 4};
	const struct wire_message message = {.value = value, .topic = TEXT("ticket-activity")};
	struct arena arena;
	long n_own = 0;
	arena_init(&arena);
	double start_ns = now_ns();
	for (long i = 0; i < n_events; i++) {
		n_own += shard_has_ticket(&shard, wire_ticket(&message, &arena));
		arena_clear(&arena, KEEP_BYTES);
	}
	printf("%-28s %7u bytes %9.0f ns/event%s\n", name, value.len, (now_ns() - start_ns) / (double)n_events,
	       n_own > 0 ? " (own)" : "");
	arena_release(&arena);
}

/* An opening with one unknown object with many names: "k0":0, "k1":1, ... */
static struct text many_names(char *room, size_t room_bytes)
{
	size_t len = (size_t)snprintf(room, room_bytes, "%.*s,\"x\":{", (int)sizeof(opened) - 2, opened);
	for (unsigned i = 0; len < WIRE_MAX_BYTES - 20; i++)
		len += (size_t)snprintf(room + len, room_bytes - len, "%s\"k%u\":0", i == 0 ? "" : ",", i);
	memcpy(room + len, "}}", 2);
	return (struct text){room, (uint32_t)len + 2};
}

int main(int argc, char **argv)
{
	static char room[WIRE_MAX_BYTES + 1];
	long n_events = argc > 1 ? strtol(argv[1], NULL, 10) : 2000000;
	measure_passing_over("passing over: opened", TEXT(opened), n_events);
	measure_passing_over("passing over: survey", TEXT(survey), n_events);
	return measure("opened", TEXT(opened), n_events) || measure("survey with answers", TEXT(survey), n_events) ||
	       measure("paused, Chinese reason", TEXT(chinese), n_events) ||
	       measure("64 KiB, thousands of names", many_names(room, sizeof(room)), n_events / 1000 + 1);
}
