#include "workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_AGENTS = 200, N_PROJECTS = 30, US_PER_MS = 1000 };

#define US_PER_SECOND 1e6

/* Of all tickets, or of those so far. */
#define SHARE_ANSWERED       0.98
#define SHARE_LATE           0.10
#define SHARE_ANSWERED_AGAIN 0.05
#define SHARE_RESOLVED       0.97
#define SHARE_SURVEYED       0.60
#define SHARE_SENT_AGAIN     0.01 /* of the events */

#define EVENTS_PER_TICKET                                                                                              \
	((1 + SHARE_ANSWERED * (1 + SHARE_ANSWERED_AGAIN + SHARE_RESOLVED * (2 + SHARE_SURVEYED))) *                   \
	 (1 + SHARE_SENT_AGAIN))

const struct workload_pace workload_real_pace = {420, 900, 7200, 5400, 7200, 3600, 1200};
const struct workload_pace workload_fast_pace = {2, 10, 30, 5, 5, 3, 2};

struct planned {
	int64_t sent_us, time_us;
	uint32_t ticket;
	uint8_t kind, is_duplicate;
};

struct workload {
	struct workload_params params;
	uint64_t random;
	uint32_t n_tickets;
	int64_t next_opening_us;
	struct planned *heap; /* future events, soonest first */
	size_t n, capacity;
};

/* ---- random numbers ---- */

static uint64_t mix(uint64_t x) /* splitmix64 */
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static double uniform(struct workload *workload) /* above 0, up to 1 */
{
	workload->random += UINT64_C(0x9e3779b97f4a7c15);
	return ((double)(mix(workload->random) >> 11) + 1) / 9007199254740992.0;
}

/* Whole milliseconds, at least one, exponentially distributed. */
static int64_t after_us(struct workload *workload, double mean_s)
{
	return (int64_t)(-log(uniform(workload)) * mean_s * 1000 + 1) * US_PER_MS;
}

static int64_t between_us(struct workload *workload, double from_s, double to_s)
{
	return (int64_t)((from_s + uniform(workload) * (to_s - from_s)) * 1000) * US_PER_MS;
}

/* ---- future events ---- */

static bool is_sooner(const struct planned *a, const struct planned *b)
{
	if (a->sent_us != b->sent_us)
		return a->sent_us < b->sent_us;
	return a->ticket != b->ticket ? a->ticket < b->ticket : a->kind < b->kind;
}

static void plan(struct workload *workload, struct planned planned)
{
	if (workload->n == workload->capacity) {
		workload->capacity = workload->capacity == 0 ? 1024 : workload->capacity * 2;
		workload->heap = realloc(workload->heap, workload->capacity * sizeof(*workload->heap));
		if (workload->heap == NULL)
			abort();
	}
	size_t i = workload->n++;
	for (; i > 0 && is_sooner(&planned, &workload->heap[(i - 1) / 2]); i = (i - 1) / 2)
		workload->heap[i] = workload->heap[(i - 1) / 2];
	workload->heap[i] = planned;
}

static struct planned take(struct workload *workload)
{
	struct planned *heap = workload->heap, first = heap[0], last = heap[--workload->n];
	size_t i = 0, child;
	while ((child = 2 * i + 1) < workload->n) {
		if (child + 1 < workload->n && is_sooner(&heap[child + 1], &heap[child]))
			child++;
		if (!is_sooner(&heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return first;
}

static void plan_after(struct workload *workload, const struct planned *now, enum workload_kind kind, int64_t wait_us)
{
	plan(workload, (struct planned){now->time_us + wait_us, now->time_us + wait_us, now->ticket, (uint8_t)kind, 0});
}

static void plan_what_follows(struct workload *workload, const struct planned *now)
{
	const struct workload_pace *pace = &workload->params.pace;
	int64_t wait_us;
	if (uniform(workload) <= SHARE_SENT_AGAIN) {
		struct planned again = *now;
		again.sent_us += (int64_t)(uniform(workload) * pace->again_s * US_PER_SECOND);
		again.is_duplicate = 1;
		plan(workload, again);
	}
	switch ((enum workload_kind)now->kind) {
	case WORKLOAD_OPENED:
		if (uniform(workload) > SHARE_ANSWERED)
			return;
		wait_us = after_us(workload, pace->respond_s);
		if (uniform(workload) <= SHARE_LATE)
			wait_us = between_us(workload, pace->late_from_s, pace->late_to_s);
		plan_after(workload, now, WORKLOAD_RESPONDED, wait_us);
		return;
	case WORKLOAD_RESPONDED:
		wait_us = after_us(workload, pace->resolve_s);
		if (uniform(workload) <= SHARE_ANSWERED_AGAIN)
			plan_after(workload, now, WORKLOAD_RESPONDED_AGAIN, wait_us / 2);
		if (uniform(workload) <= SHARE_RESOLVED)
			plan_after(workload, now, WORKLOAD_RESOLVED, wait_us);
		return;
	case WORKLOAD_RESOLVED:
		plan_after(workload, now, WORKLOAD_CLOSED, after_us(workload, pace->close_s));
		return;
	case WORKLOAD_CLOSED:
		if (uniform(workload) <= SHARE_SURVEYED)
			plan_after(workload, now, WORKLOAD_SURVEYED, after_us(workload, pace->survey_s));
		return;
	case WORKLOAD_RESPONDED_AGAIN:
	case WORKLOAD_SURVEYED:
		return;
	}
}

/* ---- events ---- */

static void write_time(int64_t time_us, char *room, size_t room_bytes)
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm utc;
	char date[24];
	gmtime_r(&seconds, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(room, room_bytes, "%s.%03dZ", date, (int)(time_us / US_PER_MS % 1000));
}

static void describe(const struct workload *workload, const struct planned *planned, struct workload_event *event_out)
{
	static const char *const types[] = {"ticket.opened",   "ticket.responded", "ticket.responded",
	                                    "ticket.resolved", "ticket.closed",    "survey.submitted"};
	static const char *const channels[] = {"phone", "app", "desk"};
	static const char *const categories[] = {"repair/pipe", "repair/power", "lift",    "complaint",
	                                         "cleaning",    "parking",      "inquiry", "security"};
	uint64_t ticket = mix(workload->params.seed ^ planned->ticket);
	uint64_t high = mix(ticket ^ planned->kind), low = mix(high);

	*event_out = (struct workload_event){
	        .sent_us = planned->sent_us,
	        .time_us = planned->time_us,
	        .kind = planned->kind,
	        .is_duplicate = planned->is_duplicate,
	        .agent = (unsigned)(ticket % N_AGENTS),
	        .project = (unsigned)(ticket >> 8) % N_PROJECTS,
	        .priority = 1 + (unsigned)(ticket >> 16) % 4,
	        .score = planned->kind == WORKLOAD_SURVEYED ? 1 + (unsigned)(low >> 8) % 5 : 0,
	        .channel = channels[(ticket >> 24) % 3],
	        .category = categories[(ticket >> 32) % 8],
	        .type = types[planned->kind],
	};
	/* Numbers in a scattered order, so that every page of an index is equally likely: an odd factor reaches
	 * each of 2^25 once. */
	snprintf(event_out->ticket_id, sizeof(event_out->ticket_id), "%c%08u", workload->params.ticket_prefix,
	         (planned->ticket * UINT32_C(0x9e3779b1)) & UINT32_C(0x1ffffff));
	snprintf(event_out->id, sizeof(event_out->id), "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
	         (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff), (unsigned)(0x8000 | (low >> 48 & 0x3fff)),
	         (unsigned long long)(low & UINT64_C(0xffffffffffff)));
	write_time(planned->time_us, event_out->time, sizeof(event_out->time));
}

static void plan_opening(struct workload *workload, double after_s)
{
	workload->next_opening_us += (int64_t)(after_s * US_PER_SECOND);
}

struct workload *workload_new(const struct workload_params *params)
{
	struct workload *workload = calloc(1, sizeof(*workload));
	if (workload == NULL)
		abort();
	workload->params = *params;
	workload->random = mix(params->seed);
	workload->next_opening_us = params->start_us;
	return workload;
}

void workload_free(struct workload *workload)
{
	if (workload == NULL)
		return;
	free(workload->heap);
	free(workload);
}

void workload_next(struct workload *workload, struct workload_event *event_out)
{
	struct planned now;
	if (workload->n > 0 && workload->heap[0].sent_us <= workload->next_opening_us) {
		now = take(workload);
	} else {
		double tickets_per_s = workload->params.events_per_s;
		if (!workload->params.only_openings)
			tickets_per_s /= EVENTS_PER_TICKET;
		int64_t time_us = workload->next_opening_us / US_PER_MS * US_PER_MS;
		now = (struct planned){time_us, time_us, workload->n_tickets++, WORKLOAD_OPENED, 0};
		plan_opening(workload, -log(uniform(workload)) / tickets_per_s);
	}
	if (!now.is_duplicate && !workload->params.only_openings)
		plan_what_follows(workload, &now);
	describe(workload, &now, event_out);
}

size_t workload_json(const struct workload_event *event, char *room, size_t room_bytes)
{
	char score[32] = "";
	if (event->score != 0)
		snprintf(score, sizeof(score), ",\"score\":%u", event->score);
	int len = snprintf(
	        room, room_bytes,
	        "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/helpdesk\",\"type\":\"%s\",\"time\":\"%s\","
	        "\"data\":{\"ticket_id\":\"%s\",\"agent_id\":\"agent-%03u\",\"project_id\":\"prj-%02u\","
	        "\"channel\":\"%s\",\"category\":\"%s\",\"priority\":\"%u\"%s}}",
	        event->id, event->type, event->time, event->ticket_id, event->agent, event->project, event->channel,
	        event->category, event->priority, score);
	if (len < 0 || (size_t)len >= room_bytes)
		abort();
	return (size_t)len;
}
