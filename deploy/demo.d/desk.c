#include "desk.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "letters.h"

#define SECOND    1000000.0
#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

enum shift { EARLY = 1, LATE = 2 };

struct agent {
	const char *id;
	int shifts;        /* enum shift, or'ed */
	double response_s; /* average */
	double work_s;
	double charm; /* how much better surveys are than the work */
};

static const struct agent agents[] = {
        {"chen.jing", EARLY, 6.0, 15.0, 0.6},
        {"guo.min", EARLY, 9.0, 18.0, 0.2},
        {"li.wei", EARLY | LATE, 8.0, 20.0, 0.0},
        {"liu.yang", EARLY, 7.0, 14.0, 0.4},
        {"sun.hao", EARLY | LATE, 10.0, 22.0, 0.1},
        {"wang.fang", LATE, 5.0, 16.0, 0.8},
        {"wu.tao", LATE, 9.0, 19.0, 0.0},
        {"zhang.lin", LATE, 8.0, 15.0, 0.3},
        {"zhao.lei", EARLY | LATE, 24.0, 38.0, -0.8}, /* is slow */
};

struct kind {
	const char *letters, *category, *priority;
	int weight;
	double haste; /* times response_s */
	bool on_site;
};

/* The targets that go with the categories are in policy.json. */
static const struct kind kinds[] = {
        {"JJ", "lift/trapped", "emergency", 3, 0.3, true}, {"JJ", "fire-safety/alarm", "emergency", 2, 0.3, true},
        {"BX", "repair/plumbing", "2", 18, 1.0, true},     {"BX", "repair/electrical", "2", 14, 1.0, true},
        {"BX", "repair/door", "3", 8, 1.2, true},          {"TS", "complaint/noise", "3", 14, 1.1, false},
        {"TS", "complaint/cleaning", "3", 8, 1.2, false},  {"ZX", "inquiry/fees", "4", 20, 0.8, false},
        {"ZX", "inquiry/parking", "4", 13, 0.8, false},
};

static const struct kind water_main = {"BX", "repair/water", "1", 0, 0.8, true};

static const char *const projects[] = {"binjiang-tower", "yunhe-garden", "lakeside", "tower-9"};
static const char *const spoils[] = {"not_json",  "bad_time", "missing_field", "bad_value",
                                     "too_large", "too_deep", "not_an_object", "future"};

/* xorshift64*: the same seed gives the same desk everywhere. From 0 to 1, never 1. */
static double chance(struct desk *desk)
{
	uint64_t x = desk->random;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	desk->random = x;
	return (double)((x * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

static bool happens(struct desk *desk, double probability)
{
	return chance(desk) < probability;
}

static size_t pick(struct desk *desk, size_t n)
{
	return (size_t)(chance(desk) * (double)n);
}

/* Microseconds, uniformly distributed between two numbers of seconds. */
static int64_t between(struct desk *desk, double least_s, double most_s)
{
	return (int64_t)((least_s + chance(desk) * (most_s - least_s)) * SECOND);
}

/* Microseconds, exponentially distributed above a minimum. */
static int64_t about(struct desk *desk, double least_s, double average_s)
{
	return (int64_t)((least_s - log(1.0 - chance(desk)) * (average_s - least_s)) * SECOND);
}

/* The position of an instant in its period, 0 to 1. */
static double phase(const struct desk *desk, int64_t at_us)
{
	return (double)((at_us - desk->starts_us) % desk->period_us) / (double)desk->period_us;
}

/* When a water main breaks, and how long the desk suffers from it. */
#define BURST_BEGINS  0.40
#define BURST_ENDS    0.44
#define STRAIN_ENDS   0.60
#define SHIFT_CHANGES 0.66

/* In the last seconds no new tickets are opened. */
static int64_t last_opening(const struct desk *desk)
{
	return desk->ends_us == INT64_MAX ? INT64_MAX : desk->ends_us - (int64_t)(8.0 * SECOND);
}

/* When a step planned at at_us happens: at closing time everyone hurries, so that it is done spare_s before the end. */
static int64_t by_closing(struct desk *desk, int64_t from_us, int64_t at_us, double spare_s)
{
	int64_t last_us = desk->ends_us - (int64_t)(spare_s * SECOND);
	if (desk->ends_us == INT64_MAX || at_us <= last_us || from_us >= last_us)
		return at_us;
	return from_us + (int64_t)((0.3 + 0.65 * chance(desk)) * (double)(last_us - from_us));
}

static enum shift shift_at(const struct desk *desk, int64_t at_us)
{
	return phase(desk, at_us) < SHIFT_CHANGES ? EARLY : LATE;
}

/* How much longer everything takes because of the burst. */
static double strain(const struct desk *desk, int64_t at_us)
{
	double now = phase(desk, at_us);
	if (now < BURST_BEGINS || now > STRAIN_ENDS)
		return 1.0;
	return 1.0 + 2.0 * (STRAIN_ENDS - now) / (STRAIN_ENDS - BURST_BEGINS);
}

static const struct agent *on_duty(struct desk *desk, int64_t at_us)
{
	for (;;) {
		const struct agent *agent = &agents[pick(desk, COUNT(agents))];
		if (agent->shifts & (int)shift_at(desk, at_us))
			return agent;
	}
}

static const char *topic_of(const char *type)
{
	if (strcmp(type, "ticket.opened") == 0)
		return "ticket-opened";
	if (strcmp(type, "ticket.closed") == 0)
		return "ticket-closed";
	if (strcmp(type, "survey.submitted") == 0)
		return "survey";
	return "ticket-activity";
}

/* The first instant at which another shift works; INT64_MAX: beyond the end. */
static int64_t next_change(const struct desk *desk, int64_t at_us)
{
	double now = phase(desk, at_us);
	double to_go = (now < SHIFT_CHANGES ? SHIFT_CHANGES : 1.0) - now;
	return at_us + (int64_t)(to_go * (double)desk->period_us) + 1;
}

static struct step step_of(const char *ticket_id, const char *type, int64_t at_us, const char *agent_id)
{
	struct step step = {.type = type, .at_us = at_us, .agent_id = agent_id, .score = -1};
	snprintf(step.ticket_id, sizeof(step.ticket_id), "%s", ticket_id);
	return step;
}

static char *copy_of(const char *value, size_t length)
{
	char *copy = malloc(length + 1);
	if (!copy) {
		fprintf(stderr, "demo-generator: out of memory\n");
		exit(1);
	}
	memcpy(copy, value, length);
	copy[length] = '\0';
	return copy;
}

static enum form form_of(struct desk *desk, const struct letter *letter)
{
	if (strcmp(letter->source, "/desk/field-app") == 0)
		return happens(desk, 0.5) ? FORM_BINARY : FORM_STRUCTURED;
	if (strcmp(letter->topic, "ticket-activity") != 0) /* their topics determine the type */
		return happens(desk, 0.2) ? FORM_BARE : FORM_STRUCTURED;
	return FORM_STRUCTURED;
}

/* Schedules the letter about a step, to be sent after the delay. */
static struct letter say_after(struct desk *desk, const char *source, struct step step, int64_t delay_us)
{
	struct letter letter = {.fate = FATE_EVENT, .source = source, .topic = topic_of(step.type), .step = step};
	snprintf(letter.id, sizeof(letter.id), "%s%06x", desk->prefix, ++desk->n_ids);
	letter.form = form_of(desk, &letter);
	letter.send_us = step.at_us + delay_us;
	letter_write(&letter);
	schedule_put(&desk->schedule, &letter);
	return letter;
}

/* The same, with the losses and delays of a real network. */
static void say(struct desk *desk, const char *source, struct step step)
{
	bool field = strcmp(source, "/desk/field-app") == 0; /* is offline in basements and lifts */
	int64_t delay_us = between(desk, 0.005, 0.060);
	if (happens(desk, field ? 0.05 : 0.02))
		delay_us += between(desk, 1.0, field ? 15.0 : 6.0);
	struct letter letter = say_after(desk, source, step, delay_us);

	if (happens(desk, 0.04)) {
		struct letter again = letter;
		again.fate = FATE_DUPLICATE;
		again.send_us += between(desk, 0.1, 5.0);
		again.value = copy_of(letter.value, letter.value_len);
		schedule_put(&desk->schedule, &again);
	}
	/* Another event with an identity that is in use. It sorts after the original, which therefore counts (rule E2).
	 */
	if (strcmp(step.type, "ticket.responded") == 0 && !step.automatic && happens(desk, 0.004)) {
		struct letter other = letter;
		other.fate = FATE_DEAD;
		other.reason = "id_conflict";
		other.send_us += between(desk, 0.1, 2.0);
		other.step.agent_id = "zz.somebody.else";
		letter_write(&other);
		schedule_put(&desk->schedule, &other);
	}
}

/* The owner of the ticket at an instant: at the end of a shift, the next shift takes over. */
static const struct agent *handed_over(struct desk *desk, const char *ticket_id, const struct agent *agent,
                                       int64_t since_us, int64_t until_us)
{
	int64_t change_us = next_change(desk, since_us);
	while (change_us < until_us) {
		if (!(agent->shifts & (int)shift_at(desk, change_us))) {
			agent = on_duty(desk, change_us);
			int64_t at_us = change_us + (until_us - change_us) / 3;
			say(desk, "/desk/callcenter", step_of(ticket_id, "ticket.assigned", at_us, agent->id));
		}
		change_us = next_change(desk, change_us);
	}
	return agent;
}

static void say_survey(struct desk *desk, const char *ticket_id, const struct agent *agent, int64_t closed_us,
                       int64_t took_us)
{
	if (!happens(desk, 0.45))
		return;
	struct step step = step_of(ticket_id, "survey.submitted", closed_us + about(desk, 0.5, 4.0), NULL);
	double mood = 5.2 + agent->charm - (double)took_us / SECOND / 25.0 + (chance(desk) - 0.5) * 2.0;
	mood = fmin(fmax(mood, 1.0), 5.0);
	if (happens(desk, 0.25)) {
		step.kind = "nps";
		step.score = (int)lround((mood - 1.0) * 2.5);
	} else {
		step.kind = "csat";
		step.score = (int)lround(mood);
		step.scale_max = 5;
	}
	say(desk, "/desk/survey", step);
}

/* From the first response to the end, or to the end after a reopening. */
static void say_work(struct desk *desk, const char *ticket_id, const struct kind *kind, const struct agent *agent,
                     int64_t opened_us, int64_t responded_us)
{
	const char *source = kind->on_site ? "/desk/field-app" : "/desk/callcenter";
	int64_t now_us = responded_us;
	if (happens(desk, 0.15))
		say(desk, "/desk/app",
		    step_of(ticket_id, "ticket.requester_replied", now_us + between(desk, 0.3, 3.0), NULL));
	if (kind->on_site) {
		now_us = by_closing(desk, now_us, now_us + about(desk, 1.0, 4.0), 4.0);
		say(desk, source, step_of(ticket_id, "ticket.arrived", now_us, agent->id));
		if (happens(desk, 0.15)) {
			int64_t paused_us = by_closing(desk, now_us, now_us + between(desk, 0.5, 2.0), 3.0);
			struct step pause = step_of(ticket_id, "ticket.paused", paused_us, NULL);
			pause.reason = "awaiting_parts";
			say(desk, source, pause);
			now_us = by_closing(desk, paused_us, paused_us + between(desk, 4.0, 20.0), 2.5);
			say(desk, source, step_of(ticket_id, "ticket.resumed", now_us, NULL));
		}
	}
	int64_t work_us = (int64_t)((double)about(desk, 2.0, agent->work_s) * strain(desk, now_us));
	now_us = by_closing(desk, now_us, now_us + work_us, 2.0);
	agent = handed_over(desk, ticket_id, agent, responded_us, now_us);
	struct step resolved = step_of(ticket_id, "ticket.resolved", now_us, agent->id);
	if (happens(desk, 0.03))
		resolved.resolution = "duplicate";
	else if (happens(desk, 0.06))
		resolved.resolution = "unsolved";
	say(desk, source, resolved);
	now_us = by_closing(desk, now_us, now_us + between(desk, 0.5, 4.0), 1.0);
	say(desk, "/desk/callcenter", step_of(ticket_id, "ticket.closed", now_us, agent->id));
	say_survey(desk, ticket_id, agent, now_us, now_us - opened_us);

	if (!happens(desk, 0.05))
		return;
	struct step reopened = step_of(ticket_id, "ticket.reopened", now_us + about(desk, 1.0, 6.0), NULL);
	if (reopened.at_us >= last_opening(desk))
		return;
	reopened.reason = "it happens again";
	say(desk, "/desk/callcenter", reopened);
	now_us = by_closing(desk, reopened.at_us, reopened.at_us + about(desk, 2.0, agent->work_s), 2.0);
	agent = handed_over(desk, ticket_id, agent, reopened.at_us, now_us);
	say(desk, source, step_of(ticket_id, "ticket.resolved", now_us, agent->id));
	now_us = by_closing(desk, now_us, now_us + between(desk, 0.5, 4.0), 1.0);
	say(desk, "/desk/callcenter", step_of(ticket_id, "ticket.closed", now_us, agent->id));
}

static void open_ticket(struct desk *desk, const struct kind *kind, const char *project, int64_t opened_us)
{
	char ticket_id[sizeof(((struct step *)NULL)->ticket_id)];
	snprintf(ticket_id, sizeof(ticket_id), "%s%s-%05u", desk->prefix, kind->letters, ++desk->n_tickets);
	bool by_app = happens(desk, 0.3);
	const struct agent *agent = on_duty(desk, opened_us);

	struct step opened = step_of(ticket_id, "ticket.opened", opened_us, by_app ? NULL : agent->id);
	opened.project_id = project;
	opened.category = kind->category;
	opened.priority = kind->priority;
	opened.channel = by_app ? "app" : happens(desk, 0.8) ? "phone" : "desk";
	say(desk, by_app ? "/desk/app" : "/desk/callcenter", opened);

	int64_t owned_us = opened_us;
	if (by_app) {
		struct step reply = step_of(ticket_id, "ticket.responded", opened_us + between(desk, 0.1, 0.4), NULL);
		reply.automatic = 1;
		say(desk, "/desk/app", reply);
		owned_us = reply.at_us + (int64_t)((double)about(desk, 0.3, 1.5) * strain(desk, opened_us));
		owned_us = by_closing(desk, reply.at_us, owned_us, 6.5);
		agent = on_duty(desk, owned_us);
		say(desk, "/desk/callcenter", step_of(ticket_id, "ticket.assigned", owned_us, agent->id));
	}
	double wait = (double)about(desk, 0.5, fmax(agent->response_s * kind->haste, 0.6)) * strain(desk, owned_us);
	int64_t responded_us = by_closing(desk, owned_us, owned_us + (int64_t)wait, 5.0);
	if (happens(desk, 0.01)) /* forgotten */
		responded_us += (int64_t)(60.0 * SECOND);
	agent = handed_over(desk, ticket_id, agent, owned_us, responded_us);
	say(desk, kind->on_site ? "/desk/field-app" : "/desk/callcenter",
	    step_of(ticket_id, "ticket.responded", responded_us, agent->id));
	say_work(desk, ticket_id, kind, agent, opened_us, responded_us);
}

static const struct kind *any_kind(struct desk *desk)
{
	int sum = 0;
	for (size_t i = 0; i < COUNT(kinds); i++)
		sum += kinds[i].weight;
	int drawn = (int)pick(desk, (size_t)sum);
	size_t i = 0;
	while (drawn >= kinds[i].weight)
		drawn -= kinds[i++].weight;
	return &kinds[i];
}

static void say_spoilt(struct desk *desk, int64_t at_us)
{
	struct letter letter = {.source = "/desk/old-crm", .send_us = at_us, .topic = "ticket-activity"};
	char ticket_id[32];
	snprintf(ticket_id, sizeof(ticket_id), "%sBX-%05u", desk->prefix, desk->n_tickets);
	snprintf(letter.id, sizeof(letter.id), "%s%06x", desk->prefix, ++desk->n_ids);
	letter.step = step_of(ticket_id, "ticket.responded", at_us, "chen.jing");
	letter_spoil(&letter, spoils[desk->n_spoilt++ % COUNT(spoils)]);
	schedule_put(&desk->schedule, &letter);
}

static void say_useless(struct desk *desk, enum fate fate, int64_t at_us)
{
	struct letter letter = {.fate = fate, .source = "/desk/app", .send_us = at_us, .topic = "ticket-activity"};
	char ticket_id[32];
	snprintf(ticket_id, sizeof(ticket_id), "%sBX-%05u", desk->prefix, desk->n_tickets);
	snprintf(letter.id, sizeof(letter.id), "%s%06x", desk->prefix, ++desk->n_ids);
	letter.step = step_of(ticket_id, "ticket.viewed", at_us, NULL);
	if (fate != FATE_TOMBSTONE)
		letter_write(&letter);
	schedule_put(&desk->schedule, &letter);
}

void desk_init(struct desk *desk, const char *prefix, uint64_t seed, double rate, int64_t starts_us, int64_t period_us,
               int64_t ends_us)
{
	memset(desk, 0, sizeof(*desk));
	desk->random = seed * 2 + 1; /* never 0 */
	desk->prefix = prefix;
	desk->rate = rate;
	desk->starts_us = desk->next_ticket_us = starts_us;
	desk->period_us = period_us;
	desk->ends_us = ends_us;
	desk->next_spoilt_us = starts_us + 1500000;
	desk->next_unknown_us = starts_us + 2500000;
	desk->next_tombstone_us = starts_us + 4500000;
	for (int i = 0; i < 8; i++)
		chance(desk); /* small seeds produce similar numbers at first */
}

void desk_open_demo_tickets(struct desk *desk)
{
	const char *takes_calls = "chen.jing", *in_the_basement = "sun.hao";
	int64_t start_us = desk->starts_us;

	struct step opened = step_of(DEMO_UNTOUCHED, "ticket.opened", start_us + 500000, takes_calls);
	opened.project_id = "binjiang-tower";
	opened.category = "fire-safety/alarm";
	opened.priority = "emergency";
	opened.channel = "phone";
	say_after(desk, "/desk/callcenter", opened, 10000);

	opened = step_of(DEMO_LATE_PROOF, "ticket.opened", start_us + 14000000, takes_calls);
	opened.project_id = "lakeside";
	opened.category = "lift/trapped";
	opened.priority = "emergency";
	opened.channel = "phone";
	say_after(desk, "/desk/callcenter", opened, 10000);
	struct step step = step_of(DEMO_LATE_PROOF, "ticket.assigned", start_us + 15500000, in_the_basement);
	say_after(desk, "/desk/callcenter", step, 10000);
	/* In time, but received 12 seconds later: after the deadline. */
	step = step_of(DEMO_LATE_PROOF, "ticket.responded", start_us + 20000000, in_the_basement);
	say_after(desk, "/desk/field-app", step, 12000000);
	step = step_of(DEMO_LATE_PROOF, "ticket.resolved", start_us + 35000000, in_the_basement);
	say_after(desk, "/desk/field-app", step, 10000);
}

void desk_advance(struct desk *desk, int64_t now_us)
{
	while (desk->next_ticket_us <= now_us && desk->next_ticket_us < last_opening(desk)) {
		int64_t at_us = desk->next_ticket_us;
		double now = phase(desk, at_us);
		bool burst = now >= BURST_BEGINS && now < BURST_ENDS;
		if (burst && happens(desk, 0.7))
			open_ticket(desk, &water_main, "tower-9", at_us);
		else
			open_ticket(desk, any_kind(desk), projects[pick(desk, COUNT(projects))], at_us);
		double rate = desk->rate * (burst ? 3.0 : 1.0 + 0.3 * sin(now * 6 * M_PI));
		desk->next_ticket_us += about(desk, 0.0, 1.0 / rate) + 1;
	}
	for (; desk->next_spoilt_us <= now_us; desk->next_spoilt_us += 1700000)
		say_spoilt(desk, desk->next_spoilt_us);
	for (; desk->next_unknown_us <= now_us; desk->next_unknown_us += 3100000)
		say_useless(desk, FATE_UNKNOWN_TYPE, desk->next_unknown_us);
	for (; desk->next_tombstone_us <= now_us; desk->next_tombstone_us += 7300000)
		say_useless(desk, FATE_TOMBSTONE, desk->next_tombstone_us);
}

void desk_release(struct desk *desk)
{
	while (schedule_first(&desk->schedule))
		free(schedule_take(&desk->schedule).value);
	free(desk->schedule.items);
}
