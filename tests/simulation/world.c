/* One seed: what producers send, which faults happen, and when; then no more faults, and everything must come to
 * rest. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/zone/zone.h"
#include "kpid/base/arena.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"

enum {
	MOST_INSTANCES = 3,
	MOST_FAULTS = 16,
	MOST_MESSAGES = 60,
	MOST_TRANSACTIONS = 2,
	N_POLICIES = 4,
	OPERATOR_US = 700000,
	LOOK_US = 250000,
	LOOKS = 6,             /* interval of checks for rest: observations of partitions are written by then */
	PATIENCE_US = 90000000 /* within which all must have come to rest: fences are checked after 15 s */
};

#define BEGIN_US (INT64_C(1767600000) * US_PER_SECOND) /* 2026-01-05T08:00:00Z */

struct sim_counts sim_counts;

/* A random stream for each purpose, so that leaving out a fault does not change any message. */
struct chance {
	uint64_t state;
};

static struct {
	struct sim_options options;
	struct arena arena;
	struct chance happens, sends, breaks;
	struct sim_instance *instances[MOST_INSTANCES];
	bool wanted[MOST_INSTANCES];
	int n_instances, n_lanes, policy, fault_per_mille;
	const char *batch_events, *batch_age, *tick;
	bool calm, jumps, dawdles, transactional, has_fast_sender, refuses, has_strangers, replaces, maps, failed,
	        at_rest;
	int looks;
	int64_t owes_until_us;
	char reason[512];
} world;

static struct {
	char path[32];
	int fd;
	struct policy_set *set;
} policies[N_POLICIES];

/* ---- random numbers, memory, failure ---- */

static uint64_t next_of(struct chance *chance)
{
	uint64_t z = (chance->state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t below(struct chance *chance, uint32_t n)
{
	return (uint32_t)((next_of(chance) >> 32) * n >> 32);
}

static int64_t between(struct chance *chance, int64_t least, int64_t most)
{
	return least + (int64_t)(next_of(chance) % (uint64_t)(most - least + 1));
}

uint32_t sim_sends_below(uint32_t n)
{
	return below(&world.sends, n);
}

int64_t sim_sends_before(int64_t now_us)
{
	struct chance *c = &world.sends;
	int64_t ago_us = below(c, 2) == 0 ? 0 : between(c, 0, below(c, 2) == 0 ? 500000 : 8000000);
	if (world.has_fast_sender && below(c, 4) == 0)
		ago_us = -between(c, 0, 3000000);
	return now_us - ago_us;
}

bool sim_maps(void)
{
	return world.maps;
}

uint32_t sim_below(uint32_t n)
{
	return below(&world.happens, n);
}

bool sim_chance(uint32_t per_mille)
{
	return sim_below(1000) < per_mille;
}

int64_t sim_between(int64_t least, int64_t most)
{
	return between(&world.happens, least, most);
}

void *sim_alloc(size_t size_bytes)
{
	return arena_zalloc(&world.arena, size_bytes);
}

bool sim_is_calm(void)
{
	return world.calm;
}

void sim_owe(int64_t delay_us)
{
	enum { SOON_US = 100000 };
	if (delay_us > SOON_US && sim_now_us() + delay_us > world.owes_until_us)
		world.owes_until_us = sim_now_us() + delay_us;
}

bool sim_dawdles(void)
{
	return world.dawdles && !world.calm;
}

bool sim_refuses(struct text ticket_id)
{
	uint32_t hash = (uint32_t)world.options.seed;
	for (uint32_t i = 0; i < ticket_id.len; i++)
		hash = hash * 31 + (unsigned char)ticket_id.ptr[i];
	return world.refuses && !world.calm && hash % 5 == 0;
}

bool sim_failed(void)
{
	return world.failed;
}

void sim_fail(const char *format, ...)
{
	va_list arguments;
	if (world.failed)
		return;
	world.failed = true;
	va_start(arguments, format);
	vsnprintf(world.reason, sizeof(world.reason), format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 1, 0))) static void trace(const char *format, va_list arguments)
{
	const struct sim_instance *instance = sim_current();
	printf("%10.6f %-2s ", (double)(sim_now_us() - BEGIN_US) / 1e6, instance == NULL ? "" : instance->name);
	vprintf(format, arguments);
	putchar('\n');
}

__attribute__((format(printf, 1, 0))) static void trace_if_wanted(const char *format, va_list arguments)
{
	if (world.options.trace)
		trace(format, arguments);
}

void sim_trace(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	trace_if_wanted(format, arguments);
	va_end(arguments);
}

/* The daemon's log is part of the trace: replaces daemon/base/log.c. */
#define TRACE_LINE                                                                                                     \
	va_list arguments;                                                                                             \
	va_start(arguments, format);                                                                                   \
	trace_if_wanted(format, arguments);                                                                            \
	va_end(arguments)

void log_set_level(enum log_level level)
{
	(void)level;
}

void log_set_journal(int enabled)
{
	(void)enabled;
}

void log_error(const char *format, ...)
{
	TRACE_LINE;
}

void log_warning(const char *format, ...)
{
	TRACE_LINE;
}

void log_info(const char *format, ...)
{
	TRACE_LINE;
}

void log_debug(const char *format, ...)
{
	TRACE_LINE;
}

/* ---- policies ---- */

static const char *const policy_texts[N_POLICIES] = {
        "{\"revisions\":[{\"id\":\"1\",\"calendars\":{\"c\":{\"always\":true}},\"policies\":[{\"name\":\"p\","
        "\"targets\":{"
        "\"first_response\":{\"within\":\"2s\",\"calendar\":\"c\"},"
        "\"resolution\":{\"within\":\"4s\",\"calendar\":\"c\",\"pause_on\":[\"wait\"]}}}]}]}",
        "{\"revisions\":[{\"id\":\"2\",\"resume_on_reply\":[\"wait\"],\"calendars\":{\"c\":{\"always\":true}},"
        "\"policies\":[{\"name\":\"urgent\",\"match\":{\"priority\":[\"1\"]},\"targets\":{"
        "\"first_response\":{\"within\":\"1s\",\"calendar\":\"c\",\"warn_at\":[\"50%\"],\"escalate_after\":[\"2s\"]},"
        "\"next_response\":{\"within\":\"2s\",\"calendar\":\"c\"},"
        "\"resolution\":{\"within\":\"3s\",\"calendar\":\"c\",\"pause_on\":[\"wait\",\"\"],\"warn_at\":[\"1s "
        "before\"]}}},"
        "{\"name\":\"p\",\"targets\":{\"first_response\":{\"within\":\"3s\",\"calendar\":\"c\"},"
        "\"arrival\":{\"within\":\"5s\",\"calendar\":\"c\",\"warn_at\":[\"80%\"]},"
        "\"resolution\":{\"within\":\"6s\",\"calendar\":\"c\",\"reopen\":\"continue\",\"escalate_after\":[\"1s\","
        "\"3s\"]}"
        "}}]}]}",
        "{\"revisions\":[{\"id\":\"3\",\"calendars\":{\"c\":{\"always\":true}},\"policies\":[{\"name\":\"w\","
        "\"targets\":{"
        "\"first_response\":{\"within\":\"5s\",\"calendar\":\"c\",\"warn_at\":[\"20%\",\"60%\",\"1s before\"]},"
        "\"next_response\":{\"within\":\"1s\",\"calendar\":\"c\",\"warn_at\":[\"50%\"]},"
        "\"resolution\":{\"within\":\"2s\",\"calendar\":\"c\",\"pause_on\":[\"wait\"],\"escalate_after\":[\"1s\","
        "\"2s\"]}"
        "}}]}]}",
        "{\"revisions\":[{\"id\":\"4\",\"calendars\":{\"c\":{\"always\":true}},\"policies\":[{\"name\":\"p1\","
        "\"match\":{"
        "\"project_id\":[\"p1\"]},\"targets\":{\"first_response\":{\"within\":\"4s\",\"calendar\":\"c\"}}}]}]}",
};

static void load_policies(void)
{
	if (policies[0].fd != 0)
		return;
	for (int i = 0; i < N_POLICIES; i++) {
		struct file_errors faults;
		policies[i].fd = memfd_create("policy", 0);
		dprintf(policies[i].fd, "%s", policy_texts[i]);
		snprintf(policies[i].path, sizeof(policies[i].path), "/proc/self/fd/%d", policies[i].fd);
		policies[i].set = policy_set_parse(text_of(policy_texts[i]), zone_find, &faults);
		if (policies[i].set == NULL) {
			fprintf(stderr, "policy %d: %.*s\n", i, (int)faults.items[0].message.len,
			        faults.items[0].message.ptr);
			abort();
		}
		file_errors_release(&faults);
	}
}

/* ---- what producers send ---- */

struct sent {
	int topic, partition;
	const char *bytes;
	uint32_t len;
	int64_t occurred_us;
};

static struct sent sent[MOST_MESSAGES];
static int n_sent;

static const char *text_time(int64_t us, char out[32])
{
	int64_t of_day_us = us - (BEGIN_US - 8 * 3600 * US_PER_SECOND);
	int64_t seconds = of_day_us / US_PER_SECOND;
	snprintf(out, 32, "2026-01-05T%02d:%02d:%02d.%06dZ", (int)(seconds / 3600), (int)(seconds / 60 % 60),
	         (int)(seconds % 60), (int)(of_day_us % US_PER_SECOND));
	return out;
}

__attribute__((format(printf, 2, 3))) static void add(struct buf *buf, const char *format, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_add_text(buf, text_of(text));
}

static const char *any_of(const char *const *words, uint32_t n)
{
	return words[below(&world.sends, n)];
}

static void add_data(struct buf *json, enum event_type type, int64_t now_us)
{
	static const char *const agents[] = {"\"a0\"", "\"a1\"", "\"a2\"", "null"};
	static const char *const reasons[] = {"wait", "", "parts"};
	static const char *const resolutions[] = {"solved", "solved", "unsolved", "cancelled", "duplicate"};
	static const char *const kinds[] = {"csat", "nps", "ces"};
	struct chance *c = &world.sends;
	char time[32];
	if (below(c, 2) == 0)
		add(json, ",\"agent_id\":%s", any_of(agents, 4));
	switch (type) {
	case EVENT_OPENED:
	case EVENT_UPDATED:
		if (below(c, 2) == 0)
			add(json, ",\"priority\":\"%u\",\"project_id\":\"p%u\"", below(c, 3), below(c, 2));
		if (below(c, 5) == 0)
			add(json, ",\"first_response_due_at\":\"%s\"",
			    text_time(now_us + between(c, -1000000, 6000000), time));
		if (below(c, 5) == 0)
			add(json, ",\"resolution_due_at\":\"%s\"",
			    text_time(now_us + between(c, -1000000, 6000000), time));
		break;
	case EVENT_PAUSED:
	case EVENT_RESUMED:
		add(json, ",\"reason\":\"%s\"", any_of(reasons, 3));
		break;
	case EVENT_RESPONDED:
		if (below(c, 5) == 0)
			add(json, ",\"automatic\":true");
		break;
	case EVENT_CLOSED:
		if (below(c, 3) == 0)
			add(json, ",\"automatic\":true");
		if (below(c, 4) == 0)
			add(json, ",\"opened_at\":\"%s\"", text_time(now_us - between(c, 0, 5000000), time));
		if (below(c, 4) == 0)
			add(json, ",\"first_response_at\":\"%s\"", text_time(now_us - between(c, 0, 3000000), time));
		break;
	case EVENT_RESOLVED:
		add(json, ",\"resolution\":\"%s\"", any_of(resolutions, 5));
		break;
	case EVENT_SURVEY:
		add(json, ",\"kind\":\"%s\",\"score\":%u", any_of(kinds, 3), below(c, 6));
		break;
	default:
		break;
	}
}

static enum event_type any_type(void)
{
	static const enum event_type likely[] = {EVENT_OPENED, EVENT_OPENED,   EVENT_OPENED,   EVENT_RESPONDED,
	                                         EVENT_PAUSED, EVENT_RESUMED,  EVENT_RESOLVED, EVENT_CLOSED,
	                                         EVENT_CLOSED, EVENT_REOPENED, EVENT_REOPENED};
	if (below(&world.sends, 2) == 0)
		return likely[below(&world.sends, sizeof(likely) / sizeof(likely[0]))];
	return (enum event_type)below(&world.sends, EVENT_N_TYPES);
}

static void write_event(struct sent *message, int no)
{
	struct chance *c = &world.sends;
	struct buf json = BUF_INIT;
	char time[32];
	int64_t now_us = sim_now_us();
	int64_t ago_us = below(c, 2) == 0 ? 0 : between(c, 0, below(c, 2) == 0 ? 500000 : 8000000);
	enum event_type type = any_type();
	if (world.has_fast_sender && below(c, 4) == 0)
		ago_us = -between(c, 0, 3000000);
	/* Some use the id of another event, with the same or other content. */
	int id = below(c, 12) == 0 ? (int)below(c, (uint32_t)no + 1) : no;
	uint32_t ticket = below(c, 3);
	message->occurred_us = now_us - ago_us;
	message->topic = type == EVENT_OPENED && below(c, 4) != 0 ? 0 : 1;
	message->partition =
	        (int)(below(c, 3) != 0 ? ticket % (uint32_t)sim_n_partitions : below(c, (uint32_t)sim_n_partitions));
	add(&json,
	    "{\"specversion\":\"1.0\",\"id\":\"e%d\",\"source\":\"/sim\",\"type\":\"%s\",\"time\":\"%s\","
	    "\"data\":{\"ticket_id\":\"t%u\"",
	    id, event_type_name(type), text_time(message->occurred_us, time), ticket);
	add_data(&json, type, message->occurred_us);
	add(&json, "}}");
	message->bytes = arena_text(&world.arena, buf_text(&json)).ptr;
	message->len = (uint32_t)json.len_bytes;
	buf_release(&json);
}

static void write_page(struct sent *message, int no)
{
	struct text page = records_new_page(no);
	message->topic = SIM_MAPPED_TOPIC;
	message->partition = (int)below(&world.sends, (uint32_t)sim_n_partitions);
	message->occurred_us = sim_now_us();
	message->bytes = page.ptr;
	message->len = page.len;
}

static void write_junk(struct sent *message)
{
	static const char *const junk[] = {
	        "{", "not json", "[]", "{\"type\":\"ticket.opened\"}",
	        ("{\"specversion\":\"1.0\",\"id\":\"u\",\"source\":\"/s\","
	         "\"type\":\"acme.unknown\",\"time\":\"2026-01-05T08:00:00Z\",\"data\":{}}")};
	uint32_t which = below(&world.sends, 6);
	message->topic = (int)below(&world.sends, SIM_TOPICS);
	message->partition = (int)below(&world.sends, (uint32_t)sim_n_partitions);
	message->occurred_us = TIME_NONE;
	message->bytes = which < 5 ? junk[which] : NULL;
	message->len = which < 5 ? (uint32_t)strlen(junk[which]) : 0;
}

/* In half of the seeds producers use transactions, and some stay open for long. */
static struct sim_transaction *transactions[MOST_TRANSACTIONS];

static void end_transaction(void *context)
{
	kafka_end_transaction(context, below(&world.sends, 3) == 0 ? SIM_ABORTED : SIM_COMMITTED);
}

static struct sim_transaction *any_transaction(void)
{
	struct chance *c = &world.sends;
	if (!world.transactional || below(c, 2) == 0)
		return NULL;
	struct sim_transaction **place = &transactions[below(c, MOST_TRANSACTIONS)];
	if (*place == NULL || (*place)->end != SIM_OPEN) {
		*place = sim_alloc(sizeof(**place));
		sim_counts.transactions++;
		sim_after(between(c, 1000, below(c, 2) == 0 ? 100000 : 6000000), NULL, end_transaction, *place);
	}
	return *place;
}

static void send_one(void *context)
{
	struct chance *c = &world.sends;
	struct sent *message = &sent[n_sent];
	(void)context;
	uint32_t kind = below(c, 20);
	if (kind == 0) {
		write_junk(message);
	} else if (kind <= 3 && n_sent > 0) { /* again, possibly elsewhere */
		*message = sent[below(c, (uint32_t)n_sent)];
		if (below(c, 2) == 0)
			message->partition = (int)below(c, (uint32_t)sim_n_partitions);
	} else {
		write_event(message, n_sent);
		if (world.maps && message->topic == SIM_MAPPED_TOPIC)
			write_page(message, n_sent);
	}
	n_sent++;
	kafka_append(message->topic, message->partition, message->bytes, message->len, message->occurred_us,
	             any_transaction());
}

static int64_t plan_messages(void)
{
	struct chance *c = &world.sends;
	int n = 5 + (int)below(c, MOST_MESSAGES - 5);
	int64_t span_us = between(c, 1000000, 8000000);
	n_sent = 0;
	memset(transactions, 0, sizeof(transactions));
	for (int i = 0; i < n; i++) {
		int64_t at_us = between(c, 0, span_us);
		if (i < world.options.most_messages)
			sim_after(at_us, NULL, send_one, NULL);
	}
	return span_us;
}

/* ---- instances ---- */

static void start(int index)
{
	static const char *const names[MOST_INSTANCES] = {"a", "b", "c"};
	char lanes[16], instance[32], events[48], age[48], tick[32], policy[64], file[64];
	const char *sets[] = {"topics.opened=ticket.opened",
	                      world.maps ? "topics.activity=map desk" : "topics.activity=*",
	                      "sla.max_silence=24h",
	                      "kpi.fcr_window=1h",
	                      "metrics.listen=", /* no port of this machine, which may be taken */
	                      "appraisal.refresh=0",
	                      lanes,
	                      instance,
	                      events,
	                      age,
	                      tick,
	                      policy,
	                      "map desk.each=/page", /* the last two: if a mapping is used */
	                      file};
	const size_t n_sets = sizeof(sets) / sizeof(sets[0]) - (world.maps ? 0 : 2);
	struct config_errors faults = CONFIG_ERRORS_INIT;
	world.wanted[index] = true;
	if (world.instances[index] != NULL && !world.instances[index]->dead)
		return;
	snprintf(lanes, sizeof(lanes), "run.lanes=%d", world.n_lanes);
	snprintf(instance, sizeof(instance), "run.instance=%s", names[index]);
	snprintf(events, sizeof(events), "run.batch_max_events=%s", world.batch_events);
	snprintf(age, sizeof(age), "run.batch_max_age=%s", world.batch_age);
	snprintf(tick, sizeof(tick), "sla.tick=%s", world.tick);
	snprintf(policy, sizeof(policy), "sla.policy_file=%s", policies[world.policy].path);
	snprintf(file, sizeof(file), "map desk.file=%s", records_mapping());
	struct kpid_config *config = kpid_config_load(NULL, sets, n_sets, &faults);
	if (config == NULL) {
		sim_fail("the configuration: %s: %s", faults.items[0].key, faults.items[0].message);
		config_errors_release(&faults);
		return;
	}
	world.instances[index] = sim_instance_start(index, config);
	world.instances[index]->name = names[index];
}

static void start_planned(void *context)
{
	start((int)(intptr_t)context);
}

static void start_later(int index, int64_t delay_us)
{
	sim_after(delay_us, NULL, start_planned, (void *)(intptr_t)index);
}

/* ---- faults ---- */

enum fault_kind {
	CRASH,
	STOP,
	FREEZE,
	START,
	CUT,
	TERMINATE,
	RESTART,
	REBALANCE,
	JUMP,
	TAIL,
	HEAD,
	RECREATE,
	N_FAULTS,
	EMPTY = N_FAULTS, /* planned by plan_replacements() alone */
	REPLACE
};

static const char *const fault_names[] = {"crash",     "stop", "freeze", "start", "cut",      "terminate", "restart",
                                          "rebalance", "jump", "tail",   "head",  "recreate", "empty",     "replace"};

struct fault {
	enum fault_kind kind;
	int index;
	int64_t long_us;
};

static bool runs(int index)
{
	const struct sim_instance *instance = world.instances[index];
	return instance != NULL && !instance->dead;
}

static void happen(void *context)
{
	const struct fault *fault = context;
	struct sim_instance *instance = runs(fault->index) ? world.instances[fault->index] : NULL;
	if (world.calm)
		return;
	sim_trace("fault: %s", fault_names[fault->kind]);
	sim_counts.faults++;
	switch (fault->kind) {
	case CRASH:
		if (instance != NULL) {
			sim_instance_crash(instance);
			sim_counts.crashes++;
			start_later(fault->index, fault->long_us);
		}
		break;
	case STOP:
		if (instance != NULL && instance->frozen_until_us <= sim_now_us()) {
			sim_instance_terminate(instance);
			sim_counts.stops++;
			start_later(fault->index, fault->long_us + 4000000);
		}
		break;
	case FREEZE:
		if (instance != NULL) {
			instance->frozen_until_us = sim_now_us() + fault->long_us;
			if (instance->frozen_until_us > world.owes_until_us)
				world.owes_until_us = instance->frozen_until_us; /* waiting transactions go on then */
			sim_counts.freezes++;
		}
		break;
	case START:
		start(fault->index);
		break;
	case CUT:
		sessions_cut_one();
		break;
	case TERMINATE:
		sessions_terminate_one();
		break;
	case RESTART:
		sessions_restart_server(fault->long_us / 4);
		break;
	case REBALANCE:
		kafka_rebalance();
		break;
	case JUMP:
		if (instance != NULL && world.jumps) {
			instance->wall_offset_us = (fault->long_us - 4000000) * 4;
			sim_counts.jumps++;
		}
		break;
	case TAIL:
		kafka_lose_tail();
		break;
	case HEAD:
		kafka_lose_head();
		break;
	case RECREATE:
		kafka_recreate_topic();
		break;
	case EMPTY:
		kafka_empty_unread();
		break;
	case REPLACE:
		kafka_replace_unread();
		break;
	}
}

static void plan_faults(int64_t span_us)
{
	/* Cuts are the most important faults. */
	static const enum fault_kind often[] = {CRASH, FREEZE, CUT, CUT, CUT, TERMINATE, TERMINATE, REBALANCE, START};
	struct chance *c = &world.breaks;
	int n = (int)below(c, MOST_FAULTS);
	/* Logs. If the end of a transaction replaces the message that was read last, nothing reveals it. */
	bool loses = below(c, 3) == 0 && !world.transactional;
	for (int i = 0; i < n; i++) {
		struct fault *fault = sim_alloc(sizeof(*fault));
		fault->kind = below(c, 2) == 0 ? often[below(c, sizeof(often) / sizeof(often[0]))]
		                               : (enum fault_kind)below(c, N_FAULTS);
		fault->index = (int)below(c, (uint32_t)world.n_instances);
		fault->long_us = between(c, 1000, below(c, 2) == 0 ? 500000 : 8000000);
		int64_t at_us = between(c, 0, span_us + 3000000);
		if (fault->kind >= TAIL && !loses)
			fault->kind = CUT;
		if (i < world.options.most_faults)
			sim_after(at_us, NULL, happen, fault);
	}
}

/* Partitions are emptied before they are read, lose their owners, and get other logs. In a few seeds only: there is
 * less to read then. */
static void plan_replacements(int64_t span_us)
{
	static const enum fault_kind kinds[] = {EMPTY, REPLACE, REPLACE, CRASH, FREEZE, REBALANCE};
	struct chance *c = &world.breaks;
	int n = 3 + (int)below(c, 20);
	for (int i = 0; i < n; i++) {
		struct fault *fault = sim_alloc(sizeof(*fault));
		fault->kind = i < 3 ? EMPTY : kinds[below(c, sizeof(kinds) / sizeof(kinds[0]))];
		fault->index = (int)below(c, (uint32_t)world.n_instances);
		fault->long_us = between(c, 1000, 8000000);
		int64_t at_us = between(c, 0, i < 3 ? 500000 : span_us + 3000000);
		if (i < world.options.most_faults)
			sim_after(at_us, NULL, happen, fault);
	}
}

/* ---- an operator who accepts gaps ---- */

static void accept_gap(struct transaction *transaction, struct slot *slot)
{
	struct cell *row = row_copy(SOURCES, slot->committed);
	int topic = kafka_topic_no(cell_as_text(row[SP_TOPIC]));
	struct sim_partition *partition = kafka_partition(topic, (int)cell_number(row[SP_PARTITION]));
	int64_t resume = partition->low;
	if (below(&world.breaks, 5) == 0)
		resume += below(&world.breaks, (uint32_t)((int64_t)partition->n - partition->low) + 1);
	partition->passed_to = resume > partition->low && resume > partition->passed_to ? resume : partition->passed_to;
	row[SP_STATE] = cell_text(TEXT("running"));
	row[SP_NEXT] = cell_int8(resume);
	row[SP_FINGERPRINT] = row[SP_CHECKED] = row[SP_CHECKED_FINGERPRINT] = row[SP_READ_TO] = cell_null();
	row[SP_EPOCH] = cell_int8(cell_number(row[SP_EPOCH]) + 1);
	row[SP_COMPLETE] = source_complete(row, NULL);
	row[SP_HEARTBEAT] = cell_null();
	sim_trace("the gap of %s/%lld is accepted, on at %lld", sim_topics[topic],
	          (long long)cell_number(row[SP_PARTITION]), (long long)resume);
	slot_put(transaction, slot, row);
	sim_counts.accepted++;
}

static void operate(void *context)
{
	struct transaction transaction = {.connection = NULL};
	(void)context;
	for (size_t i = 0; i < store[SOURCES].n; i++) {
		struct slot *slot = store[SOURCES].slots[i];
		if (slot->owner == NULL && slot->committed != NULL && cell_is(slot->committed[SP_STATE], "stopped") &&
		    slot_lock(&transaction, slot))
			accept_gap(&transaction, slot);
	}
	transaction_end(&transaction, true);
	sim_after(OPERATOR_US, NULL, operate, NULL);
}

/* ---- another session that locks rows ---- */

static void let_go(void *context)
{
	transaction_end(context, false);
}

static void hold(void *context)
{
	static const enum store_table tables[] = {TICKETS, TICKETS, ALERTS, KPIS, BACKLOG, CLOCKS};
	struct transaction *transaction = sim_alloc(sizeof(*transaction));
	(void)context;
	if (world.calm)
		return;
	for (uint32_t n = 1 + below(&world.breaks, 3); n > 0; n--) {
		const struct table *table = &store[tables[below(&world.breaks, 6)]];
		struct slot *slot = table->n == 0 ? NULL : table->slots[below(&world.breaks, (uint32_t)table->n)];
		if (slot != NULL && slot->owner == NULL && slot->committed != NULL)
			slot_lock(transaction, slot);
	}
	sim_counts.strangers += transaction->n > 0;
	sim_trace("a stranger holds %zu rows", transaction->n);
	sim_after(between(&world.breaks, 100000, 15000000), NULL, let_go, transaction);
	sim_after(between(&world.breaks, 200000, 4000000), NULL, hold, NULL);
}

/* ---- no more faults, and rest ---- */

static void calm_down(void *context)
{
	(void)context;
	sim_trace("calm");
	world.calm = true;
	for (int i = 0; i < world.n_instances; i++) {
		if (!runs(i)) {
			if (world.wanted[i] || i == 0)
				start(i);
			continue;
		}
		world.instances[i]->wall_offset_us = 0;
		if (world.instances[i]->frozen_until_us > sim_now_us())
			world.instances[i]->frozen_until_us = sim_now_us();
	}
}

static bool is_read(int topic, int number)
{
	const struct sim_partition *partition = kafka_partition(topic, number);
	struct cell key[2] = {cell_text(text_of(sim_topics[topic])), cell_int4(number)};
	const struct slot *slot = table_find(SOURCES, key);
	const struct cell *row = slot == NULL ? NULL : slot->committed;
	if (row == NULL || !cell_is(row[SP_STATE], "running") || !kafka_is_at_end(topic, number))
		return false;
	int64_t next = row[SP_NEXT].len < 0 ? partition->low : cell_number(row[SP_NEXT]);
	return kafka_next_message(topic, number, next) == (int64_t)partition->n;
}

/* Offsets without messages do not count as lag. */
static bool shows_lag(int topic, int number)
{
	struct cell key[2] = {cell_text(text_of(sim_topics[topic])), cell_int4(number)};
	const struct cell *row = table_find(SOURCES, key)->committed;
	int64_t next = cell_number(row[SP_NEXT]), read_to = cell_number(row[SP_READ_TO]);
	return cell_number(row[SP_HIGH]) != (read_to > next ? read_to : next);
}

/* Why it is not at rest; NULL: it is. */
static const char *why_not_at_rest(void)
{
	static char why[64];
	if (!world.calm)
		return "not calm";
	if (sim_now_us() <= world.owes_until_us)
		return "somebody has yet to answer";
	for (int topic = 0; topic < SIM_TOPICS; topic++) {
		for (int number = 0; number < sim_n_partitions; number++) {
			bool read = is_read(topic, number);
			if (read && shows_lag(topic, number))
				return "a partition that is read to its end shows lag";
			if (read)
				continue;
			snprintf(why, sizeof(why), "%s/%d is not read to its end, %zu", sim_topics[topic], number,
			         kafka_partition(topic, number)->n);
			return why;
		}
	}
	for (size_t i = 0; i < store[CLOCKS].n; i++) {
		const struct cell *row = store[CLOCKS].slots[i]->committed;
		if (row != NULL && row[6].len >= 0)
			return "a deadline has not fired";
	}
	for (size_t i = 0; i < store[OUTBOX].n; i++)
		if (store[OUTBOX].slots[i]->committed != NULL)
			return "a message about an alert is not sent";
	for (size_t i = 0; i < store[PARKED_TICKETS].n; i++)
		if (store[PARKED_TICKETS].slots[i]->committed != NULL)
			return "a ticket is set aside";
	for (int table = 0; table < N_TABLES; table++)
		for (size_t i = 0; i < store[table].n; i++)
			if (store[table].slots[i]->owner != NULL)
				return "a transaction is open";
	return NULL;
}

static void look(void *context)
{
	int64_t *until_us = context;
	for (int i = 0; i < world.n_instances; i++) /* one that took its time to stop */
		if (world.wanted[i] && !runs(i))
			start(i);
	const char *why = why_not_at_rest();
	world.looks = why == NULL ? world.looks + 1 : 0;
	if (world.looks == LOOKS) {
		world.at_rest = true;
		return;
	}
	if (why != NULL && sim_now_us() > *until_us)
		sim_fail("it does not come to rest: %s", why);
	sim_after(LOOK_US, NULL, look, until_us);
}

static bool is_done(void)
{
	return world.at_rest;
}

/* ---- one seed ---- */

static void choose(uint64_t seed)
{
	static const char *const sizes[] = {"1", "3", "10", "1000"};
	static const char *const ages[] = {"0ms", "5ms", "20ms", "300ms"};
	static const char *const ticks[] = {"100ms", "200ms", "500ms"};
	struct chance c = {seed};
	world.happens.state = next_of(&c);
	world.sends.state = next_of(&c);
	world.breaks.state = next_of(&c);
	world.n_instances = 1 + (int)below(&c, MOST_INSTANCES);
	world.n_lanes = 1 + (int)below(&c, 3);
	world.policy = (int)below(&c, 8);
	world.policy = world.policy >= N_POLICIES ? world.policy % (N_POLICIES - 1) : world.policy;
	world.batch_events = sizes[below(&c, 4)];
	world.batch_age = ages[below(&c, 4)];
	world.tick = ticks[below(&c, 3)];
	world.jumps = below(&c, 4) == 0;
	world.dawdles = below(&c, 8) == 0;
	world.transactional = below(&c, 2) == 0;
	world.has_fast_sender = below(&c, 3) == 0;
	world.refuses = below(&c, 4) == 0;
	world.has_strangers = below(&c, 4) == 0;
	kafka_start(1 + (int)below(&c, SIM_MOST_PARTITIONS), below(&c, 2) == 0);
	world.replaces = below(&c, 16) == 0 && !world.transactional;
	world.maps = below(&c, 4) == 0;
}

static void set_out(void)
{
	int64_t *until_us = sim_alloc(sizeof(*until_us));
	int64_t span_us = plan_messages();
	plan_faults(span_us);
	if (world.replaces)
		plan_replacements(span_us);
	sim_after(span_us + 3000000, NULL, calm_down, NULL);
	sim_after(OPERATOR_US, NULL, operate, NULL);
	if (world.has_strangers)
		sim_after(OPERATOR_US, NULL, hold, NULL);
	sim_after(span_us + 3100000, NULL, look, until_us);
	*until_us = sim_now_us() + span_us + PATIENCE_US;
	start_later(0, 0);
	for (int i = 1; i < world.n_instances; i++)
		start_later(i, between(&world.breaks, 0, span_us));
}

bool sim_run(const struct sim_options *options)
{
	enum { KEEP_BYTES = 8 << 20 };
	struct arena arena = world.arena;
	load_policies();
	arena_clear(&arena, KEEP_BYTES);
	memset(&world, 0, sizeof(world));
	world.arena = arena;
	world.options = *options;
	world.calm = options->most_faults == 0;
	sim_loop_start(BEGIN_US);
	store_start();
	records_start();
	outbox_sim_start();
	sessions_start();
	choose(options->seed);
	set_out();
	sim_loop(is_done);
	if (!world.failed)
		check_expected_tables(policies[world.policy].set, INT64_C(3600) * US_PER_SECOND);
	bool failed = world.failed;
	sim_counts.seeds++;
	if (failed)
		printf("seed %llu: %s\n", (unsigned long long)options->seed, world.reason);
	world.failed = true; /* failures while shutting down do not count */
	for (int i = 0; i < MOST_INSTANCES; i++)
		if (runs(i))
			sim_instance_crash(world.instances[i]);
	return !failed;
}

void sim_release(void)
{
	for (int i = 0; i < N_POLICIES; i++) {
		policy_set_free(policies[i].set);
		close(policies[i].fd);
	}
	records_release();
	sim_loop_release();
	arena_release(&world.arena);
}
