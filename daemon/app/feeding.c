#include "app/feeding.h"

static struct batch_source *progress_of(const struct feeding *feeding)
{
	return batch_source(feeding->batch, feeding->source->source_no, feeding->source->next_offset);
}

static void add_letter(const struct feeding *feeding, struct text value, enum dead_letter_reason reason,
                       const char *detail)
{
	const struct wire_message *message = feeding->message;
	const struct intake *intake = feeding->intake;
	struct batch_dead_letter letter = {
	        .source_no = feeding->source->source_no,
	        .topic = message->topic,
	        .partition = message->partition,
	        .offset = message->offset,
	        .reason = reason,
	        .detail = detail,
	        .value = value,
	        .headers = message->headers,
	        .n_headers = message->n_headers,
	};
	if (intake != NULL && intake->form == INTAKE_MAP) {
		letter.mapping = text_of(intake->name);
		letter.mapping_version = text_of(mapping_version(intake->mapping));
	}
	progress_of(feeding)->n_dead_letters++;
	batch_add_dead_letter(feeding->batch, &letter);
}

/* Whether this belongs to another shard, which is counted. ticket_id: absent for what names no ticket. */
static bool pass_over(const struct feeding *feeding, struct text ticket_id)
{
	bool passes = !shard_has_ticket(&feeding->shard, ticket_id);
	if (passes)
		progress_of(feeding)->n_passed_over++;
	return passes;
}

static void add_event(void *context, const struct ticket_event *read)
{
	struct feeding *feeding = context;
	struct batch *batch = feeding->batch;
	feeding->n_counted++;
	if (pass_over(feeding, read->ticket_id))
		return;
	struct batch_source *progress = progress_of(feeding);
	struct ticket_event event = *read;
	event.source_no = feeding->source->source_no;
	event.source_offset = feeding->message->offset;
	if (event.occurred_us > progress->last_event_us)
		progress->last_event_us = event.occurred_us;
	watermark_event(&feeding->source->watermark, event.source, event.occurred_us, feeding->appended_us);
	batch_add_event(batch, &event);
	if (feeding->appended_us != TIME_FOR_EVER)
		arrivals_add(&batch->arrivals, feeding->source->source_no, feeding->appended_us, feeding->now_us);
}

/* A record without events: a tombstone, or one that the mapping skips. */
static void pass_record(void *context, const char *reason)
{
	struct feeding *feeding = context;
	const struct intake *intake = feeding->intake;
	feeding->n_counted++;
	if (pass_over(feeding, TEXT_ABSENT))
		return;
	if (reason != NULL)
		batch_add_skip(feeding->batch, feeding->source->source_no, text_of(intake->name), text_of(reason));
	progress_of(feeding)->n_tombstones++;
}

/* The other shards may have read the record at another moment, and accepted it: then each of them counts on the others
 * to do the same. So a rejection that time decides becomes a dead letter wherever it happens. */
static bool depends_on_time(enum dead_letter_reason reason)
{
	return reason == DEAD_FUTURE || reason == DEAD_MAP_LIMIT;
}

static void reject_record(void *context, struct text record, enum dead_letter_reason reason, const char *detail)
{
	enum { MOST_BYTES = 65536 }; /* of a record in its letter (M7) */
	struct feeding *feeding = context;
	feeding->n_counted++;
	if (!depends_on_time(reason) && pass_over(feeding, TEXT_ABSENT))
		return;
	if (record.len > MOST_BYTES)
		record.len = MOST_BYTES;
	add_letter(feeding, record, reason, detail);
}

/* Messages of kpid's own form: one event each. */
static void read_message(struct feeding *feeding, struct arena *arena)
{
	struct ticket_event event;
	struct wire_rejection rejection;
	if (shard_filters_tickets(&feeding->shard) && pass_over(feeding, wire_ticket(feeding->message, arena)))
		return;
	switch (wire_parse(feeding->message, feeding->now_us, arena, &event, &rejection)) {
	case WIRE_EVENT:
		add_event(feeding, &event);
		break;
	case WIRE_TOMBSTONE:
		progress_of(feeding)->n_tombstones++;
		break;
	case WIRE_UNKNOWN_TYPE:
		batch_add_unknown_type(feeding->batch, progress_of(feeding), text_of(rejection.detail));
		break;
	case WIRE_REJECTED:
		add_letter(feeding, feeding->message->value, rejection.reason, rejection.detail);
		break;
	}
}

/* Adds what the mapping did since `before` to the batch. */
static void add_use(const struct feeding *feeding, const struct intake_counts *before)
{
	const struct intake *intake = feeding->intake;
	const struct intake_counts *now = &intake->counts;
	struct batch_mapping use = {
	        .source_no = feeding->source->source_no,
	        .mapping = text_of(intake->name),
	        .version = text_of(mapping_version(intake->mapping)),
	        .from_offset = feeding->message->offset,
	        .n_records = now->n_records - before->n_records,
	        .n_events = now->n_events - before->n_events,
	        .n_skipped = now->n_skipped - before->n_skipped,
	        .n_tombstones = now->n_tombstones - before->n_tombstones,
	        .n_rejected = now->n_rejected - before->n_rejected,
	        .n_failed_in_row = now->n_failed_in_row,
	};
	batch_add_mapping(feeding->batch, &use);
}

bool feeding_read(struct feeding *feeding, struct arena *arena)
{
	struct intake *intake = feeding->intake;
	if (intake == NULL) {
		read_message(feeding, arena);
		return false;
	}
	const struct intake_sink sink = {add_event, pass_record, reject_record, feeding};
	const struct intake_counts before = intake->counts;
	bool more = intake_read(intake, feeding->message, feeding->now_us, &sink, &feeding->place);
	if (intake->form == INTAKE_MAP)
		add_use(feeding, &before);
	return more;
}
