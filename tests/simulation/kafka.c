/* Replaces adapters/kafka/: brokers whose logs may be truncated or recreated, a consumer group whose members come, go
 * and freeze, and the probe. Also replaces app/dispatch.c, which sends nothing here. */
#include <stdlib.h>
#include <string.h>

#include "adapters/kafka/consumer.h"
#include "adapters/kafka/fingerprint.h"
#include "adapters/kafka/log_identity.h"
#include "adapters/kafka/probe.h"
#include "app/dispatch.h"
#include "app/lane.h"
#include "kpid/base/check.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"
#include "kpid/core/timestamp.h"
#include "sim.h"

enum {
	MOST_PARTITIONS = SIM_TOPICS * SIM_MOST_PARTITIONS,
	MOST_MEMBERS = 8,
	LOOK_US = 200000,       /* how often the coordinator checks its group */
	SESSION_US = 2000000,   /* how long a member may be silent */
	REBALANCE_US = 5000000, /* how long a member may take to give up partitions */
	CHECK_US = 13000000     /* by when a recreated topic is detected */
};

struct rd_kafka_topic_s {
	const char *name;
};

/* A partition of a consumer. */
struct fetch {
	bool assigned, broken; /* broken: its offset is out of range, and that was reported */
	bool paused;           /* outlives the assignment */
	bool out_of_range;
	int lane;
	int64_t next_offset, eof_at;
	int64_t first; /* where the assignment began */
	int64_t seen;  /* the log's end in the last answer of the brokers: messages before it wait to be read */
	struct sim_plan *fetching;
	struct sim_message **given; /* by offset: messages delivered since the assignment */
	size_t n_given, given_capacity;
};

struct group_event {
	struct group_event *next;
	bool revokes;
	uint32_t partitions; /* a bit each */
};

struct kafka_consumer {
	struct kafka_consumer *next;
	struct sim_instance *instance;
	struct kafka_consumer_events events;
	int n_lanes;
	struct fetch fetches[MOST_PARTITIONS];
	struct sim_plan **wakes; /* by lane */
	struct sim_plan *poll;
	struct group_event *first, *last;
	uint32_t owned, target, to_give_up;
	bool is_member, kicked, waits_for_answer, closing, closed;
	int64_t gone_since_us; /* since when the process is dead or frozen */
};

struct topic {
	struct rd_kafka_topic_s handle;
	struct sim_partition partitions[SIM_MOST_PARTITIONS];
};

const char *const sim_topics[SIM_TOPICS] = {"opened", "activity"};
int sim_n_partitions;

static struct topic topics[SIM_TOPICS];
static struct kafka_consumer
        *members; /* consumers of live processes, and of dead ones that the group has not noticed yet */
static bool is_eager, wants_rebalance, revoking;
static int64_t revoking_since_us;

/* ---- brokers ---- */

int kafka_topic_no(struct text topic)
{
	for (int i = 0; i < SIM_TOPICS; i++)
		if (text_equal(topic, text_of(sim_topics[i])))
			return i;
	return -1;
}

struct sim_partition *kafka_partition(int topic, int partition)
{
	return &topics[topic].partitions[partition];
}

static int index_of(const char *topic, int32_t partition)
{
	return kafka_topic_no(text_of(topic)) * SIM_MOST_PARTITIONS + partition;
}

static struct sim_partition *at(int index)
{
	return kafka_partition(index / SIM_MOST_PARTITIONS, index % SIM_MOST_PARTITIONS);
}

static bool is_real(int index)
{
	return index % SIM_MOST_PARTITIONS < sim_n_partitions;
}

static void fetch_more(struct kafka_consumer *consumer, int index);

static void wake_all(int index)
{
	for (struct kafka_consumer *consumer = members; consumer != NULL; consumer = consumer->next)
		if (!consumer->instance->dead && consumer->fetches[index].assigned)
			fetch_more(consumer, index);
}

bool sim_message_is_void(const struct sim_message *message)
{
	return message->is_marker || (message->transaction != NULL && message->transaction->end == SIM_ABORTED);
}

int64_t kafka_next_message(int topic, int number, int64_t offset)
{
	const struct sim_partition *partition = kafka_partition(topic, number);
	while (offset >= partition->low && offset < (int64_t)partition->n &&
	       sim_message_is_void(partition->log[offset]))
		offset++;
	return offset;
}

/* The last stable offset: where the first open transaction begins, otherwise the end. */
static int64_t stable_end(const struct sim_partition *partition)
{
	int64_t offset = partition->low;
	while (offset < (int64_t)partition->n &&
	       (partition->log[offset]->transaction == NULL || partition->log[offset]->transaction->end != SIM_OPEN))
		offset++;
	return offset;
}

static void append(int topic, int number, const struct sim_message *given)
{
	struct sim_partition *partition = kafka_partition(topic, number);
	struct sim_message *message = sim_alloc(sizeof(*message));
	*message = *given;
	message->topic = topic;
	message->partition = number;
	message->offset = (int64_t)partition->n;
	message->appended_us = sim_now_us();
	message->next = partition->all;
	if (partition->n == partition->capacity) {
		struct sim_message **old = partition->log;
		partition->capacity = partition->capacity == 0 ? 16 : partition->capacity * 2;
		partition->log = sim_alloc(partition->capacity * sizeof(struct sim_message *));
		if (partition->n > 0)
			memcpy(partition->log, old, partition->n * sizeof(struct sim_message *));
	}
	partition->log[partition->n++] = message;
	partition->all = message;
	sim_trace("%s/%d@%lld: %s%.*s", sim_topics[topic], number, (long long)message->offset,
	          message->is_marker             ? "the end of a transaction"
	          : message->transaction != NULL ? "in a transaction: "
	                                         : "",
	          message->bytes == NULL ? 0 : (int)message->len, message->bytes == NULL ? "" : message->bytes);
	wake_all(topic * SIM_MOST_PARTITIONS + number);
}

void kafka_append(int topic, int number, const char *bytes, uint32_t len, int64_t occurred_us,
                  struct sim_transaction *transaction)
{
	const struct sim_message message = {
	        .occurred_us = occurred_us, .bytes = bytes, .len = len, .transaction = transaction};
	sim_counts.messages++;
	if (transaction != NULL)
		transaction->partitions |= UINT32_C(1) << (topic * SIM_MOST_PARTITIONS + number);
	append(topic, number, &message);
}

void kafka_end_transaction(struct sim_transaction *transaction, enum sim_end end)
{
	if (transaction->end != SIM_OPEN)
		return;
	transaction->end = end;
	sim_trace("a transaction is %s", end == SIM_COMMITTED ? "committed" : "aborted");
	for (int index = 0; index < MOST_PARTITIONS; index++)
		if (transaction->partitions & UINT32_C(1) << index)
			append(index / SIM_MOST_PARTITIONS, index % SIM_MOST_PARTITIONS,
			       &(struct sim_message){
			               .occurred_us = TIME_NONE, .transaction = transaction, .is_marker = true});
}

static void look_at_range(struct fetch *fetch, const struct sim_partition *partition)
{
	if (fetch->assigned && (fetch->next_offset > (int64_t)partition->n || fetch->next_offset < partition->low))
		fetch->out_of_range = true;
}

/* The current owner and later ones check whether the log is still the same. */
static void upset(int index)
{
	at(index)->was_cut = true;
	sim_owe(CHECK_US);
	wake_all(index);
}

static int any_partition(void)
{
	int index;
	do
		index = (int)sim_below(MOST_PARTITIONS);
	while (!is_real(index));
	return index;
}

/* Between an accepted gap and the next commit, no fingerprint identifies the log. Nobody could notice that such a log
 * was replaced, so it is left alone. */
static bool is_known(int index)
{
	return source_has_fingerprint(index / SIM_MOST_PARTITIONS, index % SIM_MOST_PARTITIONS);
}

/* Like an unclean leader election. Consumers learn about it before new messages are written: their next fetch is
 * already under way, and an election takes longer. Otherwise librdkafka before 2.1 could not know. */
bool kafka_lose_tail(void)
{
	int index = any_partition();
	struct sim_partition *partition = at(index);
	if ((int64_t)partition->n <= partition->low || !is_known(index))
		return false;
	partition->n -= 1 + sim_below((uint32_t)((int64_t)partition->n - partition->low));
	if (partition->passed_to > (int64_t)partition->n)
		partition->passed_to = (int64_t)partition->n;
	for (struct kafka_consumer *consumer = members; consumer != NULL; consumer = consumer->next)
		look_at_range(&consumer->fetches[index], partition);
	upset(index);
	sim_counts.truncated++;
	sim_trace("%s/%d now ends at %zu", sim_topics[index / SIM_MOST_PARTITIONS], index % SIM_MOST_PARTITIONS,
	          partition->n);
	return true;
}

bool kafka_lose_head(void)
{
	int index = any_partition();
	struct sim_partition *partition = at(index);
	if ((int64_t)partition->n <= partition->low)
		return false;
	partition->low += 1 + sim_below((uint32_t)((int64_t)partition->n - partition->low));
	upset(index);
	sim_counts.truncated++;
	sim_trace("%s/%d now begins at %lld", sim_topics[index / SIM_MOST_PARTITIONS], index % SIM_MOST_PARTITIONS,
	          (long long)partition->low);
	return true;
}

bool kafka_recreate_topic(void)
{
	int index = any_partition();
	struct sim_partition *partition = at(index);
	if (!is_known(index))
		return false;
	partition->n = 0;
	partition->low = partition->passed_to = 0;
	upset(index);
	sim_counts.truncated++;
	sim_trace("%s/%d is recreated", sim_topics[index / SIM_MOST_PARTITIONS], index % SIM_MOST_PARTITIONS);
	return true;
}

/* Nobody has read anything of its log, nor of a former one. */
static bool is_unread(int index)
{
	const struct sim_partition *partition = at(index);
	if (!source_is_unread(index / SIM_MOST_PARTITIONS, index % SIM_MOST_PARTITIONS))
		return false;
	for (const struct kafka_consumer *consumer = members; consumer != NULL; consumer = consumer->next) {
		const struct fetch *fetch = &consumer->fetches[index];
		for (size_t i = 0; i < fetch->n_given && i < partition->n; i++)
			if (fetch->given[i] == partition->log[i])
				return false;
	}
	return true;
}

static void append_junk(int index)
{
	kafka_append(index / SIM_MOST_PARTITIONS, index % SIM_MOST_PARTITIONS, "{}", 2, TIME_NONE, NULL);
}

bool kafka_empty_unread(void)
{
	int index = any_partition();
	if (!is_unread(index))
		return false;
	for (uint32_t n = 1 + sim_below(3); n > 0; n--)
		append_junk(index);
	at(index)->low = (int64_t)at(index)->n;
	upset(index);
	sim_counts.truncated++;
	sim_trace("%s/%d is emptied", sim_topics[index / SIM_MOST_PARTITIONS], index % SIM_MOST_PARTITIONS);
	return true;
}

struct refill {
	int index;
	size_t n; /* messages of the former log */
};

static void append_unless_full(void *context)
{
	const struct refill *refill = context;
	if (at(refill->index)->n < refill->n)
		append_junk(refill->index);
}

bool kafka_replace_unread(void)
{
	int index = any_partition();
	struct sim_partition *partition = at(index);
	if (!is_unread(index))
		return false;
	struct refill *refill = sim_alloc(sizeof(*refill));
	*refill = (struct refill){index, partition->n};
	/* Faster than any fetch, or not. */
	int64_t most_us = sim_chance(500) ? 40 : 1000000;
	for (size_t i = 0; i < refill->n; i++)
		sim_after(sim_between(0, most_us), NULL, append_unless_full, refill);
	partition->n = 0;
	partition->low = partition->passed_to = 0;
	upset(index);
	sim_counts.truncated++;
	sim_trace("%s/%d is replaced", sim_topics[index / SIM_MOST_PARTITIONS], index % SIM_MOST_PARTITIONS);
	return true;
}

bool kafka_is_at_end(int topic, int partition)
{
	int index = topic * SIM_MOST_PARTITIONS + partition;
	for (const struct kafka_consumer *consumer = members; consumer != NULL; consumer = consumer->next)
		if (!consumer->instance->dead && consumer->fetches[index].assigned &&
		    consumer->fetches[index].eof_at == (int64_t)at(index)->n)
			return true;
	return false;
}

int64_t kafka_first(const struct sim_instance *instance, int topic, int partition)
{
	return instance->consumer->fetches[topic * SIM_MOST_PARTITIONS + partition].first;
}

struct sim_message *kafka_given(const struct sim_instance *instance, int topic, int partition, int64_t offset)
{
	const struct fetch *fetch = &instance->consumer->fetches[topic * SIM_MOST_PARTITIONS + partition];
	return offset < 0 || offset >= (int64_t)fetch->n_given ? NULL : fetch->given[offset];
}

static void note_given(struct fetch *fetch, struct sim_message *message)
{
	size_t n = (size_t)message->offset + 1;
	if (n > fetch->given_capacity) {
		struct sim_message **old = fetch->given;
		fetch->given_capacity = n * 2;
		fetch->given = sim_alloc(fetch->given_capacity * sizeof(struct sim_message *));
		if (fetch->n_given > 0)
			memcpy(fetch->given, old, fetch->n_given * sizeof(struct sim_message *));
	}
	fetch->n_given = n > fetch->n_given ? n : fetch->n_given;
	fetch->given[message->offset] = message;
}

/* ---- the group ---- */

static void add_event(struct kafka_consumer *consumer, bool revokes, uint32_t partitions)
{
	struct group_event *event = sim_alloc(sizeof(*event));
	*event = (struct group_event){NULL, revokes, partitions};
	if (consumer->last == NULL)
		consumer->first = event;
	else
		consumer->last->next = event;
	consumer->last = event;
	/* Usually wakes the member; otherwise it polls anyway. */
	if (consumer->poll == NULL && sim_chance(700) && !consumer->instance->dead)
		consumer->poll = sim_after(sim_between(10, 2000), consumer->instance,
		                           (void (*)(void *))kafka_consumer_poll, consumer);
}

static void kick(struct kafka_consumer *consumer)
{
	consumer->is_member = false;
	consumer->kicked = true;
	consumer->to_give_up = consumer->owned = consumer->target = 0;
	wants_rebalance = true;
	sim_counts.kicks++;
	sim_trace("the group has lost %s", consumer->instance->name);
}

static bool is_silent(struct kafka_consumer *consumer)
{
	bool silent = consumer->instance->dead || consumer->instance->frozen_until_us > sim_now_us();
	if (!silent)
		consumer->gone_since_us = INT64_MAX;
	else if (consumer->gone_since_us == INT64_MAX)
		consumer->gone_since_us = sim_now_us();
	return silent && sim_now_us() - consumer->gone_since_us > SESSION_US;
}

static void begin_rebalance(void)
{
	struct kafka_consumer *joined[MOST_MEMBERS];
	size_t n = 0;
	for (struct kafka_consumer *consumer = members; consumer != NULL; consumer = consumer->next)
		if (consumer->is_member && !consumer->closing && n < MOST_MEMBERS)
			joined[n++] = consumer;
	for (size_t i = 0; i < n; i++)
		joined[i]->target = 0;
	for (int index = 0; index < MOST_PARTITIONS && n > 0; index++)
		if (is_real(index))
			joined[sim_below((uint32_t)n)]->target |= UINT32_C(1) << index;
	for (size_t i = 0; i < n; i++) {
		struct kafka_consumer *consumer = joined[i];
		consumer->to_give_up = is_eager ? consumer->owned : consumer->owned & ~consumer->target;
		if (consumer->to_give_up != 0)
			add_event(consumer, true, consumer->to_give_up);
	}
	wants_rebalance = false;
	revoking = true;
	revoking_since_us = sim_now_us();
	sim_counts.rebalances++;
	sim_trace("the group rebalances, %zu members", n);
}

static void end_rebalance(void)
{
	for (struct kafka_consumer *consumer = members; consumer != NULL; consumer = consumer->next) {
		if (!consumer->is_member || consumer->closing)
			continue;
		uint32_t new = consumer->target & ~consumer->owned;
		consumer->owned = consumer->target;
		if (new != 0 || is_eager)
			add_event(consumer, false, new);
	}
	revoking = false;
}

static void coordinate(void *context)
{
	bool waits = false;
	(void)context;
	sim_after(LOOK_US, NULL, coordinate, NULL);
	for (struct kafka_consumer *consumer = members; consumer != NULL; consumer = consumer->next) {
		if (!consumer->is_member)
			continue;
		bool slow = consumer->to_give_up != 0 && sim_now_us() - revoking_since_us > REBALANCE_US;
		if (is_silent(consumer) || slow)
			kick(consumer);
		waits |= consumer->to_give_up != 0;
	}
	if (revoking && !waits)
		end_rebalance();
	else if (!revoking && wants_rebalance)
		begin_rebalance();
}

void kafka_rebalance(void)
{
	wants_rebalance = true;
}

void kafka_start(int n_partitions, bool eager)
{
	sim_n_partitions = n_partitions;
	is_eager = eager;
	members = NULL;
	wants_rebalance = revoking = false;
	memset(topics, 0, sizeof(topics));
	for (int i = 0; i < SIM_TOPICS; i++)
		topics[i].handle.name = sim_topics[i];
	coordinate(NULL);
}

/* ---- the consumer ---- */

struct kafka_consumer *kafka_consumer_new(struct event_base *base, const struct kpid_config *config, int n_lanes,
                                          const struct kafka_consumer_events *events)
{
	struct kafka_consumer *consumer = sim_alloc(sizeof(*consumer));
	(void)base, (void)config;
	consumer->instance = sim_current();
	consumer->instance->consumer = consumer;
	consumer->events = *events;
	consumer->n_lanes = n_lanes;
	consumer->wakes = sim_alloc((size_t)n_lanes * sizeof(struct sim_plan *));
	consumer->is_member = true;
	consumer->gone_since_us = INT64_MAX;
	consumer->next = members;
	members = consumer;
	wants_rebalance = true;
	return consumer;
}

void kafka_consumer_free(struct kafka_consumer *consumer)
{
	(void)consumer; /* the group removes it after SESSION_US */
}

rd_kafka_t *kafka_consumer_handle(const struct kafka_consumer *consumer)
{
	return (rd_kafka_t *)(uintptr_t)consumer;
}

static uint32_t mask_of(const rd_kafka_topic_partition_list_t *list)
{
	uint32_t mask = 0;
	for (int i = 0; i < list->cnt; i++)
		mask |= UINT32_C(1) << index_of(list->elems[i].topic, list->elems[i].partition);
	return mask;
}

static rd_kafka_topic_partition_list_t *list_of(uint32_t mask)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(MOST_PARTITIONS);
	for (int index = 0; index < MOST_PARTITIONS; index++)
		if (mask & UINT32_C(1) << index)
			rd_kafka_topic_partition_list_add(list, sim_topics[index / SIM_MOST_PARTITIONS],
			                                  index % SIM_MOST_PARTITIONS);
	return list;
}

static uint32_t assigned_mask(const struct kafka_consumer *consumer)
{
	uint32_t mask = 0;
	for (int index = 0; index < MOST_PARTITIONS; index++)
		if (consumer->fetches[index].assigned)
			mask |= UINT32_C(1) << index;
	return mask;
}

static void tell_revoked(struct kafka_consumer *consumer, uint32_t mask, bool lost)
{
	rd_kafka_topic_partition_list_t *list = list_of(mask);
	consumer->waits_for_answer = true;
	consumer->events.revoked(consumer->events.context, list, lost);
	rd_kafka_topic_partition_list_destroy(list);
}

static void come_back(struct kafka_consumer *consumer)
{
	consumer->kicked = false;
	consumer->first = consumer->last = NULL;
	uint32_t mask = assigned_mask(consumer);
	if (mask != 0 || consumer->waits_for_answer)
		tell_revoked(consumer, mask, true);
	consumer->waits_for_answer = false;
	if (consumer->closing) {
		consumer->closed = true;
		return;
	}
	consumer->is_member = true;
	wants_rebalance = true;
}

void kafka_consumer_poll(struct kafka_consumer *consumer)
{
	consumer->poll = NULL;
	if (consumer->kicked)
		come_back(consumer);
	while (consumer->first != NULL && !consumer->waits_for_answer) {
		struct group_event *event = consumer->first;
		consumer->first = event->next;
		if (consumer->first == NULL)
			consumer->last = NULL;
		if (event->revokes) {
			tell_revoked(consumer, event->partitions, false);
			continue;
		}
		rd_kafka_topic_partition_list_t *list = list_of(event->partitions);
		consumer->waits_for_answer = true;
		consumer->events.assigned(consumer->events.context, list);
		rd_kafka_topic_partition_list_destroy(list);
	}
}

void kafka_consumer_close(struct kafka_consumer *consumer)
{
	if (consumer->closing)
		return;
	consumer->closing = true;
	consumer->first = consumer->last = NULL;
	consumer->to_give_up = consumer->owned;
	if (consumer->owned != 0) {
		add_event(consumer, true, consumer->owned);
		consumer->waits_for_answer = false;
	} else {
		consumer->is_member = false;
		consumer->closed = wants_rebalance = true;
	}
}

bool kafka_consumer_is_closed(const struct kafka_consumer *consumer)
{
	return consumer->closed;
}

static void on_readable(struct kafka_consumer *consumer, int lane)
{
	consumer->wakes[lane] = NULL;
	consumer->events.readable(consumer->events.context, lane);
}

struct wake {
	struct kafka_consumer *consumer;
	int lane;
	int index; /* of the partition that was fetched */
};

static void on_wake(void *context)
{
	const struct wake *wake = context;
	on_readable(wake->consumer, wake->lane);
}

static void wake_lane(struct kafka_consumer *consumer, int lane)
{
	if (consumer->wakes[lane] != NULL)
		return;
	struct wake *wake = sim_alloc(sizeof(*wake));
	*wake = (struct wake){consumer, lane, 0};
	consumer->wakes[lane] = sim_after(sim_between(20, 500), consumer->instance, on_wake, wake);
}

static void on_fetched(void *context)
{
	const struct wake *wake = context;
	struct fetch *fetch = &wake->consumer->fetches[wake->index];
	fetch->fetching = NULL;
	fetch->seen = stable_end(at(wake->index));
	look_at_range(fetch, at(wake->index)); /* reported at once, whenever it is read */
	if (fetch->assigned)
		wake_lane(wake->consumer, fetch->lane);
}

/* The answer arrives even if the process is frozen. */
static void fetch_more(struct kafka_consumer *consumer, int index)
{
	struct fetch *fetch = &consumer->fetches[index];
	if (fetch->fetching != NULL)
		return;
	struct wake *wake = sim_alloc(sizeof(*wake));
	*wake = (struct wake){consumer, 0, index};
	fetch->fetching = sim_after(sim_between(50, 5000), NULL, on_fetched, wake);
}

void kafka_consumer_forward(struct kafka_consumer *consumer, const char *topic, int32_t partition, int lane)
{
	consumer->fetches[index_of(topic, partition)].lane = lane;
}

static void take(struct kafka_consumer *consumer, const rd_kafka_topic_partition_t *p, int lane)
{
	int index = index_of(p->topic, p->partition);
	const struct sim_partition *partition = at(index);
	struct fetch *fetch = &consumer->fetches[index];
	/* Never "at the end": see feed_position() in app/kafka/feed.h. */
	KPID_CHECK(p->offset != RD_KAFKA_OFFSET_BEGINNING && p->offset != RD_KAFKA_OFFSET_END);
	/* The daemon may still hold the last message, a page that it has mapped in part: then it begins there again. */
	int64_t next = kafka_next_message(index / SIM_MOST_PARTITIONS, p->partition, p->offset);
	bool goes_on = fetch->next_offset == p->offset ||
	               (sim_maps() && fetch->next_offset == next + 1 && fetch->first <= p->offset);
	if (!fetch->assigned || !goes_on)
		fetch->first = p->offset;
	fetch->assigned = true;
	fetch->broken = fetch->out_of_range = false;
	fetch->lane = lane;
	fetch->eof_at = fetch->seen = -1;
	fetch->next_offset = p->offset;
	if (partition->was_cut)
		sim_owe(CHECK_US);
	fetch_more(consumer, index);
}

static void take_all(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list,
                     int (*lane_of)(void *context, const char *topic, int32_t partition), void *context)
{
	if (is_eager)
		for (int index = 0; index < MOST_PARTITIONS; index++)
			consumer->fetches[index].assigned = false;
	for (int i = 0; i < list->cnt; i++)
		take(consumer, &list->elems[i], lane_of(context, list->elems[i].topic, list->elems[i].partition));
}

void kafka_consumer_assign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions,
                           int (*lane_of)(void *context, const char *topic, int32_t partition), void *context)
{
	consumer->waits_for_answer = false;
	take_all(consumer, partitions, lane_of, context);
}

void kafka_consumer_unassign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *partitions)
{
	uint32_t mask = is_eager ? UINT32_MAX : mask_of(partitions);
	consumer->waits_for_answer = false;
	for (int index = 0; index < MOST_PARTITIONS; index++)
		if (mask & UINT32_C(1) << index)
			consumer->fetches[index].assigned = false;
	consumer->owned &= ~mask;
	consumer->to_give_up &= ~mask;
	if (consumer->closing && consumer->owned == 0) {
		consumer->is_member = false;
		consumer->closed = wants_rebalance = true;
	}
}

static void set_paused(struct kafka_consumer *consumer, const char *topic, int32_t partition, bool pause)
{
	struct fetch *fetch = &consumer->fetches[index_of(topic, partition)];
	fetch->paused = pause;
	if (!pause && fetch->assigned)
		wake_lane(consumer, fetch->lane);
}

void kafka_consumer_pause(struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
	set_paused(consumer, topic, partition, true);
}

void kafka_consumer_resume(struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
	if (consumer->fetches[index_of(topic, partition)].paused)
		set_paused(consumer, topic, partition, false);
}

void kafka_consumer_reassign(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *all,
                             const char *topic, int32_t partition,
                             int (*lane_of)(void *context, const char *topic, int32_t partition), void *context)
{
	set_paused(consumer, topic, partition, false);
	for (int i = 0; i < all->cnt; i++)
		if (is_eager || index_of(all->elems[i].topic, all->elems[i].partition) == index_of(topic, partition))
			take(consumer, &all->elems[i], lane_of(context, all->elems[i].topic, all->elems[i].partition));
}

void kafka_consumer_commit(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *offsets)
{
	(void)consumer, (void)offsets;
}

bool kafka_consumer_is_cut_off(const struct kafka_consumer *consumer)
{
	(void)consumer;
	return false;
}

void kafka_consumer_note_contact(struct kafka_consumer *consumer, int64_t asked_us)
{
	(void)consumer, (void)asked_us;
}

/* ---- messages ---- */

static rd_kafka_message_t *new_message(int index, int64_t offset, rd_kafka_resp_err_t error)
{
	rd_kafka_message_t *message = mem_zalloc(sizeof(*message));
	message->err = error;
	message->rkt = &topics[index / SIM_MOST_PARTITIONS].handle;
	message->partition = index % SIM_MOST_PARTITIONS;
	message->offset = offset;
	return message;
}

static rd_kafka_message_t *message_at(int index, int64_t offset)
{
	struct sim_message *sent = at(index)->log[offset];
	rd_kafka_message_t *message = new_message(index, offset, RD_KAFKA_RESP_ERR_NO_ERROR);
	message->payload = (void *)(uintptr_t)sent->bytes;
	message->len = sent->bytes == NULL ? 0 : sent->len;
	message->_private = sent;
	return message;
}

/* The next message of a partition; NULL: there is none. */
static rd_kafka_message_t *fetch_next(struct fetch *fetch, int index)
{
	const struct sim_partition *partition = at(index);
	int64_t offset = fetch->next_offset;
	if (!fetch->assigned || fetch->paused || fetch->broken)
		return NULL;
	if (fetch->out_of_range || offset < partition->low || offset > (int64_t)partition->n) {
		fetch->broken = true;
		return new_message(index, offset,
		                   sim_chance(500) ? RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE
		                                   : RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET);
	}
	int64_t seen = fetch->seen < (int64_t)partition->n ? fetch->seen : (int64_t)partition->n;
	for (; offset < seen && sim_message_is_void(partition->log[offset]); offset++)
		if ((size_t)offset < fetch->n_given)
			fetch->given[offset] = NULL; /* from the previous log */
	if (offset > fetch->seen)
		return NULL;
	if (offset == fetch->seen || offset == (int64_t)partition->n) {
		if (fetch->eof_at == offset)
			return NULL;
		fetch->eof_at = offset;
		return new_message(index, offset, RD_KAFKA_RESP_ERR__PARTITION_EOF);
	}
	struct sim_message *sent = partition->log[offset];
	rd_kafka_message_t *message = message_at(index, offset);
	fetch->next_offset = offset + 1;
	note_given(fetch, sent);
	sim_trace("%s reads %s/%d@%lld", sim_current()->name, sim_topics[sent->topic], sent->partition,
	          (long long)offset);
	return message;
}

size_t kafka_consumer_read(struct kafka_consumer *consumer, int lane, rd_kafka_message_t **messages_out, size_t n)
{
	size_t n_read = 0, most = sim_chance(300) ? 1 : 1 + sim_below(8);
	int first = (int)sim_below(MOST_PARTITIONS);
	most = most < n ? most : n;
	for (int i = 0; i < MOST_PARTITIONS; i++) {
		int index = (first + i) % MOST_PARTITIONS;
		struct fetch *fetch = &consumer->fetches[index];
		while (fetch->lane == lane && n_read < most &&
		       (messages_out[n_read] = fetch_next(fetch, index)) != NULL)
			n_read++;
	}
	return n_read;
}

/* Functions of librdkafka that the daemon calls directly. */
void rd_kafka_message_destroy(rd_kafka_message_t *message)
{
	free(message);
}

const char *rd_kafka_topic_name(const rd_kafka_topic_t *topic)
{
	return topic->name;
}

int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, rd_kafka_timestamp_type_t *type)
{
	*type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
	return ((const struct sim_message *)message->_private)->appended_us / 1000;
}

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers_out)
{
	(void)message, (void)headers_out;
	return RD_KAFKA_RESP_ERR__NOENT;
}

rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(rd_kafka_t *rk, const char *topic, int32_t partition,
                                                   int64_t *low_out, int64_t *high_out)
{
	const struct kafka_consumer *consumer = (const struct kafka_consumer *)rk;
	int index = index_of(topic, partition);
	*low_out = at(index)->low;
	*high_out = (int64_t)at(index)->n;
	return consumer->fetches[index].assigned ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* ---- the probe ---- */

struct job {
	struct job *next;
	struct kafka_probe *probe;
	struct kafka_probe_list list;
};

struct kafka_probe {
	struct sim_instance *instance;
	kafka_probe_fn fn;
	void *context;
	struct job *first, *last;
	struct sim_plan *plan;
};

struct kafka_probe_item *kafka_probe_add(struct kafka_probe_list *list, const char *topic, int32_t partition)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof(*list->items));
	struct kafka_probe_item *item = &list->items[list->n++];
	*item = (struct kafka_probe_item){.topic = mem_strdup(topic), .partition = partition, .stable_offset = -1};
	return item;
}

static void release_list(struct kafka_probe_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].topic);
	free(list->items);
	*list = (struct kafka_probe_list){.n = 0};
}

struct kafka_probe *kafka_probe_new(struct event_base *base, const struct config_pairs *pairs, rd_kafka_t *consumer,
                                    kafka_probe_fn fn, void *context)
{
	struct kafka_probe *probe = mem_zalloc(sizeof(*probe));
	(void)base, (void)pairs, (void)consumer;
	*probe = (struct kafka_probe){.instance = sim_current(), .fn = fn, .context = context};
	return probe;
}

void kafka_probe_free(struct kafka_probe *probe)
{
	if (probe == NULL)
		return;
	sim_cancel(probe->plan);
	for (struct job *job = probe->first; job != NULL; job = job->next)
		release_list(&job->list);
	free(probe);
}

static void begin_job(struct kafka_probe *probe);

static void hand_back(void *context)
{
	struct kafka_probe *probe = context;
	struct job *job = probe->first;
	probe->first = job->next;
	if (probe->first == NULL)
		probe->last = NULL;
	probe->plan = NULL;
	begin_job(probe);
	probe->fn(probe->context, &job->list);
	release_list(&job->list);
}

static void look_at_logs(void *context)
{
	struct kafka_probe *probe = context;
	struct kafka_probe_list *list = &probe->first->list;
	bool away = !sim_is_calm() && sim_chance(20);
	for (size_t i = 0; i < list->n; i++) {
		struct kafka_probe_item *item = &list->items[i];
		if (away) {
			item->error = RD_KAFKA_RESP_ERR__TIMED_OUT;
		} else if (item->partition == KAFKA_PROBE_TOPIC) {
			item->n_partitions = sim_n_partitions;
		} else {
			const struct sim_partition *partition = at(index_of(item->topic, item->partition));
			item->low_offset = item->high_only ? 0 : partition->low;
			item->high_offset = (int64_t)partition->n;
			item->stable_offset = item->ask_stable ? stable_end(partition) : -1;
		}
	}
	int64_t delay_us = away ? 1000000 : sim_between(50, 3000);
	if (!away && !sim_is_calm() && sim_chance(sim_dawdles() ? 300 : 30))
		delay_us = sim_between(3000, sim_chance(300) ? 4000000 : 300000);
	sim_owe(delay_us);
	probe->plan = sim_after(delay_us, probe->instance, hand_back, probe);
}

static void ask(void *context)
{
	struct kafka_probe *probe = context;
	struct kafka_probe_list *list = &probe->first->list;
	for (size_t i = 0; i < list->n; i++)
		list->items[i].asked_us = monotonic_clock_us();
	probe->plan = sim_after(sim_between(50, 3000), probe->instance, look_at_logs, probe);
}

static void begin_job(struct kafka_probe *probe)
{
	if (probe->plan == NULL && probe->first != NULL)
		probe->plan = sim_after(sim_between(10, 200), probe->instance, ask, probe);
}

void kafka_probe_ask(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	struct job *job = sim_alloc(sizeof(*job));
	*job = (struct job){NULL, probe, *list};
	*list = (struct kafka_probe_list){.n = 0};
	if (probe->last == NULL)
		probe->first = job;
	else
		probe->last->next = job;
	probe->last = job;
	begin_job(probe);
}

void kafka_probe_wake(struct kafka_probe *probe, struct kafka_probe_list *list)
{
	(void)probe;
	release_list(list);
}

/* ---- checks for recreated topics ---- */

struct kafka_log_identity {
	struct sim_instance *instance;
	kafka_log_identity_fn fn;
	void *context;
	struct kafka_log_identity_list list; /* the question; one at a time */
	struct sim_plan *plan;
};

void kafka_log_identity_add(struct kafka_log_identity_list *list, const char *topic, int32_t partition, int64_t offset)
{
	list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof(*list->items));
	list->items[list->n++] =
	        (struct kafka_log_identity_item){.topic = mem_strdup(topic), .partition = partition, .offset = offset};
}

static void release_identity_list(struct kafka_log_identity_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i].topic);
	free(list->items);
	*list = (struct kafka_log_identity_list){.n = 0};
}

struct kafka_log_identity *kafka_log_identity_new(struct event_base *base, const struct kpid_config *config,
                                                  kafka_log_identity_fn fn, void *context)
{
	struct kafka_log_identity *identity = mem_zalloc(sizeof(*identity));
	(void)base, (void)config;
	*identity = (struct kafka_log_identity){.instance = sim_current(), .fn = fn, .context = context};
	return identity;
}

void kafka_log_identity_free(struct kafka_log_identity *identity)
{
	if (identity == NULL)
		return;
	sim_cancel(identity->plan);
	release_identity_list(&identity->list);
	free(identity);
}

static void hand_identity_back(void *context)
{
	struct kafka_log_identity *identity = context;
	struct kafka_log_identity_list list = identity->list;
	identity->plan = NULL;
	identity->list = (struct kafka_log_identity_list){.n = 0};
	identity->fn(identity->context, &list);
	release_identity_list(&list);
}

static void read_log_again(struct kafka_log_identity_item *item)
{
	int index = index_of(item->topic, item->partition);
	if (item->offset >= (int64_t)at(index)->n) {
		item->state = LOG_IDENTITY_NOT_THERE;
	} else if (item->offset < at(index)->low || sim_message_is_void(at(index)->log[item->offset])) {
		item->state = LOG_IDENTITY_GONE;
	} else if (item->offset >= stable_end(at(index))) {
		item->state = LOG_IDENTITY_UNKNOWN;
	} else {
		rd_kafka_message_t *message = message_at(index, item->offset);
		item->state = LOG_IDENTITY_FOUND;
		item->fingerprint = kafka_fingerprint(message);
		rd_kafka_message_destroy(message);
	}
}

static void read_logs_again(void *context)
{
	struct kafka_log_identity *identity = context;
	bool away = !sim_is_calm() && sim_chance(50);
	for (size_t i = 0; i < identity->list.n && !away; i++)
		read_log_again(&identity->list.items[i]);
	int64_t delay_us = away ? 2000000 : sim_between(50, sim_is_calm() ? 3000 : 300000);
	sim_owe(delay_us);
	identity->plan = sim_after(delay_us, identity->instance, hand_identity_back, identity);
}

void kafka_log_identity_ask(struct kafka_log_identity *identity, struct kafka_log_identity_list *list)
{
	if (identity->list.n > 0)
		sim_fail("%s asks again before it was answered", identity->instance->name);
	identity->list = *list;
	*list = (struct kafka_log_identity_list){.n = 0};
	identity->plan = sim_after(sim_between(50, 3000), identity->instance, read_logs_again, identity);
}

/* ---- the dispatcher of alerts, which sends nothing ---- */

struct dispatch {
	struct pg_session *session; /* the daemon waits until it is open */
	struct receivers *receivers;
};

static void on_dispatch_ready(void *context)
{
	(void)context;
}

static void on_dispatch_lost(void *context, const char *reason)
{
	(void)context, (void)reason;
}

struct dispatch *dispatch_new(struct event_base *base, const struct kpid_config *config, struct receivers *receivers)
{
	struct dispatch *dispatch = mem_zalloc(sizeof(*dispatch));
	dispatch->session = pg_session_new(base, &config->postgres, "dispatch",
	                                   &(struct pg_session_events){on_dispatch_ready, on_dispatch_lost, dispatch});
	dispatch->receivers = receivers;
	return dispatch;
}

void dispatch_free(struct dispatch *dispatch)
{
	if (dispatch == NULL)
		return;
	pg_session_free(dispatch->session);
	receivers_free(dispatch->receivers);
	free(dispatch);
}

void dispatch_start(struct dispatch *dispatch)
{
	pg_session_start(dispatch->session);
}

const struct pg_session *dispatch_session(const struct dispatch *dispatch)
{
	return dispatch->session;
}

void dispatch_describe_delay(const struct dispatch *dispatch, struct buf *out)
{
	(void)dispatch, (void)out; /* nothing is sent to receivers here */
}

void dispatch_set_voice(struct dispatch *dispatch, const struct kpid_config *config)
{
	(void)dispatch, (void)config;
}

const struct receivers *dispatch_receivers(const struct dispatch *dispatch)
{
	return dispatch->receivers;
}
