/* The lease for sending alerts, its statements, and a replacement of adapters/kafka/producer.c: a client whose
 * messages are slow, get lost, or arrive unnoticed. Also checks the invariants of the topic, message by message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/kafka/producer.h"
#include "adapters/pg/lease.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"
#include "sim.h"
#include "sql/queries.h"

/* A seed lasts seconds, so the daemon's times of 15 s are shorter here. */
const struct lease_times lease_times = {
        .long_us = 1500000, .renew_us = 300000, .take_us = 100000, .idle_us = 1000000, .spare_us = 3000000};

enum { MESSAGE_TIMEOUT_US = 1000000, MOST_HOLDERS = 8 };

/* ---- the topic ---- */

struct seen { /* of one alert */
	struct seen *next;
	struct text alert_id;
	int64_t revision; /* the highest revision that has arrived */
};

struct holder { /* lease by name: until when the instance certainly held it */
	const char *name;
	int64_t until_us;
};

static struct seen *topic;
static struct holder holders[MOST_HOLDERS];

void outbox_sim_start(void)
{
	topic = NULL;
	memset(holders, 0, sizeof(holders));
}

static struct seen *seen_of(struct text alert_id)
{
	struct seen *seen = topic;
	while (seen != NULL && !text_equal(seen->alert_id, alert_id))
		seen = seen->next;
	if (seen == NULL) {
		seen = sim_alloc(sizeof(*seen));
		*seen = (struct seen){topic, alert_id, 0};
		topic = seen;
	}
	return seen;
}

/* Counting first arrivals only, the messages of an alert arrive in the order of their revisions. */
static void arrive(struct text alert_id, int64_t revision)
{
	struct seen *seen = seen_of(alert_id);
	if (revision <= seen->revision) {
		sim_counts.sent_again++;
		return;
	}
	for (size_t i = 0; i < store[OUTBOX].n; i++) {
		const struct cell *row = store[OUTBOX].slots[i]->committed;
		if (row != NULL && text_equal(cell_as_text(row[1]), alert_id) && cell_number(row[2]) > seen->revision &&
		    cell_number(row[2]) < revision)
			sim_fail("revision %lld of alert %.*s arrives before revision %lld", (long long)revision,
			         (int)alert_id.len, alert_id.ptr, (long long)cell_number(row[2]));
	}
	seen->revision = revision;
	sim_counts.sent++;
}

static struct holder *holder_of(const char *name)
{
	for (int i = 0; i < MOST_HOLDERS; i++) {
		if (holders[i].name == NULL)
			holders[i].name = name;
		if (strcmp(holders[i].name, name) == 0)
			return &holders[i];
	}
	sim_fail("too many instances");
	return &holders[0];
}

void outbox_check_lease(const struct transaction *transaction, const struct cell *was, const struct cell *is)
{
	bool taken = was == NULL || !cell_same(was[L_EPOCH], is[L_EPOCH]);
	if (was != NULL && cell_number(is[L_EPOCH]) < cell_number(was[L_EPOCH]))
		sim_fail("the epoch of a lease decreased");
	if (!taken && !cell_same(was[L_HOLDER], is[L_HOLDER]))
		sim_fail("a lease has another holder under the same epoch");
	if (was != NULL && taken && cell_us(was[L_EXPIRES]) > sim_now_us() &&
	    sim_connection_is_there(cell_number(was[L_PID])))
		sim_fail("a lease was taken from its holder");
	holder_of(connection_owner(transaction))->until_us = cell_us(is[L_EXPIRES]);
	if (was != NULL && taken)
		sim_counts.leases_taken++;
}

void outbox_check_delete(const struct transaction *transaction, const struct cell *was)
{
	struct cell name = cell_text(TEXT("outbox"));
	const struct slot *slot = table_find(LEASES, &name);
	const struct cell *lease = slot == NULL ? NULL : slot->committed;
	if (lease == NULL || !text_equal(cell_as_text(lease[L_HOLDER]), text_of(connection_owner(transaction))) ||
	    cell_number(lease[L_PID]) != sim_connection_number(transaction))
		sim_fail("%s deletes a message without holding the lease", connection_owner(transaction));
	if (seen_of(cell_as_text(was[1]))->revision < cell_number(was[2]))
		sim_fail("a message of alert %.*s was deleted before it arrived", was[1].len, was[1].data);
}

/* ---- statements ---- */

bool lease_take_run(struct statement *s)
{
	const struct cell now = cell_time(sim_now_us());
	const struct cell expires = cell_time(sim_now_us() + cell_number(s->params[LEASE_TAKE_PARAM_DURATION_US]));
	struct slot *slot = table_place(LEASES, &s->params[LEASE_TAKE_PARAM_NAME]);
	for (int pass = 0; pass < 2; pass++) { /* first without the lock */
		const struct cell *row = slot_row(slot, s->transaction);
		if (row != NULL && !cell_same(row[L_EPOCH], s->params[LEASE_TAKE_PARAM_EPOCH]) &&
		    cell_number(row[L_EXPIRES]) > cell_number(now) && sim_connection_is_there(cell_number(row[L_PID])))
			return true;
		if (pass == 0 && !slot_lock(s->transaction, slot))
			return false;
	}
	const struct cell *old = slot_row(slot, s->transaction);
	bool renews = old != NULL && cell_same(old[L_EPOCH], s->params[LEASE_TAKE_PARAM_EPOCH]);
	int64_t epoch = old == NULL ? 1 : cell_number(old[L_EPOCH]) + (renews ? 0 : 1);
	struct cell row[L_COLUMNS] = {s->params[LEASE_TAKE_PARAM_NAME], s->params[LEASE_TAKE_PARAM_HOLDER],
	                              cell_int8(sim_connection_number(s->transaction)), cell_int8(epoch), expires};
	slot_put(s->transaction, slot, row_copy(LEASES, row));
	statement_add_row(s, &row[L_EPOCH], LEASE_TAKE_N_COLUMNS);
	return true;
}

bool lease_hold_run(struct statement *s)
{
	struct slot *slot = table_place(LEASES, &s->params[LEASE_HOLD_PARAM_NAME]);
	if (!slot_lock(s->transaction, slot))
		return false;
	const struct cell *row = slot_row(slot, s->transaction);
	if (row == NULL || !cell_same(row[L_EPOCH], s->params[LEASE_HOLD_PARAM_EPOCH])) {
		s->refused_sqlstate = SQLSTATE_LEASE_LOST;
		s->refused_message = "the lease has another holder now";
	}
	return true;
}

static bool is_first(const struct cell *row, const struct cell *first)
{
	return first == NULL || cell_number(row[0]) < cell_number(first[0]);
}

/* The oldest messages, some at a time. */
bool outbox_read_run(struct statement *s)
{
	int64_t last = 0;
	for (uint32_t n = 1 + sim_below(8); n > 0; n--) {
		const struct cell *first = NULL;
		for (size_t i = 0; i < store[OUTBOX].n; i++) {
			const struct cell *row = slot_row(store[OUTBOX].slots[i], s->transaction);
			if (row != NULL && cell_number(row[0]) > last && is_first(row, first))
				first = row;
		}
		if (first == NULL)
			return true;
		char revision[24];
		snprintf(revision, sizeof(revision), "%lld", (long long)cell_number(first[2]));
		last = cell_number(first[0]);
		statement_add_row(s,
		                  (struct cell[]){[OUTBOX_READ_SEQ] = first[0],
		                                  [OUTBOX_READ_KEY] = first[1],
		                                  [OUTBOX_READ_PAYLOAD] = cell_text(text_of(revision))},
		                  OUTBOX_READ_N_COLUMNS);
	}
	return true;
}

bool outbox_delete_run(struct statement *s)
{
	size_t n;
	const struct cell *numbers = statement_elements(s->params[OUTBOX_DELETE_PARAM_SEQS], &n);
	for (size_t i = 0; i < n; i++) {
		struct slot *slot = table_find(OUTBOX, &numbers[i]);
		if (slot == NULL || slot_row(slot, s->transaction) == NULL)
			continue;
		if (!slot_lock(s->transaction, slot))
			return false;
		slot_put(s->transaction, slot, NULL);
	}
	return true;
}

/* No message is as old as to be logged; tests with real servers check that. */
bool outbox_oldest_run(struct statement *s)
{
	struct cell row[OUTBOX_OLDEST_N_COLUMNS] = {[OUTBOX_OLDEST_AGE_S] = cell_int8(0),
	                                            [OUTBOX_OLDEST_HOLDER] = cell_null(),
	                                            [OUTBOX_OLDEST_PID] = cell_null(),
	                                            [OUTBOX_OLDEST_IS_ALIVE] = cell_bool(false)};
	for (size_t i = 0; i < store[OUTBOX].n; i++) {
		if (slot_row(store[OUTBOX].slots[i], s->transaction) == NULL)
			continue;
		statement_add_row(s, row, OUTBOX_OLDEST_N_COLUMNS);
		break;
	}
	return true;
}

/* ---- the client ---- */

struct message {
	struct message *next;
	struct text alert_id;
	int64_t revision, number, made_us;
	enum producer_report report;
};

struct kafka_producer {
	struct sim_instance *instance;
	struct kafka_producer_events events;
	struct message *first, *last; /* not sent yet */
	struct message *on_way;       /* one request at a time */
	struct message *reports, *last_report;
	struct sim_plan *sending, *answering, *waking;
};

static void serve(struct kafka_producer *producer);

static void add(struct message **first, struct message **last, struct message *message)
{
	message->next = NULL;
	if (*first == NULL)
		*first = message;
	else
		(*last)->next = message;
	*last = message;
}

static void wake(void *context)
{
	struct kafka_producer *producer = context;
	producer->waking = NULL;
	while (producer->reports != NULL) {
		struct message *message = producer->reports;
		producer->reports = message->next;
		producer->events.reported(producer->events.context, message->number, message->report, "no answer");
	}
	producer->events.idle(producer->events.context);
}

static void report(struct kafka_producer *producer, struct message *message, enum producer_report report)
{
	message->report = report;
	add(&producer->reports, &producer->last_report, message);
	if (producer->waking == NULL)
		producer->waking = sim_after(sim_between(5, 500), producer->instance, wake, producer);
}

static void report_all(struct kafka_producer *producer, struct message *messages, enum producer_report which)
{
	for (struct message *next; messages != NULL; messages = next) {
		next = messages->next;
		report(producer, messages, which);
	}
}

static void answered(void *context)
{
	struct kafka_producer *producer = context;
	struct message *messages = producer->on_way;
	producer->answering = NULL;
	producer->on_way = NULL;
	report_all(producer, messages, !sim_is_calm() && sim_chance(50) ? PRODUCER_FAILED : PRODUCER_DELIVERED);
	serve(producer);
}

/* Called by the world: the client may be frozen or dead by then. */
static void arrive_all(void *context)
{
	for (const struct message *message = context; message != NULL; message = message->next)
		arrive(message->alert_id, message->revision);
}

static struct message *copy_of(const struct message *messages)
{
	struct message *first = NULL, *last = NULL;
	for (; messages != NULL; messages = messages->next) {
		struct message *copy = sim_alloc(sizeof(*copy));
		*copy = *messages;
		add(&first, &last, copy);
	}
	return first;
}

/* librdkafka checks for expired messages before it sends. */
static void send_all(void *context)
{
	struct kafka_producer *producer = context;
	struct message *waiting = producer->first, *last = NULL;
	producer->sending = NULL;
	producer->first = producer->last = NULL;
	for (struct message *next; waiting != NULL; waiting = next) {
		next = waiting->next;
		if (sim_now_us() - waiting->made_us >= MESSAGE_TIMEOUT_US)
			report(producer, waiting, PRODUCER_FAILED);
		else
			add(&producer->on_way, &last, waiting);
	}
	if (producer->on_way == NULL)
		return;
	int64_t way_us = sim_between(50, sim_chance(100) ? 40000 : 2000);
	sim_owe(way_us);
	if (sim_is_calm() || !sim_chance(30)) /* otherwise it is lost */
		sim_after(way_us, NULL, arrive_all, copy_of(producer->on_way));
	else
		report_all(producer, producer->on_way, PRODUCER_FAILED), producer->on_way = NULL;
	if (producer->on_way != NULL)
		producer->answering = sim_after(way_us + sim_between(50, 2000), producer->instance, answered, producer);
}

static void serve(struct kafka_producer *producer)
{
	if (producer->first != NULL && producer->on_way == NULL && producer->sending == NULL)
		producer->sending = sim_after(sim_between(50, sim_chance(100) ? 20000 : 1000), producer->instance,
		                              send_all, producer);
}

bool kafka_producer_can_be_made(const struct config_pairs *kafka)
{
	(void)kafka;
	return true;
}

struct kafka_producer *kafka_producer_new(struct event_base *base, const struct config_pairs *kafka, const char *name,
                                          const struct kafka_producer_events *events)
{
	struct kafka_producer *producer = mem_zalloc(sizeof(*producer));
	(void)base, (void)kafka, (void)name;
	producer->instance = sim_current();
	producer->events = *events;
	return producer;
}

void kafka_producer_free(struct kafka_producer *producer)
{
	if (producer == NULL)
		return;
	sim_cancel(producer->sending);
	sim_cancel(producer->answering);
	sim_cancel(producer->waking);
	free(producer);
}

/* An instance that was frozen for longer than its lease must not send what it read before. */
bool kafka_producer_send(struct kafka_producer *producer, struct text key, struct text payload, int64_t number)
{
	struct message *message = sim_alloc(sizeof(*message));
	const struct holder *holder = holder_of(producer->instance->name);
	if (holder->until_us < sim_now_us())
		sim_fail("%s sends %lld us after its lease has ended", holder->name,
		         (long long)(sim_now_us() - holder->until_us));
	if (!sim_is_calm() && sim_chance(10))
		return false;
	*message = (struct message){.alert_id = cell_as_text(cell_text(key)),
	                            .revision = strtoll(cell_as_text(cell_text(payload)).ptr, NULL, 10),
	                            .number = number,
	                            .made_us = sim_now_us()};
	add(&producer->first, &producer->last, message);
	serve(producer);
	return true;
}

void kafka_producer_purge(struct kafka_producer *producer)
{
	if (producer == NULL)
		return;
	struct message *waiting = producer->first;
	producer->first = producer->last = NULL;
	report_all(producer, waiting, PRODUCER_PURGED);
}
