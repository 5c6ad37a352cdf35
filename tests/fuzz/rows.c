#include "rows.h"

#include "fuzz.h"
#include "kpid/base/hash.h"
#include "kpid/base/memory.h"
#include "kpid/core/history.h"

enum { FIRST_SLOTS = 256 };

struct row {
	struct row *next_in_slot;
	uint64_t hash;
	struct buf key;
	struct buf text;             /* the compared text; empty: as if there were no row */
	struct buf history;          /* of a ticket */
	struct buf previous_history; /* the texts of the ticket being put may point into it */
	struct stored_ticket ticket;
	int64_t number; /* of a sum */
};

void rows_init(struct rows *rows, const struct policy_set *policies)
{
	*rows = (struct rows){.policies = policies};
	arena_init(&rows->scratch);
	kpi_sums_init(&rows->sums);
}

void rows_release(struct rows *rows)
{
	for (size_t i = 0; i < rows->n_slots; i++) {
		for (struct row *row = rows->slots[i], *next; row != NULL; row = next) {
			next = row->next_in_slot;
			buf_release(&row->key);
			buf_release(&row->text);
			buf_release(&row->history);
			buf_release(&row->previous_history);
			free(row);
		}
	}
	free(rows->slots);
	arena_release(&rows->scratch);
	kpi_sums_release(&rows->sums);
}

static struct row *find(const struct rows *rows, struct text key, uint64_t hash)
{
	struct row *row = rows->n_slots == 0 ? NULL : rows->slots[hash & (rows->n_slots - 1)];
	while (row != NULL && !(row->hash == hash && text_equal(buf_text(&row->key), key)))
		row = row->next_in_slot;
	return row;
}

static void grow(struct rows *rows)
{
	size_t n_slots = rows->n_slots == 0 ? FIRST_SLOTS : rows->n_slots * 4;
	struct row **slots = mem_zalloc(n_slots * sizeof(struct row *));
	for (size_t i = 0; i < rows->n_slots; i++) {
		for (struct row *row = rows->slots[i], *next; row != NULL; row = next) {
			next = row->next_in_slot;
			row->next_in_slot = slots[row->hash & (n_slots - 1)];
			slots[row->hash & (n_slots - 1)] = row;
		}
	}
	free(rows->slots);
	rows->slots = slots;
	rows->n_slots = n_slots;
}

/* Finds or creates the row of the key. Takes ownership of the key. */
static struct row *row_of(struct rows *rows, struct buf *key)
{
	uint64_t hash = hash_text(buf_text(key));
	struct row *row = find(rows, buf_text(key), hash);
	if (row != NULL) {
		buf_release(key);
		return row;
	}
	if (rows->n_rows >= rows->n_slots)
		grow(rows);
	row = mem_zalloc(sizeof(*row));
	row->hash = hash;
	row->key = *key;
	row->next_in_slot = rows->slots[hash & (rows->n_slots - 1)];
	rows->slots[hash & (rows->n_slots - 1)] = row;
	rows->n_rows++;
	return row;
}

static struct row *row_at(struct rows *rows, const char *table, struct text ticket_id, int target, uint32_t n)
{
	struct buf key = BUF_INIT;
	buf_add_format(&key, "%s ", table);
	buf_add_json_string(&key, ticket_id);
	buf_add_format(&key, " %d %u", target, n);
	struct row *row = row_of(rows, &key);
	buf_clear(&row->text);
	return row;
}

static struct buf ticket_key(struct text ticket_id)
{
	struct buf key = BUF_INIT;
	buf_add_str(&key, "ticket ");
	buf_add_text(&key, ticket_id);
	return key;
}

static void add_text(struct buf *out, const char *name, struct text text)
{
	buf_add_format(out, " %s=", name);
	buf_add_json_string(out, text_is_empty(text) ? TEXT("") : text);
}

static void add_time(struct buf *out, const char *name, int64_t us)
{
	if (us != TIME_NONE)
		buf_add_format(out, " %s=%lld", name, (long long)us);
}

/* ---- the sink ---- */

static void put_ticket(void *context, const struct ticket_row *given)
{
	struct rows *rows = context;
	const struct ticket *ticket = given->ticket;
	struct buf key = ticket_key(given->ticket_id);
	struct row *row = row_of(rows, &key);
	CHECK(given->rev == row->ticket.rev + 1);
	row->ticket = (struct stored_ticket){
	        .rev = given->rev,
	        .as_of_us = given->as_of_us,
	        .opened_us = ticket->opened_us,
	        .revision_no = ticket->revision == NULL ? 0 : ticket->revision->revision_no,
	};
	buf_clear(&row->text);
	buf_add_format(
	        &row->text, "%s cycle=%u reopened=%u transferred=%u first_response=%s resolution=%s",
	        ticket_state_name(ticket->state), ticket->cycle, ticket->reopen_count, ticket->transfer_count,
	        ticket->first_response_verdict == VERDICT_NONE ? "-" : sla_verdict_name(ticket->first_response_verdict),
	        ticket->resolution_verdict == VERDICT_NONE ? "-" : sla_verdict_name(ticket->resolution_verdict));
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++)
		add_text(&row->text, event_text_name((enum event_text)i), ticket->attributes[i]);
	add_text(&row->text, "owner", ticket->owner_id);
	add_text(&row->text, "first_owner", ticket->first_owner_id);
	add_text(&row->text, "responder", ticket->responder_id);
	add_time(&row->text, "opened", ticket->opened_us);
	add_time(&row->text, "first_response", ticket->first_response_us);
	add_time(&row->text, "arrived", ticket->arrived_us);
	add_time(&row->text, "first_response_due", ticket->first_response_due_us);
	add_time(&row->text, "resolution_due", ticket->resolution_due_us);
	add_time(&row->text, "csat", ticket->csat_score_micros);
	struct buf previous = row->history;
	row->history = row->previous_history;
	row->previous_history = previous;
	buf_clear(&row->history);
	buf_add_text(&row->history, given->history);
	rows->n_tickets_written++;
}

static void put_cycle(void *context, struct text ticket_id, const struct ticket_cycle *cycle)
{
	struct row *row = row_at(context, "cycle", ticket_id, 0, cycle->cycle);
	add_time(&row->text, "started", cycle->started_us);
	add_time(&row->text, "resolved", cycle->resolved_us);
	add_time(&row->text, "closed", cycle->closed_us);
	add_time(&row->text, "due", cycle->due_us);
	add_time(&row->text, "working", cycle->working_us);
	add_text(&row->text, "resolver", cycle->resolver_id);
	add_text(&row->text, "closer", cycle->closer_id);
	buf_add_format(&row->text, " %d %d", (int)cycle->resolution, (int)cycle->verdict);
}

static void delete_cycle(void *context, struct text ticket_id, uint32_t cycle)
{
	row_at(context, "cycle", ticket_id, 0, cycle);
}

static void put_clock(void *context, struct text ticket_id, const struct sla_clock *clock)
{
	struct row *row = row_at(context, "clock", ticket_id, (int)clock->target, clock->n);
	buf_add_format(&row->text, "cycle=%u verdict=%d paused=%d stopped=%d", clock->cycle, (int)clock->verdict,
	               clock->paused, clock->stopped);
	add_time(&row->text, "start", clock->start_us);
	add_time(&row->text, "due", clock->due_us);
	add_time(&row->text, "fires", clock->fires_us);
	add_time(&row->text, "zero", clock->countdown_zero_us);
	add_time(&row->text, "at_risk", clock->at_risk_us);
	if (clock->paused)
		add_time(&row->text, "left", clock->left_us);
}

static void delete_clock(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	row_at(context, "clock", ticket_id, (int)target, n);
}

static void put_alert(void *context, const struct alert *alert)
{
	struct row *row = row_at(context, "alert", alert->ticket_id, (int)alert->target, alert->n);
	if (alert->state == ALERT_AVERTED)
		return;
	buf_add_format(&row->text, "%s level=%u warnings=%u", alert_state_name(alert->state), alert->level,
	               alert->n_warnings);
	add_time(&row->text, "due", alert->due_us);
	add_time(&row->text, "breached", alert->breached_us);
	add_time(&row->text, "warned", alert->warned_us);
	add_time(&row->text, "resolved", alert->resolved_us);
	add_text(&row->text, "owner", alert->owner_at_breach);
	add_text(&row->text, "project", alert->project_id);
}

static void void_alert(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	row_at(context, "alert", ticket_id, (int)target, n);
}

static void put_conflict(void *context, const struct conflict_letter *letter)
{
	struct rows *rows = context;
	struct buf key = BUF_INIT;
	buf_add_str(&key, "conflict ");
	buf_add_json_string(&key, letter->event->ticket_id); /* one line each, whatever it contains */
	buf_add_char(&key, ' ');
	buf_add_text(&key, letter->canonical);
	struct row *row = row_of(rows, &key);
	buf_clear(&row->text);
	buf_add_char(&row->text, '.');
	rows->n_conflicts++;
}

/* ---- a transaction ---- */

static void add_sum(struct rows *rows, struct buf *key, int64_t number)
{
	row_of(rows, key)->number += number;
}

static void add_sums(struct rows *rows)
{
	size_t n;
	struct kpi_row **kpis = kpi_sums_sorted(&rows->sums, &n);
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < KPI_N_MEASURES; k++) {
			int64_t value = (int64_t)kpi_row_sum(kpis[i], (enum kpi_measure)k);
			if (value == 0)
				continue;
			struct buf key = BUF_INIT;
			buf_add_format(&key, "kpi %s %lld ", kpi_measure_name((enum kpi_measure)k),
			               (long long)kpis[i]->bucket_us);
			buf_add_json_string(&key, kpis[i]->agent_id);
			add_sum(rows, &key, value);
		}
	}
	struct batch_agent **agents = kpi_sums_backlog(&rows->sums, &n);
	for (size_t i = 0; i < n; i++) {
		struct buf key = BUF_INIT;
		buf_add_str(&key, "backlog ");
		buf_add_json_string(&key, agents[i]->agent_id);
		add_sum(rows, &key, agents[i]->backlog);
	}
	kpi_sums_clear(&rows->sums);
}

static const struct policy_revision *revision_by_no(void *context, int32_t revision_no)
{
	const struct policy_set *policies = context;
	for (size_t i = 0; i < policies->n_revisions; i++)
		if (policies->revisions[i].revision_no == revision_no)
			return &policies->revisions[i];
	return NULL;
}

static struct stored_ticket read_ticket(struct rows *rows, struct text ticket_id)
{
	struct buf key = ticket_key(ticket_id);
	const struct row *row = find(rows, buf_text(&key), hash_text(buf_text(&key)));
	buf_release(&key);
	if (row == NULL)
		return (struct stored_ticket){.as_of_us = TIME_NONE, .opened_us = TIME_NONE};
	struct stored_ticket ticket = row->ticket;
	ticket.history = buf_text(&row->history);
	return ticket;
}

void rows_commit(struct rows *rows, struct batch *batch, int64_t as_of_us)
{
	const struct batch_sink sink = {
	        rows,         put_ticket, put_cycle,  delete_cycle, put_clock,
	        delete_clock, put_alert,  void_alert, put_conflict, NULL,
	};
	const struct batch_rules rules = {
	        .fold = {rows->policies, 7 * US_PER_DAY},
	        .as_of_us = as_of_us,
	        .revision_by_no = revision_by_no,
	        .context = (void *)(uintptr_t)rows->policies,
	};
	batch_seal(batch);
	for (size_t i = 0; i < batch->n_tickets; i++) {
		int32_t revision_no;
		struct stored_ticket stored = read_ticket(rows, batch->tickets[i]->ticket_id);
		CHECK(batch_evaluate(batch, batch->tickets[i], &stored, &rules, &rows->scratch, &sink, &rows->sums,
		                     &revision_no) == BATCH_OK);
	}
	add_sums(rows);
	for (size_t i = 0; i < batch->n_sources; i++)
		rows->n_duplicates += batch->sources[i].n_duplicates;
	batch_clear(batch);
}

/* ---- reading ---- */

struct text rows_history(const struct rows *rows, struct text ticket_id)
{
	struct buf key = ticket_key(ticket_id);
	const struct row *row = find(rows, buf_text(&key), hash_text(buf_text(&key)));
	buf_release(&key);
	return row == NULL ? TEXT_ABSENT : buf_text(&row->history);
}

void rows_each_ticket(const struct rows *rows, void (*take)(void *context, struct text ticket_id, struct text history),
                      void *context)
{
	for (size_t i = 0; i < rows->n_slots; i++)
		for (const struct row *row = rows->slots[i]; row != NULL; row = row->next_in_slot)
			if (row->ticket.rev != 0)
				take(context,
				     (struct text){row->key.data + strlen("ticket "),
				                   (uint32_t)(row->key.len_bytes - strlen("ticket "))},
				     buf_text(&row->history));
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
	return text_compare(buf_text(&x->key), buf_text(&y->key));
}

void rows_print(const struct rows *rows, struct buf *out)
{
	const struct row **sorted = mem_alloc((rows->n_rows + 1) * sizeof(*sorted));
	size_t n = 0;
	for (size_t i = 0; i < rows->n_slots; i++)
		for (const struct row *row = rows->slots[i]; row != NULL; row = row->next_in_slot)
			if (row->text.len_bytes > 0 || row->number != 0)
				sorted[n++] = row;
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare_rows);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i]->ticket.rev != 0) /* its key contains the bytes of the id */
			buf_add_json_string(out, buf_text(&sorted[i]->key));
		else
			buf_add_text(out, buf_text(&sorted[i]->key));
		buf_add_format(out, ": %lld ", (long long)sorted[i]->number);
		buf_add_text(out, buf_text(&sorted[i]->text));
		buf_add_char(out, '\n');
	}
	free(sorted);
}
