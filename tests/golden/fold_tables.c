/* Messages, a policy file and as_of -> the tables of the report as CSV, computed by the pure core alone. Writes
 * the same files as tests/recompute/recompute, so that `differential` can compare them. */
#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "adapters/zone/zone.h"
#include "kpid/base/buf.h"
#include "kpid/base/memory.h"
#include "kpid/core/alert.h"
#include "kpid/core/duration.h"
#include "kpid/core/ticket.h"
#include "kpid/core/wire.h"

struct arguments {
	const char *policy_path, *out_dir;
	int64_t as_of_us, read_at_us, fcr_window_us;
	struct text shadow[64];
	size_t n_shadow;
};

/* One message that is an event, in the order of reading. */
struct item {
	struct ticket_event event;
	struct text canonical, topic;
	size_t no;
};

struct letter {
	struct text topic; /* its partition is 0, as `generate` assumes */
	int64_t offset;
	enum dead_letter_reason reason;
};

struct counts {
	size_t messages, tombstones, unknown_type, duplicates, applied;
	size_t dead[DEAD_N_REASONS];
};

struct line {
	char *text;
	struct text key;
};

/* Rows of one CSV file, sorted before they are written. */
struct table {
	struct line *lines;
	size_t n, capacity;
};

struct backlog {
	struct text agent_id;
};

struct tables {
	struct arena arena; /* owns every text */
	struct item *items;
	size_t n_items, items_capacity;
	struct letter *letters;
	size_t n_letters, letters_capacity;
	struct kpi_entry *kpis;
	size_t n_kpis, kpis_capacity;
	struct backlog *backlog;
	size_t n_backlog, backlog_capacity;
	struct table alerts;
	struct counts counts;
	FILE *ticket, *cycle, *live;
};

static void die(const char *what, const char *name)
{
	fprintf(stderr, "fold_tables: %s: %s\n", name, what);
	exit(2);
}

/* --- CSV: NULL is empty, the empty text is "" --- */

static bool needs_quotes(struct text t)
{
	if (t.len == 0)
		return true;
	for (uint32_t i = 0; i < t.len; i++)
		if (strchr(",\"\r\n", t.ptr[i]) != NULL && t.ptr[i] != '\0')
			return true;
	return false;
}

static void put_text(FILE *out, struct text t)
{
	if (text_is_absent(t))
		return;
	if (!needs_quotes(t)) {
		fwrite(t.ptr, 1, t.len, out);
		return;
	}
	fputc('"', out);
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] == '"')
			fputc('"', out);
		fputc(t.ptr[i], out);
	}
	fputc('"', out);
}

/* A text that is followed by another column. */
static void cell(FILE *out, struct text t)
{
	put_text(out, t);
	fputc(',', out);
}

static void cell_word(FILE *out, const char *word)
{
	cell(out, text_of(word));
}

/* INT64_MIN is both TIME_NONE and SCORE_ABSENT. */
static void put_number(FILE *out, int64_t number)
{
	if (number != INT64_MIN)
		fprintf(out, "%" PRId64, number);
}

static void cell_number(FILE *out, int64_t number)
{
	put_number(out, number);
	fputc(',', out);
}

static FILE *create(const struct arguments *arguments, const char *name)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", arguments->out_dir, name);
	FILE *out = fopen(path, "wb");
	if (out == NULL)
		die("cannot write", path);
	return out;
}

static void close_file(FILE *out)
{
	if (fclose(out) != 0)
		die("cannot write", "a table");
}

/* --- rows of one ticket --- */

static void put_ticket(FILE *out, struct text ticket_id, const struct ticket *t)
{
	const struct ticket_cycle *cycle = t->n_cycles == 0 ? NULL : &t->cycles[t->n_cycles - 1];
	cell(out, ticket_id);
	for (int i = 0; i < EVENT_N_ATTRIBUTES; i++)
		cell(out, t->attributes[i]);
	cell(out, t->owner_id);
	cell(out, t->first_owner_id);
	cell(out, t->responder_id);
	cell(out, cycle == NULL ? TEXT_ABSENT : cycle->resolver_id);
	cell_number(out, t->opened_us);
	cell_number(out, t->first_response_us);
	cell_number(out, cycle == NULL ? TIME_NONE : cycle->resolved_us);
	cell_number(out, cycle == NULL ? TIME_NONE : cycle->closed_us);
	cell_word(out, ticket_state_name(t->state));
	cell_number(out, t->cycle);
	cell_number(out, t->reopen_count);
	cell_number(out, t->transfer_count);
	cell_number(out, t->first_response_due_us);
	cell_word(out, sla_verdict_name(t->first_response_verdict));
	cell_number(out, t->resolution_due_us);
	cell_word(out, sla_verdict_name(t->resolution_verdict));
	cell_number(out, t->csat_score_micros);
	cell_number(out, t->csat_scale_micros);
	cell(out, t->policy == NULL ? TEXT_ABSENT : t->policy->name);
	cell(out, t->revision == NULL ? TEXT_ABSENT : t->revision->id);
	cell_number(out, t->first_response_working_us);
	put_number(out, cycle == NULL ? TIME_NONE : cycle->working_us);
	fputc('\n', out);
}

static void put_cycles(FILE *out, struct text ticket_id, const struct ticket *t)
{
	for (size_t i = 0; i < t->n_cycles; i++) {
		const struct ticket_cycle *cycle = &t->cycles[i];
		cell(out, ticket_id);
		cell_number(out, cycle->cycle);
		cell_number(out, cycle->started_us);
		cell_number(out, cycle->resolved_us);
		cell_number(out, cycle->closed_us);
		cell(out, cycle->resolver_id);
		cell(out, cycle->closer_id);
		cell_word(out, resolution_name(cycle->resolution));
		cell_number(out, cycle->due_us);
		cell_word(out, sla_verdict_name(cycle->verdict));
		put_number(out, cycle->working_us);
		fputc('\n', out);
	}
}

static int compare_live(const void *a, const void *b)
{
	const struct sla_clock *x = *(const struct sla_clock *const *)a, *y = *(const struct sla_clock *const *)b;
	int order = strcmp(sla_target_name(x->target), sla_target_name(y->target));
	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static const char *live_state(const struct sla_clock *clock, int64_t as_of_us)
{
	if (clock->verdict == VERDICT_BREACHED)
		return "breached";
	if (clock->paused)
		return "paused";
	return clock->at_risk_us != TIME_NONE && clock->at_risk_us <= as_of_us ? "at_risk" : "pending";
}

static void put_live(FILE *out, struct text ticket_id, const struct ticket *t, int64_t as_of_us, struct arena *arena)
{
	const struct sla_clock **clocks = arena_alloc(arena, t->n_clocks * sizeof(*clocks));
	size_t n = 0;
	for (size_t i = 0; i < t->n_clocks; i++)
		if (!t->clocks[i].stopped && t->clocks[i].verdict != VERDICT_NONE)
			clocks[n++] = &t->clocks[i];
	qsort(clocks, n, sizeof(*clocks), compare_live);
	for (size_t i = 0; i < n; i++) {
		cell(out, ticket_id);
		cell_word(out, sla_target_name(clocks[i]->target));
		cell_number(out, clocks[i]->n);
		cell_number(out, clocks[i]->due_us);
		cell_word(out, live_state(clocks[i], as_of_us));
		put_text(out, t->owner_id);
		fputc('\n', out);
	}
}

static bool is_shadow(const struct arguments *arguments, struct text project_id)
{
	for (size_t i = 0; i < arguments->n_shadow; i++)
		if (text_equal(arguments->shadow[i], project_id))
			return true;
	return false;
}

static void put_alert(FILE *out, const char *id, const struct alert *alert, const struct arguments *arguments)
{
	cell_word(out, id);
	cell(out, alert->ticket_id);
	cell_word(out, sla_target_name(alert->target));
	cell_number(out, alert->n);
	cell_word(out, alert_state_name(alert->state));
	cell_number(out, alert->level);
	cell_number(out, alert->due_us);
	cell_number(out, alert->breached_us);
	cell_word(out, alert->breached_us == TIME_NONE ? NULL : breach_cause_name(alert->cause));
	cell(out, alert->owner_at_breach);
	cell(out, alert->project_id);
	cell(out, alert->policy);
	cell(out, alert->policy_version);
	cell_number(out, alert->resolved_us);
	fputs(is_shadow(arguments, alert->project_id) ? "shadow\n" : "normal\n", out);
}

static void add_alert(struct tables *tables, const struct alert *alert, const struct arguments *arguments)
{
	struct table *table = &tables->alerts;
	table->lines = mem_grow(table->lines, &table->capacity, table->n + 1, sizeof(*table->lines));
	char id[ALERT_ID_BYTES];
	alert_id(alert->ticket_id, alert->target, alert->n, id);
	struct line *line = &table->lines[table->n++];
	size_t len = 0;
	FILE *out = open_memstream(&line->text, &len);
	put_alert(out, id, alert, arguments);
	fclose(out);
	line->key = (struct text){line->text, ALERT_ID_BYTES - 1};
}

static int compare_lines(const void *a, const void *b)
{
	return text_compare(((const struct line *)a)->key, ((const struct line *)b)->key);
}

static void fold_one(struct tables *tables, const struct arguments *arguments, const struct fold_rules *rules,
                     const struct ticket_event *const *events, size_t n)
{
	struct text ticket_id = events[0]->ticket_id;
	struct ticket ticket;
	ticket_fold(events, n, rules, NULL, arguments->as_of_us, NULL, &tables->arena, &ticket);
	put_ticket(tables->ticket, ticket_id, &ticket);
	put_cycles(tables->cycle, ticket_id, &ticket);
	put_live(tables->live, ticket_id, &ticket, arguments->as_of_us, &tables->arena);
	for (size_t i = 0; i < ticket.n_clocks; i++) {
		struct alert alert;
		if (alert_of_clock(ticket_id, &ticket, &ticket.clocks[i], &alert))
			add_alert(tables, &alert, arguments);
	}
	tables->kpis =
	        mem_grow(tables->kpis, &tables->kpis_capacity, tables->n_kpis + ticket.n_kpis, sizeof(*tables->kpis));
	for (size_t i = 0; i < ticket.n_kpis; i++)
		tables->kpis[tables->n_kpis++] = ticket.kpis[i];
	if (ticket.state == TICKET_OPEN || ticket.state == TICKET_PAUSED) {
		tables->backlog = mem_grow(tables->backlog, &tables->backlog_capacity, tables->n_backlog + 1,
		                           sizeof(*tables->backlog));
		tables->backlog[tables->n_backlog++].agent_id = ticket.owner_id;
	}
}

/* --- reading: E1, E2 --- */

static void add_letter(struct tables *tables, struct text topic, int64_t offset, enum dead_letter_reason reason)
{
	tables->letters =
	        mem_grow(tables->letters, &tables->letters_capacity, tables->n_letters + 1, sizeof(*tables->letters));
	tables->letters[tables->n_letters++] = (struct letter){topic, offset, reason};
	tables->counts.dead[reason]++;
}

static void add_event(struct tables *tables, const struct ticket_event *event, struct text topic)
{
	struct buf canonical = BUF_INIT;
	ticket_event_canonical(event, &canonical);
	tables->items = mem_grow(tables->items, &tables->items_capacity, tables->n_items + 1, sizeof(*tables->items));
	tables->items[tables->n_items] = (struct item){
	        .event = *event,
	        .canonical = arena_text(&tables->arena, buf_text(&canonical)),
	        .topic = topic,
	        .no = tables->n_items,
	};
	tables->n_items++;
	buf_release(&canonical);
}

static void read_message(struct tables *tables, const struct wire_message *message, int64_t read_at_us)
{
	struct ticket_event event;
	struct wire_rejection rejection;
	tables->counts.messages++;
	switch (wire_parse(message, read_at_us, &tables->arena, &event, &rejection)) {
	case WIRE_EVENT:
		event.source_offset = message->offset;
		add_event(tables, &event, message->topic);
		break;
	case WIRE_TOMBSTONE:
		tables->counts.tombstones++;
		break;
	case WIRE_UNKNOWN_TYPE:
		tables->counts.unknown_type++;
		break;
	case WIRE_REJECTED:
		add_letter(tables, message->topic, message->offset, rejection.reason);
		break;
	}
}

/* A line as kpid ingest reads it: without its end, a preceding carriage return, and a byte-order mark. */
static struct text line_of(const char *line, size_t len)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	enum { MARK_BYTES = sizeof(byte_order_mark) - 1 };
	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	size_t from = len >= MARK_BYTES && memcmp(line, byte_order_mark, MARK_BYTES) == 0 ? MARK_BYTES : 0;
	return (struct text){line + from, (uint32_t)(len - from)};
}

static bool is_blank(struct text line)
{
	for (uint32_t i = 0; i < line.len; i++)
		if (strchr(" \t\r", line.ptr[i]) == NULL || line.ptr[i] == '\0')
			return false;
	return true;
}

/* One message value per line; a blank line takes an offset but is no message. */
static void read_ndjson(struct tables *tables, FILE *in, const char *name, int64_t read_at_us)
{
	struct buf topic = BUF_INIT;
	buf_add_format(&topic, "ingest:%s", name);
	struct wire_message message = {
	        .topic = arena_text(&tables->arena, buf_text(&topic)),
	        .topic_type = EVENT_TYPE_NONE,
	};
	buf_release(&topic);
	char *line = NULL;
	size_t capacity = 0;
	ssize_t got;
	for (; (got = getline(&line, &capacity, in)) >= 0; message.offset++) {
		struct text value = line_of(line, (size_t)got);
		if (is_blank(value))
			continue;
		message.value = arena_text(&tables->arena, value);
		read_message(tables, &message, read_at_us);
	}
	free(line);
}

/* --- whole Kafka messages: {"topic", "partition", "offset", "headers": [[name, value]], "value_b64"} --- */

static struct text text_in(struct tables *tables, const json_t *string)
{
	struct text text = {json_string_value(string), (uint32_t)json_string_length(string)};
	return arena_text(&tables->arena, text);
}

static struct text decoded(struct tables *tables, const json_t *base64)
{
	int len = (int)json_string_length(base64);
	const char *text = json_string_value(base64);
	if (text == NULL)
		return TEXT_ABSENT;
	unsigned char *bytes = arena_alloc(&tables->arena, (size_t)len + 1);
	int n = len == 0 ? 0 : EVP_DecodeBlock(bytes, (const unsigned char *)text, len);
	for (int i = len - 1; i >= 0 && text[i] == '='; i--)
		n--; /* it writes a NUL for each */
	return (struct text){(const char *)bytes, (uint32_t)n};
}

static enum event_type type_of_topic(struct text topic)
{
	if (text_equal(topic, TEXT("ticket-opened")))
		return EVENT_OPENED;
	if (text_equal(topic, TEXT("ticket-closed")))
		return EVENT_CLOSED;
	return text_equal(topic, TEXT("survey")) ? EVENT_SURVEY : EVENT_TYPE_NONE;
}

static void read_kafka_message(struct tables *tables, const json_t *row, int64_t read_at_us)
{
	const json_t *given = json_object_get(row, "headers");
	size_t n_headers = json_array_size(given);
	struct wire_header *headers = arena_alloc(&tables->arena, n_headers * sizeof(*headers));
	for (size_t i = 0; i < n_headers; i++) {
		const json_t *header = json_array_get(given, i);
		headers[i].name = text_in(tables, json_array_get(header, 0));
		headers[i].value = text_in(tables, json_array_get(header, 1));
	}
	struct wire_message message = {
	        .value = decoded(tables, json_object_get(row, "value_b64")),
	        .headers = headers,
	        .n_headers = n_headers,
	        .topic = text_in(tables, json_object_get(row, "topic")),
	        .partition = (int32_t)json_integer_value(json_object_get(row, "partition")),
	        .offset = json_integer_value(json_object_get(row, "offset")),
	};
	message.topic_type = type_of_topic(message.topic);
	read_message(tables, &message, read_at_us);
}

static void read_msgs(struct tables *tables, FILE *in, const char *name, int64_t read_at_us)
{
	for (int c; (c = getc(in)) != EOF;) {
		if (c == '\n')
			continue;
		ungetc(c, in);
		json_t *row = json_loadf(in, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);
		if (row == NULL)
			die("not lines of JSON", name);
		read_kafka_message(tables, row, read_at_us);
		json_decref(row);
	}
}

static void read_file(struct tables *tables, const char *path, int64_t read_at_us)
{
	FILE *in = fopen(path, "rb");
	if (in == NULL)
		die("cannot read", path);
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	const char *dot = strrchr(name, '.');
	if (dot != NULL && strcmp(dot, ".msgs") == 0)
		read_msgs(tables, in, name, read_at_us);
	else
		read_ndjson(tables, in, name, read_at_us);
	fclose(in);
}

static bool same_identity(const struct item *a, const struct item *b)
{
	return text_equal(a->event.ticket_id, b->event.ticket_id) && ticket_event_same_identity(&a->event, &b->event);
}

/* By ticket, identity, content, and order of reading. */
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = text_compare(x->event.ticket_id, y->event.ticket_id);
	if (order == 0)
		order = text_compare(x->event.source, y->event.source);
	if (order == 0)
		order = text_compare(x->event.id, y->event.id);
	if (order == 0)
		order = text_compare(x->canonical, y->canonical);
	return order != 0 ? order : (x->no > y->no) - (x->no < y->no);
}

/* Keeps one item for each identity, that with the smallest content. */
static void settle_identities(struct tables *tables)
{
	if (tables->n_items > 1)
		qsort(tables->items, tables->n_items, sizeof(*tables->items), compare_items);
	size_t n = 0;
	struct text content = TEXT_ABSENT;
	for (size_t i = 0; i < tables->n_items; i++) {
		struct item *item = &tables->items[i];
		bool is_new = n == 0 || !same_identity(&tables->items[n - 1], item);
		bool is_same = !is_new && text_equal(content, item->canonical);
		if (!is_new)
			assert(ticket_event_same_content(&tables->items[n - 1].event, &item->event) ==
			       text_equal(tables->items[n - 1].canonical, item->canonical));
		if (is_same)
			tables->counts.duplicates++;
		else if (!is_new)
			add_letter(tables, item->topic, item->event.source_offset, DEAD_ID_CONFLICT);
		content = item->canonical;
		if (is_new)
			tables->items[n++] = *item;
	}
	tables->n_items = tables->counts.applied = n;
}

static int compare_events(const void *a, const void *b)
{
	return ticket_event_order(*(const struct ticket_event *const *)a, *(const struct ticket_event *const *)b);
}

static void fold_all(struct tables *tables, const struct arguments *arguments, const struct fold_rules *rules)
{
	const struct ticket_event **events = mem_alloc((tables->n_items + 1) * sizeof(*events));
	for (size_t i = 0, n; i < tables->n_items; i += n) {
		for (n = 0; i + n < tables->n_items; n++) {
			events[n] = &tables->items[i + n].event;
			if (!text_equal(events[n]->ticket_id, events[0]->ticket_id))
				break;
		}
		qsort(events, n, sizeof(*events), compare_events);
		fold_one(tables, arguments, rules, events, n);
	}
	free(events);
}

/* --- the tables that are sums --- */

static int compare_kpis(const void *a, const void *b)
{
	const struct kpi_entry *x = a, *y = b;
	int order = text_compare(x->agent_id, y->agent_id);
	return order != 0 ? order : (x->bucket_us > y->bucket_us) - (x->bucket_us < y->bucket_us);
}

static void put_kpi_row(FILE *out, const struct kpi_entry *key, const int64_t sums[KPI_N_MEASURES])
{
	bool any = false;
	for (int i = 0; i < KPI_N_MEASURES; i++)
		any |= sums[i] != 0;
	if (!any)
		return;
	cell(out, key->agent_id);
	put_number(out, key->bucket_us);
	for (int i = 0; i < KPI_N_MEASURES; i++)
		fprintf(out, ",%" PRId64, sums[i]);
	fputc('\n', out);
}

static void write_kpis(struct tables *tables, const struct arguments *arguments)
{
	FILE *out = create(arguments, "agent_kpi_5m.csv");
	fputs("agent_id,time", out);
	for (int i = 0; i < KPI_N_MEASURES; i++)
		fprintf(out, ",%s", kpi_measure_name((enum kpi_measure)i));
	fputc('\n', out);
	if (tables->n_kpis > 1)
		qsort(tables->kpis, tables->n_kpis, sizeof(*tables->kpis), compare_kpis);
	for (size_t i = 0; i < tables->n_kpis;) {
		const struct kpi_entry *key = &tables->kpis[i];
		int64_t sums[KPI_N_MEASURES] = {0};
		for (; i < tables->n_kpis && compare_kpis(key, &tables->kpis[i]) == 0; i++)
			sums[tables->kpis[i].measure] += tables->kpis[i].value;
		put_kpi_row(out, key, sums);
	}
	close_file(out);
}

static int compare_backlog(const void *a, const void *b)
{
	return text_compare(((const struct backlog *)a)->agent_id, ((const struct backlog *)b)->agent_id);
}

static void write_backlog(struct tables *tables, const struct arguments *arguments)
{
	FILE *out = create(arguments, "backlog.csv");
	fputs("agent_id,backlog\n", out);
	if (tables->n_backlog > 1)
		qsort(tables->backlog, tables->n_backlog, sizeof(*tables->backlog), compare_backlog);
	for (size_t i = 0, n; i < tables->n_backlog; i += n) {
		struct text agent = tables->backlog[i].agent_id;
		for (n = 1; i + n < tables->n_backlog && text_same(tables->backlog[i + n].agent_id, agent); n++)
			continue;
		cell(out, text_is_empty(agent) ? TEXT("") : agent);
		fprintf(out, "%zu\n", n);
	}
	close_file(out);
}

static void write_alerts(struct tables *tables, const struct arguments *arguments)
{
	FILE *out = create(arguments, "alert.csv");
	fputs("alert_id,ticket_id,target,n,state,level,due_at,breached_at,cause,owner_at_breach,project_id,policy,"
	      "policy_version,resolved_at,delivery\n",
	      out);
	struct table *table = &tables->alerts;
	if (table->n > 1)
		qsort(table->lines, table->n, sizeof(*table->lines), compare_lines);
	for (size_t i = 0; i < table->n; i++) {
		fputs(table->lines[i].text, out);
		free(table->lines[i].text);
	}
	free(table->lines);
	close_file(out);
}

static int compare_letters(const void *a, const void *b)
{
	const struct letter *x = a, *y = b;
	int order = text_compare(x->topic, y->topic);
	return order != 0 ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

static void write_letters(struct tables *tables, const struct arguments *arguments)
{
	FILE *out = create(arguments, "dead_letter.csv");
	fputs("topic,partition,offset,reason\n", out);
	if (tables->n_letters > 1)
		qsort(tables->letters, tables->n_letters, sizeof(*tables->letters), compare_letters);
	for (size_t i = 0; i < tables->n_letters; i++) {
		cell(out, tables->letters[i].topic);
		fprintf(out, "0,%" PRId64 ",%s\n", tables->letters[i].offset,
		        dead_letter_reason_name(tables->letters[i].reason));
	}
	close_file(out);
}

static void write_counts(const struct tables *tables, const struct arguments *arguments)
{
	/* those of events; the others are of records that a mapping reads */
	static const enum dead_letter_reason by_name[] = {
	        DEAD_BAD_TIME,      DEAD_BAD_VALUE, DEAD_FUTURE,   DEAD_ID_CONFLICT, DEAD_MISSING_FIELD,
	        DEAD_NOT_AN_OBJECT, DEAD_NOT_JSON,  DEAD_TOO_DEEP, DEAD_TOO_LARGE,   DEAD_TOO_MANY,
	};
	const struct counts *counts = &tables->counts;
	FILE *out = create(arguments, "counts.json");
	fprintf(out, "{\n  \"applied\": %zu,\n  \"dead_letters\": {\n", counts->applied);
	const size_t n_reasons = sizeof(by_name) / sizeof(by_name[0]);
	for (size_t i = 0; i < n_reasons; i++)
		fprintf(out, "    \"%s\": %zu%s\n", dead_letter_reason_name(by_name[i]), counts->dead[by_name[i]],
		        i + 1 < n_reasons ? "," : "");
	fprintf(out,
	        "  },\n  \"duplicates\": %zu,\n  \"messages\": %zu,\n  \"tombstones\": %zu,\n  \"unknown_type\": "
	        "%zu\n}\n",
	        counts->duplicates, counts->messages, counts->tombstones, counts->unknown_type);
	close_file(out);
}

/* --- the command line --- */

static const char usage[] =
        "usage: fold_tables [--policy FILE] [--shadow PROJECT,...] [--fcr-window DURATION] [--read-at TIME]\n"
        "                   --as-of TIME --out DIR FILE.ndjson|FILE.msgs...\n";

static int64_t time_argument(const char *value)
{
	int64_t us;
	if (!timestamp_parse(text_of(value), &us))
		die("not a time", value);
	return us;
}

static void shadow_argument(char *value, struct arguments *arguments)
{
	for (char *rest, *name = strtok_r(value, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
		if (arguments->n_shadow == sizeof(arguments->shadow) / sizeof(arguments->shadow[0]))
			die("too many projects", name);
		arguments->shadow[arguments->n_shadow++] = text_of(name);
	}
}

static void parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
	        {"policy", required_argument, NULL, 'p'},
	        {"shadow", required_argument, NULL, 's'},
	        {"fcr-window", required_argument, NULL, 'f'},
	        {"read-at", required_argument, NULL, 'r'},
	        {"as-of", required_argument, NULL, 'a'},
	        {"out", required_argument, NULL, 'o'},
	        {NULL, 0, NULL, 0},
	};
	*arguments = (struct arguments){
	        .as_of_us = TIME_NONE,
	        .read_at_us = (int64_t)time(NULL) * US_PER_SECOND,
	        .fcr_window_us = 7 * US_PER_DAY,
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'p':
			arguments->policy_path = optarg;
			break;
		case 's':
			shadow_argument(optarg, arguments);
			break;
		case 'f':
			if (duration_parse(text_of(optarg), 0, &arguments->fcr_window_us) != DURATION_OK)
				die("not a duration", optarg);
			break;
		case 'r':
			arguments->read_at_us = time_argument(optarg);
			break;
		case 'a':
			arguments->as_of_us = time_argument(optarg);
			break;
		case 'o':
			arguments->out_dir = optarg;
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (arguments->as_of_us == TIME_NONE || arguments->out_dir == NULL || optind == argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

static struct policy_set *load_policies(const char *path)
{
	if (path == NULL)
		return policy_set_empty();
	FILE *in = fopen(path, "rb");
	if (in == NULL)
		die("cannot read", path);
	struct buf json = BUF_INIT;
	char chunk[4096];
	for (size_t got; (got = fread(chunk, 1, sizeof(chunk), in)) > 0;)
		buf_add(&json, chunk, got);
	fclose(in);
	struct file_errors errors;
	struct policy_set *set = policy_set_parse(buf_text(&json), zone_find, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%s:%d: %.*s: %.*s\n", path, errors.items[i].line, (int)errors.items[i].path.len,
		        errors.items[i].path.ptr, (int)errors.items[i].message.len, errors.items[i].message.ptr);
	file_errors_release(&errors);
	buf_release(&json);
	if (set == NULL)
		die("errors in the policy file", path);
	return set;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	parse_arguments(argc, argv, &arguments);
	struct policy_set *policies = load_policies(arguments.policy_path);
	struct fold_rules rules = {policies, arguments.fcr_window_us};
	struct tables tables = {.n_items = 0};
	arena_init(&tables.arena);
	for (int i = optind; i < argc; i++)
		read_file(&tables, argv[i], arguments.read_at_us);
	settle_identities(&tables);

	mkdir(arguments.out_dir, 0777); /* it may exist; create() fails if it does not */
	tables.ticket = create(&arguments, "ticket.csv");
	tables.cycle = create(&arguments, "ticket_cycle.csv");
	tables.live = create(&arguments, "sla_live.csv");
	fputs("ticket_id,project_id,channel,category,priority,team_id,requester_ref,agent_id,first_owner_id,responder_"
	      "id,"
	      "resolver_id,opened_at,first_response_at,resolved_at,closed_at,state,cycle,reopen_count,transfer_count,"
	      "first_response_due_at,first_response_verdict,resolution_due_at,resolution_verdict,csat_score_micros,"
	      "csat_scale_max_micros,policy,policy_version,first_response_working_us,resolution_working_us\n",
	      tables.ticket);
	fputs("ticket_id,cycle,started_at,resolved_at,closed_at,resolver_id,closer_id,resolution,due_at,verdict,"
	      "working_us\n",
	      tables.cycle);
	fputs("ticket_id,target,n,due_at,state,owner\n", tables.live);
	fold_all(&tables, &arguments, &rules);
	close_file(tables.ticket);
	close_file(tables.cycle);
	close_file(tables.live);
	write_kpis(&tables, &arguments);
	write_backlog(&tables, &arguments);
	write_alerts(&tables, &arguments);
	write_letters(&tables, &arguments);
	write_counts(&tables, &arguments);

	free(tables.items);
	free(tables.letters);
	free(tables.kpis);
	free(tables.backlog);
	arena_release(&tables.arena);
	policy_set_free(policies);
	return 0;
}
