/* What the tables must be once everything is at rest: every event that was read, folded ticket by ticket in one pass,
 * without batches, lanes or the writer. */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg/session.h"
#include "kpid/core/alert.h"
#include "kpid/core/ticket.h"
#include "kpid/core/wire.h"
#include "sim.h"

/* ---- the events ---- */

struct item {
	struct ticket_event event;
	struct text canonical;
};

struct reference {
	struct arena arena;
	struct item *items;
	size_t n_items;
	const struct slot **letters;
	size_t n_letters, n_conflicts;
	const struct policy_set *policies;
	int64_t fcr_window_us, as_of_us;
};

struct sum { /* for one agent and bucket; bucket 0 for the backlog */
	struct text agent_id;
	int64_t bucket_us;
	int64_t values[KPI_N_MEASURES];
};

struct sums {
	struct sum *items;
	size_t n, capacity;
};

static const struct slot *letter_of(const struct sim_message *message, struct text value)
{
	struct cell key[] = {cell_text(text_of(sim_topics[message->topic])), cell_int4(message->partition),
	                     cell_int8(message->offset), cell_text(value)};
	const struct slot *slot = table_find(LETTERS, key);
	return slot != NULL && slot->committed != NULL ? slot : NULL;
}

/* A recreated log may have the same bytes at the same offset: then there is one dead letter. */
static void count_letter(struct reference *reference, const struct slot *letter)
{
	for (size_t i = 0; i < reference->n_letters; i++)
		if (reference->letters[i] == letter)
			return;
	reference->letters[reference->n_letters++] = letter;
}

static void read_letter(struct reference *reference, const struct sim_message *message, struct text value)
{
	const struct slot *letter = letter_of(message, value);
	if (letter == NULL)
		sim_fail("\"%.*s\" in %s/%d@%lld is neither an event nor a dead letter", (int)value.len, value.ptr,
		         sim_topics[message->topic], message->partition, (long long)message->offset);
	count_letter(reference, letter);
}

static void read_value(struct reference *reference, const struct sim_message *message, struct text value)
{
	struct wire_message wire = {
	        .value = value,
	        .topic = text_of(sim_topics[message->topic]),
	        .partition = message->partition,
	        .offset = message->offset,
	        .topic_type = message->topic == 0 ? EVENT_OPENED : EVENT_TYPE_NONE,
	};
	struct wire_rejection rejection;
	struct item *item = &reference->items[reference->n_items];
	switch (wire_parse(&wire, sim_now_us() + US_PER_DAY, &reference->arena, &item->event, &rejection)) {
	case WIRE_EVENT: {
		struct buf canonical = BUF_INIT;
		ticket_event_canonical(&item->event, &canonical);
		item->canonical = arena_text(&reference->arena, buf_text(&canonical));
		buf_release(&canonical);
		reference->n_items++;
		break;
	}
	case WIRE_REJECTED:
		read_letter(reference, message, value);
		break;
	default:
		break;
	}
}

static void read_message(struct reference *reference, const struct sim_message *message)
{
	if (!sim_maps() || message->topic != SIM_MAPPED_TOPIC) {
		read_value(reference, message, (struct text){message->bytes, message->len});
		return;
	}
	const struct sim_records records = records_of(message);
	for (int i = 0; i < records.n; i++) {
		const struct sim_record *record = &records.items[i];
		if (record->kind == SIM_RECORD_EVENT)
			read_value(reference, message, record->event);
		else if (record->kind == SIM_RECORD_REJECTED)
			read_letter(reference, message, record->bytes);
	}
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = text_compare(x->event.ticket_id, y->event.ticket_id);
	if (order == 0)
		order = text_compare(x->event.source, y->event.source);
	if (order == 0)
		order = text_compare(x->event.id, y->event.id);
	return order != 0 ? order : text_compare(x->canonical, y->canonical);
}

/* Rule E2: for each identity the smallest content is kept; the other contents are dead letters. */
static void settle(struct reference *reference)
{
	size_t n = 0;
	struct text last = TEXT_ABSENT;
	if (reference->n_items > 1)
		qsort(reference->items, reference->n_items, sizeof(struct item), compare_items);
	for (size_t i = 0; i < reference->n_items; i++) {
		const struct item *item = &reference->items[i];
		bool same = n > 0 && ticket_event_same_identity(&reference->items[n - 1].event, &item->event) &&
		            text_equal(reference->items[n - 1].event.ticket_id, item->event.ticket_id);
		if (same && !text_equal(last, item->canonical))
			reference->n_conflicts++;
		last = item->canonical;
		if (!same)
			reference->items[n++] = *item;
	}
	reference->n_items = n;
}

/* ---- the rows ---- */

static void expect_number(const char *what, struct text id, struct cell cell, int64_t expected)
{
	if (cell_number(cell) != expected)
		sim_fail("%.*s: %s is %lld, not %lld", (int)id.len, id.ptr, what, (long long)cell_number(cell),
		         (long long)expected);
}

static void expect_time(const char *what, struct text id, struct cell cell, int64_t expected_us)
{
	if (cell_us(cell) != expected_us)
		sim_fail("%.*s: %s is %lld, not %lld", (int)id.len, id.ptr, what, (long long)cell_us(cell),
		         (long long)expected_us);
}

static void expect_text(const char *what, struct text id, struct cell cell, struct text expected)
{
	if (!text_same(cell_as_text(cell), expected))
		sim_fail("%.*s: %s is \"%.*s\", not \"%.*s\"", (int)id.len, id.ptr, what, cell.len < 0 ? 0 : cell.len,
		         cell.len < 0 ? "" : cell.data, (int)expected.len, expected.ptr == NULL ? "" : expected.ptr);
}

static const struct cell *row_at(enum store_table table, const struct cell *key)
{
	const struct slot *slot = table_find(table, key);
	return slot == NULL ? NULL : slot->committed;
}

static size_t n_rows(enum store_table table)
{
	size_t n = 0;
	for (size_t i = 0; i < store[table].n; i++)
		n += store[table].slots[i]->committed != NULL;
	return n;
}

static void check_ticket_row(struct text id, const struct cell *row, const struct ticket *t)
{
	const struct ticket_cycle *cycle = t->n_cycles == 0 ? NULL : &t->cycles[t->n_cycles - 1];
	expect_time("opened_at", id, row[4], t->opened_us);
	expect_time("first_response_at", id, row[5], t->first_response_us);
	expect_time("arrived_at", id, row[6], t->arrived_us);
	expect_time("cycle_started_at", id, row[7], cycle == NULL ? TIME_NONE : cycle->started_us);
	expect_time("resolved_at", id, row[8], cycle == NULL ? TIME_NONE : cycle->resolved_us);
	expect_time("closed_at", id, row[9], cycle == NULL ? TIME_NONE : cycle->closed_us);
	expect_time("first_response_due_at", id, row[10], t->first_response_due_us);
	expect_time("resolution_due_at", id, row[11], t->resolution_due_us);
	expect_time("cycle_due_at", id, row[12], cycle == NULL ? TIME_NONE : cycle->due_us);
	expect_number("csat_score_micros", id, row[13], t->csat_score_micros);
	expect_number("cycle", id, row[16], t->cycle);
	expect_number("reopen_count", id, row[17], t->reopen_count);
	expect_number("transfer_count", id, row[18], t->transfer_count);
	expect_number("state", id, row[19], t->state);
	expect_number("first_response_verdict", id, row[20], t->first_response_verdict);
	expect_number("resolution_verdict", id, row[21], t->resolution_verdict);
	expect_number("cycle_verdict", id, row[22], cycle == NULL ? VERDICT_NONE : cycle->verdict);
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++)
		expect_text(event_text_name((enum event_text)i), id, row[24 + i], t->attributes[i]);
	expect_text("agent_id", id, row[30], t->owner_id);
	expect_text("first_owner_id", id, row[31], t->first_owner_id);
	expect_text("responder_id", id, row[32], t->responder_id);
	expect_text("resolver_id", id, row[34], cycle == NULL ? TEXT_ABSENT : cycle->resolver_id);
	expect_text("closer_id", id, row[35], cycle == NULL ? TEXT_ABSENT : cycle->closer_id);
	expect_text("policy", id, row[36], t->policy == NULL ? TEXT_ABSENT : t->policy->name);
	expect_number("first_response_working_us", id, row[38], t->first_response_working_us);
	expect_number("resolution_working_us", id, row[39], cycle == NULL ? TIME_NONE : cycle->working_us);
}

/* Returns the expected number of rows in kpid.past_cycle. */
static size_t check_cycles(struct text id, const struct ticket *ticket)
{
	size_t n = ticket->n_cycles == 0 ? 0 : ticket->n_cycles - 1;
	for (size_t i = 0; i < n; i++) {
		const struct ticket_cycle *cycle = &ticket->cycles[i];
		struct cell key[2] = {cell_text(id), cell_int4(cycle->cycle)};
		const struct cell *row = row_at(CYCLES, key);
		if (row == NULL) {
			sim_fail("%.*s: missing row of cycle %u", (int)id.len, id.ptr, cycle->cycle);
			return n;
		}
		expect_time("started_at of a past cycle", id, row[2], cycle->started_us);
		expect_time("resolved_at of a past cycle", id, row[3], cycle->resolved_us);
		expect_time("closed_at of a past cycle", id, row[4], cycle->closed_us);
		expect_time("due_at of a past cycle", id, row[5], cycle->due_us);
		expect_number("verdict of a past cycle", id, row[6], cycle->verdict);
		expect_text("resolver_id of a past cycle", id, row[8], cycle->resolver_id);
	}
	return n;
}

/* Running clocks; nothing is left to fall due. */
static size_t check_clocks(struct text id, const struct ticket *ticket)
{
	size_t n = 0;
	for (size_t i = 0; i < ticket->n_clocks; i++) {
		const struct sla_clock *clock = &ticket->clocks[i];
		char target[2] = {0, (char)clock->target};
		struct cell key[3] = {cell_text(id), {target, 2}, cell_int4(clock->n)};
		const struct cell *row = row_at(CLOCKS, key);
		bool runs = !clock->stopped && clock->verdict != VERDICT_NONE;
		if (runs != (row != NULL)) {
			sim_fail("%.*s: clock %s/%u %s", (int)id.len, id.ptr, sla_target_name(clock->target), clock->n,
			         runs ? "has no row" : "has a row left");
			continue;
		}
		if (!runs)
			continue;
		n++;
		expect_time("started_at of a clock", id, row[4], clock->start_us);
		expect_time("due_at of a clock", id, row[5], clock->due_us);
		expect_number("breached of a clock", id, row[10], clock->verdict == VERDICT_BREACHED);
		expect_number("paused of a clock", id, row[11], clock->paused);
	}
	return n;
}

static void check_alert_row(struct text id, const struct cell *row, const struct alert *alert)
{
	/* A recorded breach that was undone stays voided, whatever warnings there were. A recorded warning does not. */
	if (alert->breached_us == TIME_NONE && cell_is(row[5], "voided") && row[8].len >= 0)
		return;
	expect_text("state of an alert", id, row[5], text_of(alert_state_name(alert->state)));
	expect_number("level of an alert", id, row[6], alert->level);
	expect_time("due_at of an alert", id, row[7], alert->due_us);
	expect_time("breached_at of an alert", id, row[8], alert->breached_us);
	expect_text("owner of an alert", id, row[10], alert->owner_at_breach);
	expect_text("project of an alert", id, row[11], alert->project_id);
	expect_time("resolved_at of an alert", id, row[15], alert->resolved_us);
	expect_time("warned_at of an alert", id, row[20], alert->warned_us);
	expect_number("n_warnings of an alert", id, row[21], alert->n_warnings);
}

static const struct sla_clock *clock_of_alert(const struct ticket *ticket, const struct cell *row)
{
	for (size_t i = 0; i < ticket->n_clocks; i++)
		if (cell_is(row[2], sla_target_name(ticket->clocks[i].target)) &&
		    cell_number(row[3]) == ticket->clocks[i].n)
			return &ticket->clocks[i];
	return NULL;
}

static void check_alerts(struct text id, const struct ticket *ticket)
{
	struct alert alert;
	for (size_t i = 0; i < ticket->n_clocks; i++) {
		char alert_key[ALERT_ID_BYTES];
		if (!alert_of_clock(id, ticket, &ticket->clocks[i], &alert))
			continue;
		alert_id(id, alert.target, alert.n, alert_key);
		struct cell key = cell_text(text_of(alert_key));
		const struct cell *row = row_at(ALERTS, &key);
		if (row == NULL)
			sim_fail("%.*s: missing alert of %s/%u", (int)id.len, id.ptr, sla_target_name(alert.target),
			         alert.n);
		else
			check_alert_row(id, row, &alert);
	}
	for (size_t i = 0; i < store[ALERTS].n; i++) {
		const struct cell *row = store[ALERTS].slots[i]->committed;
		if (row == NULL || !text_equal(cell_as_text(row[1]), id))
			continue;
		const struct sla_clock *clock = clock_of_alert(ticket, row);
		bool there = clock != NULL && alert_of_clock(id, ticket, clock, &alert);
		if (!there && !cell_is(row[5], "voided"))
			sim_fail("%.*s: alert %.*s/%lld should not exist but is %.*s", (int)id.len, id.ptr, row[2].len,
			         row[2].data, (long long)cell_number(row[3]), row[5].len, row[5].data);
		sim_counts.alerts++;
		sim_counts.voided += cell_is(row[5], "voided");
	}
}

/* ---- at rest: sums ---- */

static struct sum *sum_of(struct sums *sums, struct text agent_id, int64_t bucket_us)
{
	for (size_t i = 0; i < sums->n; i++)
		if (sums->items[i].bucket_us == bucket_us && text_same(sums->items[i].agent_id, agent_id))
			return &sums->items[i];
	if (sums->n == sums->capacity) {
		struct sum *old = sums->items;
		sums->capacity = sums->capacity == 0 ? 32 : sums->capacity * 2;
		sums->items = sim_alloc(sums->capacity * sizeof(struct sum));
		if (sums->n > 0)
			memcpy(sums->items, old, sums->n * sizeof(struct sum));
	}
	sums->items[sums->n] = (struct sum){.agent_id = agent_id, .bucket_us = bucket_us};
	return &sums->items[sums->n++];
}

/* A missing row and NULL are 0. */
static int64_t value_of(const struct cell *row, int column)
{
	return row == NULL || row[column].len < 0 ? 0 : cell_number(row[column]);
}

static void check_sum_rows(const struct sums *sums, enum store_table table)
{
	int n_keys = store[table].n_keys, n_values = store[table].n_columns - n_keys;
	for (size_t i = 0; i < sums->n; i++) {
		const struct sum *sum = &sums->items[i];
		struct text agent = text_is_empty(sum->agent_id) ? TEXT("") : sum->agent_id;
		struct cell key[2] = {cell_time(sum->bucket_us), cell_text(agent)};
		const struct cell *row = row_at(table, n_keys == 2 ? key : &key[1]);
		for (int value = 0; value < n_values; value++)
			if (value_of(row, n_keys + value) != sum->values[value])
				sim_fail("%s of agent \"%.*s\": %s is %lld, not %lld", store[table].name,
				         (int)agent.len, agent.ptr,
				         table == KPIS ? kpi_measure_name((enum kpi_measure)value) : "backlog",
				         (long long)value_of(row, n_keys + value), (long long)sum->values[value]);
	}
	for (size_t i = 0; i < store[table].n; i++) {
		const struct cell *row = store[table].slots[i]->committed;
		bool known = row == NULL;
		for (size_t j = 0; j < sums->n && !known; j++)
			known = text_same(sums->items[j].agent_id, cell_as_text(row[n_keys - 1])) &&
			        (n_keys == 1 || sums->items[j].bucket_us == cell_us(row[0]));
		for (int value = 0; value < n_values && !known; value++)
			if (value_of(row, n_keys + value) != 0)
				sim_fail("%s of agent \"%.*s\" has a row without contributions", store[table].name,
				         row[n_keys - 1].len, row[n_keys - 1].data);
	}
}

/* ---- at rest ---- */

static int compare_events(const void *a, const void *b)
{
	return ticket_event_order(*(const struct ticket_event *const *)a, *(const struct ticket_event *const *)b);
}

static void fold_one(struct reference *reference, const struct ticket_event **events, size_t n, struct ticket *ticket)
{
	struct fold_rules rules = {reference->policies, reference->fcr_window_us};
	if (n > 1)
		qsort(events, n, sizeof(*events), compare_events);
	ticket_fold(events, n, &rules, NULL, reference->as_of_us, NULL, &reference->arena, ticket);
}

static void check_tickets(struct reference *reference)
{
	struct sums kpis = {NULL, 0, 0}, backlog = {NULL, 0, 0};
	size_t n_tickets = 0, n_cycles = 0, n_clocks = 0, n;
	const struct ticket_event **events = sim_alloc((reference->n_items + 1) * sizeof(*events));
	for (size_t i = 0; i < reference->n_items && !sim_failed(); i += n) {
		struct text id = reference->items[i].event.ticket_id;
		struct ticket ticket;
		for (n = 0; i + n < reference->n_items; n++) {
			events[n] = &reference->items[i + n].event;
			if (!text_equal(events[n]->ticket_id, id))
				break;
		}
		fold_one(reference, events, n, &ticket);
		struct cell key = cell_text(id);
		const struct cell *row = row_at(TICKETS, &key);
		if (row == NULL) {
			sim_fail("ticket %.*s is missing", (int)id.len, id.ptr);
			return;
		}
		check_ticket_row(id, row, &ticket);
		n_tickets++;
		n_cycles += check_cycles(id, &ticket);
		n_clocks += check_clocks(id, &ticket);
		check_alerts(id, &ticket);
		for (size_t k = 0; k < ticket.n_kpis; k++)
			sum_of(&kpis, ticket.kpis[k].agent_id, ticket.kpis[k].bucket_us)
			        ->values[ticket.kpis[k].measure] += ticket.kpis[k].value;
		if (ticket.state == TICKET_OPEN || ticket.state == TICKET_PAUSED)
			sum_of(&backlog, ticket.owner_id, 0)->values[0]++;
	}
	check_sum_rows(&kpis, KPIS);
	check_sum_rows(&backlog, BACKLOG);
	if (n_rows(TICKETS) != n_tickets || n_rows(CYCLES) != n_cycles || n_rows(CLOCKS) != n_clocks)
		sim_fail("%zu tickets, %zu past cycles and %zu clocks, not %zu, %zu and %zu", n_rows(TICKETS),
		         n_rows(CYCLES), n_rows(CLOCKS), n_tickets, n_cycles, n_clocks);
	sim_counts.tickets += n_tickets;
}

static void check_letters(const struct reference *reference)
{
	size_t n_conflicts = 0, n_others = 0;
	for (size_t i = 0; i < store[LETTERS].n; i++) {
		const struct cell *row = store[LETTERS].slots[i]->committed;
		if (row == NULL)
			continue;
		n_conflicts += cell_is(row[3], "id_conflict");
		n_others += !cell_is(row[3], "id_conflict");
	}
	if (n_conflicts != reference->n_conflicts || n_others != reference->n_letters)
		sim_fail("%zu conflicts and %zu other dead letters, not %zu and %zu", n_conflicts, n_others,
		         reference->n_conflicts, reference->n_letters);
	sim_counts.dead_letters += n_conflicts + n_others;
}

/* Everything in a log was read up to its end, or its gap was accepted. */
static void check_logs(void)
{
	for (int topic = 0; topic < SIM_TOPICS; topic++) {
		for (int number = 0; number < sim_n_partitions; number++) {
			const struct sim_partition *partition = kafka_partition(topic, number);
			for (size_t i = (size_t)partition->low; i < partition->n; i++)
				if (!partition->log[i]->counted && !sim_message_is_void(partition->log[i]) &&
				    (int64_t)i >= partition->passed_to)
					sim_fail("%s/%d@%zu was not read", sim_topics[topic], number, i);
		}
	}
}

void check_expected_tables(const struct policy_set *policies, int64_t fcr_window_us)
{
	static struct reference reference;
	size_t n = 0;
	reference = (struct reference){
	        .policies = policies,
	        .fcr_window_us = fcr_window_us,
	        .as_of_us = sim_now_us() + US_PER_DAY,
	};
	arena_init(&reference.arena);
	for (int i = 0; i < SIM_TOPICS * SIM_MOST_PARTITIONS; i++)
		for (const struct sim_message *message =
		             kafka_partition(i / SIM_MOST_PARTITIONS, i % SIM_MOST_PARTITIONS)->all;
		     message != NULL; message = message->next)
			n += message->counted;
	n *= SIM_MOST_RECORDS;
	reference.items = sim_alloc((n + 1) * sizeof(struct item));
	reference.letters = sim_alloc((n + 1) * sizeof(struct slot *));
	for (int i = 0; i < SIM_TOPICS * SIM_MOST_PARTITIONS; i++)
		for (const struct sim_message *message =
		             kafka_partition(i / SIM_MOST_PARTITIONS, i % SIM_MOST_PARTITIONS)->all;
		     message != NULL; message = message->next)
			if (message->counted && message->bytes != NULL)
				read_message(&reference, message);
	settle(&reference);
	sim_counts.events += reference.n_items;
	check_logs();
	check_tickets(&reference);
	check_letters(&reference);
	if (n_rows(PARKED_TICKETS) != 0 || n_rows(PARKED_EVENTS) != 0)
		sim_fail("%zu tickets and %zu events are set aside", n_rows(PARKED_TICKETS), n_rows(PARKED_EVENTS));
	arena_release(&reference.arena);
}
