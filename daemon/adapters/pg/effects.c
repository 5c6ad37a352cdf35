#include "adapters/pg/effects.h"

#include <stdio.h>
#include <string.h>

#include "kpid/base/digest.h"
#include "kpid/core/dead_letter.h"

enum { ROWS_PER_STATEMENT = 1000 };

struct stored_ticket pg_stored_ticket(const PGresult *result, int row)
{
	if (row < 0)
		return (struct stored_ticket){.as_of_us = TIME_NONE, .opened_us = TIME_NONE};
	return (struct stored_ticket){
	        .rev = pg_get_int4(result, row, TICKET_READ_REV),
	        .as_of_us = pg_get_time(result, row, TICKET_READ_AS_OF),
	        .opened_us = pg_get_time(result, row, TICKET_READ_OPENED_AT),
	        .revision_no = pg_get_int4(result, row, TICKET_READ_REVISION_NO),
	        .history = pg_get_text(result, row, TICKET_READ_HISTORY),
	};
}

/* ---- columns: in the order of the tables (sql/migrations/) ---- */

/* TIME_NONE: NULL */
static void put_duration(struct pg_array *to, int64_t us)
{
	if (us == TIME_NONE)
		pg_column_null(to, PG_OID_INT8);
	else
		pg_column_int8(to, us);
}

static void put_ticket(void *context, const struct ticket_row *row)
{
	struct pg_effects *effects = context;
	effects->ticket_is_new = effects->inserts && row->rev == 1;
	struct pg_array *to = effects->ticket_is_new ? &effects->new_tickets : &effects->tickets;
	const struct ticket *ticket = row->ticket;
	const struct ticket_cycle *cycle = ticket->n_cycles == 0 ? NULL : &ticket->cycles[ticket->n_cycles - 1];

	pg_row_start(to);
	pg_column_text(to, row->ticket_id);
	pg_column_int4(to, row->rev);
	if (ticket->revision == NULL)
		pg_column_null(to, PG_OID_INT4);
	else
		pg_column_int4(to, ticket->revision->revision_no);
	pg_column_time_unbounded(to, row->as_of_us);
	pg_column_time(to, ticket->opened_us);
	pg_column_time(to, ticket->first_response_us);
	pg_column_time(to, ticket->arrived_us);
	pg_column_time(to, cycle == NULL ? TIME_NONE : cycle->started_us);
	pg_column_time(to, cycle == NULL ? TIME_NONE : cycle->resolved_us);
	pg_column_time(to, cycle == NULL ? TIME_NONE : cycle->closed_us);
	pg_column_time(to, ticket->first_response_due_us);
	pg_column_time(to, ticket->resolution_due_us);
	pg_column_time(to, cycle == NULL ? TIME_NONE : cycle->due_us);
	if (ticket->csat_score_micros == SCORE_ABSENT) {
		pg_column_null(to, PG_OID_INT8);
		pg_column_null(to, PG_OID_INT8);
	} else {
		pg_column_int8(to, ticket->csat_score_micros);
		pg_column_int8(to, ticket->csat_scale_micros);
	}
	pg_column_time(to, effects->order->now_us);
	pg_column_int4(to, ticket->cycle);
	pg_column_int4(to, ticket->reopen_count);
	pg_column_int4(to, ticket->transfer_count);
	pg_column_int2(to, (int)ticket->state);
	pg_column_int2(to, (int)ticket->first_response_verdict);
	pg_column_int2(to, (int)ticket->resolution_verdict);
	pg_column_int2(to, cycle == NULL ? VERDICT_NONE : (int)cycle->verdict);
	pg_column_int2(to, cycle == NULL ? RESOLUTION_ABSENT : (int)cycle->resolution);
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++)
		pg_column_name(to, ticket->attributes[i]);
	pg_column_name(to, ticket->owner_id);
	pg_column_name(to, ticket->first_owner_id);
	pg_column_name(to, ticket->responder_id);
	pg_column_name(to, ticket->arrived_by_id);
	pg_column_name(to, cycle == NULL ? TEXT_ABSENT : cycle->resolver_id);
	pg_column_name(to, cycle == NULL ? TEXT_ABSENT : cycle->closer_id);
	pg_column_text(to, ticket->policy == NULL ? TEXT_ABSENT : ticket->policy->name);
	pg_column_bytea(to, row->history);
	put_duration(to, ticket->first_response_working_us);
	put_duration(to, cycle == NULL ? TIME_NONE : cycle->working_us);
	pg_row_end(to);
}

static void put_cycle(void *context, struct text ticket_id, const struct ticket_cycle *cycle)
{
	struct pg_array *to = &((struct pg_effects *)context)->cycles;
	pg_row_start(to);
	pg_column_text(to, ticket_id);
	pg_column_int4(to, cycle->cycle);
	pg_column_time(to, cycle->started_us);
	pg_column_time(to, cycle->resolved_us);
	pg_column_time(to, cycle->closed_us);
	pg_column_time(to, cycle->due_us);
	pg_column_int2(to, (int)cycle->verdict);
	pg_column_int2(to, (int)cycle->resolution);
	pg_column_name(to, cycle->resolver_id);
	pg_column_name(to, cycle->closer_id);
	put_duration(to, cycle->working_us);
	pg_row_end(to);
}

static void delete_cycle(void *context, struct text ticket_id, uint32_t cycle)
{
	struct pg_effects *effects = context;
	pg_array_text(&effects->gone_cycles[CYCLE_DELETE_PARAM_TICKET_IDS], ticket_id);
	pg_array_int4(&effects->gone_cycles[CYCLE_DELETE_PARAM_CYCLES], (int32_t)cycle);
}

static void put_clock(void *context, struct text ticket_id, const struct sla_clock *clock)
{
	struct pg_effects *effects = context;
	struct pg_array *to = clock->fires_us == TIME_NONE ? &effects->idle_clocks : &effects->clocks;
	if (clock->fires_us != TIME_NONE && clock->fires_us < effects->first_fires_us)
		effects->first_fires_us = clock->fires_us;
	pg_row_start(to);
	pg_column_text(to, ticket_id);
	pg_column_int2(to, (int)clock->target);
	pg_column_int4(to, clock->n);
	pg_column_int4(to, clock->cycle);
	pg_column_time(to, clock->start_us);
	pg_column_time(to, clock->due_us);
	pg_column_time(to, clock->fires_us);
	pg_column_time(to, clock->stopped || clock->paused ? TIME_NONE : clock->countdown_zero_us);
	pg_column_time(to, clock->stopped ? TIME_NONE : clock->at_risk_us);
	put_duration(to, clock->paused ? clock->left_us : TIME_NONE);
	pg_column_bool(to, clock->verdict == VERDICT_BREACHED);
	pg_column_bool(to, clock->paused);
	pg_column_bool(to, clock->stopped);
	pg_column_text(to, clock->stopped ? TEXT_ABSENT : clock->calendar);
	pg_row_end(to);
}

static void delete_clock(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	struct pg_effects *effects = context;
	pg_array_text(&effects->gone_clocks[CLOCK_DELETE_PARAM_TICKET_IDS], ticket_id);
	pg_array_int4(&effects->gone_clocks[CLOCK_DELETE_PARAM_TARGETS], (int32_t)target);
	pg_array_int4(&effects->gone_clocks[CLOCK_DELETE_PARAM_NS], (int32_t)n);
}

static bool is_shadow(const struct kpid_config *config, struct text project_id)
{
	for (size_t i = 0; i < config->sla.shadow_projects.n; i++)
		if (text_same(text_of(config->sla.shadow_projects.items[i]), project_id))
			return true;
	return false;
}

static const char *delivery_of(const struct write_order *order, const struct alert *alert)
{
	if (is_shadow(order->config, alert->project_id))
		return "shadow";
	if (order->config->alert.topic == NULL && order->config->alert.receivers_file == NULL)
		return "off";
	/* alert_put.sql still sends alerts that were sent before. */
	if (alert->ticket_closed)
		return "closed";
	if (alert->state == ALERT_AVERTED)
		return "over";
	return order->now_us - alert->latest_us > order->config->alert.max_age_us ? "too_old" : "queued";
}

static void put_alert(void *context, const struct alert *alert)
{
	struct pg_effects *effects = context;
	const char *delivery = delivery_of(effects->order, alert);
	bool is_quiet = effects->ticket_is_new && strcmp(delivery, "queued") != 0;
	struct pg_array *to = is_quiet ? &effects->new_alerts : &effects->alerts;
	char id[ALERT_ID_BYTES];
	alert_id(alert->ticket_id, alert->target, alert->n, id);

	pg_row_start(to);
	pg_column_text(to, text_of(id));
	pg_column_text(to, alert->ticket_id);
	pg_column_text(to, text_of(sla_target_name(alert->target)));
	pg_column_int4(to, alert->n);
	pg_column_int4(to, 1); /* revision; alert_put.sql raises it */
	pg_column_text(to, text_of(alert_state_name(alert->state)));
	pg_column_int4(to, alert->level);
	pg_column_time(to, alert->due_us);
	pg_column_time(to, alert->breached_us);
	pg_column_text(to, alert->breached_us == TIME_NONE ? TEXT_ABSENT : text_of(breach_cause_name(alert->cause)));
	pg_column_name(to, alert->owner_at_breach);
	pg_column_name(to, alert->project_id);
	pg_column_name(to, alert->policy);
	pg_column_name(to, alert->policy_version);
	pg_column_time(to, effects->order->now_us);
	pg_column_time(to, alert->resolved_us);
	pg_column_bool(to, effects->order->unconfirmed);
	pg_column_text(to, text_of(delivery));
	pg_column_int4(to, alert->evidence_source_no);
	pg_column_int8(to, alert->evidence_offset);
	pg_column_time(to, alert->warned_us);
	pg_column_int4(to, alert->n_warnings);
	pg_row_end(to);
}

static void void_alert(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	struct pg_effects *effects = context;
	char id[ALERT_ID_BYTES];
	alert_id(ticket_id, target, n, id);
	pg_array_text(&effects->voided_alerts, text_of(id));
}

static void put_dead_letter(struct pg_effects *effects, const struct batch_dead_letter *letter, struct text sha256)
{
	struct pg_array *to = &effects->dead_letters;
	struct text headers = TEXT_ABSENT;
	if (letter->n_headers > 0) {
		buf_clear(&effects->json);
		dead_letter_headers_json(letter, &effects->json);
		headers = buf_text(&effects->json);
	}
	pg_row_start(to);
	pg_column_text(to, letter->topic);
	pg_column_int4(to, letter->partition);
	pg_column_int8(to, letter->offset);
	pg_column_text(to, text_of(dead_letter_reason_name(letter->reason)));
	pg_column_text(to, text_of(letter->detail));
	pg_column_bytea(to, letter->value);
	pg_column_jsonb(to, headers);
	pg_column_bytea(to, sha256);
	pg_column_time(to, effects->order->now_us);
	pg_column_time(to, TIME_NONE);
	pg_column_null(to, PG_OID_INT8); /* letter_no: generated */
	pg_column_text(to, letter->mapping);
	pg_column_text(to, letter->mapping_version);
	pg_row_end(to);
}

/* A dead letter for an event whose message is no longer at hand: with an equivalent CloudEvent. */
static void put_event_letter(struct pg_effects *effects, const struct ticket_event *event,
                             enum dead_letter_reason reason, const char *detail, struct text sha256)
{
	struct batch_dead_letter letter = {.reason = reason, .offset = event->source_offset, .detail = detail};
	/* Only other instances read this partition: dead_letter_put.sql looks its name up. */
	if (!effects->order->source_name(effects->order->source_context, event->source_no, &letter.topic,
	                                 &letter.partition)) {
		letter.topic = TEXT("?");
		letter.partition = event->source_no;
	}

	struct buf *json = &effects->json;
	buf_clear(json);
	ticket_event_as_cloudevent(event, json);
	struct buf value = *json;
	*json = (struct buf)BUF_INIT;
	letter.value = buf_text(&value);
	put_dead_letter(effects, &letter, sha256);
	buf_release(&value);
}

/* One dead letter per distinct content of an event id: the hash covers both. */
static void put_conflict(void *context, const struct conflict_letter *conflict)
{
	const struct ticket_event *event = conflict->event;
	struct pg_effects *effects = context;
	unsigned char digest[SHA256_BYTES];
	struct buf identity = BUF_INIT;
	const struct text parts[] = {event->ticket_id, event->source, event->id, conflict->canonical};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_add_be32(&identity, parts[i].len);
		buf_add_text(&identity, parts[i]);
	}
	sha256_digest(buf_text(&identity), digest);
	buf_release(&identity);
	effects->order->batch->tally.n_conflicts++;
	put_event_letter(effects, event, DEAD_ID_CONFLICT,
	                 "same ticket_id, source and id as an event with other content; the smallest content counts",
	                 (struct text){(const char *)digest, SHA256_BYTES});
}

static void put_too_many(void *context, const struct ticket_event *event)
{
	struct pg_effects *effects = context;
	char detail[160];
	snprintf(detail, sizeof(detail),
	         "the ticket has %zu events already; raise run.ticket_max_events, then kpid dlq requeue",
	         effects->order->rules->ticket_max_events);
	put_event_letter(effects, event, DEAD_TOO_MANY, detail, TEXT_ABSENT);
}

/* ---- life ---- */

void pg_effects_init(struct pg_effects *effects)
{
	*effects = (struct pg_effects){.session = NULL};
	kpi_sums_init(&effects->sums);
}

void pg_effects_release(struct pg_effects *effects)
{
	struct pg_array *const arrays[] = {
	        &effects->tickets,     &effects->cycles,        &effects->clocks,       &effects->idle_clocks,
	        &effects->alerts,      &effects->voided_alerts, &effects->dead_letters, &effects->rows,
	        &effects->new_tickets, &effects->new_alerts,
	};
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		pg_array_release(arrays[i]);
	pg_arrays_release(effects->gone_cycles, CYCLE_DELETE_N_PARAMS);
	pg_arrays_release(effects->gone_clocks, CLOCK_DELETE_N_PARAMS);
	kpi_sums_release(&effects->sums);
	buf_release(&effects->json);
}

static void start_piece(struct pg_effects *effects)
{
	static const unsigned cycle_keys[CYCLE_DELETE_N_PARAMS] = {
	        [CYCLE_DELETE_PARAM_TICKET_IDS] = PG_OID_TEXT, [CYCLE_DELETE_PARAM_CYCLES] = PG_OID_INT4};
	static const unsigned clock_keys[CLOCK_DELETE_N_PARAMS] = {[CLOCK_DELETE_PARAM_TICKET_IDS] = PG_OID_TEXT,
	                                                           [CLOCK_DELETE_PARAM_TARGETS] = PG_OID_INT4,
	                                                           [CLOCK_DELETE_PARAM_NS] = PG_OID_INT4};
	const unsigned *types = effects->row_types;
	pg_array_start(&effects->tickets, types[PG_ROW_TICKET]);
	pg_array_start(&effects->new_tickets, types[PG_ROW_TICKET]);
	pg_array_start(&effects->new_alerts, types[PG_ROW_ALERT]);
	pg_array_start(&effects->cycles, types[PG_ROW_PAST_CYCLE]);
	pg_arrays_start(effects->gone_cycles, cycle_keys, CYCLE_DELETE_N_PARAMS);
	pg_array_start(&effects->clocks, types[PG_ROW_SLA_CLOCK]);
	pg_array_start(&effects->idle_clocks, types[PG_ROW_SLA_CLOCK]);
	pg_arrays_start(effects->gone_clocks, clock_keys, CLOCK_DELETE_N_PARAMS);
	pg_array_start(&effects->alerts, types[PG_ROW_ALERT]);
	pg_array_start(&effects->voided_alerts, PG_OID_TEXT);
}

void pg_effects_start(struct pg_effects *effects, struct pg_session *session, const struct write_order *order,
                      bool inserts, int64_t new_kpis_after_us)
{
	effects->inserts = inserts;
	effects->new_kpis_after_us = inserts ? new_kpis_after_us : INT64_MAX;
	effects->session = session;
	effects->row_types = pg_session_row_types(session);
	effects->order = order;
	kpi_sums_clear(&effects->sums);
	effects->kpis = NULL;
	effects->n_kpis = effects->n_kpis_sent = 0;
	effects->beyond_columns = false;
	effects->first_fires_us = TIME_FOR_EVER;
	start_piece(effects);
	pg_array_start(&effects->dead_letters, effects->row_types[PG_ROW_DEAD_LETTER]);
	for (size_t i = 0; i < order->batch->n_dead_letters; i++)
		put_dead_letter(effects, &order->batch->dead_letters[i], TEXT_ABSENT);
}

void pg_effects_start_rows(struct pg_effects *effects, const unsigned *row_types, const struct write_order *order)
{
	effects->row_types = row_types;
	effects->order = order;
	start_piece(effects);
}

struct batch_sink pg_effects_sink(struct pg_effects *effects)
{
	return (struct batch_sink){
	        .context = effects,
	        .ticket = put_ticket,
	        .cycle_put = put_cycle,
	        .cycle_delete = delete_cycle,
	        .clock_put = put_clock,
	        .clock_delete = delete_clock,
	        .alert_put = put_alert,
	        .alert_void = void_alert,
	        .conflict = put_conflict,
	        .too_many = put_too_many,
	};
}

/* ---- sending ---- */

static void send_if_any(struct pg_effects *effects, const char *file, struct pg_array *arrays, int n, pg_result_fn fn,
                        void *context)
{
	if (arrays[0].n > 0)
		pg_arrays_query(effects->session, file, arrays, n, fn, context);
}

/* The types of the measures' columns. */
static const unsigned measure_oids[KPI_N_MEASURES] = {
#define OID_COUNT                                  PG_OID_INT4
#define OID_MILLIONTHS                             PG_OID_INT8
#define OID_MICROSECONDS                           PG_OID_NUMERIC
#define KPI_MEASURE(symbol, column, unit, comment) OID_##unit,
#include "kpid/core/kpi_measures.def"
#undef KPI_MEASURE
};

/* Most measures of a row are 0. */
bool pg_effects_put_kpi(struct pg_array *to, const struct kpi_row *row)
{
	bool fits = true;
	pg_row_start(to);
	pg_column_time(to, row->bucket_us);
	pg_column_text(to, row->agent_id);
	for (int i = 0; i < KPI_N_MEASURES; i++) {
		unsigned oid = measure_oids[i];
		kpi_sum sum = kpi_row_holds(row, (enum kpi_measure)i) ? kpi_row_sum(row, (enum kpi_measure)i) : 0;
		if (sum == 0) {
			pg_column_null(to, oid);
		} else if (oid == PG_OID_NUMERIC) {
			pg_column_numeric(to, sum);
		} else if (oid == PG_OID_INT8) {
			pg_column_int8(to, (int64_t)sum);
		} else {
			fits &= sum >= INT32_MIN && sum <= INT32_MAX;
			pg_column_int4(to, (int64_t)sum);
		}
	}
	pg_row_end(to);
	return fits;
}

bool pg_effects_send_kpis(struct pg_effects *effects, pg_result_fn fn, void *context)
{
	if (effects->kpis == NULL)
		effects->kpis = kpi_sums_sorted(&effects->sums, &effects->n_kpis);
	if (effects->n_kpis_sent == effects->n_kpis)
		return false;
	size_t end = effects->n_kpis_sent + ROWS_PER_STATEMENT;
	end = end < effects->n_kpis ? end : effects->n_kpis;
	bool is_new = effects->kpis[effects->n_kpis_sent]->bucket_us > effects->new_kpis_after_us;
	pg_array_start(&effects->rows, effects->row_types[PG_ROW_AGENT_KPI]);
	for (; effects->n_kpis_sent < end; effects->n_kpis_sent++) {
		const struct kpi_row *row = effects->kpis[effects->n_kpis_sent];
		if ((row->bucket_us > effects->new_kpis_after_us) != is_new)
			break;
		effects->beyond_columns |= !pg_effects_put_kpi(&effects->rows, row);
	}
	send_if_any(effects, is_new ? "queries/kpi_insert.sql" : "queries/kpi_add.sql", &effects->rows, 1, fn, context);
	return true;
}

int64_t pg_effects_latest_bucket_us(const struct pg_effects *effects)
{
	return effects->n_kpis_sent == 0 ? TIME_NONE : effects->kpis[effects->n_kpis_sent - 1]->bucket_us;
}

void pg_effects_put_backlog(struct pg_array *to, const struct batch_agent *agent)
{
	pg_row_start(to);
	pg_column_text(to, agent->agent_id);
	pg_column_int8(to, agent->backlog);
	pg_row_end(to);
}

static void send_backlog(struct pg_effects *effects, pg_result_fn fn, void *context)
{
	size_t n;
	struct batch_agent **agents = kpi_sums_backlog(&effects->sums, &n);
	pg_array_start(&effects->rows, effects->row_types[PG_ROW_AGENT_BACKLOG]);
	for (size_t i = 0; i < n; i++)
		pg_effects_put_backlog(&effects->rows, agents[i]);
	send_if_any(effects, "queries/backlog_add.sql", &effects->rows, 1, fn, context);
}

size_t pg_effects_size(const struct pg_effects *effects)
{
	return effects->cycles.buf.len_bytes + effects->clocks.buf.len_bytes + effects->idle_clocks.buf.len_bytes +
	       effects->alerts.buf.len_bytes + effects->new_alerts.buf.len_bytes + effects->voided_alerts.buf.len_bytes;
}

size_t pg_effects_send_tickets(struct pg_effects *effects, pg_result_fn fn, void *context)
{
	struct pg_effects *e = effects;
	size_t n = e->new_tickets.n + e->tickets.n;
	/* Two statements lock tickets in two orders. Writers that meet on tickets would deadlock, so they use one. */
	const char *file = e->inserts ? "queries/ticket_update.sql" : "queries/ticket_write.sql";
	send_if_any(e, "queries/ticket_insert.sql", &e->new_tickets, 1, fn, context);
	send_if_any(e, file, &e->tickets, 1, fn, context);
	return n;
}

void pg_effects_send_piece(struct pg_effects *effects, pg_result_fn fn, void *context)
{
	struct pg_effects *e = effects;
	send_if_any(e, "queries/cycle_delete.sql", e->gone_cycles, CYCLE_DELETE_N_PARAMS, fn, context);
	send_if_any(e, "queries/cycle_put.sql", &e->cycles, 1, fn, context);
	send_if_any(e, "queries/clock_delete.sql", e->gone_clocks, CLOCK_DELETE_N_PARAMS, fn, context);
	send_if_any(e, "queries/clock_put.sql", &e->clocks, 1, fn, context);
	send_if_any(e, "queries/clock_put_idle.sql", &e->idle_clocks, 1, fn, context);
	send_if_any(e, "queries/alert_insert.sql", &e->new_alerts, 1, fn, context);
	send_if_any(e, "queries/alert_put.sql", &e->alerts, 1, fn, context);
	send_if_any(e, "queries/alert_void.sql", &e->voided_alerts, 1, fn, context);
	start_piece(e);
}

static void send_mappings(const struct pg_effects *effects, pg_result_fn fn, void *context)
{
	static const unsigned types[MAPPING_USE_PUT_N_PARAMS] = {
	        [MAPPING_USE_PUT_PARAM_SOURCE_NOS] = PG_OID_INT4,
	        [MAPPING_USE_PUT_PARAM_MAPPINGS] = PG_OID_TEXT,
	        [MAPPING_USE_PUT_PARAM_VERSIONS] = PG_OID_TEXT,
	        [MAPPING_USE_PUT_PARAM_FROM_OFFSETS] = PG_OID_INT8,
	        [MAPPING_USE_PUT_PARAM_NS_RECORDS] = PG_OID_INT8,
	        [MAPPING_USE_PUT_PARAM_NS_EVENTS] = PG_OID_INT8,
	        [MAPPING_USE_PUT_PARAM_NS_SKIPPED] = PG_OID_INT8,
	        [MAPPING_USE_PUT_PARAM_NS_TOMBSTONES] = PG_OID_INT8,
	        [MAPPING_USE_PUT_PARAM_NS_REJECTED] = PG_OID_INT8,
	        [MAPPING_USE_PUT_PARAM_NS_FAILED_IN_ROW] = PG_OID_INT8,
	        [MAPPING_USE_PUT_PARAM_AT] = PG_OID_TIMESTAMPTZ,
	};
	const struct batch *batch = effects->order->batch;
	struct pg_array arrays[MAPPING_USE_PUT_N_PARAMS] = {0};
	if (batch->n_mappings == 0)
		return;
	pg_arrays_start(arrays, types, MAPPING_USE_PUT_N_PARAMS);
	for (size_t i = 0; i < batch->n_mappings; i++) {
		const struct batch_mapping *use = &batch->mappings[i];
		pg_array_int4(&arrays[MAPPING_USE_PUT_PARAM_SOURCE_NOS], use->source_no);
		pg_array_text(&arrays[MAPPING_USE_PUT_PARAM_MAPPINGS], use->mapping);
		pg_array_text(&arrays[MAPPING_USE_PUT_PARAM_VERSIONS], use->version);
		pg_array_int8(&arrays[MAPPING_USE_PUT_PARAM_FROM_OFFSETS], use->from_offset, false);
		pg_array_int8(&arrays[MAPPING_USE_PUT_PARAM_NS_RECORDS], use->n_records, false);
		pg_array_int8(&arrays[MAPPING_USE_PUT_PARAM_NS_EVENTS], use->n_events, false);
		pg_array_int8(&arrays[MAPPING_USE_PUT_PARAM_NS_SKIPPED], use->n_skipped, false);
		pg_array_int8(&arrays[MAPPING_USE_PUT_PARAM_NS_TOMBSTONES], use->n_tombstones, false);
		pg_array_int8(&arrays[MAPPING_USE_PUT_PARAM_NS_REJECTED], use->n_rejected, false);
		pg_array_int8(&arrays[MAPPING_USE_PUT_PARAM_NS_FAILED_IN_ROW], use->n_failed_in_row, false);
		pg_array_time(&arrays[MAPPING_USE_PUT_PARAM_AT], effects->order->now_us);
	}
	pg_arrays_query(effects->session, "queries/mapping_use_put.sql", arrays, MAPPING_USE_PUT_N_PARAMS, fn, context);
	pg_arrays_release(arrays, MAPPING_USE_PUT_N_PARAMS);
}

static void send_skips(const struct pg_effects *effects, pg_result_fn fn, void *context)
{
	static const unsigned types[MAPPING_SKIP_PUT_N_PARAMS] = {
	        [MAPPING_SKIP_PUT_PARAM_SOURCE_NOS] = PG_OID_INT4,
	        [MAPPING_SKIP_PUT_PARAM_MAPPINGS] = PG_OID_TEXT,
	        [MAPPING_SKIP_PUT_PARAM_REASONS] = PG_OID_TEXT,
	        [MAPPING_SKIP_PUT_PARAM_NS] = PG_OID_INT8,
	};
	const struct batch *batch = effects->order->batch;
	struct pg_array arrays[MAPPING_SKIP_PUT_N_PARAMS] = {0};
	if (batch->n_skips == 0)
		return;
	pg_arrays_start(arrays, types, MAPPING_SKIP_PUT_N_PARAMS);
	for (size_t i = 0; i < batch->n_skips; i++) {
		const struct batch_skip *skip = &batch->skips[i];
		pg_array_int4(&arrays[MAPPING_SKIP_PUT_PARAM_SOURCE_NOS], skip->source_no);
		pg_array_text(&arrays[MAPPING_SKIP_PUT_PARAM_MAPPINGS], skip->mapping);
		pg_array_text(&arrays[MAPPING_SKIP_PUT_PARAM_REASONS], skip->reason);
		pg_array_int8(&arrays[MAPPING_SKIP_PUT_PARAM_NS], skip->n, false);
	}
	pg_arrays_query(effects->session, "queries/mapping_skip_put.sql", arrays, MAPPING_SKIP_PUT_N_PARAMS, fn,
	                context);
	pg_arrays_release(arrays, MAPPING_SKIP_PUT_N_PARAMS);
}

/* M11 */
static void send_removals(const struct pg_effects *effects, pg_result_fn fn, void *context)
{
	const struct batch_tally *tally = &effects->order->batch->tally;
	struct pg_array source_nos = {.n = 0}, ns_events = {.n = 0};
	char drop_no[8], n_tickets[8], n_emptied[8];
	if (effects->order->drop_no == 0 || tally->n_removals == 0)
		return;
	pg_array_start(&source_nos, PG_OID_INT4);
	pg_array_start(&ns_events, PG_OID_INT8);
	for (size_t i = 0; i < tally->n_removals; i++) {
		pg_array_int4(&source_nos, tally->removals[i].source_no);
		pg_array_int8(&ns_events, tally->removals[i].n_events, false);
	}
	const struct pg_param params[SOURCE_DROP_NOTE_N_PARAMS] = {
	        [SOURCE_DROP_NOTE_PARAM_DROP_NO] = pg_param_int8(effects->order->drop_no, drop_no),
	        [SOURCE_DROP_NOTE_PARAM_N_TICKETS] = pg_param_int8((int64_t)tally->n_reduced, n_tickets),
	        [SOURCE_DROP_NOTE_PARAM_N_EMPTIED] = pg_param_int8((int64_t)tally->n_emptied, n_emptied),
	        [SOURCE_DROP_NOTE_PARAM_SOURCE_NOS] = pg_array_param(&source_nos),
	        [SOURCE_DROP_NOTE_PARAM_NS_EVENTS] = pg_array_param(&ns_events),
	};
	pg_session_query(effects->session, "queries/source_drop_note.sql", params, SOURCE_DROP_NOTE_N_PARAMS, fn,
	                 context);
	pg_array_release(&source_nos);
	pg_array_release(&ns_events);
}

void pg_effects_send_rest(struct pg_effects *effects, pg_result_fn fn, void *context)
{
	struct pg_effects *e = effects;
	send_backlog(e, fn, context);
	send_if_any(e, "queries/dead_letter_put.sql", &e->dead_letters, 1, fn, context);
	send_mappings(e, fn, context);
	send_skips(e, fn, context);
	send_removals(e, fn, context);
}
